"""The upload protocol, over a real unix socket."""

from __future__ import annotations

import asyncio
import datetime
import secrets
import sqlite3
from typing import Any

import pytest

from crypto.bundle import parse_trailer, verify_index


async def test_upload_when_text_then_it_arrives_and_is_what_was_sent(world: Any) -> None:
    """A tip of text alone arrives in one slice, and the store holds exactly its bytes."""
    envelope = world.seal()
    async with world.serve() as site:
        assert await site.upload(envelope) == (200, {"state": "arrived"})
        (tip,) = await site.line.store.tips()
        assert tip.size_bytes == len(envelope) == 65536
        assert await site.line.store.read_envelope(tip, offset=0, length=65536) == envelope
    assert site.tips == [tip]


@pytest.mark.parametrize("content_len", [1, 200_000, 900_000, 3_000_000])
async def test_upload_when_files_are_attached_then_each_rung_arrives(
    world: Any, content_len: int
) -> None:
    """An envelope of 256 KiB, 1 MiB and 4 MiB arrives, in one slice and in several."""
    envelope = world.seal(files=(secrets.token_bytes(content_len),))
    async with world.serve() as site:
        assert await site.upload(envelope) == (200, {"state": "arrived"})
        (tip,) = await site.line.store.tips()
        assert await site.line.store.read_envelope(tip, offset=0, length=1 << 23) == envelope
        assert list((world.directory / "partial").iterdir()) == []


async def test_tip_when_stored_then_its_days_follow_the_policy(world: Any) -> None:
    """A tip knows its day of arrival and the day on which it dies, by the policy."""
    async with world.serve() as site:
        await site.upload(world.seal())
    (tip,) = site.tips
    assert tip.arrived_on == datetime.date(2031, 3, 14)
    assert tip.dies_on == datetime.date(2031, 6, 12)
    assert (tip.channel, tip.keyset, tip.sealed_by_service) == ("city", 1, False)


async def test_upload_when_repeated_after_arrival_then_arrived(world: Any) -> None:
    """A client that lost the answer may repeat any request and learns that the tip arrived."""
    envelope = world.seal()
    upload_id = secrets.token_hex(16)
    async with world.serve() as site:
        assert await site.ask(upload_id) == (404, {"error": "unknown"})
        assert await site.put(upload_id) == (200, {"state": "open", "offset": 0})
        assert await site.put(upload_id) == (200, {"state": "open", "offset": 0})
        assert await site.ask(upload_id) == (200, {"state": "open", "offset": 0})
        for _ in range(2):
            assert await site.patch(upload_id, envelope, offset=0) == (200, {"state": "arrived"})
        assert await site.put(upload_id) == (200, {"state": "arrived"})
        assert await site.ask(upload_id) == (200, {"state": "arrived"})
        assert len(await site.line.store.tips()) == 1


async def test_bundle_when_fetched_then_the_desk_can_verify_and_open_it(world: Any) -> None:
    """A bundle holds every tip, and its index is signed by the service that the keyset names."""
    envelopes = {world.seal("one"), world.seal("two", files=(secrets.token_bytes(2_000_000),))}
    async with world.serve() as site:
        for envelope in envelopes:
            await site.upload(envelope)
        bundle = await site.fetch_bundle()
    index_len = parse_trailer(bundle[-16:])
    end = len(bundle) - 16 - index_len
    index = verify_index(bundle[end:-16], root=world.root.verifier(), envelopes_end=end)
    assert index.keyset_note == world.note
    assert {bundle[tip.offset : tip.offset + tip.size_bytes] for tip in index.tips} == envelopes


async def test_opening_when_its_look_into_the_store_ends_after_the_arrival_then_it_has_arrived(
    world: Any, monkeypatch: Any
) -> None:
    """A repeated opening that is answered late does not begin an upload that has arrived."""
    async with world.serve() as site:
        upload_id, envelope = secrets.token_hex(16), world.seal()
        store, begun, arrived = site.line.store, asyncio.Event(), asyncio.Event()
        remembers = store.remembers

        async def remember_late(upload: bytes) -> bool:
            answer = bool(await remembers(upload))
            if not begun.is_set():
                begun.set()
                await arrived.wait()
            return answer

        monkeypatch.setattr(store, "remembers", remember_late)
        late = asyncio.create_task(site.put(upload_id))
        await begun.wait()
        assert await site.put(upload_id) == (200, {"state": "open", "offset": 0})
        assert await site.patch(upload_id, envelope, offset=0) == (200, {"state": "arrived"})
        arrived.set()
        assert await late == (200, {"state": "arrived"})
        assert await site.ask(upload_id) == (200, {"state": "arrived"})


async def test_tip_when_its_row_cannot_be_written_then_no_file_stays(
    world: Any, monkeypatch: Any
) -> None:
    """A file that no row names would outlive every purge."""
    envelope = world.seal(files=(secrets.token_bytes(100_000),))
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id, size_bytes=len(envelope))

        def fail(*args: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        monkeypatch.setattr(site.line.store._arriving, "_add_arrival", fail)
        assert (await site.patch(upload_id, envelope, offset=0))[0] == 503
        fresh = world.directory / "envelopes" / "fresh"
        assert list(fresh.iterdir()) == []
        monkeypatch.undo()
        assert await site.patch(upload_id, envelope, offset=0) == (200, {"state": "arrived"})
