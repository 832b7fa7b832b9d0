"""What a source sees of a line that ends, and of the account of what is kept."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from retention.log.entry import CloseStep
from tests.browser.conftest import Line, today
from tests.browser.driver import Browser, Chromium, Firefox
from tests.browser.test_access import assert_fits, find_faults
from tipline.closing import Closing, save_closing
from tipline.language import LANGUAGES

pytestmark = pytest.mark.browser

NOTICE = "document.querySelector('#notice')"


def end(line: Line, step: CloseStep) -> datetime.date:
    """Say how far the end of a line has come; one that is announced lies ahead."""
    on = today() + datetime.timedelta(days=7 if step is CloseStep.ANNOUNCED else 0)
    save_closing(line.directory, Closing(step=step, on=on), day=today())
    return on


@pytest.mark.parametrize("kind", [Firefox, Chromium])
@pytest.mark.parametrize("step", [CloseStep.ANNOUNCED, CloseStep.HANDED_OVER])
async def test_page_when_an_end_is_announced_then_it_says_so_above_the_form(
    kind: type[Browser], step: CloseStep, make_line: Callable[..., Line]
) -> None:
    """The source reads the day before writing, and can still write."""
    line = make_line()
    on = end(line, step)
    async with line.serve(), kind() as browser:
        await browser.resize(320, 640)
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        assert not await browser.evaluate(f"{NOTICE}.hidden")
        words = await browser.evaluate(f"{NOTICE}.innerText")
        assert str(on.year) in words
        assert ("closes on" in words) is (step is CloseStep.ANNOUNCED)
        assert await find_faults(browser) == []
        await assert_fits(browser)


@pytest.mark.parametrize(
    "step", [CloseStep.INTAKE_STOPPED, CloseStep.KEYS_DESTROYED, CloseStep.CLOSED]
)
async def test_page_when_the_line_has_ended_then_there_is_no_form(
    step: CloseStep, make_line: Callable[..., Line]
) -> None:
    """A line that takes nothing shows no form, and says why."""
    line = make_line()
    end(line, step)
    async with line.serve(), Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#closed').hidden")
        assert await browser.evaluate("document.querySelector('#form').hidden")
        words = await browser.evaluate("document.querySelector('#closed').innerText")
        assert "This line is closed" in words


async def test_page_when_nothing_is_announced_then_no_notice_is_shown(
    make_line: Callable[..., Line],
) -> None:
    """A line that goes on speaks of no end."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        assert await browser.evaluate(f"{NOTICE}.hidden")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("profile", ["standard", "safest"])
async def test_account_in_each_language_with_and_without_script_has_no_fault_and_fits(
    profile: str, language: str, make_line: Callable[..., Line]
) -> None:
    """The account passes axe on a phone, breaks no policy and needs no script."""
    async with make_line().serve(demonstration=True) as line, Chromium(profile=profile) as browser:
        await browser.resize(320, 640)
        await browser.open(f"{line.url}{language}/accountability")
        if profile == "safest":
            await browser.ask("Emulation.setScriptExecutionDisabled", value=False)
        assert await browser.evaluate("document.documentElement.lang") == language
        assert await browser.evaluate("document.querySelectorAll('table').length") >= 2
        assert await find_faults(browser) == []
        await assert_fits(browser)


@pytest.mark.parametrize("path", ["", "en/", "es/", "pt/"])
async def test_account_when_a_source_looks_for_it_then_the_page_links_to_it(
    path: str, make_line: Callable[..., Line]
) -> None:
    """Every first page has a link to it that leads there."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + path)
        links = await browser.evaluate(
            "[...document.querySelectorAll('footer a')].map((it) => it.getAttribute('href'))"
        )
        wanted = f"/{path or 'en/'}accountability"
        assert wanted in links
        await browser.open(line.url + wanted.removeprefix("/"))
        assert await browser.evaluate("document.querySelector('.account') !== null")
