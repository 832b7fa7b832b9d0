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
import dataclasses
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


async def show(console: Console, *, with_tor: bool, clock: Clock = system_clock) -> None:
    """
    Run the demonstration until it is told to stop.

    Args:
        console: Where it shows itself.
        with_tor: Whether to bring the page to an onion, too.
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
            serving = _Serving(instance=instance, line=line, timeline=timeline, console=console)
            await serving.run(stop, with_tor=with_tor)
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Serving:
    """The line while it is served."""

    instance: Instance
    line: ThrowawayLine
    timeline: Timeline
    console: Console

    async def run(self, stop: asyncio.Event, *, with_tor: bool) -> None:
        _ = self.console.translate
        tips: asyncio.Queue[StoredTip] = asyncio.Queue()
        pages = load_pages(configuration=self.instance.configuration, demonstration=True)
        async with open_line(
            self.instance,
            pages=pages,
            demonstration=True,
            loopback_port=0,
            on_tip=tips.put_nowait,
        ) as running:
            self.timeline.step("service", _("the service runs; open the page on this machine:"))
            self.timeline.tell()
            self.timeline.tell(f"    {running.addresses.loopback}")
            self.timeline.tell()
            arrivals = Arrivals(
                self.line, running=running, timeline=self.timeline, console=self.console
            )
            onion = OnionShow(
                self.instance, running=running, timeline=self.timeline, console=self.console
            )
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(arrivals.run(tips))]
                if with_tor:
                    tasks.append(group.create_task(onion.run()))
                await stop.wait()
                self.console.print()
                for task in tasks:
                    task.cancel()
