"""
Run `tipline` on a machine whose days have gone by: its clock is so many days ahead, and it was
started a minute ago.

    python -m tests.cli.shifted DAYS ARGUMENT...
"""

from __future__ import annotations

import datetime
import sys

import tipline.clock

DAYS = int(sys.argv[1])
_wall, _boot = tipline.clock.system_clock, tipline.clock.system_boot_clock
_started = _boot()[1] - datetime.timedelta(minutes=1)


def system_clock() -> datetime.datetime:
    """Tell the time, so many days ahead."""
    return _wall() + datetime.timedelta(days=DAYS)


def system_boot_clock() -> tuple[str, datetime.timedelta]:
    """Tell of a boot of that day's own."""
    return f"{DAYS:08x}-0000-4000-8000-000000000000", _boot()[1] - _started


# Before anything else of the program is imported: it takes the clocks by their names.
tipline.clock.system_clock = system_clock
tipline.clock.system_boot_clock = system_boot_clock

if __name__ == "__main__":
    from tipline.__main__ import main

    sys.exit(main(sys.argv[2:]))
