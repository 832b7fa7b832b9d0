"""
The slots that are found by their label: days, holds, epochs.

They are few, lie in steps of their own, and are all read when the file is opened. A root that is
replaced is replaced for all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from crypto.randomness import RandomSource
from retention.errors import SlotError
from retention.slot import Slot, SlotKind, encode_slot
from retention.slot_pair import Notice
from retention.slot_places import Places
from retention.slot_root import SlotRoot, Standing
from retention.slot_steps import Purpose, Steps

KEY_KINDS: Final = frozenset({SlotKind.DAY, SlotKind.HOLD, SlotKind.EPOCH})

Key = tuple[SlotKind, bytes]


class KeySlots:
    """
    The keys of an open slot file. The caller holds its lock.

    Args:
        steps: The file's.
        root: What the secrets are sealed under, attached.
        random: Where draws come from.
        notice: Told what is damaged.

    Raises:
        SlotError: `slot_doubled`, `slot_root_other`, or the root cannot be replaced.
        OSError: a disk refuses.
    """

    def __init__(
        self,
        steps: Steps,
        root: SlotRoot,
        *,
        random: RandomSource,
        notice: Callable[[Notice], None],
    ) -> None:
        self._steps = steps
        self._root = root
        self._notice = notice
        self._slots: dict[Key, int] = {}
        self._damaged: set[int] = set()
        self._spent: set[int] = set()
        free = self._read()
        self._places = Places(
            steps, Purpose.KEYS, random=random, free=free, used_len=len(self._slots)
        )
        self._finish_what_was_cut_short(free)

    def find(self, kind: SlotKind) -> Mapping[bytes, int]:
        """
        List the slots of a kind.

        Args:
            kind: Of these.

        Returns:
            Slot by label.
        """
        return {label: slot for (one, label), slot in self._slots.items() if one is kind}

    def get(self, kind: SlotKind, label: bytes) -> int | None:
        """
        Find a key's slot.

        Args:
            kind: Of the key.
            label: Of the key.

        Returns:
            The slot's number; None if there is none.
        """
        return self._slots.get((kind, label))

    def put(self, slot: Slot) -> int:
        """
        Write a key into a free slot.

        Args:
            slot: What to write.

        Returns:
            The slot's number.

        Raises:
            SlotError: `slot_exists`: a key of this kind and label is there already.
            OSError: a disk refuses.
        """
        if (slot.kind, slot.label) in self._slots:
            raise SlotError("slot_exists")
        number = self._places.take()
        self._steps.pair.write(number, encode_slot(slot))
        self._slots[slot.kind, slot.label] = number
        return number

    def resolve(self, kind: SlotKind, label: bytes) -> frozenset[int]:
        """
        Say what must be overwritten so that a key is gone.

        Args:
            kind: Of the key.
            label: Of the key.

        Returns:
            Its slot; if it is nowhere, every slot that cannot be read: it may be one of them.
        """
        number = self._slots.get((kind, label))
        return frozenset(self._damaged) if number is None else frozenset({number})

    def damaged(self) -> frozenset[int]:
        """
        List the slots of keys that cannot be read.

        Returns:
            Their numbers.
        """
        return frozenset(self._damaged)

    def replace_root(self, dying: frozenset[int]) -> frozenset[int]:
        """
        Seal every key that lives under a new root, and destroy the old one.

        Args:
            dying: Slots that are not sealed anew.

        Returns:
            Slots that nobody opens any more, to be overwritten; none if the root stays.

        Raises:
            SlotError: the root refuses.
            OSError: a disk refuses.
        """
        rotation = self._root.rotation()
        if rotation is None:
            return frozenset()
        if not rotation.pending():
            rotation.begin()
        for key, number in list(self._slots.items()):
            if number not in dying:
                self._seal_anew(key, number)
        self._steps.pair.sync()
        rotation.finish()
        return frozenset(self._spent)

    def forget(self, gone: frozenset[int]) -> None:
        """
        Learn that slots are all zeros.

        Args:
            gone: Of this and other purposes.
        """
        for key, number in list(self._slots.items()):
            if number in gone:
                del self._slots[key]
        self._damaged -= gone
        self._spent -= gone
        for number in gone:
            if self._steps.purpose(number) is Purpose.KEYS:
                self._places.give_back(number)

    def _read(self) -> list[int]:
        """Read every place; return the free ones."""
        old: dict[Key, int] = {}
        free: list[int] = []
        for number, contents in self._steps.pair.read_pieces(self._steps.places(Purpose.KEYS)):
            slot = self._decide(number, contents, free=free)
            if slot is None:
                continue
            standing = self._root.standing(slot)
            if standing is Standing.FOREIGN:
                raise SlotError("slot_root_other")
            if standing is Standing.SPENT:
                self._spent.add(number)
                continue
            slots = self._slots if standing is Standing.CURRENT else old
            if (slot.kind, slot.label) in slots:
                raise SlotError("slot_doubled", slot=number)
            slots[slot.kind, slot.label] = number
        # What is sealed anew already is the one that counts.
        self._spent |= {number for key, number in old.items() if key in self._slots}
        self._slots = old | self._slots
        return free

    def _decide(self, number: int, contents: Sequence[bytes], *, free: list[int]) -> Slot | None:
        """Read one place; None if no key stands there."""
        try:
            slot = self._steps.pair.decide(number, contents)
        except SlotError as exc:
            self._set_aside(number, exc.code)
            return None
        if slot is None:
            if self._steps.purpose(number) is Purpose.KEYS:
                free.append(number)
            return None
        # A record can only be here in a step whose purpose is not known.
        return slot if slot.kind in KEY_KINDS else None

    def _finish_what_was_cut_short(self, free: list[int]) -> None:
        rotation = self._root.rotation()
        if rotation is not None and rotation.pending():
            self.replace_root(frozenset())
        # Free in one and not in the other: a destruction, or a key whose sync never came.
        taken = frozenset(self._slots.values())
        halves = self._steps.pair.find_not_free(one for one in sorted(free) if one not in taken)
        spent = frozenset(self._spent)
        self._steps.pair.overwrite(sorted(spent.union(halves)))
        self.forget(spent)

    def _seal_anew(self, key: Key, number: int) -> None:
        try:
            slot = self._steps.pair.read(number)
        except SlotError as exc:
            # It opens nothing any more; the others must not wait for it.
            del self._slots[key]
            self._set_aside(number, exc.code)
            return
        if slot is None or self._root.standing(slot) is Standing.CURRENT:
            return
        kind, label = key
        copy = self._root.seal(self._root.open(slot), kind=kind, label=label)
        place = self._places.take()
        self._steps.pair.write(place, encode_slot(copy))
        self._slots[key] = place
        self._spent.add(number)

    def _set_aside(self, number: int, code: str) -> None:
        self._damaged.add(number)
        self._notice(Notice(code=code, slot=number))
