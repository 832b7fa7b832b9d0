"""
A line that lives for as long as a test says, in memory: the service's own batches, trees, tiles and
checkpoints, a clock that the test moves, and an operator who does whatever the test says.

Nothing here knows the verifier: the log is written to a directory, as it would be exported.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from crypto.note import Signer
from crypto.secret import Secret
from crypto.strict import format_json
from retention.log.arrivals import build_arrivals, make_arrival_leaf
from retention.log.batch import DayTold, PurgeDone, list_days, list_deaths, make_batch
from retention.log.checkpoint import Checkpoint, make_log_name, sign_checkpoint
from retention.log.entry import EntryType, Statement, encode_entry, make_statement
from retention.log.merkle import Frontier, hash_leaf
from retention.log.tiles import TILE_WIDTH, encode_bundle, grow_tiles, list_tiles
from retention.policy import EVENTS, RecordClass
from retention.slot_root import Method
from tipline.service.nightly import UNKEPT_CLASSES

ROOT = Signer(name="tipline-root", seed=Secret(b"\x01" * 32))
LOG = Signer(name=make_log_name(ROOT.verifier()), seed=Secret(b"\x02" * 32))
KEY = LOG.verifier().format()
BEGUN_ON = datetime.date(2026, 11, 22)
# Longer than a real one: what is lived here is not always the desk's renewing.
KEYSET_DAYS = 400
ONE_DAY = datetime.timedelta(days=1)
DUTIES: tuple[RecordClass | None, ...] = (None, *RecordClass)
Change = Callable[[list[bytes]], list[bytes]]
# The tree of a day has 65,536 leaves: two are built for real, and the year uses them in turn.
ARRIVALS = tuple(
    build_arrivals(
        [make_arrival_leaf(bytes([number]) * 16, salt=b"s" * 32) for number in range(count)],
        seed=Secret(bytes([count]) * 32),
    ).root
    for count in (0, 100)
)


def make_periods(days: int = 30, **changed: int) -> dict[str, dict[str, int]]:
    """A policy's periods, as an entry has them."""
    return {
        str(record_class): {str(event): changed.get(str(record_class), days) for event in events}
        for record_class, events in EVENTS.items()
    }


def number_hash(number: int) -> str:
    """A hash that stands for something that nobody has to know."""
    return hashlib.sha256(b"%d" % number).hexdigest()


def make_annex(of: datetime.date, /, **changed: Any) -> bytes:
    """A day's annex: no tip, unless the test says otherwise."""
    none = dict.fromkeys(map(str, RecordClass), 0)
    fields = {"v": 1, "of": of.isoformat(), "salt": "00" * 32, "arrived": 0, "waiting": 0,
              "purged": none, "early": none, "held": none, "stored": none}  # fmt: skip
    return format_json({**fields, **changed})


@dataclasses.dataclass(kw_only=True)
class SimulatedLine:
    """
    A line and its log.

    Attributes:
        today: The day.
        entries: Of the log.
        sizes: How many entries there were after each day's batch.
    """

    today: datetime.date = BEGUN_ON
    method: Method = Method.OVERWRITTEN
    entries: list[bytes] = dataclasses.field(default_factory=list)
    sizes: dict[datetime.date, int] = dataclasses.field(default_factory=dict)
    batch_on: datetime.date | None = None
    queue: list[Statement] = dataclasses.field(default_factory=list)
    failing: set[RecordClass | None] = dataclasses.field(default_factory=set)
    done_until: dict[RecordClass | None, datetime.date] = dataclasses.field(default_factory=dict)
    deaths: list[Any] = dataclasses.field(default_factory=list)
    annexes: dict[datetime.date, bytes] = dataclasses.field(default_factory=dict)

    def begin(self) -> None:
        """Serve for the first time."""
        self.tell(EntryType.ORIGIN, root=ROOT.verifier().format(), log=KEY)
        self.tell(EntryType.POLICY, periods=make_periods(), sha256=number_hash(0))
        self.tell(
            EntryType.KEYSET,
            number=1,
            sha256=number_hash(1),
            valid_until=self.today + datetime.timedelta(days=KEYSET_DAYS),
        )
        self.tell(EntryType.PAGE, build="0.1.0", sha256=number_hash(2))
        self.done_until = dict.fromkeys(DUTIES, self.today - ONE_DAY)
        self.night()

    def tell(self, entry_type: EntryType, **fields: Any) -> None:
        """Queue an event of today for the next batch."""
        self.queue.append(make_statement(entry_type, on=self.today, **fields))

    def purge(self) -> None:
        """Run the night's purge: whatever does not fail is true from now on."""
        done = PurgeDone(
            on=self.today,
            reached={
                duty: Method.NONE_KEPT if duty in UNKEPT_CLASSES else self.method
                for duty in DUTIES
                if duty not in self.failing
            },
        )
        self.deaths += list_deaths(done, done_until=self.done_until)
        self.done_until.update(dict.fromkeys(done.reached, self.today))

    def append(self) -> None:
        """Append the day's batch and sign."""
        told = []
        last = self.today if self.batch_on is None else self.batch_on
        for of in [] if self.batch_on is None else list_days(last - ONE_DAY, today=self.today):
            self.annexes[of] = make_annex(of)
            told.append(
                DayTold(
                    of=of,
                    arrivals_root=ARRIVALS[of.day % 2],
                    annex_sha256=hashlib.sha256(self.annexes[of]).hexdigest(),
                )
            )
        ready = [death for death in self.deaths if death.of < self.today]
        self.deaths = [death for death in self.deaths if death.of >= self.today]
        batch = make_batch(day=self.today, days=told, deaths=ready, events=self.queue)
        self.queue = []
        self.entries += [encode_entry(entry) for entry in batch]
        self.batch_on = self.today
        self.sizes[self.today] = len(self.entries)

    def night(self) -> None:
        """One night: the purge, then the batch."""
        self.purge()
        self.append()

    def live(self, days: int) -> None:
        """Let days pass, each with its night."""
        for _ in range(days):
            self.today += ONE_DAY
            self.night()

    def sleep(self, days: int) -> None:
        """Let days pass with the machine off."""
        self.today += days * ONE_DAY

    def write(self, directory: Path) -> Path:
        """Write the log as it is served."""
        return write_log(directory, self.entries)


def sign(entries: Iterable[bytes]) -> bytes:
    """Sign a checkpoint over entries."""
    frontier = Frontier.empty().append(hash_leaf(entry) for entry in entries)
    checkpoint = Checkpoint(origin=LOG.name, size=frontier.size, root=frontier.root())
    return sign_checkpoint(checkpoint, LOG)


def write_log(
    directory: Path,
    entries: list[bytes],
    *,
    checkpoint: bytes | None = None,
    bundles: list[bytes] | None = None,
) -> Path:
    """
    Write a log: hash tiles of *entries*, bundles of the same or of others, a checkpoint.

    What is written with other bundles is a log somebody changed without the key.
    """
    shutil.rmtree(directory, ignore_errors=True)
    levels: dict[int, list[bytes]] = {}

    def read_tile(level: int, number: int) -> bytes:
        start = number * TILE_WIDTH
        return b"".join(levels.get(level, [])[start : start + TILE_WIDTH])

    hashes = [hash_leaf(entry) for entry in entries]
    for level, _number, node in grow_tiles(0, hashes, read_tile=read_tile):
        levels.setdefault(level, []).append(node)
    served = entries if bundles is None else bundles
    for path in list_tiles(len(entries)):
        place = directory / path.format()
        place.parent.mkdir(parents=True, exist_ok=True)
        start = path.number * TILE_WIDTH
        if path.level is None:
            place.write_bytes(encode_bundle(served[start : start + path.width]))
        else:
            place.write_bytes(b"".join(levels[path.level][start : start + path.width]))
    (directory / "checkpoint").write_bytes(sign(entries) if checkpoint is None else checkpoint)
    return directory
