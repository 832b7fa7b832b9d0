"""Disks for tests of the slot file: in memory, losing power, counting steps, refusing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from crypto.randomness import RandomSource
from retention.slot import SLOT_BYTES
from retention.slot_disk import FileDisk, SlotDisk

SECTOR_BYTES = 512  # what a disk writes whole or not at all


class CrashError(BaseException):
    """The machine stopped here. Nothing of ours may catch it."""


def make_random(seed: str) -> RandomSource:
    """Bytes that are the same in every run, and different in every call."""
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed} {count}".encode()).digest(length)

    return draw


class Machine:
    """
    A machine whose disks lose what was not synced when it loses power.

    Each write, sync or creation is a step; at step `stop_at` the power goes. Of what was not synced
    each sector is kept or lost, as *random* says.
    """

    def __init__(self, random: RandomSource) -> None:
        self.random = random
        self.durable: dict[Path, bytearray] = {}
        self.pending: dict[Path, list[tuple[int, bytes]]] = {}
        self.steps = 0
        self.stop_at: int | None = None

    def step(self) -> None:
        """Count one step, and stop if it is the last."""
        if self.steps == self.stop_at:
            raise CrashError
        self.steps += 1

    def open(self, path: Path) -> SlotDisk:
        """Open a file that exists."""
        if path not in self.durable:
            raise FileNotFoundError(path)
        return MemoryDisk(self, path)

    def create(self, path: Path) -> SlotDisk:
        """Open a file, and make it if there is none."""
        self.step()
        self.durable.setdefault(path, bytearray())
        return MemoryDisk(self, path)

    def lose_power(self) -> None:
        """Keep what was synced, and of the rest what the disk happened to write."""
        for path, writes in self.pending.items():
            for offset, data in writes:
                for start in range(0, len(data), SECTOR_BYTES):
                    if self.random(1)[0] % 2:
                        self._put(path, offset + start, data[start : start + SECTOR_BYTES])
        self.pending.clear()
        self.steps = 0
        self.stop_at = None

    def flush(self, path: Path) -> None:
        """Write what was not synced."""
        for offset, data in self.pending.pop(path, []):
            self._put(path, offset, data)

    def _put(self, path: Path, offset: int, data: bytes) -> None:
        _put(self.durable[path], offset, data)


def _put(file: bytearray, offset: int, data: bytes) -> None:
    if len(file) < offset:
        file.extend(bytes(offset - len(file)))
    file[offset : offset + len(data)] = data


class MemoryDisk:
    """A slot file of a `Machine`."""

    def __init__(self, machine: Machine, path: Path) -> None:
        self.machine = machine
        self.path = path

    def _read(self, file: bytearray, first: int, count: int) -> bytes:
        data = bytes(file[first * SLOT_BYTES : (first + count) * SLOT_BYTES])
        return data.ljust(count * SLOT_BYTES, b"\0")

    def count(self) -> int:
        """How many whole slots there are."""
        ends = [offset + len(data) for offset, data in self.machine.pending.get(self.path, [])]
        return max([len(self.machine.durable[self.path]), *ends]) // SLOT_BYTES

    def read(self, first: int, count: int = 1) -> bytes:
        """What programs see."""
        start, end = first * SLOT_BYTES, (first + count) * SLOT_BYTES
        view = bytearray(self._read(self.machine.durable[self.path], first, count))
        for offset, data in self.machine.pending.get(self.path, []):
            low, high = max(offset, start), min(offset + len(data), end)
            if low < high:
                view[low - start : high - start] = data[low - offset : high - offset]
        return bytes(view)

    def read_back(self, first: int, count: int = 1) -> bytes:
        """What the disk has: a program that forgot to sync finds its mistake here."""
        return self._read(self.machine.durable[self.path], first, count)

    def expect(self, first: int, count: int = 1) -> None:
        """Nothing is read ahead in memory."""

    def write(self, first: int, data: bytes) -> None:
        """Write, not yet durable."""
        self.machine.step()
        self.machine.pending.setdefault(self.path, []).append((first * SLOT_BYTES, data))

    def sync(self) -> None:
        """Make durable."""
        self.machine.step()
        self.machine.flush(self.path)

    def sync_all(self) -> None:
        """Make durable."""
        self.sync()

    def close(self) -> None:
        """Nothing to close."""


class RefusingDisk:
    """A real file, of which one operation refuses or does something else."""

    def __init__(self, disk: FileDisk, **instead: Callable[..., object]) -> None:
        self._disk = disk
        self._instead = instead

    def __getattr__(self, name: str) -> object:
        return self._instead.get(name) or getattr(self._disk, name)
