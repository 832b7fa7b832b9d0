"""
The demonstration's onion: on the real Tor network, in the background, as soon as Tor is up.

A line on loopback never waits for it. What is not reached within a minute is named by its stage:
Tor's own, or, once Tor is connected, that the address is not published yet. It goes on trying
beside, because on a slow network it may still come.
"""

from __future__ import annotations

import asyncio
import io
from typing import Final

import segno

from tipline.console import Console
from tipline.demonstration.serving import open_line_onions
from tipline.demonstration.timeline import Timeline
from tipline.errors import NetworkError
from tipline.instance import Instance
from tipline.language import Translate
from tipline.messages import ERRORS
from tipline.onion.control import Bootstrap
from tipline.onion.services import Onions
from tipline.service.serve import RunningLine

PATIENCE_SECONDS: Final = 60
SHOWN_STEP_PERCENT: Final = 25
CONNECTED_PERCENT: Final = 100
QUIET_ZONE_MODULES: Final = 2  # half of the standard's: every reader tried takes it on a screen


class OnionShow:
    """
    Brings the page to an onion and shows how far that is.

    Args:
        instance: Of the line.
        running: Its service.
        timeline: Where the steps are shown.
        console: Where the rest is shown.
    """

    def __init__(
        self, instance: Instance, *, running: RunningLine, timeline: Timeline, console: Console
    ) -> None:
        self._instance = instance
        self._running = running
        self._timeline = timeline
        self._console = console
        self._last = Bootstrap(percent=0, stage="starting")
        self._shown_percent = 0

    async def run(self) -> None:
        """Run Tor until cancelled, or until it ends by itself: the line goes on without it."""
        _ = self._console.translate
        self._timeline.step("tor", _("Tor is starting; this network will see that it is used"))
        try:
            async with open_line_onions(
                self._instance, running=self._running, on_bootstrap=self._show_bootstrap
            ) as onions:
                await self._wait(onions)
                self._show_address(onions.source)
                await onions.tor.wait()
        except NetworkError as error:
            self._timeline.step("tor", self._console.fill(ERRORS[error.code], error.facts))
            self._timeline.tell(_("The page stays reachable on this machine."))

    async def _wait(self, onions: Onions) -> None:
        _ = self._console.translate
        published = asyncio.ensure_future(onions.wait_published())
        try:
            done, _pending = await asyncio.wait({published}, timeout=PATIENCE_SECONDS)
            if not done:
                self._timeline.step("tor", describe_wait(self._last, translate=_))
                self._timeline.tell(
                    _("The page stays reachable on this machine. Tor goes on trying.")
                )
            await published
        finally:
            published.cancel()

    def _show_bootstrap(self, bootstrap: Bootstrap) -> None:
        _ = self._console.translate
        self._last = bootstrap
        if bootstrap.percent - self._shown_percent >= SHOWN_STEP_PERCENT:
            self._shown_percent = bootstrap.percent
            self._timeline.step(
                "tor",
                _("Tor: {percent} % ({stage})").format(
                    percent=bootstrap.percent, stage=bootstrap.stage
                ),
            )

    def _show_address(self, onion: str) -> None:
        _ = self._console.translate
        url = f"http://{onion}/"
        self._timeline.step("onion", _("the page is on an onion; open it in Tor Browser:"))
        self._timeline.tell(_("DEMONSTRATION: not for real tips"))
        self._timeline.tell()
        self._timeline.tell(f"    {url}")
        self._timeline.tell()
        for row in format_qr(url).splitlines():
            self._timeline.tell(f"    {row}")
        self._timeline.tell()


def describe_wait(last: Bootstrap, *, translate: Translate) -> str:
    """
    Say what the onion is still waiting for after a minute.

    Args:
        last: How far Tor has come.
        translate: Looks a text up in the catalogue.

    Returns:
        One line that names the stage.
    """
    _ = translate
    if last.percent < CONNECTED_PERCENT:
        return _("Tor got nowhere within a minute: it stands at {percent} % ({stage})").format(
            percent=last.percent, stage=last.stage
        )
    return _("Tor is connected; the onion's address is still being published")


def format_qr(text: str) -> str:
    """
    Draw a QR code with characters.

    Args:
        text: What it says.

    Returns:
        Lines of half blocks, without any control sequence: dark on light terminals it is inverted,
        which readers take too.
    """
    drawn = io.StringIO()
    code = segno.make_qr(text, error="m")
    matrix = [bytes(row) for row in code.matrix_iter(border=QUIET_ZONE_MODULES)]
    if len(matrix) % 2:
        matrix.append(bytes(len(matrix[0])))
    for upper, lower in zip(matrix[::2], matrix[1::2], strict=True):
        # Light modules are drawn, since most terminals write light on dark.
        drawn.write("".join(_HALVES[bool(a), bool(b)] for a, b in zip(upper, lower, strict=True)))
        drawn.write("\n")
    return drawn.getvalue()


_HALVES: Final = {
    (False, False): "\N{FULL BLOCK}",
    (False, True): "\N{UPPER HALF BLOCK}",
    (True, False): "\N{LOWER HALF BLOCK}",
    (True, True): " ",
}
