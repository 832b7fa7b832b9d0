"""The page takes no tip on a keyset that does not hold, and says why."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest

from crypto.note import Signer
from tests.browser.conftest import Line, today
from tests.browser.driver import Chromium, Firefox
from tests.browser.lying import serve_lies
from tipline.configuration import load_configuration
from tipline.service.pages import load_pages

pytestmark = pytest.mark.browser

DAY = datetime.timedelta(days=1)


def good(line: Line) -> bytes | None:
    return line.sign(line.draft())


def expired(line: Line) -> bytes | None:
    begun = today() - 31 * DAY
    return line.sign(line.draft(valid_from=begun), on=begun)


def early(line: Line) -> bytes | None:
    return line.sign(line.draft(valid_from=today() + DAY))


def of_another_root(line: Line) -> bytes | None:
    return line.sign(line.draft(), signer=Signer.generate("tipline-root"))


def changed(line: Line) -> bytes | None:
    return line.sign(line.draft()).replace(b"Ana Lima", b"Eve Lima")


def without_signature(line: Line) -> bytes | None:
    return line.sign(line.draft()).rpartition("\N{EM DASH}".encode())[0]


def no_answer(line: Line) -> bytes | None:
    return None


CASES = {
    "expired": (expired, "Nobody is reading. The list of the people who read ran out on"),
    "early": (early, "The list of the people who read begins on"),
    "another root": (of_another_root, "is not signed as it should be"),
    "changed": (changed, "is not signed as it should be"),
    "unsigned": (without_signature, "is not signed as it should be"),
    "no answer": (no_answer, "did not arrive"),
}


@pytest.mark.parametrize("case", CASES)
async def test_page_when_keyset_does_not_hold_takes_no_tip_and_says_why(
    case: str, make_line: Callable[..., Line]
) -> None:
    """No form is shown, the reason is, and nothing is asked for but the keyset and the notice."""
    make, words = CASES[case]
    line = make_line(keyset=False)
    pages = load_pages(configuration=load_configuration(line.directory))
    async with serve_lies(pages, keyset=make(line)) as (url, asked), Chromium() as browser:
        await browser.open(url + "en/")
        await browser.until("!document.querySelector('#closed').hidden")
        text = await browser.text()
        assert words in text
        assert "This page takes no tips now" in text
        assert "Nothing has been sent." in text
        assert await browser.evaluate("document.querySelector('#form').hidden")
        assert set(asked) == {"GET /keyset", "GET /notice"}


async def test_page_when_keyset_is_older_than_the_lowest_takes_no_tip_and_says_why(
    make_line: Callable[..., Line],
) -> None:
    """A keyset below the number that the page pins is refused, however well it is signed."""
    line = make_line(keyset=False, keyset_minimum=2)
    pages = load_pages(configuration=load_configuration(line.directory))
    async with serve_lies(pages, keyset=good(line)) as (url, _asked), Firefox() as browser:
        await browser.open(url + "en/")
        await browser.until("!document.querySelector('#closed').hidden")
        assert "is an old one" in await browser.text()


async def test_page_when_keyset_holds_shows_who_reads_before_anything_is_written(
    make_line: Callable[..., Line],
) -> None:
    """The same lying server with a good keyset opens the form: the refusals are not its doing."""
    line = make_line(keyset=False)
    pages = load_pages(configuration=load_configuration(line.directory))
    async with serve_lies(pages, keyset=good(line)) as (url, _asked), Chromium() as browser:
        await browser.open(url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        readers = await browser.text("#readers")
        for words in (
            "Ana Lima",
            "Inspectorate, unit 2",
            "Reads since 3 May 2024",
            "J. Okafor",
            "Readers last confirmed on",
            str(today().year),
        ):
            assert words in readers


async def test_page_when_the_service_has_no_keyset_says_that_nobody_reads(
    make_line: Callable[..., Line],
) -> None:
    """A line without a keyset takes no tips, and its page says so."""
    async with make_line(keyset=False).serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#closed').hidden")
        assert "Nobody is reading." in await browser.text()


async def test_send_when_keyset_was_replaced_meanwhile_shows_the_new_readers_first(
    make_line: Callable[..., Line],
) -> None:
    """A tip is never sealed to readers whom the source has not seen."""
    line = make_line(keyset=False)
    begun = today() - 3 * DAY
    first = line.sign(line.draft(valid_from=begun), on=begun)
    line.install(first, on=begun)
    async with line.serve(), Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "what I wrote")
        # Replaced two days ago, for the service: longer than it waits for an open page.
        second = line.sign(line.draft(valid_from=begun + DAY), on=begun + DAY, previous=first)
        line.install(second, on=begun + DAY)
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=failed]').hidden")
        assert "Your tip has NOT arrived" in await browser.text("#status")
        assert "The people who read have changed" in await browser.text("#status")
        await browser.until("!document.querySelector('#form').hidden")
        assert await browser.evaluate("document.querySelector('#text').value") == "what I wrote"
        await browser.click("#send")
        await browser.until("!document.querySelector('[data-state=arrived]').hidden")
