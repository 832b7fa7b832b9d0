"""The loops beside a line's phones: none of them ends by itself."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Any

import pytest

from crypto.errors import ForgedError
from tipline.errors import GatewayError
from tipline.gateway.phones import look_for_overdue, pull
from tipline.service.silence import Faults


class Tired:
    """Fails as often as it is told, in the place of a modem and of the arrival."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.well = asyncio.Event()

    async def run(self, deliver: Any) -> None:
        """Fail, then be well."""
        if self.failures:
            raise self.failures.pop(0)
        self.well.set()
        await asyncio.Event().wait()

    async def store_overdue(self) -> None:
        """The same."""
        if self.failures:
            raise self.failures.pop(0)
        self.well.set()

    async def deliver(self, messages: Any) -> None:
        """Take nothing."""

    async def sleep(self, seconds: float) -> None:
        """Wait for nobody."""
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", ["pull", "look_for_overdue"])
async def test_loop_when_anything_fails_then_it_is_told_and_tried_again(name: str) -> None:
    """A full disk, a damaged row, something unforeseen: the next look comes all the same."""
    failures = (
        sqlite3.OperationalError("database or disk is full"),
        ForgedError("row"),
        RuntimeError("unforeseen"),
        GatewayError("gateway_malformed", gateway="modem"),
    )
    tired: Any = Tired(*failures)
    faults = Faults()
    act = (
        pull(tired, tired, faults=faults, sleep=tired.sleep)
        if name == "pull"
        else look_for_overdue(tired, faults=faults, sleep=tired.sleep)
    )
    task = asyncio.ensure_future(act)

    async with asyncio.timeout(10):
        await tired.well.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert len(faults.take()) == len(failures)
