"""The day on disk."""

from __future__ import annotations

import asyncio
import datetime
import stat
from pathlib import Path

import pytest

from retention.log.entry import ClockStep
from retention.plan import Waiting
from tipline.clock import system_boot_clock
from tipline.day_keeper import LATELY, LOOK_SECONDS, ClockEvent, DayKeeper, keep_looking, read_state
from tipline.errors import InstanceError

DAY = datetime.timedelta(days=1)
BEGIN = datetime.datetime(2031, 3, 14, 15, 9, 26, tzinfo=datetime.UTC)


class Clocks:
    """Both clocks of a machine, which a test sets."""

    def __init__(self) -> None:
        self.wall = BEGIN
        self.boot = "1"
        self.uptime = datetime.timedelta(hours=3)

    def read_boot(self) -> tuple[str, datetime.timedelta]:
        return self.boot, self.uptime

    def make(self, folder: Path, events: list[ClockEvent] | None = None) -> DayKeeper:
        return DayKeeper(
            folder,
            clock=lambda: self.wall,
            boot_clock=self.read_boot,
            on_event=(events if events is not None else []).append,
        )


def test_keeper_when_made_then_the_day_is_on_disk_and_only_its_owner_reads_it(
    tmp_path: Path,
) -> None:
    """The first day is kept at once, in a private file whose times tell the day alone."""
    keeper = Clocks().make(tmp_path)
    assert keeper.today() == keeper.latest_day() == BEGIN.date()
    assert (keeper.now(), keeper.waiting()) == (BEGIN, None)
    status = (tmp_path / "clock").stat()
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert status.st_mtime % 86_400 == 0
    state = read_state(tmp_path)
    assert state is not None
    assert state.mark == BEGIN.replace(minute=0, second=0)


def test_keeper_when_the_clock_jumps_then_it_is_told_and_kept_at_once(tmp_path: Path) -> None:
    """A jump is on disk before anybody asks again; the next run knows that it waits."""
    clocks, events = Clocks(), list[ClockEvent]()
    keeper = clocks.make(tmp_path, events)
    clocks.wall += 30 * DAY
    assert keeper.today() == BEGIN.date()
    waiting = Waiting(since=(BEGIN + 30 * DAY).date(), today=(BEGIN + 30 * DAY).date())
    assert keeper.waiting() == waiting
    assert events == [
        ClockEvent(step=ClockStep.HELD, on=BEGIN.date(), until=(BEGIN + 30 * DAY).date())
    ]
    again = clocks.make(tmp_path, events)
    assert (again.today(), again.waiting(), len(events)) == (BEGIN.date(), waiting, 1)


def test_keeper_when_midnight_was_just_now_then_the_day_it_tells_is_hardly_old(
    tmp_path: Path,
) -> None:
    """Who asks often is told a day of at most `LATELY` ago, and the time is that of now."""
    clocks = Clocks()
    clocks.wall = datetime.datetime(2031, 3, 14, 23, 59, 59, tzinfo=datetime.UTC)
    keeper = clocks.make(tmp_path)

    def pass_(milliseconds: int) -> None:
        clocks.wall += datetime.timedelta(milliseconds=milliseconds)
        clocks.uptime += datetime.timedelta(milliseconds=milliseconds)

    pass_(990)
    assert keeper.today() == BEGIN.date()
    pass_(20)
    assert keeper.today() == BEGIN.date()
    pass_(LATELY // datetime.timedelta(milliseconds=1) - 20)
    assert keeper.today() == keeper.latest_day() == keeper.now().date() == BEGIN.date() + DAY


def test_keeper_when_a_person_confirms_then_the_clock_is_trusted(tmp_path: Path) -> None:
    """The day that is named must be the clock's; then it is the day by which things die."""
    clocks, events = Clocks(), list[ClockEvent]()
    keeper = clocks.make(tmp_path, events)
    clocks.wall += 30 * DAY
    keeper.today()
    with pytest.raises(InstanceError) as refused:
        keeper.confirm(BEGIN.date())
    assert refused.value.code == "clock_other_day"
    assert keeper.today() == BEGIN.date()
    assert keeper.confirm(clocks.wall.date()).today == clocks.wall.date()
    assert (keeper.today(), keeper.waiting()) == (clocks.wall.date(), None)
    assert [event.step for event in events] == [ClockStep.HELD, ClockStep.CONFIRMED]
    assert clocks.make(tmp_path).today() == clocks.wall.date()


@pytest.mark.parametrize("content", [b"", b"\0" * 300, b"{}\n"])
def test_keeper_when_its_file_is_damaged_then_it_says_so_and_trusts_no_clock(
    tmp_path: Path, content: bytes
) -> None:
    """A damaged state is not taken for a first day: the clock may be wrong just then."""
    (tmp_path / "clock").write_bytes(content)
    with pytest.raises(InstanceError) as refused:
        Clocks().make(tmp_path)
    assert refused.value.code == "clock_state"
    assert (tmp_path / "clock").read_bytes() == content


def test_keeper_when_the_disk_refuses_then_the_day_is_told_and_the_next_look_keeps_it(
    tmp_path: Path,
) -> None:
    """Whoever asks for the day gets it; what could not be kept is tried again, and said."""
    folder = tmp_path / "slots"
    folder.mkdir()
    clocks, events = Clocks(), list[ClockEvent]()
    keeper = clocks.make(folder, events)
    folder.rename(tmp_path / "away")
    clocks.wall += 30 * DAY
    assert keeper.today() == BEGIN.date()
    with pytest.raises(OSError, match="slots"):
        keeper.look()
    (tmp_path / "away").rename(folder)
    keeper.look()
    state = read_state(folder)
    assert state is not None
    assert state.jump is not None
    # Told again each time that it could not be kept: the log keeps what is the same once.
    assert len(events) == 3
    assert len(set(events)) == 1


async def test_looking_when_the_disk_refuses_then_it_goes_on(tmp_path: Path) -> None:
    """A look that fails is told, and the next one is made."""
    clocks, faults, waits = Clocks(), list[Exception](), list[float]()
    folder = tmp_path / "slots"
    folder.mkdir()
    keeper = clocks.make(folder)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        clocks.uptime += datetime.timedelta(hours=2)
        if len(waits) == 1:
            folder.rename(tmp_path / "away")
        elif len(waits) == 2:
            (tmp_path / "away").rename(folder)
        else:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_looking(keeper, on_fault=faults.append, sleep=sleep)
    assert [type(fault) for fault in faults] == [FileNotFoundError]
    assert waits == [LOOK_SECONDS] * 3
    state = read_state(folder)
    assert state is not None
    assert state.mark == BEGIN.replace(hour=19, minute=0, second=0)


def test_boot_clock_when_read_twice_then_it_is_the_same_boot_and_goes_on() -> None:
    """The machine's own clock names one boot and never goes back."""
    (boot, first), (again, second) = system_boot_clock(), system_boot_clock()
    assert boot == again
    assert len(boot) == 36
    assert datetime.timedelta() < first <= second
