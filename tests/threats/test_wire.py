"""Whoever watches the line, and whoever stores today to open later: T-02, T-13, T-14."""

from __future__ import annotations

import io
from typing import Any

import pytest

from crypto.age.x25519 import X25519Identity
from crypto.envelope import AttachedFile, seal_tip
from crypto.errors import RecipientError
from crypto.keyset import choose_recipients
from crypto.ladder import is_rung
from crypto.tip import Tip


@pytest.mark.parametrize("text_len", [1, 100, 10_000, 20_000])
def test_network_observer_when_the_tip_is_text_then_its_length_does_not_show(
    desk: Any, today: Any, text_len: int
) -> None:
    """Every tip of text alone that a person types has the same size on the line."""
    recipients = choose_recipients(desk.verify(desk.note), channel="city", today=today)
    sealed = io.BytesIO()

    seal_tip(sealed, tip=Tip(text="x" * text_len), recipients=recipients)

    assert len(sealed.getvalue()) == 64 * 1024


@pytest.mark.parametrize("content_len", [0, 1, 200_000, 5_000_000])
def test_network_observer_when_files_are_attached_then_only_a_rung_shows(
    desk: Any, today: Any, content_len: int
) -> None:
    """INV-03: the size of an envelope with files is one of a few, never the files' own."""
    recipients = choose_recipients(desk.verify(desk.note), channel="city", today=today)
    file = AttachedFile(
        extension="jpg",
        size_bytes=content_len,
        source=io.BytesIO(bytes(content_len)),
        name="harbour.jpg",
        media_type="image/jpeg",
    )
    sealed = io.BytesIO()

    seal_tip(sealed, tip=Tip(text="x"), files=[file], recipients=recipients)

    assert is_rung(len(sealed.getvalue()))
    assert len(sealed.getvalue()) > 64 * 1024


@pytest.mark.parametrize("count", [1, 8])
def test_quantum_computer_when_a_recipient_is_classic_then_nothing_is_sealed(
    desk: Any, today: Any, count: int
) -> None:
    """INV-01: no classic recipient, alone or among others: it would open to a quantum computer."""
    recipients: list[Any] = choose_recipients(desk.verify(desk.note), channel="city", today=today)
    recipients[:count] = [X25519Identity.generate().recipient() for _ in range(count)]
    sealed = io.BytesIO()

    with pytest.raises(RecipientError):
        seal_tip(sealed, tip=Tip(text="x"), recipients=recipients)
    assert sealed.getvalue() == b""


def test_hosting_provider_when_it_searches_an_envelope_then_no_word_is_in_it(desk: Any) -> None:
    """What the server stores of a tip holds neither its text nor a reader's key."""
    envelope = desk.seal(desk.note)

    for word in (b"harbour", b"age1pq", b"tip.json", b"text.txt", b"ustar\0"):
        assert word not in envelope
