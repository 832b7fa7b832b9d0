"""
How a track's samples are decoded (ISO/IEC 14496-12, 8.5.2, and QuickTime's older ways).

A description is written anew: its codec, the sizes, the rate, and of the boxes inside those that a
decoder needs, each of its exact shape. Names of encoders and makers go, and every box that is not
named here. A codec that is not named in `movie.json` is refused: it may hold more than pictures.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.boxes import Box, Cursor, format_box, list_boxes
from tipline.cleaning.codecs import READERS, Config
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.movierules import CODECS, PLAIN_BITS
from tipline.cleaning.plan import Kind

MAX_DESCRIPTIONS: Final = 16  # of one track; a cut film has as many as it has sources

_FIXED_RATE: Final = 0x00480000  # 72 dots per inch: what nearly all write
_VISUAL_BYTES: Final = 78
_SOUND_BYTES: Final = 28
_END_OF_WAVE: Final = b"\0\0\0\x08\0\0\0\0"
_MORE_BYTES: Final = {0: 0, 1: 16, 2: 36}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """
    How some samples are decoded.

    Args:
        entry: As it is written.
        codec: Four bytes.
        config: Of the codec, if it has one.
        packet: Of plain sound how many samples are how many bytes, else None.
    """

    entry: bytes
    codec: bytes
    config: Config | None
    packet: tuple[int, int] | None = None


def read_descriptions(
    data: bytes, box: Box, *, handler: bytes, is_quicktime: bool, found: set[Kind]
) -> tuple[Description, ...]:
    """
    Read a track's descriptions.

    Args:
        data: Untrusted; what the box lies in.
        box: `stsd`.
        handler: `vide` or `soun`.
        is_quicktime: The file is QuickTime's: sound may be described in its older ways.
        found: Takes the kinds of what goes.

    Returns:
        At least one.

    Raises:
        RefusedError: a codec is not known, or a shape not its own.
    """
    cursor = Cursor(data, box.start, box.end)
    version = cursor.number(1)
    cursor.take(3)
    count = cursor.number(4)
    entries = list(list_boxes(data, box.start + 8, box.end))
    if not 1 <= count == len(entries) <= MAX_DESCRIPTIONS:
        raise RefusedError(Reason.MALFORMED)
    read = _Reader(data, is_quicktime=is_quicktime or not version, found=found)
    return tuple(map(read.visual if handler == b"vide" else read.sound, entries))


class _Reader:
    def __init__(self, data: bytes, *, is_quicktime: bool, found: set[Kind]) -> None:
        self._data = data
        self._is_quicktime = is_quicktime
        self._found = found

    def visual(self, box: Box) -> Description:
        needed = _find_needed("video", box.name)
        cursor = Cursor(self._data, box.start, box.end)
        fixed = cursor.take(_VISUAL_BYTES)
        width, height = struct.unpack_from(">HH", fixed, 24)
        if any(fixed[12:16]) or any(fixed[42:74]):
            self._found.add(Kind.SOFTWARE)
        depth = 32 if fixed[74:76] == b"\0\x20" else 24
        head = struct.pack(
            ">6xH16xHHIIIH32xHh", 1, width, height, _FIXED_RATE, _FIXED_RATE, 0, 1, depth, -1
        )
        config, kept = self._read_children(
            needed, list(list_boxes(self._data, box.start + _VISUAL_BYTES, box.end)), _PICTURE_BOXES
        )
        entry = format_box(box.name, head, *kept)
        return Description(entry=entry, codec=box.name, config=config)

    def sound(self, box: Box) -> Description:
        needed = _find_needed("audio", box.name)
        cursor = Cursor(self._data, box.start, box.end)
        fixed = cursor.take(_SOUND_BYTES)
        version, channels, bits, compression = struct.unpack_from(">H6xHHh", fixed, 8)
        if any(fixed[12:16]):
            self._found.add(Kind.SOFTWARE)
        more_bytes = _MORE_BYTES.get(version)
        if more_bytes is None or (version == 2 and not self._is_quicktime):
            raise RefusedError(Reason.UNSUPPORTED)
        more = cursor.take(more_bytes if self._is_quicktime else 0)
        start = box.start + _SOUND_BYTES + len(more)
        children = list(list_boxes(self._data, start, box.end))
        head = struct.pack(
            ">6xHH6xHHhH4s", 1, version, channels, bits, min(compression, 0), 0, fixed[24:]
        )
        wave = [child for child in children if child.name == b"wave"]
        if wave and self._is_quicktime:
            inside = list(list_boxes(self._data, wave[0].start, wave[0].end))
            config, kept = self._read_children(needed, inside, {b"enda": _read_endian})
            if config is not None or kept:
                front = [format_box(b"frma", box.name)]
                if box.name == b"mp4a":
                    front.append(format_box(b"mp4a", bytes(4)))
                kept = [format_box(b"wave", *front, *kept, _END_OF_WAVE)]
        else:
            config, kept = self._read_children(needed, children, {})
        kept += self._read_children(None, children, {b"chan": _read_layout})[1]
        return Description(
            entry=format_box(box.name, head, more, *kept),
            codec=box.name,
            config=config,
            packet=_find_packet(box.name, version, channels, bits, more),
        )

    def _read_children(
        self,
        needed: bytes | None,
        boxes: list[Box],
        readers: Mapping[bytes, Callable[[bytes], bytes | None]],
    ) -> tuple[Config | None, list[bytes]]:
        """Keep what a decoder needs, each once, in an order of our own."""
        config = None
        kept: dict[bytes, bytes] = {}
        for box in boxes:
            content = self._data[box.start : box.end]
            if box.name == needed and config is None:
                config = READERS[box.name](content)
            elif box.name in readers and box.name not in kept:
                again = readers[box.name](content)
                if again is not None:
                    kept[box.name] = format_box(box.name, again)
                elif box.name == b"colr":
                    self._found.add(Kind.PROFILE)
        if needed and config is None:
            raise RefusedError(Reason.MALFORMED)
        first = [config.format()] if config else []
        return config, [*first, *(kept[name] for name in readers if name in kept)]


def _find_needed(group: str, codec: bytes) -> bytes | None:
    """Return the name of the configuration that a codec needs, None if it needs none."""
    if codec not in CODECS[group]:
        raise RefusedError(Reason.UNSUPPORTED)
    return CODECS[group][codec]


# --- boxes of a fixed shape ---------------------------------------------------------------------


def read_colours(content: bytes) -> bytes | None:
    """
    Read what the numbers of a picture's colours mean.

    Args:
        content: Of `colr`; untrusted.

    Returns:
        It, if it is one of the standards' lists; None for a profile.
    """
    if content.startswith(b"nclx") and len(content) == 11:
        return content[:10] + bytes([content[10] & 0x80])
    return content if content.startswith(b"nclc") and len(content) == 10 else None


def take_exactly(length_bytes: int) -> Callable[[bytes], bytes | None]:
    """
    Make a reader of a box that has one length.

    Args:
        length_bytes: Of its content.

    Returns:
        A function that returns the content, or None if it has another length.
    """
    return lambda content: content if len(content) == length_bytes else None


def _read_endian(content: bytes) -> bytes | None:
    return content if content in (b"\0\0", b"\0\1") else None


def _read_layout(content: bytes) -> bytes | None:
    """Read which channel is where, if it is told by a number and not by words."""
    return bytes(4) + content[4:] if len(content) == 16 and not any(content[12:]) else None


def _find_packet(
    codec: bytes, version: int, channels: int, bits: int, more: bytes
) -> tuple[int, int] | None:
    """Return how many samples of plain sound are how many bytes."""
    if codec not in PLAIN_BITS:
        return None
    if version == 1 and len(more) == 16:
        samples, _, packet_bytes, _ = struct.unpack(">4I", more)
        if samples and packet_bytes:
            return samples, packet_bytes
    if version == 2:
        packet_bytes, samples = struct.unpack_from(">II", more, 28)
        return (samples, packet_bytes) if samples and packet_bytes else None
    frame_bits = channels * (PLAIN_BITS[codec] or bits)
    return (1, frame_bits // 8) if frame_bits >= 8 else None


_PICTURE_BOXES: Final[Mapping[bytes, Callable[[bytes], bytes | None]]] = {
    b"pasp": take_exactly(8),
    b"colr": read_colours,
    b"clap": take_exactly(32),
    b"fiel": take_exactly(2),
    b"mdcv": take_exactly(24),
    b"clli": take_exactly(4),
}
