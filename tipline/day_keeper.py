"""
Keeps the day: the state of retention/timekeeping.py on disk, and the clocks that it reads.

Rules:
1. The state lies beside the slot file, where no backup looks: an old one would turn the time back.
2. Asking for the day writes nothing, but when the clock jumped: that is kept at once.
3. What happened to the clock is told before it is kept: a crash between tells it twice, never not.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import sqlite3
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from retention.log.entry import ClockStep
from retention.plan import Waiting
from retention.time_state import MAX_STATE_BYTES, TimeState, format_state, parse_state
from retention.timekeeping import Reading, Reckoning, confirm, reckon
from tipline.clock import BootClock, Clock, system_boot_clock
from tipline.configuration import SlotSettings
from tipline.errors import InstanceError
from tipline.files import save_file

STATE_NAME: Final = "clock"
LOOK_SECONDS: Final = 600.0  # a state on disk is at most so old
LATELY: Final = datetime.timedelta(milliseconds=50)  # a day that is told is at most so old
_NO_TIME: Final = datetime.timedelta()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClockEvent:
    """
    What happened to the clock, for the log and the operator.

    Args:
        step: What.
        on: The day by which things die.
        until: The day that the wall clock tells.
    """

    step: ClockStep
    on: datetime.date
    until: datetime.date


class DayKeeper:
    """
    Tells the day. May be asked from any thread.

    Args:
        folder: Of the slot file; it exists.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        on_event: Told what happened to the clock, under the keeper's lock: it must not ask back.

    Raises:
        InstanceError: the state on disk is damaged.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        boot_clock: BootClock = system_boot_clock,
        on_event: Callable[[ClockEvent], None] = lambda event: None,
    ) -> None:
        self._path = folder / STATE_NAME
        self._clock = clock
        self._boot_clock = boot_clock
        self._on_event = on_event
        self._lock = threading.Lock()
        self._lately: tuple[Reading, Reckoning] | None = None
        self._kept = self._state = read_state(folder)
        self.look()

    def now(self) -> datetime.datetime:
        """Tell the time by which things die."""
        return self.reckon().now

    def today(self) -> datetime.date:
        """Tell the day by which things die."""
        return self._reckon_lately().today

    def latest_day(self) -> datetime.date:
        """Tell the day that what comes is dated by, and that keysets are judged by."""
        return self._reckon_lately().latest_day

    def waiting(self) -> Waiting | None:
        """Tell whether a jump waits for a person."""
        return self.reckon().waiting

    def reckon(self) -> Reckoning:
        """Read the clocks and tell all of it."""
        return self._reckon_at(read_clocks(self._clock, self._boot_clock))

    def look(self) -> Reckoning:
        """
        Read the clocks, and keep what they tell.

        Returns:
            All of it.

        Raises:
            OSError: it could not be kept.
            sqlite3.Error: it could not be told to the log.
        """
        with self._lock:
            reckoning = self._reckon()
            if reckoning.steps or reckoning.state != self._kept:
                self._keep(reckoning)
        return reckoning

    def confirm(self, day: datetime.date) -> Reckoning:
        """
        Trust the wall clock from now on.

        Args:
            day: As a person named it.

        Returns:
            The time from now on.

        Raises:
            InstanceError: the wall clock tells another day.
            OSError: it could not be kept; nothing has changed.
        """
        with self._lock:
            reckoning = confirm_day(read_clocks(self._clock, self._boot_clock), day)
            self._keep(reckoning)
        return self.reckon()

    def _reckon_lately(self) -> Reckoning:
        """Tell the day of at most `LATELY` ago: a message asks a dozen times."""
        reading = read_clocks(self._clock, self._boot_clock)
        # Read once: another thread may put a newer one in its place.
        if (lately := self._lately) is not None:
            before, reckoning = lately
            if (
                reading.boot == before.boot
                and _NO_TIME <= reading.uptime - before.uptime < LATELY
                and _NO_TIME <= reading.wall - before.wall < LATELY
            ):
                return reckoning
        return self._reckon_at(reading)

    def _reckon_at(self, reading: Reading) -> Reckoning:
        with self._lock:
            reckoning = reckon(self._state, reading)
            if reckoning.steps or _jump_changed(self._state, reckoning):
                # Whoever asks for the day needs no disk; the next look tries again, and says it.
                with contextlib.suppress(OSError, sqlite3.Error):
                    self._keep(reckoning)
            else:
                self._state = reckoning.state
                self._lately = reading, reckoning
            return reckoning

    def _keep(self, reckoning: Reckoning) -> None:
        self._lately = None
        for step in reckoning.steps:
            self._on_event(ClockEvent(step=step, on=reckoning.today, until=reckoning.wall_day))
        save_file(self._path, format_state(reckoning.state), day=reckoning.today)
        self._kept = self._state = reckoning.state

    def _reckon(self) -> Reckoning:
        return reckon(self._state, read_clocks(self._clock, self._boot_clock))


def read_state(folder: Path) -> TimeState | None:
    """
    Read what is kept of the time.

    Args:
        folder: Of the slot file.

    Returns:
        The state; None if there is none yet.

    Raises:
        InstanceError: it is damaged.
    """
    path = folder / STATE_NAME
    try:
        with path.open("rb") as file:
            return parse_state(file.read(MAX_STATE_BYTES + 1))
    except FileNotFoundError:
        return None
    except CryptoError as exc:
        raise InstanceError("clock_state", path=str(path)) from exc


def find_clock_folder(directory: Path, settings: SlotSettings) -> Path:
    """
    Tell where an instance keeps its time.

    Args:
        directory: The instance.
        settings: Of its slot file.

    Returns:
        The folder of the slot file.
    """
    return directory / settings.path


def tell_time(folder: Path, *, clock: Clock, boot_clock: BootClock) -> Reckoning:
    """
    Tell what time it is for an instance, and keep nothing.

    Args:
        folder: Where it keeps its time.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.

    Returns:
        The time.

    Raises:
        InstanceError: what is kept is damaged.
    """
    return reckon(read_state(folder), read_clocks(clock, boot_clock))


def confirm_time(
    folder: Path, day: datetime.date, *, clock: Clock, boot_clock: BootClock
) -> Reckoning:
    """
    Trust the wall clock from now on, for an instance that nobody serves.

    Args:
        folder: Where it keeps its time; what lies there may be damaged.
        day: As a person named it.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.

    Returns:
        The time from now on.

    Raises:
        InstanceError: the wall clock tells another day.
    """
    reckoning = confirm_day(read_clocks(clock, boot_clock), day)
    save_file(folder / STATE_NAME, format_state(reckoning.state), day=reckoning.today)
    return reckoning


def read_clocks(clock: Clock, boot_clock: BootClock) -> Reading:
    """
    Read the machine's clocks once.

    Args:
        clock: The clock that can be set.
        boot_clock: The clock that cannot.

    Returns:
        Both.
    """
    boot, uptime = boot_clock()
    return Reading(wall=clock(), boot=boot, uptime=uptime)


def confirm_day(reading: Reading, day: datetime.date) -> Reckoning:
    """
    Trust the wall clock if it tells the day that a person named.

    Args:
        reading: The clocks.
        day: As the person named it.

    Returns:
        The time from now on.

    Raises:
        InstanceError: the wall clock tells another day.
    """
    if reading.wall.date() != day:
        raise InstanceError(
            "clock_other_day", day=day.isoformat(), clock=reading.wall.date().isoformat()
        )
    return confirm(reading)


def _jump_changed(before: TimeState | None, reckoning: Reckoning) -> bool:
    return before is not None and before.jump != reckoning.state.jump


async def keep_looking(
    keeper: DayKeeper,
    *,
    on_fault: Callable[[Exception], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """
    Keep the time on disk, until cancelled.

    Args:
        keeper: What tells it.
        on_fault: Told what the disk refused.
        sleep: Waits.
    """
    while True:
        await sleep(LOOK_SECONDS)
        try:
            await asyncio.to_thread(keeper.look)
        except (OSError, sqlite3.Error) as exc:
            on_fault(exc)
