"""
A part of a message as it is written for its row, where it lies sealed until the others come.

Rules:
1. What is read back is what was written, half a character as well.
2. A row of an earlier version is one of a part: what it does not say was not there then.
"""

from __future__ import annotations

import datetime
from typing import Final

from crypto.errors import MalformedError
from crypto.fields import Fields, parse_flag, parse_positive, parse_string, parse_time
from crypto.strict import format_json, parse_json_object
from tipline.gateway.incoming import Incoming, Medium, Part
from tipline.gateway.parts import Piece

MAX_PIECE_BYTES: Final = 64 * 1024


def encode_piece(incoming: Incoming, *, sender: str, channel: str, language: str) -> bytes:
    """
    Write a part for its row, where it is sealed.

    Args:
        incoming: With its part.
        sender: In one spelling.
        channel: Of its gateway.
        language: The same.

    Returns:
        JSON.

    Raises:
        ValueError: it is no part.
    """
    part = incoming.part
    if part is None:
        raise ValueError("no part")
    return format_json(
        {
            "gateway": incoming.gateway,
            "medium": incoming.medium.value,
            "id": _hide_halves(incoming.provider_id),
            "from": _hide_halves(incoming.sender),
            "sender": _hide_halves(sender),
            "channel": channel,
            "language": language,
            "text": _hide_halves(incoming.text),
            "received_at": f"{incoming.received_at:%Y-%m-%dT%H:%M:%S}Z",
            "reference": _hide_halves(part.reference),
            "number": part.number,
            "of": part.of,
            **({"is_announcement": True} if part.is_announcement else {}),
        }
    )


def decode_piece(piece_id: bytes, untrusted: bytes) -> Piece:
    """
    Read a part from its row.

    Args:
        piece_id: Of its row.
        untrusted: As `encode_piece` wrote it.

    Returns:
        The part.

    Raises:
        MalformedError: it is not in that form.
    """
    fields = Fields(parse_json_object(untrusted, max_bytes=MAX_PIECE_BYTES), "piece")
    try:
        incoming = Incoming(
            gateway=fields.take("gateway", parse_string),
            medium=Medium(fields.take("medium", parse_string)),
            provider_id=_show_halves(fields.take("id", parse_string)),
            sender=_show_halves(fields.take("from", parse_string)),
            text=_show_halves(fields.take("text", parse_string)),
            received_at=datetime.datetime.fromisoformat(fields.take("received_at", parse_time)),
            part=Part(
                reference=_show_halves(fields.take("reference", parse_string)),
                number=fields.take("number", parse_positive),
                of=fields.take("of", parse_positive),
                is_announcement=fields.take_if_there("is_announcement", parse_flag) or False,
            ),
        )
        sender = _show_halves(fields.take("sender", parse_string))
        channel = fields.take("channel", parse_string)
        language = fields.take("language", parse_string)
    except ValueError as exc:
        raise MalformedError("piece") from exc
    fields.close()
    return Piece(id=piece_id, incoming=incoming, sender=sender, channel=channel, language=language)


def _hide_halves(text: str) -> str:
    # JSON in UTF-8 has no place for half a character: UTF-16 in hex has.
    return text.encode("utf-16-be", "surrogatepass").hex()


def _show_halves(untrusted: str) -> str:
    return bytes.fromhex(untrusted).decode("utf-16-be", "surrogatepass")
