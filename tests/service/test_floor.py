"""A disk that is full of tips: there is always room for what must die."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from retention.policy import Policy
from retention.promise import Promises
from tests.service.conftest import PERIODS, World
from tests.service.test_disk import NoIntake
from tests.volumes import mount
from tipline.service.nightly import purge_due
from tipline.service.store import Arrival, Store, StoredTip

DISK, RESERVE = 48 << 20, 32 << 20
FLOOR = RESERVE // 4
PROMISES = Promises.of(Policy(periods=PERIODS))
TEXT = 1 << 16


async def fill(store: Store, world: World, folder: Path) -> int:
    """Store texts that die today until the disk's free space is below the floor."""
    count = 0
    while shutil.disk_usage(folder).free >= FLOOR:
        tip = StoredTip(
            id=secrets.token_bytes(16),
            arrived_on=world.clock.today,
            dies_on=world.clock.today,
            size_bytes=TEXT,
            channel="city",
            sealed_by_service=False,
            keyset=1,
        )
        arrival = Arrival(
            upload_id=secrets.token_bytes(16), answer_dies_on=world.clock.today, tip=tip
        )
        await store.add_whole(arrival, secrets.token_bytes(TEXT))
        count += 1
    return count


async def test_disk_when_texts_have_filled_it_then_they_wait_and_the_purge_has_its_room(
    make_world: Callable[..., World], short_path: Path
) -> None:
    """Whoever fills the disk cannot keep what is due from going, nor the line from going on."""
    folder = short_path / "line"
    with mount(folder, "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs"):
        world = make_world(limits__disk_reserve_bytes=RESERVE)
        async with world.serve() as site:
            assert await site.upload(world.seal()) == (200, {"state": "arrived"})
            count = await fill(site.line.store, world, folder)
            assert count > 50
            assert await site.upload(world.seal()) == (503, {"error": "busy"})
            intake = NoIntake()
            report = await purge_due(
                site.line.store,
                intake=intake,  # type: ignore[arg-type]
                promises=PROMISES,
                today=world.clock.today,
            )
            assert sum(dead.count for dead in report.records) >= count
            assert await site.upload(world.seal()) == (200, {"state": "arrived"})
