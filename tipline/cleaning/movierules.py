"""
The rules for films and voice notes that Python and TypeScript share as data: `movie.json`.

Codecs that are kept are named with the configuration that each needs, if any. Words decide only
what a person is told: what goes, goes whatever its name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from tipline.cleaning.plan import Kind

MAX_LOOKED_AT_BYTES: Final = 64 * 1024  # of what goes; names stand at the front

_RULES: Final[Mapping[str, Any]] = json.loads(
    resources.files("tipline.cleaning").joinpath("movie.json").read_text("ascii")
)

# By group (video, audio), then by codec: the box of its configuration, None if it has none.
CODECS: Final[Mapping[str, Mapping[bytes, bytes | None]]] = {
    group: {
        codec.encode("ascii"): config.encode("ascii") or None
        for codec, config in _RULES["codecs"][group].items()
    }
    for group in ("video", "audio")
}
# Plain sound: how many bits a sample has, None if its description says it.
PLAIN_BITS: Final[Mapping[bytes, int | None]] = {
    codec.encode("ascii"): bits for codec, bits in _RULES["codecs"]["plain"].items()
}
_WORDS: Final = {
    Kind(kind): tuple(word.encode("latin-1") for word in words)
    for kind, words in _RULES["words"].items()
}


def find_movie_kinds(untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds of what is told about a film, by the names that it is told under.

    Args:
        untrusted: The first `MAX_LOOKED_AT_BYTES` of a box that goes, with its own name.

    Returns:
        `Kind.OTHER` if no name is known.
    """
    found = {kind for kind, words in _WORDS.items() if any(word in untrusted for word in words)}
    return frozenset(found or {Kind.OTHER})
