"""What the doctor says of the disk that keys lie on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tipline.configuration import SlotRootChoice, SlotSettings
from tipline.doctor_storage import examine_storage, find_mount
from tipline.finding import Level


class Host:
    """A machine as the kernel shows it: mounts, devices, power."""

    def __init__(self, folder: Path) -> None:
        self.directory = folder / "line"
        self.mounts = folder / "mountinfo"
        self.system = folder / "sys"
        for name in ("slots", "mirror"):
            (self.directory / name).mkdir(parents=True, mode=0o700)
            (self.directory / name / "slot-file").touch(mode=0o600)
        self.mount("ext4", "rw,data=ordered")
        self.root, self.mirror, self.volatile = SlotRootChoice.NONE, "", False

    def mount(self, kind: str, options: str = "rw") -> None:
        self.mounts.write_text(f"1 0 8:1 / / rw - {kind} /dev/x {options}\n")

    def write(self, name: str, text: str) -> None:
        path = self.system / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def put_on(self, device: str) -> None:
        """Say that the line lies on a device that was described."""
        number = self.directory.stat().st_dev
        link = self.system / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(self.system / "devices" / device)

    def stack(self, upper: str, lower: str) -> None:
        """Say that one device lies on another."""
        slaves = self.system / "devices" / upper / "slaves"
        slaves.mkdir(parents=True, exist_ok=True)
        (slaves / lower).symlink_to(self.system / "devices" / lower)

    def examine(self) -> dict[str, Level]:
        settings = SlotSettings(
            path="slots", mirror=self.mirror, root=self.root, volatile=self.volatile
        )
        found = examine_storage(self.directory, settings, mounts=self.mounts, system=self.system)
        return {finding.code: finding.level for finding in found}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A machine with the slot file on ext4, on a device of which nothing is known."""
    return Host(tmp_path)


def test_storage_when_nothing_speaks_against_it_then_nothing_is_found(host: Host) -> None:
    """ext4 with ordered data, on an encrypted turning disk, keeps what is promised."""
    host.write("devices/dm-0/dm/uuid", "CRYPT-LUKS2-0123-keys")
    host.write("devices/sda/queue/rotational", "1")
    host.write("devices/sda/sda1/partition", "1")
    host.stack("dm-0", ["sda", "sda1"][0])
    host.put_on("dm-0")

    assert host.examine() == {}


@pytest.mark.parametrize(
    ("kind", "options", "code", "level"),
    [
        *((kind, "rw", "slots_old_blocks", Level.WARNING) for kind in ("btrfs", "zfs", "overlay")),
        ("f2fs", "rw", "slots_old_blocks", Level.WARNING),
        ("ext4", "rw,data=journal", "slots_journal", Level.WARNING),
        ("nfs4", "rw", "slots_network", Level.WRONG),
        ("xfs", "rw", "slots_xfs", Level.WARNING),
        ("tmpfs", "rw", "slots_in_memory", Level.WRONG),
    ],
)
def test_storage_when_the_file_system_cannot_promise_then_it_is_found(
    host: Host, kind: str, options: str, code: str, level: Level
) -> None:
    """Whatever writes elsewhere, keeps copies, forgets or is elsewhere is named."""
    host.mount(kind, options)

    assert host.examine() == {code: level}


@pytest.mark.parametrize(("kind", "options"), [("btrfs", "rw"), ("ext4", "rw,data=journal")])
def test_storage_when_a_tpm_holds_the_root_then_an_old_block_is_of_no_use(
    host: Host, kind: str, options: str
) -> None:
    """What a file system keeps does not matter where its root is replaced."""
    host.root = SlotRootChoice.TPM
    host.write("class/tpm/tpm0/dev", "10:224")
    host.mount(kind, options)
    host.write("devices/nvme0n1/queue/rotational", "0")
    host.put_on("nvme0n1")

    assert host.examine() == {}


def test_storage_when_volatile_then_memory_is_right_and_a_disk_is_wrong(host: Host) -> None:
    """A slot file that may be lost must lie where it is lost."""
    host.volatile = True
    host.mount("tmpfs")
    assert host.examine() == {}
    host.mount("ext4")
    assert host.examine() == {"slots_not_in_memory": Level.WRONG}
    (host.directory / "slots" / "slot-file").unlink()
    assert host.examine() == {}


def test_storage_when_the_slot_file_is_missing_then_it_is_wrong(host: Host) -> None:
    """A device that is not mounted is named before anything is served."""
    (host.directory / "slots" / "slot-file").unlink()

    assert host.examine() == {"slots_missing": Level.WRONG}


def test_storage_when_the_disk_of_one_half_is_not_mounted_then_it_is_wrong(
    host: Host, tmp_path: Path
) -> None:
    """A line with a mirror does not start without it, and says so before."""
    host.mirror = str(tmp_path / "second" / "keys")

    assert host.examine() == {"slots_half_missing": Level.WRONG}
    # The disk is mounted: what lies on it is made anew at the next start.
    Path(host.mirror).mkdir(parents=True)
    assert host.examine() == {}


def on_clear_disk(host: Host) -> None:
    host.write("devices/sda/queue/rotational", "1")
    host.write("devices/sda/sda1/partition", "1")
    host.put_on("sda/sda1")


def with_credential_on_clear_disk(host: Host) -> None:
    on_clear_disk(host)
    host.root = SlotRootChoice.CREDENTIAL


def on_flash(host: Host) -> None:
    host.write("devices/dm-0/dm/uuid", "CRYPT-PLAIN-keys")
    host.write("devices/nvme0n1/queue/rotational", "0")
    host.stack("dm-0", "nvme0n1")
    host.put_on("dm-0")


def on_virtual_disk(host: Host) -> None:
    host.write("devices/dm-0/dm/uuid", "CRYPT-LUKS2-0123-keys")
    host.write("devices/vda/queue/rotational", "1")
    host.stack("dm-0", "vda")
    host.put_on("dm-0")


def on_snapshot(host: Host) -> None:
    host.write("devices/dm-0/dm/uuid", "CRYPT-LUKS2-0123-keys")
    host.write("devices/dm-1/dm/uuid", "LVM-abc")
    host.write("devices/dm-2/dm/uuid", "LVM-abc-real")
    host.write("devices/sda/queue/rotational", "1")
    host.stack("dm-0", "dm-1")
    host.stack("dm-1", "dm-2")
    host.stack("dm-2", "sda")
    host.put_on("dm-0")


def only_checked(host: Host) -> None:
    host.write("devices/dm-0/dm/uuid", "CRYPT-INTEGRITY-keys")
    host.write("devices/sda/queue/rotational", "1")
    host.stack("dm-0", "sda")
    host.put_on("dm-0")


def with_open_rights(host: Host) -> None:
    (host.directory / "slots" / "slot-file").chmod(0o640)


def without_tpm(host: Host) -> None:
    host.root = SlotRootChoice.TPM


def with_hibernation(host: Host) -> None:
    host.write("power/state", "freeze mem disk")
    host.write("power/resume", "8:2")


def with_mirror_beside(host: Host) -> None:
    host.mirror = "mirror"


@pytest.mark.parametrize(
    ("prepare", "code", "level"),
    [
        (on_clear_disk, "slots_clear", Level.WARNING),
        (only_checked, "slots_clear", Level.WARNING),
        (with_credential_on_clear_disk, "slots_credential_clear", Level.WARNING),
        (on_flash, "slots_flash", Level.WARNING),
        (on_virtual_disk, "slots_virtual", Level.WARNING),
        (on_snapshot, "slots_snapshot", Level.WRONG),
        (with_open_rights, "slots_readable", Level.WRONG),
        (without_tpm, "slots_no_tpm", Level.WRONG),
        (with_hibernation, "hibernation", Level.WARNING),
        (with_mirror_beside, "slots_mirror_beside", Level.WARNING),
    ],
)
def test_storage_when_the_machine_cannot_promise_then_it_is_found(
    host: Host, prepare: Callable[[Host], None], code: str, level: Level
) -> None:
    """Each thing that leaves a key behind, or loses it, is named alone."""
    prepare(host)

    assert host.examine() == {code: level}


def test_storage_when_a_tpm_can_seal_the_credential_then_nothing_is_found(host: Host) -> None:
    """systemd seals a credential to a TPM where there is one: the disk alone opens nothing."""
    with_credential_on_clear_disk(host)
    host.write("class/tpm/tpm0/dev", "10:224")

    assert host.examine() == {}


def test_storage_when_the_machine_cannot_hibernate_then_nothing_is_found(host: Host) -> None:
    """A kernel that could, without a place to write to, does not."""
    host.write("power/state", "freeze mem disk")
    host.write("power/resume", "0:0")
    assert host.examine() == {}
    host.write("power/state", "freeze mem")
    host.write("power/resume", "8:2")
    assert host.examine() == {}


def test_storage_when_this_machine_is_examined_then_it_answers(tmp_path: Path) -> None:
    """The kernel's own files are read as they are."""
    host = Host(tmp_path)
    settings = SlotSettings(path="slots", mirror="", root=host.root, volatile=False)

    assert all(finding.code for finding in examine_storage(host.directory, settings))
    assert find_mount(str(tmp_path), Path("/proc/self/mountinfo").read_text()).kind
