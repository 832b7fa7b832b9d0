"""Which day it is: clocks that jump, machines that are off, and years of both."""

from __future__ import annotations

import dataclasses
import datetime
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retention.log.entry import ClockStep
from retention.plan import Record, Waiting, plan_purge, plan_redating
from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises
from retention.time_state import TimeState, format_state, parse_state
from retention.timekeeping import MAX_JUMP, Reading, Reckoning, confirm, reckon

BEGIN = datetime.datetime(2031, 3, 14, 0, 30, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
KEEP_DAYS = 30
PROMISES = Promises.of(
    Policy(periods={name: dict.fromkeys(events, KEEP_DAYS) for name, events in EVENTS.items()})
)


@dataclasses.dataclass
class Machine:
    """A machine, whose real time, wall clock and boots a test moves; its state goes to a disk."""

    real: datetime.datetime = BEGIN
    wrong_by: datetime.timedelta = datetime.timedelta()
    boot: int = 1
    booted_at: datetime.datetime = BEGIN - 5 * HOUR
    kept: bytes | None = None
    steps: list[ClockStep] = dataclasses.field(default_factory=list)

    def read(self) -> Reading:
        return Reading(
            wall=self.real + self.wrong_by,
            boot=f"b{self.boot}",
            uptime=self.real - self.booted_at,
        )

    def look(self) -> Reckoning:
        return self.keep(reckon(self.state, self.read()))

    def keep(self, reckoning: Reckoning) -> Reckoning:
        self.kept = format_state(reckoning.state)
        self.steps += reckoning.steps
        return reckoning

    def confirm(self) -> Reckoning:
        self.keep(confirm(self.read()))
        return self.look()

    @property
    def state(self) -> TimeState | None:
        return None if self.kept is None else parse_state(self.kept)

    def run(self, span: datetime.timedelta, *, step: datetime.timedelta = HOUR) -> Reckoning:
        """Look every hour."""
        end = self.real + span
        while self.real < end:
            self.real += step
            last = self.look()
        return last

    def reboot(self, *, off: datetime.timedelta = datetime.timedelta()) -> None:
        self.real += off
        self.boot += 1
        self.booted_at = self.real


def find_death(machine: Machine, events: list[tuple[float, str]]) -> float:
    """Store a tip on the first day and tell on which real day a purge each hour ends it."""
    began = machine.look().latest_day
    record = Record(
        id=bytes(16),
        record_class=RecordClass.SEALED_TIP,
        events={Event.ARRIVED: began},
        dies_on=PROMISES.dies_on(RecordClass.SEALED_TIP, {Event.ARRIVED: began}),
    )
    begin = machine.real
    left = list(events)
    while machine.real < begin + 400 * DAY:
        machine.real += HOUR
        while left and machine.real >= begin + left[0][0] * DAY:
            what = left.pop(0)[1]
            name, _, number = what.partition(" ")
            if name == "wrong":
                machine.wrong_by = float(number) * DAY
            elif name == "off":
                machine.reboot(off=float(number) * DAY)
            else:
                machine.confirm()
        reckoning = machine.look()
        (decision,) = plan_purge(
            [record], promises=PROMISES, today=reckoning.today, waiting=reckoning.waiting
        )
        if decision.purge:
            return (machine.real.date() - begin.date()).days
    raise AssertionError


@pytest.mark.parametrize(
    ("events", "dies_after"),
    [
        ([], 30),
        # The clock is a year ahead for an hour.
        ([(5, "wrong 365"), (5.05, "wrong 0")], 30),
        # And across a start of the machine.
        ([(5, "wrong 365"), (5.01, "off 0"), (5.05, "wrong 0")], 30),
        # Twenty days back from the tenth day on.
        ([(10, "wrong -20")], 30),
        # The same across a start: the hour of the mark is lost.
        ([(10, "wrong -20"), (10.1, "off 0")], 30),
        # A dead clock starts in 1970 and is set after two hours.
        ([(12, "wrong -22000"), (12, "off 0"), (12.1, "wrong 0")], 30),
        # Off for the length of a night, and of a weekend: believed.
        ([(12, "off 0.4")], 30),
        ([(12, "off 1.9")], 30),
        # Off for 25 days: the jump waits, and what was not measured is not counted.
        ([(20, "off 25")], 55),
        # A person confirms, and it catches up at once.
        ([(20, "off 25"), (46, "confirm")], 46),
        ([(20, "off 25"), (45, "confirm")], 45),
        # Off with a dead clock: nothing is known of the time that was missed.
        ([(10, "wrong -20"), (10, "off 5")], 35),
        # A person says that a clock which stood back is right: only then it counts again.
        ([(5, "wrong -10"), (6, "confirm")], 40),
    ],
)
def test_time_when_the_clock_is_wrong_then_a_tip_lives_its_measured_days(
    events: list[tuple[float, str]], dies_after: int
) -> None:
    """A tip due after 30 days dies on the measured day, whatever the wall clock says."""
    assert find_death(Machine(), events) in {dies_after, dies_after + 1}


def test_time_when_a_naive_clock_would_kill_early_then_nothing_dies() -> None:
    """A year ahead for one hour on the fifth day: by the wall clock the tip would die that day."""
    machine = Machine()
    assert find_death(machine, [(5, "wrong 365"), (5.05, "wrong 0")]) >= KEEP_DAYS
    assert machine.steps == [ClockStep.HELD]


def test_time_when_the_first_look_then_the_wall_clock_is_believed() -> None:
    """A line's first day is the clock's; there is nothing to hold against it."""
    reckoning = Machine().look()
    assert (reckoning.now, reckoning.lead, reckoning.waiting) == (BEGIN, 0 * HOUR, None)
    assert reckoning.state.mark == BEGIN.replace(minute=0)
    assert reckoning.steps == ()


@pytest.mark.parametrize("off", [False, True])
def test_jump_when_two_days_then_believed_across_a_start_and_one_second_more_then_not(
    off: bool,
) -> None:
    """Exactly two days is the last jump that is believed, and only when the machine started."""
    machine = Machine(real=BEGIN.replace(minute=0), booted_at=BEGIN.replace(minute=0))
    machine.look()
    if off:
        machine.reboot()
    machine.wrong_by = MAX_JUMP
    reckoning = machine.look()
    assert reckoning.waiting is None
    assert reckoning.now - machine.real == (MAX_JUMP if off else 0 * HOUR)
    machine = Machine(real=BEGIN.replace(minute=0), booted_at=BEGIN.replace(minute=0))
    machine.look()
    if off:
        machine.reboot()
    machine.wrong_by = MAX_JUMP + datetime.timedelta(seconds=1)
    reckoning = machine.look()
    assert reckoning.now == machine.real
    assert reckoning.waiting == Waiting(
        since=datetime.date(2031, 3, 16), today=datetime.date(2031, 3, 16)
    )
    assert machine.steps == [ClockStep.HELD]


def test_jump_when_it_waits_then_it_is_told_once_and_goes_on_by_measure() -> None:
    """The jumped clock runs on as measured: a second jump of the wall clock does not move it."""
    machine = Machine()
    machine.look()
    machine.wrong_by = 10 * DAY
    machine.run(3 * DAY)
    machine.wrong_by = 400 * DAY
    reckoning = machine.run(2 * HOUR)
    assert reckoning.waiting == Waiting(
        since=datetime.date(2031, 3, 24), today=datetime.date(2031, 3, 27)
    )
    assert machine.steps == [ClockStep.HELD]
    assert reckoning.latest_day == (machine.real + 400 * DAY).date()
    machine.reboot()
    assert machine.look().waiting == reckoning.waiting
    assert machine.steps == [ClockStep.HELD]


def test_step_back_when_it_is_seen_then_it_is_told_once_until_it_is_right_again() -> None:
    """A clock that went back keeps the mark, and is told each time that it happens."""
    machine = Machine()
    machine.look()
    for _ in range(2):
        machine.wrong_by = -2 * HOUR
        assert machine.run(5 * HOUR).now == machine.real
        machine.wrong_by = 0 * HOUR
        machine.run(5 * HOUR)
    assert machine.steps == [ClockStep.STEPPED_BACK] * 2


def test_keysets_when_any_clock_is_later_then_that_day_judges_them() -> None:
    """The latest of the clocks is told, and never one before the trusted day."""
    machine = Machine()
    machine.look()
    machine.wrong_by = -20 * DAY
    assert machine.look().latest_day == machine.real.date()
    machine.wrong_by = 1 * DAY
    assert machine.look().latest_day == (machine.real + DAY).date()
    machine.wrong_by = 100 * DAY
    assert machine.look().latest_day == (machine.real + 100 * DAY).date()


def test_arrival_when_a_right_clock_waited_then_the_confirmation_changes_nothing() -> None:
    """After real downtime: what comes before a person looks lives its days, not one less."""
    machine = Machine()
    machine.look()
    machine.reboot(off=20 * DAY)
    came_on = machine.look().latest_day
    assert came_on == machine.real.date()
    machine.run(3 * DAY)
    reckoning = machine.confirm()
    record = make_record(came_on)
    assert plan_redating([record], promises=PROMISES, today=reckoning.today) == ()
    assert record.dies_on == came_on + KEEP_DAYS * DAY


def test_arrival_when_a_wrong_clock_waits_for_ever_then_it_dies_by_measure() -> None:
    """Nobody comes: what a wrong clock dated dies after its days all the same."""
    machine = Machine()
    machine.look()
    machine.wrong_by = 365 * DAY
    record = make_record(machine.look().latest_day)
    began = machine.real
    while not _dies(record, machine.look()):
        machine.real += HOUR
    assert (machine.real.date() - began.date()).days == KEEP_DAYS


def test_arrival_when_a_wrong_clock_is_set_right_then_it_is_dated_back() -> None:
    """What a wrong clock dated is dated back: it is kept longer only by as long as that waited."""
    machine = Machine()
    machine.look()
    machine.wrong_by = 365 * DAY
    came_at = machine.real
    record = make_record(machine.look().latest_day)
    machine.run(2 * DAY)
    machine.wrong_by = 0 * DAY
    reckoning = machine.look()
    assert reckoning.waiting is None
    (move,) = plan_redating([record], promises=PROMISES, today=reckoning.today)
    assert move.dies_on == came_at.date() + (KEEP_DAYS + 2) * DAY


def make_record(came_on: datetime.date, *, id_: bytes = bytes(16)) -> Record:
    return Record(
        id=id_,
        record_class=RecordClass.SEALED_TIP,
        events={Event.ARRIVED: came_on},
        dies_on=PROMISES.dies_on(RecordClass.SEALED_TIP, {Event.ARRIVED: came_on}),
    )


def _dies(record: Record, reckoning: Reckoning) -> bool:
    (decision,) = plan_purge(
        [record], promises=PROMISES, today=reckoning.today, waiting=reckoning.waiting
    )
    return decision.purge


_EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["run", "reboot", "off", "wrong", "right"]),
        st.floats(0.01, 500, allow_nan=False),
        st.booleans(),
    ),
    max_size=12,
)


@given(_EVENTS)
def test_time_when_anything_happens_but_a_confirmation_then_it_never_runs_faster_than_it_may(
    events: list[tuple[str, float, bool]],
) -> None:
    """
    The trusted day never goes back, and the time never gains more than two days on the real one for
    each start of the machine.
    """
    machine = Machine()
    last = machine.look().now
    starts = 0
    for name, days, back in events:
        if name == "run":
            machine.real += days * DAY
        elif name == "reboot":
            machine.reboot()
            starts += 1
        elif name == "off":
            machine.reboot(off=days * DAY)
            starts += 1
        else:
            machine.wrong_by = 0 * DAY if name == "right" else (-days if back else days) * DAY
        reckoning = machine.look()
        assert reckoning.now >= last - HOUR  # a start loses the part of the hour after the mark
        assert reckoning.today >= last.date()
        assert reckoning.now - machine.real <= starts * MAX_JUMP
        assert reckoning.latest_day >= reckoning.today
        last = reckoning.now


@given(_EVENTS)
def test_time_when_the_machine_is_never_started_then_it_is_real(
    events: list[tuple[str, float, bool]],
) -> None:
    """Within one boot nobody who sets the clock moves the time at all."""
    machine = Machine()
    machine.look()
    for name, days, back in events:
        if name in {"run", "reboot", "off"}:
            machine.real += days * DAY
        else:
            machine.wrong_by = 0 * DAY if name == "right" else (-days if back else days) * DAY
        assert abs(machine.look().now - machine.real) <= datetime.timedelta(seconds=1)


@pytest.mark.parametrize("seed", range(5))
def test_years_when_simulated_then_nothing_dies_early_and_nothing_is_left_behind(seed: int) -> None:
    """
    Five years of tips, reboots, short and long downtime and wrong clocks, and an operator who
    confirms the right day: no tip dies before the day it was promised, and whenever the clock is
    right and confirmed, none is there after its day.
    """
    dice = random.Random(seed)
    machine = Machine()
    machine.look()
    stored: list[Record] = []
    died = confirmed = 0
    while machine.real < BEGIN + 5 * 366 * DAY:
        machine.real += 6 * HOUR
        chance = dice.random()
        if chance < 0.01:
            machine.reboot(off=dice.choice([0.0, 0.01, 0.5, 1.5, 4.0, 20.0]) * DAY)
        elif chance < 0.02:
            machine.wrong_by = dice.choice([-22_000.0, -20.0, -0.5, 90.0, 365.0]) * DAY
        elif chance < 0.12:
            machine.wrong_by = 0 * DAY
        is_right = machine.wrong_by == 0 * DAY
        reckoning = machine.look()
        if is_right and abs(reckoning.lead) > HOUR:
            reckoning = machine.confirm()
            confirmed += 1
        if reckoning.waiting is None:
            moves = plan_redating(stored, promises=PROMISES, today=reckoning.today)
            moved = {move.record.id: move for move in moves}
            stored = [
                dataclasses.replace(
                    record, events=moved[record.id].events, dies_on=moved[record.id].dies_on
                )
                if record.id in moved
                else record
                for record in stored
            ]
        if dice.random() < 0.3:
            stored.append(make_record(reckoning.latest_day, id_=dice.randbytes(16)))
        dead = {record.id for record in stored if _dies(record, reckoning)}
        for record in stored:
            if record.id in dead:
                assert record.dies_on <= machine.real.date() or not is_right
                assert reckoning.now <= machine.real + HOUR
        died += len(dead)
        stored = [record for record in stored if record.id not in dead]
        if is_right and reckoning.waiting is None:
            assert all(record.dies_on > machine.real.date() - DAY for record in stored)
    assert died > 1000
    assert confirmed > 10
