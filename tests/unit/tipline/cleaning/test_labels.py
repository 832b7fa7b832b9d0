"""XMP and IPTC: their kinds."""

from __future__ import annotations

import pytest

from tipline.cleaning.labels import MAX_DATASETS, find_photoshop_kinds, find_xmp_kinds
from tipline.cleaning.plan import Kind


def resource(number: int, content: bytes) -> bytes:
    """Make an image resource of Photoshop, with no name."""
    head = b"8BIM" + number.to_bytes(2, "big") + b"\0\0" + len(content).to_bytes(4, "big")
    return head + content + bytes(len(content) % 2)


def dataset(number: int, content: bytes = b"Ana", *, record: int = 2) -> bytes:
    """Make a dataset of IPTC."""
    return bytes([0x1C, record, number]) + len(content).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    ("xmp", "kinds"),
    [
        (b"<x exif:GPSLatitude='1'/>", {Kind.PLACE}),
        (b"<dc:creator>Ana</dc:creator>", {Kind.PERSON}),
        ("<x tiff:Model='Cam'/>".encode("utf-16-le"), {Kind.DEVICE}),
        (b"<x/>", {Kind.OTHER}),
        (b"", {Kind.OTHER}),
    ],
)
def test_xmp_when_its_words_are_known_then_their_kinds_are_told(
    xmp: bytes, kinds: set[Kind]
) -> None:
    """In every spelling that XMP may have."""
    assert find_xmp_kinds(xmp) == kinds


@pytest.mark.parametrize(
    ("resources", "kinds"),
    [
        (resource(0x0404, dataset(80)), {Kind.PERSON}),
        (resource(0x0404, dataset(90) + dataset(55)), {Kind.PLACE, Kind.TIME}),
        (resource(0x0404, dataset(90, record=1)), {Kind.OTHER}),
        (resource(0x0404, dataset(250)), {Kind.OTHER}),
        (resource(0x0404, b"\x1c\x02\x50\x80\x04"), {Kind.OTHER}),
        (resource(0x0404, b"rubbish"), {Kind.OTHER}),
        (resource(0x0404, dataset(200, b"") * (MAX_DATASETS + 1)), {Kind.OTHER}),
        (resource(0x040C, b"abc") + resource(0x0404, dataset(80)), {Kind.PREVIEW, Kind.PERSON}),
        (resource(0x03ED, b"ab"), {Kind.OTHER}),
        (b"8BIM\4", {Kind.OTHER}),
        (b"rubbish", {Kind.OTHER}),
        (resource(0x0409, b"") * 2_000, {Kind.PREVIEW}),
    ],
)
def test_photoshop_when_its_resources_are_known_then_their_kinds_are_told(
    resources: bytes, kinds: set[Kind]
) -> None:
    """One resource after the other, with lengths that may lie."""
    assert find_photoshop_kinds(resources) == kinds
