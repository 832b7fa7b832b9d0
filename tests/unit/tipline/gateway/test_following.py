"""What follows a message."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from tipline.errors import GatewayError
from tipline.gateway.following import Following


@pytest.mark.parametrize(
    "failure", [GatewayError("gateway_kept", gateway="g", count=1), OSError(), sqlite3.Error()]
)
async def test_act_when_it_fails_then_is_a_fault_and_holds_up_nobody(failure: Exception) -> None:
    """Whoever begins it goes on at once; who waits for all hears of no failure."""
    faults: list[BaseException] = []
    following = Following(on_fault=faults.append)

    async def fail() -> None:
        await asyncio.sleep(0)
        raise failure

    following.begin(fail())
    assert faults == []
    await following.wait_idle()
    assert faults == [failure]


async def test_stop_when_a_provider_has_us_wait_then_waits_a_little_and_what_is_left_says_so() -> (
    None
):
    """What is quick is done; what is not ends, and tells what it did not do."""
    faults: list[BaseException] = []
    following = Following(on_fault=faults.append, stop_seconds=0.2)
    kept = GatewayError("gateway_kept", gateway="g", count=1)
    done = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise kept from None

    async def be_quick() -> None:
        await asyncio.sleep(0.01)
        done.append(True)

    following.begin(hang())
    following.begin(be_quick())
    async with asyncio.timeout(10):
        await following.wait_idle()
    assert (faults, done) == ([kept], [True])
    await following.wait_idle()
