"""Units of H.264 and HEVC: pictures stay, what only tells goes."""

from __future__ import annotations

import io

import pytest

from tests.films import PICTURE, sei, unit
from tipline.cleaning import nals as nals_module
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.nals import filter_nals
from tipline.cleaning.plan import Kind
from tipline.cleaning.source import Source

HEVC_PICTURE = unit(b"\x26\1\7")


def run(sample: bytes, *, is_hevc: bool = False) -> tuple[bytes, set[Kind]]:
    """Filter a sample of a file, and put together what is kept."""
    found: set[Kind] = set()
    source = Source(io.BytesIO(b"before" + sample + b"behind"))
    pieces = filter_nals(source, 6, len(sample), length_bytes=4, is_hevc=is_hevc, found=found)
    if pieces is None:
        return sample, found
    kept = [
        one if isinstance(one, bytes) else source.read(one.offset, one.length_bytes)
        for one in pieces
    ]
    return b"".join(kept), found


@pytest.mark.parametrize("kind", [1, 5, 7, 8, 9, 10, 13, 19])
def test_nals_when_a_unit_is_needed_then_it_stays(kind: int) -> None:
    """Pictures and parameter sets."""
    sample = unit(bytes([0x60 | kind, 1])) + PICTURE

    assert run(sample) == (sample, set())


@pytest.mark.parametrize("kind", [0, 12, 14, 15, 16, 20, 21, 22, 24, 30, 31])
def test_nals_when_a_unit_has_no_meaning_then_it_goes(kind: int) -> None:
    """Fill, second layers, and what a maker put there."""
    assert run(unit(bytes([kind]) + b"told") + PICTURE) == (PICTURE, {Kind.OTHER})


@pytest.mark.parametrize(
    "head", [b"\x4c\1", b"\x52\1", b"\x60\1", b"\x7c\1", b"\x26\x09", b"\x27\1"]
)
def test_nals_when_a_unit_of_hevc_has_no_meaning_then_it_goes(head: bytes) -> None:
    """Fill, reserved ones, Dolby Vision's, and those of a second layer."""
    assert run(unit(head + b"told") + HEVC_PICTURE, is_hevc=True) == (HEVC_PICTURE, {Kind.OTHER})


@pytest.mark.parametrize(
    ("kind", "least", "greatest"),
    [(6, 1, 8), (45, 1, 24), (47, 1, 8), (137, 24, 24), (144, 4, 4), (147, 1, 1)],
)
def test_nals_when_a_message_says_how_to_show_then_it_stays(
    kind: int, least: int, greatest: int
) -> None:
    """Byte for byte; with a length of another it would hold more than that."""
    for size in (least, greatest):
        sample = sei(kind, b"\1" * size) + PICTURE
        assert run(sample) == (sample, set())
    for size in (least - 1, greatest + 1):
        assert run(sei(kind, b"\1" * size) + PICTURE) == (PICTURE, {Kind.OTHER})


@pytest.mark.parametrize("kind", [0, 1, 2, 3, 4, 5, 136, 200])
def test_nals_when_a_message_tells_then_it_goes(kind: int) -> None:
    """Clocks, places, captions, settings."""
    assert run(sei(kind, b"told") + PICTURE) == (PICTURE, {Kind.OTHER})
    assert run(sei(kind, b"x264") + PICTURE) == (PICTURE, {Kind.SOFTWARE})


def test_nals_when_messages_stand_together_then_each_is_judged() -> None:
    """What stays is written anew, with its escapes."""
    mixed = unit(b"\x06\x05\x03abc\x2d\x03\0\0\x03\0\x80")

    assert run(mixed) == (unit(b"\x06\x2d\x03\0\0\x03\0\x80"), {Kind.OTHER})


@pytest.mark.parametrize(
    "content", [b"", b"\x05", b"\x05\x09abc\x80", b"\x2d\x01\x00", b"\xff\xff"]
)
def test_nals_when_messages_are_not_whole_then_all_of_them_go(content: bytes) -> None:
    """Nobody knows what they say."""
    assert run(unit(b"\x06" + content) + PICTURE) == (PICTURE, {Kind.OTHER})


def test_nals_when_a_message_is_longer_than_is_read_then_it_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(nals_module, "MAX_SEI_BYTES", 4)

    assert run(sei(6, b"\1\2\3") + PICTURE) == (PICTURE, {Kind.OTHER})


@pytest.mark.parametrize(
    "sample", [b"\0\0\0\x02e", b"\0\0\0", PICTURE + b"\0", b"\xff\xff\xff\xffe"]
)
def test_nals_when_a_unit_is_not_whole_then_it_is_refused(sample: bytes) -> None:
    """A length is not believed."""
    with pytest.raises(RefusedError) as caught:
        run(sample)

    assert caught.value.reason == Reason.MALFORMED


def test_nals_when_a_unit_is_empty_then_it_goes_and_the_next_is_not_read_for_it() -> None:
    """What follows is no part of it."""
    assert run(b"\0\0\0\0" + PICTURE) == (PICTURE, {Kind.OTHER})
