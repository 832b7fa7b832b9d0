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
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SECRET_BYTES, Slot, SlotKind, encode_slot
from retention.slot_disk import FileDisk, SlotDisk
from retention.slot_opening import make_slot_file, open_slot_file
from retention.slot_pair import Notice, State
from retention.slot_root import Method, PlainRoot, SlotRoot
from retention.slot_steps import STEP_SLOTS, Purpose

KEY_KINDS: Final = frozenset({SlotKind.DAY, SlotKind.HOLD, SlotKind.EPOCH})
MIN_FREE_SLOTS: Final = 512  # the least among which a place is drawn
FREE_SHARE: Final = 8  # one free slot for so many used: about a day's arrivals of a full line
DRAW_BYTES: Final = 8

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
            `slot_mirror_foreign`, `slot_mirror_alone`, `slot_doubled`.
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
        self._broken = False
        self._keys: dict[tuple[SlotKind, bytes], int] = {}
        self._free_keys: list[int] = []
        self._free_records: list[int] | None = None
        self._used_records_len = 0
        self._damaged_keys: set[int] = set()
        self._dying: set[int] = set()
        self._steps = open_slot_file(
            path,
            mirror,
            random=random,
            notice=self._notices.append,
            open_disk=open_disk,
            create_disk=create_disk,
        )
        try:
            self._read_keys()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def create(
        path: Path,
        mirror: Path | None = None,
        *,
        random: RandomSource = system_random,
        create_disk: Callable[[Path], SlotDisk] = FileDisk.create,
    ) -> None:
        """
        Make a new slot file, and its mirror.

        Args:
            path: The slot file. What stands there must be nothing, or what a crash left of this.
            mirror: Its mirror; None if there is none.
            random: Where its id comes from.
            create_disk: Opens a file, and makes it if there is none.

        Raises:
            SlotError: `slot_file_exists`, `slot_file_unsafe`.
            OSError: a disk refuses.
        """
        make_slot_file(path, mirror, random=random, create_disk=create_disk)

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
        _check_key_kind(kind)
        with self._lock:
            return {label: slot for (one, label), slot in self._keys.items() if one is kind}

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
        content = encode_slot(self._root.seal(secret, kind=kind, label=label))
        with self._lock:
            self._check_sound()
            if (kind, label) in self._keys:
                raise SlotError("slot_exists")
            number = self._take(Purpose.KEYS if kind in KEY_KINDS else Purpose.RECORDS)
            # If this fails the slot is not free, nor named by a row: the next opening finds it.
            self._steps.pair.write(number, content)
            if kind in KEY_KINDS:
                self._keys[kind, label] = number
            return number

    def sync(self) -> None:
        """
        Make everything that was put durable: one sync per file.

        Raises:
            SlotError: `slot_file_broken`.
            OSError: a disk refuses.
        """
        self._check_sound()
        with self._breaking():
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
            self._check_sound()
            number = self._keys.get((kind, label)) if kind in KEY_KINDS else slot
            if number is None or number in self._dying or not self._is_place(number, kind):
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
            self._check_sound()
            targets, others = self._resolve(slots)
            self._dying |= targets
        try:
            with self._breaking():
                self._steps.pair.overwrite(sorted(targets))
        finally:
            with self._lock:
                self._dying -= targets
        self._forget(targets)
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
            self._check_sound()
            taken = bytearray(self._steps.slots_len())
            for number in used:
                if number < len(taken):
                    taken[number] = 1
            places = list(self._steps.places(Purpose.RECORDS))
            free = [number for number in places if not taken[number]]
            orphans = self._steps.pair.find_not_free(free)
            with self._breaking():
                self._steps.pair.overwrite(orphans)
            self._free_records = free
            self._used_records_len = len(places) - len(free)
            return len(orphans)

    def close(self) -> None:
        """Close the file and its mirror."""
        self._steps.pair.close()

    def _read_keys(self) -> None:
        places = self._steps.places(Purpose.KEYS)
        for number, contents in self._steps.pair.read_pieces(places):
            try:
                slot = self._steps.pair.decide(number, contents)
            except SlotError as exc:
                self._damaged_keys.add(number)
                self._notices.append(Notice(code=exc.code, slot=number))
                continue
            if slot is None:
                if self._steps.purpose(number) is Purpose.KEYS:
                    self._free_keys.append(number)
                continue
            if slot.kind not in KEY_KINDS:
                continue  # a record, in a step of unknown purpose
            if (slot.kind, slot.label) in self._keys:
                raise SlotError("slot_doubled", slot=number)
            self._keys[slot.kind, slot.label] = number
        # Free in one and not in the other: a destruction that was cut short is done to its end.
        self._steps.pair.overwrite(self._steps.pair.find_not_free(self._free_keys))

    def _take(self, purpose: Purpose) -> int:
        free = self._free_keys if purpose is Purpose.KEYS else self._free_records
        if free is None:
            raise RuntimeError("reconcile comes before the first put")
        used_len = len(self._keys) if purpose is Purpose.KEYS else self._used_records_len
        if len(free) <= max(MIN_FREE_SLOTS, used_len // FREE_SHARE):
            with self._breaking():
                free.extend(self._steps.grow(purpose))
        drawn = int.from_bytes(self._random(DRAW_BYTES), "big") % len(free)
        free[drawn], free[-1] = free[-1], free[drawn]
        if purpose is Purpose.RECORDS:
            self._used_records_len += 1
        return free.pop()

    def _resolve(self, slots: Iterable[Named]) -> tuple[set[int], frozenset[int]]:
        named = list(slots)
        self._steps.pair.expect(
            sorted(number for number, kind, _ in named if self._is_place(number, kind))
        )
        targets: set[int] = set()
        others: set[int] = set()
        for slot, kind, label in named:
            if kind in KEY_KINDS:
                number = self._keys.get((kind, label))
                # A key that is nowhere may be the one that cannot be read.
                targets |= self._damaged_keys if number is None else {number}
            elif not self._is_place(slot, kind) or self._holds_other(slot, kind, label):
                others.add(slot)
            elif any(state is not State.FREE for state in self._steps.pair.look(slot)):
                targets.add(slot)
        return targets, frozenset(others)

    def _holds_other(self, number: int, kind: SlotKind, label: bytes) -> bool:
        found = [state for state in self._steps.pair.look(number) if isinstance(state, Slot)]
        return any(slot.kind is not kind or slot.label != label for slot in found)

    def _forget(self, gone: set[int]) -> None:
        with self._lock:
            for key, number in list(self._keys.items()):
                if number in gone:
                    del self._keys[key]
            self._damaged_keys -= gone
            for number in gone:
                if self._steps.purpose(number) is Purpose.KEYS:
                    self._free_keys.append(number)
                elif self._free_records is not None:
                    self._free_records.append(number)
                    self._used_records_len -= 1

    def _is_place(self, number: int, kind: SlotKind) -> bool:
        if not 0 <= number < self._steps.slots_len() or number % STEP_SLOTS == 0:
            return False
        return kind in KEY_KINDS or self._steps.purpose(number) is not Purpose.KEYS

    def _check_sound(self) -> None:
        if self._broken:
            raise SlotError("slot_file_broken")

    @contextmanager
    def _breaking(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._broken = True
            raise


def _check_key_kind(kind: SlotKind) -> None:
    if kind not in KEY_KINDS:
        raise ValueError("records are found by their rows")
