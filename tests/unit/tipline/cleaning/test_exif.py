"""EXIF: one tag is read, all others have a kind."""

from __future__ import annotations

import struct

import pytest

from tests.pictures import make_exif
from tipline.cleaning.exif import MAX_ENTRIES, UPRIGHT, format_orientation, read_exif
from tipline.cleaning.plan import Kind


def point(offset: int) -> bytes:
    """Make a value that names a place."""
    return offset.to_bytes(4, "big")


def make_pair(tag: int, entry: tuple[int, int, int, bytes]) -> bytes:
    """Make a directory whose one entry names a second, with one entry."""
    second = struct.pack(">H", 1) + struct.pack(">HHI", *entry[:3]) + entry[3] + bytes(4)
    return make_exif([(tag, 4, 1, point(26))]) + second


@pytest.mark.parametrize("orientation", range(2, 9))
def test_orientation_when_written_then_it_is_read_and_there_is_nothing_else(
    orientation: int,
) -> None:
    """What is written anew says one thing."""
    exif = read_exif(format_orientation(orientation))

    assert (exif.orientation, exif.kinds) == (orientation, frozenset())


@pytest.mark.parametrize(("kind", "told"), [(1, b"\6\0\0\0"), (4, b"\0\0\0\6")])
def test_orientation_when_it_is_a_byte_or_a_long_number_then_it_is_read(
    kind: int, told: bytes
) -> None:
    """Some scanners write it so, and programs read it."""
    assert read_exif(make_exif([(0x0112, kind, 1, told)])).orientation == 6


@pytest.mark.parametrize("entry", [(0x0112, 3, 1, b"\0\0\0\0"), (0x0112, 3, 1, b"\0\x09\0\0"),
                                   (0x0112, 4, 1, b"\0\6\0\0"),
                                   (0x0112, 5, 1, b"\6\6\0\6")])  # fmt: skip
def test_orientation_when_it_is_none_then_the_picture_is_upright(
    entry: tuple[int, int, int, bytes],
) -> None:
    """Only the eight that there are, as the type that it has."""
    assert read_exif(make_exif([entry])).orientation == UPRIGHT


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (make_exif([(0x010F, 2, 4, b"Cam\0")]), {Kind.DEVICE}),
        (make_exif([(0x013B, 2, 4, b"Ana\0")]), {Kind.PERSON}),
        (make_exif([(0x0131, 2, 4, b"App\0")]), {Kind.SOFTWARE}),
        (make_exif([(0x010E, 2, 4, b"Hi!\0")]), {Kind.TEXT}),
        (make_exif([(0x011A, 2, 4, b"72 \0")]), {Kind.OTHER}),
        (make_exif([(0x011A, 2, 4, b"72 \0")], order="<"), {Kind.OTHER}),
        (make_pair(0x8769, (0x9003, 2, 4, b"now\0")), {Kind.TIME}),
        (make_pair(0x8769, (0x927C, 7, 4, b"mine")), {Kind.DEVICE}),
        (make_pair(0x8769, (0xA420, 2, 4, b"1f2\0")), {Kind.ID}),
        (make_pair(0x8769, (0xA430, 2, 4, b"Ana\0")), {Kind.PERSON, Kind.DEVICE}),
        (make_pair(0x8825, (0x0001, 2, 2, b"N\0\0\0")), {Kind.PLACE}),
        (make_pair(0x8825, (0x001D, 2, 4, b"now\0")), {Kind.PLACE, Kind.TIME}),
        (make_pair(0xA005, (0x0001, 2, 4, b"R98\0")), {Kind.OTHER}),
    ],
)
def test_kinds_when_a_tag_is_known_then_its_kind_is_told(data: bytes, kinds: set[Kind]) -> None:
    """Tags of every directory are told apart."""
    assert read_exif(data).kinds == kinds


def test_kinds_when_there_is_a_second_directory_then_it_is_a_preview() -> None:
    """The chain's second directory describes the small picture."""
    first = make_exif([])[:-4] + point(14)
    second = struct.pack(">HHHI", 1, 0x0201, 4, 1) + point(99) + bytes(4)

    assert read_exif(first + second).kinds == {Kind.PREVIEW}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MM\0*",
        b"XX\0*\0\0\0\x08",
        b"MM\0*\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"MM\0*\0\0\0\x08" + struct.pack(">H", MAX_ENTRIES + 1) + bytes(12 * MAX_ENTRIES + 24),
        make_exif([(0x8769, 4, 1, point(8))]),
        make_exif([])[:-4] + point(8),
        make_exif([(0x8769, 4, 1, point(9 + number)) for number in range(99)]),
    ],
)
def test_kinds_when_it_cannot_be_read_then_there_is_something(data: bytes) -> None:
    """Lying lengths, cycles and rubbish end, and are told as something that goes."""
    exif = read_exif(data)

    assert exif.orientation == UPRIGHT
    assert Kind.OTHER in exif.kinds
