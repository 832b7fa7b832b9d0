"""The operator's socket, with a line that is really served: purge, early deaths, holds, clock."""

from __future__ import annotations

import asyncio
import datetime
import errno
import hashlib
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from retention.errors import HoldError
from retention.log.entry import EntryType
from retention.slot import SlotKind
from retention.slot_file import SlotFile
from tipline.console import Console
from tipline.errors import InstanceError, UsageError
from tipline.log_store import LogStore
from tipline.operating import run_operation
from tipline.served_line import ask_service
from tipline.service.sqlite_store import SqliteStore

TIP_DAYS = 90  # of the line in conftest.py
WORDS = {"first_person": "Ana Duarte", "second_person": "Luís Prado", "reason": "court order 17"}


async def ask(site: Any, name: str, **values: Any) -> dict[str, Any]:
    """Ask the running line."""
    return await ask_service(site.line.addresses.operator_socket, name, values)


async def hold(site: Any, **changed: Any) -> dict[str, Any]:
    """Place a hold by the operator's socket."""
    values = {"until": "2031-04-14", "channel": None, "tips": [], **WORDS, **changed}
    return await ask(site, "hold-add", **values)


def later(world: Any, days: int) -> None:
    """Let days pass."""
    world.clock.now += datetime.timedelta(days=days)


async def stored(site: Any) -> set[str]:
    """List the tips that are there and that open."""
    ids = set()
    for tip in await site.line.store.tips():
        piece = await site.line.store.read_envelope(tip, offset=0, length=16)
        if piece is not None:
            assert piece.startswith(b"age-encryption")
            ids.add(tip.id.hex())
    return ids


async def send(world: Any, site: Any, count: int = 1) -> list[str]:
    """Send tips; give their ids in the order of arrival."""
    before = len(site.tips)
    for _ in range(count):
        assert (await site.upload(world.seal()))[1] == {"state": "arrived"}
    return [tip.id.hex() for tip in site.tips[before:]]


async def test_purge_when_nothing_is_due_then_the_plan_counts_what_is_stored(world: Any) -> None:
    """The plan changes nothing, and says how many die on which day."""
    async with world.serve() as site:
        await send(world, site, 3)
        plan = await ask(site, "plan")
        dies_on = (world.clock.today + datetime.timedelta(days=TIP_DAYS)).isoformat()
        assert plan["records"] == []
        assert {"class": "sealed_tip", "dies_on": dies_on, "count": 3} in plan["counts"]
        assert len(await stored(site)) == 3


async def test_purge_when_a_day_has_come_then_each_record_has_its_reason_and_goes(
    world: Any,
) -> None:
    """What the plan names is what goes, while the line is served."""
    async with world.serve() as site:
        ids = await send(world, site, 2)
        later(world, TIP_DAYS)
        plan = await ask(site, "plan")
        tips = {one["id"]: one for one in plan["records"] if one["class"] == "sealed_tip"}
        assert set(tips) == set(ids)
        assert all(one["goes"] and one["reason"] == "on_its_day" for one in tips.values())
        assert len(await stored(site)) == 2
        report = await ask(site, "purge")
        gone = {dead["class"]: dead["count"] for dead in report["records"]}
        assert gone["sealed_tip"] == 2
        assert report["failures"] == []
        assert await stored(site) == set()
        assert (await ask(site, "plan"))["records"] == []


async def test_early_when_two_neighbours_arrived_on_the_same_day_then_they_stay(
    world: Any, tmp_path: Path
) -> None:
    """An early death kills one record; a copy made before does not open it, its neighbours do."""
    async with world.serve() as site:
        first, wanted, last = await send(world, site, 3)
        copy_without_slots(world.directory, tmp_path / "backup")
        plan = await ask(site, "plan-early", tips=[wanted])
        assert [(one["id"], one["goes"]) for one in plan["records"]] == [(wanted, True)]
        assert len(await stored(site)) == 3
        report = await ask(site, "purge-early", tips=[wanted])
        assert [dead["reasons"] for dead in report["records"]] == [{"deleted_early": 1}]
        assert await stored(site) == {first, last}
    assert await opened_from(world, tmp_path / "backup") == {first, last}


@pytest.mark.parametrize("name", ["plan-early", "purge-early"])
async def test_early_when_an_id_is_unknown_then_it_is_named_and_nothing_goes(
    world: Any, name: str
) -> None:
    """A list with one unknown id is refused whole."""
    async with world.serve() as site:
        (known,) = await send(world, site)
        unknown = "ab" * 16
        with pytest.raises(InstanceError) as refused:
            await ask(site, name, tips=[known, unknown])
        assert refused.value.code == "tip_unknown"
        assert refused.value.facts == {"ids": unknown, "count": 1}
        assert await stored(site) == {known}
        for spelled in ("AB" * 16, "ab", "ab" * 17, "no"):
            with pytest.raises(UsageError) as wrong:
                await ask(site, name, tips=[spelled])
            assert wrong.value.code == "tip_id"


async def test_hold_when_over_ids_then_these_outlive_their_day_and_no_others(
    world: Any,
) -> None:
    """A hold keeps what it names, readable by the desk, after the day's key died."""
    async with world.serve() as site:
        kept, other = await send(world, site, 2)
        placed = await hold(site, tips=[kept], until="2031-08-01")
        assert placed["count"] == 1
        later(world, TIP_DAYS)
        plan = {one["id"]: one for one in (await ask(site, "plan"))["records"]}
        assert (plan[kept]["goes"], plan[kept]["reason"]) == (False, "held")
        assert plan[kept]["holds"] == [placed["hold"]]
        assert plan[other]["goes"]
        await ask(site, "purge")
        assert await stored(site) == {kept}


async def test_hold_when_over_a_channel_then_later_arrivals_are_held_too(world: Any) -> None:
    """What comes while the hold lasts is under it."""
    async with world.serve() as site:
        (before,) = await send(world, site)
        placed = await hold(site, channel="city", until="2031-08-01")
        assert placed["count"] == 1
        (after,) = await send(world, site)
        (listed,) = (await ask(site, "hold-list"))["holds"]
        assert listed["count"] == 2
        later(world, TIP_DAYS)
        await ask(site, "purge")
        assert await stored(site) == {before, after}
    async with world.serve() as site:  # the hold is known after a restart, and its words
        assert await stored(site) == {before, after}
        (third,) = await send_anew(world, site)
        (listed,) = (await ask(site, "hold-list"))["holds"]
        assert (listed["words"]["channel"], listed["count"]) == ("city", 3)
        assert third in await stored(site)


async def test_hold_when_its_day_comes_then_it_ends_aloud_and_what_is_past_its_day_dies(
    world: Any, tmp_path: Path
) -> None:
    """Expiry needs nobody: operator and log are told, and only what is past its day goes."""
    ended: list[Any] = []
    async with world.serve() as site:
        (old,) = await send(world, site)
        placed = await hold(site, channel="city", until="2031-08-01")
        later(world, TIP_DAYS + 1)
        await ask(site, "purge")
        (young,) = await send_anew(world, site)
        copy_without_slots(world.directory, tmp_path / "backup")
        assert await stored(site) == {old, young}
    world.clock.now = datetime.datetime(2031, 8, 1, 4, tzinfo=datetime.UTC)
    async with world.serve(on_hold=ended.append) as site:
        assert [one.id.hex() for one in ended] == [placed["hold"]]
        assert await stored(site) == {young}
        listed = await ask(site, "hold-list")
        assert listed["holds"] == []
        (text,) = listed["ended"]
        salted = bytes.fromhex(text["salt"]) + text["text"].encode()
        assert hashlib.sha256(salted).hexdigest() == placed["commitment"]
        assert json.loads(text["text"])["reason"] == WORDS["reason"]
    assert steps_of(world, placed["hold"]) == [("placed", "2031-03-14"), ("expired", "2031-08-01")]
    # What died under the hold's key does not open from a copy made before; the neighbour does.
    assert await opened_from(world, tmp_path / "backup") == {young}


async def test_hold_when_released_then_only_what_it_alone_held_past_its_day_dies(
    world: Any, tmp_path: Path
) -> None:
    """Neighbours, and what another hold covers, stay."""
    async with world.serve() as site:
        single, double = await send(world, site, 2)
        first = await hold(site, tips=[single, double], until="2031-08-01")
        second = await hold(site, tips=[double], until="2031-09-01")
        later(world, TIP_DAYS + 3)
        await ask(site, "purge")
        (young,) = await send_anew(world, site)
        copy_without_slots(world.directory, tmp_path / "backup")
        plan = await ask(site, "plan-release", hold=first["hold"])
        assert {one["id"]: one["goes"] for one in plan["records"]} == {single: True, double: False}
        assert await stored(site) == {single, double, young}
        report = await ask(site, "hold-release", hold=first["hold"])
        assert report["holds"] == [first["hold"]]
        assert await stored(site) == {double, young}
        assert [one["hold"] for one in (await ask(site, "hold-list"))["holds"]] == [second["hold"]]
        with pytest.raises(HoldError) as again:
            await ask(site, "hold-release", hold=first["hold"])
        assert again.value.code == "hold_unknown"
    assert [step for step, _ in steps_of(world, first["hold"])] == ["placed", "released"]
    assert [step for step, _ in steps_of(world, second["hold"])] == ["placed"]
    assert await opened_from(world, tmp_path / "backup") == {double, young}


async def test_early_when_the_tip_is_held_then_refused_with_the_holds_name(world: Any) -> None:
    """A hold wins over whoever wants a tip gone."""
    async with world.serve() as site:
        (tip,) = await send(world, site)
        placed = await hold(site, tips=[tip])
        with pytest.raises(InstanceError) as refused:
            await ask(site, "purge-early", tips=[tip])
        assert refused.value.code == "tip_held"
        assert refused.value.facts == {"id": tip, "holds": placed["hold"]}
        assert await stored(site) == {tip}


async def test_hold_when_placed_then_its_words_lie_nowhere_in_clear(world: Any) -> None:
    """Persons, reason and channel are in no file: neither while it lasts nor after its end."""
    words = [text.encode() for text in WORDS.values()]

    def find() -> list[str]:
        files = [path for path in world.directory.rglob("*") if path.is_file()]
        return [str(path) for path in files if any(one in path.read_bytes() for one in words)]

    async with world.serve() as site:
        placed = await hold(site, channel="city")
        assert find() == []
        await ask(site, "hold-release", hold=placed["hold"])
        assert find() == []
        (ended,) = (await ask(site, "hold-list"))["ended"]
        assert WORDS["reason"] in ended["text"]
    assert find() == []


async def test_words_when_the_period_of_log_texts_is_over_then_nobody_can_show_them(
    world: Any,
) -> None:
    """The log keeps its commitment; what it commits to is gone by its day."""
    async with world.serve() as site:
        placed = await hold(site, channel="city", until="2031-03-20")
    later(world, 6)
    async with world.serve() as site:
        assert len((await ask(site, "hold-list"))["ended"]) == 1
    later(world, TIP_DAYS)
    async with world.serve() as site:
        assert await ask(site, "hold-list") == {
            "today": world.clock.today.isoformat(),
            "holds": [],
            "ended": [],
        }
    assert [step for step, _ in steps_of(world, placed["hold"])] == ["placed", "expired"]


async def test_release_when_the_slot_file_refuses_then_nothing_is_claimed_and_the_next_run_ends_it(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key goes first: while it is there the hold has not ended, and the log does not say so."""

    def refuse(hold_ids: Any) -> None:
        raise OSError(errno.EIO, "the disk refuses")

    async with world.serve() as site:
        (tip,) = await send(world, site)
        placed = await hold(site, tips=[tip], until="2031-08-01")
        later(world, TIP_DAYS)
        await ask(site, "purge")
        with monkeypatch.context() as patch:
            patch.setattr(site.line.store._keys, "destroy_holds", refuse)
            report = await ask(site, "hold-release", hold=placed["hold"])
        assert (report["holds"], report["failed_count"] > 0) == ([], True)
        assert await stored(site) == {tip}
        assert [step for step, _ in steps_of(world, placed["hold"])] == ["placed"]
        report = await ask(site, "purge")
        assert (report["holds"], report["failures"]) == ([placed["hold"]], [])
        assert await stored(site) == set()
    assert [step for step, _ in steps_of(world, placed["hold"])] == ["placed", "released"]


async def test_hold_when_the_row_cannot_be_written_then_no_key_is_left(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be placed holds nothing, later arrivals neither."""

    def refuse(*arguments: Any, **more: Any) -> int:
        raise sqlite3.OperationalError("disk I/O error")

    async with world.serve() as site:
        with monkeypatch.context() as patch:
            patch.setattr(site.line.store._holdings, "add", refuse)
            with pytest.raises(InstanceError) as refused:
                await hold(site, channel="city")
        assert refused.value.code == "operation_failed"
        assert (await ask(site, "hold-list"))["holds"] == []
        assert dict(site.line.store._slots.find(SlotKind.HOLD)) == {}
        await send(world, site)
    assert log_statements(world, EntryType.HOLD) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"second_person": "ana duarte"}, "hold_one_person"),
        ({"reason": " "}, "hold_reason"),
        ({"until": "2031-03-14"}, "hold_until_past"),
        ({"until": "2033-03-14"}, "hold_until_far"),
        ({"channel": "cty"}, "hold_channel"),
        ({"until": "14/3/2031"}, "clock_day"),
        ({"tips": ["ab" * 16]}, "tip_unknown"),
    ],
)
async def test_hold_when_it_cannot_be_placed_then_nothing_of_it_stays(
    world: Any, changed: dict[str, Any], code: str
) -> None:
    """A refused hold holds nothing and is not in the log."""
    wanted = {"channel": "city"} if "tips" not in changed else {}
    async with world.serve() as site:
        with pytest.raises((HoldError, InstanceError, UsageError)) as refused:
            await hold(site, **{**wanted, **changed})
        assert refused.value.code == code
        # What needs no person is refused before anybody is asked for one.
        extent = {"until": "2031-04-14", "channel": None, "tips": [], **wanted, **changed}
        for name in WORDS:
            extent.pop(name, None)
        if changed.keys() & WORDS.keys():
            assert "today" in await ask(site, "plan-hold", **extent)
        else:
            with pytest.raises((HoldError, InstanceError, UsageError)) as refused:
                await ask(site, "plan-hold", **extent)
            assert refused.value.code == code
        assert (await ask(site, "hold-list"))["holds"] == []
    assert log_statements(world, EntryType.HOLD) == []


@pytest.mark.parametrize("released", [False, True])
async def test_hold_when_the_log_refuses_it_then_the_next_purge_tells_it(
    world: Any, monkeypatch: pytest.MonkeyPatch, released: bool
) -> None:
    """A hold that lasts is missing from the log for a night, and none ends there unplaced."""

    def refuse(self: LogStore, statement: Any, **occasion: Any) -> None:
        raise OSError(errno.ENOSPC, "the disk is full")

    async with world.serve() as site:
        with monkeypatch.context() as patch:
            patch.setattr(LogStore, "queue", refuse)
            with pytest.raises(InstanceError) as refused:
                await hold(site, channel="city")
        assert refused.value.code == "operation_failed"
        (placed,) = (await ask(site, "hold-list"))["holds"]
        assert steps_of(world, placed["hold"]) == []
        if released:
            await ask(site, "hold-release", hold=placed["hold"])
        else:
            await ask(site, "purge")
        steps = [step for step, _ in steps_of(world, placed["hold"])]
        assert steps == ["placed", *(["released"] if released else [])]
        await ask(site, "purge")
        assert [step for step, _ in steps_of(world, placed["hold"])] == steps


async def test_fault_when_an_operation_has_one_then_its_place_is_told_and_not_its_message(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line answers, so nobody is told that it does not; what it says quotes nothing."""

    async def fail(self: SqliteStore) -> Any:
        raise RuntimeError("a secret")

    async with world.serve() as site:
        monkeypatch.setattr(SqliteStore, "holds", fail)
        with pytest.raises(InstanceError) as told:
            await ask(site, "hold-list")
        assert told.value.code == "operation_fault"
        place = str(told.value.facts["place"])
        assert re.fullmatch(r"RuntimeError test_operator\.py:[0-9]+", place)
        monkeypatch.undo()
        assert (await ask(site, "hold-list"))["holds"] == []


async def test_clock_when_a_person_confirms_it_then_the_running_line_goes_by_it(
    world: Any,
) -> None:
    """Nobody needs to stop the line for it."""
    async with world.serve(boot_clock=lambda: ("b007", datetime.timedelta(days=1))) as site:
        later(world, 40)
        assert (await ask(site, "clock"))["waiting_since"] == "2031-04-23"
        with pytest.raises(InstanceError) as refused:
            await ask(site, "clock-confirm", day="2031-04-22")
        assert refused.value.code == "clock_other_day"
        told = await ask(site, "clock-confirm", day="2031-04-23")
        assert (told["trusted"], told["waiting_since"]) == ("2031-04-23", None)


async def test_operation_when_unknown_or_malformed_then_refused_without_a_word(
    world: Any,
) -> None:
    """What is no operation is answered as any unknown path is."""
    async with world.serve() as site:
        path = site.line.addresses.operator_socket
        assert path.stat().st_mode & 0o777 == 0o600
        for name in ("nothing", "plan/x"):
            with pytest.raises(InstanceError) as refused:
                await ask_service(path, name, {})
            assert refused.value.code == "operator_silent"
        with pytest.raises(UsageError):
            await ask_service(path, "plan", {"what": 1})
        async with site.source.post("/plan", data=b"{}") as response:
            assert response.status == 404
        async with site.desk.post("/plan", data=b"{}") as response:
            assert response.status == 404


async def test_operation_when_whoever_asked_goes_away_then_it_is_finished(world: Any) -> None:
    """A purge that was begun is not left half done by a closed terminal."""
    async with world.serve() as site:
        await send(world, site, 3)
        later(world, TIP_DAYS)
        path = site.line.addresses.operator_socket
        _, writer = await asyncio.open_unix_connection(path)
        writer.write(b"POST /purge HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(30):
            while (await ask(site, "plan"))["records"]:
                continue
        assert await stored(site) == set()


async def test_operation_when_nobody_serves_the_line_then_the_command_does_it_itself(
    world: Any,
) -> None:
    """The same operation, by the same call, on a line that is off."""
    async with world.serve() as site:
        (tip,) = await send(world, site)

    def run(name: str, **values: Any) -> dict[str, Any]:
        console = Console(translate=lambda text: text)
        return run_operation(
            world.directory,
            name,
            values,
            console=console,
            clock=world.clock,
            boot_clock=world.clock.boot,
        )

    values = {"until": "2031-08-01", "channel": None, "tips": [tip], **WORDS}
    placed = await asyncio.to_thread(run, "hold-add", **values)
    later(world, TIP_DAYS)
    assert (await asyncio.to_thread(run, "purge"))["failures"] == []
    (listed,) = (await asyncio.to_thread(run, "hold-list"))["holds"]
    assert (listed["hold"], listed["count"]) == (placed["hold"], 1)
    released = await asyncio.to_thread(run, "hold-release", hold=placed["hold"])
    assert released["holds"] == [placed["hold"]]
    left = (await asyncio.to_thread(run, "plan"))["counts"]
    assert [one["class"] for one in left] == ["log_text"]  # the words of the hold that ended
    assert [step for step, _ in steps_of(world, placed["hold"])] == ["placed", "released"]


async def send_anew(world: Any, site: Any) -> list[str]:
    """Send a tip after the first keyset expired."""
    world.install(world.sign())
    assert world.keyset is not None
    before = len(site.tips)
    answer = await site.upload(world.seal(), keyset=world.keyset.number)
    assert answer[1] == {"state": "arrived"}
    return [tip.id.hex() for tip in site.tips[before:]]


def copy_without_slots(directory: Path, copy: Path) -> None:
    """Copy what a backup of files would hold: everything but the slots."""
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("slots", "*.sock", "run"))


async def opened_from(world: Any, copy: Path) -> set[str]:
    """Restore an older copy beside today's slots, and see which tips still open."""
    slots = copy / "slots"
    shutil.copytree(world.directory / "slots", slots)
    (copy / "run").mkdir(exist_ok=True)
    store = SqliteStore(copy, slots=SlotFile(slots / "slot-file"), today=lambda: world.clock.today)
    try:
        return {
            tip.id.hex()
            for tip in await store.tips()
            if await store.read_envelope(tip, offset=0, length=16) is not None
        }
    finally:
        store.close()


def log_statements(world: Any, entry_type: EntryType) -> list[dict[str, Any]]:
    """List what is logged or waits for the log."""
    database = sqlite3.connect(world.directory / "log.db")
    try:
        rows = database.execute(
            "SELECT statement FROM statements WHERE type = ? ORDER BY place", [str(entry_type)]
        ).fetchall()
    finally:
        database.close()
    return [json.loads(row[0]) for row in rows]


def steps_of(world: Any, hold_id: str) -> list[tuple[str, str]]:
    """List what the log says of a hold: step and day."""
    statements = log_statements(world, EntryType.HOLD)
    return [(one["step"], one["on"]) for one in statements if one["hold"] == hold_id]
