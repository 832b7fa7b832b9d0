"""
The demonstration: a line that a newcomer sees working, and that leaves nothing.

1. A line in a throwaway directory; the page on loopback at once.
2. Tor is started beside it; the page goes on an onion when it is up. Where Tor gets nowhere within
   a minute, its stage is named and the page stays on loopback.
3. When a tip arrives: what the server holds of it, and on Enter the tip as the desk opens it.
4. Ctrl-C stops, and everything is erased.
"""

from __future__ import annotations

import asyncio
import signal
from typing import Final

from tipline.clock import Clock, system_clock
from tipline.console import Console
from tipline.demonstration.arrivals import Arrivals
from tipline.demonstration.directory import make_throwaway_directory
from tipline.demonstration.line import ThrowawayLine, make_line
from tipline.demonstration.onion import OnionShow
from tipline.demonstration.timeline import Timeline
from tipline.instance import Instance
from tipline.service.pages import load_pages
from tipline.service.serve import open_line
from tipline.service.store import StoredTip

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def show(console: Console, *, clock: Clock = system_clock) -> None:
    """
    Run the demonstration until it is told to stop.

    Args:
        console: Where it shows itself.
        clock: Tells the day.

    Raises:
        TiplineError: the line cannot be made or served.
    """
    _ = console.translate
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    timeline = Timeline(console)
    _show_banner(console)
    with make_throwaway_directory() as directory:
        timeline.step("directory", _("everything of this stands in {path}").format(path=directory))
        line = make_line(directory, today=clock().date(), translate=_)
        timeline.step("line", _("keys, keyset, configuration and policy are written:"))
        timeline.tell(f"    {line.instance / 'tipline.toml'}")
        timeline.tell(f"    {line.instance / 'policy.toml'}")
        with Instance.open(line.instance) as instance:
            await _serve(instance, line, stop=stop, timeline=timeline, console=console)
    timeline.step("erased", _("stopped; the directory and all that was in it are erased"))
    console.print()
    console.print("  " + _("For a real line, on a server of its own: tipline init DIR"))
    console.print()


def _show_banner(console: Console) -> None:
    _ = console.translate
    console.print()
    console.print("  " + _("DEMONSTRATION: not for real tips"))
    console.print(
        "  " + _("The keys are made here, beside the service, and everything ends with Ctrl-C.")
    )
    console.print()


async def _serve(
    instance: Instance,
    line: ThrowawayLine,
    *,
    stop: asyncio.Event,
    timeline: Timeline,
    console: Console,
) -> None:
    _ = console.translate
    tips: asyncio.Queue[StoredTip] = asyncio.Queue()
    pages = load_pages(configuration=instance.configuration, demonstration=True)
    async with open_line(instance, pages=pages, loopback_port=0, on_tip=tips.put_nowait) as running:
        timeline.step("service", _("the service runs; open the page on this machine:"))
        timeline.tell()
        timeline.tell(f"    {running.addresses.loopback}")
        timeline.tell()
        onion = OnionShow(instance, running=running, timeline=timeline, console=console)
        arrivals = Arrivals(line, running=running, timeline=timeline, console=console)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(arrivals.run(tips)), group.create_task(onion.run())]
            await stop.wait()
            console.print()
            for task in tasks:
                task.cancel()
