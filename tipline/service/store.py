"""
What a store of tips offers, and what is known of a tip.

Written from what the service needs, so that another store can take SQLite's place.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from retention.hold import Hold
from retention.plan import Move, Record, Waiting
from retention.policy import Policy, RecordClass
from retention.promise import Promises
from tipline.service.day_book import PrivateText
from tipline.service.groups import Group
from tipline.service.purge_report import DeadEpoch, PurgeReport


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartialUpload:
    """
    An upload of which something is on disk.

    Args:
        id: As the client chose it, 16 bytes.
        begun_on: The day of its first slice.
        dies_on: By the policy of that day.
        size_bytes: Of the whole envelope.
        channel: As the client named it.
        keyset: The number it was sealed to.
    """

    id: bytes
    begun_on: datetime.date
    dies_on: datetime.date
    size_bytes: int
    channel: str
    keyset: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredTip:
    """
    All that is known of a tip.

    Args:
        id: Random, 16 bytes.
        arrived_on: The day.
        dies_on: By the policy of that day; it may have come nearer since.
        size_bytes: A rung of the ladder.
        channel: As the client named it.
        sealed_by_service: Whether the service saw it in clear.
        keyset: The number it was sealed to.
        picked_up_on: The day on which a desk said that it has it; None before.
        pseudonym: Of its sender, if it came from a phone, 16 bytes; None if it is not known, not
            any more or not yet.
    """

    id: bytes
    arrived_on: datetime.date
    dies_on: datetime.date
    size_bytes: int
    channel: str
    sealed_by_service: bool
    keyset: int
    picked_up_on: datetime.date | None = None
    pseudonym: bytes | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """
    What is stored when an upload is complete.

    Args:
        upload_id: As the client chose it; remembered so that a lost answer can be asked for.
        answer_dies_on: When that memory goes.
        tip: What is known of the tip.
    """

    upload_id: bytes
    answer_dies_on: datetime.date
    tip: StoredTip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """
    What a hold holds when it is placed.

    Args:
        held: How many tips.
        passed_over: How many of its channel it does not hold, because they open for nobody.
    """

    held: int
    passed_over: int


class Store(Protocol):
    """Where tips lie. What a call promised is durable when it returns."""

    async def remembers(self, upload_id: bytes) -> bool:
        """Tell whether this upload has arrived; known as long as the policy keeps the memory."""
        ...

    async def partial_uploads(self) -> dict[bytes, tuple[PartialUpload, int]]:
        """List the uploads that are begun, by id, each with the bytes held of it."""
        ...

    async def add_slice(self, upload: PartialUpload, data: bytes, *, offset: int) -> None:
        """Keep a slice that does not complete its upload; *offset* is what is held so far."""
        ...

    async def add_whole(self, arrival: Arrival, envelope: bytes) -> None:
        """Keep an envelope that came in one slice."""
        ...

    async def complete(self, arrival: Arrival, data: bytes, *, offset: int) -> None:
        """Keep the last of several slices, which makes the upload a tip."""
        ...

    async def discard_upload(self, upload_id: bytes) -> None:
        """Let a partial upload go."""
        ...

    async def tips(self) -> list[StoredTip]:
        """List what is known of every tip, in the order of their random ids."""
        ...

    async def read_envelope(self, tip: StoredTip, *, offset: int, length: int) -> bytes | None:
        """Read a part of an envelope; None if the tip is gone."""
        ...

    async def records(self) -> list[Record]:
        """List everything that has a day on which it dies."""
        ...

    async def records_after(self, day: datetime.date) -> list[Record]:
        """List what began after a day: what a clock that was ahead dated."""
        ...

    async def promises(self) -> Promises | None:
        """Tell which policies were in force; None if none ever was."""
        ...

    async def adopt(self, policy: Policy, *, on: datetime.date) -> None:
        """Note that a policy is in force from a day on."""
        ...

    async def move(self, moves: Sequence[Move]) -> None:
        """Let records die on other days, each wrapped under the key of its new one."""
        ...

    async def purge_due(
        self,
        *,
        promises: Promises,
        today: datetime.date,
        waiting: Waiting | None = None,
        forget: Callable[[bytes], None] = lambda upload_id: None,
    ) -> PurgeReport:
        """Let everything go that is due, and say what went and what did not."""
        ...

    async def make_day_keys(self, first: datetime.date, *, days: int) -> None:
        """Make the keys of so many days from *first* on, so that one can die on each."""
        ...

    async def due_records(
        self, *, today: datetime.date, waiting: Waiting | None = None
    ) -> list[Record]:
        """List what may be due, as a purge finds it."""
        ...

    async def count_by_day(self) -> dict[tuple[RecordClass, datetime.date], int]:
        """Count what dies, by class and day."""
        ...

    async def count_groups(self) -> list[Group]:
        """Count what is stored, by class and days."""
        ...

    async def find_tips(self, tip_ids: Sequence[bytes]) -> list[Record]:
        """Find tips by their ids: those there are."""
        ...

    async def pick_up(
        self, tip_ids: Sequence[bytes], *, promises: Promises, today: datetime.date
    ) -> int:
        """Note that a desk has these tips, which brings their last day nearer."""
        ...

    async def delete_early(self, tip_ids: Sequence[bytes], *, today: datetime.date) -> int:
        """Mark tips whose end was asked for; the next purge lets them go. What is held stays."""
        ...

    async def holds(self) -> list[tuple[Hold, int]]:
        """List the holds, each with how many tips it holds."""
        ...

    async def has_channel(self, channel: str) -> bool:
        """Tell whether a tip of this channel is there."""
        ...

    async def add_hold(
        self, hold: Hold, tip_ids: Collection[bytes], *, promises: Promises
    ) -> Placed:
        """Place a hold over tips, or over its channel; tell how many it holds by now."""
        ...

    async def release_hold(self, hold_id: bytes, *, today: datetime.date) -> None:
        """Note that a hold was released; the next purge lets go what is past its day."""
        ...

    async def bury_holds(self, holds: Sequence[Hold], *, promises: Promises) -> None:
        """Let the rows of holds go that ended, and keep their words as a text of the log."""
        ...

    async def bury_epochs(self, ended: Sequence[DeadEpoch]) -> None:
        """Let what the log was told of epochs that ended go."""
        ...

    async def ended_hold_texts(self) -> list[PrivateText]:
        """List the texts of holds that ended, as long as they are kept."""
        ...

    async def read_annex(self, of: datetime.date) -> bytes | None:
        """Read the exact counts of a day, as the log committed to them; None if there are none."""
        ...

    async def is_empty(self) -> bool:
        """Tell whether there is no tip, no upload and no hold any more."""
        ...

    async def destroy_keys(self) -> None:
        """Destroy every key: nothing that was ever stored opens from then on."""
        ...

    async def copy_to(self, folder: Path) -> None:
        """Lay a copy of the database and of every envelope's file that it names into a folder."""
        ...

    async def reusable_bytes(self) -> int:
        """Tell how much room what died has left inside the database."""
        ...

    async def rewrite(self) -> None:
        """Take away what the order and the inodes of the last writes tell."""
        ...

    def close(self) -> None:
        """Finish what waits and let go of the disk."""
        ...
