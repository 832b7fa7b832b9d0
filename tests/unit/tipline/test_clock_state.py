"""Whether something keeps the machine's clock right."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import pytest

from tipline import clock_state
from tipline.clock_state import UNKNOWN_MICROSECONDS, is_clock_kept


def answer(maxerror: int, *, result: int = 0) -> Any:
    """Answer as the kernel does."""

    def adjust(reference: Any) -> int:
        told = reference._obj
        assert told.modes == 0  # it is asked, and nothing is set
        told.maxerror = maxerror
        return result

    return adjust


@pytest.mark.parametrize(
    ("maxerror", "is_kept"),
    [(0, True), (UNKNOWN_MICROSECONDS - 1, True), (UNKNOWN_MICROSECONDS, False)],
)
def test_clock_when_the_kernel_says_how_wrong_it_can_be_then_that_decides(
    maxerror: int, is_kept: bool
) -> None:
    """Sixteen seconds is how the kernel says that nobody told it."""
    assert is_clock_kept(answer(maxerror)) is is_kept
    assert is_clock_kept(answer(maxerror, result=5)) is is_kept  # TIME_ERROR: "not synchronized"


def test_clock_when_the_kernel_does_not_tell_then_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A container that may not ask, and a system without the call, are no fault of the clock."""
    assert is_clock_kept(answer(0, result=-1)) is None
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert is_clock_kept() is None


def test_clock_when_this_machine_is_asked_then_its_kernel_answers() -> None:
    """The real call comes back with an error bound that a kernel can have, and sets nothing."""
    told: list[int] = []
    libc = ctypes.CDLL(None)

    def adjust(reference: Any) -> int:
        result: int = libc.adjtimex(reference)
        told.append(reference._obj.maxerror)
        return result

    before = time.time() - time.monotonic()
    assert is_clock_kept(adjust) is is_clock_kept()
    assert 0 <= told[0] <= UNKNOWN_MICROSECONDS
    assert told[0] > 0
    assert abs(time.time() - time.monotonic() - before) < 1
    assert ctypes.sizeof(clock_state._Timex) >= 208  # glibc's structure on 64 bits
