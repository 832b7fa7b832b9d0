"""Bitmaps inside drawings: their pixels stay, and nothing beside them."""

from __future__ import annotations

import struct

import pytest

from tests.metafiles import TELLING, TELLING_JPEG, make_dib
from tests.pictures import make_jpeg
from tipline.cleaning.dibs import clean_bitmap, clean_packed_bitmap
from tipline.cleaning.errors import Reason, RefusedError

ROWS = b"\1\2\3\x99\4\5\6\x99"


def test_bitmap_when_it_is_cleaned_then_its_pixels_stay_alone() -> None:
    """The resolution, what fills rows up, and what stands behind them go."""
    head, pixels = clean_bitmap(make_dib(), ROWS + TELLING, usage=0)

    assert pixels == b"\1\2\3\0\4\5\6\0"
    assert struct.unpack("<IiiHHIIiiII", head[:40]) == (40, 3, 2, 1, 8, 0, 8, 0, 0, 2, 0)
    assert head[40:] == b"\1\2\3\0\5\6\7\0"
    assert clean_bitmap(head, pixels, usage=0) == (head, pixels)


def test_bitmap_when_its_head_is_newer_then_what_it_tells_goes() -> None:
    """Colour spaces and profiles stand in longer heads."""
    newer = clean_bitmap(make_dib(head_bytes=124), ROWS, usage=0)

    assert newer == clean_bitmap(make_dib(), ROWS, usage=0)


def test_bitmap_when_a_row_ends_inside_a_byte_then_its_rest_is_blank() -> None:
    """Bits beyond the width are not seen."""
    pixels = clean_bitmap(make_dib(width=9, depth=1), b"\xff" * 8, usage=0)[1]

    assert pixels == b"\xff\x80\0\0" * 2


def test_bitmap_when_colours_are_there_that_no_pixel_names_then_they_go() -> None:
    """Of deep pixels; the pixels stand behind them."""
    head = make_dib(depth=24, colours=b"")
    head = head[:32] + struct.pack("<I", 4) + head[36:]

    assert clean_packed_bitmap(head + TELLING + b"\1" * 24, usage=0)[40:] == (
        (b"\1" * 9 + b"\0\0\0") * 2
    )


def test_bitmap_when_it_is_packed_then_it_is_cut_behind_its_end() -> None:
    """The end is where the format says."""
    packed = make_dib(compression=1) + b"\2\7\0\1" + TELLING

    assert clean_packed_bitmap(packed, usage=0).endswith(b"\2\7\0\1")


def test_bitmap_when_a_jpeg_stands_in_it_then_it_is_cleaned() -> None:
    """By its own rules."""
    head = make_dib(depth=0, compression=4, colours=b"")

    assert clean_bitmap(head, TELLING_JPEG, usage=0)[1] == make_jpeg()


@pytest.mark.parametrize(
    ("head", "pixels", "usage", "reason"),
    [
        (make_dib()[:11], ROWS, 0, Reason.MALFORMED),
        (make_dib(head_bytes=52)[:51], ROWS, 0, Reason.UNSUPPORTED),
        (make_dib(head_bytes=41), ROWS, 0, Reason.UNSUPPORTED),
        (make_dib(height=0), ROWS, 0, Reason.MALFORMED),
        (make_dib(height=3), ROWS, 0, Reason.MALFORMED),
        (make_dib(compression=6), ROWS, 0, Reason.UNSUPPORTED),
        (make_dib(compression=3), ROWS, 0, Reason.MALFORMED),
        (make_dib(compression=2), ROWS, 0, Reason.MALFORMED),
        (make_dib(compression=1), b"\2\7", 0, Reason.MALFORMED),
        (make_dib(colours=bytes(1028)), ROWS, 0, Reason.MALFORMED),
        (make_dib()[:-1], ROWS, 0, Reason.MALFORMED),
        (make_dib(), ROWS, 3, Reason.MALFORMED),
    ],
)
def test_bitmap_when_it_breaks_a_rule_then_it_is_refused(
    head: bytes, pixels: bytes, usage: int, reason: Reason
) -> None:
    """Lengths do not lie, and what hardly any program shows is not kept."""
    with pytest.raises(RefusedError) as caught:
        clean_bitmap(head, pixels, usage=usage)

    assert caught.value.reason == reason


def test_bitmap_when_fewer_rows_are_there_than_its_head_says_then_so_many_stay() -> None:
    """As many as who shows it says, and no more than there are."""
    assert clean_bitmap(make_dib(), ROWS, usage=0, rows=1)[1] == b"\1\2\3\0"
    with pytest.raises(RefusedError):
        clean_bitmap(make_dib(height=1), ROWS, usage=0, rows=2)
