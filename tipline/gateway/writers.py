"""
Who wrote a message, and as whose it counts.

Rules:
1. Who can be told from others is a writer: a phone, a short code, an account.
2. Who withholds the number, or writes as a name, cannot: all who do look alike. They are one writer
   for joining parts, and several for turns, so that one of them shuts out no other.
"""

from __future__ import annotations

import dataclasses
import zlib
from typing import Final

from crypto.errors import MalformedError
from tipline.gateway.incoming import Incoming, Medium
from tipline.gateway.notices import SPOKEN
from tipline.gateway.numbers import (
    Sender,
    SenderKind,
    parse_account,
    parse_sender,
    parse_user_id,
)
from tipline.gateway.settings import GatewaySettings

UNNAMED_TURNS: Final = 8  # they wait as so many senders would


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """
    Who wrote a message.

    Args:
        sender: In one spelling; None if nobody said one, or none that can be read.
        spelling: Under which parts are joined.
        share: As whose it counts in a budget.
        turn: As whose it takes turns.
        is_named: Whether it can be told from others.
    """

    sender: Sender | None = dataclasses.field(repr=False)
    spelling: str = dataclasses.field(repr=False)
    share: str = dataclasses.field(repr=False)
    turn: str = dataclasses.field(repr=False)
    is_named: bool


def find_writer(incoming: Incoming, settings: GatewaySettings) -> Writer:
    """
    Find out who wrote.

    Args:
        incoming: Untrusted.
        settings: Of its gateway.

    Returns:
        The writer.
    """
    sender = read_sender(incoming, settings)
    if sender is not None and sender.kind is not SenderKind.NAME:
        address = sender.address
        return Writer(sender=sender, spelling=address, share=address, turn=address, is_named=True)
    spelling = incoming.sender if sender is None else sender.address
    share = f"{incoming.gateway} {spelling}"
    # By its id: what its provider repeats waits in the same place.
    place = zlib.crc32(incoming.provider_id.encode("utf-8", "surrogatepass")) % UNNAMED_TURNS
    return Writer(
        sender=sender, spelling=spelling, share=share, turn=f"{share} {place}", is_named=False
    )


def read_sender(incoming: Incoming, settings: GatewaySettings) -> Sender | None:
    """
    Read who wrote.

    Args:
        incoming: Untrusted.
        settings: Of its gateway.

    Returns:
        The sender in one spelling; None if nobody said one, or none that can be read.
    """
    if incoming.medium in SPOKEN:
        return None  # what an operator typed goes into the tip; no answer can go anywhere
    try:
        if incoming.medium is Medium.TELEGRAM:
            return parse_account(incoming.sender)
        if incoming.medium is Medium.WHATSAPP and not incoming.sender.startswith("+"):
            return parse_user_id(incoming.sender)
        return parse_sender(incoming.sender, settings.country, spelling=settings.numbers)
    except MalformedError:
        return None
