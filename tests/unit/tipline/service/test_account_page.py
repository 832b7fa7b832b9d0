"""The page `/accountability` as bytes."""

from __future__ import annotations

import dataclasses
import datetime
import html
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.note import Signer
from retention.log.batch import ONE_DAY
from retention.log.entry import CloseStep, EntryType, HoldStep, make_statement
from retention.policy import EVENTS, Event, RecordClass
from retention.slot_root import Method
from tests.batches import begin, go_on, hold
from tipline.account import HAPPENINGS, Account, Configured, Gone, Summary, summarize
from tipline.closing import Closing
from tipline.configuration import Configuration, parse_configuration
from tipline.example import format_configuration
from tipline.gateway.companies import Seen
from tipline.gateway.notices import make_notice
from tipline.gateway.settings import Kind
from tipline.gateway.told import ToldGateway
from tipline.language import LANGUAGES
from tipline.service.account_page import ACCOUNT_STEP_BYTES, Told, render_account
from tipline.service.account_words import (
    CLASS_NAMES,
    CLOSING_WORDS,
    EVENT_WORDS,
    HAPPENING_WORDS,
    MEDIUM_NAMES,
    METHOD_WORDS,
    SEEN_WORDS,
)
from tipline.service.pages import Page, PageRenderer

ROOT_DIRECTORY = Path(__file__).parents[4]
DAY = datetime.date(2031, 3, 14)


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    """A line with a name that would be markup if it were let."""
    texts = {
        f"line.{part}.{language}": f"{part} <{language}>"
        for part in ("name", "emergency")
        for language in LANGUAGES
    }
    root = Signer.generate("tipline-root").verifier().format()
    return parse_configuration(format_configuration({"root": root, **texts}, translate=str))


@pytest.fixture(scope="module")
def renderer(configuration: Configuration) -> PageRenderer:
    """From today's sources."""
    subprocess.run(["node", ROOT_DIRECTORY / "tipline/page/build.mjs"], check=True)
    return PageRenderer(configuration=configuration)


def tell(summary: Summary, *, weeks: int = 0) -> Told:
    configured = Configured(log_hour=5, has_mail=False)
    account = Account(day=summary.batch_on, waiting_weeks=weeks, keyset=None, configured=configured)
    return Told(
        account=account,
        configured=configured,
        keyset=None,
        summary=summary,
        log_key="log-key",
        service_key="service-key",
    )


@pytest.fixture(scope="module")
def summary() -> Summary:
    """Ten days of a log, on which all went as it should."""
    entries = begin(DAY)
    for number in range(1, 11):
        entries += go_on(DAY + number * ONE_DAY)
    return summarize(entries, size=len(entries))


def read(page: Page) -> str:
    """Read a page as text."""
    text = re.sub(r"<[^>]+>", " ", page.bodies["identity"].decode())
    return " ".join(text.split())


def test_words_when_listed_then_everything_that_can_stand_in_a_log_has_some() -> None:
    """No class, event, method, step or happening is without words."""
    assert set(CLASS_NAMES) == set(RecordClass)
    assert set(EVENT_WORDS) == {event for events in EVENTS.values() for event in events}
    assert set(EVENT_WORDS) == set(Event)
    assert set(METHOD_WORDS) == set(Method) - {Method.NONE_KEPT}  # says nothing on the page
    assert set(CLOSING_WORDS) == set(CloseStep)
    assert {entry_type for entry_type, _ in HAPPENING_WORDS} == HAPPENINGS
    steps = {step for entry_type, step in HAPPENING_WORDS if entry_type is EntryType.CLOSE}
    assert steps == set(CloseStep)
    assert set(MEDIUM_NAMES) == set(Medium)
    assert set(SEEN_WORDS) == set(Seen)


def test_page_when_everything_went_on_its_day_then_each_day_is_one_line(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """A day on which all is well takes one line; nothing is marked."""
    pages = render_account(tell(summary), configuration=configuration, renderer=renderer)
    assert set(pages) == set(LANGUAGES)
    text = read(pages["en"])
    assert text.count("all that was due on its day: overwritten") == 10
    assert "not reported as gone" not in text
    assert "No tip has waited for a full week." in text
    assert "name <en>" not in pages["en"].bodies["identity"].decode()
    assert "name &lt;en&gt;" in pages["en"].bodies["identity"].decode()


def test_page_when_something_was_late_or_not_reported_then_it_is_named(
    configuration: Configuration, renderer: PageRenderer
) -> None:
    """Lateness and silence stand beside the day they belong to."""
    entries = begin(DAY) + go_on(DAY + ONE_DAY, gone=[RecordClass.SEALED_TIP], late_days=1)
    pages = render_account(
        tell(summarize(entries, size=len(entries))), configuration=configuration, renderer=renderer
    )
    assert "2031-03-14 all else that was due 1 day late: overwritten" in read(pages["en"]) or (
        "2031-03-14 a tip of text 1 day late: overwritten" in read(pages["en"])
    )
    assert "the key of the day not reported as gone" in read(pages["en"])


def test_page_when_a_class_has_no_records_then_nothing_is_said_to_be_gone(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """All that there is can be gone on its day; what there is not cannot, and lacks nothing."""
    day, gone = summary.days[0]
    none = Gone(method=Method.NONE_KEPT, late_days=0)
    changed = {**gone, RecordClass.MAILBOX: none, RecordClass.BACKUP: none}
    told = tell(dataclasses.replace(summary, days=[(day, changed)]))
    text = read(render_account(told, configuration=configuration, renderer=renderer)["en"])
    assert "all that was due on its day: overwritten" in text
    assert "not reported as gone" not in text


def test_page_when_the_methods_differ_then_both_are_said(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """What was destroyed in a TPM is not called overwritten alone."""
    day, gone = summary.days[0]
    changed = {**gone, None: Gone(method=Method.DESTROYED, late_days=0)}
    told = tell(dataclasses.replace(summary, days=[(day, changed)]))
    text = read(render_account(told, configuration=configuration, renderer=renderer)["en"])
    assert "all else that was due on its day: overwritten" in text
    assert "the key of the day on its day: overwritten, and sealed under a key" in text


@pytest.mark.parametrize("step", CloseStep)
def test_page_when_the_line_ends_then_it_says_so_first(
    step: CloseStep, configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """Every step of the end has its words, with the day, in each language."""
    closing = Closing(step=step, on=datetime.date(2031, 12, 24))
    told = tell(dataclasses.replace(summary, closing=closing))
    for page in render_account(told, configuration=configuration, renderer=renderer).values():
        body = page.bodies["identity"].decode()
        assert 'id="closing-heading"' in body
        assert ("2031-12-24" in body) or step is CloseStep.HANDED_OVER


def test_page_when_an_end_is_to_come_then_the_day_of_the_last_entry_stands_there(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """Announced or begun, everybody knows the day; ended or called off, there is none."""
    for step in CloseStep:
        closing = Closing(step=step, on=datetime.date(2031, 12, 24))
        told = tell(
            dataclasses.replace(summary, closing=closing, ends_on=datetime.date(2032, 3, 23))
        )
        for page in render_account(told, configuration=configuration, renderer=renderer).values():
            is_to_come = step in (CloseStep.ANNOUNCED, CloseStep.INTAKE_STOPPED)
            assert (b"2032-03-23" in page.bodies["identity"]) is is_to_come


def test_page_when_the_line_is_shut_then_no_key_and_no_tip_is_said_to_be_there(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """What was destroyed is told as gone, and that backups still have the keys."""
    closing = Closing(step=CloseStep.CLOSED, on=datetime.date(2031, 12, 24))
    told = tell(dataclasses.replace(summary, closing=closing))
    shown = [
        read(render_account(one, configuration=configuration, renderer=renderer)["en"])
        for one in (told, dataclasses.replace(told, is_shut=True))
    ]
    there = (
        "The key that signs what the desk fetches.",
        "The keys under which it stores sealed tips.",
        "What is kept, and for how long",
        "Sealed tips are kept.",
        "They find tips that they cannot open.",
        "How long the oldest tip has waited",
    )
    gone = ("What was kept, and for how long", "Every backup still has these keys")
    assert [[words in page for words in (*there, *gone)] for page in shown] == [
        [*len(there) * [True], *len(gone) * [False]],
        [*len(there) * [False], *len(gone) * [True]],
    ]


def test_page_when_holds_are_there_then_ids_and_days_stand_there_and_no_names(
    configuration: Configuration, renderer: PageRenderer
) -> None:
    """Open, released, expired, and one that is past its day and not reported as ended."""
    late = DAY + ONE_DAY
    steps = [
        hold("aa", HoldStep.PLACED, on=DAY, until=DAY + 9 * ONE_DAY),
        hold("bb", HoldStep.PLACED, on=DAY, until=late),
        hold("cc", HoldStep.RELEASED, on=DAY, until=DAY + 9 * ONE_DAY),
        hold("dd", HoldStep.EXPIRED, on=DAY, until=late),
    ]
    entries = begin(DAY) + go_on(DAY + ONE_DAY, *steps) + go_on(DAY + 2 * ONE_DAY)
    pages = render_account(
        tell(summarize(entries, size=len(entries))), configuration=configuration, renderer=renderer
    )
    text = read(pages["en"])
    assert f"{'aa' * 16} In force since 2031-03-14. It ends on 2031-03-23." in text
    assert text.count("Its end is not reported.") == 1
    assert "Released on 2031-03-14." in text
    assert "Ended on 2031-03-14." in text


def test_page_when_rendered_for_any_account_then_its_length_is_a_multiple(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """Neither weeks nor words show in the length; the same account is the same bytes."""
    seen: set[tuple[int, ...]] = set()
    for weeks in (0, 1, 2, 9999):
        told = tell(summary, weeks=weeks)
        pages = render_account(told, configuration=configuration, renderer=renderer)
        again = render_account(told, configuration=configuration, renderer=renderer)
        bodies: Mapping[str, Any] = {name: page.bodies for name, page in pages.items()}
        assert bodies == {name: page.bodies for name, page in again.items()}
        assert {frozenset(page.bodies) for page in pages.values()} == {frozenset({"identity"})}
        seen.add(tuple(len(page.bodies["identity"]) for page in pages.values()))
    assert seen == {(ACCOUNT_STEP_BYTES,) * len(LANGUAGES)}
    assert pages["en"].choose("gzip, br") == "identity"


def test_page_when_it_is_a_demonstration_then_it_says_so(
    configuration: Configuration, summary: Summary
) -> None:
    """P-22: no screen of a demonstration could be taken for a real line's."""
    shown = PageRenderer(configuration=configuration, demonstration=True)
    for page in render_account(tell(summary), configuration=configuration, renderer=shown).values():
        assert b'class="demonstration"' in page.bodies["identity"]


def test_page_when_something_else_happened_then_its_words_stand_there(
    configuration: Configuration, renderer: PageRenderer
) -> None:
    """A restore and a jump of the clock are told."""
    events = [
        make_statement(EntryType.RESTORE, on=DAY, from_day=DAY - ONE_DAY),
        make_statement(EntryType.CLOCK, on=DAY, step="held", until=DAY + 9 * ONE_DAY),
    ]
    entries = begin(DAY) + go_on(DAY + ONE_DAY, *events)
    pages = render_account(
        tell(summarize(entries, size=len(entries))), configuration=configuration, renderer=renderer
    )
    text = read(pages["en"])
    assert "2031-03-14: The line was set up again from a backup." in text
    assert "2031-03-14: The clock jumped ahead. It waits for a person." in text


def test_page_when_the_line_has_phones_then_each_way_tells_who_sees_what(
    configuration: Configuration, renderer: PageRenderer, summary: Summary
) -> None:
    """Every gateway shows its notice, its companies, and a gap where one was not named."""
    told = tell(summary)
    kinds = ((Kind.GAMMU, True), (Kind.WHATSAPP, False), (Kind.OPERATOR, False))
    gateways = tuple(
        ToldGateway(kind=kind, channel="city", language="es", notice=notice, own=())
        for kind, notice in kinds
    )
    configured = dataclasses.replace(told.configured, gateways=gateways)
    told = dataclasses.replace(told, configured=configured)
    pages = render_account(told, configuration=configuration, renderer=renderer)
    for language in LANGUAGES:
        page = html.unescape(read(pages[language]))
        for medium in (Medium.SMS, Medium.WHATSAPP, Medium.VOICE, Medium.WALK_IN):
            assert make_notice(medium, language=language, onion=None) in page
        assert "Meta (WhatsApp)" in page
    text = html.unescape(read(pages["en"]))
    assert "There is no way by telephone." not in text
    assert text.count("Whoever writes gets this answer, once a day at most.") == 1
    assert text.count("This answer is not sent here") == 1
    assert text.count("Somebody reads this out before you tell") == 1
    assert text.count("The operator did not name it.") == 1
    assert "The number it can read until its day." in text
    # Of those that write, and of none who speaks.
    assert text.count("STOP, alone in a message, ends it") == 2
    assert text.count("STATUS, alone in a message, asks") == 2
    assert "It had those of telephones in clear for a moment." in text
    assert "reads what comes by telephone, and what is answered" in text
    assert "the key that gives them other names" in text

    without = render_account(tell(summary), configuration=configuration, renderer=renderer)
    assert "There is no way by telephone." in read(without["en"])
    assert "the number" not in read(without["en"])
