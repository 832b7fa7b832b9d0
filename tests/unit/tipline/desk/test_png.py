"""PNG from plain pixels."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tipline.cleaning.clean import plan_cleaning
from tipline.desk.png import write_png


@given(width=st.integers(1, 9), height=st.integers(1, 9), cut=st.integers(1, 40), data=st.data())
def test_png_when_written_then_a_decoder_reads_the_same_pixels(
    width: int, height: int, cut: int, data: st.DataObject
) -> None:
    """However the pixels come in pieces, an independent decoder finds each in its place."""
    length = width * height * 3
    pixels = data.draw(st.binary(min_size=length, max_size=length))
    file = io.BytesIO()
    pieces = [pixels[start : start + cut] for start in range(0, length, cut)]
    write_png(file, pieces, width=width, height=height)
    with Image.open(file, formats=["PNG"]) as image:
        assert (image.mode, image.size, image.tobytes()) == ("RGB", (width, height), pixels)


def test_png_when_written_then_there_is_nothing_in_it_to_clean() -> None:
    """It holds pixels and no word of where they came from."""
    file = io.BytesIO()
    write_png(file, [bytes(300)], width=10, height=10)
    assert plan_cleaning(file).kinds == ()


@pytest.mark.parametrize("length", [0, 11, 13, 24, 6])
def test_png_when_the_pixels_do_not_fit_its_size_then_refused(length: int) -> None:
    """A picture of another size than it says is not written to its end."""
    with pytest.raises(ValueError, match="pixels"):
        write_png(io.BytesIO(), [bytes(length)], width=2, height=2)


def test_png_when_large_then_it_is_written_in_pieces() -> None:
    """No more than a piece is held: noise of four megabytes comes in several chunks."""
    import random

    file = io.BytesIO()
    pixels = random.Random(1).randbytes(1200 * 1200 * 3)
    write_png(file, [pixels], width=1200, height=1200)
    assert file.getvalue().count(b"IDAT") >= 4
    with Image.open(file) as image:
        assert image.tobytes() == pixels
