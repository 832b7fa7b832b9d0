"""
Tags around sound, as MP3 and FLAC have them: ID3 in front, ID3, APE and Lyrics3 behind.

They are found by their marks and lengths, from the outside to the inside, and looked at for kinds;
then they go.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from tipline.cleaning.comments import find_name_kinds
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind
from tipline.cleaning.rules import ID3_KINDS
from tipline.cleaning.source import Source

ID3: Final = b"ID3"
MAX_TAGS: Final = 16  # on each side; a program leaves one, or two of different kinds
MAX_FRAMES: Final = 1_000  # of one tag; an album's track has about twenty
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of one tag; what lies further behind is pictures

_ID3_HEAD_BYTES: Final = 10
_ID3_END: Final = b"3DI"
_HAS_FOOTER: Final = 0x10
_HAS_EXTENSION: Final = 0x40
_OLD_BYTES: Final = 128
_LONGER_BYTES: Final = 227  # of the longer one that may stand before the old one
_APE: Final = b"APETAGEX"
_APE_FOOTER_BYTES: Final = 32
_APE_HAS_HEADER: Final = 0x80
_APE_ITEM_BYTES: Final = 8
_LYRICS: Final = b"LYRICSBEGIN"
_LYRICS_ENDS: Final = (b"LYRICS200", b"LYRICSEND")
_LYRICS_END_BYTES: Final = 9
_LYRICS_SIZE_BYTES: Final = 6
_OLD_LYRICS_BYTES: Final = 5100 + 20  # at most, with both marks


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """
    What stands around sound.

    Args:
        start: Where the sound begins.
        end: What is behind it.
        kinds: Of the tags.
    """

    start: int
    end: int
    kinds: frozenset[Kind]


def find_tags(source: Source) -> Tags:
    """
    Find the tags around sound.

    Args:
        source: The file.

    Returns:
        Where they leave the sound.

    Raises:
        RefusedError: one is longer than the file, or there are too many.
    """
    found: set[Kind] = set()
    start = 0
    for _ in range(MAX_TAGS):
        length = measure_id3(source.read_up_to(start, _ID3_HEAD_BYTES))
        if not length:
            break
        source.check(start, length)
        found |= find_id3_kinds(source.read(start, min(length, MAX_LOOKED_AT_BYTES)))
        start += length
    else:
        raise RefusedError(Reason.TOO_COMPLEX)
    end = source.length_bytes
    for _ in range(MAX_TAGS):
        length = _measure_last(source, start, end)
        if not length:
            return Tags(start=start, end=end, kinds=frozenset(found))
        end -= length
        found |= _find_last_kinds(source.read(end, min(length, MAX_LOOKED_AT_BYTES)))
    raise RefusedError(Reason.TOO_COMPLEX)


def has_tag_behind(source: Source, start: int, end: int) -> bool:
    """
    Tell whether a part of a file ends as a tag does.

    Args:
        source: The file.
        start: Of the part.
        end: Behind it.

    Returns:
        Whether `find_tags` would find one there.

    Raises:
        RefusedError: a mark is there, and lies.
    """
    return _measure_last(source, start, end) > 0


def measure_id3(head: bytes) -> int:
    """
    Measure an ID3 of its second version.

    Args:
        head: Untrusted; at least ten bytes, if there are so many.

    Returns:
        Its length; 0 if none begins here.
    """
    if len(head) < _ID3_HEAD_BYTES or not head.startswith(ID3) or max(head[6:10]) > 0x7F:
        return 0
    footer = _ID3_HEAD_BYTES if head[5] & _HAS_FOOTER else 0
    return _ID3_HEAD_BYTES + _decode_safe(head[6:10]) + footer


def find_id3_kinds(untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in an ID3 of its second version.

    Args:
        untrusted: From its mark on; may be cut.

    Returns:
        `Kind.OTHER` if nothing is known.
    """
    version = untrusted[3]
    name_bytes, head_bytes = (3, 6) if version == 2 else (4, 10)
    offset = _ID3_HEAD_BYTES
    if version > 2 and untrusted[5] & _HAS_EXTENSION:
        size = untrusted[offset : offset + 4]
        offset += _decode_safe(size) if version == 4 else 4 + int.from_bytes(size, "big")
    found: set[Kind] = set()
    for _ in range(MAX_FRAMES):
        name = untrusted[offset : offset + name_bytes]
        if not name.isalnum() or len(untrusted) < offset + head_bytes:
            break
        size = untrusted[offset + name_bytes : offset + name_bytes + name_bytes]
        found |= ID3_KINDS.get(name, {Kind.TEXT if name.startswith(b"T") else Kind.OTHER})
        length = _decode_safe(size) if version == 4 else int.from_bytes(size, "big")
        offset += head_bytes + length
    return frozenset(found or {Kind.OTHER})


def _decode_safe(data: bytes) -> int:
    """Decode a length of which each byte has seven bits."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


def _measure_last(source: Source, start: int, end: int) -> int:
    """Measure the tag that ends where the file does; 0 if none does."""
    length = _measure_old(source, start, end) or _measure_ape(source, start, end)
    return length or _measure_lyrics(source, start, end) or _measure_id3_behind(source, start, end)


def _measure_old(source: Source, start: int, end: int) -> int:
    for length, mark in ((_OLD_BYTES, b"TAG"), (_LONGER_BYTES, b"TAG+")):
        if end - length >= start and source.read(end - length, len(mark)) == mark:
            return length
    return 0


def _measure_ape(source: Source, start: int, end: int) -> int:
    if end - start < _APE_FOOTER_BYTES:
        return 0
    footer = source.read(end - _APE_FOOTER_BYTES, _APE_FOOTER_BYTES)
    if not footer.startswith(_APE):
        return 0
    length = int.from_bytes(footer[12:16], "little")
    if footer[23] & _APE_HAS_HEADER:
        length += _APE_FOOTER_BYTES
    if not _APE_FOOTER_BYTES <= length <= end - start:
        raise RefusedError(Reason.MALFORMED)
    return length


def _measure_lyrics(source: Source, start: int, end: int) -> int:
    if end - start < len(_LYRICS) + _LYRICS_END_BYTES:
        return 0
    mark = source.read(end - _LYRICS_END_BYTES, _LYRICS_END_BYTES)
    if mark == _LYRICS_ENDS[0]:
        size = source.read(end - _LYRICS_END_BYTES - _LYRICS_SIZE_BYTES, _LYRICS_SIZE_BYTES)
        if size.isdigit():
            length = int(size) + _LYRICS_SIZE_BYTES + _LYRICS_END_BYTES
            if length <= end - start and source.read(end - length, len(_LYRICS)) == _LYRICS:
                return length
        raise RefusedError(Reason.MALFORMED)
    if mark == _LYRICS_ENDS[1]:
        length = min(end - start, _OLD_LYRICS_BYTES)
        begin = source.read(end - length, length).find(_LYRICS)
        if begin >= 0:
            return length - begin
        raise RefusedError(Reason.MALFORMED)
    return 0


def _measure_id3_behind(source: Source, start: int, end: int) -> int:
    if end - start < 2 * _ID3_HEAD_BYTES:
        return 0
    footer = source.read(end - _ID3_HEAD_BYTES, _ID3_HEAD_BYTES)
    if not footer.startswith(_ID3_END) or max(footer[6:]) > 0x7F:
        return 0
    length = _decode_safe(footer[6:]) + 2 * _ID3_HEAD_BYTES
    if length > end - start or source.read(end - length, len(ID3)) != ID3:
        raise RefusedError(Reason.MALFORMED)
    return length


def _find_last_kinds(untrusted: bytes) -> frozenset[Kind]:
    if untrusted.startswith(ID3):
        return find_id3_kinds(untrusted)
    if untrusted.startswith(b"TAG"):
        return _find_old_kinds(untrusted)
    if untrusted.startswith(_LYRICS):
        return frozenset({Kind.TEXT})
    return _find_ape_kinds(untrusted)


def _find_old_kinds(untrusted: bytes) -> frozenset[Kind]:
    if len(untrusted) != _OLD_BYTES:
        return frozenset({Kind.TEXT})
    parts = {
        Kind.TEXT: untrusted[3:33] + untrusted[63:93] + untrusted[97:127],
        Kind.PERSON: untrusted[33:63],
        Kind.TIME: untrusted[93:97],
    }
    found = {kind for kind, content in parts.items() if content.strip(b"\0 ")}
    return frozenset(found or {Kind.OTHER})


def _find_ape_kinds(untrusted: bytes) -> frozenset[Kind]:
    found: set[Kind] = set()
    offset = _APE_FOOTER_BYTES if untrusted.startswith(_APE) else 0
    for _ in range(MAX_FRAMES):
        start = offset + _APE_ITEM_BYTES
        name, end, _rest = untrusted[start : start + 256].partition(b"\0")
        if not end or untrusted.startswith(_APE, offset):
            break
        found |= find_name_kinds(name)
        offset = start + len(name) + 1 + int.from_bytes(untrusted[offset : offset + 4], "little")
    return frozenset(found or {Kind.OTHER})
