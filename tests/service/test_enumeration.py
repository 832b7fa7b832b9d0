"""Who has the whole disk and tries a million numbers: finds the sender before, and not after."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.enumerating import (
    KIND_DAY,
    KIND_EPOCH,
    carve_secrets,
    list_numbers,
    open_marks,
    try_marks,
    try_pseudonyms,
)
from tests.service import cheap_hardener
from tests.service.cheap_hardener import LEAST_MEMORY_KIB
from tests.service.test_conversations import (
    EPOCH_DAYS,
    PROMISES,
    Calendar,
    keep,
    open_phones,
    sender,
    settle,
)
from tests.volumes import make_ext4, mount
from tipline.service import handles
from tipline.service.sqlite_store import SqliteStore

IMAGE_BYTES = 64 * 1024 * 1024
NUMBERS = 1_000_000
# The least that Argon2id takes makes no number findable that was not, or the other way round:
# with the 64 MiB of a line the same million would take half a day.


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pseudonym cost little, for the line and whoever attacks it alike."""
    monkeypatch.setattr(handles, "HARDENER_PROGRAM", (cheap_hardener.__file__,))


def query(store: SqliteStore, sql: str) -> list[tuple[bytes, ...]]:
    return [tuple(row) for row in store._database.execute(sql).fetchall()]


@pytest.mark.usefixtures("cheap")
async def test_disk_when_a_million_numbers_are_tried_then_they_give_the_sender_away_no_more(
    tmp_path: Path,
) -> None:
    """
    While the keys live, the disk gives the sender away among a million numbers, by the pseudonym
    and by the mark of the open window; once they were destroyed, it does not, though the attacker
    has the pseudonym, the salt and the window's row from before, and every secret on the device.
    """
    image, folder = tmp_path / "image", tmp_path / "mounted"
    make_ext4(image, size_bytes=IMAGE_BYTES)
    number = random.SystemRandom().choice([*list_numbers(NUMBERS)][: NUMBERS // 2])
    calendar = Calendar()
    with mount(folder, "-o", "loop,data=ordered", str(image)):
        directory = folder / "line"
        directory.mkdir(mode=0o700)
        async with open_phones(directory, calendar) as (store, conversations):
            tip = await keep(conversations, sender(number))
            await settle(conversations)
            (epoch_id, salt), *_ = query(store, "SELECT id, salt FROM epochs")
            ((wanted,),) = query(store, "SELECT pseudonym FROM handles")
            ((window_id, relation),) = query(store, "SELECT id, relation FROM windows")
            epoch_key = store._keys.read_epoch(epoch_id)
            os.sync()
            before = image.read_bytes()
            calendar.turn(EPOCH_DAYS)
            later = await keep(conversations, sender("+525598765432"))
            await settle(conversations)
            report = await store.purge_due(promises=PROMISES, today=calendar())
            assert report.failures == ()
            assert [ended.late_days for ended in report.epochs] == [0]
            assert {one.id: one.pseudonym is None for one in await store.tips()} == {
                tip.id: True,
                later.id: False,
            }
        os.sync()
    after = image.read_bytes()

    # Before, the same attack succeeds: so this test can fail.
    keys, day_keys = carve_secrets(before, KIND_EPOCH), carve_secrets(before, KIND_DAY)
    attack = {"salt": salt, "channel": "city", "wanted": wanted, "memory_kib": LEAST_MEMORY_KIB}
    assert keys == [epoch_key.reveal()]
    assert try_pseudonyms(list_numbers(NUMBERS), epoch_keys=keys, **attack) == number  # type: ignore[arg-type]
    (mark,) = open_marks(relation, day_keys=day_keys, row_id=window_id)
    found = try_marks(list_numbers(NUMBERS), day_keys=day_keys, channel="city", wanted=mark)
    assert found == number

    assert epoch_key.reveal() not in after
    keys = carve_secrets(after, KIND_EPOCH)
    assert len(keys) == 1  # of the epoch that followed
    assert try_pseudonyms(list_numbers(NUMBERS), epoch_keys=keys, **attack) is None  # type: ignore[arg-type]
    left = carve_secrets(after, KIND_DAY)
    assert set(day_keys) - set(left)  # the day's of the window is gone
    assert open_marks(relation, day_keys=left, row_id=window_id) == []
    found = try_marks(list_numbers(NUMBERS), day_keys=left, channel="city", wanted=mark)
    assert found is None
