"""
A line that has ended, served on: its log, its account, its notice, and no way to send anything.

There is no store, no slot file and no key but the onion's own.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from aiohttp import web

from tipline.configuration import load_configuration
from tipline.day_keeper import find_clock_folder
from tipline.files import blur_read_times, blur_times
from tipline.instance import RUN_NAME, SOURCE_SOCKET_NAME, load_verifiers
from tipline.keysets import KeysetWatch
from tipline.log_store import LogStore
from tipline.service.accountability import Accountability
from tipline.service.answers import NOT_IN_FORCE, UNKNOWN, Answer
from tipline.service.limits import RequestBudget
from tipline.service.listening import listen_unix, start_server
from tipline.service.logside import LogSide
from tipline.service.notice import NOTICE_PATH, make_notice_chooser
from tipline.service.pages import Page, PageRenderer
from tipline.service.serve import make_page_chooser
from tipline.service.silence import Faults
from tipline.service.source import SourceSide


class ClosedIntake:
    """Takes nothing, in the words of a line without readers."""

    async def respond(self, request: web.BaseRequest, *, circuit: str | None) -> Answer:
        """
        Answer a request below `/uploads/`.

        Args:
            request: Untrusted.
            circuit: As tor named it.

        Returns:
            The answer.
        """
        return NOT_IN_FORCE if request.method == "PUT" else UNKNOWN


@contextlib.asynccontextmanager
async def open_closed_line(
    directory: Path, *, pages: Mapping[str, Page], day: datetime.date
) -> AsyncIterator[Path]:
    """
    Serve a line that has ended, as long as the context lasts.

    Args:
        directory: The instance, locked by the caller.
        pages: What the source sees, by path.
        day: For the files' times.

    Yields:
        The socket for tor.

    Raises:
        InstanceError: the log is damaged, or the directory's path is too long.
    """
    configuration = load_configuration(directory)
    service, verifier = load_verifiers(directory)
    keysets = KeysetWatch(directory, root=configuration.root, minimum=configuration.keyset_minimum)
    log = LogStore(
        directory,
        verifier=verifier,
        today=lambda: day,
        mark_folder=find_clock_folder(directory, configuration.slots),
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(log.close)
        account = Accountability(
            log=log,
            configuration=configuration,
            renderer=PageRenderer(configuration=configuration, demonstration=False),
            keysets=keysets,
            service_key=service.format(),
            find_oldest=_find_no_tip,
            is_shut=True,
        )
        await account.show()
        limits = configuration.limits
        source = SourceSide(
            pages={
                **{path: make_page_chooser(page) for path, page in pages.items()},
                **account.list_pages(),
                NOTICE_PATH: make_notice_chooser(directory, today=lambda: day),
            },
            keysets=keysets,
            intake=ClosedIntake(),
            budget=RequestBudget(
                per_second=limits.requests_per_second,
                burst=limits.requests_burst,
                monotonic=time.monotonic,
            ),
            log=LogSide(log),
        )
        runner = await start_server(
            source.respond, faults=Faults(), idle_seconds=limits.idle_seconds, trusts=True
        )
        stack.push_async_callback(runner.cleanup)
        path = directory / RUN_NAME / SOURCE_SOCKET_NAME
        stack.callback(path.unlink, missing_ok=True)
        await listen_unix(runner, path)
        blur_read_times(path, day=day)
        blur_times(path.parent, day=day)
        yield path


async def _find_no_tip() -> datetime.date | None:
    return None
