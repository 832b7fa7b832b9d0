"""
Which day it is, for what must die on its day.

A wall clock that is wrong for one hour can end a tip months early, and nobody brings it back. So:

1. Within one boot of the machine the time is measured by its boot clock, which nobody can set.
2. Across boots it is the wall clock's, if that lies between the mark (what was known last, and the
   machine's uptime since) and two days after it.
3. A wall clock before the mark changes nothing: the time goes on from the mark.
4. A wall clock more than two days ahead changes nothing either: the jump waits for a person.
5. While it waits, what came before counts by the trusted clock; what comes counts by the jumped
   one, which goes on by measure. So neither dies early nor is kept longer, whoever is right.
6. What comes is dated by the latest of the clocks: at worst it is kept two days longer, never
   shorter. What a clock dated further ahead than that is dated back once it is set right.
7. A person confirms the wall clock, by naming its day: it is then trusted, forwards or backwards.

The state knows the hour of its mark and the second of the machine's boot; nothing of a tip.

Limitations: at each start of the machine a clock that is wrong by less than two days is believed,
so a machine that is started again and again with its clock set forward each time ages by as much.
Time in which the machine was off and its clock stood still is not known: what it stores dies that
much later; and what came while every clock stood back is dated too early, and dies that much
earlier once a person sets them right. What came while a wrong clock waited is kept longer by as
long as it was left to wait.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Final

from retention.log.entry import ClockStep
from retention.plan import MAX_AHEAD_DAYS, Waiting
from retention.time_state import Jump, TimeState

MAX_JUMP: Final = datetime.timedelta(days=MAX_AHEAD_DAYS)
# The mark is a whole hour, so an honest clock may stand an hour from what is reckoned from it.
TOLERANCE: Final = datetime.timedelta(hours=1)
_HOUR: Final = datetime.timedelta(hours=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """
    The machine's clocks, read once.

    Args:
        wall: The clock that can be set, in UTC.
        boot: Names this boot of the machine.
        uptime: Since this boot, suspended or not.
    """

    wall: datetime.datetime
    boot: str
    uptime: datetime.timedelta


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """
    What time it is.

    Args:
        now: By the trusted clock.
        lead: By how much the wall clock is before it; negative if it is behind.
        waiting: A jump that waits for a person.
        state: What to keep.
        steps: What happened since the state before; empty most of the time.
    """

    now: datetime.datetime
    lead: datetime.timedelta
    waiting: Waiting | None
    state: TimeState
    steps: tuple[ClockStep, ...]

    @property
    def today(self) -> datetime.date:
        """The day by which things die."""
        return self.now.date()

    @property
    def wall_day(self) -> datetime.date:
        """The day that the clock tells which can be set."""
        return (self.now + self.lead).date()

    @property
    def latest_day(self) -> datetime.date:
        """
        The latest day that any clock tells. What comes is dated by it, so that it does not die
        early; keysets are judged by it, so that none is taken that one of the clocks calls expired.
        """
        jumped_day = self.today if self.waiting is None else self.waiting.today
        return max(self.today, self.wall_day, jumped_day)


def reckon(state: TimeState | None, reading: Reading) -> Reckoning:
    """
    Tell what time it is.

    Args:
        state: What was kept; None on a line's first day.
        reading: The clocks.

    Returns:
        The time, and what to keep.
    """
    if state is None:
        return _start(reading)
    now = _reckon_now(state, reading)
    lead = reading.wall - now
    jump = state.jump
    steps = [ClockStep.CONFIRMED] if state.confirmed else []
    if lead <= MAX_JUMP:
        jump = None
    elif jump is None:
        jump = Jump(ahead=lead, since=reading.wall.date())
        steps.append(ClockStep.HELD)
    behind = lead < -TOLERANCE
    if behind and not state.behind:
        steps.append(ClockStep.STEPPED_BACK)
    return Reckoning(
        now=now,
        lead=lead,
        waiting=None
        if jump is None
        else Waiting(since=jump.since, today=(now + jump.ahead).date()),
        state=TimeState(
            mark=_floor_hour(now),
            boot=reading.boot,
            started_at=_floor_second(now - reading.uptime),
            jump=jump,
            behind=behind,
        ),
        steps=tuple(steps),
    )


def confirm(reading: Reading) -> Reckoning:
    """
    Trust the wall clock, because a person says that it is right.

    Args:
        reading: The clocks.

    Returns:
        The time, and what to keep.
    """
    started = _start(reading)
    # Told by the next reckoning, which may be the service's own.
    return dataclasses.replace(started, state=dataclasses.replace(started.state, confirmed=True))


def _start(reading: Reading) -> Reckoning:
    return Reckoning(
        now=reading.wall,
        lead=datetime.timedelta(),
        waiting=None,
        state=TimeState(
            mark=_floor_hour(reading.wall),
            boot=reading.boot,
            started_at=_floor_second(reading.wall - reading.uptime),
        ),
        steps=(),
    )


def _reckon_now(state: TimeState, reading: Reading) -> datetime.datetime:
    if state.boot == reading.boot:
        return max(state.started_at + reading.uptime, state.mark)
    # The mark was made before this boot, so its uptime at least has passed since.
    least = state.mark + reading.uptime
    return reading.wall if datetime.timedelta() <= reading.wall - least <= MAX_JUMP else least


def _floor_hour(moment: datetime.datetime) -> datetime.datetime:
    return moment - (moment - datetime.datetime.min.replace(tzinfo=datetime.UTC)) % _HOUR


def _floor_second(moment: datetime.datetime) -> datetime.datetime:
    return moment.replace(microsecond=0)
