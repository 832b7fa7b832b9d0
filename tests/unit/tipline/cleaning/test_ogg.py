"""Ogg: one stream of sound stays, what is said beside it goes."""

from __future__ import annotations

import pytest

from tests.holding import clean, refuse
from tests.sounds import (
    BEGIN,
    CONTINUED,
    END,
    OPUS_HEAD,
    OPUS_SOUND,
    OPUS_TAGS,
    VORBIS_COMMENTS,
    VORBIS_HEAD,
    VORBIS_SETUP,
    make_comments,
    make_opus,
    make_page,
    make_speex,
    make_vorbis,
)
from tipline.cleaning import ogg, patchwork
from tipline.cleaning import plan as plan_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind, Range

CLEAN = make_opus()
FIRST, SECOND = make_page(0, OPUS_HEAD, marks=BEGIN), make_page(1, OPUS_TAGS)
VORBIS_FIRST = make_page(0, VORBIS_HEAD, marks=BEGIN)
LAST = make_page(2, OPUS_SOUND, marks=END, position=1272)


@pytest.mark.parametrize(
    "sound",
    [
        CLEAN,
        make_vorbis(),
        make_speex(),
        make_opus(make_page(2, OPUS_SOUND), make_page(3, OPUS_SOUND, marks=END)),
        make_opus(make_page(2, OPUS_SOUND, position=7)),
        make_opus(make_page(2), make_page(3, OPUS_SOUND, marks=END)),
        make_opus(
            make_page(2, bytes(510), segments=b"\xff\xff"),
            make_page(3, bytes(9), marks=CONTINUED | END, segments=b"\x09"),
        ),
        FIRST + SECOND,
    ],
    ids=["opus", "vorbis", "speex", "pages", "no-end", "empty-page", "across", "no-sound"],
)
def test_ogg_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    sound: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(sound)

    assert (cleaned, plan.format, plan.kinds) == (sound, Format.OGG, ())


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        (make_comments(program=b"libopus 1.3"), {Kind.SOFTWARE}),
        (make_comments(b"artist=Ana"), {Kind.PERSON}),
        (make_comments(b"DATE=2026", b"LOCATION=here"), {Kind.TIME, Kind.PLACE}),
        (make_comments(b"METADATA_BLOCK_PICTURE=" + b"A" * 3000), {Kind.PREVIEW}),
        (make_comments(b"whatever=x"), {Kind.OTHER}),
        (make_comments(b""), {Kind.OTHER}),
        (bytes(8) + b"padding", {Kind.OTHER}),
        (b"\xff\xff\xff\x7f", {Kind.SOFTWARE}),
        (b"\0\0\0\0\xff\xff\xff\xff", {Kind.OTHER}),
        (b"", {Kind.OTHER}),
    ],
)
def test_ogg_when_comments_say_something_then_they_go_and_their_kinds_are_told(
    told: bytes, kinds: set[Kind]
) -> None:
    """Comments are empty afterwards, whatever they were."""
    cleaned, plan = clean(make_opus(tags=b"OpusTags" + told))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


def test_ogg_when_comments_have_many_pages_then_later_pages_are_counted_anew() -> None:
    """Nothing tells how large the picture was that stood there."""
    tags = b"OpusTags" + make_comments(b"COVERART=" + b"A" * 70_000)
    pages = [
        make_page(1, tags[:65025], segments=b"\xff" * 255),
        make_page(2, tags[65025:], marks=CONTINUED),
        make_page(3, OPUS_SOUND, marks=END, position=1272),
    ]

    cleaned, plan = clean(FIRST + b"".join(pages))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.PREVIEW,))


def test_ogg_when_the_serial_number_is_its_own_then_it_is_everybodys_afterwards() -> None:
    """Programs draw it from the clock: it may tell the second of recording."""
    cleaned, plan = clean(make_opus(serial=b"\x12\x34\x56\x78"))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.ID,))


def test_ogg_when_pages_are_numbered_otherwise_then_they_count_from_zero() -> None:
    """The numbers of pages say nothing."""
    cleaned, plan = clean(FIRST + SECOND + make_page(77, OPUS_SOUND, marks=END, position=1272))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.OTHER,))


def test_ogg_when_a_checksum_is_wrong_then_it_stays_wrong() -> None:
    """What a decoder passes over it passes over afterwards, too."""
    wrong = make_opus(serial=b"\x12\x34\x56\x78")[:-1] + b"\xff"

    cleaned, plan = clean(wrong)

    assert (cleaned, plan.kinds) == (CLEAN[:-1] + b"\xff", (Kind.ID,))


def test_ogg_when_the_setup_stands_apart_then_it_follows_the_comments() -> None:
    """What stands before the sound is put together in one way."""
    pages = [make_page(1, VORBIS_COMMENTS), make_page(2, VORBIS_SETUP)]
    last = make_page(3, b"sound", marks=END, position=1024)

    cleaned, plan = clean(VORBIS_FIRST + b"".join(pages) + last)

    assert (cleaned, plan.kinds) == (make_vorbis(), (Kind.OTHER,))


def test_ogg_when_the_setup_is_longer_than_a_page_then_it_goes_on_in_the_next() -> None:
    """A page in which no packet ends has no position."""
    setup = b"\x05vorbis" + bytes(200_000)
    packets = VORBIS_COMMENTS + setup
    segments = b"\x10" + b"\xff" * (len(setup) // 255) + bytes([len(setup) % 255])
    pages = []
    for number in range(1, 5):
        now, segments = segments[:255], segments[255:]
        content, packets = packets[: sum(now)], packets[sum(now) :]
        pages.append(
            make_page(
                number,
                content,
                segments=now,
                marks=CONTINUED if number > 1 else 0,
                position=-1 if number in (2, 3) else 0,
            )
        )
    whole = VORBIS_FIRST + b"".join(pages) + make_page(5, b"sound", marks=END, position=1024)

    cleaned, plan = clean(whole)

    assert not packets
    assert (cleaned, plan.kinds) == (whole, ())


@pytest.mark.parametrize("behind", [b"\0", b"TAG" + bytes(125), b"PK\3\4"])
def test_ogg_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """A sound that is an archive too loses its other half."""
    cleaned, plan = clean(make_opus(behind=behind))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.TRAILING,))


def test_ogg_when_a_page_is_large_then_its_content_is_not_copied() -> None:
    """Of large pages the plan holds the heads alone."""
    sound = make_opus(
        *(make_page(number, bytes(5000)) for number in (2, 3)), make_page(4, b"x", marks=END)
    )

    _, plan = clean(sound)

    assert [piece.length_bytes for piece in plan.pieces if isinstance(piece, Range)] == [5000] * 2
    assert len(plan.pieces) == 5


def test_ogg_when_pages_are_small_then_they_share_a_piece() -> None:
    """A page for every twenty milliseconds does not fill the plan."""
    sound = make_opus(*(make_page(number, OPUS_SOUND * 40) for number in range(2, 4_002)))

    _, plan = clean(sound)

    assert len(plan.pieces) == 3
    assert all(isinstance(piece, bytes) for piece in plan.pieces)


def test_ogg_when_more_is_copied_than_fits_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded for any length."""
    monkeypatch.setattr(patchwork, "MAX_COPIED_BYTES", len(CLEAN) - 1)

    assert refuse(CLEAN) == Reason.TOO_COMPLEX


def test_ogg_when_there_are_too_many_pages_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Empty pages cannot take forever."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(make_opus(*(make_page(number) for number in range(2, 12)))) == Reason.TOO_COMPLEX


def test_ogg_when_a_setup_is_longer_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is kept of packets before the sound is bounded."""
    monkeypatch.setattr(ogg, "MAX_LOOKED_AT_BYTES", 64)

    assert refuse(make_vorbis()) == Reason.TOO_COMPLEX


@pytest.mark.parametrize("length", range(4, len(CLEAN)))
def test_ogg_when_it_is_cut_then_it_is_refused_or_ended_between_two_pages(length: int) -> None:
    """No page that ends too early is taken for a whole one."""
    if length == len(FIRST + SECOND):
        assert clean(CLEAN[:length])[0] == FIRST + SECOND
    else:
        assert refuse(CLEAN[:length]) == Reason.TRUNCATED


OTHER = make_page(0, OPUS_HEAD, marks=BEGIN, serial=b"\2\0\0\0")


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (make_page(0, b"\x80theora" + bytes(35), marks=BEGIN), Reason.UNSUPPORTED),
        (make_page(0, b"fishead\0" + bytes(56), marks=BEGIN), Reason.UNSUPPORTED),
        (FIRST + OTHER + SECOND + LAST, Reason.UNSUPPORTED),
        (CLEAN + CLEAN, Reason.UNSUPPORTED),
        (make_page(0, OPUS_HEAD) + SECOND + LAST, Reason.MALFORMED),
        (make_page(0, OPUS_HEAD, marks=BEGIN | END) + SECOND + LAST, Reason.MALFORMED),
        (make_page(0, OPUS_HEAD, b"more", marks=BEGIN) + SECOND + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, OPUS_TAGS, OPUS_SOUND) + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, OPUS_TAGS, OPUS_TAGS) + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, OPUS_TAGS, marks=END) + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, OPUS_TAGS, marks=CONTINUED) + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, OPUS_TAGS, marks=BEGIN) + LAST, Reason.MALFORMED),
        (FIRST + make_page(1, b"OpusTagz" + bytes(8)) + LAST, Reason.MALFORMED),
        (make_opus(make_page(2, OPUS_SOUND, marks=CONTINUED)), Reason.MALFORMED),
        (make_opus(make_page(2, OPUS_SOUND, serial=bytes(4))), Reason.MALFORMED),
        (make_opus(make_page(2, OPUS_SOUND, marks=8)), Reason.MALFORMED),
        (make_opus(make_page(2, OPUS_SOUND, version=1)), Reason.MALFORMED),
        (make_opus(make_page(2, OPUS_SOUND), b"junk" * 9), Reason.MALFORMED),
        (make_opus(make_page(2, bytes(255), segments=b"\xff")), Reason.TRUNCATED),
        (make_opus(make_page(2, bytes(255), segments=b"\xff", marks=END)), Reason.TRUNCATED),
        (FIRST + make_page(1, bytes(255), segments=b"\xff"), Reason.TRUNCATED),
    ],
)
def test_ogg_when_it_breaks_a_rule_then_it_is_refused(sound: bytes, reason: Reason) -> None:
    """One stream of sound, whose pages follow each other."""
    assert refuse(sound) == reason
