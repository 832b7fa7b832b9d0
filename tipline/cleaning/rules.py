"""
The rules that Python and TypeScript share as data: `rules.json`.

What is *kept* is decided by the allow-lists. The lists of kinds decide only what a person is told:
a tag that stands in none of them goes all the same, as `Kind.OTHER`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from tipline.cleaning.plan import Kind

_RULES: Final[Mapping[str, Any]] = json.loads(
    resources.files("tipline.cleaning").joinpath("rules.json").read_text("ascii")
)

NUMBER: Final[int] = _RULES["number"]  # of the rules that are kept here; it grows with them


def _by_number(kinds: Mapping[str, list[Any]], base: int) -> Mapping[int, frozenset[Kind]]:
    numbers: dict[int, set[Kind]] = {}
    for kind, listed in kinds.items():
        for number in listed:
            numbers.setdefault(int(str(number), base), set()).add(Kind(kind))
    return {number: frozenset(found) for number, found in numbers.items()}


def _by_word(kinds: Mapping[str, list[str]]) -> Mapping[bytes, frozenset[Kind]]:
    words: dict[bytes, set[Kind]] = {}
    for kind, listed in kinds.items():
        for word in listed:
            words.setdefault(word.encode("ascii"), set()).add(Kind(kind))
    return {word: frozenset(found) for word, found in words.items()}


# By directory (image, exif, gps), then by tag.
EXIF_KINDS: Final = {name: _by_number(kinds, 16) for name, kinds in _RULES["exif"].items()}
# By dataset of record 2.
IPTC_KINDS: Final = _by_number(_RULES["iptc"], 10)
XMP_WORDS: Final = {
    Kind(kind): tuple(word.encode("ascii") for word in words)
    for kind, words in _RULES["xmp"].items()
}
PNG_KEPT: Final = frozenset(name.encode("ascii") for name in _RULES["png"]["kept"])
PNG_KINDS: Final = {
    name.encode("ascii"): frozenset(map(Kind, kinds))
    for name, kinds in _RULES["png"]["kinds"].items()
}
# By the name of a comment, in capital letters.
COMMENT_KINDS: Final = _by_word(_RULES["comments"])
# By the name of a frame of ID3.
ID3_KINDS: Final = _by_word(_RULES["id3"])
# By the name of an entry of LIST, of a chunk.
WAV_INFO_KINDS: Final = _by_word(_RULES["wav"]["info"])
WAV_CHUNK_KINDS: Final = _by_word(_RULES["wav"]["chunks"])
