"""
Whether something keeps this machine's clock right, as its kernel knows.

Whatever asks time servers (systemd-timesyncd, chrony, ntpd) tells the kernel each time how wrong
the clock can be at most. From then on the kernel counts up, and when nobody told it for hours, or
never since the start, it says 16 seconds: the most that it can say.

Source: adjtimex(2), `maxerror`; systemd's `NTPSynchronized` is judged by the same limit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

UNKNOWN_MICROSECONDS: Final = 16_000_000  # of the kernel: NTP_PHASE_LIMIT
SPARE_BYTES: Final = 512  # the rest of the kernel's structure, and more: it writes about 160

Adjust = Callable[[Any], int]


class _Timex(ctypes.Structure):
    # With `modes` 0, nothing is set.
    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * SPARE_BYTES),
    )


def is_clock_kept(adjust: Adjust | None = None) -> bool | None:
    """
    Ask the kernel whether something keeps the clock right.

    Args:
        adjust: Asks the kernel: adjtimex(2) of the C library, if None.

    Returns:
        Whether it does; None if this machine does not tell.
    """
    if adjust is None:
        adjust = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjust is None:
        return None  # no Linux
    told = _Timex()
    if adjust(ctypes.byref(told)) < 0:
        return None  # a container that may not ask
    return int(told.maxerror) < UNKNOWN_MICROSECONDS
