"""
What an adapter does: it speaks one gateway's language, and nothing else.

Rules:
1. `receive` checks the signature on the raw body first, then freshness, then reads what is inside.
   It waits for nothing, stores nothing, and decides nothing about who wrote. What it may remember,
   in memory, are marks by which a copy is known (`recent.py`).
2. What a gateway is answered says one of a few things, the same for each class.
3. An error names a code and the gateway, never a word, a number or an address of the message.
4. An adapter that pulls (`Puller`) hands each message to *deliver*, and lets go of its source only
   after that returned: then it is durable.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from tipline.gateway.incoming import Incoming, MediaReference, Medium

MAX_BODY_BYTES: Final = 1024 * 1024  # of a webhook; the largest that providers send have 300 KB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RawRequest:
    """
    A request to the gateways' listener, as it came. Untrusted, all of it.

    Args:
        method: Of HTTP.
        target: Path and query, percent-encoded as they came.
        headers: By lower-case name. One that came twice is not here: two readers could take two.
        body: Its bytes.
        received_at: When it came, in UTC.
    """

    method: str
    target: str = dataclasses.field(repr=False)
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    received_at: datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAnswer:
    """
    What a gateway is answered when all is durable.

    Args:
        status: Of HTTP.
        body: May be empty.
        content_type: Of the body.
    """

    status: int = 200
    body: bytes = dataclasses.field(default=b"", repr=False)
    content_type: str = "text/plain; charset=utf-8"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """
    What a request held.

    Args:
        messages: Those that somebody wrote; none if the request told only of deliveries and the
            like.
        answer: Given after all of them are durable.
        is_partly_refused: Whether something beside them is not taken, which is told as a fault.
        has_undelivered: Whether it tells of an answer that the provider had agreed to send, and
            could not: a fault.
    """

    messages: tuple[Incoming, ...] = ()
    answer: GatewayAnswer = dataclasses.field(default_factory=GatewayAnswer)
    is_partly_refused: bool = False
    has_undelivered: bool = False


Deliver = Callable[[Sequence[Incoming]], Awaitable[None]]


class Adapter(Protocol):
    """One gateway."""

    @property
    def name(self) -> str:
        """As the operator named it."""
        ...

    @property
    def medium(self) -> Medium:
        """How its messages come, unless one says otherwise."""
        ...

    @property
    def can_send(self) -> bool:
        """Whether anything can be sent back by it."""
        ...

    def receive(self, request: RawRequest) -> Received:
        """
        Check a request and read what it holds.

        Args:
            request: Untrusted.

        Returns:
            The messages, and the answer.

        Raises:
            GatewayError: `gateway_signature`, `gateway_stale` or `gateway_malformed`.
        """
        ...

    async def send(self, to: str, text: str) -> None:
        """
        Hand an answer over for sending.

        Args:
            to: A number in E.164, or what the gateway calls an account.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_unreachable` (later may help) or `gateway_refused` (not again).
        """
        ...

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Fetch what belongs to a message, into memory.

        Args:
            reference: Of the message.
            limit_bytes: No more than this is read.

        Returns:
            Its bytes.

        Raises:
            GatewayError: `gateway_unreachable`, `gateway_refused` or `gateway_media`.
        """
        ...

    async def forget(self, reference: MediaReference) -> None:
        """
        Have the provider remove its copy, where its API can.

        Args:
            reference: Of the message.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; it may still have it.
        """
        ...


@runtime_checkable
class FileBringer(Protocol):
    """An adapter whose calls hold the files themselves, and so are longer than others' are."""

    @property
    def max_body_bytes(self) -> int:
        """How long one may be."""
        ...


@runtime_checkable
class Remover(Protocol):
    """An adapter whose provider keeps messages, and can be asked to remove one."""

    async def forget_message(self, provider_id: str) -> None:
        """
        Have the provider remove a message, after it is durable here.

        Args:
            provider_id: As `receive` gave it.

        Raises:
            GatewayError: `gateway_unreachable` or `gateway_refused`; it may still have it.
        """
        ...


@runtime_checkable
class Recaller(Protocol):
    """An adapter that holds answers for a while, and can take back what is not sent yet."""

    async def take_back(self, to: str) -> None:
        """
        Take back what waits to be sent to somebody, who asked for it.

        When it returns, nothing that was handed over before is there any more, but what is being
        sent at this moment.

        Args:
            to: As for `send`.

        Raises:
            OSError: it could not be taken back; trying again may help.
        """
        ...


@runtime_checkable
class Puller(Protocol):
    """An adapter that fetches its messages by itself."""

    def check(self) -> None:
        """
        Refuse a place that must not be used, before the line is served.

        Raises:
            GatewayError: what stands there would stay.
        """
        ...

    async def run(self, deliver: Deliver) -> None:
        """
        Hand over what comes, until cancelled.

        Args:
            deliver: Returns when all that it was given is durable.

        Raises:
            GatewayError: the place must not be used, or holds what cannot be read.
            OSError: it is not there.
        """
        ...
