"""What is taken out of samples of AV1, MPEG-4 and AAC."""

from __future__ import annotations

import pytest

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.fills import blank_fills, may_have_fill
from tipline.cleaning.obus import filter_headers, filter_units
from tipline.cleaning.startcodes import filter_user_data

PICTURE = b"\x32\x02\1\2"  # AV1: a frame with its size
SEQUENCE = b"\x0a\x01\0"


@pytest.mark.parametrize(
    "telling",
    [
        b"\x12\x00",  # a delimiter
        b"\x2a\x03\x04\xb5\0",  # ITU-T T.35
        b"\x2a\x02\x05\1",  # a time code
        b"\x2a\x00",
        b"\x7a\x04told",  # padding
        b"\x4a\x01x",  # reserved
        b"\x2e\x08\x02\x05\1",  # with an extension
    ],
)
def test_obus_when_a_unit_tells_then_it_goes(telling: bytes) -> None:
    """Pictures stay alone."""
    assert filter_units(telling + PICTURE) == PICTURE


@pytest.mark.parametrize(
    "kept", [SEQUENCE, PICTURE, b"\x2a\x02\x01\1", b"\x2a\x02\x02\1", b"\x30\1"]
)
def test_obus_when_a_unit_is_needed_then_it_stays(kept: bytes) -> None:
    """Pictures, how they are coded, and how bright they are; the last may have no size."""
    assert filter_units(SEQUENCE + kept) == SEQUENCE + kept


def test_obus_when_it_is_a_configuration_then_the_sequence_stays_alone() -> None:
    """Metadata there are for nobody."""
    assert filter_headers(SEQUENCE + b"\x2a\x02\x01\1" + PICTURE) == SEQUENCE


@pytest.mark.parametrize(
    "sample", [b"\x32", b"\x32\x05\1", b"\x32" + b"\xff" * 9, b"\x34", b"\xb2\0"]
)
def test_obus_when_a_unit_is_not_whole_then_it_is_refused(sample: bytes) -> None:
    """A size is not believed."""
    with pytest.raises(RefusedError) as caught:
        filter_units(PICTURE + sample)

    assert caught.value.reason == Reason.MALFORMED


@pytest.mark.parametrize(
    ("sample", "kept"),
    [
        (b"\0\0\1\xb6picture", b"\0\0\1\xb6picture"),
        (b"\0\0\1\xb2Lavc\0\0\1\xb6picture", b"\0\0\1\xb6picture"),
        (b"\0\0\1\xb6picture\0\0\1\xb2XviD", b"\0\0\1\xb6picture"),
        (b"\0\0\1\xb2a\0\0\1\xb2b\0\0\1\xb6\1\0\0\1\xb2", b"\0\0\1\xb6\1"),
        (b"", b""),
    ],
)
def test_startcodes_when_texts_stand_in_a_sample_then_they_go(sample: bytes, kept: bytes) -> None:
    """Up to where the next part begins."""
    assert filter_user_data(sample) == kept


def fill(text: bytes, *, rest: int = 0b000) -> bytes:
    """Make a frame that begins with fill of up to 14 bytes, then `rest`."""
    bits = f"110{len(text):04b}" + "".join(f"{byte:08b}" for byte in text) + f"{rest:03b}"
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_fills_when_a_frame_begins_with_fill_then_it_becomes_zero() -> None:
    """As long as before; what follows stays."""
    assert blank_fills(fill(b"Lavc60.3", rest=0b011)) == fill(bytes(8), rest=0b011)


def test_fills_when_fill_is_long_then_all_of_it_becomes_zero() -> None:
    """Its length stands in one byte more."""
    frame = int("110" + "1111" + f"{21:08b}" + "1" * 8 * 35 + "0" * 1, 2).to_bytes(37, "big")

    assert blank_fills(frame) == int("110" + "1111" + f"{21:08b}" + "0" * 281, 2).to_bytes(
        37, "big"
    )


@pytest.mark.parametrize("data", [b"\x80\x02AB\x00", b"\x81\x02AB\x00"])
def test_fills_when_a_frame_begins_with_data_then_they_become_zero(data: bytes) -> None:
    """Aligned or not."""
    assert b"AB" not in blank_fills(data)
    assert len(blank_fills(data)) == len(data)
    assert blank_fills(data)[:2] == data[:2]


@pytest.mark.parametrize("frame", [b"", b"\xde", b"\xc0", b"\xdf\xff", b"\x9f\xff\xff"])
def test_fills_when_a_frame_ends_within_fill_then_it_is_as_long_as_before(frame: bytes) -> None:
    """Nothing is read or written beyond it."""
    assert len(blank_fills(frame)) == len(frame)
    assert blank_fills(blank_fills(frame)) == blank_fills(frame)


def test_fills_when_a_frame_begins_with_sound_then_it_is_not_looked_at() -> None:
    """Nearly all do."""
    assert [one for one in range(256) if may_have_fill(one)] == [
        *range(0x80, 0xA0),
        *range(0xC0, 0xE0),
    ]
