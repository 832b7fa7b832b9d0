"""Which slot is taken next."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from retention.slot_opening import make_slot_file, open_slot_file
from retention.slot_places import FREE_SHARE, MIN_FREE_SLOTS, Places
from retention.slot_root import PlainRoot
from retention.slot_steps import STEP_SLOTS, Purpose, Steps
from tests.unit.retention.slot_disks import Machine, make_random


@pytest.fixture
def steps() -> Steps:
    """The steps of a new file."""
    machine = Machine(make_random("machine"))
    path = Path("/slots")
    make_slot_file(path, None, PlainRoot(), random=make_random("m"), create_disk=machine.create)
    return open_slot_file(
        path,
        None,
        random=make_random("o"),
        notice=print,
        open_disk=machine.open,
        create_disk=machine.create,
    )


def test_places_when_taken_then_their_order_tells_nothing(steps: Steps) -> None:
    """INV-06: among a thousand slots, the first taken are not the first of the file."""
    free = list(steps.places(Purpose.RECORDS))
    places = Places(steps, Purpose.RECORDS, random=make_random("x"), free=free, used_len=0)
    taken = [places.take() for _ in range(300)]

    assert len(set(taken)) == 300
    assert set(taken) <= set(free)
    # Of a shuffled row about half the neighbours rise; of an ordered one all or none.
    rising = sum(first < second for first, second in itertools.pairwise(taken))
    assert 110 < rising < 190
    assert max(taken) - min(taken) > STEP_SLOTS * 0.9


def test_places_when_few_are_free_then_the_file_grows_first(steps: Steps) -> None:
    """A place is never drawn among fewer than 512."""
    free = list(steps.places(Purpose.RECORDS))
    places = Places(steps, Purpose.RECORDS, random=make_random("x"), free=free, used_len=0)
    for _ in range(len(free) - MIN_FREE_SLOTS):
        places.take()
    assert steps.slots_len() == 2 * STEP_SLOTS
    places.take()
    assert steps.slots_len() == 3 * STEP_SLOTS


def test_places_when_many_are_used_then_an_eighth_stays_free(steps: Steps) -> None:
    """A full line draws among more than a day's arrivals."""
    free = list(steps.places(Purpose.RECORDS))
    used_len = FREE_SHARE * len(free)
    places = Places(steps, Purpose.RECORDS, random=make_random("x"), free=free, used_len=used_len)
    places.take()
    assert steps.slots_len() == 3 * STEP_SLOTS


def test_places_when_given_back_then_they_are_taken_again(steps: Steps) -> None:
    """A slot that is zeros again is as good as any."""
    places = Places(steps, Purpose.RECORDS, random=make_random("x"), free=[], used_len=1)
    places.give_back(7)
    taken = {places.take() for _ in range(STEP_SLOTS - MIN_FREE_SLOTS)}
    assert steps.slots_len() == 3 * STEP_SLOTS
    for number in taken - {7}:
        places.give_back(number)

    assert 7 in taken | {places.take() for _ in range(5000)}
