"""
What a source can order by phone: an end (STOP), and where the matter stands (STATUS).

Rules:
1. An end takes effect before it is acknowledged: number, window, status and waiting answers are
   gone. It is not answered: nothing more goes to that phone. Tips that investigators have stay.
2. A status is answered in one message, with what the desk wrote, and never unasked.
3. It is answered a few times a day at most, whoever asks how often, and however often it is ended
   and begun again in between.
4. Who has no conversation is told so. A name or a short code is never answered: whoever forges one
   would let us write to somebody else's service. Nor is who is blocked; an end is theirs, too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from crypto.errors import CryptoError
from tipline.errors import GatewayError
from tipline.gateway.adapter import Adapter
from tipline.gateway.alphabet import fold_text
from tipline.gateway.keywords import Order, find_order
from tipline.gateway.numbers import Sender, SenderKind
from tipline.gateway.settings import GatewaySettings
from tipline.language import make_translations
from tipline.service.limits import RequestBudget
from tipline.service.standing import Standing

STATUS_BURST: Final = 3
STATUS_SECONDS: Final = 6 * 3600.0  # one answer more is earned in so long
ANSWERED_KINDS: Final = frozenset({SenderKind.NUMBER, SenderKind.ACCOUNT})


class Statuses(Protocol):
    """Where statuses lie."""

    async def read_status(self, conversation: bytes) -> str | None:
        """Read what a conversation is told when it asks; None if there is nothing."""
        ...


class Ordered:
    """
    Follows what is ordered.

    Args:
        adapters: By the names of their gateways.
        statuses: Where statuses lie.
        end: Ends a conversation, durably.
        spawn: Does what does not hold up the gateway's answer.
        on_fault: Told that a status could not be read or sent.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        *,
        adapters: Mapping[str, Adapter],
        statuses: Statuses,
        end: Callable[[bytes], Awaitable[None]],
        spawn: Callable[[Awaitable[None]], None],
        on_fault: Callable[[Exception], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._adapters = adapters
        self._statuses = statuses
        self._end = end
        self._spawn = spawn
        self._on_fault = on_fault
        # A budget counts in whole units a second: the clock is slowed down instead.
        self._budget = RequestBudget(
            per_second=1, burst=STATUS_BURST, monotonic=lambda: monotonic() / STATUS_SECONDS
        )

    async def follow(
        self, text: str, *, settings: GatewaySettings, sender: Sender, standing: Standing
    ) -> Order | None:
        """
        Follow an order.

        Args:
            text: Of a whole message; untrusted.
            settings: Of its gateway.
            sender: Who wrote.
            standing: What is known of the sender.

        Returns:
            The order; None if it is a tip.

        Raises:
            OSError: the disk refuses; the gateway is to come again.
        """
        found = find_order(text)
        if found is None:
            return None
        order, language = found
        if order is Order.STOP:
            await self._end(standing.conversation)
        elif self._is_answered(sender, standing, channel=settings.channel):
            self._spawn(self._tell(settings, sender, standing, language or settings.language))
        return order

    def _is_answered(self, sender: Sender, standing: Standing, *, channel: str) -> bool:
        if standing.blocked or sender.kind not in ANSWERED_KINDS:
            return False
        # By the sender: an end begins no new budget.
        return self._budget.spend(f"{channel} {sender.kind.value} {sender.address}")

    async def _tell(
        self, settings: GatewaySettings, sender: Sender, standing: Standing, language: str
    ) -> None:
        _ = make_translations(language).gettext
        try:
            text = await self._statuses.read_status(standing.conversation)
            if text is None and standing.continues:
                text = fold_text(_("Received."))
            if text is None:
                text = fold_text(_("Nothing is open for this phone."))
            await self._adapters[settings.name].send(sender.address, text)
        except (OSError, CryptoError, GatewayError) as exc:
            # Whoever asked can ask again.
            self._on_fault(exc)
