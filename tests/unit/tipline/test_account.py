"""What a line says of itself: gathered from its log."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from crypto.errors import CryptoError
from retention.log.batch import ONE_DAY
from retention.log.entry import (
    CloseStep,
    Entry,
    EntryType,
    HoldStep,
    make_statement,
)
from retention.policy import Event, RecordClass
from retention.slot_root import Method
from tests.batches import EVERYTHING, begin, go_on, hold, make_policy, state_policy
from tipline.account import (
    MAX_WEEKS,
    SHOWN_DAYS,
    Account,
    Configured,
    Gone,
    count_weeks,
    format_account,
    parse_account,
    summarize,
)
from tipline.closing import Closing
from tipline.gateway.settings import Kind
from tipline.gateway.told import ToldGateway

DAY = datetime.date(2031, 3, 14)


def test_summary_when_the_log_has_just_begun_then_no_day_is_over() -> None:
    """The first batch tells of no day."""
    summary = summarize(begin(DAY), size=2)
    assert (summary.begun_on, summary.batch_on, summary.size) == (DAY, DAY, 2)
    assert (summary.days, summary.holds, summary.closing) == ([], [], None)
    assert summary.policy == make_policy(9)


@pytest.mark.parametrize("entries", [[], begin(DAY)[:1]])
def test_summary_when_there_is_no_log_or_no_policy_then_the_caller_is_wrong(
    entries: list[Entry],
) -> None:
    """A page is not made of nothing."""
    with pytest.raises(ValueError, match="log"):
        summarize(entries, size=len(entries))


def test_summary_when_days_passed_then_each_of_the_last_stands_there_with_what_is_gone() -> None:
    """31 days, the newest first; what was not reported is missing, not made up."""
    entries = begin(DAY)
    last = DAY + 50 * ONE_DAY
    for number in range(1, 51):
        part = [RecordClass.BACKUP] if number == 50 else EVERYTHING
        entries += go_on(DAY + number * ONE_DAY, gone=part, late_days=3 if number == 49 else 0)
    summary = summarize(entries, size=len(entries))
    assert [day for day, _ in summary.days] == [
        last - number * ONE_DAY for number in range(1, SHOWN_DAYS + 1)
    ]
    assert summary.days[0][1] == {RecordClass.BACKUP: Gone(method=Method.OVERWRITTEN, late_days=0)}
    assert set(summary.days[1][1]) == set(EVERYTHING)
    assert {gone.late_days for gone in summary.days[1][1].values()} == {3}


def test_summary_when_the_policy_changed_then_the_last_one_counts() -> None:
    """What is in force is what the log named last."""
    change = state_policy(make_policy(4), on=DAY)
    summary = summarize([*begin(DAY), *go_on(DAY + ONE_DAY, change)], size=20)
    assert (summary.policy, summary.policy_on) == (make_policy(4), DAY)


def test_summary_when_holds_are_open_or_ended_lately_then_they_stand_there() -> None:
    """A hold that ended long ago is in the log, and not on the page; an open one always is."""
    until = DAY + 300 * ONE_DAY
    entries = begin(DAY)
    steps = [
        hold("aa", HoldStep.PLACED, on=DAY, until=until),
        hold("bb", HoldStep.PLACED, on=DAY, until=DAY + 5 * ONE_DAY),
        hold("cc", HoldStep.PLACED, on=DAY, until=until),
    ]
    entries += go_on(DAY + ONE_DAY, *steps)
    ended = DAY + 5 * ONE_DAY
    entries += go_on(
        ended + ONE_DAY, hold("bb", HoldStep.EXPIRED, on=ended, until=DAY + 5 * ONE_DAY)
    )
    released = DAY + 60 * ONE_DAY
    entries += go_on(released + ONE_DAY, hold("cc", HoldStep.RELEASED, on=released, until=until))
    found = {one.id[:2]: one for one in summarize(entries, size=len(entries)).holds}
    assert set(found) == {"aa", "cc"}
    assert (found["aa"].step, found["aa"].ended_on) == (HoldStep.PLACED, None)
    assert (found["cc"].step, found["cc"].ended_on) == (HoldStep.RELEASED, released)
    assert found["cc"].placed_on == DAY


def test_summary_when_the_end_was_announced_then_it_stands_there_with_what_happened() -> None:
    """The last step counts; what happened is listed with the newest first."""
    closes_on = DAY + 40 * ONE_DAY
    close = make_statement(
        EntryType.CLOSE, on=DAY, step=str(CloseStep.ANNOUNCED), closes_on=closes_on
    )
    backup = make_statement(EntryType.BACKUP, on=DAY)
    summary = summarize([*begin(DAY), *go_on(DAY + ONE_DAY, close, backup)], size=20)
    assert summary.closing == Closing(step=CloseStep.ANNOUNCED, on=closes_on)
    tip_days = summary.policy.periods[RecordClass.SEALED_TIP][Event.ARRIVED]
    assert summary.ends_on == closes_on + tip_days * ONE_DAY
    stopped = make_statement(
        EntryType.CLOSE, on=DAY + ONE_DAY, step="intake_stopped", closes_on=closes_on
    )
    entries = [*begin(DAY), *go_on(DAY + ONE_DAY, close, stopped)]
    assert summarize(entries, size=20).ends_on == closes_on + tip_days * ONE_DAY
    assert summarize(begin(DAY), size=4).ends_on is None
    assert [(one.type, one.step) for one in summary.happenings] == [
        (EntryType.BACKUP, ""),
        (EntryType.CLOSE, "announced"),
        (EntryType.POLICY, ""),
    ]


@pytest.mark.parametrize(
    ("days", "weeks"),
    [(None, 0), (-1, 0), (0, 0), (6, 0), (7, 1), (13, 1), (14, 2), (10**6, MAX_WEEKS)],
)
def test_weeks_when_counted_then_less_than_one_is_as_if_nothing_waited(
    days: int | None, weeks: int
) -> None:
    """Nothing waiting and something of this week are the same number."""
    today = datetime.date(9000, 1, 1)
    oldest = None if days is None else today - datetime.timedelta(days=days)
    assert count_weeks(oldest, today=today) == weeks


@pytest.mark.parametrize("keyset", [None, b'tipline-keyset/v1\n{"x":1}\n'])
def test_account_when_written_and_read_then_it_is_the_same(keyset: bytes | None) -> None:
    """What is written down with a batch is read back."""
    gateway = ToldGateway(kind=Kind.WEBHOOK, channel="city", language="es", notice=True, own=())
    for configured in (
        None,
        Configured(log_hour=23, has_mail=True),
        Configured(log_hour=23, has_mail=True, gateways=(gateway,)),
    ):
        account = Account(day=DAY, waiting_weeks=3, keyset=keyset, configured=configured)
        assert parse_account(format_account(account)) == account


OLDER: dict[str, Any] = {"v": 1, "day": "2031-03-14", "waiting_weeks": 0, "keyset": None}
GATEWAY: dict[str, Any] = {
    "kind": "webhook",
    "channel": "city",
    "language": "es",
    "notice": True,
    "own": [],
}
GOOD = OLDER | {"v": 2, "log_hour": 5, "has_mail": False}


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 1},
        {"v": 3},
        {"day": 1},
        {"day": "2031-3-14"},
        {"waiting_weeks": -1},
        {"waiting_weeks": True},
        {"waiting_weeks": MAX_WEEKS + 1},
        {"keyset": 7},
        {"log_hour": 24},
        {"log_hour": -1},
        {"log_hour": True},
        {"has_mail": 1},
        {"gateways": []},
        {"v": 3, "gateways": []},
        {"v": 3, "gateways": 1},
        {"v": 2, "gateways": [GATEWAY]},
        {"v": 3, "gateways": [GATEWAY | {"more": 1}]},
        {"more": 1},
    ],
)
def test_account_when_in_another_form_then_it_is_refused(changes: dict[str, Any]) -> None:
    """There is one spelling."""
    for good in (GOOD, OLDER, GOOD | {"v": 3, "gateways": [GATEWAY]}):
        assert parse_account(json.dumps(good, separators=(",", ":")).encode()).day == DAY
    with pytest.raises(CryptoError):
        parse_account(json.dumps(GOOD | changes, separators=(",", ":")).encode())
    with pytest.raises(CryptoError):
        parse_account(json.dumps(GOOD).encode())
