"""
GIF (87a and 89a): a screen, and blocks until the trailer.

1. Kept are the screen with its colours, each image with its own colours and coded data, the control
   of an image (how long it is shown, what is transparent), and how often an animation runs
   (NETSCAPE2.0). Each has a fixed shape, which is checked.
2. Every other extension goes: comments, plain texts, XMP, what other programs left. The control of
   a plain text goes with it, so that it does not fall to the next image.
3. The pixels' shape is written anew as not said: few viewers look at it, and programs differ in it.
4. The trailer ends the picture. What lies behind it goes.

*Limitations.* Coded data is not decoded: bytes that somebody wrote behind the end of an image's
code stay. Colours that no pixel uses stay.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.labels import find_xmp_kinds
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

SIGNATURES: Final = (b"GIF87a", b"GIF89a")
MAX_LOOKED_AT_BYTES: Final = 64 * 1024  # of an extension that goes

_SCREEN_BYTES: Final = 13  # with the signature
_ASPECT: Final = 12  # where the pixels' shape is said
_IMAGE_BYTES: Final = 10  # with its mark
_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_CONTROL, _COMMENT, _PLAIN_TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_CONTROL_BYTES: Final = 8  # from mark to terminator
_LOOP: Final = b"\x21\xff\x0bNETSCAPE2.0\x03\x01"
_LOOP_BYTES: Final = 19  # and a count of two bytes, and the terminator
_XMP: Final = b"\x21\xff\x0bXMP DataXMP"
_CODE_SIZES: Final = range(1, 12)


def plan_gif(source: Source) -> Plan:
    """
    Plan the cleaning of a GIF.

    Args:
        source: Begins with one of `SIGNATURES`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._builder = PlanBuilder(format=Format.GIF, source=source)
        self._control: int | None = None  # where the control of the next image is
        self._image_len = 0

    def read(self) -> Plan:
        position = self._keep_screen()
        while True:
            self._builder.count_part()
            mark = self._source.read(position, 1)[0]
            if mark == _TRAILER:
                break
            if mark == _IMAGE:
                position = self._keep_image(position)
            elif mark == _EXTENSION:
                position = self._read_extension(position)
            else:
                raise RefusedError(Reason.MALFORMED)
        if not self._image_len:
            raise RefusedError(Reason.MALFORMED)
        if self._control is not None:
            self._builder.find(Kind.OTHER)
        self._builder.keep(position, 1)
        if position + 1 < self._source.length_bytes:
            self._builder.find(Kind.TRAILING)
        return self._builder.build()

    def _keep_screen(self) -> int:
        """Keep the screen and its colours; return where the first block is."""
        screen = self._source.read(0, _SCREEN_BYTES)
        end = _SCREEN_BYTES + _measure_colours(screen[10])
        self._source.check(0, end)
        if screen[_ASPECT]:
            self._builder.write(screen[:_ASPECT] + b"\0")
            if end > _SCREEN_BYTES:
                self._builder.keep(_SCREEN_BYTES, end - _SCREEN_BYTES)
        else:
            self._builder.keep(0, end)
        return end

    def _keep_image(self, position: int) -> int:
        """Keep an image and its control; return where the next block is."""
        image = self._source.read(position, _IMAGE_BYTES)
        data = position + _IMAGE_BYTES + _measure_colours(image[9])
        if self._source.read(data, 1)[0] not in _CODE_SIZES:
            raise RefusedError(Reason.MALFORMED)
        end = self._find_end(data + 1)
        if self._control is not None:
            self._builder.keep(self._control, _CONTROL_BYTES)
            self._control = None
        self._builder.keep(position, end - position)
        self._image_len += 1
        return end

    def _find_end(self, position: int) -> int:
        """Follow blocks of up to 255 bytes to the empty one; return what is behind it."""
        while length := self._source.read(position, 1)[0]:
            self._builder.count_part()
            position += 1 + length
        return position + 1

    def _read_extension(self, position: int) -> int:
        """Keep or drop an extension; return where the next block is."""
        label = self._source.read(position, 2)[1]
        end = self._find_end(position + 2)
        if label == _CONTROL:
            content = self._source.read(position, min(end - position, _CONTROL_BYTES))
            if end - position != _CONTROL_BYTES or content[2] != _CONTROL_BYTES - 4:
                raise RefusedError(Reason.MALFORMED)
            if self._control is not None:
                self._builder.find(Kind.OTHER)
            self._control = position
            return end
        head = self._source.read_up_to(position, min(end - position, MAX_LOOKED_AT_BYTES))
        if head.startswith(_LOOP) and end - position == _LOOP_BYTES:
            self._builder.keep(position, _LOOP_BYTES)
        elif label == _APPLICATION and head.startswith(_XMP):
            self._builder.find(*find_xmp_kinds(head))
        elif label in (_COMMENT, _PLAIN_TEXT):
            self._builder.find(Kind.TEXT)
            if label == _PLAIN_TEXT:
                self._control = None
        else:
            self._builder.find(Kind.OTHER)
        return end


def _measure_colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
