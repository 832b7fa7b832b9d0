"""The queue of pseudonyms: its workers outlive whatever fails."""

from __future__ import annotations

import asyncio

import pytest

from crypto.errors import ForgedError
from tipline.compute_pool import ProcessDiedError
from tipline.service import pseudonyms
from tipline.service.pseudonyms import WORKERS, PseudonymQueue


async def test_worker_when_memory_is_short_or_a_row_damaged_then_the_others_get_their_handles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More failures than workers, of kinds that nobody foresaw: all is derived in the end."""
    monkeypatch.setattr(pseudonyms, "RETRY_SECONDS", 0.01)
    failures: list[Exception] = [ProcessDiedError(), ForgedError("window")]
    failures += [MemoryError() for _ in range(WORKERS)]
    faults: list[Exception] = []
    finished: list[tuple[bytes, bytes]] = []

    async def derive(job: tuple[bytes, bytes]) -> bytes:
        if failures:
            raise failures.pop(0)
        return b"pseudonym"

    async def finish(job: tuple[bytes, bytes], pseudonym: bytes | None) -> None:
        finished.append(job)

    queue = PseudonymQueue(
        derive=derive, finish=finish, on_fault=faults.append, monotonic=lambda: 0.0
    )
    jobs = [(bytes([number]), b"epoch") for number in range(3)]
    for conversation, epoch in jobs:
        queue.expect(conversation, (conversation, epoch))
    queue.start()

    async with asyncio.timeout(10):
        await queue.wait_empty()
    await queue.stop()

    assert sorted(finished) == jobs
    assert len(faults) == 2 + WORKERS
