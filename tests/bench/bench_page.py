"""
How fast and how large the source's page is. Prints figures; judges nothing.

    python -m tests.bench.bench_page [--rounds 7]

Each line: what, figure. Real browsers, the real service on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import os
import signal
import statistics
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli

from tests.browser.attaching import attach
from tests.browser.conftest import Line, new_line
from tests.browser.driver import Browser, Chromium, Firefox, Profile
from tests.pictures import make_jpeg, make_scan
from tipline.configuration import load_configuration
from tipline.service.pages import STATIC_DIRECTORY, load_pages

MIB = 1024 * 1024
THROTTLE = 6
RUN_SECONDS = 0.005  # of each round: short, so that the page is slow and not jerky
PHOTO_BYTES = 10_000_000
# When each state was shown, by the page's own clock; the first is the click on "Seal and send".
WATCH = """void (() => {
  globalThis.shownAt = {};
  new MutationObserver(() => {
    const { shown } = document.querySelector('#status').dataset;
    shownAt[shown] ??= performance.now();
  }).observe(document.querySelector('#status'), { attributes: true });
  document.querySelector('#form').addEventListener('submit', () => {
    shownAt.clicked = performance.now();
  }, true);
})()"""


async def write(browser: Browser, url: str, files: list[Path]) -> None:
    """Fill the form in."""
    await browser.open(url + "en/")
    await browser.until("!document.querySelector('#form').hidden")
    await browser.evaluate(WATCH)
    await browser.type("#text", "The bridge on River Street: cracks under the third pier.")
    if files:
        await attach(browser, *files, consent=files[0].suffix == ".bin")


async def send(browser: Browser, url: str, files: list[Path]) -> dict[str, float]:
    """Send one tip; the times of the states, in milliseconds after the click."""
    await write(browser, url, files)
    await browser.evaluate("void document.querySelector('#send').click()")
    await browser.until("!document.querySelector('[data-state=arrived]').hidden", seconds=300)
    shown: dict[str, float] = await browser.evaluate("shownAt")
    clicked = shown.pop("clicked")
    return {state: at - clicked for state, at in shown.items()}


def renderers(browser: Chromium) -> list[int]:
    """The tab's processes."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if b"--type=renderer" in command and str(browser.process.home).encode() in command:
                found.append(int(entry.name))
    return found


@contextlib.asynccontextmanager
async def throttled(pids: list[int]) -> AsyncIterator[None]:
    """
    Give processes a sixth of the time: all their threads, the worker's too.

    The browser's own throttling slows the page's thread alone, and the page seals in another.
    """

    async def stutter() -> None:
        while True:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(RUN_SECONDS * (THROTTLE - 1))
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            await asyncio.sleep(RUN_SECONDS)

    task = asyncio.create_task(stutter())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def peak_mib(pid: int) -> float:
    """The most memory that a process held since `forget_peak`."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM")


def forget_peak(pid: int) -> None:
    """Begin counting anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def say(what: str, figure: object) -> None:
    print(f"{what:<66} {figure}", flush=True)


def weigh(line: Line) -> None:
    """What each part of the page weighs."""
    pages = load_pages(configuration=load_configuration(line.directory))
    keyset = (line.directory / "keyset").read_bytes()
    parts = {path: page.bodies for path, page in pages.items() if path.startswith("/static/")}
    parts["/en/"] = pages["/en/"].bodies
    parts["/keyset, 3 readers, not compressed"] = {"br": keyset, "identity": keyset}
    for path, bodies in sorted(parts.items()):
        say(f"{path}: bytes, brotli bytes", f"{len(bodies['identity'])}, {len(bodies['br'])}")
    worker = next(STATIC_DIRECTORY.glob("worker-*.js")).read_bytes()
    say("worker, gzip -9 bytes", len(gzip.compress(worker, 9)))
    say("worker, brotli 11 bytes", len(brotli.compress(worker, quality=11)))


async def time_text(kind: type[Browser], profile: Profile, rounds: int, url: str) -> None:
    """Sealing a text tip: from the click until the sealed envelope leaves."""
    # Tor Browser's clock is blunt; for the figures it is left sharp.
    sharp: dict[str, Any] = {"privacy.resistFingerprinting": False}
    async with kind(profile=profile, preferences=sharp) as browser:
        runs = [await send(browser, url, []) for _ in range(rounds)]
    sealed = [run["finishing"] for run in runs]
    arrived = [run["arrived"] for run in runs]
    name = f"{kind.__name__} {profile}: text, click to sealed (opening included)"
    say(f"{name}, ms median / worst", f"{statistics.median(sealed):.0f} / {max(sealed):.0f}")
    say(
        f"{kind.__name__} {profile}: text, click to arrived, ms median",
        f"{statistics.median(arrived):.0f}",
    )


async def time_file(
    kind: type[Browser], profile: Profile, size_bytes: int, url: str, directory: Path
) -> None:
    """Throughput of a file, sealing and upload together."""
    path = directory / "file.bin"
    path.write_bytes(os.urandom(size_bytes))
    sharp: dict[str, Any] = {"privacy.resistFingerprinting": False}
    async with kind(profile=profile, preferences=sharp) as browser:
        seconds = (await send(browser, url, [path]))["arrived"] / 1000
    say(
        f"{kind.__name__} {profile}: file of {size_bytes / MIB:.0f} MiB, MiB/s",
        f"{size_bytes / MIB / seconds:.1f}",
    )


async def time_small_phone(url: str, directory: Path) -> None:
    """Chromium at 360 by 640 with a sixth of the processor."""
    photo = directory / "photo.jpg"
    coded = os.urandom(PHOTO_BYTES).replace(b"\xff", b"\xfe")
    photo.write_bytes(make_jpeg(scans=[make_scan(data=coded)]))
    for name, files in (("text", []), ("10 MB photo", [photo])):
        async with Chromium() as browser:
            await browser.resize(360, 640)
            await write(browser, url, files)
            tabs = renderers(browser)
            for pid in tabs:
                forget_peak(pid)
            before = max(map(peak_mib, tabs))
            async with throttled(tabs):
                await browser.evaluate("void document.querySelector('#send').click()")
                await browser.until(
                    "!document.querySelector('[data-state=arrived]').hidden", seconds=300
                )
            peak = max(map(peak_mib, tabs))
            shown = await browser.evaluate("shownAt")
            heap = await browser.ask("Runtime.getHeapUsage")
        seconds = {state: (at - shown["clicked"]) / 1000 for state, at in shown.items()}
        say(
            f"Chromium 360x640, a sixth of the time: {name}, sealed, s",
            f"{seconds['finishing']:.2f}",
        )
        say(
            f"Chromium 360x640, a sixth of the time: {name}, arrived, s",
            f"{seconds['arrived']:.2f}",
        )
        say("   the tab's process, MiB: before / peak", f"{before:.0f} / {peak:.0f}")
        say("   the page's heap afterwards, MiB", f"{heap['usedSize'] / MIB:.1f}")


async def run(rounds: int) -> None:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="line-") as name:
        directory = Path(name)
        line = new_line(directory, **{"limits.requests_burst": 100_000})
        weigh(line)
        async with line.serve():
            for kind in (Firefox, Chromium):
                await time_text(kind, "standard", rounds, line.url)
                await time_text(kind, "safer", rounds, line.url)
            await time_small_phone(line.url, directory)
            for kind in (Firefox, Chromium):
                await time_file(kind, "standard", 16 * MIB, line.url, directory)
                await time_file(kind, "safer", 2 * MIB, line.url, directory)


def main() -> None:
    parser = argparse.ArgumentParser(description="How fast and how large the page is.")
    parser.add_argument("--rounds", type=int, default=7)
    asyncio.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
