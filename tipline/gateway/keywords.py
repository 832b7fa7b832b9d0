"""
Words by which a source orders instead of telling: STOP ends a conversation, STATUS asks about it.

Rules:
1. A message is an order only if the word is all of it: "stop them" is a tip.
2. Case, accents, spaces and marks around it do not matter: it is typed on a phone, in a hurry.
3. Each works in every language: whoever writes need not know which one the line speaks.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Mapping
from typing import Final, Protocol

from tipline.gateway.numbers import Sender
from tipline.gateway.settings import GatewaySettings
from tipline.service.standing import Standing

MAX_ORDER_CHARACTERS: Final = 40  # with spaces and marks; what is longer is a message


class Order(enum.StrEnum):
    """What is ordered."""

    STOP = "stop"
    STATUS = "status"


class Orders(Protocol):
    """What a sender may order instead of telling."""

    async def follow(
        self, text: str, *, settings: GatewaySettings, sender: Sender, standing: Standing
    ) -> Order | None:
        """Follow an order; tell which one it was, if the text was one."""
        ...


WORDS: Final[Mapping[str, tuple[Order, str | None]]] = {
    "stop": (Order.STOP, None),
    "baja": (Order.STOP, "es"),
    "parar": (Order.STOP, "pt"),
    "estado": (Order.STATUS, "es"),
    # English and Portuguese write it alike: the line's own language decides.
    "status": (Order.STATUS, None),
}


def find_order(untrusted: str) -> tuple[Order, str | None] | None:
    """
    Find an order.

    Args:
        untrusted: A message's text.

    Returns:
        The order, and the language that its word is of, None if it is of several; None if this is
        a message.
    """
    if len(untrusted) > MAX_ORDER_CHARACTERS:
        return None
    word = "".join(
        character
        for character in unicodedata.normalize("NFKD", untrusted).casefold()
        if unicodedata.category(character)[0] not in "ZPSCM"
    )
    return WORDS.get(word)
