"""The slot file on real file systems: what is left on the device after a destruction."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

import pytest

from crypto.secret import Secret
from retention.slot import SlotKind
from retention.slot_file import SlotFile
from tests.volumes import make_ext4, mount

IMAGE_BYTES = 64 * 1024 * 1024
MADE = 50


def fill(path: Path, secrets: list[Secret]) -> tuple[SlotFile, list[tuple[int, SlotKind, bytes]]]:
    """Put secrets into a new slot file."""
    SlotFile.create(path)
    file = SlotFile(path)
    file.reconcile([])
    named = []
    for number, secret in enumerate(secrets):
        label = number.to_bytes(16, "big")
        named.append((file.put(SlotKind.RECORD, label, secret), SlotKind.RECORD, label))
    file.sync()
    return file, named


def count(image: Path, secrets: list[Secret]) -> int:
    """Count which of the secrets stand in a raw image."""
    raw = image.read_bytes()
    return sum(secret.reveal() in raw for secret in secrets)


def test_image_when_secrets_were_destroyed_then_the_raw_device_has_none_of_them(
    tmp_path: Path,
) -> None:
    """On ext4 as it is made, 50 of 50 are on the device before, none after; neighbours stay."""
    image, folder = tmp_path / "image", tmp_path / "mounted"
    make_ext4(image, size_bytes=IMAGE_BYTES)
    dying = [Secret(os.urandom(32)) for _ in range(MADE)]
    living = [Secret(os.urandom(32)) for _ in range(MADE)]
    with mount(folder, "-o", "loop,data=ordered", str(image)):
        file, named = fill(folder / "slots", dying + living)
        os.sync()
        assert count(image, dying) == MADE
        file.destroy(named[:MADE])
        os.sync()
        assert count(image, dying) == 0
        file.close()
    assert count(image, dying) == 0
    assert count(image, living) == MADE
    with mount(tmp_path / "again", "-o", "loop", str(image)):
        again = SlotFile(tmp_path / "again" / "slots")
        assert again.reconcile(slot for slot, _, _ in named[MADE:]) == 0
        for (slot, kind, label), secret in zip(named[MADE:], living, strict=True):
            assert again.get(slot, kind, label) == secret
        again.close()


def test_tmpfs_when_it_is_gone_then_so_is_every_secret(tmp_path: Path) -> None:
    """In memory the slot file works alike, with or without a way past the page cache."""
    folder = tmp_path / "memory"
    with mount(folder, "-t", "tmpfs", "-o", "size=16m", "none"):
        file, named = fill(folder / "slots", [Secret(os.urandom(32)) for _ in range(MADE)])
        file.destroy(named[:MADE])
        file.close()
        again = SlotFile(folder / "slots")
        assert again.reconcile([]) == 0
        again.close()

    assert not (folder / "slots").exists()


def test_full_disk_when_the_file_cannot_grow_then_what_is_there_serves_and_dies(
    tmp_path: Path,
) -> None:
    """A device without room refuses the new; keys still open, and can still be destroyed."""
    folder = tmp_path / "small"
    with mount(folder, "-t", "tmpfs", "-o", "size=9m", "none"):
        SlotFile.create(folder / "slots")
        file = SlotFile(folder / "slots")
        file.reconcile([])
        named: list[tuple[int, bytes, Secret]] = []

        def put(number: int) -> None:
            label, secret = number.to_bytes(16, "big"), Secret(os.urandom(32))
            named.append((file.put(SlotKind.RECORD, label, secret), label, secret))

        with pytest.raises(OSError, match="No space left"):
            deque(map(put, range(1000)), maxlen=0)
        file.sync()
        assert len(named) == 511
        for slot, label, secret in named:
            assert file.get(slot, SlotKind.RECORD, label) == secret
        file.destroy((slot, SlotKind.RECORD, label) for slot, label, _ in named)
        file.close()
        again = SlotFile(folder / "slots")
        assert again.reconcile([]) == 0
        again.close()
