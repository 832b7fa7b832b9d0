"""`tipline serve DIR`: run a line until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import datetime
import os
import signal
from pathlib import Path

from retention.hold import Hold
from retention.log.entry import ClockStep
from tipline.clock import system_clock
from tipline.configuration import Configuration, load_configuration
from tipline.console import Console
from tipline.core_dumps import forbid_core_dumps
from tipline.day_keeper import ClockEvent
from tipline.errors import InstanceError, TiplineError
from tipline.instance import (
    HANDING_OVER_NAME,
    KEYS_NAME,
    TOR_NAME,
    VERIFIERS_NAME,
    Instance,
    take_lock,
)
from tipline.keysets import read_highest
from tipline.messages import ERRORS
from tipline.onion.control import Bootstrap
from tipline.onion.services import Onions, open_onions
from tipline.service.closed_line import open_closed_line
from tipline.service.ending import is_shut, shut
from tipline.service.pages import load_pages
from tipline.service.serve import Addresses, open_line

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Serve until SIGTERM or SIGINT.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.
    """
    forbid_core_dumps()
    if (options.directory / HANDING_OVER_NAME).exists():
        raise InstanceError("line_handed_over", path=str(options.directory))
    is_stopped = False
    if not (options.directory / VERIFIERS_NAME).exists():
        has_ended, is_stopped = _serve_open(options, console)
        if not has_ended:
            return 0
    _serve_ended(options, console, is_stopped=is_stopped)
    return 0


def _serve_open(options: argparse.Namespace, console: Console) -> tuple[bool, bool]:
    """Serve a line that takes tips; tell whether it came to its end, and whether it was stopped."""
    with Instance.open(options.directory) as instance:
        # A page that is opened afresh remembers nothing: it is told which keyset was in force.
        minimum, is_there = read_highest(
            instance.directory,
            root=instance.configuration.root,
            minimum=instance.configuration.keyset_minimum,
        )
        if not is_there:
            # Without readers nobody can send; what is stored has to die in its time all the same.
            _ = console.translate
            console.say(_("There is no list of readers any more, so nothing is taken."))
        configuration = dataclasses.replace(instance.configuration, keyset_minimum=minimum)
        return asyncio.run(_serve(instance, configuration, options, console))


def _serve_ended(options: argparse.Namespace, console: Console, *, is_stopped: bool) -> None:
    """Serve what is left of a line that has ended: its log and its account, unless stopped."""
    directory: Path = options.directory
    lock = take_lock(directory)
    try:
        day = system_clock().date()
        if not is_shut(directory):
            shut(directory, day=day, environment=os.environ)
        if is_stopped:
            return  # a signal that came while the line was ending is for us, too
        _ = console.translate
        console.say(_("The line has ended. Its log and its account are served."))
        console.say(_("Destroy every backup of the line: they have its keys, too."))
        asyncio.run(_serve_closed(options, console, day=day))
    finally:
        os.close(lock)


async def _serve_closed(
    options: argparse.Namespace, console: Console, *, day: datetime.date
) -> None:
    directory: Path = options.directory
    configuration = load_configuration(directory)
    stop = _watch_signals()
    async with open_closed_line(
        directory, pages=load_pages(configuration=configuration), day=day
    ) as source_socket:
        waited = {asyncio.create_task(_wait(stop))}
        if options.json:
            console.print_json({"source_socket": str(source_socket)})
        if not options.no_tor:
            waited.add(
                asyncio.create_task(
                    _run_tor(
                        directory,
                        configuration,
                        Addresses(
                            source_socket=source_socket,
                            desk_socket=source_socket,
                            operator_socket=source_socket,
                            loopback=None,
                        ),
                        options,
                        console,
                        desk_clients=(),
                    )
                )
            )
        await _wait_first(waited)


def _watch_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


async def _wait_first(waited: set[asyncio.Task[None]]) -> None:
    try:
        done, _pending = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # tor's end is an error: whoever started us starts us again
    finally:
        for task in waited:
            task.cancel()
        await asyncio.gather(*waited, return_exceptions=True)


async def _serve(
    instance: Instance, configuration: Configuration, options: argparse.Namespace, console: Console
) -> tuple[bool, bool]:
    _ = console.translate
    stop = _watch_signals()

    def report(what: TiplineError | list[str]) -> None:
        if isinstance(what, TiplineError):
            console.say("tipline: " + console.fill(ERRORS[what.code], what.facts))
        else:
            console.say(
                "tipline: "
                + _("faults since the last night, for the developers: {places}").format(
                    places=", ".join(what)
                )
            )

    def tell_clock(event: ClockEvent) -> None:
        what = {
            ClockStep.HELD: _("the clock jumped to {until}; it waits for a person"),
            ClockStep.STEPPED_BACK: _("the clock went back to {until}; nothing follows it"),
            ClockStep.CONFIRMED: _("the clock was confirmed; it is {until}"),
        }
        console.say("tipline: " + what[event.step].format(until=event.until))

    def tell_hold(hold: Hold) -> None:
        ended = (
            _("hold {id} was released; what is past its day goes now")
            if hold.was_released
            else _("hold {id} ended by itself; what is past its day goes now")
        )
        console.say("tipline: " + ended.format(id=hold.id.hex()))

    async with open_line(
        instance,
        pages=load_pages(configuration=configuration),
        loopback_port=options.loopback,
        report=report,
        on_clock=tell_clock,
        on_hold=tell_hold,
    ) as line:
        _tell_sockets(line.addresses, options, console)
        waited: set[asyncio.Task[None]] = {
            asyncio.create_task(_wait(stop)),
            asyncio.create_task(_wait(line.ended)),
        }
        if not options.no_tor:
            waited.add(
                asyncio.create_task(
                    _run_tor(
                        instance.directory,
                        instance.configuration,
                        line.addresses,
                        options,
                        console,
                        desk_clients=instance.configuration.desk_clients,
                    )
                )
            )
        await _wait_first(waited)
        console.say(_("Stopping: what was begun is finished first."))
    # After everything was shut: the signal may have come meanwhile.
    return line.ended.is_set(), stop.is_set()


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


async def _run_tor(
    directory: Path,
    configuration: Configuration,
    addresses: Addresses,
    options: argparse.Namespace,
    console: Console,
    *,
    desk_clients: tuple[str, ...],
) -> None:
    _ = console.translate

    def tell_bootstrap(stage: Bootstrap) -> None:
        console.note(
            _("tor: {percent} % ({stage})").format(percent=stage.percent, stage=stage.stage)
        )

    async with open_onions(
        directory=directory / TOR_NAME,
        keys=directory / KEYS_NAME,
        settings=configuration.onion,
        source_socket=addresses.source_socket,
        desk_socket=addresses.desk_socket,
        desk_clients=desk_clients,
        today=system_clock().date(),
        on_bootstrap=tell_bootstrap,
    ) as onions:
        _tell_onions(onions, options, console, published=False)
        await onions.wait_published()
        _tell_onions(onions, options, console, published=True)
        await onions.tor.wait()


def _tell_sockets(addresses: Addresses, options: argparse.Namespace, console: Console) -> None:
    _ = console.translate
    if options.json:
        console.print_json(
            {
                "source_socket": str(addresses.source_socket),
                "desk_socket": str(addresses.desk_socket),
                "operator_socket": str(addresses.operator_socket),
                "loopback": addresses.loopback,
            }
        )
        return
    console.say(_("The line is running."))
    if addresses.loopback is not None:
        console.say(_("On this machine, for development: {url}").format(url=addresses.loopback))


def _tell_onions(
    onions: Onions, options: argparse.Namespace, console: Console, *, published: bool
) -> None:
    _ = console.translate
    if options.json:
        console.print_json(
            {"onion": onions.source, "desk_onion": onions.desk, "published": published}
        )
    elif published:
        console.say(_("The onions can be reached."))
    else:
        console.say(_("For sources: {url}").format(url=f"http://{onions.source}/"))
        if onions.desk is None:
            console.say(_("The desk has no onion yet: add its key to tipline.toml (desk.clients)."))
        else:
            console.say(_("For the desk: {url}").format(url=f"http://{onions.desk}/"))
