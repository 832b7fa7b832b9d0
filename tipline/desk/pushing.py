"""
Bringing an outgoing bundle to the service, on the desk's networked machine.

Rules:
1. This machine signs nothing and opens nothing: it carries, and reports what the service said of
   each answer by its random id.
2. It may be done again after a lost answer: the service takes nothing twice, and tells what became
   of each answer since.
3. The service speaks of each answer of the bundle once, and of nothing else, or nothing it says is
   believed.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Final

from crypto.errors import CryptoError, MalformedError
from crypto.fields import Fields, items, parse_string
from crypto.outgoing import read_ids
from crypto.strict import decode_hex, parse_json_object
from tipline.desk.pulling import UNREACHABLE, Source, open_session
from tipline.errors import AnswerError, NetworkError

MAX_ANSWER_BYTES: Final = 64 << 10  # 100 items of 80 bytes, eight times over
ID_BYTES: Final = 16
_READ_LEN: Final = 1 << 14


class Outcome(enum.StrEnum):
    """What became of one answer."""

    TAKEN = "taken"
    SENT = "sent"
    GATEWAY_REFUSED = "gateway_refused"
    WINDOW_CLOSED = "window_closed"
    NOT_READER = "not_reader"
    TOO_MANY = "too_many"
    EXPIRED = "expired"
    OLDER = "older"
    REFUSED = "refused"


GOOD: Final = frozenset({Outcome.TAKEN, Outcome.SENT})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PushedItem:
    """
    One answer, as the service spoke of it.

    Args:
        id: 32 hex digits.
        outcome: What became of it.
    """

    id: str
    outcome: Outcome


async def push_bundle(
    source: Source, note: bytes, *, socks: str | None = None
) -> tuple[PushedItem, ...]:
    """
    Bring an outgoing bundle.

    Args:
        source: Where to.
        note: The whole bundle.
        socks: Where tor takes connections, `HOST:PORT`; needed for an onion.

    Returns:
        What became of each answer, in the bundle's order.

    Raises:
        OutgoingError: what is to be brought is no bundle.
        AnswerError: `answers_keyset`, `answers_phones` or `answers_refused`: the service took
            nothing of it.
        NetworkError: nobody answers, or not as agreed.
    """
    ids = [one.hex() for one in read_ids(note)]
    try:
        async with (
            open_session(source, socks=socks) as session,
            session.post(source.outgoing_url, data=note, allow_redirects=False) as response,
        ):
            status = response.status
            body = bytearray()
            async for chunk in response.content.iter_chunked(_READ_LEN):
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise NetworkError("pull_status", status=status)
    except UNREACHABLE as exc:
        raise NetworkError("pull_silent") from exc
    if status not in (200, 409, 422):
        raise NetworkError("pull_status", status=status)
    try:
        pushed = _parse_answer(status, bytes(body))
    except CryptoError as exc:
        raise NetworkError("pull_status", status=status) from exc
    told = {one.id: one for one in pushed}
    if len(told) != len(pushed) or told.keys() != set(ids):
        # One is missing, doubled, or none of ours: what it says of the others is worth nothing.
        raise NetworkError("pull_status", status=status)
    return tuple(told[one] for one in ids)


def _parse_answer(status: int, untrusted: bytes) -> tuple[PushedItem, ...]:
    fields = Fields(parse_json_object(untrusted, max_bytes=MAX_ANSWER_BYTES), "answer")
    if status != 200:
        reason = fields.take("error", parse_string)
        raise AnswerError(_CODES.get(reason, "answers_refused"))
    fields.take("state", _parse_state)
    pushed = fields.take("items", items(_parse_item))
    fields.close()
    return pushed


# The service's own words for a bundle of which it takes nothing; formats.md, "Outgoing bundle".
_CODES: Final[Mapping[str, str]] = {
    "keyset": "answers_keyset",
    "phones": "answers_phones",
    "refused": "answers_refused",
}


def _parse_state(untrusted: object, name: str) -> str:
    if untrusted != "taken":
        raise MalformedError(name)
    return "taken"


def _parse_item(untrusted: Any, name: str) -> PushedItem:
    fields = Fields(untrusted, name)
    item_id = fields.take("id", parse_string)
    outcome = fields.take("outcome", parse_string)
    fields.close()
    if len(decode_hex(item_id)) != ID_BYTES or outcome not in frozenset(Outcome):
        raise MalformedError(name)
    return PushedItem(id=item_id, outcome=Outcome(outcome))
