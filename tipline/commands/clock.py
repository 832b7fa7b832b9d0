"""`tipline clock DIR`: which day it is for a line, and a person's word on it."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
from pathlib import Path

from crypto.errors import CryptoError
from crypto.strict import parse_day
from retention.timekeeping import TOLERANCE
from tipline.clock import system_boot_clock, system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.day_keeper import confirm_time, find_clock_folder, tell_time
from tipline.errors import UsageError
from tipline.files import make_private_directory
from tipline.instance import take_lock
from tipline.operating import ask_if_served


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Tell the day, or confirm it.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        UsageError: the day is not spelled as one.
        InstanceError: the clock tells another day, or the line is in use.
    """
    day = None if options.confirm is None else _read_day(options.confirm)
    time = _ask(options.directory, day) or _read(options.directory, day)
    if options.json:
        console.print_json(_format_json(time))
    else:
        _print_words(time, options.directory, console)
    return 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Time:
    clock: datetime.date
    trusted: datetime.date
    lead: datetime.timedelta
    waiting_since: datetime.date | None


def _ask(directory: Path, day: datetime.date | None) -> _Time | None:
    """Ask the line if it is being served: its own measure counts, not what it kept last."""
    if day is None:
        told = ask_if_served(directory, "clock", {})
    else:
        told = ask_if_served(directory, "clock-confirm", {"day": day.isoformat()})
    if told is None:
        return None
    since = told["waiting_since"]
    return _Time(
        clock=parse_day(told["clock"]),
        trusted=parse_day(told["trusted"]),
        lead=datetime.timedelta(seconds=told["lead_seconds"]),
        waiting_since=None if since is None else parse_day(since),
    )


def _read(directory: Path, day: datetime.date | None) -> _Time:
    folder = find_clock_folder(directory, load_configuration(directory).slots)
    if day is None:
        time = tell_time(folder, clock=system_clock, boot_clock=system_boot_clock)
    else:
        lock = take_lock(directory)
        try:
            make_private_directory(folder)
            time = confirm_time(folder, day, clock=system_clock, boot_clock=system_boot_clock)
        finally:
            os.close(lock)
    return _Time(
        clock=time.wall_day,
        trusted=time.today,
        lead=time.lead,
        waiting_since=None if time.waiting is None else time.waiting.since,
    )


def _read_day(untrusted: str) -> datetime.date:
    try:
        return parse_day(untrusted)
    except CryptoError as exc:
        raise UsageError("clock_day") from exc


def _print_words(time: _Time, directory: Path, console: Console) -> None:
    _ = console.translate
    console.print(_("By this machine's clock it is {day}.").format(day=time.clock))
    console.print(_("By what the line has measured it is {day}.").format(day=time.trusted))
    if time.waiting_since is not None:
        console.print(
            _(
                "The clock is more than two days ahead, and that waits for a person. What came"
                " before is kept meanwhile; what has come since {since} counts by the clock."
            ).format(since=time.waiting_since)
        )
    elif time.lead < -TOLERANCE:
        console.print(_("The clock stands back; the line goes on from what it measured."))
    elif time.lead > TOLERANCE:
        console.print(_("The clock is ahead; the line goes on as measured until the next start."))
    else:
        return
    console.print(
        _("If this machine's clock is right: tipline clock {directory} --confirm {day}").format(
            directory=directory, day=time.clock
        )
    )
    console.print(_("If not, set it."))


def _format_json(time: _Time) -> dict[str, object]:
    since = time.waiting_since
    return {
        "clock": time.clock.isoformat(),
        "trusted": time.trusted.isoformat(),
        "ahead_hours": round(time.lead.total_seconds() / 3600),
        "waiting_since": None if since is None else since.isoformat(),
    }
