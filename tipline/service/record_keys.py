"""
The keys of what is stored: made, wrapped, opened, destroyed.

Every record has a data key of its own. It lies in the record's row, wrapped under the key of the
day on which the record dies and under a secret of the record's own; both of these lie in the slot
file, which no backup holds.

Rules:
1. A row names its slot; the slot is durable before the row commits (`sync`).
2. A day has one key, made when it is first needed and some time ahead, so that there is a key to
   destroy on every day, also when nothing arrived.
3. A record keeps its slot for life: what moves its last day wraps its data key anew, and the
   secret that dies with it stays the one under which every older copy of the row was wrapped.
4. A key that is gone or cannot be read is to a client what a refusing disk is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from crypto.data_key import DataKey, derive_wrapping_key, unwrap_data_key, wrap_data_key
from crypto.errors import CryptoError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import (
    LABEL_BYTES,
    SECRET_BYTES,
    SlotKind,
    decode_day_label,
    encode_day_label,
)
from retention.slot_file import SlotFile
from retention.slot_keys import KEY_KINDS
from retention.slot_root import Method

_ANY_SLOT: Final = 0  # of days and holds: their label alone decides


class KeyUnavailableError(OSError):
    """A key is gone, or the slot file does not give it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordKey:
    """
    What a row says of its record's key.

    Args:
        data_id: Random, 16 bytes; bound into everything that is sealed for this record.
        slot: Where the record's own secret lies.
        wrapped: The data key.
    """

    data_id: bytes
    slot: int
    wrapped: bytes


class RecordKeys:
    """
    The keys of one store. Any thread may use it.

    Args:
        slots: Open and reconciled.
        random: Where keys and ids come from.
    """

    def __init__(self, slots: SlotFile, *, random: RandomSource = system_random) -> None:
        self._slots = slots
        self._random = random
        self._unsynced = False

    def make(self, *, dies_on: datetime.date) -> tuple[RecordKey, DataKey]:
        """
        Make the key of a new record. It is durable after `sync`.

        Args:
            dies_on: The day under whose key it is wrapped.

        Returns:
            What the row says, and the data key.

        Raises:
            KeyUnavailableError: the slot file does not take it.
        """
        data_id, secret = self._random(LABEL_BYTES), Secret(self._random(SECRET_BYTES))
        data_key = DataKey.generate(random=self._random)
        with _naming_failures():
            slot = self._put(SlotKind.RECORD, data_id, secret)
            wrapped = self._wrap(data_key, self._make_day(dies_on), secret, data_id)
        return RecordKey(data_id=data_id, slot=slot, wrapped=wrapped), data_key

    def open(self, key: RecordKey, *, dies_on: datetime.date) -> DataKey:
        """
        Open a record's data key.

        Args:
            key: As its row says.
            dies_on: The day under whose key it is wrapped.

        Returns:
            The data key.

        Raises:
            KeyUnavailableError: the day's or the record's secret is gone or unreadable.
        """
        return self._open(key, SlotKind.DAY, encode_day_label(dies_on))

    def open_held(self, key: RecordKey, *, hold_id: bytes) -> DataKey:
        """
        Open a record's data key by a hold.

        Args:
            key: As its row says, but wrapped under the hold.
            hold_id: Of the hold.

        Returns:
            The data key.

        Raises:
            KeyUnavailableError: the hold's or the record's secret is gone or unreadable.
        """
        return self._open(key, SlotKind.HOLD, hold_id)

    def wrap(self, key: RecordKey, data_key: DataKey, *, dies_on: datetime.date) -> RecordKey:
        """
        Wrap a record's data key for another last day.

        Args:
            key: As its row says.
            data_key: The record's.
            dies_on: The new day.

        Returns:
            What the row will say.

        Raises:
            KeyUnavailableError: the slot file does not give what is needed.
        """
        with _naming_failures():
            wrapped = self._wrap(
                data_key, self._make_day(dies_on), self._read_secret(key), key.data_id
            )
        return dataclasses.replace(key, wrapped=wrapped)

    def wrap_held(self, key: RecordKey, data_key: DataKey, *, hold_id: bytes) -> bytes:
        """
        Wrap a record's data key under a hold.

        Args:
            key: As its row says.
            data_key: The record's.
            hold_id: Of the hold, whose key was made.

        Returns:
            The data key, wrapped.

        Raises:
            KeyUnavailableError: the slot file does not give what is needed.
        """
        with _naming_failures():
            hold_key = self._slots.get(_ANY_SLOT, SlotKind.HOLD, hold_id)
            return self._wrap(data_key, hold_key, self._read_secret(key), key.data_id)

    def make_hold(self, hold_id: bytes) -> int:
        """
        Make the key of a hold. It is durable after `sync`.

        Args:
            hold_id: Random, 16 bytes.

        Returns:
            Its slot.

        Raises:
            KeyUnavailableError: the slot file does not take it.
        """
        with _naming_failures():
            return self._put(SlotKind.HOLD, hold_id, Secret(self._random(SECRET_BYTES)))

    def make_epoch(self, epoch_id: bytes) -> int:
        """
        Make the key of an epoch. It is durable after `sync`.

        Args:
            epoch_id: Random, 16 bytes.

        Returns:
            Its slot.

        Raises:
            KeyUnavailableError: the slot file does not take it.
        """
        with _naming_failures():
            return self._put(SlotKind.EPOCH, epoch_id, Secret(self._random(SECRET_BYTES)))

    def read_epoch(self, epoch_id: bytes) -> Secret:
        """
        Give the key of an epoch.

        Args:
            epoch_id: Of the epoch.

        Returns:
            32 bytes.

        Raises:
            KeyUnavailableError: it is gone or unreadable.
        """
        with _naming_failures():
            return self._slots.get(_ANY_SLOT, SlotKind.EPOCH, epoch_id)

    def epochs(self) -> set[bytes]:
        """
        List the epochs that have a key.

        Returns:
            Their ids.
        """
        with _naming_failures():
            return set(self._slots.find(SlotKind.EPOCH))

    def destroy_epochs(self, epoch_ids: Iterable[bytes]) -> None:
        """
        Destroy the keys of epochs.

        Args:
            epoch_ids: What is gone already is no error.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            self._slots.destroy([(_ANY_SLOT, SlotKind.EPOCH, one) for one in epoch_ids])

    def derive_of_day(
        self, day: datetime.date, derive: Callable[[Secret], Secret], *, may_make: bool = True
    ) -> Secret:
        """
        Derive a key that dies with the key of a day.

        Args:
            day: To come, if it may be made.
            derive: From the day's key.
            may_make: Whether its key is made if there is none.

        Returns:
            The derived key.

        Raises:
            KeyUnavailableError: the day's key is unreadable, or gone.
        """
        with _naming_failures():
            if may_make:
                return derive(self._make_day(day))
            return derive(self._slots.get(_ANY_SLOT, SlotKind.DAY, encode_day_label(day)))

    def make_days(self, first: datetime.date, last: datetime.date) -> None:
        """
        Make the keys of days, as far as there are none.

        Args:
            first: The first day.
            last: The last one.

        Raises:
            KeyUnavailableError: the slot file does not take them.
        """
        made = self.days()
        with _naming_failures():
            for number in range((last - first).days + 1):
                day = first + datetime.timedelta(days=number)
                if day not in made:
                    self._make_day(day)
        self.sync()

    def days(self) -> set[datetime.date]:
        """
        List the days that have a key.

        Returns:
            The days.
        """
        with _naming_failures():
            return {decode_day_label(label) for label in self._slots.find(SlotKind.DAY)}

    def holds(self) -> set[bytes]:
        """
        List the holds that have a key.

        Returns:
            Their ids.
        """
        with _naming_failures():
            return set(self._slots.find(SlotKind.HOLD))

    def sync(self) -> None:
        """
        Make durable what was made.

        Raises:
            KeyUnavailableError: the slot file is broken.
            OSError: the disk refuses.
        """
        if not self._unsynced:
            return  # a sync waits for the disk, also when there is nothing to write
        self._unsynced = False
        try:
            with _naming_failures():
                self._slots.sync()
        except OSError:
            self._unsynced = True
            raise

    def destroy_days(self, days: Iterable[datetime.date]) -> None:
        """
        Destroy the keys of days.

        Args:
            days: What is gone already is no error.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            self._slots.destroy([(_ANY_SLOT, SlotKind.DAY, encode_day_label(day)) for day in days])

    def destroy_unreadable(self) -> int:
        """
        Destroy the keys of days and holds that cannot be read: each may be one that had to die.

        Returns:
            How many.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            return self._slots.discard_damaged()

    def destroy(self, keys: Iterable[RecordKey]) -> None:
        """
        Destroy records' own secrets.

        Args:
            keys: As their rows say. What is gone already is no error.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            self._slots.destroy([(key.slot, SlotKind.RECORD, key.data_id) for key in keys])

    def destroy_holds(self, hold_ids: Iterable[bytes]) -> None:
        """
        Destroy the keys of holds.

        Args:
            hold_ids: What is gone already is no error.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            self._slots.destroy([(_ANY_SLOT, SlotKind.HOLD, hold_id) for hold_id in hold_ids])

    def destroy_all(self) -> None:
        """
        Destroy every secret in the slot file.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses; nothing may be said to be gone.
        """
        with _naming_failures():
            destroy_all_slots(self._slots)

    def destroy_unknown_holds(self, known: Collection[bytes]) -> None:
        """
        Destroy the keys of holds that no row names: a crash left them while a hold was placed.

        Args:
            known: Ids of the holds that have a row.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses.
        """
        with _naming_failures():
            unknown = [one for one in self._slots.find(SlotKind.HOLD) if one not in known]
        if unknown:
            self.destroy_holds(unknown)

    def destroy_unknown_epochs(self, known: Collection[bytes]) -> None:
        """
        Destroy the keys of epochs that no row names: a crash left them, or a backup was restored.

        Args:
            known: Ids of the epochs that have a row.

        Raises:
            KeyUnavailableError: something is left, or may be.
            OSError: the disk refuses.
        """
        if unknown := self.epochs().difference(known):
            self.destroy_epochs(unknown)

    def method(self, kind: SlotKind) -> Method:
        """
        Tell what the destruction of a key may be called.

        Args:
            kind: Of its slot.

        Returns:
            `overwritten` or `destroyed`.
        """
        return self._slots.method(kind)

    def _make_day(self, day: datetime.date) -> Secret:
        label = encode_day_label(day)
        try:
            return self._slots.get(_ANY_SLOT, SlotKind.DAY, label)
        except SlotError as exc:
            if exc.code != "slot_free":
                raise
        try:
            self._put(SlotKind.DAY, label, Secret(self._random(SECRET_BYTES)))
        except SlotError as exc:
            if exc.code != "slot_exists":  # another thread made it meanwhile
                raise
        return self._slots.get(_ANY_SLOT, SlotKind.DAY, label)

    def _put(self, kind: SlotKind, label: bytes, secret: Secret) -> int:
        slot = self._slots.put(kind, label, secret)
        # After the write: a sync that runs meanwhile leaves this to the next one.
        self._unsynced = True
        return slot

    def _read_secret(self, key: RecordKey) -> Secret:
        return self._slots.get(key.slot, SlotKind.RECORD, key.data_id)

    def _open(self, key: RecordKey, kind: SlotKind, label: bytes) -> DataKey:
        with _naming_failures():
            wrapping_key = derive_wrapping_key(
                self._slots.get(_ANY_SLOT, kind, label),
                self._read_secret(key),
                record_id=key.data_id,
            )
            return unwrap_data_key(key.wrapped, wrapping_key, record_id=key.data_id)

    def _wrap(self, data_key: DataKey, day_key: Secret, secret: Secret, data_id: bytes) -> bytes:
        wrapping_key = derive_wrapping_key(day_key, secret, record_id=data_id)
        return wrap_data_key(data_key, wrapping_key, record_id=data_id, random=self._random)


def destroy_all_slots(slots: SlotFile) -> None:
    """
    Destroy every secret in a slot file: the end of a line.

    Args:
        slots: Open; from then on nothing that was stored opens.

    Raises:
        SlotError: something is left, or may be.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    for kind in KEY_KINDS:
        slots.destroy([(_ANY_SLOT, kind, label) for label in slots.find(kind)])
    slots.discard_damaged()
    slots.reconcile(())  # what no row names; nothing names anything any more


@contextlib.contextmanager
def _naming_failures() -> Iterator[None]:
    try:
        yield
    except (SlotError, CryptoError) as exc:
        raise KeyUnavailableError(exc.code) from exc
