"""
Where gateways call: a unix socket or a port of loopback, never the onion.

    POST /NAME...       as the gateway's kind has it
    200                 everything in it is durable
    403                 not signed, wrongly signed, or too long ago
    400                 signed, and not in the gateway's format
    429                 this sender sent too many: come back later
    503                 come back later: too much at once, no room, or nobody reads at the moment
    404                 there is no such gateway

Rules:
1. One answer for each class, and nothing else: no header, no reason.
2. A body is held in memory only, and so many bytes of them at a time.
3. Whoever reaches the socket may try; what counts is the signature.
4. What is signed and still refused is a fault that the operator is told: by a clock that is wrong,
   or a format that changed, messages are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from aiohttp import web

from tipline.clock import Clock
from tipline.errors import GatewayError, TiplineError
from tipline.gateway.adapter import (
    MAX_BODY_BYTES,
    Adapter,
    Deliver,
    FileBringer,
    GatewayAnswer,
    RawRequest,
)
from tipline.gateway.turns import CrowdedError, TooManyError
from tipline.service.answers import BUSY, MALFORMED, UNKNOWN, Answer, Reply, make_json_answer
from tipline.service.limits import BusyError, Places

MAX_BODIES_BYTES: Final = 64 * 1024 * 1024  # of all requests together

REFUSED: Final = make_json_answer(403, {"error": "refused"})
TOO_MANY: Final = make_json_answer(429, {"error": "too many"})
PLAIN: Final = GatewayAnswer()


class Listener:
    """
    Answers gateways.

    Args:
        adapters: By name.
        deliver: Returns when all messages it was given are durable.
        clock: Tells the time.
        idle_seconds: A request that sends nothing for so long is ended.
        on_fault: Told of a fault of ours, or of the disk's.
    """

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        *,
        deliver: Deliver,
        clock: Clock,
        idle_seconds: float,
        on_fault: Callable[[BaseException], None],
    ) -> None:
        self._adapters = adapters
        self._limits_bytes = {
            name: one.max_body_bytes if isinstance(one, FileBringer) else MAX_BODY_BYTES
            for name, one in adapters.items()
        }
        self._deliver = deliver
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._on_fault = on_fault
        self._places = Places(MAX_BODIES_BYTES)
        self._taking = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def respond(self, request: web.BaseRequest) -> Reply:
        """
        Answer one request.

        Args:
            request: Untrusted.

        Returns:
            What to hand to aiohttp.
        """
        target = request.rel_url.raw_path_qs
        name = request.rel_url.raw_path.removeprefix("/").partition("/")[0]
        adapter = self._adapters.get(name)
        if adapter is None:
            return UNKNOWN.closing_reply()
        limit_bytes = self._limits_bytes[name]
        self._taking += 1
        self._idle.clear()
        try:
            with self._places.hold() as place:
                if request.content.is_eof():
                    # All of it came with the head, as nearly always: nothing is waited for.
                    body = request.content.read_nowait()
                    _check_length(body, limit_bytes)
                    place.count(len(body))
                else:
                    body = await place.receive(
                        self._read(request, count=place.count, limit_bytes=limit_bytes)
                    )
                raw = RawRequest(
                    method=request.method,
                    target=target,
                    headers=_list_headers(request),
                    body=body,
                    received_at=self._clock(),
                )
                answer = await self._answer(adapter, raw)
        except _TooLongError:
            return MALFORMED.closing_reply()
        except (BusyError, web.RequestPayloadError):
            return BUSY.closing_reply()
        finally:
            self._taking -= 1
            if self._taking == 0:
                self._idle.set()
        return answer.reply(request)

    async def wait_idle(self, *, limit_seconds: float) -> None:
        """
        Wait until what was begun is stored, for a stop that loses nothing.

        Args:
            limit_seconds: Then no longer; its provider repeats it.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), limit_seconds)

    async def _answer(self, adapter: Adapter, raw: RawRequest) -> Answer:
        try:
            received = adapter.receive(raw)
        except GatewayError as exc:
            if exc.code != "gateway_signature":
                self._on_fault(exc)
            return MALFORMED if exc.code == "gateway_malformed" else REFUSED
        if received.is_partly_refused:
            self._on_fault(GatewayError("gateway_malformed", gateway=adapter.name))
        if received.has_undelivered:
            self._on_fault(GatewayError("gateway_undelivered", gateway=adapter.name))
        try:
            await self._deliver(received.messages)
        except TooManyError:
            return TOO_MANY
        except (CrowdedError, BusyError):
            return BUSY
        except (OSError, sqlite3.Error, TiplineError) as exc:
            # The disk, or nobody reads: nothing was acknowledged, and trying again may help.
            self._on_fault(exc)
            return BUSY
        return TAKEN if received.answer == PLAIN else _make_answer(received.answer)

    async def _read(
        self, request: web.BaseRequest, *, count: Callable[[int], None], limit_bytes: int
    ) -> bytes:
        data = bytearray()
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    piece = await request.content.readany()
            except TimeoutError as exc:
                raise BusyError from exc
            if not piece:
                return bytes(data)
            data += piece
            _check_length(data, limit_bytes)
            count(len(piece))


class _TooLongError(Exception):
    """A body is longer than any gateway sends."""


def _check_length(body: bytes | bytearray, limit_bytes: int) -> None:
    if len(body) > limit_bytes:
        raise _TooLongError


def _list_headers(request: web.BaseRequest) -> dict[str, str]:
    # By items: a walk over the names alone names each once.
    given = [(name.lower(), value) for name, value in request.headers.items()]
    headers = dict(given)
    if len(headers) < len(given):
        times = Counter(name for name, _ in given)
        headers = {name: value for name, value in given if times[name] == 1}
    return headers


def _make_answer(answer: GatewayAnswer) -> Answer:
    return Answer(answer.status, answer.body, headers={"Content-Type": answer.content_type})


TAKEN: Final = _make_answer(PLAIN)
