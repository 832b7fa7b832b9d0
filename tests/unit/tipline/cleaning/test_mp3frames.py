"""Heads of MP3's frames, and where their sound lies."""

from __future__ import annotations

import pytest

from tests.sounds import MP3_HEAD, make_mp3_frame
from tipline.cleaning.mp3frames import measure_side, read_head, read_side


@pytest.mark.parametrize(
    ("head", "length", "room_at"),
    [
        ("fffb90c0", 417, 21),  # 128,000 bits, 44,100 samples, one channel
        ("fffb9200", 418, 36),  # filled up, two channels
        ("fffa9000", 417, 38),  # checked
        ("fffbe4c0", 960, 21),  # 320,000 bits, 48,000 samples
        ("fffb18c0", 144, 21),  # 32,000 bits, 32,000 samples
        ("fff380c0", 208, 13),  # version 2: 64,000 bits, 22,050 samples
        ("fff3e400", 480, 21),  # 160,000 bits, 24,000 samples, two channels
        ("ffe318c0", 72, 13),  # version 2.5: 8,000 bits, 8,000 samples
        ("fffb00c0", 0, 21),  # free format
    ],
)
def test_head_when_it_is_one_then_its_length_is_known(head: str, length: int, room_at: int) -> None:
    """Every version, by the standard's tables."""
    read = read_head(bytes.fromhex(head))

    assert read is not None
    assert (read.length_bytes, read.room_at) == (length, room_at)


@pytest.mark.parametrize(
    "head", ["", "fffb90", "fefb90c0", "ffeb90c0", "fffd90c0", "fff990c0", "fffbf0c0", "fffb9cc0"]
)
def test_head_when_it_is_none_then_nothing_is_read(head: str) -> None:
    """Another mark, a version or layer that is not there, rates that are not there."""
    assert read_head(bytes.fromhex(head)) is None


def test_head_when_rate_version_or_channels_differ_then_the_family_does() -> None:
    """What may change within a stream is the number of bits."""
    families = {
        head: read.family
        for head in ("fffb90c0", "fffbe0c0", "fffa92c0", "fffb94c0", "fff390c0", "fffb9040")
        if (read := read_head(bytes.fromhex(head))) is not None
    }

    assert families["fffb90c0"] == families["fffbe0c0"] == families["fffa92c0"]
    assert len(set(families.values())) == 4


@pytest.mark.parametrize(("begin", "bits"), [(0, (0, 0)), (511, (4095, 4095)), (300, (7, 1000))])
def test_side_when_it_says_where_the_sound_lies_then_that_is_read(
    begin: int, bits: tuple[int, int]
) -> None:
    """How far back it begins, and the bits of both granules."""
    frame = make_mp3_frame(begin=begin, bits=bits)
    head = read_head(MP3_HEAD)

    assert head is not None
    assert read_side(head, frame) == (begin, sum(bits))


@pytest.mark.parametrize(
    ("head", "begin_bits", "first", "step", "count"),
    [("fffb9000", 9, 20, 59, 4), ("fffb90c0", 9, 18, 59, 2),
     ("fff39000", 8, 10, 63, 2), ("fff390c0", 8, 9, 63, 1)],
)  # fmt: skip
def test_side_when_each_bit_is_set_then_those_that_count_are_counted(
    head: str, begin_bits: int, first: int, step: int, count: int
) -> None:
    """The places of all fields, by the standard."""
    read = read_head(bytes.fromhex(head))
    assert read is not None
    side_bytes = measure_side(is_version_1=read.is_version_1, is_mono=read.is_mono)
    counted = {}
    for place in range(8 * side_bytes):
        side = (1 << 8 * side_bytes - 1 - place).to_bytes(side_bytes, "big")
        frame = bytes.fromhex(head) + side + bytes(2000)
        if any(found := read_side(read, frame)):
            counted[place] = found

    parts = {
        first + step * number + bit: (0, 1 << 11 - bit)
        for number in range(count)
        for bit in range(12)
    }
    begins = {bit: (1 << begin_bits - 1 - bit, 0) for bit in range(begin_bits)}
    assert counted == {**begins, **parts}
