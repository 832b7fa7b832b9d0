"""
Sending the honest notice: once a day at most to one conversation, where it can be read.

Rules:
1. That it is sent is noted before: whoever sends a thousand messages, or stops us in between, gets
   one notice a day, and never a second one.
2. It goes to numbers and accounts; a short code and a name belong to a service, which would answer.
3. The gateway's switch turns it off: somebody else may hold the phone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from crypto.came_by import Medium
from tipline.gateway.adapter import Adapter
from tipline.gateway.notices import SPOKEN, make_notice
from tipline.gateway.numbers import Sender, SenderKind
from tipline.gateway.settings import GatewaySettings

READABLE: Final = frozenset({SenderKind.NUMBER, SenderKind.ACCOUNT})


class Noticed(Protocol):
    """Knows who was told today."""

    async def note_notice(self, conversation: bytes) -> bool:
        """Note it durably; tell whether it was not noted before."""
        ...


class HasConversation(Protocol):
    """What is known of a sender."""

    @property
    def conversation(self) -> bytes:
        """Its id."""
        ...


class Noticer:
    """
    Sends notices.

    Args:
        adapters: By the names of their gateways.
        conversations: Know who was told today.
        read_onion: Tells the line's address; None if it has none.
    """

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        *,
        conversations: Noticed,
        read_onion: Callable[[], str | None],
    ) -> None:
        self._adapters = adapters
        self._conversations = conversations
        self._read_onion = read_onion

    async def notify(
        self, settings: GatewaySettings, medium: Medium, sender: Sender, standing: HasConversation
    ) -> None:
        """
        Send the notice, if it is due.

        Args:
            settings: Of the gateway that the message came by.
            medium: How it came.
            sender: Who wrote.
            standing: What is known of them.

        Raises:
            GatewayError: the gateway does not take it; it is not sent again today.
            OSError: the disk refuses, and nothing is sent.
        """
        if not settings.notice or sender.kind not in READABLE or medium in SPOKEN:
            return
        if not await self._conversations.note_notice(standing.conversation):
            return
        text = make_notice(medium, language=settings.language, onion=self._read_onion())
        await self._adapters[settings.name].send(sender.address, text)
