"""`tipline demonstration`: what a newcomer sees, and that nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pty
import signal
import sys
import tomllib
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tipline.demonstration.sending import send_tip
from tipline.language import LANGUAGES, make_translations

SECONDS = 60
TEXT = "The survey of the bridge was never signed."
BANNER = "DEMONSTRATION: not for real tips"


@dataclasses.dataclass(kw_only=True)
class Screen:
    """A running demonstration, and what it showed so far."""

    process: asyncio.subprocess.Process
    terminal: int | None
    shown: str = ""

    async def read_until(self, words: str) -> str:
        """Read lines until one holds the words."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while line := (await self.process.stdout.readline()).decode():
                self.shown += line
                if words in line:
                    return line
        raise AssertionError(f"it ended without {words!r}:\n{self.shown}")

    async def has_more(self, *, seconds: float) -> bool:
        """Whether it shows anything within this time."""
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                self.shown += (await self.process.stdout.readline()).decode()
        except TimeoutError:
            return False
        return True


@contextlib.asynccontextmanager
async def run_demonstration(*, terminal: bool = False, path: str = "") -> AsyncIterator[Screen]:
    """Run it without Tor, with a terminal or with nobody at the keyboard."""
    ours, theirs = pty.openpty() if terminal else (None, None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-m", "tipline", "demonstration", "--no-tor"),
        stdin=asyncio.subprocess.DEVNULL if theirs is None else theirs,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LANGUAGE": "en", "PATH": path + os.environ["PATH"]},
    )
    try:
        yield Screen(process=process, terminal=ours)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        for descriptor in (ours, theirs):
            if descriptor is not None:
                os.close(descriptor)


async def send(screen: Screen, tmp_path: Path, *texts: str) -> Path:
    """Send tips to the page on loopback; returns the demonstration's directory."""
    directory = Path((await screen.read_until("stands in")).split()[-1])
    url = (await screen.read_until("http://127.0.0.1:")).strip()
    configuration = tomllib.loads((directory / "instance/tipline.toml").read_text())
    port = int(url.rstrip("/").rpartition(":")[2])
    for text in texts or (TEXT,):
        (tmp_path / "text").write_text(text)
        await send_tip(port=port, root=configuration["root"], text=tmp_path / "text", files=())
    return directory


async def stop(screen: Screen, number: signal.Signals) -> str:
    """Stop it as a person or a system would; returns what it showed last."""
    screen.process.send_signal(number)
    assert screen.process.stdout is not None
    async with asyncio.timeout(SECONDS):
        rest = (await screen.process.stdout.read()).decode()
        assert await screen.process.wait() == 0, screen.shown + rest
    return rest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_demonstration_when_a_tip_arrives_shows_it_sealed_and_opened_and_erases_all(
    tmp_path: Path, number: signal.Signals
) -> None:
    """What the server holds, what the desk opens, and after the end not even the directory."""
    async with run_demonstration() as screen:
        directory = await send(screen, tmp_path)
        assert directory.stat().st_mode & 0o777 == 0o700
        assert BANNER in screen.shown
        await screen.read_until("dies on")
        held = screen.shown
        assert "61 67 65 2d 65 6e 63 72 79 70 74 69 6f 6e" in held  # age-encryption
        assert "size: 65536 bytes" in held
        assert TEXT not in held
        await screen.read_until("process without network")
        await screen.read_until(TEXT)
        # At the start, above what is held and above what was opened: each may be a screen.
        assert screen.shown.count(BANNER) == 3
        last = await stop(screen, number)
        assert "erased" in last
        assert "tipline init DIR" in last
        assert not directory.exists()


async def test_demonstration_when_a_person_watches_opens_only_on_enter(tmp_path: Path) -> None:
    """On a terminal the sealed tip stays on the screen until Enter."""
    async with run_demonstration(terminal=True) as screen:
        await send(screen, tmp_path)
        await screen.read_until("Press Enter")
        assert not await screen.has_more(seconds=2)
        assert screen.terminal is not None
        os.write(screen.terminal, b"\n")
        await screen.read_until(TEXT)
        await stop(screen, signal.SIGINT)


async def test_demonstration_when_two_tips_wait_then_the_second_was_opened_with_the_first(
    tmp_path: Path,
) -> None:
    """One bundle holds both: both are shown at once, and none is opened twice."""
    second = "The second survey was signed by nobody, either."
    async with run_demonstration(terminal=True) as screen:
        await send(screen, tmp_path, TEXT, second)
        assert screen.terminal is not None
        await screen.read_until("Press Enter")
        os.write(screen.terminal, b"\n")
        await screen.read_until("Send another one")
        assert TEXT in screen.shown
        assert second in screen.shown
        await screen.read_until("Press Enter")
        os.write(screen.terminal, b"\n")
        await screen.read_until("It was opened together with the one before.")
        assert screen.shown.count("a tip has arrived") == 2
        assert screen.shown.count(second) == 1
        await stop(screen, signal.SIGINT)


async def test_demonstration_when_no_process_can_be_cut_off_does_not_open(tmp_path: Path) -> None:
    """Where the desk would have a network, the tip stays sealed and the reason is shown."""
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "unshare").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (fake / "unshare").chmod(0o700)
    async with run_demonstration(path=f"{fake}:") as screen:
        await send(screen, tmp_path)
        await screen.read_until("lets no process be cut off")
        rest = await stop(screen, signal.SIGINT)
        assert TEXT not in screen.shown + rest


async def test_demonstration_says_so_on_every_page_in_every_language(tmp_path: Path) -> None:
    """Nobody who reads a page of it takes it for a real line."""
    async with run_demonstration() as screen:
        url = (await screen.read_until("http://127.0.0.1:")).strip()
        for language in LANGUAGES:
            banner = make_translations(language).gettext(BANNER)
            for path in (f"{language}/", f"{language}/leave", *([""] if language == "en" else [])):
                page = await asyncio.to_thread(fetch, url + path)
                assert banner in page, path
        await stop(screen, signal.SIGINT)


def fetch(url: str) -> str:
    """Read a page on loopback, whatever proxies the environment names."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=SECONDS) as answer:
        return str(answer.read().decode())
