"""
What the log will tell of a day, kept until it is told, and the private half of it afterwards.

Rules:
1. What a batch commits to is written down before the batch, so that the same is told after a crash.
2. A day's counts and leaves lie sealed under keys of their own and die by the class `log_text`.
3. What died is counted in the transaction that lets its row go, and what came has its leaf in the
   transaction that keeps it: so the annexes' sums are exact, whenever a batch or a crash comes.

docs/reference/log.md, "Arrivals", "Annex", "Private texts".
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import enum
import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sqlite_utils import Database

from crypto.data_key import DataKey
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.stored import SEALED_SLICE_BYTES, SLICE_BYTES, open_slice, seal_slice
from crypto.strict import format_json, parse_day
from retention.log.arrivals import SEED_BYTES
from retention.log.batch import DayTold
from retention.log.entry import ARRIVALS_SIZE, ENTRY_VERSION, SALT_BYTES
from retention.plan import Reason
from retention.policy import RecordClass
from tipline.service.day_leaves import (
    LEAF_RANGES,
    LEAF_ROWS,
    NO_LEAF,
    grow_tree,
    join_leaves,
    let_leaves_go,
    list_leaves,
)
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys
from tipline.service.writer import GroupWriter

TEXT_ID_BYTES: Final = 16
EARLY_REASONS: Final = (Reason.DELETED_EARLY, Reason.PICKED_UP)

CountByDay = Callable[[], Mapping[tuple[RecordClass, datetime.date], int]]


class TextKind(enum.StrEnum):
    """What a private text belongs to."""

    ANNEX = "annex"
    ARRIVALS = "arrivals"
    HOLD = "hold"


DAY_KINDS: Final = frozenset({TextKind.ANNEX, TextKind.ARRIVALS})  # one of each for every day


class Count(enum.StrEnum):
    """What is counted between two annexes."""

    PURGED = "purged"
    EARLY = "early"


Deaths = Mapping[tuple[Count, RecordClass], int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrivateText:
    """
    What stands behind a commitment in the log.

    Args:
        kind: What it belongs to.
        of: The day it is about.
        dies_on: The day on which it goes.
        text: The text.
    """

    kind: TextKind
    of: datetime.date
    dies_on: datetime.date
    text: bytes


class DayBook:
    """
    The log's private half.

    Args:
        database: Used in the writer's thread alone.
        writer: Runs what touches the database.
        keys: The texts' keys.
        count_by_day: Counts what is stored, by class and last day.
        random: Where seeds, salts and ids come from.
    """

    def __init__(
        self,
        database: Database,
        *,
        writer: GroupWriter,
        keys: RecordKeys,
        count_by_day: CountByDay,
        random: RandomSource = system_random,
    ) -> None:
        self._database = database
        self._writer = writer
        self._keys = keys
        self._count_by_day = count_by_day
        self._random = random

    async def add_counts(self, counts: Deaths, *, on: datetime.date) -> None:
        """
        Count what died and had no row, for the next annex.

        Args:
            counts: By what is counted and class; added to what is there.
            on: The day.
        """
        await self._writer.call(lambda: self.insert_counts(counts, on=on))

    def insert_counts(self, counts: Deaths, *, on: datetime.date) -> None:
        """
        Count what died, for the next annex; in the writer's thread, beside the deletion of its row.

        Args:
            counts: By what is counted and class; added to what is there.
            on: The day.
        """
        for (kind, record_class), count in counts.items():
            self._database.execute(
                "INSERT INTO counts VALUES (?, ?, ?, ?)"
                " ON CONFLICT (about_on, kind, class) DO UPDATE SET count = count + excluded.count",
                [on.isoformat(), str(kind), str(record_class), count],
            )

    async def find_oldest_waiting(self) -> datetime.date | None:
        """
        Find the day on which the oldest tip came that no desk has.

        Returns:
            The day; None if every tip was fetched, or is on its way out.
        """
        return await self._writer.call(self._find_oldest_waiting)

    async def write_down(
        self, of: datetime.date, *, logged_on: datetime.date, dies_on: datetime.date
    ) -> DayTold:
        """
        Fix what the log tells of a day that is over; asked again, the same.

        Args:
            of: The day.
            logged_on: The day of the batch.
            dies_on: When the private half dies.

        Returns:
            What the batch tells.

        Raises:
            OSError: the disk or the slot file refuses.
        """
        texts = await self._writer.call(lambda: self._read_day(of))
        if texts.keys() != DAY_KINDS:
            leaves = await self._read_leaves(of, logged_on=logged_on)
            seed = Secret(self._random(SEED_BYTES))
            text = await asyncio.to_thread(join_leaves, leaves, seed=seed)
            texts = await self._writer.call(
                lambda: self._fix(
                    of, text, arrived=len(leaves), logged_on=logged_on, dies_on=dies_on
                )
            )
        # 65,536 leaves take a quarter of a second: others have their turn meanwhile.
        root, told = await asyncio.to_thread(grow_tree, texts[TextKind.ARRIVALS])
        # Of the batch that read them: a crash may have put another day between.
        read_on = await self._writer.call(lambda: self._find_logged_on(of))
        while await self._writer.call(
            lambda: let_leaves_go(self._database, told, of=of, logged_on=read_on)
        ):
            pass
        return DayTold(
            of=of,
            arrivals_root=root,
            annex_sha256=hashlib.sha256(texts[TextKind.ANNEX]).hexdigest(),
        )

    async def read_texts(self, of: datetime.date) -> list[PrivateText]:
        """
        Read the private texts that a day's batch commits to.

        Args:
            of: The day.

        Returns:
            Those that still can be read, by kind.
        """
        query, parameters = "about_on = ? AND kind != ?", [of.isoformat(), str(TextKind.HOLD)]
        return await self._writer.call(lambda: self._read(query, parameters))

    async def read_hold_texts(self) -> list[PrivateText]:
        """
        Read the texts of holds that ended: salt, then text.

        Returns:
            Those that still can be read, by the day on which the hold was placed.
        """
        return await self._writer.call(lambda: self._read("kind = ?", [str(TextKind.HOLD)]))

    def insert(
        self,
        kind: TextKind,
        text: bytes,
        *,
        of: datetime.date,
        logged_on: datetime.date,
        dies_on: datetime.date,
    ) -> None:
        """
        Keep a private text; in the writer's thread.

        Args:
            kind: What it belongs to.
            text: What the log commits to the hash of.
            of: The day it is about.
            logged_on: The day from which its period counts.
            dies_on: The day on which it goes.

        Raises:
            KeyUnavailableError: the slot file does not take its key.
        """
        key, data_key = self._keys.make(dies_on=dies_on)
        self._database.execute(
            "INSERT INTO log_texts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                self._random(TEXT_ID_BYTES),
                str(kind),
                of.isoformat(),
                logged_on.isoformat(),
                dies_on.isoformat(),
                key.data_id,
                key.slot,
                key.wrapped,
                seal_text(data_key, text, data_id=key.data_id),
            ],
        )

    def _find_logged_on(self, of: datetime.date) -> datetime.date:
        (logged_on,) = self._database.execute(
            "SELECT logged_on FROM log_texts WHERE about_on = ? AND kind = ?",
            [of.isoformat(), str(TextKind.ARRIVALS)],
        ).fetchone()
        return parse_day(logged_on)

    def _find_oldest_waiting(self) -> datetime.date | None:
        row = self._database.execute(
            "SELECT min(arrived_on) FROM tips WHERE picked_up_on IS NULL AND ended_by IS NULL"
        ).fetchone()
        return None if row[0] is None else parse_day(row[0])

    def _read_day(self, of: datetime.date) -> dict[TextKind, bytes]:
        query, parameters = "about_on = ? AND kind != ?", [of.isoformat(), str(TextKind.HOLD)]
        return {text.kind: text.text for text in self._read(query, parameters)}

    def _fix(
        self,
        of: datetime.date,
        arrivals: bytes,
        *,
        arrived: int,
        logged_on: datetime.date,
        dies_on: datetime.date,
    ) -> dict[TextKind, bytes]:
        texts = {
            TextKind.ARRIVALS: arrivals,
            TextKind.ANNEX: self._format_annex(of, arrived=arrived),
        }
        for kind, text in texts.items():
            self.insert(kind, text, of=of, logged_on=logged_on, dies_on=dies_on)
        self._database.execute("DELETE FROM counts")
        return texts

    def _read(self, where: str, parameters: Sequence[str]) -> list[PrivateText]:
        rows = self._database.execute(
            "SELECT kind, about_on, dies_on, data_id, slot, wrapped, sealed FROM log_texts"  # noqa: S608
            f" WHERE {where} ORDER BY about_on, kind, id",  # a text of ours
            list(parameters),
        ).fetchall()
        texts: list[PrivateText] = []
        for kind, about_on, dies_on, data_id, slot, wrapped, sealed in rows:
            key = RecordKey(data_id=bytes(data_id), slot=slot, wrapped=bytes(wrapped))
            try:
                data_key = self._keys.open(key, dies_on=parse_day(dies_on))
            except KeyUnavailableError:
                continue  # dead, or lost with its slot file: the same to whoever asks
            texts.append(
                PrivateText(
                    kind=TextKind(kind),
                    of=parse_day(about_on),
                    dies_on=parse_day(dies_on),
                    text=open_text(data_key, bytes(sealed), data_id=key.data_id),
                )
            )
        return texts

    async def _read_leaves(self, of: datetime.date, *, logged_on: datetime.date) -> list[bytes]:
        leaves: list[bytes] = []
        for where in LEAF_RANGES:
            after = NO_LEAF
            while limit := min(LEAF_ROWS, ARRIVALS_SIZE - len(leaves)):
                rows = await self._writer.call(
                    functools.partial(
                        list_leaves,
                        self._database,
                        where,
                        of=of,
                        logged_on=logged_on,
                        after=after,
                        limit=limit,
                    )
                )
                if not rows:
                    break
                leaves += [leaf for _, leaf in rows]
                after = rows[-1]
        return leaves

    def _format_annex(self, of: datetime.date, *, arrived: int) -> bytes:
        # All there are, also of today: what is stored is counted now, and the two must fit.
        rows = self._database.execute(
            "SELECT kind, class, sum(count) FROM counts GROUP BY kind, class"
        )
        (there,) = self._database.execute("SELECT count(*) FROM arrivals").fetchone()
        counts = {kind: dict.fromkeys(map(str, RecordClass), 0) for kind in map(str, Count)}
        for kind, record_class, count in rows:
            counts[kind][record_class] = count
        stored = dict.fromkeys(map(str, RecordClass), 0)
        held = dict.fromkeys(map(str, RecordClass), 0)
        for (record_class, dies_on), count in self._count_by_day().items():
            stored[record_class] += count
            held[record_class] += count if dies_on <= of else 0
        return format_json(
            {
                "v": ENTRY_VERSION,
                "of": of.isoformat(),
                "salt": self._random(SALT_BYTES).hex(),
                "arrived": arrived,
                "waiting": there - arrived,  # those of the tree lie there, too, until they are told
                **counts,
                "held": held,
                "stored": stored,
            }
        )


def count_dead(dead: Iterable[tuple[RecordClass, Reason, int]]) -> Deaths:
    """
    Count the dead as an annex does.

    Args:
        dead: Of each class and reason, how many.

    Returns:
        All, and those that did not wait for their day.
    """
    counts: collections.Counter[tuple[Count, RecordClass]] = collections.Counter()
    for record_class, reason, count in dead:
        counts[Count.PURGED, record_class] += count
        if reason in EARLY_REASONS:
            counts[Count.EARLY, record_class] += count
    return counts


def seal_text(data_key: DataKey, text: bytes, *, data_id: bytes) -> bytes:
    """
    Seal a text under its key, slice by slice.

    Args:
        data_key: The key.
        text: At least one byte.
        data_id: What the key belongs to.

    Returns:
        The sealed slices, one after the other.
    """
    starts = range(0, len(text), SLICE_BYTES)
    return b"".join(
        seal_slice(data_key, text[start : start + SLICE_BYTES], record_id=data_id, number=number)
        for number, start in enumerate(starts)
    )


def open_text(data_key: DataKey, untrusted: bytes, *, data_id: bytes) -> bytes:
    """
    Open a sealed text.

    Args:
        data_key: The key.
        untrusted: As `seal_text` made it.
        data_id: What the key belongs to.

    Returns:
        The text.

    Raises:
        MalformedError: not sealed slices.
        ForgedError: changed, or of another key.
    """
    starts = range(0, len(untrusted), SEALED_SLICE_BYTES)
    return b"".join(
        open_slice(
            data_key,
            untrusted[start : start + SEALED_SLICE_BYTES],
            record_id=data_id,
            number=number,
        )
        for number, start in enumerate(starts)
    )
