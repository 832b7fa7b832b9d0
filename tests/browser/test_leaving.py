""" "Leave now" is in reach, wipes what was written, and works without script too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.conftest import Line
from tests.browser.driver import Browser, Chromium, Firefox

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_leave_when_script_runs_wipes_the_form_and_takes_the_page_out_of_the_history(
    kind: type[Browser], make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """One click from the end of the form: the words are gone, and "back" does not bring them."""
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"light")
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url)
        await browser.click("a[lang=en]")
        await browser.until("location.pathname === '/en/'")
        await browser.until("document.querySelector('#form')?.hidden === false")
        await browser.type("#text", "words nobody may see")
        await browser.set_files("#files", [photo])
        await browser.evaluate("scrollTo(0, document.body.scrollHeight)")
        before = await browser.evaluate("history.length")
        await browser.evaluate(
            "void addEventListener('pagehide', () =>"
            " { document.title = document.documentElement.outerHTML; })"
        )
        await browser.click("#leave")
        await browser.until("location.pathname === '/en/leave'")
        assert await browser.evaluate("history.length") == before
        assert "words nobody may see" not in await browser.evaluate(
            "document.documentElement.outerHTML"
        )
        await browser.evaluate("void history.back()")
        await browser.until("location.pathname === '/'")


async def test_leave_when_clicked_empties_the_screen_before_the_next_page_has_come(
    make_line: Callable[..., Line],
) -> None:
    """Over Tor the next page takes seconds: the words are off the screen at once."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "words nobody may see")
        left = await browser.evaluate(
            "(document.querySelector('#leave').click(),"
            " [location.pathname, document.body.childElementCount])"
        )
        assert left == ["/en/", 0]


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_leave_when_scripts_are_off_still_leaves(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """Without script the link goes to the same page."""
    async with make_line().serve() as line, kind(profile="safest") as browser:
        await browser.open(line.url + "es/")
        text = await browser.text()
        assert await browser.evaluate("document.querySelector('#form').hidden")
        assert await browser.evaluate("document.querySelector('noscript').innerText") in text
        await browser.click("#leave")
        await browser.until("location.pathname === '/es/leave'")


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_page_when_scripts_are_off_says_that_nothing_can_be_sent(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """It says so plainly, and why, and shows no form that would go nowhere."""
    async with make_line().serve() as line, kind(profile="safest") as browser:
        await browser.open(line.url + "en/")
        text = await browser.text()
        assert "Scripts are switched off: nothing can be sent from here" in text
        assert "nothing has been sent" in text
        assert "Seal and send" not in text
        assert "The form is on its way" not in text
        fetched = [url.rsplit("/", 1)[1].split("-")[0] for _method, url in browser.requests()[1:]]
        assert set(fetched) <= {"page", "icon"}  # the style sheet and the icon, and no program
        assert not any(url.endswith(".js") for _method, url in browser.requests())


@pytest.mark.parametrize("kind", [Firefox, Chromium])
async def test_leave_stays_in_view_however_far_one_scrolls(
    kind: type[Browser], make_line: Callable[..., Line]
) -> None:
    """The button is in the window at the top, in the middle and at the end of the page."""
    async with make_line().serve() as line, kind() as browser:
        await browser.open(line.url + "pt/")
        await browser.resize(360, 640)
        await browser.until("!document.querySelector('#form').hidden")
        for part in (0, 0.5, 1):
            await browser.evaluate(f"scrollTo(0, document.body.scrollHeight * {part})")
            top, bottom = await browser.evaluate(
                "(({ top, bottom }) => [top, bottom])"
                "(document.querySelector('#leave').getBoundingClientRect())"
            )
            assert top >= 0
            assert bottom <= 640
