"""A line on which the operator's own operations place or release a hold, at a fixed time."""

from __future__ import annotations

import datetime
import json
import sqlite3
from pathlib import Path
from typing import Any

from crypto.note import Signer
from retention.policy import EVENTS
from retention.slot import SlotKind
from retention.slot_file import SlotFile
from tipline.clock import BootClock, Clock
from tipline.console import Console
from tipline.instance import Instance, init_instance
from tipline.operating import run_operation
from tipline.service.store import Arrival, StoredTip
from tipline.service.workings import open_parts

FIRST_DAY = datetime.date(2031, 3, 14)
PERIOD_DAYS = 60
LATE = PERIOD_DAYS + 2  # days after the first: what came then is past its day
SINGLE, DOUBLE, YOUNG = b"\xa1" * 16, b"\xa2" * 16, b"\xa3" * 16
WORDS = {"first_person": "First Person", "second_person": "Second Person", "reason": "an order"}


def clock_at(days: int) -> tuple[Clock, BootClock]:
    """Make clocks that stand so many days after the first one."""
    start = datetime.datetime.combine(FIRST_DAY, datetime.time(12), datetime.UTC)
    now = start + datetime.timedelta(days=days)
    return (lambda: now), (lambda: ("b007", now - start + datetime.timedelta(hours=1)))


def operate(directory: Path, name: str, *, days: int, **values: Any) -> dict[str, Any]:
    """Carry out one operation, so many days after the first one."""
    clock, boot_clock = clock_at(days)
    console = Console(translate=str)
    return run_operation(
        directory, name, values, console=console, clock=clock, boot_clock=boot_clock
    )


def add_hold(directory: Path, *tips: bytes) -> str:
    """Place a hold on the first day."""
    until = (FIRST_DAY + datetime.timedelta(days=300)).isoformat()
    ids = [tip.hex() for tip in tips]
    placed = operate(directory, "hold-add", days=0, until=until, channel=None, tips=ids, **WORDS)
    return str(placed["hold"])


async def add_tips(directory: Path, days: int, *tips: bytes) -> None:
    """Store tips, so many days after the first one."""
    clock, boot_clock = clock_at(days)
    with Instance.open(directory) as instance:
        async with open_parts(
            instance,
            clock=clock,
            boot_clock=boot_clock,
            on_clock=lambda event: None,
            on_fault=lambda fault: None,
        ) as parts:
            arrived_on = parts.keeper.today()
            for tip_id in tips:
                tip = StoredTip(
                    id=tip_id,
                    arrived_on=arrived_on,
                    dies_on=arrived_on + datetime.timedelta(days=PERIOD_DAYS),
                    size_bytes=65536,
                    channel="city",
                    sealed_by_service=False,
                    keyset=1,
                )
                arrival = Arrival(upload_id=tip_id, answer_dies_on=tip.dies_on, tip=tip)
                await parts.store.add_whole(arrival, tip_id * 4096)


def make_line(directory: Path) -> None:
    """Make a line without a tip."""
    root = Signer.generate("tipline-root")
    texts = {
        f"line.{part}.{language}": "Harbour"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    init_instance(
        directory,
        settings={"root": root.verifier().format(), **texts},
        periods={name: dict.fromkeys(events, PERIOD_DAYS) for name, events in EVENTS.items()},
        translate=str,
        today=FIRST_DAY,
    )


async def list_open(directory: Path, days: int) -> set[bytes]:
    """List the tips that open, so many days after the first one."""
    clock, boot_clock = clock_at(days)
    with Instance.open(directory) as instance:
        async with open_parts(
            instance,
            clock=clock,
            boot_clock=boot_clock,
            on_clock=lambda event: None,
            on_fault=lambda fault: None,
        ) as parts:
            store = parts.store
            return {
                tip.id
                for tip in await store.tips()
                if await store.read_envelope(tip, offset=0, length=65536) == tip.id * 4096
            }


def list_hold_keys(directory: Path) -> set[str]:
    """List the holds whose keys lie in the slot file."""
    slots = SlotFile(directory / "slots" / "slot-file")
    try:
        return {label.hex() for label in slots.find(SlotKind.HOLD)}
    finally:
        slots.close()


def list_steps(directory: Path) -> dict[str, list[str]]:
    """List what the log was told of each hold, in order."""
    database = sqlite3.connect(directory / "log.db")
    try:
        rows = database.execute(
            "SELECT statement FROM statements WHERE type = 'hold' ORDER BY place"
        ).fetchall()
    finally:
        database.close()
    steps: dict[str, list[str]] = {}
    for (statement,) in rows:
        told = json.loads(statement)
        steps.setdefault(told["hold"], []).append(told["step"])
    return steps
