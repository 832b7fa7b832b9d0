"""
A photo that nobody took: a real JPEG of random grey squares.

`--check` and the tests need a file that browsers show, that nobody owns, and whose bytes are found
nowhere else.

Source: ITU T.81 (baseline sequential, one component).
"""

from __future__ import annotations

import math
from typing import Final

from crypto.randomness import RandomSource, system_random

BLOCK_PIXELS: Final = 8
CATEGORY_COUNT: Final = 7  # 3-bit codes 0 to 6: the code of only ones is reserved
CATEGORY_BITS: Final = 3
MAX_GREY: Final = 60  # of the average of a block, in steps from the middle; stays within a byte

_START: Final = bytes.fromhex("ffd8 ffe0 0010 4a46494600 0101 00 0001 0001 00 00")
# EXIF of one directory: the maker, and one of GPS with a day. Nobody's, like the photo.
_MAKER: Final = b"Nobody's camera\0"
_DAY: Final = b"2026:11:21\0"
# A quantisation table of eights: one step of the average changes a block's grey by one.
_QUANTISATION: Final = bytes.fromhex("ffdb 0043 00") + b"\x08" * 64
# DC: seven codes of three bits, categories 0 to 6. AC: one code of one bit, "end of block".
_CODES: Final = (
    bytes.fromhex("ffc4 001a 00 00000700000000000000000000000000")
    + bytes(range(CATEGORY_COUNT))
    + bytes.fromhex("ffc4 0014 10 01000000000000000000000000000000 00")
)
_SCAN: Final = bytes.fromhex("ffda 0008 01 01 00 00 3f 00")
_END: Final = bytes.fromhex("ffd9")


def label_photo(photo: bytes) -> bytes:
    """
    Say in a photo what a phone says: a device, and the day when GPS knew where it was.

    Args:
        photo: As `make_photo` makes it: it says nothing besides its content.

    Returns:
        The same picture, with EXIF.

    Source:
        CIPA DC-008 (EXIF): tags 010f, 8825 and 001d, in a TIFF of the other byte order.
    """
    image_at, gps_at, values_at = 8, 38, 56
    words = (
        *("4949 2a00", f"{image_at:02x}000000", "0200"),
        *("0f01 0200", f"{len(_MAKER):02x}000000", f"{values_at:02x}000000"),
        *("2588 0400 01000000", f"{gps_at:02x}000000", "00000000"),
        *("0100", "1d00 0200", f"{len(_DAY):02x}000000", f"{values_at + len(_MAKER):02x}000000"),
        "00000000",
    )
    exif = b"Exif\0\0" + bytes.fromhex("".join(words)) + _MAKER + _DAY
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    return photo[: len(_START)] + segment + photo[len(_START) :]


def make_photo(*, width_pixels: int, random: RandomSource = system_random) -> bytes:
    """
    Make a square JPEG of random grey squares, about one byte for each 64 pixels.

    Args:
        width_pixels: A multiple of 8, at most 65,528.
        random: What the squares are made of.

    Returns:
        The file.
    """
    frame = bytes.fromhex("ffc0 000b 08") + width_pixels.to_bytes(2, "big") * 2
    frame += bytes.fromhex("01 01 11 00")
    block_count = (width_pixels // BLOCK_PIXELS) ** 2
    bits: list[str] = []
    grey = 0
    for drawn in random(block_count):
        wanted = drawn % (2 * MAX_GREY + 1) - MAX_GREY
        # Differences beyond the last category are not taken at once.
        limit = 2 ** (CATEGORY_COUNT - 1) - 1
        step = max(-limit, min(limit, wanted - grey))
        grey += step
        bits.append(_encode_step(step))
    data = "".join(bits)
    data += "1" * (-len(data) % 8)
    scan = int(data, 2).to_bytes(len(data) // 8, "big").replace(b"\xff", b"\xff\x00")
    return _START + _QUANTISATION + frame + _CODES + _SCAN + scan + _END


def _encode_step(step: int) -> str:
    category = 0 if step == 0 else math.floor(math.log2(abs(step))) + 1
    code = format(category, f"0{CATEGORY_BITS}b")
    if category:
        # T.81 F.1.2.1: a negative difference is written as its ones' complement.
        value = step if step > 0 else step + 2**category - 1
        code += format(value, f"0{category}b")
    return code + "0"
