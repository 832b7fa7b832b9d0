"""WCAG 2.2 AA by axe-core, at 320 pixels and wider, in each language, with and without script."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.attaching import attach
from tests.browser.conftest import ROOT_DIRECTORY, Line, today
from tests.browser.driver import Browser, Chromium, Firefox
from tests.browser.lying import serve_lies
from tipline.configuration import load_configuration
from tipline.demonstration.photo import label_photo, make_photo
from tipline.language import LANGUAGES
from tipline.service.pages import load_pages

pytestmark = pytest.mark.browser

AXE = ROOT_DIRECTORY / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WIDTHS = (320, 1000)
TOUCH_PIXELS = 44


async def find_faults(browser: Browser) -> list[str]:
    """Run axe-core in the page; the browser's own door for tests is not bound by the page's CSP."""
    await browser.evaluate(f"void (0, eval)({json.dumps(AXE.read_text())})")
    found: dict[str, Any] = await browser.evaluate(
        f"axe.run(document, {{ runOnly: {json.dumps(RULES)} }})"
        ".then(({ violations, passes }) => ({ violations, passes: passes.length }))"
    )
    assert found["passes"] > 10
    return [
        f"{fault['id']}: {node['html'][:200]}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


async def assert_fits(browser: Browser) -> None:
    """Nothing sticks out sideways."""
    overflow = await browser.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, await browser.evaluate(
        "[...document.querySelectorAll('body *')].filter((element) =>"
        " element.getBoundingClientRect().right > innerWidth)"
        ".map((element) => element.outerHTML.slice(0, 100))"
    )


async def fill(browser: Browser, url: str, files: list[Path]) -> None:
    await browser.open(url)
    await browser.until("!document.querySelector('#form').hidden")
    await attach(browser, *files)
    await browser.evaluate("void (document.querySelector('details').open = true)")


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """One that tells much, a clean one, and one that cannot be cleaned, with long names."""
    contents = {
        "a-very-long-name-without-any-space" * 4 + ".jpeg": label_photo(make_photo(width_pixels=8)),
        "clean.jpg": make_photo(width_pixels=8),
        "a long name with spaces " * 6 + ".docm": b"\0light",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in contents]


@pytest.mark.parametrize("kind", [Firefox, Chromium])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_form_in_each_language_and_width_has_no_fault_and_fits(
    kind: type[Browser], language: str, make_line: Callable[..., Line], files: list[Path]
) -> None:
    """The whole form, with files of each kind, passes axe and never scrolls sideways."""
    async with make_line().serve(demonstration=True) as line, kind() as browser:
        for width in WIDTHS:
            await browser.open(line.url)
            await browser.resize(width, 700)
            await fill(browser, f"{line.url}{language}/", files)
            assert await find_faults(browser) == []
            await assert_fits(browser)
        await browser.click("#send")
        await browser.until("document.activeElement.id === 'text'")
        assert await find_faults(browser) == []
        await browser.type("#text", "words")
        await browser.click("#send")
        await browser.until("document.activeElement.dataset.part === 'consent'")
        assert await find_faults(browser) == []
        await assert_fits(browser)


async def test_every_other_screen_has_no_fault_and_fits(
    make_line: Callable[..., Line],
) -> None:
    """The language choice, the page left, the tip arrived."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.resize(320, 640)
        for path in ("", "en/leave", "es/leave", "pt/leave"):
            await browser.open(line.url + path)
            assert await find_faults(browser) == []
            await assert_fits(browser)
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "words")
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=arrived]').hidden")
        assert await find_faults(browser) == []
        await assert_fits(browser)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_page_without_script_has_no_fault_and_fits(
    language: str, make_line: Callable[..., Line]
) -> None:
    """The page as it stands where scripts are off; they are let in afterwards, for axe alone."""
    async with make_line().serve() as line, Chromium(profile="safest") as browser:
        await browser.resize(320, 640)
        await browser.open(f"{line.url}{language}/")
        await browser.ask("Emulation.setScriptExecutionDisabled", value=False)
        assert await browser.evaluate("document.querySelector('#form').hidden")
        assert await find_faults(browser) == []
        await assert_fits(browser)


async def test_closed_page_has_no_fault_and_fits(make_line: Callable[..., Line]) -> None:
    """The page that takes no tips."""
    line = make_line(keyset=False, keyset_minimum=2)
    pages = load_pages(configuration=load_configuration(line.directory))
    keyset = line.sign(line.draft(valid_from=today()))
    async with serve_lies(pages, keyset=keyset) as (url, _asked), Chromium() as browser:
        await browser.resize(320, 640)
        await browser.open(url + "pt/")
        await browser.until("!document.querySelector('#closed').hidden")
        assert await find_faults(browser) == []
        await assert_fits(browser)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_form_in_light_and_dark_has_enough_contrast(
    scheme: str, make_line: Callable[..., Line], files: list[Path]
) -> None:
    """Contrast holds in both colour schemes."""
    async with make_line().serve(demonstration=True) as line, Chromium() as browser:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.ask("Emulation.setEmulatedMedia", features=features)
        await fill(browser, line.url + "en/", files)
        assert await browser.evaluate(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        assert await find_faults(browser) == []


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_form_from_right_to_left_does_not_break(
    kind: type[Browser], make_line: Callable[..., Line], files: list[Path]
) -> None:
    """Turned round, the page still fits, and what stood at the end stands at the other end."""
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url)
        await browser.resize(320, 640)
        await fill(browser, line.url + "en/", files)
        middle = (
            "(({ left, right }) => (left + right) / 2)"
            "(document.querySelector('#leave').getBoundingClientRect())"
        )
        assert await browser.evaluate(middle) > 160
        await browser.evaluate("void (document.documentElement.dir = 'rtl')")
        assert await browser.evaluate(middle) < 160
        assert await browser.evaluate("document.querySelector('main').scrollWidth") <= 320
        assert await browser.evaluate(
            "[...document.querySelectorAll('main *')].every((element) =>"
            " { const { left, right } = element.getBoundingClientRect();"
            " return left >= 0 && right <= 320; })"
        )
        assert await find_faults(browser) == []


async def test_everything_that_is_touched_is_large_enough(
    make_line: Callable[..., Line], files: list[Path]
) -> None:
    """Buttons, links and fields are 44 pixels high; a small box has a row of that height."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.resize(320, 640)
        await fill(browser, line.url + "en/", files)
        small = await browser.evaluate(
            "[...document.querySelectorAll('a, button, input, select, textarea')]"
            ".filter((it) => it.checkVisibility() && !it.classList.contains('skip'))"
            ".filter((it) => (it.closest('.check') ?? it).getBoundingClientRect().height"
            f" < {TOUCH_PIXELS} - 0.5)"
            ".map((it) => it.outerHTML)"
        )
        assert small == []
