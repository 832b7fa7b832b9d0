"""Makes the log of a line that is about to be served, from what lies in its directory."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from retention.log.entry import EntryType, make_statement
from tipline.day_keeper import ClockEvent, find_clock_folder
from tipline.errors import InstanceError
from tipline.instance import POLICY_NAME, Instance, load_log_signer
from tipline.log_store import LogStore
from tipline.service.daily_log import AccountBook, DailyLog, DayBook, Ending, Served
from tipline.service.pages import STATIC_DIRECTORY


def open_log(instance: Instance, *, today: Callable[[], datetime.date]) -> LogStore:
    """
    Open an instance's log.

    Args:
        instance: Opened by the caller.
        today: Tells the day for the files' times; it must not ask the day keeper, which tells the
            log what happened to the clock.

    Returns:
        The log; the caller closes it.

    Raises:
        InstanceError: it is damaged, lost, older than what was shown, or newer than this program;
            or its key is missing.
    """
    verifier = load_log_signer(instance.directory).verifier()
    folder = find_clock_folder(instance.directory, instance.configuration.slots)
    return LogStore(instance.directory, verifier=verifier, today=today, mark_folder=folder)


def make_clock_teller(
    log: LogStore, *, on_clock: Callable[[ClockEvent], None]
) -> Callable[[ClockEvent], None]:
    """
    Let the log know what happens to the clock.

    Args:
        log: The line's.
        on_clock: Told as well.

    Returns:
        For the day keeper.
    """

    def tell(event: ClockEvent) -> None:
        log.queue(
            make_statement(EntryType.CLOCK, on=event.on, step=str(event.step), until=event.until)
        )
        on_clock(event)

    return tell


def make_daily_log(
    instance: Instance,
    log: LogStore,
    *,
    book: DayBook,
    account: AccountBook,
    today: Callable[[], datetime.date],
    ending: Ending,
) -> DailyLog:
    """
    Prepare the log's batches.

    Args:
        instance: Opened by the caller.
        log: Its log.
        book: What happened on a day.
        account: What everybody is told beside the log.
        today: Tells the day that is trusted.
        ending: What comes when the line's end was announced.

    Returns:
        What makes the batches.

    Raises:
        InstanceError: the page is not built, or the log's key is missing.
    """
    return DailyLog(
        log=log,
        signer=load_log_signer(instance.directory),
        root=instance.configuration.root,
        served=read_served(instance),
        keysets=instance.watch_keyset(),
        book=book,
        account=account,
        today=today,
        ending=ending,
    )


def read_served(instance: Instance, *, static_directory: Path = STATIC_DIRECTORY) -> Served:
    """
    Read what is served, as the log names it.

    Args:
        instance: Opened by the caller.
        static_directory: Where the page is built to.

    Returns:
        Policy and page.

    Raises:
        InstanceError: the page is not built.
    """
    policy = (instance.directory / POLICY_NAME).read_bytes()
    try:
        manifest = (static_directory / "build.json").read_bytes()
    except FileNotFoundError as exc:
        raise InstanceError("page_not_built") from exc
    return Served(
        policy=instance.policy,
        policy_sha256=hashlib.sha256(policy).hexdigest(),
        build=json.loads(manifest)["build"],
        build_sha256=hashlib.sha256(manifest).hexdigest(),
    )
