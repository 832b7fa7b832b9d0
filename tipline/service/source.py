"""
The source's side: pages, the keyset, uploads, the log. Nothing else is there.

Every request costs a look-up and a write; what can be made beforehand is made at the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from aiohttp import web

from crypto.errors import KeysetError
from tipline.errors import InstanceError
from tipline.keysets import KeysetWatch
from tipline.service.answers import (
    BUSY,
    NOT_IN_FORCE,
    UNEXPECTED,
    UNKNOWN,
    WRONG_METHOD,
    Answer,
    Reply,
)
from tipline.service.intake import UPLOADS_PATH
from tipline.service.limits import RequestBudget
from tipline.service.logside import LOG_PATH, LogSide
from tipline.service.silence import SilentProtocol

KEYSET_PATH: Final = "/keyset"
READING_METHODS: Final = frozenset({"GET", "HEAD"})


class Uploads(Protocol):
    """Who answers below `/uploads/`."""

    async def respond(self, request: web.BaseRequest, *, circuit: str | None) -> Answer:
        """Answer a request."""
        ...


ChoosePage = Callable[[web.BaseRequest], Answer]


class SourceSide:
    """
    Answers sources.

    Args:
        pages: By path: chooses the answer in the encoding the request accepts.
        keysets: What `/keyset` gives.
        intake: Takes uploads.
        budget: Of each circuit.
        log: What `/log/` gives.
    """

    def __init__(
        self,
        *,
        pages: Mapping[str, ChoosePage],
        keysets: KeysetWatch,
        intake: Uploads,
        budget: RequestBudget,
        log: LogSide,
    ) -> None:
        self._pages = pages
        self._keysets = keysets
        self._intake = intake
        self._budget = budget
        self._log = log
        self._keyset_answer = NOT_IN_FORCE
        self._keyset_note = b""

    async def respond(self, request: web.BaseRequest) -> Reply:
        """
        Answer one request.

        Args:
            request: Untrusted.

        Returns:
            What to hand to aiohttp.
        """
        circuit = _circuit_of(request)
        if not self._budget.spend(circuit):
            return BUSY.closing_reply()
        path = request.rel_url.raw_path
        choose_page = self._pages.get(path)
        if choose_page is not None:
            if request.method not in READING_METHODS:
                return WRONG_METHOD.closing_reply()
            return choose_page(request).reply(request)
        if "Expect" in request.headers:
            return UNEXPECTED.closing_reply()
        return (await self._answer(request, path, circuit)).reply(request)

    async def _answer(self, request: web.BaseRequest, path: str, circuit: str | None) -> Answer:
        if path.startswith(UPLOADS_PATH):
            return await self._intake.respond(request, circuit=circuit)
        if path == KEYSET_PATH and request.method in READING_METHODS:
            return self._choose_keyset()
        if path.startswith(LOG_PATH) and request.method in READING_METHODS:
            return self._log.choose(path)
        return UNKNOWN

    def _choose_keyset(self) -> Answer:
        try:
            note = self._keysets.read().note
        except (KeysetError, InstanceError):
            return NOT_IN_FORCE
        if note != self._keyset_note:
            self._keyset_note = note
            self._keyset_answer = Answer(
                200, note, headers={"Content-Type": "text/plain; charset=utf-8"}
            )
        return self._keyset_answer


def _circuit_of(request: web.BaseRequest) -> str | None:
    protocol = request.protocol
    return protocol.circuit if isinstance(protocol, SilentProtocol) else None
