"""What was promised to a record."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Adopted, Promises

DAY = datetime.date(2031, 3, 14)


def make_policy(arrived: int, picked_up: int) -> Policy:
    periods = {name: dict.fromkeys(events, 90) for name, events in EVENTS.items()}
    periods[RecordClass.SEALED_TIP] = {Event.ARRIVED: arrived, Event.PICKED_UP: picked_up}
    return Policy(periods=periods)


def day(days: int) -> datetime.date:
    return DAY + datetime.timedelta(days=days)


def adopt(*policies: tuple[int, int, int]) -> Promises:
    return Promises(
        adopted=tuple(
            Adopted(on=day(on), policy=make_policy(arrived, picked_up))
            for on, arrived, picked_up in policies
        )
    )


@pytest.mark.parametrize(
    ("arrived_on", "picked_up_on", "dies_on"),
    [
        (5, None, 25),  # under the first alone, but the second is shorter
        (9, 11, 18),  # a pick-up under a longer policy is promised the shorter
        (10, None, 30),  # on the day of the change both count
        (11, None, 31),  # the third is longer, and changes nothing
        (11, 12, 22),
        (40, None, 100),  # after the last change the last alone
    ],
)
def test_promise_when_the_policy_changed_then_the_shortest_since_the_beginning_counts(
    arrived_on: int, picked_up_on: int | None, dies_on: int
) -> None:
    """A longer period never applies to what came under a shorter one; a shorter one always does."""
    promises = adopt((0, 30, 7), (10, 20, 10), (30, 60, 30))
    events = {Event.ARRIVED: day(arrived_on)}
    if picked_up_on is not None:
        events[Event.PICKED_UP] = day(picked_up_on)
    assert promises.dies_on(RecordClass.SEALED_TIP, events) == day(dies_on)


def test_promise_when_asked_for_the_policy_in_force_then_the_last() -> None:
    """The last that was adopted is the one in force."""
    promises = adopt((0, 30, 7), (10, 20, 10))
    assert promises.policy == make_policy(20, 10)
    assert Promises.of(make_policy(5, 5)).policy == make_policy(5, 5)


def test_promise_when_the_first_event_is_missing_then_the_caller_is_wrong() -> None:
    """Without its beginning nothing was promised."""
    with pytest.raises(ValueError, match="sealed_tip"):
        adopt((0, 30, 7)).dies_on(RecordClass.SEALED_TIP, {Event.PICKED_UP: DAY})


@given(
    policies=st.lists(st.tuples(st.integers(1, 100), st.integers(1, 100)), min_size=1, max_size=5),
    gaps=st.lists(st.integers(0, 30), min_size=5, max_size=5),
    arrived=st.integers(0, 150),
    picked_up=st.none() | st.integers(0, 60),
)
def test_promise_when_policies_follow_each_other_then_no_later_one_is_ever_longer(
    policies: list[tuple[int, int]], gaps: list[int], arrived: int, picked_up: int | None
) -> None:
    """Adopting one more policy never moves a day of death away; every policy since is kept."""
    changes: list[tuple[int, int, int]] = []
    on = 0
    for (days, picked_days), gap in zip(policies, gaps, strict=False):
        changes.append((on, days, picked_days))
        on += gap
    events = {Event.ARRIVED: day(arrived)}
    if picked_up is not None:
        events[Event.PICKED_UP] = day(arrived + picked_up)
    deaths = [
        adopt(*changes[: count + 1]).dies_on(RecordClass.SEALED_TIP, events)
        for count in range(len(changes))
        if count == len(changes) - 1 or changes[count + 1][0] >= arrived
    ]
    assert deaths == sorted(deaths, reverse=True)
    for count, (_, days, picked_days) in enumerate(changes):
        if count == len(changes) - 1 or changes[count + 1][0] >= arrived:
            assert deaths[-1] <= make_policy(days, picked_days).dies_on(
                RecordClass.SEALED_TIP, events
            )
