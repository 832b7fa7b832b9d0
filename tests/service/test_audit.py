"""A real line's log, and the verifier that shares no code with it."""

from __future__ import annotations

import contextlib
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from retention.log.batch import ONE_DAY
from tipline.audit.notes import LOG, Key
from tipline.audit.source import DirectorySource
from tipline.audit.verify import Trust, Verdict, verify
from tipline.errors import InstanceError
from tipline.instance import load_log_signer
from tipline.log_export import export_log
from tipline.log_store import LogStore
from tipline.served_line import ask_service
from tipline.service.daily_log import DailyLog
from tipline.service.day_book import TextKind


def judge(world: Any, directory: Path, **more: Any) -> Verdict:
    """Export the line's log, as its operator does, and verify it."""
    verifier = load_log_signer(world.directory).verifier()
    with contextlib.closing(
        LogStore(
            world.directory,
            verifier=verifier,
            today=lambda: world.clock.today,
            mark_folder=world.directory / "slots",
        )
    ) as log:
        export_log(log, directory, keyset=None)
    return verify(
        DirectorySource(directory),
        trust=Trust(
            log=Key.parse(verifier.format(), type_=LOG), root=world.root.verifier().format()
        ),
        today=world.clock.today,
        **more,
    )


def kinds(verdict: Verdict) -> list[str]:
    """The kinds of what was found."""
    return [str(finding.kind) for finding in verdict.findings]


async def live(world: Any, *, days: int, tips: int = 0) -> dict[datetime.date, bytes]:
    """Serve each day around the hour of the batch; give the annexes."""
    annexes = {}
    for _ in range(days):
        world.clock.now = (world.clock.now + ONE_DAY).replace(hour=5, minute=0)
        async with world.serve() as site:
            for number in range(tips):
                await site.upload(world.seal(f"tip {number}"))
            day = world.clock.today - ONE_DAY
            for text in await site.line.store.day_book.read_texts(day):
                if text.kind is TextKind.ANNEX:
                    annexes[day] = text.text
    return annexes


async def test_line_when_it_lives_honestly_then_the_verifier_finds_nothing(
    world: Any, tmp_path: Path
) -> None:
    """Two programs, written apart, agree on a real line's batches, trees, tiles and annexes."""
    async with world.serve() as site:
        await site.upload(world.seal())
    annexes = await live(world, days=5, tips=2)
    first = judge(world, tmp_path / "log", annexes=annexes)
    kept = first.keep()
    await live(world, days=2)
    second = judge(world, tmp_path / "log", kept=kept)

    assert kinds(first) == kinds(second) == []
    assert first.replay is not None
    assert first.replay.annexes.compared_len == len(annexes) == 5
    assert second.read_len == 2 * 16
    assert second.is_split_view_possible


async def test_line_when_it_was_down_then_that_alone_is_found(world: Any, tmp_path: Path) -> None:
    """What a stopped line made up for is told with the time in which it was stopped."""
    async with world.serve():
        pass
    await live(world, days=2)
    world.clock.now += ONE_DAY
    await live(world, days=2)
    verdict = judge(world, tmp_path / "log")

    assert kinds(verdict) == ["downtime"]
    assert verdict.findings[0].facts["days"] == 1


async def test_line_when_its_policy_loosens_then_that_is_found(world: Any, tmp_path: Path) -> None:
    """A longer period of the real policy file is seen in the real log."""
    async with world.serve():
        pass
    await live(world, days=1)
    policy = world.directory / "policy.toml"
    text = policy.read_text()
    assert text.count("= 90") > 5
    policy.write_text(text.replace("last_used = 90", "last_used = 100"))
    await live(world, days=2)
    verdict = judge(world, tmp_path / "log")

    assert kinds(verdict) == ["policy_loosened"]
    assert dict(verdict.findings[0].facts)["class"] == "mailbox"


async def test_annex_when_nobody_could_be_told_of_a_purge_then_its_sums_hold_all_the_same(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What died is counted with its row: a crash right after a purge makes no annex untrue."""

    async def crash(self: DailyLog, report: object) -> None:
        raise OSError("disk full")

    async with world.serve() as site:
        for number in range(3):
            await site.upload(world.seal(f"tip {number}"))
        socket, early = site.line.addresses.operator_socket, [site.tips[0].id.hex()]
        with monkeypatch.context() as patched:
            patched.setattr(DailyLog, "note_purge", crash)
            with pytest.raises(InstanceError):
                await ask_service(socket, "purge-early", {"tips": early})
        assert len(await site.line.store.tips()) == 2
    annexes = await live(world, days=3, tips=1)
    counted = [json.loads(annexes[day]) for day in sorted(annexes)]

    assert kinds(judge(world, tmp_path / "log", annexes=annexes)) == []
    assert (counted[0]["arrived"], counted[0]["purged"]["sealed_tip"]) == (3, 1)
    assert [one["arrived"] for one in counted] == [3, 1, 1]
