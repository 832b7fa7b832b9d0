"""The clocks of the machine."""

from __future__ import annotations

import datetime
import time

from tipline.clock import BOOT_ID_PATH, system_boot_clock, system_clock


def test_boot_clock_when_read_twice_then_names_the_same_boot_and_goes_on() -> None:
    """The boot has the kernel's name for it, and its time does not go back."""
    name, first = system_boot_clock()
    again, second = system_boot_clock()
    assert name == again == BOOT_ID_PATH.read_text().strip()
    assert first <= second
    assert abs(first.total_seconds() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 60


def test_clock_when_read_then_is_in_utc() -> None:
    """No machine's zone is in it."""
    assert system_clock().tzinfo is datetime.UTC
