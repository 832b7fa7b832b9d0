"""The connection is lost: the page goes on where it stopped, and never guesses the outcome."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.attaching import attach
from tests.browser.conftest import Line
from tests.browser.cutting import BadLine
from tests.browser.driver import Browser, Chromium, Firefox

pytestmark = pytest.mark.browser

SLICE_BYTES = 1024 * 1024
# Every state that was shown, in order: written down by the page's own changes.
WATCH_STATES = """void new MutationObserver(() => {
  const shown = document.querySelector('#status').dataset.shown;
  globalThis.states ??= [];
  if (states.at(-1) !== shown) states.push(shown);
}).observe(document.querySelector('#status'), { attributes: true })"""


async def _write(browser: Browser, url: str, files: list[Path]) -> None:
    await browser.open(url + "en/")
    await browser.until("!document.querySelector('#form').hidden")
    await browser.evaluate(WATCH_STATES)
    await browser.type("#text", "across a bad line")
    if files:
        await attach(browser, *files, consent=True)
    await browser.click("#send")


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_upload_when_the_connection_is_lost_in_a_slice_goes_on_and_arrives_once(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A slice that was cut is sent again from where the service stands, not from the start."""
    video = tmp_path / "video.mp4"
    video.write_bytes(os.urandom(3 * SLICE_BYTES))
    # Browsers repeat a request by themselves once: only the third cut is left to the page.
    left = {SLICE_BYTES: 3, 2 * SLICE_BYTES: 3}

    def cut(sent: bytes) -> bool:
        for offset, count in left.items():
            start = sent.lower().rfind(b"upload-offset: %d\r\n" % offset)
            if count > 0 and start >= 0 and len(sent) - start > SLICE_BYTES // 2:
                left[offset] -= 1
                return True
        return False

    async with (
        make_line().serve() as line,
        BadLine(cut_request=cut).to(line.url) as bad,
        kind() as browser,
    ):
        await _write(browser, bad.url, [video])
        await browser.until("!document.querySelector('[data-state=arrived]').hidden", seconds=60)
        assert bad.cuts == 6
        states = await browser.evaluate("states")
        bundle = await line.pull()
    assert "waiting" in states
    assert states[-1] == "arrived"
    assert "failed" not in states
    outcomes, vault = line.open_tips(bundle, reader="auditor", vault_directory=tmp_path / "v")
    assert [tip.state for tip in outcomes] == ["opened"]
    place = vault.place_of(outcomes[0].id)
    assert place is not None
    assert (place / "files/01.mp4").read_bytes() == video.read_bytes()


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_upload_when_the_last_answer_is_lost_says_unknown_until_it_knows(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """The tip is stored, its answer lost: the page says "not known yet", asks, and learns it."""
    left = 3

    def cut(sent: bytes) -> bool:
        nonlocal left
        is_upload = b"\r\nupload-offset: 0\r\n" in sent.lower() or b"GET /uploads/" in sent
        if is_upload and left > 0:
            left -= 1
            return True
        return False

    async with (
        make_line().serve() as line,
        BadLine(cut_answer=cut).to(line.url) as bad,
        kind() as browser,
    ):
        await _write(browser, bad.url, [])
        await browser.until("!document.querySelector('[data-state=unknown]').hidden")
        text = await browser.text("#status")
        assert "It is not known yet whether your tip has arrived" in text
        assert "Do not close" in text
        assert "Your tip has arrived" not in text
        await browser.until("!document.querySelector('[data-state=arrived]').hidden", seconds=60)
        states = await browser.evaluate("states")
        bundle = await line.pull()
    assert states[-2:] == ["unknown", "arrived"]
    outcomes, _vault = line.open_tips(bundle, reader="auditor", vault_directory=tmp_path / "v")
    assert [tip.state for tip in outcomes] == ["opened"]


async def test_upload_when_the_service_restarts_goes_on_and_arrives_once(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A service that stops and starts again between two slices costs nothing but time."""
    video = tmp_path / "video.mp4"
    video.write_bytes(os.urandom(2 * SLICE_BYTES))
    made = make_line()
    stopped = False

    def cut(sent: bytes) -> bool:
        nonlocal stopped
        stopped = stopped or b"upload-offset: 1048576\r\n" in sent.lower()
        return stopped

    async with Chromium() as browser:
        bad = BadLine(cut_request=cut)
        async with made.serve() as line, bad.to(line.url) as way:
            await _write(browser, way.url, [video])
            await browser.until("!document.querySelector('[data-state=waiting]').hidden")
            port = int(way.url.rsplit(":", 1)[1].rstrip("/"))
        async with made.serve(loopback_port=port) as line:
            await browser.until(
                "!document.querySelector('[data-state=arrived]').hidden", seconds=60
            )
            bundle = await line.pull()
    outcomes, vault = made.open_tips(bundle, reader="auditor", vault_directory=tmp_path / "v")
    assert [tip.state for tip in outcomes] == ["opened"]
    place = vault.place_of(outcomes[0].id)
    assert place is not None
    assert (place / "files/01.mp4").read_bytes() == video.read_bytes()
