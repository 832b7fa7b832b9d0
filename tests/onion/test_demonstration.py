"""The demonstration's onion: shown when it is there, named when it is not."""

from __future__ import annotations

import asyncio
import io
import time
from pathlib import Path

import pytest

from tests.onion.conftest import MakeThrowawayLine
from tipline.console import Console
from tipline.demonstration import onion
from tipline.demonstration.timeline import Timeline
from tipline.instance import Instance
from tipline.service.serve import open_line

pytestmark = pytest.mark.onion

# Nobody listens on port 9 of loopback.
NOWHERE = f"DirAuthority nowhere orport=9 no-v2 v3ident={'A' * 40} 127.0.0.1:9 {'B' * 40}"


async def show_until(instance_directory: Path, words: str, *, seconds: float) -> str:
    """Run the onion's part of the demonstration until the words are shown."""
    out = io.StringIO()
    console = Console(translate=lambda text: text, out=out)
    with Instance.open(instance_directory) as instance:
        async with open_line(instance, pages={}) as running:
            show = onion.OnionShow(
                instance, running=running, timeline=Timeline(console), console=console
            )
            task = asyncio.create_task(show.run())
            ends_at = time.monotonic() + seconds
            try:
                while words not in out.getvalue():
                    assert time.monotonic() < ends_at, out.getvalue()
                    assert not task.done() or words in out.getvalue(), out.getvalue()
                    await asyncio.sleep(0.05)
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
    return out.getvalue()


async def test_onion_when_tor_is_up_shows_address_and_code(
    make_onion_line: MakeThrowawayLine,
) -> None:
    """The address, and the same as a code for a phone."""
    line = make_onion_line()
    shown = await show_until(line.instance, "\N{FULL BLOCK}" * 20 + "\n", seconds=60)
    (url,) = [word for word in shown.split() if word.startswith("http://")]
    hostname = (line.instance / "tor/onion/hostname").read_text().strip()
    assert url == f"http://{hostname}/"
    for row in onion.format_qr(url).splitlines():
        assert row in shown


async def test_onion_when_tor_gets_nowhere_names_the_stage_and_goes_on(
    make_onion_line: MakeThrowawayLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing hangs, nothing ends: the page stays on loopback and Tor goes on trying."""
    monkeypatch.setattr(onion, "PATIENCE_SECONDS", 1)
    line = make_onion_line(onion__test_only_torrc_lines=["TestingTorNetwork 1", NOWHERE])
    shown = await show_until(line.instance, "Tor goes on trying", seconds=30)
    assert "Tor got nowhere within a minute: it stands at" in shown


async def test_onion_when_tor_is_missing_names_the_program(
    make_onion_line: MakeThrowawayLine,
) -> None:
    """Without tor the line still stands on loopback, and what is missing is named."""
    line = make_onion_line(onion__tor="/nonexistent/tor")
    shown = await show_until(line.instance, "The page stays reachable", seconds=30)
    assert "the program /nonexistent/tor is not installed" in shown
