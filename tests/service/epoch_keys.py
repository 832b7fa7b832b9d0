"""An epoch's key that is lost, and what a line says and does from then on."""

from __future__ import annotations

from typing import Any

from retention.log.entry import EntryType
from retention.slot import SlotKind
from tests.service.phones import call_line, message


def lose_epoch_keys(store: Any) -> None:
    """Destroy the keys of all epochs, as whoever breaks into the slots would."""
    slots = store._slots
    slots.destroy([(0, SlotKind.EPOCH, label) for label in slots.find(SlotKind.EPOCH)])


async def hold_to_lost_key(world: Any) -> None:
    """Each start says it, the log says it once, and who writes is taken without a handle."""
    for count in (1, 2):
        told: list[Any] = []
        async with world.serve(report=told.append) as site, call_line(world) as caller:
            assert await caller.post(message("two", number=f"b{count}")) == 200
            waiting = [statement.type for statement in site.line.log.read_queue()]
            tips = await site.line.store.tips()
        assert [getattr(one, "code", one) for one in told] == ["epoch_key_lost"]
        assert waiting.count(EntryType.LOST_KEYS) == 1
        assert [tip.pseudonym for tip in tips].count(None) == count
