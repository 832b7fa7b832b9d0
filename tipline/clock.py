"""The one place where the time enters: composition roots pass it on, tests pass their own."""

from __future__ import annotations

import datetime
from collections.abc import Callable

Clock = Callable[[], datetime.datetime]


def system_clock() -> datetime.datetime:
    """
    Read the machine's clock.

    Returns:
        Now, in UTC.
    """
    return datetime.datetime.now(datetime.UTC)
