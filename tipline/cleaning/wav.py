"""
WAV: a RIFF file of chunks, of which two or three are sound.

1. The file is one RIFF of the form WAVE. What lies behind its end goes.
2. Kept are `fmt `, of a kind of coding whose shape is known; `data`, which is not empty; and `fact`
   where the coding is not plain. Each is there once, in this order but for `fact`.
3. Written anew are: RIFF's head with its length; `fmt ` of plain samples, 16 bytes, and of A-law
   and mu-law, 18; the byte that fills a chunk up to an even length.
4. Every other chunk goes, known or not: LIST, bext, iXML, ID3, cue points, padding.

*Limitations.* Sound is not decoded. RF64, for more than 4 GB, is refused.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.labels import MAX_XMPS, find_xmp_kinds
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.rules import WAV_CHUNK_KINDS, WAV_INFO_KINDS
from tipline.cleaning.soundtags import find_id3_kinds, measure_id3
from tipline.cleaning.source import Source

HEAD_BYTES: Final = 12  # RIFF, its length, WAVE
CHUNK_HEAD_BYTES: Final = 8
MAX_LOOKED_AT_BYTES: Final = 1024 * 1024  # of a chunk that goes

_PLAIN_BYTES: Final = 16
_EXTENSIBLE: Final = 0xFFFE
_EXTENSIBLE_BYTES: Final = 40
_EXTENSIBLE_SUFFIX: Final = bytes.fromhex("000000001000800000aa00389b71")
_PLAIN: Final = (1, 3)  # integers, floating point
_COMPANDED: Final = (6, 7)  # A-law, mu-law
# Of codings that say more: how long `fmt ` is. Microsoft's and IMA's ADPCM, GSM 6.10.
_CODED_BYTES: Final = {0x0002: 50, 0x0011: 20, 0x0031: 20}
_FACT_BYTES: Final = 4
_XMP: Final = b"_PMX"


def is_wav(head: bytes) -> bool:
    """
    Tell a WAV by its first bytes.

    Args:
        head: Untrusted.

    Returns:
        Whether it is a RIFF of this form, or its sibling for long files.
    """
    return head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"


def plan_wav(source: Source) -> Plan:
    """
    Plan the cleaning of a WAV.

    Args:
        source: `is_wav`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.WAV, source=source)
        self._format = b""
        self._fact = b""
        self._xmp_len = 0
        self._data: tuple[int, int] | None = None

    def read(self) -> Plan:
        if self._source.read(0, 4) != b"RIFF":
            raise RefusedError(Reason.UNSUPPORTED)
        length = int.from_bytes(self._source.read(4, 4), "little")
        end = CHUNK_HEAD_BYTES + length
        # Some leave the last filling byte out, of the file or of the length.
        if end < HEAD_BYTES or end > self._source.length_bytes + 1:
            raise RefusedError(Reason.MALFORMED if end < HEAD_BYTES else Reason.TRUNCATED)
        self._read_chunks(min(end, self._source.length_bytes))
        if end + end % 2 < self._source.length_bytes:
            self._builder.find(Kind.TRAILING)
        if self._data is None:
            raise RefusedError(Reason.MALFORMED)
        return self._build(*self._data)

    def _read_chunks(self, end: int) -> None:
        position = HEAD_BYTES
        while position < end:
            self._builder.count_part()
            if position + CHUNK_HEAD_BYTES > end:
                raise RefusedError(Reason.MALFORMED)
            head = self._source.read(position, CHUNK_HEAD_BYTES)
            start, length = position + CHUNK_HEAD_BYTES, int.from_bytes(head[4:], "little")
            if start + length > end:
                raise RefusedError(Reason.TRUNCATED)
            self._read_chunk(head[:4], start, length)
            position = start + length + length % 2

    def _read_chunk(self, name: bytes, start: int, length: int) -> None:
        if name == b"fmt ":
            if self._format or length > MAX_LOOKED_AT_BYTES:
                raise RefusedError(Reason.MALFORMED)
            self._format = format_coding(self._source.read(start, length))
        elif name == b"data":
            if not self._format or self._data is not None or not length:
                raise RefusedError(Reason.MALFORMED)
            self._data = (start, length)
        elif name == b"wavl":
            raise RefusedError(Reason.UNSUPPORTED)
        elif name == b"fact" and length == _FACT_BYTES and not self._fact and self._is_coded():
            self._fact = b"fact" + length.to_bytes(4, "little") + self._source.read(start, length)
        else:
            content = self._source.read(start, min(length, MAX_LOOKED_AT_BYTES))
            self._xmp_len += name == _XMP
            is_searched = name != _XMP or self._xmp_len <= MAX_XMPS
            self._builder.find(*(find_chunk_kinds(name, content) if is_searched else {Kind.OTHER}))

    def _is_coded(self) -> bool:
        return len(self._format) > _PLAIN_BYTES

    def _build(self, start: int, length: int) -> Plan:
        head = b"fmt " + len(self._format).to_bytes(4, "little") + self._format + self._fact
        head = b"WAVE" + head + b"data" + length.to_bytes(4, "little")
        filling = bytes(length % 2)
        size = len(head) + length + len(filling)
        self._builder.write(b"RIFF" + size.to_bytes(4, "little") + head)
        self._builder.keep(start, length)
        if filling:
            self._builder.write(filling)
        return self._builder.build()


def format_coding(untrusted: bytes) -> bytes:
    """
    Write how sound is coded.

    Args:
        untrusted: The content of `fmt `.

    Returns:
        It, without what plain samples do not need.

    Raises:
        RefusedError: the coding is not known, or has not its shape.
    """
    if len(untrusted) < _PLAIN_BYTES:
        raise RefusedError(Reason.MALFORMED)
    tag = int.from_bytes(untrusted[:2], "little")
    if tag in _PLAIN:
        return untrusted[:_PLAIN_BYTES]
    if tag in _COMPANDED:
        return untrusted[:_PLAIN_BYTES] + bytes(2)
    if tag == _EXTENSIBLE:
        if len(untrusted) != _EXTENSIBLE_BYTES or untrusted[16:18] != b"\x16\0":
            raise RefusedError(Reason.MALFORMED)
        below = int.from_bytes(untrusted[24:26], "little")
        if below not in _PLAIN + _COMPANDED or untrusted[26:] != _EXTENSIBLE_SUFFIX:
            raise RefusedError(Reason.UNSUPPORTED)
        return untrusted
    if tag not in _CODED_BYTES:
        raise RefusedError(Reason.UNSUPPORTED)
    more_bytes = _CODED_BYTES[tag] - _PLAIN_BYTES - 2
    if len(untrusted) != _CODED_BYTES[tag] or untrusted[16:18] != more_bytes.to_bytes(2, "little"):
        raise RefusedError(Reason.MALFORMED)
    return untrusted


def find_chunk_kinds(name: bytes, untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in a chunk that goes.

    Args:
        name: Of the chunk.
        untrusted: Its content, or the beginning of it.

    Returns:
        `Kind.OTHER` for what is not known.
    """
    if name == b"LIST" and untrusted.startswith(b"INFO"):
        return _find_info_kinds(untrusted)
    if name == _XMP:
        return find_xmp_kinds(untrusted)
    if name.lower() == b"id3 " and measure_id3(untrusted[:10]):
        return find_id3_kinds(untrusted)
    return WAV_CHUNK_KINDS.get(name, frozenset({Kind.OTHER}))


def _find_info_kinds(untrusted: bytes) -> frozenset[Kind]:
    found: set[Kind] = set()
    position = 4
    while position + CHUNK_HEAD_BYTES <= len(untrusted):
        length = int.from_bytes(untrusted[position + 4 : position + 8], "little")
        found |= WAV_INFO_KINDS.get(untrusted[position : position + 4], {Kind.OTHER})
        position += CHUNK_HEAD_BYTES + length + length % 2
    return frozenset(found or {Kind.OTHER})
