"""
Calls that bring several messages at once.

Rules:
1. A call is as old as the youngest of its messages: its provider signed all of it then. So one that
   waited long at its provider is not lost because it comes beside others, and what was recorded is
   stale as before. What has no time that can be read counts as young: its id alone keeps a copy
   from counting twice.
2. A message that is not in its provider's form is not lost, and keeps no other from being stored:
   its fields are the text. Whatever of sender and id can be read counts.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any, Final

from tipline.errors import GatewayError
from tipline.gateway.incoming import MAX_TEXT_CHARACTERS, Incoming

ODD_START: Final = "odd-"  # of the id of a message that came without one


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """
    A message of several.

    Args:
        incoming: The message.
        written_at: As its provider tells; None if that cannot be read.
    """

    incoming: Incoming
    written_at: datetime.datetime | None


def take_fresh(
    gateway: str,
    found: Sequence[Dated],
    *,
    now: datetime.datetime,
    max_age: datetime.timedelta,
    max_ahead: datetime.timedelta,
) -> tuple[Incoming, ...]:
    """
    Refuse a call that is stale as a whole.

    Args:
        gateway: Its name, for the error.
        found: All of the call.
        now: Aware.
        max_age: For so long its provider repeats it.
        max_ahead: So much our clock may be behind.

    Returns:
        All messages, if one of them is young enough; none if there are none.

    Raises:
        GatewayError: `gateway_stale`.
    """
    if found and not any(
        one.written_at is None or -max_ahead <= now - one.written_at <= max_age for one in found
    ):
        raise GatewayError("gateway_stale", gateway=gateway)
    return tuple(one.incoming for one in found)


def write_fields(message: Any, *, without: Collection[str] = ()) -> str:
    """
    Write what a provider sent as a text.

    Args:
        message: As JSON gave it; untrusted.
        without: The fields that stand elsewhere.

    Returns:
        JSON, as long as a message's text may be.
    """
    return write_all_fields(message, without=without)[:MAX_TEXT_CHARACTERS]


def write_all_fields(message: Any, *, without: Collection[str] = ()) -> str:
    """
    Write what a provider sent as a text, however long.

    Args:
        message: As JSON gave it; untrusted.
        without: The fields that stand elsewhere.

    Returns:
        JSON.
    """
    told = message
    if isinstance(message, dict):
        told = {name: value for name, value in message.items() if name not in without}
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")


def cut_long(incoming: Incoming, text: str) -> list[Incoming]:
    """
    Cut what is longer than a message's text may be into several messages.

    Args:
        incoming: The message; its files stay with the first.
        text: All of its text.

    Returns:
        At least one, in order; each has an id of its own, the same for the same message.
    """
    pieces = [
        text[begin : begin + MAX_TEXT_CHARACTERS]
        for begin in range(0, max(len(text), 1), MAX_TEXT_CHARACTERS)
    ]
    first = dataclasses.replace(incoming, text=pieces[0])
    return [first] + [
        dataclasses.replace(
            first, text=piece, media=(), provider_id=make_odd_id([incoming.provider_id, number])
        )
        for number, piece in enumerate(pieces[1:], start=2)
    ]


def make_odd_id(message: Any) -> str:
    """
    Make an id for a message whose own cannot be read.

    Args:
        message: As JSON gave it; untrusted.

    Returns:
        The id: the same for the same message, so that a copy is known.
    """
    digest = hashlib.sha256(json.dumps(message, sort_keys=True).encode("ascii"))
    return ODD_START + digest.hexdigest()[:32]
