"""`tipline clock DIR`: which day it is for a line, and a person's word on it."""

from __future__ import annotations

import argparse
import datetime
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retention.timekeeping import TOLERANCE, Reckoning
from tipline.clock import system_boot_clock, system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.day_keeper import confirm_time, find_clock_folder, tell_time
from tipline.files import make_private_directory
from tipline.instance import take_lock
from tipline.operation_values import format_clock, parse_asked_day
from tipline.served_line import ask_or_read


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
    day = None if options.confirm is None else parse_asked_day(options.confirm)
    told = ask_or_read(
        options.directory,
        "clock" if day is None else "clock-confirm",
        {} if day is None else {"day": day.isoformat()},
        read=lambda: format_clock(_read(options.directory, day)),
    )
    if options.json:
        console.print_json(_format_json(told))
    else:
        _print_words(told, options.directory, console)
    return 0


def _read(directory: Path, day: datetime.date | None) -> Reckoning:
    folder = find_clock_folder(directory, load_configuration(directory).slots)
    if day is None:
        return tell_time(folder, clock=system_clock, boot_clock=system_boot_clock)
    lock = take_lock(directory)
    try:
        make_private_directory(folder)
        return confirm_time(folder, day, clock=system_clock, boot_clock=system_boot_clock)
    finally:
        os.close(lock)


def _print_words(told: Mapping[str, Any], directory: Path, console: Console) -> None:
    _ = console.translate
    lead = datetime.timedelta(seconds=told["lead_seconds"])
    console.print(_("By this machine's clock it is {day}.").format(day=told["clock"]))
    console.print(_("By what the line has measured it is {day}.").format(day=told["trusted"]))
    if told["waiting_since"] is not None:
        console.print(
            _(
                "The clock is more than two days ahead, and that waits for a person. What came"
                " before is kept meanwhile; what has come since {since} counts by the clock."
            ).format(since=told["waiting_since"])
        )
    elif lead < -TOLERANCE:
        console.print(_("The clock stands back; the line goes on from what it measured."))
    elif lead > TOLERANCE:
        console.print(_("The clock is ahead; the line goes on as measured until the next start."))
    else:
        return
    console.print(
        _("If this machine's clock is right: tipline clock {directory} --confirm {day}").format(
            directory=directory, day=told["clock"]
        )
    )
    console.print(_("If not, set it."))


def _format_json(told: Mapping[str, Any]) -> dict[str, object]:
    return {
        "clock": told["clock"],
        "trusted": told["trusted"],
        "ahead_hours": round(told["lead_seconds"] / 3600),
        "waiting_since": told["waiting_since"],
    }
