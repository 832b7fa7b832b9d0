"""
How fast the page's cleaning is, in a worker, in the browsers. Prints figures; judges nothing.

    python -m tests.bench.bench_cleaning_page [--rounds 7] [FILE...]

Without files: 12 megapixels of noise, the pictures of `bench_cleaning`, and an animation that has
nearly as many pieces as a plan may have: a comment behind each image. Each round has a new
worker, as the page has one: nothing is warm. Told are milliseconds, median and worst. "Read" is
reading the cleaned file out, "floor" reading the file as it was. Memory is the most by which any
process of the browser grew, in MiB.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.bench.bench_cleaning import make_pictures
from tests.bench.bench_page import forget_peak, peak_mib
from tests.browser.driver import Browser, Chromium, Firefox, Profile
from tests.pictures import GIF_IMAGE, extension, make_gif
from tipline.cleaning.plan import MAX_PIECES

ROOT = Path(__file__).resolve().parents[2]
ESBUILD = ROOT / "node_modules/esbuild/bin/esbuild"
PAGE = """<!doctype html><title>bench</title><input type="file" id="file"><script>
globalThis.cleanOnce = () => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js");
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.onerror = (error) => reject(error.message);
  worker.postMessage(document.querySelector("#file").files[0]);
});
</script>"""


def make_animation(folder: Path) -> Path:
    """Make a GIF of 18 MB, of which each image is kept and each comment goes."""
    image = GIF_IMAGE[:11] + b"\xff" + bytes(255) + b"\0"
    path = folder / "animation"
    path.write_bytes(make_gif(*[image + extension(0xFE, b"by Ana")] * (MAX_PIECES - 2)))
    return path


def bundle_worker() -> str:
    """Build the worker as the page is built."""
    command = [ESBUILD, Path(__file__).with_name("clean_worker.mjs"), "--bundle", "--minify"]
    return subprocess.check_output(
        [*command, "--format=iife", "--target=es2022"], cwd=ROOT, text=True
    )


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Serve the page and its worker on loopback."""
    worker = bundle_worker()

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def script(_request: web.Request) -> web.Response:
        return web.Response(text=worker, content_type="text/javascript")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/worker.js", script)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        (address,) = runner.addresses
        yield f"http://127.0.0.1:{address[1]}/"
    finally:
        await runner.cleanup()


def list_processes(parent: int) -> list[int]:
    """The browser's process and all below it."""
    below = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [parent, *(found for child in below for found in list_processes(int(child)))]


def forget_peaks(pids: list[int]) -> dict[int, float]:
    """Begin counting anew; return what each process holds."""
    for pid in pids:
        forget_peak(pid)
    return {pid: peak_mib(pid) for pid in pids}


async def measure(browser: Browser, path: Path, rounds: int) -> list[dict[str, Any]]:
    """Clean a file so many times, each in a new worker; the first says how memory grew."""
    await browser.set_files("#file", [path])
    before = forget_peaks(list_processes(browser.process.pid))
    first = await browser.evaluate("cleanOnce()")
    first["memory"] = max(peak_mib(pid) - held for pid, held in before.items())
    return [first, *[await browser.evaluate("cleanOnce()") for _ in range(rounds - 1)]]


def show(rounds: list[dict[str, Any]], name: str) -> str:
    """Median and worst of one figure."""
    values = [told[name] for told in rounds]
    return f"{statistics.median(values):.0f} / {max(values):.0f}"


async def run(files: dict[str, Path], rounds: int) -> None:
    """All figures."""
    # Tor Browser's clock is blunt; for the figures it is left sharp.
    sharp: dict[str, Any] = {"privacy.resistFingerprinting": False}
    profiles: tuple[Profile, ...] = ("standard", "safer")
    load = "/".join(f"{value:.0f}" for value in os.getloadavg())
    print(f"{rounds} rounds, load {load}")
    print("| browser | JIT | file | MB | pieces | plan | read | plan and read | floor | memory |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    async with served() as url:
        for kind in (Firefox, Chromium):
            for profile in profiles:
                async with kind(profile=profile, preferences=sharp) as browser:
                    await browser.open(url)
                    for name, path in files.items():
                        told = await measure(browser, path, rounds)
                        head = (kind.__name__, "on" if profile == "standard" else "off", name)
                        size = f"{path.stat().st_size / 1e6:.1f}"
                        if "refused" in told[0]:
                            print("| " + " | ".join((*head, size, told[0]["refused"])) + " |")
                            continue
                        both = [{"both": one["plan"] + one["read"]} for one in told]
                        cells = (
                            *head,
                            size,
                            str(told[0]["pieces"]),
                            show(told, "plan"),
                            show(told, "read"),
                            show(both, "both"),
                            show(told, "floor"),
                            f"{told[0]['memory']:.0f}",
                        )
                        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_cleaning_page")
    parser.add_argument("files", metavar="FILE", type=Path, nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        files = {path.name: path for path in options.files}
        if not files:
            folder = Path(directory)
            files = {**make_pictures(folder), "gif of many pieces": make_animation(folder)}
        asyncio.run(run(files, options.rounds))


if __name__ == "__main__":
    main()
