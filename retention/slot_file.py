"""
The slot file: where the secrets lie that can die.

    step 0        1,024 slots of keys: days, holds, epochs
    step 1        1,024 slots of records
    step 2 ...    one or the other, as its first slot says

The first slot of each step belongs to the file: its label is the file's id, its body says what the
step is for and its place. So opening reads one slot per step, and the steps of keys.

Rules:
1. It grows by whole steps, written with zeros and synced before they are used; it never shrinks.
2. Which free slot is taken is drawn, and enough stay free, so that a slot's place does not tell
   when its record came.
3. `put` writes, `sync` makes durable, one sync for everything put since: a row may commit after it.
4. Rows say which record slots are used. What no row names was left by a crash, and is destroyed.
5. A secret comes out only for the kind and label it was put in for.
6. After a failed sync nothing is known of what was written: the file serves no more until it is
   opened again.

Limitations: how many slots are used can be seen. While a step is added, `put` waits for its zeros.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import (
    LABEL_BYTES,
    LABEL_PLACE,
    SECRET_BYTES,
    SLOT_BYTES,
    Slot,
    SlotKind,
    encode_slot,
)
from retention.slot_disk import FileDisk, SlotDisk
from retention.slot_keys import KEY_KINDS, KeySlots
from retention.slot_opening import make_slot_file, open_slot_file
from retention.slot_pair import Notice, State
from retention.slot_places import Places
from retention.slot_root import Method, PlainRoot, SlotRoot
from retention.slot_steps import STEP_SLOTS, Purpose

Named = tuple[int, SlotKind, bytes]


class SlotFile:
    """
    An open slot file. One program has it open at a time; any of its threads may use it.

    Args:
        path: The slot file.
        mirror: Its mirror on a second device; None if there is none.
        root: What the secrets are sealed under.
        random: Where places, nonces and the first round of an overwrite come from.
        open_disk: Opens a file that exists.
        create_disk: Opens a file, and makes it if there is none.

    Raises:
        SlotError: `slot_file_missing` (both), `slot_file_unsafe`, `slot_file_unreadable`,
            `slot_folder_missing`, `slot_mirror_foreign`, `slot_mirror_alone`, `slot_doubled`,
            `slot_root_other`, or the root cannot be found.
        OSError: a disk refuses.
    """

    def __init__(
        self,
        path: Path,
        mirror: Path | None = None,
        root: SlotRoot | None = None,
        *,
        random: RandomSource = system_random,
        open_disk: Callable[[Path], SlotDisk] = FileDisk.open,
        create_disk: Callable[[Path], SlotDisk] = FileDisk.create,
    ) -> None:
        self._root: SlotRoot = PlainRoot() if root is None else root
        self._random = random
        self._lock = threading.RLock()
        self._notices: list[Notice] = []
        self._records: Places | None = None
        self._dying: frozenset[int] = frozenset()
        self._steps = open_slot_file(
            path,
            mirror,
            random=random,
            notice=self._notices.append,
            open_disk=open_disk,
            create_disk=create_disk,
        )
        try:
            self._root.attach(self._steps.file_id)
            self._keys = KeySlots(
                self._steps, self._root, random=random, notice=self._notices.append
            )
        except BaseException:
            self.close()
            raise

    @staticmethod
    def create(
        path: Path,
        mirror: Path | None = None,
        root: SlotRoot | None = None,
        *,
        random: RandomSource = system_random,
        create_disk: Callable[[Path], SlotDisk] = FileDisk.create,
    ) -> None:
        """
        Make a new slot file, and its mirror.

        Args:
            path: The slot file. What stands there must be nothing, or what a crash left of this.
            mirror: Its mirror; None if there is none.
            root: What the secrets will be sealed under.
            random: Where its id comes from.
            create_disk: Opens a file, and makes it if there is none.

        Raises:
            SlotError: `slot_file_exists`, `slot_file_unsafe`, or the root cannot be made.
            OSError: a disk refuses.
        """
        make_slot_file(path, mirror, root or PlainRoot(), random=random, create_disk=create_disk)

    def take_notices(self) -> tuple[Notice, ...]:
        """
        Take what a person must be told: what was rebuilt, repaired or is damaged.

        Returns:
            What came up since the last call.
        """
        with self._lock:
            notices = tuple(self._notices)
            self._notices.clear()
            return notices

    def method(self, kind: SlotKind) -> Method:
        """
        Tell what the destruction of a slot may be called.

        Args:
            kind: Of the slot.

        Returns:
            `overwritten` or `destroyed`.
        """
        return self._root.method(kind)

    def find(self, kind: SlotKind) -> Mapping[bytes, int]:
        """
        List the slots of a kind that is found by its label.

        Args:
            kind: `day`, `hold` or `epoch`. Records are found by their rows.

        Returns:
            Slot by label. A slot's number may change when another is destroyed.
        """
        if kind not in KEY_KINDS:
            raise ValueError("records are found by their rows")
        with self._lock:
            return self._keys.find(kind)

    def put(self, kind: SlotKind, label: bytes, secret: Secret) -> int:
        """
        Write a secret into a free slot. It is durable after `sync`, not before.

        Args:
            kind: Whose it is.
            label: 16 bytes: a record's or hold's id, or a day as `encode_day_label` writes it.
            secret: 32 bytes.

        Returns:
            The slot's number.

        Raises:
            SlotError: `slot_exists`: a day, hold or epoch of this label is there already;
                `slot_file_broken`.
            OSError: a disk refuses.
        """
        if len(secret) != SECRET_BYTES:
            raise ValueError("a slot holds 32 bytes")
        slot = self._root.seal(secret, kind=kind, label=label)
        with self._lock:
            self._steps.pair.check_sound()
            if kind in KEY_KINDS:
                return self._keys.put(slot)
            if self._records is None or kind is not SlotKind.RECORD:
                raise RuntimeError("reconcile comes before the first record")
            number = self._records.take()
            # If this fails the slot is neither free nor named by a row: the next opening finds it.
            self._steps.pair.write(number, encode_slot(slot))
            return number

    def sync(self) -> None:
        """
        Make everything that was put durable: one sync per file.

        Raises:
            SlotError: `slot_file_broken`.
            OSError: a disk refuses.
        """
        self._steps.pair.check_sound()
        self._steps.pair.sync()

    def get(self, slot: int, kind: SlotKind, label: bytes) -> Secret:
        """
        Give a slot's secret.

        Args:
            slot: As `put` returned it. For a day, hold or epoch the label alone decides.
            kind: As it was put.
            label: As it was put.

        Returns:
            32 bytes.

        Raises:
            SlotError: `slot_free`: it died; `slot_other`: the slot holds another's secret;
                `slot_damaged`, `slot_differs`, `slot_root_other`, `slot_file_broken`.
            OSError: the disk refuses.
        """
        with self._lock:
            self._steps.pair.check_sound()
            number = self._keys.get(kind, label)
            if self._is_record_place(slot, kind):
                number = slot
            if number is None or number in self._dying:
                raise SlotError("slot_free", slot=slot)
            found = self._steps.pair.read(number)
        if found is None:
            raise SlotError("slot_free", slot=slot)
        if found.kind is not kind or found.label != label:
            raise SlotError("slot_other", slot=slot)
        try:
            return self._root.open(found)
        except SlotError as exc:
            if exc.code == "slot_malformed":
                raise SlotError("slot_damaged", slot=slot) from exc
            raise

    def destroy(self, slots: Iterable[Named]) -> frozenset[int]:
        """
        Destroy secrets: overwrite in place, sync, read back, on both disks.

        What is gone already is no error, so that it can be done again after a crash. Work grows
        with what dies.

        Args:
            slots: Slot, kind and label of each.

        Returns:
            Slots that hold another's secret by now; they were not touched.

        Raises:
            SlotError: `slot_not_destroyed`: something is left; `slot_file_broken`.
            OSError: a disk refuses; nothing may be said to be gone.
        """
        with self._lock:
            self._steps.pair.check_sound()
            targets, others = self._resolve(slots)
            if any(self._steps.purpose(number) is not Purpose.RECORDS for number in targets):
                targets |= self._keys.replace_root(targets)
            self._dying |= targets
        try:
            self._steps.pair.overwrite(sorted(targets))
            with self._lock:
                self._forget(targets)
        finally:
            with self._lock:
                self._dying -= targets
        return others

    def reconcile(self, used: Iterable[int]) -> int:
        """
        Learn which record slots are used, and destroy what no row names. Once, before any `put`.

        Args:
            used: Every slot that a row of a record names.

        Returns:
            How many were destroyed.

        Raises:
            SlotError: `slot_not_destroyed`.
            OSError: a disk refuses.
        """
        with self._lock:
            self._steps.pair.check_sound()
            taken = bytearray(self._steps.slots_len())
            for number in used:
                if number < len(taken):
                    taken[number] = 1
            places = list(self._steps.places(Purpose.RECORDS))
            free = [number for number in places if not taken[number]]
            orphans = self._steps.pair.find_not_free(free)
            self._steps.pair.overwrite(orphans)
            self._records = Places(
                self._steps,
                Purpose.RECORDS,
                random=self._random,
                free=free,
                used_len=len(places) - len(free),
            )
            return len(orphans)

    def read_labels(self, used: Iterable[int]) -> bytes:
        """
        Read whose secrets lie in slots of records. Each is read once, and none is opened.

        Args:
            used: Every slot to look at.

        Returns:
            16 bytes for every slot of the file, by its number: the label, all zeros where the slot
            is free in one copy or was not to be looked at.
        """
        with self._lock:
            self._steps.pair.check_sound()
            wanted = bytearray(self._steps.slots_len())
            for number in used:
                if number < len(wanted):
                    wanted[number] = 1
            labels = bytearray(len(wanted) * LABEL_BYTES)
            places = (one for one in self._steps.places(Purpose.RECORDS) if wanted[one])
            for first, pieces in self._steps.pair.read_runs(places):
                found = [_cut_labels(piece) for piece in pieces]
                start = first * LABEL_BYTES
                labels[start : start + len(found[0])] = _keep_same(*found)
        return bytes(labels)

    def discard_damaged(self) -> int:
        """
        Destroy the keys that cannot be read. Each opens nothing any more, and its bytes may be
        whole all the same: it may be a key that somebody is told is gone.

        Returns:
            How many.

        Raises:
            SlotError: `slot_not_destroyed`.
            OSError: a disk refuses; nothing may be said to be gone.
        """
        count = 0
        with self._lock:
            self._steps.pair.check_sound()
            # A root that is replaced reads every key, and may find another that is damaged.
            while damaged := self._keys.damaged():
                targets = damaged | self._keys.replace_root(damaged)
                self._steps.pair.overwrite(sorted(targets))
                self._forget(targets)
                count += len(damaged)
        return count

    def close(self) -> None:
        """Close the file and its mirror."""
        self._steps.pair.close()

    def _resolve(self, slots: Iterable[Named]) -> tuple[frozenset[int], frozenset[int]]:
        named = list(slots)
        self._steps.pair.expect(
            sorted({slot for slot, kind, _ in named if self._is_record_place(slot, kind)})
        )
        targets: set[int] = set()
        others: set[int] = set()
        for slot, kind, label in named:
            if kind in KEY_KINDS:
                targets |= self._keys.resolve(kind, label)
                continue
            found = self._steps.pair.look(slot) if self._is_record_place(slot, kind) else ()
            if not found or any(_is_other(one, kind, label) for one in found):
                others.add(slot)
            elif any(one is not State.FREE for one in found):
                targets.add(slot)
        return frozenset(targets), frozenset(others)

    def _forget(self, gone: frozenset[int]) -> None:
        self._keys.forget(gone)
        for number in gone:
            if self._records is not None and self._steps.purpose(number) is Purpose.RECORDS:
                self._records.give_back(number)

    def _is_record_place(self, number: int, kind: SlotKind) -> bool:
        return (
            kind is SlotKind.RECORD
            and 0 <= number < self._steps.slots_len()
            and number % STEP_SLOTS != 0
            and self._steps.purpose(number) is not Purpose.KEYS
        )


def _cut_labels(piece: bytes) -> bytes:
    """Take the labels out of neighbouring slots: byte by byte of all, which is soon done."""
    labels = bytearray(len(piece) // SLOT_BYTES * LABEL_BYTES)
    for offset in range(LABEL_BYTES):
        labels[offset::LABEL_BYTES] = piece[LABEL_PLACE.start + offset :: SLOT_BYTES]
    return bytes(labels)


def _keep_same(labels: bytes, *others: bytes) -> bytes:
    """Leave out the labels that are not the same in every copy."""
    kept = bytearray(labels)
    for other in others:
        if other == labels:
            continue
        for start in range(0, len(labels), LABEL_BYTES):
            place = slice(start, start + LABEL_BYTES)
            if other[place] != labels[place]:
                kept[place] = bytes(LABEL_BYTES)
    return bytes(kept)


def _is_other(found: Slot | State, kind: SlotKind, label: bytes) -> bool:
    return isinstance(found, Slot) and (found.kind is not kind or found.label != label)
