"""Envelope sizes."""

from __future__ import annotations

import pytest

from crypto.errors import MalformedError, TooLargeError
from crypto.ladder import (
    CHUNK_LEN,
    HEADER_LEN,
    NONCE_LEN,
    RUNGS,
    TAG_LEN,
    TEXT_RUNG,
    choose_rung,
    is_rung,
    payload_len_of,
)

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


def test_rungs_when_listed_then_they_are_those_of_the_formats_page() -> None:
    """The ladder is the one written down, rung by rung."""
    expected = [64 * KIB, 256 * KIB, *(n * MIB for n in (1, 4, 8, 16, 32))]
    expected += [n * 64 * MIB for n in range(1, 17)]
    expected += [n * 256 * MIB for n in range(5, 17)]

    assert list(RUNGS) == expected
    assert RUNGS[-1] == 4 * GIB


def test_header_when_counted_then_it_is_12526_bytes() -> None:
    """Eight hybrid stanzas make the header that facts and formats name."""
    assert HEADER_LEN == 12_526


@pytest.mark.parametrize("rung", RUNGS)
def test_payload_when_sealed_then_it_meets_its_rung_exactly(rung: int) -> None:
    """A payload of `payload_len_of` bytes, with age's overhead, is exactly the rung."""
    payload_len = payload_len_of(rung)
    chunks = max(1, -(-payload_len // CHUNK_LEN))

    assert payload_len + TAG_LEN * chunks + HEADER_LEN + NONCE_LEN == rung


def test_text_rung_when_asked_then_it_holds_52978_bytes() -> None:
    """The smallest envelope's room, as measured against age."""
    assert payload_len_of(TEXT_RUNG) == 52_978


@pytest.mark.parametrize("size", [0, 1, TEXT_RUNG - 1, TEXT_RUNG + 1, 2 * MIB, 5 * GIB, -TEXT_RUNG])
def test_size_when_not_a_rung_then_it_is_refused(size: int) -> None:
    """No other size passes for a rung."""
    assert not is_rung(size)
    with pytest.raises(MalformedError):
        payload_len_of(size)


@pytest.mark.parametrize(
    ("payload_len", "has_attachments", "rung"),
    [
        (1, False, TEXT_RUNG),
        (52_978, False, TEXT_RUNG),
        (52_979, False, 256 * KIB),
        (1, True, 256 * KIB),
        (4 * GIB - 12_542 - 16 * 65_521, True, 4 * GIB),
    ],
)
def test_choose_rung_when_given_a_length_then_it_takes_the_smallest_that_holds_it(
    payload_len: int, has_attachments: bool, rung: int
) -> None:
    """The smallest rung is taken, but a tip with a file never takes the one for text alone."""
    assert is_rung(rung)
    assert choose_rung(payload_len, has_attachments=has_attachments) == rung


def test_choose_rung_when_nothing_holds_it_then_it_is_refused() -> None:
    """What no rung holds is refused with the largest size."""
    with pytest.raises(TooLargeError) as caught:
        choose_rung(4 * GIB, has_attachments=True)

    assert caught.value.facts == {"limit": 4 * GIB}
