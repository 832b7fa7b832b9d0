"""Films in fragments become whole ones, or are refused."""

from __future__ import annotations

import io
import struct

import pytest

from tests.films import (
    NEXT_PICTURE,
    PICTURE,
    make_empty,
    make_film,
    make_fragment,
    make_fragmented,
    make_pictures,
    unit,
)
from tests.holding import refuse
from tipline.cleaning import fragments as fragments_module
from tipline.cleaning.boxes import format_box, list_named
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import write_cleaned

ONE = make_fragment([PICTURE, NEXT_PICTURE])


def clean(data: bytes) -> bytes:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned = io.BytesIO(data), io.BytesIO()
    write_cleaned(plan_cleaning(source), source, cleaned)
    assert plan_cleaning(cleaned).kinds == ()
    return cleaned.getvalue()


def list_samples(film: bytes) -> bytes:
    """Take what is in `mdat`."""
    media = list_named(film, 0, len(film))[b"mdat"]
    return film[media.start : media.end]


def test_fragments_when_they_are_whole_then_they_become_a_film_that_is_no_longer_in_fragments() -> (
    None
):
    """The same as if it had been written so."""
    whole = make_film(make_pictures(), is_late=True)

    assert clean(make_fragmented(ONE)) == clean(whole)


def test_fragments_when_there_are_several_then_their_samples_follow_each_other() -> None:
    """With all their times."""
    cleaned = clean(make_fragmented(ONE, make_fragment([PICTURE], at=200)))

    assert list_samples(cleaned) == PICTURE + NEXT_PICTURE + PICTURE
    assert struct.pack(">4I", 0, 1, 3, 100) in cleaned
    assert b"moof" not in cleaned


def test_fragments_when_there_is_a_gap_then_the_sample_before_it_lasts_longer() -> None:
    """So the next is shown when it was."""
    cleaned = clean(make_fragmented(ONE, make_fragment([PICTURE], at=500)))

    assert struct.pack(">8I", 0, 3, 1, 100, 1, 400, 1, 100) in cleaned


def test_fragments_when_more_is_said_of_each_sample_then_it_stays() -> None:
    """How long it lasts, how much later it is shown, whether one can begin with it."""
    cleaned = clean(make_fragmented(make_fragment([PICTURE, NEXT_PICTURE], run=0xF01)))

    for table in (
        format_box(b"stts", struct.pack(">4I", 0, 1, 2, 40)),
        format_box(b"ctts", struct.pack(">4I", 0, 1, 2, 7)),
        format_box(b"stss", struct.pack(">3I", 0, 1, 1)),
    ):
        assert table in cleaned


def test_fragments_when_a_list_of_edits_has_no_end_then_it_has_one() -> None:
    """Nobody knew how long it would be."""
    edited = make_empty()
    edited.edits = [(0, 0)]

    assert struct.pack(">Iii", 200, 0, 0x10000) in clean(make_fragmented(ONE, tracks=[edited]))


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        (make_fragmented(), Reason.MALFORMED),
        (make_fragmented(make_fragment([PICTURE], at=9)), Reason.UNSUPPORTED),
        (make_fragmented(ONE, ONE), Reason.UNSUPPORTED),
        (make_fragmented(ONE, make_fragment([PICTURE], at=2**33)), Reason.UNSUPPORTED),
        (
            make_fragmented(make_fragment([PICTURE], more=format_box(b"senc", b""))),
            Reason.UNSUPPORTED,
        ),
        (make_fragmented(make_fragment([PICTURE], number=9)), Reason.MALFORMED),
        (make_fragmented(make_fragment([unit(b"\x65")], run=1), trex=b""), None),
        (
            make_fragmented(ONE.replace(struct.pack(">II", 0x201, 2), b"\0\0\2\1\x80\0\0\0")),
            Reason.TOO_COMPLEX,
        ),
        (
            make_fragmented(ONE.replace(struct.pack(">II", 0x201, 2), b"\0\0\2\1\0\0\0\3")),
            Reason.MALFORMED,
        ),
        (make_film(make_pictures(), behind=ONE), Reason.MALFORMED),
        (make_fragmented(ONE)[:-1], Reason.TRUNCATED),
        (
            make_film(
                make_pictures(),
                more=format_box(
                    b"mvex", format_box(b"trex", struct.pack(">6I", 0, 1, 1, 100, 5, 0))
                ),
                behind=ONE,
            ),
            Reason.UNSUPPORTED,
        ),
    ],
)
def test_fragments_when_they_are_not_true_then_they_are_refused(
    film: bytes, reason: Reason | None
) -> None:
    """Encrypted, cut out of something longer, going back, or with more than there is."""
    if reason is None:
        assert list_samples(clean(film)) == unit(b"\x65")
    else:
        assert refuse(film) == reason


def test_fragments_when_they_have_too_many_samples_then_they_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(fragments_module, "MAX_SAMPLES", 1)

    assert refuse(make_fragmented(ONE)) == Reason.TOO_COMPLEX
