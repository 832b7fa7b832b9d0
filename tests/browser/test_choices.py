"""What the source chose outlives a new list of readers, or the source is asked again."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from crypto.keyset_fields import KeysetDraft
from tests.browser.conftest import Line, today
from tests.browser.driver import Chromium

pytestmark = pytest.mark.browser

DAY = datetime.timedelta(days=1)
BEGUN = today() - 3 * DAY
BOX = "document.querySelector('#leave-out-newsroom')"
CHOSEN = "document.querySelector('[name=channel]:checked')?.value ?? null"
TOMORROW = """
globalThis.Date = class extends Date {
  constructor(...given) {
    super(...(given.length > 0 ? given : [Date.now() + 86_400_000]));
  }
};
"""
FALL = "setTimeout(() => { throw new Error('out of memory'); })"

Change = Callable[[KeysetDraft], KeysetDraft]


@dataclasses.dataclass(kw_only=True)
class Visit:
    """A browser on a line's page on which a tip is written."""

    line: Line
    browser: Chromium

    async def send(self) -> None:
        """Press the button, and wait until the tip has arrived."""
        await self.browser.click("#send")
        await self.browser.until("!document.querySelector('[data-state=arrived]').hidden")

    async def send_in_vain(self) -> None:
        """Press the button, and wait until the new readers are shown."""
        await self.browser.click("#send")
        await self.browser.until("!document.querySelector('[data-state=failed]').hidden")
        await self.browser.until("!document.querySelector('#form').hidden")
        assert "The people who read have changed" in await self.browser.text("#status")

    async def in_worker(self, script: str) -> None:
        """Run a script in the page's worker."""
        sessions = [
            params["sessionId"]
            for method, params in self.browser.wire.events
            if method == "Target.attachedToTarget" and params["targetInfo"]["type"] == "worker"
        ]
        await self.browser.wire.ask("Runtime.evaluate", about=sessions[-1], expression=script)

    async def states(self, directory: Path) -> dict[str, list[str]]:
        """What each reader's key does with what the line holds."""
        bundle = await self.line.pull()
        return {
            reader: [
                tip.state
                for tip in self.line.open_tips(
                    bundle, reader=reader, vault_directory=directory / reader
                )[0]
            ]
            for reader in ("auditor", "newsroom")
        }


@asynccontextmanager
async def visit(line: Line, change: Change | None) -> AsyncIterator[Visit]:
    """Write, and leave the newsroom out; then the list is replaced."""
    first = line.sign(line.draft(valid_from=BEGUN), on=BEGUN)
    line.install(first, on=BEGUN)
    async with line.serve(), Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "not for the newsroom")
        await browser.click("#leave-out-newsroom")
        await browser.evaluate("document.querySelector('#category').value = 'safety'")
        if change is not None:
            # Two days ago, for the service: longer than it waits for an open page.
            second = change(line.draft(valid_from=BEGUN + DAY))
            line.install(line.sign(second, on=BEGUN + DAY, previous=first), on=BEGUN + DAY)
        yield Visit(line=line, browser=browser)


def unchanged(draft: KeysetDraft) -> KeysetDraft:
    return draft


def no_longer_optional(draft: KeysetDraft) -> KeysetDraft:
    works, schools = draft.channels
    readers = tuple(dataclasses.replace(reader, optional=False) for reader in works.readers)
    return dataclasses.replace(
        draft, channels=(dataclasses.replace(works, readers=readers), schools)
    )


def no_longer_there(draft: KeysetDraft) -> KeysetDraft:
    works, schools = draft.channels
    shorter = dataclasses.replace(works, readers=works.readers[:2])
    return dataclasses.replace(draft, readers=draft.readers[:2], channels=(shorter, schools))


def another_name(draft: KeysetDraft) -> KeysetDraft:
    *others, last = draft.readers
    return dataclasses.replace(draft, readers=(*others, dataclasses.replace(last, name="E. Moss")))


def no_channel(draft: KeysetDraft) -> KeysetDraft:
    works, schools = draft.channels
    return dataclasses.replace(
        draft, channels=(schools, dataclasses.replace(works, id="public-works"))
    )


async def test_left_out_reader_when_the_list_was_replaced_stays_left_out(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """Sending again after the list changed seals to nobody whom the source had left out."""
    async with visit(make_line(keyset=False), unchanged) as visited:
        await visited.send_in_vain()
        assert await visited.browser.evaluate(f"{BOX}.checked")
        assert await visited.browser.evaluate(CHOSEN) == "works"
        assert (
            await visited.browser.evaluate("document.querySelector('#category').value") == "safety"
        )
        assert await visited.browser.evaluate("document.querySelector('#unmet').innerText") == ""
        await visited.send()
        assert await visited.states(tmp_path) == {
            "auditor": ["opened"],
            "newsroom": ["not_for_you"],
        }


async def test_left_out_reader_when_the_worker_fell_stays_left_out(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """A new worker shows the readers anew, and the source's choice with them."""
    async with visit(make_line(keyset=False), None) as visited:
        await visited.browser.evaluate("document.querySelector('#readers li').id = 'old'")
        await visited.in_worker(FALL)
        await visited.browser.until("document.querySelector('#old') === null")
        assert await visited.browser.evaluate(f"{BOX}.checked")
        await visited.send()
        assert await visited.states(tmp_path) == {
            "auditor": ["opened"],
            "newsroom": ["not_for_you"],
        }


async def test_left_out_reader_when_another_channel_is_looked_at_stays_left_out(
    make_line: Callable[..., Line],
) -> None:
    """The wish is about the person; taking the tick away takes it back."""
    async with visit(make_line(keyset=False), None) as visited:
        for is_left_out in (True, False):
            await visited.browser.click("#channel-schools")
            await visited.browser.click("#channel-works")
            assert await visited.browser.evaluate(f"{BOX}.checked") == is_left_out
            if is_left_out:
                await visited.browser.click("#leave-out-newsroom")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (no_longer_optional, "J. Okafor will be able to open your tip."),
        (no_longer_there, "You left out J. Okafor, who is no longer on the list."),
        (another_name, "You left out J. Okafor, who is no longer on the list."),
        (no_channel, ""),
    ],
)
async def test_send_when_a_choice_no_longer_holds_waits_for_another_one(
    change: Change, words: str, make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """Nothing goes out before the source has been told and has chosen again."""
    async with visit(make_line(keyset=False), change) as visited:
        browser = visited.browser
        await visited.send_in_vain()
        assert await browser.evaluate(CHOSEN) is None
        assert "your choice no longer holds" in await browser.text("#channels")
        assert await browser.text("#unmet") == words or words in await browser.text("#unmet")
        assert await browser.evaluate("document.querySelector('#readers').hidden")
        before = len(browser.requests())
        await browser.click("#send")
        await browser.until("document.activeElement.name === 'channel'")
        assert len(browser.requests()) == before
        again = "public-works" if change is no_channel else "works"
        await browser.click(f"#channel-{again}")
        assert "your choice no longer holds" not in await browser.text("#channels")
        assert words in await browser.text("#unmet")
        assert "Ana Lima" in await browser.text("#readers")
        await visited.send()
        states = await visited.states(tmp_path)
    assert states["auditor"] == ["opened"]
    # Only where the source was told so, and chose all the same.
    assert states["newsroom"] == ["opened" if change is no_longer_optional else "not_for_you"]


async def test_send_when_midnight_brought_a_reader_shows_the_reader_first(
    make_line: Callable[..., Line], tmp_path: Path
) -> None:
    """After midnight a tip is sealed to those whom the source was shown, or not at all."""
    line = make_line(keyset=False)
    draft = line.draft()
    works, schools = draft.channels
    *others, newsroom = works.readers
    later = dataclasses.replace(newsroom, from_on=today() + DAY)
    works = dataclasses.replace(works, readers=(*others, later))
    line.install(line.sign(dataclasses.replace(draft, channels=(works, schools))))
    async with line.serve(), Chromium() as browser:
        visited = Visit(line=line, browser=browser)
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        assert "Okafor" not in await browser.text("#readers")
        await browser.type("#text", "not for the newsroom")
        await visited.in_worker(TOMORROW)
        await visited.send_in_vain()
        assert "Okafor" in await browser.text("#readers")
        await browser.click("#leave-out-newsroom")
        await visited.send()
        assert await visited.states(tmp_path) == {
            "auditor": ["opened"],
            "newsroom": ["not_for_you"],
        }


@pytest.mark.parametrize("day", ["12025-01-01", "3 May"])
async def test_send_when_a_day_is_none_says_so_and_sends_nothing(
    day: str, make_line: Callable[..., Line]
) -> None:
    """A day that no desk reads never leaves the page, even where a field for days is a text."""
    async with make_line().serve() as line, Chromium() as browser:
        await browser.open(line.url + "en/")
        await browser.until("!document.querySelector('#form').hidden")
        await browser.type("#text", "when it happened")
        field = "document.querySelector('#from')"
        await browser.evaluate(f"{field}.value = '12025-01-01'")
        assert await browser.evaluate(f"{field}.validity.rangeOverflow")
        await browser.evaluate(f"({field}.type = 'text', {field}.value = {json.dumps(day)})")
        before = len(browser.requests())
        await browser.click("#send")
        await browser.until("!document.querySelector('#days-fault').hidden")
        assert "a year has four digits" in await browser.text("#form")
        assert len(browser.requests()) == before
