"""What died opens from no backup, and its keys are not on the disk; its neighbours still open."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from tests.crash.purged_line import (
    HELD,
    TIPS,
    find_secrets,
    make_line,
    open_line,
    purge,
)
from tests.volumes import make_ext4, mount

NOT_IN_A_BACKUP = ("slots", "mirror")
IMAGE_BYTES = 192 * 1024 * 1024


def back_up(directory: Path, backup: Path) -> None:
    """Copy everything but the slots, as a backup does."""
    shutil.copytree(directory, backup, ignore=shutil.ignore_patterns(*NOT_IN_A_BACKUP))


def restore(directory: Path, backup: Path, restored: Path) -> Path:
    """Put a backup beside the slots that are there by now."""
    shutil.copytree(backup, restored)
    for name in NOT_IN_A_BACKUP:
        shutil.copytree(directory / name, restored / name)
    return restored


async def read_all(directory: Path) -> dict[int, bytes | None]:
    """Try to open every tip of a line."""
    store = open_line(directory)
    tips = {tip.id: tip for tip in await store.tips()}
    found = {
        planted.number: await store.read_envelope(tips[planted.id], offset=0, length=1 << 30)
        for planted in TIPS
        if planted.id in tips
    }
    store.close()
    return found


async def purge_line(directory: Path) -> None:
    """Open, purge, close."""
    store = open_line(directory)
    await purge(store)
    store.close()


@pytest.mark.parametrize("stage", ["stored", "held", "morning"])
def test_backup_when_taken_before_a_death_then_what_died_opens_no_more(
    tmp_path: Path, stage: str
) -> None:
    """
    A backup from before the purge, before an early end, or before the release of a hold: none of
    the dead opens, every living tip does, those of the same day and of the same hold, too.
    """
    directory, backup = tmp_path / "line", tmp_path / "backup"

    def back_up_at(reached: str) -> None:
        if reached == stage:
            back_up(directory, backup)

    asyncio.run(make_line(directory, on_stage=back_up_at))
    before = asyncio.run(read_all(restore(directory, backup, tmp_path / "before")))
    for planted in TIPS:
        # What is restored while the keys live opens: the check below can fail.
        if stage == "stored":
            assert before[planted.number] == planted.envelope
    asyncio.run(purge_line(directory))
    after = asyncio.run(read_all(restore(directory, backup, tmp_path / "after")))
    for planted in TIPS:
        # Before the hold was placed nothing in the backup was under it.
        dead = planted.dead or (stage == "stored" and planted.number == HELD)
        assert after.get(planted.number) == (None if dead else planted.envelope), planted.number


def test_disk_when_a_line_was_purged_then_no_key_of_the_dead_is_on_it(tmp_path: Path) -> None:
    """On a raw ext4 image: the secrets of days, records and holds are there before, not after."""
    image, folder = tmp_path / "image", tmp_path / "mounted"
    make_ext4(image, size_bytes=IMAGE_BYTES)
    with mount(folder, "-o", "loop,data=ordered", str(image)):
        directory = folder / "line"
        asyncio.run(make_line(directory))
        shutil.copytree(directory, tmp_path / "copy")
        secrets = {
            name: bytes.fromhex(value)
            for name, value in find_secrets(tmp_path / "copy").items()
            if name.endswith("secret") or name.startswith(("day", "hold"))
        }
        os.sync()
        raw = image.read_bytes()
        assert [name for name, value in secrets.items() if value not in raw] == []
        asyncio.run(purge_line(directory))
        os.sync()
    raw = image.read_bytes()
    assert [name for name, value in secrets.items() if value in raw] == []
    assert len(secrets) > 15
