"""The log as a running line makes and serves it."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from retention.log import arrivals
from retention.log.arrivals import build_arrivals, make_arrival_leaf
from retention.log.batch import ONE_DAY
from retention.log.checkpoint import verify_checkpoint
from retention.log.entry import Entry, EntryType, decode_entry
from retention.log.merkle import compute_root, hash_leaf
from retention.log.tiles import decode_bundle, list_tiles
from retention.policy import RecordClass
from tipline.errors import InstanceError
from tipline.instance import POLICY_NAME, load_log_signer
from tipline.log_store import LogStore
from tipline.service import day_book
from tipline.service.answers import UNKNOWN
from tipline.service.day_book import TextKind
from tipline.service.day_leaves import part_leaves

FIRST = [EntryType.ORIGIN, EntryType.POLICY, EntryType.PAGE, EntryType.KEYSET]


async def read_log(site: Any) -> list[Entry]:
    """Read and check the whole log over the line, as anybody can."""
    async with site.source.get("/log/checkpoint") as response:
        note = await response.read()
    verifier = load_log_signer(site.instance.directory).verifier()
    checkpoint = verify_checkpoint(note, verifier)
    raw: list[bytes] = []
    hashes: list[bytes] = []
    for path in list_tiles(checkpoint.size):
        async with site.source.get(f"/log/{path.format()}") as response:
            assert response.status == 200
            body = await response.read()
        if path.level is None:
            raw += decode_bundle(body, count=path.width)
        elif path.level == 0:
            hashes += [body[start : start + 32] for start in range(0, len(body), 32)]
    assert hashes == [hash_leaf(entry) for entry in raw]
    assert compute_root(hashes) == checkpoint.root
    return [decode_entry(entry) for entry in raw]


def find(entries: list[Entry], entry_type: EntryType) -> list[dict[str, Any]]:
    """Find what was said of something."""
    return [dict(entry.statement.fields) for entry in entries if entry.statement.type is entry_type]


def next_hour_of_batch(world: Any, days: int = 1) -> None:
    """Set the clock to the hour of the batch, some days later."""
    world.clock.now = (world.clock.now + days * ONE_DAY).replace(hour=5, minute=0)


async def test_log_when_it_is_lost_or_older_then_the_line_is_not_served(
    world: Any, tmp_path: Path
) -> None:
    """No second history is begun with the same key; the newest log put back, all is as before."""
    path = world.directory / "log.db"
    async with world.serve():
        pass
    older = path.read_bytes()
    next_hour_of_batch(world)
    async with world.serve() as site:
        size = site.line.log.size
    newest = path.read_bytes()
    for content in (None, older):
        for file in world.directory.glob("log.db*"):
            file.unlink()
        if content is not None:
            path.write_bytes(content)
            path.chmod(0o600)
        with pytest.raises(InstanceError, match="log_behind") as caught:
            async with world.serve():
                pass
        assert caught.value.facts["known"] == size
    path.write_bytes(newest)
    async with world.serve() as site:
        assert site.line.log.size == size


async def test_log_when_a_line_is_served_first_then_it_says_what_is_served(world: Any) -> None:
    """Origin, policy, page and keyset stand there before anything is taken."""
    async with world.serve() as site:
        entries = await read_log(site)

    assert [entry.statement.type for entry in entries] == FIRST
    assert {entry.day for entry in entries} == {world.clock.today}
    assert entries[0].statement.fields["root"] == world.root.verifier().format()
    policy = (world.directory / POLICY_NAME).read_bytes()
    assert entries[1].statement.fields["sha256"] == hashlib.sha256(policy).hexdigest()
    assert entries[1].statement.fields["periods"]["partial_upload"] == {"begun": 2}
    assert entries[3].statement.fields["sha256"] == world.keyset.sha256


async def test_log_when_asked_for_then_both_sides_give_the_same_and_tiles_can_be_kept(
    world: Any,
) -> None:
    """The same bytes for the source's and the desk's onion; silent as everything else."""
    async with world.serve() as site:
        for path, kept in (
            ("checkpoint", False),
            ("tile/0/000.p/4", True),
            ("tile/entries/000.p/4", True),
            ("tile/0/000.p/2", True),
        ):
            answers = []
            for side in (site.source, site.desk):
                async with side.get(f"/log/{path}") as response:
                    answers.append((response.status, response.headers, await response.read()))
            assert answers[0] == answers[1]
            status, headers, body = answers[0]
            assert status == 200
            assert ("immutable" in headers["Cache-Control"]) is kept
            assert not {"Server", "Date"} & headers.keys()
            async with site.source.head(f"/log/{path}") as response:
                assert response.headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize(
    "path",
    [
        "/log/",
        "/log/tile/0/000",
        "/log/tile/0/000.p/5",
        "/log/tile/0/001.p/1",
        "/log/tile/1/000.p/1",
        "/log/tile/0/0.p/1",
        "/log/tile/entries/000.p/01",
        "/log/checkpoint/",
    ],
)
async def test_log_when_something_else_is_asked_then_it_is_unknown(world: Any, path: str) -> None:
    """What is not there, or is spelled otherwise, is the answer for every unknown path."""
    async with world.serve() as site:
        for side in (site.source, site.desk):
            async with side.get(path) as response:
                assert (response.status, await response.read()) == (404, UNKNOWN.body)
        async with site.source.post("/log/checkpoint") as response:
            assert response.status == 404


async def test_day_when_tips_arrived_then_tree_and_annex_hold_them_and_nothing_shows(
    world: Any,
) -> None:
    """The root commits to every tip's leaf; the exact count is in the annex alone."""
    arrived_on = world.clock.today
    async with world.serve() as site:
        for number in range(3):
            await site.upload(world.seal(f"tip {number}"))
        next_hour_of_batch(world)
    async with world.serve() as site:
        entries = await read_log(site)
        store = site.line.store
        texts = {text.kind: text.text for text in await store.day_book.read_texts(arrived_on)}
        rows = await store._writer.call(  # the salts are nobody else's
            lambda: store._database.execute("SELECT id, salt FROM tips").fetchall()
        )
        left = await store._writer.call(
            lambda: store._database.execute(
                "SELECT (SELECT count(*) FROM arrivals) + (SELECT count(*) FROM counts)"
            ).fetchone()
        )

    seed, leaves = part_leaves(texts[TextKind.ARRIVALS])
    (tree,) = find(entries, EntryType.ARRIVALS)
    (annex,) = find(entries, EntryType.ANNEX)
    assert tree["root"] == build_arrivals(leaves, seed=seed).root.hex()
    assert {make_arrival_leaf(row[0], salt=row[1]) for row in rows} == set(leaves)
    assert len(leaves) == 3
    assert annex["sha256"] == hashlib.sha256(texts[TextKind.ANNEX]).hexdigest()
    counts = json.loads(texts[TextKind.ANNEX])
    assert (counts["of"], counts["arrived"]) == (arrived_on.isoformat(), 3)
    assert counts["stored"]["sealed_tip"] == 3
    assert list(counts["purged"]) == [str(record_class) for record_class in RecordClass]
    assert tuple(left) == (0,)


async def test_batch_when_it_fails_then_the_same_is_told_in_the_end(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written down before a crash is what is told after it."""
    arrived_on = world.clock.today
    async with world.serve() as site:
        await site.upload(world.seal())
    next_hour_of_batch(world)
    with monkeypatch.context() as patched:

        def fail(*_: object, **__: object) -> bytes:
            raise OSError("disk full")

        patched.setattr(LogStore, "append_batch", fail)
        async with world.serve() as site:
            assert [entry.statement.type for entry in await read_log(site)] == FIRST
            first = await site.line.store.day_book.read_texts(arrived_on)
    async with world.serve() as site:
        entries = await read_log(site)
        assert await site.line.store.day_book.read_texts(arrived_on) == first

    assert len(find(entries, EntryType.ARRIVALS)) == 1
    seed, leaves = part_leaves(first[1].text)
    assert (
        find(entries, EntryType.ARRIVALS)[0]["root"] == build_arrivals(leaves, seed=seed).root.hex()
    )


async def test_keyset_and_policy_when_changed_then_the_next_batch_says_so(world: Any) -> None:
    """A change is told with the day on which it was first served, in the batch after it."""
    changed_on = world.clock.today
    async with world.serve() as site:
        world.install(world.sign())
        next_hour_of_batch(world)
    policy = world.directory / POLICY_NAME
    policy.write_bytes(policy.read_bytes().replace(b"arrived = 2", b"arrived = 1"))
    async with world.serve() as site:
        entries = await read_log(site)

    keysets = find(entries, EntryType.KEYSET)
    assert [keyset["number"] for keyset in keysets] == [1, 2]
    assert keysets[1]["sha256"] == world.keyset.sha256
    policies = find(entries, EntryType.POLICY)
    assert [found["periods"]["upload_answer"] for found in policies] == [
        {"arrived": 2},
        {"arrived": 1},
    ]
    assert policies[1]["on"] == world.clock.today.isoformat()
    assert changed_on < world.clock.today


async def test_private_texts_when_their_day_comes_then_they_go_and_the_log_still_verifies(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and leaves die by the policy; nothing of the log depends on them."""
    monkeypatch.setattr(arrivals, "ARRIVALS_SIZE", 16)  # a hundred days of whole trees take long
    arrived_on = world.clock.today
    async with world.serve() as site:
        await site.upload(world.seal())
    next_hour_of_batch(world)
    world.install(world.sign())
    async with world.serve() as site:
        assert len(await site.line.store.day_book.read_texts(arrived_on)) == 2
    for _ in range(4):  # a machine that was off for long is waited for; one that runs is not
        next_hour_of_batch(world, 23)
        world.install(world.sign())
        async with world.serve() as site:
            entries = await read_log(site)
            left = await site.line.store.day_book.read_texts(arrived_on)

    assert left == []
    of = [fields["of"] for fields in find(entries, EntryType.ARRIVALS)]
    assert of == [(arrived_on + number * ONE_DAY).isoformat() for number in range(1 + 4 * 23)]


async def test_tree_when_more_tips_came_than_it_holds_then_the_rest_goes_into_the_next(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tip is without its leaf, and no tree tells that it was full."""
    arrived_on = world.clock.today
    monkeypatch.setattr(day_book, "ARRIVALS_SIZE", 2)
    async with world.serve() as site:
        for _ in range(3):
            await site.upload(world.seal())
    next_hour_of_batch(world, 2)
    async with world.serve() as site:
        entries = await read_log(site)
        counts = []
        for day in (arrived_on, arrived_on + ONE_DAY):
            texts = {
                text.kind: text.text for text in await site.line.store.day_book.read_texts(day)
            }
            counts.append(len(part_leaves(texts[TextKind.ARRIVALS])[1]))

    assert counts == [2, 1]
    assert len({fields["root"] for fields in find(entries, EntryType.ARRIVALS)}) == 2


async def test_clock_when_it_jumps_then_the_log_says_so(world: Any) -> None:
    """A clock that was set forward is in the log, with the day it claims."""
    async with world.serve():
        pass
    before = world.clock.today
    world.clock.now += 400 * ONE_DAY
    boot = datetime.timedelta(days=3)
    world.clock.boot = lambda: ("another boot", boot)
    async with world.serve() as site:
        entries = await read_log(site)
        waiting = site.line.log.read_queue()

    said = find(entries, EntryType.CLOCK) + [dict(one.fields) for one in waiting]
    assert [(one["step"], one["until"]) for one in said if "step" in one] == [
        ("held", world.clock.today.isoformat())
    ]
    assert before < world.clock.today


async def test_tree_when_a_tip_bears_a_day_to_come_then_the_next_batch_tells_of_it(
    world: Any,
) -> None:
    """While a jump of the clock waits for a person, tips bear a day that may never come."""
    arrived_on = world.clock.today
    async with world.serve() as site:
        await site.upload(world.seal())
        later = (arrived_on + 400 * ONE_DAY).isoformat()
        await site.line.store._writer.call(  # as if the clock had said so
            lambda: site.line.store._database.execute("UPDATE arrivals SET about_on = ?", [later])
        )
    next_hour_of_batch(world)
    async with world.serve() as site:
        texts = {
            text.kind: text.text for text in await site.line.store.day_book.read_texts(arrived_on)
        }

    assert len(part_leaves(texts[TextKind.ARRIVALS])[1]) == 1


async def test_batch_when_several_ask_for_it_at_once_then_it_is_made_once(world: Any) -> None:
    """The line's own look may come at the same moment."""
    async with world.serve() as site:
        world.clock.now += datetime.timedelta(days=1)
        daily = site.line.daily
        made = await asyncio.gather(*(daily.catch_up(hour=0, now_hour=1) for _ in range(4)))
        assert made.count(True) <= 1
        assert site.line.log.read_state().batch_on == world.clock.today
