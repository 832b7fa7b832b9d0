"""Sealing that takes its time: what comes meanwhile is what a test is about."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from tipline.gateway.sealers import Sealers


@dataclasses.dataclass(slots=True, kw_only=True)
class SlowSealing:
    """The first sealing of a line waits until it may go on; all others are as always."""

    has_begun: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    sealed_len: int = 0


def slow_first_sealing(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> SlowSealing:
    """Slow the first sealing, which may fail in the end."""
    slow, real = SlowSealing(), Sealers.seal

    async def seal(sealers: Sealers, sealable: Any) -> bytes:
        slow.sealed_len += 1
        if slow.sealed_len == 1:
            slow.has_begun.set()
            await slow.may_go_on.wait()
            if fails:
                raise OSError(28, "no room")
        return await real(sealers, sealable)

    monkeypatch.setattr(Sealers, "seal", seal)
    return slow
