"""Where a policy defeats what it is for."""

from __future__ import annotations

import pytest

from retention.policy import Event, Key, Policy, RecordClass
from retention.policy_warnings import AT_LEAST, AT_MOST, Warned, find_warnings

SENSIBLE = {
    RecordClass.PARTIAL_UPLOAD: {Event.BEGUN: 2},
    RecordClass.SEALED_TIP: {Event.ARRIVED: 90, Event.PICKED_UP: 7},
    RecordClass.ATTACHMENT: {Event.ARRIVED: 90, Event.PICKED_UP: 7},
    RecordClass.UPLOAD_ANSWER: {Event.ARRIVED: 2},
    RecordClass.REPLY: {Event.SENT: 60, Event.READ: 7},
    RecordClass.MAILBOX: {Event.LAST_USED: 180},
    RecordClass.RECEIPT_COPY: {Event.MADE: 90},
    RecordClass.RAW_NUMBER: {Event.RECEIVED: 14},
    RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: 2},
    RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: 90},
    RecordClass.KEYSET: {Event.EXPIRED: 30},
    RecordClass.BACKUP: {Event.MADE: 14},
    RecordClass.LOG_TEXT: {Event.LOGGED: 730},
}


def change(key: Key, days: int) -> Policy:
    periods = {name: dict(events) for name, events in SENSIBLE.items()}
    periods[key[0]][key[1]] = days
    return Policy(periods=periods)


def test_warnings_when_the_policy_is_sensible_then_there_are_none() -> None:
    """A policy within all bounds is not nagged about."""
    assert find_warnings(Policy(periods=SENSIBLE)) == ()


@pytest.mark.parametrize(("key", "limit_days", "code"), AT_LEAST, ids=str)
def test_warnings_when_a_period_is_a_day_too_short_then_it_is_named(
    key: Key, limit_days: int, code: str
) -> None:
    """Each lower bound warns one day below it, and not on it."""
    named = Warned(code=code, key=f"{key[0]}.{key[1]}", days=limit_days - 1, limit_days=limit_days)
    assert named in find_warnings(change(key, limit_days - 1))
    assert code not in {warned.code for warned in find_warnings(change(key, limit_days))}


@pytest.mark.parametrize(("key", "limit_days", "code"), AT_MOST, ids=str)
def test_warnings_when_a_period_is_a_day_too_long_then_it_is_named(
    key: Key, limit_days: int, code: str
) -> None:
    """Each upper bound warns one day above it, and not on it."""
    named = Warned(code=code, key=f"{key[0]}.{key[1]}", days=limit_days + 1, limit_days=limit_days)
    assert named in find_warnings(change(key, limit_days + 1))
    assert code not in {warned.code for warned in find_warnings(change(key, limit_days))}


def test_warnings_when_a_receipt_outlives_the_tip_then_it_is_named_in_the_order_of_classes() -> (
    None
):
    """A copy of a receipt that is there longer than the tip says that there was one."""
    periods = {name: dict(events) for name, events in SENSIBLE.items()}
    periods[RecordClass.RECEIPT_COPY][Event.MADE] = 91
    periods[RecordClass.PARTIAL_UPLOAD][Event.BEGUN] = 1
    first, second = find_warnings(Policy(periods=periods))
    assert (first.code, second.code) == ("partial_short", "receipt_outlives")
    assert (second.key, second.days, second.limit_days) == ("receipt_copy.made", 91, 90)
