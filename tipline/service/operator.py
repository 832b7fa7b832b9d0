"""
The operator's side: operations on a line that is being served, from this machine's own account.

    POST /NAME          a JSON object, at most `MAX_VALUES_BYTES`
    200                 a JSON object, as the operation gives it
    422                 {"class", "code", "facts"}: the error, as the command will show it

Rules:
1. Who may ask is decided by the socket's rights: 0600 in a directory of 0700. No network, no tor
   and no page leads here.
2. A fault in our own code is told by its place, never by its message.
3. An operation that was begun is finished, also when whoever asked went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from crypto.errors import CryptoError
from crypto.strict import parse_json_object
from retention.errors import HoldError, PolicyError, RetentionError, SlotError
from tipline.errors import ConfigurationError, InstanceError, TiplineError, UsageError
from tipline.service.answers import MALFORMED, UNKNOWN, WRONG_METHOD, Answer, Reply
from tipline.service.silence import find_place

MAX_VALUES_BYTES: Final = 1024 * 1024  # 10,000 ids of tips have 350 KB
JSON_HEADERS: Final = {"Content-Type": "application/json"}

ERROR_CLASSES: Final[Mapping[str, type[RetentionError] | type[TiplineError]]] = {
    known.__name__: known
    for known in (
        UsageError,
        ConfigurationError,
        InstanceError,
        PolicyError,
        SlotError,
        HoldError,
    )
}

Operate = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]


class OperatorSide:
    """
    Answers the operator.

    Args:
        operate: Carries out an operation.
        names: Of the operations there are.
        on_fault: Told of a fault in our own code.
    """

    def __init__(
        self,
        operate: Operate,
        *,
        names: frozenset[str],
        on_fault: Callable[[Exception], None],
    ) -> None:
        self._operate = operate
        self._names = names
        self._on_fault = on_fault
        self._begun: set[asyncio.Task[Answer]] = set()

    async def respond(self, request: web.BaseRequest) -> Reply:
        """
        Answer one request.

        Args:
            request: Of this machine's own account.

        Returns:
            What to hand to aiohttp.
        """
        name = request.rel_url.raw_path.removeprefix("/")
        if name not in self._names:
            return UNKNOWN.closing_reply()
        if request.method != "POST":
            return WRONG_METHOD.closing_reply()
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > MAX_VALUES_BYTES:
                return MALFORMED.closing_reply()
        try:
            values = parse_json_object(bytes(body), max_bytes=MAX_VALUES_BYTES)
        except CryptoError:
            return MALFORMED.closing_reply()
        task = asyncio.create_task(self._answer(name, values))
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return (await asyncio.shield(task)).closing_reply()

    async def finish(self) -> None:
        """Wait for what was begun."""
        for task in list(self._begun):
            with contextlib.suppress(Exception):  # told to whoever asked
                await task

    async def _answer(self, name: str, values: Mapping[str, Any]) -> Answer:
        try:
            result = await self._operate(name, values)
        except (RetentionError, TiplineError) as exc:
            return _refuse(exc)
        except Exception as exc:
            # Unforeseen: whoever asked must not read that nobody answers, and try again blindly.
            self._on_fault(exc)
            return _refuse(InstanceError("operation_fault", place=find_place(exc)))
        return Answer(200, _encode(result), headers=JSON_HEADERS)


def decode_error(value: Mapping[str, Any]) -> RetentionError | TiplineError:
    """
    Make the error again that an operation of a served line ended with.

    Args:
        value: As the operator's side told it.

    Returns:
        The error.
    """
    return ERROR_CLASSES[value["class"]](value["code"], **value["facts"])


def _refuse(error: RetentionError | TiplineError) -> Answer:
    value = {"class": type(error).__name__, "code": error.code, "facts": dict(error.facts)}
    return Answer(422, _encode(value), headers=JSON_HEADERS)


def _encode(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
