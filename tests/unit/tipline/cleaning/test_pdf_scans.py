"""JBIG2 and JPEG 2000: what decodes stays, comments and profiles go."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tipline.cleaning import pdf_scans
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_scans import clean_jbig2, clean_jpeg2000


def make_segment(kind: int, data: bytes, *, number: int = 0, referred: bytes = b"\0") -> bytes:
    """Make a segment of JBIG2 on page 1."""
    return number.to_bytes(4, "big") + bytes([kind]) + referred + b"\1" + _measure(data) + data


def _measure(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big")


def make_box(name: bytes, data: bytes) -> bytes:
    """Make a box of JPEG 2000."""
    return (8 + len(data)).to_bytes(4, "big") + name + data


def make_jpeg2000(**options: object) -> bytes:
    """Make a picture; OpenJPEG signs it with a comment of its own."""
    out = io.BytesIO()
    image = Image.new("RGB", (16, 16), (200, 30, 60))
    image.save(out, "JPEG2000", **options)
    return out.getvalue()


def refuse(data: bytes) -> Reason:
    """Hold that JPEG 2000 is refused, and say why."""
    with pytest.raises(RefusedError) as caught:
        clean_jpeg2000(data)
    return caught.value.reason


def test_jbig2_when_it_has_comments_then_they_go() -> None:
    """Also such as refer to many others, in any of the three ways."""
    page, region = make_segment(48, bytes(19)), make_segment(38, b"region", number=300)
    many = b"\xe0\0\0\x05\0" + b"\1\2\3\4\5"
    comments = [
        make_segment(62, b"Ana"),
        make_segment(62, b"Ana", referred=b"\x20\1"),
        make_segment(62, b"Ana", number=300, referred=b"\x20\0\1"),
        make_segment(62, b"Ana", number=70_000, referred=b"\x20\0\0\0\1"),
        make_segment(62, b"Ana", referred=many),
        make_segment(99 & 63, b"unknown"),
    ]

    assert clean_jbig2(page + b"".join(comments) + region) == page + region


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\0\0\0", Reason.TRUNCATED),
        (make_segment(48, bytes(19))[:-1], Reason.TRUNCATED),
        (b"\0\0\0\0\x26\0\1\xff\xff\xff\xff", Reason.UNSUPPORTED),
    ],
)
def test_jbig2_when_a_length_lies_then_it_is_refused(data: bytes, reason: Reason) -> None:
    """Nothing is guessed."""
    with pytest.raises(RefusedError) as caught:
        clean_jbig2(data)

    assert caught.value.reason == reason


def test_jpeg2000_when_it_has_comments_and_boxes_then_they_go_and_pixels_stay() -> None:
    """A file and a codestream alone, as Pillow reads them."""
    for options in ({}, {"no_jp2": True}):
        data = make_jpeg2000(**options, comment="Xochitl")
        telling = data if options else data + make_box(b"xml ", b"<a>Xochitl</a>")

        cleaned = clean_jpeg2000(telling)

        assert b"Xochitl" in data
        assert b"Xochitl" not in cleaned
        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(cleaned)) as after:
            assert before.tobytes() == after.tobytes()
        assert clean_jpeg2000(cleaned) == cleaned


def test_jpeg2000_when_it_has_a_profile_then_plain_colours_stand_in_its_place() -> None:
    """By the number of components; others are refused."""
    data = make_jpeg2000()
    at = data.index(b"colr") + 4
    profiled = data[:at] + b"\2" + data[at + 1 :]

    assert clean_jpeg2000(profiled) == clean_jpeg2000(data)
    many = data.index(b"ihdr") + 4 + 8
    assert refuse(profiled[:many] + b"\0\7" + profiled[many + 2 :]) == Reason.UNSUPPORTED


def test_jpeg2000_when_a_box_has_a_long_length_or_none_then_it_is_read() -> None:
    """The three ways to say how long a box is."""
    data = make_jpeg2000()
    at = data.index(b"jp2c") - 4
    stream = data[at + 8 :]
    long = b"\0\0\0\1jp2c" + (16 + len(stream)).to_bytes(8, "big") + stream

    assert clean_jpeg2000(data[:at] + long) == clean_jpeg2000(data)
    assert clean_jpeg2000(data[:at] + b"\0\0\0\0jp2c" + stream) == clean_jpeg2000(data)


def test_jpeg2000_when_it_is_broken_then_it_is_refused() -> None:
    """No start, a box or a tile beyond the end, a comment inside a tile."""
    stream = make_jpeg2000(no_jp2=True)
    tile = stream.index(b"\xff\x90")
    data = stream.index(b"\xff\x93", tile)
    length = int.from_bytes(stream[tile + 6 : tile + 10], "big")
    commented = (
        stream[: tile + 6]
        + (length + 6).to_bytes(4, "big")
        + stream[tile + 10 : data]
        + b"\xff\x64\0\4\0\1"
        + stream[data:]
    )

    assert refuse(b"hidden") == Reason.MALFORMED
    assert refuse(make_jpeg2000()[:40]) == Reason.TRUNCATED
    assert refuse(stream[:20]) == Reason.MALFORMED
    assert refuse(stream[:-20]) == Reason.TRUNCATED
    assert refuse(commented) == Reason.UNSUPPORTED


def test_scans_when_they_have_too_many_parts_then_they_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A million comments of no bytes."""
    monkeypatch.setattr(pdf_scans, "MAX_SEGMENTS", 3)

    with pytest.raises(RefusedError) as caught:
        clean_jbig2(make_segment(62, b"") * 4)

    assert caught.value.reason == Reason.TOO_COMPLEX
    boxes = make_jpeg2000() + make_box(b"free", b"") * 9
    assert refuse(boxes) == Reason.TOO_COMPLEX
