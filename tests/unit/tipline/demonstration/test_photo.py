"""The photo that nobody took."""

from __future__ import annotations

import io

import pytest

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.plan import Kind, write_cleaned
from tipline.demonstration.photo import label_photo, make_photo


def decode_greys(photo: bytes) -> list[int]:
    """Read the averages of the blocks back, by the rules of T.81 and nothing of the writer."""
    scan = photo[photo.index(b"\xff\xda") + 10 : -2].replace(b"\xff\x00", b"\xff")
    bits = "".join(format(byte, "08b") for byte in scan)
    greys, grey, at = [], 0, 0
    while len(bits) - at >= 8 or "0" in bits[at:]:
        category = int(bits[at : at + 3], 2)
        at += 3
        if category:
            value = int(bits[at : at + category], 2)
            grey += value if value >= 2 ** (category - 1) else value - 2**category + 1
            at += category
        assert bits[at] == "0", "end of block"
        at += 1
        greys.append(grey)
    return greys


@pytest.mark.parametrize("width_pixels", [8, 64, 400])
def test_photo_when_decoded_has_every_block(width_pixels: int) -> None:
    """Each block of 64 pixels is there, within what a byte can show."""
    greys = decode_greys(make_photo(width_pixels=width_pixels))
    assert len(greys) == (width_pixels // 8) ** 2
    assert all(-64 <= grey <= 63 for grey in greys)


def test_photo_says_its_size() -> None:
    """The frame holds height and width."""
    photo = make_photo(width_pixels=400)
    frame = photo.index(b"\xff\xc0")
    assert photo[frame + 5 : frame + 9] == (400).to_bytes(2, "big") * 2
    assert photo.startswith(b"\xff\xd8\xff\xe0")
    assert photo.endswith(b"\xff\xd9")


def test_photo_when_random_is_given_is_reproducible() -> None:
    """The same randomness makes the same photo; other randomness another."""
    first = make_photo(width_pixels=64, random=lambda count: b"\x05" * count)
    again = make_photo(width_pixels=64, random=lambda count: b"\x05" * count)
    other = make_photo(width_pixels=64, random=lambda count: b"\x55" * count)
    assert first == again != other


def test_photo_when_labelled_then_it_says_what_a_phone_says_and_cleaning_takes_it_out() -> None:
    """A place and a device are found, and without them it is the photo as it was made."""
    photo = make_photo(width_pixels=64)
    labelled, cleaned = io.BytesIO(label_photo(photo)), io.BytesIO()
    plan = plan_cleaning(labelled)
    write_cleaned(plan, labelled, cleaned)
    assert {Kind.PLACE, Kind.DEVICE} <= set(plan.kinds)
    assert Kind.OTHER not in plan.kinds
    assert cleaned.getvalue() == photo
    assert plan_cleaning(io.BytesIO(photo)).kinds == ()
