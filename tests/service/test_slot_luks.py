"""
The slot file on a volume that LUKS encrypts: what whoever takes the disk finds on it.

A volume is made, encrypted and decrypted by `cryptsetup` as a file, without the kernel's device
mapper: so what lies on the disk is real, and no running system's mount of it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from crypto.secret import Secret
from retention.slot_file import SlotFile
from tests.service.test_slot_image import count, fill
from tests.volumes import make_ext4

IMAGE_BYTES = 48 * 1024 * 1024
HEADER_BYTES = 32 * 1024 * 1024  # as much as cryptsetup wants to move the volume by
MADE = 50


def run(program: str, *words: str | Path) -> str:
    """Run one of the system's own tools."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    assert path is not None, f"{program} is missing: script/setup installs it"
    done = subprocess.run([path, *map(str, words)], check=True, capture_output=True, timeout=120)
    return done.stdout.decode()


def test_luks_when_the_volume_is_encrypted_then_the_raw_disk_has_no_key(tmp_path: Path) -> None:
    """50 of 50 keys stand on the disk in clear, none under LUKS; its passphrase gives them back."""
    image, passphrase, header = (tmp_path / one for one in ("image", "passphrase", "header"))
    passphrase.write_bytes(b"correct horse battery staple")
    secrets = [Secret(os.urandom(32)) for _ in range(MADE)]
    file, named = fill(tmp_path / "slots", secrets)
    file.close()
    make_ext4(image, size_bytes=IMAGE_BYTES)
    run("debugfs", "-w", "-R", f"write {tmp_path / 'slots'} slots", image)
    assert count(image, secrets) == MADE

    with image.open("r+b") as raw:
        raw.truncate(IMAGE_BYTES + HEADER_BYTES)
    key = ("--batch-mode", "--key-file", passphrase)
    run(
        "cryptsetup",
        *("reencrypt", "--encrypt", "--type", "luks2", *key),
        *("--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"),  # the test's haste
        *("--reduce-device-size", str(HEADER_BYTES), image),
    )
    assert "Version:       \t2" in run("cryptsetup", "luksDump", image)
    assert count(image, secrets) == 0

    run(
        "cryptsetup",
        *("reencrypt", "--decrypt", "--force-offline-reencrypt", *key, "--header", header, image),
    )
    assert count(image, secrets) == MADE
    again = tmp_path / "again"
    run("debugfs", "-R", f"dump /slots {again}", image)
    again.chmod(0o600)
    reopened = SlotFile(again)
    assert reopened.reconcile(slot for slot, _, _ in named) == 0
    for (slot, kind, label), secret in zip(named, secrets, strict=True):
        assert reopened.get(slot, kind, label).reveal() == secret.reveal()
    reopened.close()
