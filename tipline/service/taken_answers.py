"""
The outgoing bundles that were taken: their answers, their number, and what was said of them.

Rules:
1. A bundle is taken in one transaction: its answers, its statuses, its number and what is answered.
   So after a crash all of it is there or nothing, and nothing is sent twice.
2. The very same bundle, sent again, is not taken again: it is told what became of its answers.
3. A number of a key rises: of an older bundle nothing is taken. It is remembered until the bundle
   has expired: then nobody takes it. An answer that was taken is remembered, too: in another
   bundle, older or newer, it is not taken again.
4. What is said of an answer names its random id alone, and no conversation.
5. A status is written to the window that lasts longest, and no other changes (`kept_status.py`).
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from crypto.errors import CryptoError
from crypto.outgoing import ID_BYTES, ItemKind
from crypto.randomness import RandomSource, system_random
from crypto.strict import format_json, parse_json_object
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.service.answer_outcomes import AnswerOutcomes, Outcome
from tipline.service.kept_status import Status, open_status, seal_status
from tipline.service.phone_rows import PhoneRows
from tipline.service.reach import SealedRow, seal_row
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys
from tipline.service.relations import Related, Relations
from tipline.service.window_index import WindowIndex
from tipline.service.writer import GroupWriter

MAX_WAITING: Final = 10  # answers for one conversation: a mistake at the desk floods no phone
MAX_OUTCOMES_BYTES: Final = 64 << 10
_NUMBER_BYTES: Final = 8
_PLACE_BYTES: Final = 2
_READER_BYTES: Final = 32  # the longest id of a reader
ANSWER_BYTES: Final = 4608  # of an answer that waits: one length for all


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    An answer that may be taken.

    Args:
        id: 16 bytes.
        kind: An answer or a status.
        reader: Whose: the reader's id.
        expires_on: The last day on which it is taken.
        conversation: 16 bytes.
        text: What the source reads.
    """

    id: bytes
    kind: ItemKind
    reader: str
    expires_on: datetime.date
    conversation: bytes = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakenBundle:
    """
    A bundle that was taken.

    Args:
        number: Its number.
        sha256: Of its whole note.
        outcomes: Of each answer, by id, in the bundle's order.
    """

    number: int
    sha256: bytes
    outcomes: Mapping[bytes, Outcome]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    item: Item
    row: SealedRow | None = None  # of an answer
    relation: bytes = b""
    window: bytes | None = None  # of a status
    status: bytes | None = None


class TakenAnswers:
    """
    The bundles of one store.

    Args:
        rows: Used in the writer's thread alone; the bundles lie in the same database.
        relations: Of the same store.
        index: The open conversations.
        writer: Runs what touches them.
        keys: Of the store.
        promises: How long things are kept.
        today: Tells the day that what comes is dated by.
        random: Where rows' ids come from.
    """

    def __init__(
        self,
        rows: PhoneRows,
        *,
        relations: Relations,
        index: WindowIndex,
        writer: GroupWriter,
        keys: RecordKeys,
        promises: Promises,
        today: Callable[[], datetime.date],
        random: RandomSource = system_random,
    ) -> None:
        self._database = rows.database
        self._rows = rows
        self._relations = relations
        self._index = index
        self._writer = writer
        self._keys = keys
        self._promises = promises
        self._today = today
        self._random = random
        self._outcomes = AnswerOutcomes(rows.database)
        self._last_number = 0  # of all statuses that were set or looked at

    async def find_outcomes(self, reader: str, ids: Sequence[bytes]) -> dict[bytes, Outcome]:
        """
        Find what became of answers that were taken before.

        Args:
            reader: Whose: the reader's id.
            ids: Theirs.

        Returns:
            The outcome of each that is remembered.
        """
        return await self._writer.call(lambda: self._outcomes.find(reader, ids))

    async def note(self, answer: WaitingAnswer, outcome: Outcome) -> None:
        """
        Note what became of an answer that waited. Durable when it returns.

        Args:
            answer: It.
            outcome: What.

        Raises:
            OSError: the disk refuses.
        """
        await self._writer.call(lambda: self._outcomes.change(answer.reader, answer.item, outcome))

    async def find(self, key: str) -> TakenBundle | None:
        """
        Find the bundle of a key that was taken last.

        Args:
            key: The reader's verifier key.

        Returns:
            The bundle; None if there is none whose number matters.
        """
        return await self._writer.call(lambda: self._find(key))

    async def take(
        self,
        items: Sequence[Item],
        *,
        refused: Mapping[bytes, Outcome],
        order: Sequence[bytes],
        key: str,
        number: int,
        sha256: bytes,
        expires_on: datetime.date,
    ) -> TakenBundle:
        """
        Take a bundle. Durable when it returns.

        Args:
            items: What may be taken of it.
            refused: What became of the others.
            order: All of their ids, as they stand in the bundle.
            key: The reader's verifier key.
            number: Above that of the last one.
            sha256: Of the whole note.
            expires_on: The last day on which somebody would take it.

        Returns:
            The bundle, with what became of each answer.

        Raises:
            OSError: the disk refuses, or the slot file does: nothing was taken.
        """
        prepared = [
            await self._prepare(item, place=(number, order.index(item.id))) for item in items
        ]

        def commit() -> tuple[TakenBundle, list[RecordKey]]:
            outcomes, unused = self._insert(prepared)
            every = {**refused, **outcomes}
            bundle = TakenBundle(
                number=number, sha256=sha256, outcomes={one: every[one] for one in order}
            )
            self._save(key, bundle, dies_on=expires_on)
            return bundle, unused

        try:
            bundle, unused = await self._writer.call(commit)
        except Exception:
            # Not when it is cancelled: then the writer goes on, and what it stores needs its keys.
            await self._destroy([one.row.key for one in prepared if one.row is not None])
            raise
        await self._destroy(unused)
        return bundle

    async def _prepare(self, item: Item, *, place: tuple[int, int]) -> _Prepared:
        today = self._today()
        windows = await self._writer.call(
            lambda: self._rows.read_statuses(self._index.ids_of(item.conversation))
        )
        window = next((one for one in windows if one.dies_on > today), None)
        if window is None:
            return _Prepared(item=item)
        if item.kind is ItemKind.STATUS:
            numbers = await asyncio.to_thread(self._find_numbers, windows)
            self._last_number = max(self._last_number, *numbers) + 1
            sealed = await asyncio.to_thread(
                self._seal_status, Status(number=self._last_number, text=item.text), window
            )
            return _Prepared(item=item, window=window.id, status=sealed)
        period_ends_on = self._promises.dies_on(RecordClass.REPLY, {Event.SENT: today})
        row = await asyncio.to_thread(
            seal_row,
            encode_answer(
                WaitingAnswer(place=place, reader=item.reader, item=item.id, text=item.text)
            ),
            self._keys,
            dies_on=min(period_ends_on, window.dies_on),  # then there is nobody to send it to
            row_id=self._random(ID_BYTES),
        )
        relation = self._relations.seal(
            Related(conversation=item.conversation), row_id=row.id, dies_on=row.dies_on
        )
        return _Prepared(item=item, row=row, relation=relation)

    def _find_numbers(self, windows: Sequence[SealedRow]) -> list[int]:
        numbers = [0]
        for window in windows:
            try:
                data_key = self._keys.open(window.key, dies_on=window.dies_on)
                status = open_status(data_key, window.sealed, data_id=window.key.data_id)
            except (CryptoError, KeyUnavailableError):
                continue  # it opens for nobody, so it cannot be taken for a newer one
            numbers.append(status.number)
        return numbers

    def _seal_status(self, status: Status, window: SealedRow) -> bytes:
        data_key = self._keys.open(window.key, dies_on=window.dies_on)
        return seal_status(data_key, status, data_id=window.key.data_id)

    def _insert(
        self, prepared: Sequence[_Prepared]
    ) -> tuple[dict[bytes, Outcome], list[RecordKey]]:
        waiting = collections.Counter(
            conversation for _, conversation in self._rows.list_outgoing(self._relations)
        )
        outcomes: dict[bytes, Outcome] = {}
        unused: list[RecordKey] = []
        for one in prepared:
            outcome = self._insert_one(one, waiting)
            outcomes[one.item.id] = outcome
            if outcome is Outcome.TAKEN:
                item = one.item
                forget_on = item.expires_on + datetime.timedelta(days=1)
                self._outcomes.insert(item.reader, item.id, dies_on=forget_on)
            if outcome is not Outcome.TAKEN and one.row is not None:
                unused.append(one.row.key)
        return outcomes, unused

    def _insert_one(self, one: _Prepared, waiting: collections.Counter[bytes]) -> Outcome:
        conversation = one.item.conversation
        window_ids = self._index.ids_of(conversation)
        # Its owner may have ended it since it was looked for.
        if not self._rows.list_keys("windows", window_ids):
            return Outcome.WINDOW_CLOSED
        if one.window is not None and one.status is not None:
            is_set = self._rows.set_status(one.window, one.status)
            return Outcome.TAKEN if is_set else Outcome.WINDOW_CLOSED
        if one.row is None:
            return Outcome.WINDOW_CLOSED
        if waiting[conversation] >= MAX_WAITING:
            return Outcome.TOO_MANY
        waiting[conversation] += 1
        self._rows.insert_outgoing(one.row, relation=one.relation, sent_on=self._today())
        return Outcome.TAKEN

    async def _destroy(self, keys: Sequence[RecordKey]) -> None:
        if keys:
            await asyncio.to_thread(self._keys.destroy, keys)

    def _find(self, key: str) -> TakenBundle | None:
        row = self._database.execute(
            "SELECT number, note_hash, outcomes FROM outgoing_numbers WHERE reader = ?", [key]
        ).fetchone()
        if row is None:
            return None
        outcomes = parse_json_object(row[2].encode(), max_bytes=MAX_OUTCOMES_BYTES)
        return TakenBundle(
            number=row[0],
            sha256=bytes(row[1]),
            outcomes={bytes.fromhex(one): Outcome(outcome) for one, outcome in outcomes.items()},
        )

    def _save(self, key: str, bundle: TakenBundle, *, dies_on: datetime.date) -> None:
        outcomes = {one.hex(): outcome.value for one, outcome in bundle.outcomes.items()}
        self._outcomes.forget(today=self._today())
        self._database.execute(
            "DELETE FROM outgoing_numbers WHERE dies_on < ?", [self._today().isoformat()]
        )
        self._database.execute(
            "INSERT INTO outgoing_numbers (reader, number, dies_on, note_hash, outcomes)"
            " VALUES (:reader, :number, :dies_on, :note_hash, :outcomes) ON CONFLICT (reader)"
            # An earlier bundle may expire later: until then its number must be remembered.
            " DO UPDATE SET number = :number, dies_on = max(dies_on, :dies_on),"
            " note_hash = :note_hash, outcomes = :outcomes",
            {
                "reader": key,
                "number": bundle.number,
                "dies_on": dies_on.isoformat(),
                "note_hash": bundle.sha256,
                "outcomes": format_json(outcomes).decode(),
            },
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WaitingAnswer:
    """
    An answer that waits.

    Args:
        place: The number of its bundle, and its place in it: answers go in this order.
        reader: Whose: the reader's id.
        item: Its random id, as the desk knows it.
        text: What the source reads.
    """

    place: tuple[int, int]
    reader: str
    item: bytes
    text: str = dataclasses.field(repr=False)


def encode_answer(answer: WaitingAnswer) -> bytes:
    """
    Write an answer as it lies until it is sent.

    Args:
        answer: It.

    Returns:
        `ANSWER_BYTES` bytes.
    """
    number, place = answer.place
    head = number.to_bytes(_NUMBER_BYTES) + place.to_bytes(_PLACE_BYTES)
    head += answer.reader.encode().ljust(_READER_BYTES) + answer.item
    return (head + answer.text.encode()).ljust(ANSWER_BYTES, b"\0")


def decode_answer(content: bytes) -> WaitingAnswer:
    """
    Read an answer that waits.

    Args:
        content: As `encode_answer` wrote it.

    Returns:
        The answer.
    """
    head_len = _NUMBER_BYTES + _PLACE_BYTES
    item_at = head_len + _READER_BYTES
    text_at = item_at + ID_BYTES
    return WaitingAnswer(
        place=(
            int.from_bytes(content[:_NUMBER_BYTES]),
            int.from_bytes(content[_NUMBER_BYTES:head_len]),
        ),
        reader=content[head_len:item_at].decode().rstrip(" "),
        item=content[item_at:text_at],
        text=content[text_at:].rstrip(b"\0").decode(),
    )
