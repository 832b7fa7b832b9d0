"""A part of a message as it is written for its row."""

from __future__ import annotations

import pytest

from crypto.errors import CryptoError
from tests.unit.tipline.gateway.test_parts import NOW, announce, make_piece
from tipline.gateway.incoming import Incoming, Medium
from tipline.gateway.part_rows import decode_piece, encode_piece
from tipline.gateway.parts import Joining, Piece


def write(piece: Piece) -> bytes:
    """Write a part for its row."""
    return encode_piece(
        piece.incoming, sender=piece.sender, channel=piece.channel, language=piece.language
    )


@pytest.mark.parametrize("text", ["", "plain", "half \ud83d", "\x00\n\u2028", "ñ" * 250])
def test_piece_when_it_is_written_then_it_reads_back_the_same(text: str) -> None:
    """A part that waits on disk loses nothing, not even half a character."""
    piece = make_piece(2, 3, text, reference="\udc00", provider_id="\ud800")
    assert decode_piece(piece.id, write(piece)) == piece


@pytest.mark.parametrize(
    "untrusted",
    [b"", b"{}", b"[]", b'{"gateway": 1}', b'{"gateway": "a", "medium": "fax"}'],
)
def test_piece_when_it_is_not_in_its_form_then_it_is_refused(untrusted: bytes) -> None:
    """What is no part is an error, whatever it lacks."""
    with pytest.raises(CryptoError):
        decode_piece(b"", untrusted)


def test_piece_when_a_field_is_changed_then_it_is_refused() -> None:
    """Each field has one form."""
    written = write(make_piece(1, 2, "a"))
    for old, new in (
        (b'"of":2', b'"of":1'),
        (b'"sms"', b'"fax"'),
        (b'"text":"0061"', b'"text":"006"'),
        (b'"number":1', b'"number":3'),
        (b"}", b',"more":1}'),
    ):
        assert old in written
        with pytest.raises(CryptoError):
            decode_piece(b"", written.replace(old, new))


def test_part_when_no_part_is_asked_for_its_part_then_it_is_the_callers_fault() -> None:
    """A whole message is never joined."""
    whole = Incoming(
        gateway="modem", medium=Medium.SMS, provider_id="1", sender="", text="", received_at=NOW
    )
    with pytest.raises(ValueError, match="no part"):
        Joining().has(whole, sender="")
    with pytest.raises(ValueError, match="no part"):
        encode_piece(whole, sender="", channel="city", language="es")


def test_announcement_when_written_then_is_read_as_one() -> None:
    """After a restart it waits as before; a row of an older version is of a part."""
    piece = announce(1)
    assert decode_piece(piece.id, write(piece)) == piece
    assert b"announcement" not in write(make_piece(1, 2, "a"))
