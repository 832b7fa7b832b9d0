"""
The composition root of the service: everything it needs is made here and passed on.

Order of a start: instance (locked by the caller), store, sockets, then tor. Order of an end: no new
connections, what was begun is answered, tor ends, the store closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from retention.hold import Hold
from retention.slot_pair import Notice
from tipline.clock import BootClock, Clock, system_boot_clock, system_clock
from tipline.day_keeper import ClockEvent, keep_looking
from tipline.errors import InstanceError, TiplineError
from tipline.files import blur_read_times, blur_times
from tipline.gateway.arrival import Line
from tipline.gateway.phones import open_phones
from tipline.gateway.settings import load_gateways
from tipline.gateway.told import tell_gateways
from tipline.gateway.typed import GATEWAY_OPERATIONS, ServedOperations
from tipline.instance import (
    DESK_SOCKET_NAME,
    OPERATOR_SOCKET_NAME,
    RUN_NAME,
    SOURCE_SOCKET_NAME,
    Instance,
)
from tipline.log_store import LogStore
from tipline.operations import OPERATIONS
from tipline.service.accountability import Accountability
from tipline.service.answers import Answer
from tipline.service.daily_log import DailyLog, make_due_batch, run_daily
from tipline.service.daily_mail import run_mail
from tipline.service.deskside import DeskSide
from tipline.service.ending import LineEnding
from tipline.service.intake import Intake
from tipline.service.limits import RequestBudget
from tipline.service.listening import (
    listen_loopback,
    listen_unix,
    start_server,
    stop_listening,
)
from tipline.service.logside import LogSide
from tipline.service.nightly import catch_up, run_nightly
from tipline.service.notice import NOTICE_PATH, make_notice_chooser
from tipline.service.old_keyset import end_old_keyset
from tipline.service.open_log import make_daily_log
from tipline.service.operator import OperatorSide
from tipline.service.pages import Page, PageRenderer
from tipline.service.purge_report import PurgeReport
from tipline.service.silence import Faults
from tipline.service.source import ChoosePage, SourceSide
from tipline.service.store import Store, StoredTip
from tipline.service.workings import make_workings, open_parts

DRAIN_SECONDS: Final = 20.0  # for slices that are being received when the line is stopped


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """
    Where a running line is reached.

    Args:
        source_socket: For tor.
        desk_socket: For tor, and for the operator's own account.
        operator_socket: For the operator's own account: operations on the running line.
        loopback: URL of the development listener, if it was asked for.
    """

    source_socket: Path
    desk_socket: Path
    operator_socket: Path
    loopback: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunningLine:
    """
    A line that is being served.

    Args:
        addresses: Where it is reached.
        store: Where its tips lie.
        log: What it promised and reported.
        daily: Takes what is to be reported in the next batch.
        ended: Set when the log had its last entry: the line is to be shut (`ending.py`).
    """

    addresses: Addresses
    store: Store
    log: LogStore
    daily: DailyLog
    ended: asyncio.Event


@contextlib.asynccontextmanager
async def open_line(  # noqa: PLR0915  # the composition root: a list, not a path
    instance: Instance,
    *,
    pages: Mapping[str, Page],
    demonstration: bool = False,
    loopback_port: int | None = None,
    clock: Clock = system_clock,
    boot_clock: BootClock = system_boot_clock,
    on_clock: Callable[[ClockEvent], None] = lambda event: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    on_tip: Callable[[StoredTip], None] = lambda tip: None,
    on_hold: Callable[[Hold], None] = lambda hold: None,
    report: Callable[[TiplineError | list[str]], None] = lambda what: None,
) -> AsyncIterator[RunningLine]:
    """
    Serve an instance as long as the context lasts.

    Args:
        instance: Opened, and so locked, by the caller, who closes it afterwards.
        pages: What the source sees, by path.
        demonstration: Say on the pages that are made while serving that this is not for real tips.
        loopback_port: A development listener on 127.0.0.1; 0 takes any free port, None makes none.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        on_clock: Told when the clock jumps or goes back.
        monotonic: A clock that never steps back, in seconds.
        sleep: Waits for the night, for the hours of the log's batch and of the daily mail, and for
            the next look at the clocks.
        on_tip: Told of each tip after it is durable.
        on_hold: Told of each hold that ended, after its key is destroyed.
        report: Told what the nightly run could not do, that the daily mail could not be sent, and
            which faults there were.

    Yields:
        The running line.

    Raises:
        InstanceError: the database is in use or newer, or the directory's path is too long.
    """
    faults = Faults()
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(
            open_parts(
                instance,
                clock=clock,
                boot_clock=boot_clock,
                on_clock=on_clock,
                on_fault=faults.add,
                on_notice=lambda notice: report(_make_error(notice)),
                on_lost=report,
            )
        )
        log, keeper, store, promises = parts.log, parts.keeper, parts.store, parts.promises
        accountability = Accountability(
            log=log,
            configuration=instance.configuration,
            renderer=PageRenderer(
                configuration=instance.configuration, demonstration=demonstration
            ),
            keysets=instance.watch_keyset(),
            service_key=instance.signer.verifier().format(),
            find_oldest=store.day_book.find_oldest_waiting,
            gateways=tell_gateways(load_gateways(instance.directory)),
        )
        ended = asyncio.Event()
        ending = LineEnding(instance.directory, log=log, store=store, on_end=ended.set)
        if ending.has_ended():
            ended.set()  # a crash came before its keys were gone
        daily = make_daily_log(
            instance,
            log,
            book=store.day_book,
            account=accountability,
            today=keeper.today,
            ending=ending,
        )
        intake = Intake(
            store=store,
            keysets=instance.watch_keyset(),
            promises=promises,
            limits=instance.configuration.limits,
            directory=instance.directory,
            today=keeper.latest_day,
            takes_tips=lambda: ending.takes_tips(keeper.latest_day()),
            on_tip=on_tip,
            faults=faults,
            monotonic=monotonic,
        )
        await intake.load()

        keysets = instance.watch_keyset()

        async def tell_purged(purged: PurgeReport) -> None:
            await daily.note_purge(await end_old_keyset(purged, keysets=keysets, promises=promises))
            for hold in purged.ended_holds:
                on_hold(hold)

        workings = make_workings(parts, instance, forget=intake.forget, on_purged=tell_purged)
        operations = ServedOperations(workings=workings, clock=clock)
        operator = OperatorSide(
            operations.operate,
            names=frozenset({*OPERATIONS, *GATEWAY_OPERATIONS}),
            on_fault=faults.add,
        )
        stack.push_async_callback(operator.finish)
        await daily.begin()
        await catch_up(
            store=store,
            intake=intake,
            promises=promises,
            today=keeper.today(),
            report=report,
            waiting=keeper.waiting(),
            on_purged=tell_purged,
        )
        await make_due_batch(
            daily, clock=keeper.now, hour=instance.configuration.log_hour, faults=faults
        )
        source = SourceSide(
            pages={
                **{path: make_page_chooser(page) for path, page in pages.items()},
                **accountability.list_pages(),
                NOTICE_PATH: make_notice_chooser(instance.directory, today=keeper.latest_day),
            },
            keysets=instance.watch_keyset(),
            intake=intake,
            budget=RequestBudget(
                per_second=instance.configuration.limits.requests_per_second,
                burst=instance.configuration.limits.requests_burst,
                monotonic=monotonic,
            ),
            log=LogSide(log),
        )
        stack.enter_context(_silent_loop(faults))
        conversations = store.make_conversations(promises=promises, today=keeper.latest_day)
        phones = await stack.enter_async_context(
            open_phones(
                instance.directory,
                Line(
                    conversations=conversations,
                    keysets=instance.watch_keyset(),
                    promises=promises,
                    today=keeper.latest_day,
                    clock=clock,
                    takes_tips=lambda: ending.takes_tips(keeper.latest_day()),
                    has_room=intake.has_room_for_text,
                    on_tip=on_tip,
                    on_fault=faults.add,
                ),
                idle_seconds=instance.configuration.limits.idle_seconds,
                faults=faults,
                sleep=sleep,
            )
        )
        operations.phones = phones
        desk = DeskSide(
            store=store,
            keysets=instance.watch_keyset(),
            signer=instance.signer,
            today=keeper.latest_day,
            pick_up=lambda tip_ids: store.pick_up(
                tip_ids, promises=promises, today=keeper.latest_day()
            ),
            log=LogSide(log),
            holds_back=conversations.handles.holds_back,
            answers=None if phones is None else phones.answers,
        )
        idle_seconds = instance.configuration.limits.idle_seconds
        run = instance.directory / RUN_NAME
        stack.callback(lambda: blur_times(run, day=keeper.today()))
        addresses = Addresses(
            source_socket=run / SOURCE_SOCKET_NAME,
            desk_socket=run / DESK_SOCKET_NAME,
            operator_socket=run / OPERATOR_SOCKET_NAME,
            loopback=None,
        )
        runners: list[web.ServerRunner] = []
        for path, handler, trusts_proxy_line in (
            (addresses.source_socket, source.respond, True),
            (addresses.desk_socket, desk.respond, False),
            (addresses.operator_socket, operator.respond, False),
        ):
            runner = await start_server(
                handler, faults=faults, idle_seconds=idle_seconds, trusts=trusts_proxy_line
            )
            runners.append(runner)
            stack.push_async_callback(runner.cleanup)
            stack.callback(path.unlink, missing_ok=True)
            await listen_unix(runner, path)
            blur_read_times(path, day=keeper.today())
        if loopback_port is not None:
            runner = await start_server(
                source.respond, faults=faults, idle_seconds=idle_seconds, trusts=False
            )
            runners.append(runner)
            stack.push_async_callback(runner.cleanup)
            port = await listen_loopback(runner, loopback_port)
            addresses = dataclasses.replace(addresses, loopback=f"http://127.0.0.1:{port}/")
        blur_times(run, day=keeper.today())
        nightly = asyncio.create_task(
            run_nightly(
                store=store,
                intake=intake,
                promises=promises,
                clock=keeper.now,
                hour=instance.configuration.nightly_hour,
                faults=faults,
                report=report,
                read_waiting=keeper.waiting,
                on_purged=tell_purged,
                sleep=sleep,
            )
        )
        batches = asyncio.create_task(
            run_daily(
                daily,
                clock=keeper.now,
                hour=instance.configuration.log_hour,
                faults=faults,
                sleep=sleep,
            )
        )
        stack.push_async_callback(intake.wait_idle, limit_seconds=DRAIN_SECONDS)
        stack.push_async_callback(stop_listening, runners)
        stack.push_async_callback(_cancel, nightly)
        stack.push_async_callback(_cancel, batches)
        mailing = asyncio.create_task(
            run_mail(
                instance.configuration.mail,
                directory=instance.directory,
                clock=keeper.now,
                report=report,
                sleep=sleep,
            )
        )
        stack.push_async_callback(_cancel, mailing)
        looking = asyncio.create_task(keep_looking(keeper, on_fault=faults.add, sleep=sleep))
        stack.push_async_callback(_cancel, looking)
        yield RunningLine(addresses=addresses, store=store, log=log, daily=daily, ended=ended)


def make_page_chooser(page: Page) -> ChoosePage:
    """
    Prepare a page's answers.

    Args:
        page: In each compression.

    Returns:
        A function from a request to the answer in the compression it takes.
    """
    answers = {
        coding: Answer(
            200,
            body,
            headers={
                **page.headers,
                **({} if coding == "identity" else {"Content-Encoding": coding}),
            },
        )
        for coding, body in page.bodies.items()
    }

    def choose(request: web.BaseRequest) -> Answer:
        return answers[page.choose(request.headers.get("Accept-Encoding", ""))]

    return choose


def _make_error(notice: Notice) -> TiplineError:
    facts = {} if notice.slot is None else {"slot": notice.slot}
    return InstanceError(notice.code, **facts)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def _silent_loop(faults: Faults) -> Any:
    # asyncio logs what nobody caught, with the objects it belonged to; we keep the place alone.
    loop = asyncio.get_running_loop()
    former = loop.get_exception_handler()

    def remember(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            faults.add(error)

    loop.set_exception_handler(remember)
    try:
        yield
    finally:
        loop.set_exception_handler(former)
