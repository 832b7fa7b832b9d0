"""
The page `/accountability`, as it is served: whatever arrives, it changes with the log's batch.

Rules:
1. What it says is written down in the batch's own transaction, so that a start in between shows the
   same bytes again, also with a changed configuration.
2. But the ways by phone are told as the line was started with them: what takes messages is told
   from its first message on.
3. It is rendered when the batch is made, not when somebody asks: how fast it comes tells nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from crypto.errors import CryptoError, KeysetError
from crypto.keyset import verify_past_keyset
from retention.log.batch import ONE_DAY
from tipline.account import (
    SHOWN_DAYS,
    Account,
    Configured,
    count_weeks,
    format_account,
    parse_account,
    summarize,
)
from tipline.configuration import Configuration
from tipline.errors import InstanceError
from tipline.gateway.told import ToldGateway
from tipline.keysets import KeysetWatch
from tipline.language import LANGUAGES
from tipline.log_store import LogStore
from tipline.service.account_page import Told, render_account
from tipline.service.answers import UNKNOWN, Answer
from tipline.service.pages import ACCOUNT_PATH, PageRenderer

FindOldest = Callable[[], Awaitable[datetime.date | None]]


class Accountability:
    """
    Tells everybody what the line keeps and what it let go.

    Args:
        log: What is told comes from it.
        configuration: The line's.
        renderer: Of its pages.
        keysets: The keyset that is in force.
        service_key: The verifier key of what the desk fetches.
        find_oldest: Finds the day on which the oldest tip came that no desk has.
        is_shut: Whether the line has ended and its keys are gone.
        gateways: The line's ways by phone.
    """

    def __init__(
        self,
        *,
        log: LogStore,
        configuration: Configuration,
        renderer: PageRenderer,
        keysets: KeysetWatch,
        service_key: str,
        find_oldest: FindOldest,
        is_shut: bool = False,
        gateways: tuple[ToldGateway, ...] = (),
    ) -> None:
        self._log = log
        self._configuration = configuration
        self._renderer = renderer
        self._keysets = keysets
        self._service_key = service_key
        self._find_oldest = find_oldest
        self._is_shut = is_shut
        self._gateways = gateways
        self._answers: Mapping[str, Answer] = {}

    async def write_down(self, day: datetime.date) -> bytes:
        """
        Fix what is told beside a batch.

        Args:
            day: Of the batch.

        Returns:
            To be kept in the batch's transaction.
        """
        try:
            note = self._keysets.read().note
        except (KeysetError, InstanceError):
            note = None  # none that may be used, and the page says so
        weeks = count_weeks(await self._find_oldest(), today=day)
        return format_account(
            Account(day=day, waiting_weeks=weeks, keyset=note, configured=self._configured)
        )

    @property
    def _configured(self) -> Configured:
        return Configured(
            log_hour=self._configuration.log_hour,
            has_mail=self._configuration.mail.enabled,
            gateways=self._gateways,
        )

    async def show(self) -> None:
        """
        Serve from now on what was written down beside the last batch.

        Raises:
            InstanceError: `log_damaged`: what was written down cannot be read.
        """
        self._answers = await asyncio.to_thread(self._render)

    def list_pages(self) -> Mapping[str, Callable[[web.BaseRequest], Answer]]:
        """
        List the paths at which it is served.

        Returns:
            By path: chooses the answer.
        """
        return {
            f"/{language}{ACCOUNT_PATH}": self._make_chooser(language) for language in LANGUAGES
        }

    def _make_chooser(self, language: str) -> Callable[[web.BaseRequest], Answer]:
        return lambda request: self._answers.get(language, UNKNOWN)

    def _render(self) -> Mapping[str, Answer]:
        untrusted = self._log.read_account()
        if untrusted is None:
            return {}
        try:
            account = parse_account(untrusted)
            keyset = None
            if account.keyset is not None:
                keyset = verify_past_keyset(account.keyset, root=self._configuration.root)
        except CryptoError as exc:
            raise InstanceError("log_damaged", path="log.db") from exc
        configured = account.configured or self._configured
        if not self._is_shut:
            configured = dataclasses.replace(configured, gateways=self._gateways)
        told = Told(
            account=account,
            configured=configured,
            keyset=keyset,
            summary=summarize(
                self._log.read_told(since=account.day - SHOWN_DAYS * ONE_DAY), size=self._log.size
            ),
            log_key=self._log.verifier.format(),
            service_key=self._service_key,
            is_shut=self._is_shut,
        )
        pages = render_account(told, configuration=self._configuration, renderer=self._renderer)
        return {
            language: Answer(200, page.bodies["identity"], headers=page.headers)
            for language, page in pages.items()
        }
