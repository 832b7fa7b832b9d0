"""What arrives while the purge runs."""

from __future__ import annotations

import asyncio
import secrets
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_purge import PROMISES, TODAY, day, open_line
from tipline.service.record_keys import KeyUnavailableError
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import Arrival, PartialUpload, StoredTip

SLICE = 1 << 20
SLICES = 4


async def begin(store: SqliteStore) -> tuple[PartialUpload, Arrival, bytes]:
    """Send all but the last slice of an upload that is due today."""
    envelope = secrets.token_bytes(SLICES * SLICE)
    upload = PartialUpload(
        id=secrets.token_bytes(16),
        begun_on=day(-2),
        dies_on=TODAY,
        size_bytes=len(envelope),
        channel="city",
        keyset=1,
    )
    for number in range(SLICES - 1):
        piece = envelope[number * SLICE :][:SLICE]
        await store.add_slice(upload, piece, offset=number * SLICE)
    tip = StoredTip(
        id=secrets.token_bytes(16),
        arrived_on=TODAY,
        dies_on=day(90),
        size_bytes=len(envelope),
        channel="city",
        sealed_by_service=False,
        keyset=1,
    )
    return upload, Arrival(upload_id=upload.id, answer_dies_on=day(2), tip=tip), envelope


async def test_purge_when_an_upload_is_being_completed_then_its_tip_opens(
    short_path: Path, monkeypatch: Any
) -> None:
    """INV-05: what is answered "arrived" keeps its key, whatever dies at the same moment."""
    store = open_line(short_path)
    _, arrival, envelope = await begin(store)
    linked, go_on = threading.Event(), threading.Event()
    link = store._files.link

    def link_slowly(upload_id: bytes, *, tip_id: bytes) -> None:
        link(upload_id, tip_id=tip_id)
        linked.set()
        assert go_on.wait(10)

    monkeypatch.setattr(store._files, "link", link_slowly)
    last = (SLICES - 1) * SLICE
    completing = asyncio.create_task(store.complete(arrival, envelope[last:], offset=last))
    assert await asyncio.to_thread(linked.wait, 10)
    forgotten = asyncio.Event()
    purging = asyncio.create_task(
        store.purge_due(promises=PROMISES, today=TODAY, forget=lambda upload_id: forgotten.set())
    )
    await asyncio.wait_for(forgotten.wait(), 10)  # the purge has come to it, and waits
    go_on.set()
    await completing
    report = await purging
    assert (report.failures, report.records) == ((), ())
    assert await store.remembers(arrival.upload_id)
    assert await store.read_envelope(arrival.tip, offset=0, length=len(envelope)) == envelope
    store.close()


async def test_complete_when_the_upload_was_let_go_then_it_is_refused(short_path: Path) -> None:
    """What was purged is not completed afterwards, and nothing of it is answered "arrived"."""
    store = open_line(short_path)
    upload, arrival, envelope = await begin(store)
    assert (await store.purge_due(promises=PROMISES, today=TODAY)).count == 1
    last = (SLICES - 1) * SLICE
    with pytest.raises(KeyUnavailableError):
        await store.complete(arrival, envelope[last:], offset=last)
    assert not await store.remembers(upload.id)
    assert await store.tips() == []
    store.close()
