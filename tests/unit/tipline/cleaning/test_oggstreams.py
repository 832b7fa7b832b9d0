"""What stands before the sound in each stream of Ogg: an exact shape, or none."""

from __future__ import annotations

import struct

import pytest

from tests.sounds import (
    FLAC_IN_OGG,
    OPUS_HEAD,
    SPEEX_FIELDS,
    SPEEX_HEAD,
    VORBIS_COMMENTS,
    VORBIS_HEAD,
    flac_block,
    make_comments,
    make_ogg_flac,
    make_speex,
    make_streaminfo,
    make_vorbis,
)
from tests.unit.tipline.cleaning.test_ogg import clean
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.oggstreams import read_identification
from tipline.cleaning.plan import Kind


def refuse(packet: bytes) -> Reason:
    """Hold that a first packet is refused, and say why."""
    with pytest.raises(RefusedError) as caught:
        read_identification(packet)
    return caught.value.reason


def change(packet: bytes, at: int, value: bytes) -> bytes:
    """Change bytes of a packet."""
    return packet[:at] + value + packet[at + len(value) :]


def speex(**changes: int) -> bytes:
    """Make the first packet of Speex with other fields."""
    fields = list(SPEEX_FIELDS)
    for name, value in changes.items():
        fields[int(name.removeprefix("field"))] = value
    return SPEEX_HEAD[:28] + struct.pack("<13i", *fields)


SURROUND = change(change(OPUS_HEAD, 9, b"\6"), 18, b"\1") + b"\4\2\0\4\1\2\3\5"


@pytest.mark.parametrize(
    "packet",
    [OPUS_HEAD, SURROUND, VORBIS_HEAD, SPEEX_HEAD, FLAC_IN_OGG, change(OPUS_HEAD, 8, b"\2")],
)
def test_identification_when_it_has_its_shape_then_it_stays(packet: bytes) -> None:
    """What a decoder needs is kept as it is."""
    assert read_identification(packet).identification == packet


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", Reason.UNSUPPORTED),
        (b"\x80kate\0\0\0", Reason.UNSUPPORTED),
        (OPUS_HEAD[:-1], Reason.MALFORMED),
        (OPUS_HEAD + b"x", Reason.MALFORMED),
        (change(OPUS_HEAD, 8, b"\x11"), Reason.UNSUPPORTED),
        (change(OPUS_HEAD, 9, b"\0"), Reason.MALFORMED),
        (change(OPUS_HEAD, 9, b"\3"), Reason.MALFORMED),
        (change(OPUS_HEAD, 18, b"\2"), Reason.UNSUPPORTED),
        (SURROUND + b"x", Reason.MALFORMED),
        (VORBIS_HEAD + b"x", Reason.MALFORMED),
        (change(VORBIS_HEAD, 7, b"\1"), Reason.MALFORMED),
        (change(VORBIS_HEAD, 11, b"\0"), Reason.MALFORMED),
        (change(VORBIS_HEAD, 12, bytes(4)), Reason.MALFORMED),
        (change(VORBIS_HEAD, 28, b"\x5b"), Reason.MALFORMED),
        (change(VORBIS_HEAD, 28, b"\xbe"), Reason.MALFORMED),
        (change(VORBIS_HEAD, 29, b"\3"), Reason.MALFORMED),
        (SPEEX_HEAD + b"x", Reason.MALFORMED),
        (speex(field1=81), Reason.MALFORMED),
        (speex(field2=0), Reason.MALFORMED),
        (speex(field3=3), Reason.MALFORMED),
        (speex(field5=3), Reason.MALFORMED),
        (speex(field7=0), Reason.MALFORMED),
        (speex(field9=0), Reason.MALFORMED),
        (speex(field10=1), Reason.UNSUPPORTED),
        (FLAC_IN_OGG + b"x", Reason.MALFORMED),
        (change(FLAC_IN_OGG, 9, b"F"), Reason.MALFORMED),
        (change(FLAC_IN_OGG, 13, b"\x80"), Reason.MALFORMED),
        (FLAC_IN_OGG[:-34] + make_streaminfo(least=15), Reason.MALFORMED),
        (FLAC_IN_OGG[:-34] + make_streaminfo(least=17), Reason.MALFORMED),
        (FLAC_IN_OGG[:-34] + make_streaminfo(rate_hz=0), Reason.MALFORMED),
        (FLAC_IN_OGG[:-34] + make_streaminfo(bits=3), Reason.MALFORMED),
    ],
)
def test_identification_when_it_has_another_shape_then_it_is_refused(
    packet: bytes, reason: Reason
) -> None:
    """Nothing hides in the first packet."""
    assert refuse(packet) == reason


def test_vorbis_when_comments_say_something_then_the_setup_stays() -> None:
    """The setup is needed to decode."""
    told = b"\x03vorbis" + make_comments(b"TITLE=x", program=b"Xiph") + b"\1"

    cleaned, plan = clean(make_vorbis(told))

    assert (cleaned, set(plan.kinds)) == (make_vorbis(), {Kind.SOFTWARE, Kind.TEXT})


@pytest.mark.parametrize(
    ("comments", "setup"), [(b"\x05vorbis", b"\x05vorbis"), (VORBIS_COMMENTS, b"\x03vorbis")]
)
def test_vorbis_when_another_packet_stands_there_then_it_is_refused(
    comments: bytes, setup: bytes
) -> None:
    """Comments, then the setup."""
    with pytest.raises(RefusedError) as caught:
        clean(make_vorbis(comments, setup))
    assert caught.value.reason == Reason.MALFORMED


@pytest.mark.parametrize(
    ("head", "comments", "kinds"),
    [
        (change(SPEEX_HEAD, 8, b"speex-1.2beta3"), bytes(8), {Kind.SOFTWARE}),
        (speex(field12=7), bytes(8), {Kind.OTHER}),
        (SPEEX_HEAD, make_comments(b"AUTHOR=Ana"), {Kind.PERSON}),
    ],
)
def test_speex_when_it_says_more_then_that_goes(
    head: bytes, comments: bytes, kinds: set[Kind]
) -> None:
    """The version's name and reserved fields are zeros, comments are empty."""
    cleaned, plan = clean(make_speex(head, comments))

    assert (cleaned, set(plan.kinds)) == (make_speex(), kinds)


@pytest.mark.parametrize(
    ("block", "kinds"),
    [
        (flac_block(6, b"picture"), {Kind.PREVIEW}),
        (flac_block(1, bytes(9)), {Kind.OTHER}),
        (flac_block(2, b"appl"), {Kind.OTHER}),
    ],
)
def test_flac_in_ogg_when_there_are_more_blocks_then_they_go(
    block: bytes, kinds: set[Kind]
) -> None:
    """Of all blocks STREAMINFO stays, and comments that are empty."""
    last = bytes([block[0] | 0x80]) + block[1:]

    head = change(FLAC_IN_OGG, 7, b"\0\2")
    comments = flac_block(4, make_comments(b"ARTIST=Ana"))

    cleaned, plan = clean(make_ogg_flac(comments, last, head=head))

    assert (cleaned, set(plan.kinds)) == (make_ogg_flac(), {Kind.PERSON, *kinds})


@pytest.mark.parametrize(
    "blocks",
    [
        (flac_block(1, b"x", is_last=True),),
        (b"\x84\0\0",),
        (flac_block(4, bytes(8)), flac_block(4, bytes(8), is_last=True)),
    ],
)
def test_flac_in_ogg_when_comments_are_not_where_they_belong_then_it_is_refused(
    blocks: tuple[bytes, ...],
) -> None:
    """Comments come first, once."""
    with pytest.raises(RefusedError) as caught:
        clean(make_ogg_flac(*blocks))
    assert caught.value.reason == Reason.MALFORMED
