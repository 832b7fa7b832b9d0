"""
What a store of tips offers, and what is known of a tip.

Written from what the service needs, so that another store can take SQLite's place.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from typing import Protocol

from retention.plan import Move, Record, Waiting
from retention.policy import Policy
from retention.promise import Promises
from tipline.service.purge_report import PurgeReport


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
    """

    id: bytes
    arrived_on: datetime.date
    dies_on: datetime.date
    size_bytes: int
    channel: str
    sealed_by_service: bool
    keyset: int
    picked_up_on: datetime.date | None = None


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

    async def rewrite(self) -> None:
        """Take away what the order and the inodes of the last writes tell."""
        ...

    def close(self) -> None:
        """Finish what waits and let go of the disk."""
        ...
