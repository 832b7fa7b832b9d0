"""
The one place where the time enters: composition roots pass it on, tests pass their own.

What must die on its day does not ask these clocks but the day keeper (tipline/day_keeper.py).
"""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

BOOT_ID_PATH: Final = Path("/proc/sys/kernel/random/boot_id")

Clock = Callable[[], datetime.datetime]
# Names the boot of the machine, and tells how long it has been up.
BootClock = Callable[[], tuple[str, datetime.timedelta]]


def system_clock() -> datetime.datetime:
    """
    Read the machine's clock.

    Returns:
        Now, in UTC.
    """
    return datetime.datetime.now(datetime.UTC)


def system_boot_clock() -> tuple[str, datetime.timedelta]:
    """
    Read the clock that counts from the machine's start, also while it sleeps; nobody can set it.

    Returns:
        The kernel's random id of this boot, and the time since.
    """
    uptime = datetime.timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))
    return _read_boot_id(), uptime


@functools.cache
def _read_boot_id() -> str:
    # A process does not outlive its boot; a file opened for each question took 40 % of a message.
    return BOOT_ID_PATH.read_text("ascii").strip()
