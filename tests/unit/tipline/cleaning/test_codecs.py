"""Configurations of codecs: each of its exact shape, without what only tells."""

from __future__ import annotations

import pytest

from tests.films import AAC, AVC, HEVC, PPS, SPS, make_esds
from tipline.cleaning.codecs import READERS
from tipline.cleaning.errors import Reason, RefusedError

_WITH_MORE = (b"av1C", b"dfLa", b"d263")  # lists of which the front is kept


def read(name: bytes, content: bytes) -> bytes:
    """Read a configuration, and hold that it stays as it is from then on."""
    kept = READERS[name](content).content
    assert READERS[name](kept).content == kept
    return kept


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"avcC", AVC[8:]),
        (b"avcC", b"\1\x64\0\x0a\xff\xe1\0\6" + SPS + b"\1\0\4" + PPS + b"\xfd\xf8\xf8\0"),
        (b"hvcC", HEVC[8:]),
        (b"av1C", b"\x81\0\0\0\x0a\1\0"),
        (b"vpcC", b"\1" + bytes(11)),
        (b"damr", bytes(5) + b"\1\2\3\4"),
        (b"d263", bytes(5) + b"\x0a\0"),
        (b"alac", bytes(28)),
        (b"alac", bytes(52)),
        (b"dOps", bytes(11)),
        (b"dOps", b"\0\2" + bytes(8) + b"\1\1\1\0\1"),
        (b"dfLa", b"\0\0\0\0\x80\0\0\x22" + bytes(34)),
        (b"dac3", bytes(3)),
        (b"dec3", bytes(5)),
        (b"dec3", b"\0\0\0\0\2\0\0\0"),
        (b"pcmC", bytes(6)),
    ],
)
def test_codecs_when_a_configuration_is_plain_then_it_stays(name: bytes, content: bytes) -> None:
    """Byte for byte; cut it is refused, and what stands behind is refused or goes."""
    assert read(name, content) == content
    with pytest.raises(RefusedError):
        READERS[name](content[:-1])
    if name in _WITH_MORE:
        assert read(name, content + b"hidden") == content
    else:
        with pytest.raises(RefusedError):
            READERS[name](content + b"hidden")


def test_codecs_when_a_maker_is_named_then_it_goes() -> None:
    """AMR and H.263 have four bytes for it, FLAC a block, HEVC a set."""
    assert read(b"damr", b"Lume\1\1\2\3\4") == bytes(5) + b"\1\2\3\4"
    assert read(b"d263", b"Lume\1\x0a\0" + b"bitr") == bytes(5) + b"\x0a\0"
    told = b"\0\0\0\0\0\0\0\x22" + bytes(34) + b"\x84\0\0\4told"
    assert read(b"dfLa", told) == b"\0\0\0\0\x80\0\0\x22" + bytes(34)
    sets = HEVC[8:30] + b"\4" + HEVC[31:] + b"\x27\0\1\0\4told"
    assert read(b"hvcC", sets) == HEVC[8:]
    assert read(b"av1C", b"\x81\0\0\0\x2a\2\4\xb5\x0a\1\0") == b"\x81\0\0\0\x0a\1\0"


def test_codecs_when_descriptors_are_written_in_another_way_then_they_become_the_same() -> None:
    """A length may have one byte or four."""
    assert read(b"esds", make_esds(long=True)[8:]) == read(b"esds", make_esds(long=False)[8:])


def test_codecs_when_mpeg4_has_a_text_then_it_goes() -> None:
    """In the configuration, as in samples."""
    kept = read(b"esds", make_esds(kind=0x20, config=b"\0\0\1\xb0\1\0\0\1\xb2XviD0050")[8:])

    assert b"\0\0\1\xb0\1" in kept
    assert b"XviD" not in kept


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"kind": 0x6B}, Reason.UNSUPPORTED),
        ({"kind": 0xDD}, Reason.UNSUPPORTED),
        ({"config": b"\x10\0"}, Reason.UNSUPPORTED),
        ({"config": b"\x17\x80\0\0\0"}, Reason.UNSUPPORTED),
        ({"config": b"\x12"}, Reason.MALFORMED),
        ({"config": AAC + bytes(63)}, Reason.MALFORMED),
    ],
)
def test_codecs_when_an_audio_configuration_may_hold_a_text_then_it_is_refused(
    options: dict[str, object], reason: Reason
) -> None:
    """MP3's and Vorbis's do; AAC's does where channels are described in words."""
    with pytest.raises(RefusedError) as caught:
        READERS[b"esds"](make_esds(**options)[8:])  # type: ignore[arg-type]

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "content",
    [
        AVC[8:].replace(SPS, b"\x06" + SPS[1:]),
        AVC[8:].replace(PPS, b"\x67" + PPS[1:]),
        AVC[8:].replace(b"\0\4" + PPS, b"\0\0"),
    ],
)
def test_codecs_when_a_parameter_set_is_something_else_then_it_is_refused(content: bytes) -> None:
    """A list of parameter sets is no place for a text."""
    with pytest.raises(RefusedError) as caught:
        READERS[b"avcC"](content)

    assert caught.value.reason == Reason.MALFORMED


def test_codecs_when_a_parameter_set_of_hevc_is_something_else_then_it_is_refused() -> None:
    """Neither is HEVC's."""
    with pytest.raises(RefusedError):
        READERS[b"hvcC"](HEVC[8:].replace(b"\x40\1\7", b"\x4e\1\7"))


def test_codecs_when_a_stream_names_another_then_it_is_refused() -> None:
    """A flag says that an address follows, or another stream."""
    plain = make_esds(long=False)[8:]

    with pytest.raises(RefusedError) as caught:
        READERS[b"esds"](plain[:8] + b"\x40" + plain[9:])

    assert caught.value.reason == Reason.UNSUPPORTED


def test_codecs_when_a_configuration_is_longer_than_any_then_it_is_refused() -> None:
    """A camera writes some forty bytes; lengths are written with two."""

    def describe(tag: int, content: bytes) -> bytes:
        length = len(content)
        return bytes([tag, 0x80 | length >> 14, 0x80 | length >> 7 & 127, length & 127]) + content

    decoder = bytes([0x20, 0x15]) + bytes(11) + describe(5, bytes(1 << 14))
    content = bytes(4) + describe(3, b"\0\0\0" + describe(4, decoder))

    with pytest.raises(RefusedError) as caught:
        READERS[b"esds"](content)

    assert caught.value.reason == Reason.TOO_COMPLEX
