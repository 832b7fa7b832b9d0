"""
What the log will tell of a day, kept until it is told, and the private half of it afterwards.

Rules:
1. An arrival's leaf is written with the tip, in one transaction: no tip is without its leaf.
2. What a batch commits to is written down before the batch, so that the same is told after a crash.
3. Counts and leaves of a day lie in one text of the class `log_text` then, and die with it.

docs/reference/log.md, "Arrivals", "Annex", "Private texts".
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
from collections.abc import Mapping
from typing import Final

from sqlite_utils import Database

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.strict import format_json, parse_day
from retention.log.arrivals import SEED_BYTES, build_arrivals, make_arrival_leaf
from retention.log.batch import ONE_DAY, DayTold
from retention.log.entry import ARRIVALS_SIZE, ENTRY_VERSION, SALT_BYTES, make_commitment
from retention.policy import RecordClass

TEXT_ID_BYTES: Final = 16


class TextKind(enum.StrEnum):
    """What a private text belongs to."""

    ANNEX = "annex"
    ARRIVALS = "arrivals"
    HOLD = "hold"


class Count(enum.StrEnum):
    """What is counted of a day, for the annex alone."""

    PURGED = "purged"
    EARLY = "early"
    HELD = "held"
    STORED = "stored"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PrivateText:
    """
    What stands behind a commitment in the log.

    Args:
        id: Random, 16 bytes.
        kind: What it belongs to.
        of: The day it is about.
        dies_on: By the policy's `log_text`.
        salt: 32 random bytes; empty where the text has its own.
        text: The text.
    """

    id: bytes
    kind: TextKind
    of: datetime.date
    dies_on: datetime.date
    salt: bytes
    text: bytes

    @property
    def commitment(self) -> str:
        """What the log says of it."""
        if not self.salt:
            return hashlib.sha256(self.text).hexdigest()
        return make_commitment(self.text, salt=self.salt)


def create_tables(database: Database) -> None:
    """
    Make the tables of the log's private half: a step of the schema.

    Args:
        database: In a transaction.
    """
    database.execute("ALTER TABLE tips ADD COLUMN salt BLOB")
    database.execute(
        "CREATE TABLE arrivals (of TEXT NOT NULL, leaf BLOB NOT NULL, PRIMARY KEY (of, leaf))"
        " WITHOUT ROWID"
    )
    database.execute(
        """
        CREATE TABLE counts (
            of TEXT NOT NULL,
            kind TEXT NOT NULL,
            class TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (of, kind, class)
        ) WITHOUT ROWID
        """
    )
    database.execute(
        """
        CREATE TABLE log_texts (
            id BLOB PRIMARY KEY NOT NULL,
            kind TEXT NOT NULL,
            of TEXT NOT NULL,
            dies_on TEXT NOT NULL,
            salt BLOB NOT NULL,
            text BLOB NOT NULL
        ) WITHOUT ROWID
        """
    )
    database.execute("CREATE INDEX log_texts_dies_on ON log_texts (dies_on)")


def insert_leaf(
    database: Database,
    tip_id: bytes,
    *,
    of: datetime.date,
    random: RandomSource = system_random,
) -> bytes:
    """
    Commit to an arrival; in the tip's own transaction.

    Args:
        database: In a transaction.
        tip_id: Of the tip.
        of: The day of its arrival.
        random: Where the salt comes from.

    Returns:
        The salt, which lies beside the tip and dies with it.
    """
    salt = random(SALT_BYTES)
    leaf = make_arrival_leaf(tip_id, salt=salt)
    database.execute("INSERT INTO arrivals VALUES (?, ?)", [of.isoformat(), leaf])
    return salt


def add_counts(
    database: Database, kind: Count, counts: Mapping[RecordClass, int], *, of: datetime.date
) -> None:
    """
    Count something of a day, for its annex.

    Args:
        database: In a transaction.
        kind: What is counted.
        counts: Per class; added to what is there.
        of: The day.
    """
    for record_class, count in counts.items():
        database.execute(
            "INSERT INTO counts VALUES (?, ?, ?, ?)"
            " ON CONFLICT (of, kind, class) DO UPDATE SET count = count + excluded.count",
            [of.isoformat(), str(kind), str(record_class), count],
        )


def write_down(
    database: Database,
    of: datetime.date,
    *,
    dies_on: datetime.date,
    random: RandomSource = system_random,
) -> DayTold:
    """
    Fix what the log tells of a day that is over; asked again, the same.

    Args:
        database: In a transaction.
        of: The day.
        dies_on: When its private half dies.
        random: Where seed, salts and ids come from.

    Returns:
        What the batch tells.
    """
    texts = {text.kind: text for text in read_texts(database, of=of)}
    if TextKind.ARRIVALS not in texts:
        leaves = _take_leaves(database, of)
        made = {
            TextKind.ARRIVALS: random(SEED_BYTES) + b"".join(leaves),
            TextKind.ANNEX: _format_annex(database, of, arrived=len(leaves), random=random),
        }
        for kind, content in made.items():
            texts[kind] = PrivateText(
                id=random(TEXT_ID_BYTES),
                kind=kind,
                of=of,
                dies_on=dies_on,
                salt=b"",
                text=content,
            )
            insert_text(database, texts[kind])
        database.execute("DELETE FROM counts WHERE of <= ?", [of.isoformat()])
    seed, leaves = _part_leaves(texts[TextKind.ARRIVALS].text)
    return DayTold(
        of=of,
        arrivals_root=build_arrivals(leaves, seed=seed).root,
        annex_sha256=texts[TextKind.ANNEX].commitment,
    )


def insert_text(database: Database, text: PrivateText) -> None:
    """
    Keep a private text.

    Args:
        database: In a transaction.
        text: The text.
    """
    database.execute(
        "INSERT INTO log_texts VALUES (?, ?, ?, ?, ?, ?)",
        [
            text.id,
            str(text.kind),
            text.of.isoformat(),
            text.dies_on.isoformat(),
            text.salt,
            text.text,
        ],
    )


def read_texts(database: Database, *, of: datetime.date) -> list[PrivateText]:
    """
    Read the private texts of a day.

    Args:
        database: Open.
        of: The day.

    Returns:
        Those that are still there.
    """
    rows = database.execute(
        "SELECT id, kind, of, dies_on, salt, text FROM log_texts WHERE of = ? ORDER BY id",
        [of.isoformat()],
    )
    return [
        PrivateText(
            id=bytes(row[0]),
            kind=TextKind(row[1]),
            of=parse_day(row[2]),
            dies_on=parse_day(row[3]),
            salt=bytes(row[4]),
            text=bytes(row[5]),
        )
        for row in rows
    ]


def _take_leaves(database: Database, of: datetime.date) -> list[bytes]:
    day = of.isoformat()
    rows = database.execute(
        "SELECT leaf FROM arrivals WHERE of <= ? ORDER BY leaf LIMIT ?", [day, ARRIVALS_SIZE]
    ).fetchall()
    leaves = [bytes(row[0]) for row in rows]
    for leaf in leaves:
        database.execute("DELETE FROM arrivals WHERE of <= ? AND leaf = ?", [day, leaf])
    # What a tree does not hold goes into the next day's.
    database.execute("UPDATE arrivals SET of = ? WHERE of <= ?", [(of + ONE_DAY).isoformat(), day])
    return leaves


def _part_leaves(text: bytes) -> tuple[Secret, list[bytes]]:
    leaves = text[SEED_BYTES:]
    step = hashlib.sha256().digest_size
    return Secret(text[:SEED_BYTES]), [
        leaves[start : start + step] for start in range(0, len(leaves), step)
    ]


def _format_annex(
    database: Database, of: datetime.date, *, arrived: int, random: RandomSource
) -> bytes:
    counts = {
        (row[0], row[1]): row[2]
        for row in database.execute(
            "SELECT kind, class, sum(count) FROM counts WHERE of <= ? GROUP BY kind, class",
            [of.isoformat()],
        )
    }
    return format_json(
        {
            "v": ENTRY_VERSION,
            "of": of.isoformat(),
            "salt": random(SALT_BYTES).hex(),
            "arrived": arrived,
            **{
                str(kind): {
                    str(record_class): counts.get((str(kind), str(record_class)), 0)
                    for record_class in RecordClass
                }
                for kind in Count
            },
        }
    )
