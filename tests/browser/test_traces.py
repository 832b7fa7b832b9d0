"""What a visit leaves in the browser, what it fetches, and how much."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.browser.attaching import attach
from tests.browser.conftest import Line
from tests.browser.driver import Browser, Chromium, Firefox
from tipline.language import LANGUAGES

pytestmark = pytest.mark.browser

FIRST_VIEW_BYTES = 20 * 1024
EVERYTHING_BYTES = 200 * 1024
KEPT = """(async () => ({
  cookies: document.cookie,
  local: localStorage.length,
  session: sessionStorage.length,
  databases: (await indexedDB.databases()).length,
  caches: globalThis.caches ? (await caches.keys()).length : 0,
  workers: navigator.serviceWorker
    ? (await navigator.serviceWorker.getRegistrations()).length : 0,
  name: globalThis.name,
}))()"""


def _paths(browser: Browser) -> list[str]:
    return [f"{method} {urlsplit(url).path}" for method, url in browser.requests()]


async def _settle(browser: Browser) -> None:
    await browser.until("!document.querySelector('#form').hidden")
    await browser.until("document.readyState === 'complete'")


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_visit_with_a_tip_sent_keeps_nothing_in_the_browser(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """No cookie, no storage of any kind, no service worker, and no policy was broken."""
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url + "en/")
        await _settle(browser)
        await browser.type("#text", "words")
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=arrived]').hidden")
        kept = await browser.evaluate(KEPT)
        assert set(map(bool, kept.values())) == {False}, kept
        assert await browser.violations() == []


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_fetches_are_the_same_in_the_same_order_whatever_the_source_does(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """One source only looks, one chooses, writes and attaches: the wire shows the same."""
    line = make_line()
    seen = []
    async with line.serve():
        for is_busy in (False, True):
            async with kind() as browser:
                await browser.open(line.url + "en/")
                await _settle(browser)
                if is_busy:
                    await browser.click("#channel-schools")
                    await browser.click("#channel-works")
                    await browser.type("#text", "words")
                    await browser.click("#leave-out-newsroom")
                    await attach(browser, Path(__file__))
                seen.append(_paths(browser))
    assert seen[0] == seen[1]
    kinds = [path.rsplit("/", 1)[1].split("-")[0] for path in seen[0]]
    # The icon is the browser's own to fetch, at a moment of its own.
    expected = ["", "page", "page", "worker", "keyset", "notice"]
    assert [kind for kind in kinds if kind != "icon"] == expected


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_visit_asks_nobody_but_the_line(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """Every request goes to the page's own origin."""
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url + "pt/")
        await _settle(browser)
        assert {urlsplit(url).netloc for _method, url in browser.requests()} == {
            urlsplit(line.url).netloc
        }


async def _weigh(session: aiohttp.ClientSession, url: str) -> int:
    headers = {"Accept-Encoding": "br"}
    async with session.get(url, headers=headers) as response:
        assert response.status == 200
        return len(await response.read())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_page_weighs_little(language: str, make_line: Callable[..., Line]) -> None:
    """The first view is under 20 KiB of brotli, everything together under 200 KiB."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(f"{line.url}{language}/")
        await _settle(browser)
        urls = {url for _method, url in browser.requests()}
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            weights = {urlsplit(url).path: await _weigh(session, url) for url in urls}
    assert len(weights) == 7  # page, style, icon, script; worker, keyset, notice
    later = {path for path in weights if "worker" in path or path in ("/keyset", "/notice")}
    first_view = sum(weight for path, weight in weights.items() if path not in later)
    assert 0 < first_view < FIRST_VIEW_BYTES, weights
    assert sum(weights.values()) < EVERYTHING_BYTES, weights
    print(f"\n{language}: first view {first_view} bytes, all {sum(weights.values())} bytes")


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_page_when_a_script_is_put_in_runs_nothing(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """Inline scripts, foreign addresses, eval and other workers are stopped by the policy."""
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url + "en/")
        await _settle(browser)
        await browser.evaluate(
            """void (() => {
              globalThis.ran = [];
              const script = document.createElement("script");
              try { script.textContent = "ran.push('inline')"; } catch {}
              document.body.append(script);
              const picture = new Image();
              picture.src = "http://127.0.0.1:9/picture.png";
              try { new Worker("/static/other.js"); ran.push("worker"); } catch {}
              try { document.body.innerHTML = "<p>markup"; ran.push("markup"); } catch {}
              try {
                trustedTypes.createPolicy("other", {});
                ran.push("policy");
              } catch {}
              const style = document.createElement("style");
              style.textContent = "body { color: rgb(1, 2, 3) }";
              document.body.append(style);
            })()"""
        )
        assert await browser.evaluate("ran") == []
        assert await browser.evaluate("getComputedStyle(document.body).color") != "rgb(1, 2, 3)"
        await browser.until("refusedByPolicy.some((it) => it.startsWith('img-src'))")
