"""
What a decoder must know of a codec before the first sample: of each the exact shape.

Every function takes the content of a box, untrusted, and returns it as it is kept, or raises
`RefusedError`. Nothing hides behind a table. What is not needed goes: parameter sets of kinds that
only tell, texts, the names of makers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.boxes import Cursor, format_box
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.obus import filter_headers
from tipline.cleaning.startcodes import filter_user_data

_HIGH_PROFILES: Final = (100, 110, 122, 144, 244, 44, 83, 86, 118, 128)
_AVC_SEQUENCE: Final = 7
_AVC_PICTURE: Final = 8
_AVC_EXTENSION: Final = 13
_HEVC_PARAMETERS: Final = (32, 33, 34)
_VISUAL: Final = 0x20
_AAC: Final = (0x40, 0x66, 0x67, 0x68)
MAX_AAC_BYTES: Final = 64  # of its configuration; a phone writes two to five
_CHANNELS_IN_TEXT: Final = 0  # the layout stands in an element that may hold a comment
_AAC_RAW_TYPES: Final = (1, 2, 3, 4, 5, 29)  # with frames as `fills` knows them


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    A codec's configuration as it is kept.

    Args:
        name: Of the box.
        content: Of the box.
        length_bytes: Of the length before each unit of a sample (H.264, HEVC), else 0.
        is_visual: MPEG-4 of part 2, whose samples may hold texts.
        has_fills: AAC, whose frames may begin with fill.
        is_stream: H.264 or HEVC with marks before its units, and parameter sets among them.
    """

    name: bytes
    content: bytes
    length_bytes: int = 0
    is_visual: bool = False
    has_fills: bool = False
    is_stream: bool = False

    def format(self) -> bytes:
        """
        Write the box.

        Returns:
            Its bytes.
        """
        return format_box(self.name, self.content)


def read_avc(content: bytes) -> Config:
    """Read avcC: H.264's parameter sets (ISO/IEC 14496-15, 5.3.3)."""
    cursor = Cursor(content)
    head = cursor.take(5)
    kept = [head[:4], bytes([head[4] | 0xFC])]
    sets = cursor.number(1) & 31
    kept.append(bytes([0xE0 | sets]))
    kept += _take_units(cursor, sets, is_kind=_is_avc(_AVC_SEQUENCE))
    pictures = cursor.number(1)
    kept.append(bytes([pictures]))
    kept += _take_units(cursor, pictures, is_kind=_is_avc(_AVC_PICTURE))
    if head[1] in _HIGH_PROFILES and cursor.left:
        formats = cursor.take(3)
        extensions = cursor.number(1)
        kept += [bytes([formats[0] | 0xFC, formats[1] | 0xF8, formats[2] | 0xF8, extensions])]
        kept += _take_units(cursor, extensions, is_kind=_is_avc(_AVC_EXTENSION))
    cursor.finish()
    if head[0] != 1 or head[4] & 3 == 2:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"avcC", content=b"".join(kept), length_bytes=(head[4] & 3) + 1)


def _is_avc(kind: int) -> Callable[[int], bool]:
    return lambda head: head & 31 == kind


def _is_hevc(kind: int) -> Callable[[int], bool]:
    return lambda head: head >> 1 & 63 == kind


def _is_any(head: int) -> bool:
    return True


def _take_units(cursor: Cursor, count: int, *, is_kind: Callable[[int], bool]) -> list[bytes]:
    """Take units, each of which says itself that it is of the kind of its list."""
    kept = []
    for _ in range(count):
        length = cursor.take(2)
        unit = cursor.take(int.from_bytes(length, "big"))
        if not is_kind(unit[0] if unit else 0):
            raise RefusedError(Reason.MALFORMED)
        kept += [length, unit]
    return kept


def read_hevc(content: bytes) -> Config:
    """Read hvcC: HEVC's parameter sets (ISO/IEC 14496-15, 8.3.3); those that only tell go."""
    cursor = Cursor(content)
    head = cursor.take(22)
    kept = []
    for _ in range(cursor.number(1)):
        kind = cursor.number(1)
        count = cursor.number(2)
        is_kept = kind & 63 in _HEVC_PARAMETERS
        # What goes need not be what it says.
        units = _take_units(cursor, count, is_kind=_is_hevc(kind & 63) if is_kept else _is_any)
        if is_kept:
            kept += [bytes([kind & 0xBF]) + count.to_bytes(2, "big") + b"".join(units)]
    cursor.finish()
    if head[0] != 1 or head[21] & 3 == 2:
        raise RefusedError(Reason.MALFORMED)
    whole = b"".join((head, bytes([len(kept)]), *kept))
    return Config(name=b"hvcC", content=whole, length_bytes=(head[21] & 3) + 1)


def read_av1(content: bytes) -> Config:
    """Read av1C: four bytes and AV1's sequence header (AV1-ISOBMFF, 2.3)."""
    if len(content) < 4 or content[0] != 0x81:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"av1C", content=content[:4] + filter_headers(content[4:]))


def read_vp9(content: bytes) -> Config:
    """Read vpcC: VP8's or VP9's profile and colours, twelve bytes."""
    if len(content) != 12 or content[0] != 1 or content[10:] != b"\0\0":
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"vpcC", content=content)


def read_h263(content: bytes) -> Config:
    """Read d263: level and profile; the maker's name and the bit rates go."""
    if len(content) < 7:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"d263", content=bytes(5) + content[5:7])


def read_amr(content: bytes) -> Config:
    """Read damr: which modes there are; the maker's name goes."""
    if len(content) != 9:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"damr", content=bytes(5) + content[5:])


def read_alac(content: bytes) -> Config:
    """Read alac: the magic cookie, with the channels' layout or without."""
    if len(content) not in (28, 52):
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"alac", content=content)


def read_opus(content: bytes) -> Config:
    """Read dOps: eleven bytes, and a table for more than two channels."""
    cursor = Cursor(content)
    head = cursor.take(11)
    kept = head if head[10] == 0 else head + cursor.take(2 + head[1])
    cursor.finish()
    return Config(name=b"dOps", content=kept)


def read_flac(content: bytes) -> Config:
    """Read dfLa: of FLAC's blocks the first, which describes the stream; the others go."""
    cursor = Cursor(content)
    if cursor.number(4) != 0 or cursor.number(4) & 0x7FFFFFFF != 34:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"dfLa", content=b"\0\0\0\0\x80\0\0\x22" + cursor.take(34))


def read_ac3(content: bytes) -> Config:
    """Read dac3: three bytes."""
    if len(content) != 3:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"dac3", content=content)


def read_ec3(content: bytes) -> Config:
    """Read dec3: for each substream three bytes, or four with others below it."""
    cursor = Cursor(content)
    kept = [cursor.take(2)]
    for _ in range((kept[0][1] & 7) + 1):
        stream = cursor.take(3)
        kept += [stream, cursor.take(1)] if stream[2] & 0x1E else [stream]
    if cursor.left == 2:
        kept.append(cursor.take(2))  # Atmos: that there is some, and how complex
    cursor.finish()
    return Config(name=b"dec3", content=b"".join(kept))


def read_pcm(content: bytes) -> Config:
    """Read pcmC: which end is first, and the bits."""
    if len(content) != 6:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"pcmC", content=content)


def read_esds(content: bytes) -> Config:
    """
    Read esds: MPEG-4's descriptors (ISO/IEC 14496-1, 7.2.6), of which three are written anew.

    Source:
        Object types: mp4ra.org. Others than MPEG-4's and MPEG-2's AAC and MPEG-4's video are
        `Reason.UNSUPPORTED`: their configurations or samples hold texts of their own.
    """
    cursor = Cursor(content)
    if cursor.number(4) != 0:
        raise RefusedError(Reason.MALFORMED)
    stream = _take_descriptor(cursor, 3)
    stream.take(2)
    if stream.number(1) & 0xE0:
        raise RefusedError(Reason.UNSUPPORTED)
    decoder = _take_descriptor(stream, 4)
    head = decoder.take(13)
    kind = head[0]
    if kind not in (_VISUAL, *_AAC):
        raise RefusedError(Reason.UNSUPPORTED)
    specific = _take_descriptor(decoder, 5)
    config = specific.take(specific.left)
    if kind == _VISUAL:
        config = filter_user_data(config)
    else:
        read_aac(config)
    inner = head + _format_descriptor(5, config)
    outer = b"\0\0\0" + _format_descriptor(4, inner) + _format_descriptor(6, b"\2")
    return Config(
        name=b"esds",
        content=bytes(4) + _format_descriptor(3, outer),
        is_visual=kind == _VISUAL,
        has_fills=kind != _VISUAL and read_aac(config).has_fills,
    )


def _take_descriptor(cursor: Cursor, tag: int) -> Cursor:
    length = 0
    if cursor.number(1) != tag:
        raise RefusedError(Reason.MALFORMED)
    for _ in range(4):
        byte = cursor.number(1)
        length = length << 7 | byte & 127
        if byte < 128:
            return Cursor(cursor.take(length))
    raise RefusedError(Reason.MALFORMED)


def _format_descriptor(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length >= 1 << 14:
        raise RefusedError(Reason.TOO_COMPLEX)
    return bytes([tag, 0x80 | length >> 7, length & 127]) + content


def read_aac(config: bytes) -> Config:
    """Read AAC's configuration, as it stands in `esds` and alone in Matroska."""
    if not 2 <= len(config) <= MAX_AAC_BYTES:
        raise RefusedError(Reason.MALFORMED)
    is_raw = config[0] >> 3 in _AAC_RAW_TYPES
    # With an explicit rate the channels stand 24 bits later.
    bits = int.from_bytes(config.ljust(8, b"\0")[:8], "big")
    shift = 24 if bits >> 55 & 15 == 15 else 0
    if bits >> 51 - shift & 15 == _CHANNELS_IN_TEXT and is_raw:
        raise RefusedError(Reason.UNSUPPORTED)
    return Config(name=b"", content=config, has_fills=is_raw)


READERS: Final[Mapping[bytes, Callable[[bytes], Config]]] = {
    b"avcC": read_avc,
    b"hvcC": read_hevc,
    b"av1C": read_av1,
    b"vpcC": read_vp9,
    b"d263": read_h263,
    b"esds": read_esds,
    b"damr": read_amr,
    b"alac": read_alac,
    b"dOps": read_opus,
    b"dfLa": read_flac,
    b"dac3": read_ac3,
    b"dec3": read_ec3,
    b"pcmC": read_pcm,
}
