"""What the doctor reads from the machine."""

from __future__ import annotations

import datetime
import errno
import string
from pathlib import Path

import pytest

from tipline.doctor import TEXTS, _examine_file_system, _examine_log, _examine_swap
from tipline.doctor_storage import find_mount
from tipline.finding import Level

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /srv rw shared:5 - btrfs /dev/sdb rw
31 30 0:27 / /srv/my\\040line rw - tmpfs tmpfs rw
32 22 0:28 / /srvx rw master:2 propagate_from:3 - nfs4 host:/x rw
33 22 0:29 / /over rw - ext4 /dev/sdc rw
34 22 0:30 / /over rw - zfs pool rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home/line", "ext4"),
        ("/srv", "btrfs"),
        ("/srv/line", "btrfs"),
        ("/srv/my line/x", "tmpfs"),
        ("/srvx/line", "nfs4"),
        ("/over/line", "zfs"),
    ],
)
def test_file_system_when_mounts_are_nested_then_the_innermost_counts(path: str, kind: str) -> None:
    """A path lies on the longest mount above it, and of two on one place on the later."""
    assert find_mount(path, MOUNTS).kind == kind


@pytest.mark.parametrize(
    ("kind", "code", "level"),
    [
        ("tmpfs", "file_system_lost", Level.WRONG),
        ("nfs4", "file_system_network", Level.WRONG),
        ("btrfs", "file_system_old_blocks", Level.WARNING),
    ],
)
def test_file_system_when_it_cannot_promise_then_it_is_found(
    tmp_path: Path, kind: str, code: str, level: Level
) -> None:
    """A file system that forgets, is elsewhere or keeps old blocks is named."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 8:1 / / rw - {kind} x rw\n")
    (finding,) = _examine_file_system(tmp_path, mounts)
    assert (finding.code, finding.level, finding.facts) == (code, level, {"kind": kind})
    mounts.write_text("1 0 8:1 / / rw - ext4 x rw\n")
    assert list(_examine_file_system(tmp_path, mounts)) == []


@pytest.mark.parametrize(
    ("path", "devices", "is_found"),
    [
        ("/swapfile", {}, True),
        ("/dev/sda2", {}, True),
        ("/dev/dm-0", {}, True),
        ("/dev/dm-0", {"dm-0/dm/uuid": "LVM-abc"}, True),
        ("/dev/dm-0", {"dm-0/dm/uuid": "LVM-abc", "dm-0/slaves/sda2/x": ""}, True),
        ("/dev/dm-0", {"dm-0/dm/uuid": "CRYPT-PLAIN-swap"}, False),
        ("/dev/dm-0", {"dm-0/dm/uuid": "CRYPT-LUKS2-0123-disk"}, False),
        ("/dev/dm-0", {"dm-0/dm/uuid": "CRYPT-VERITY-0123-disk"}, True),
        ("/dev/dm-0", {"dm-0/dm/uuid": "CRYPT-INTEGRITY-disk"}, True),
        ("/dev/zram0", {}, False),
        ("/dev/zram0", {"zram0/backing_dev": "none\n"}, False),
        ("/dev/zram0", {"zram0/backing_dev": "/dev/sda3\n"}, True),
    ],
)
def test_swap_when_it_is_not_encrypted_then_it_is_found(
    tmp_path: Path, path: str, devices: dict[str, str], *, is_found: bool
) -> None:
    """Swap in a file, on a bare disk or on a volume that only checks is named."""
    found = examine_swap(tmp_path, path, devices)
    assert found == ([path] if is_found else [])


@pytest.mark.parametrize(
    ("second", "is_found"), [("CRYPT-LUKS2-0123-b", False), ("LVM-other", True)]
)
def test_swap_when_a_volume_lies_on_others_then_the_worst_of_them_counts(
    tmp_path: Path, second: str, *, is_found: bool
) -> None:
    """A logical volume on two disks is encrypted only if both are, as Debian's installer does."""
    devices = {
        "dm-2/dm/uuid": "LVM-swap",
        "dm-2/slaves/dm-0/x": "",
        "dm-2/slaves/dm-1/x": "",
        "dm-0/dm/uuid": "CRYPT-LUKS2-0123-a",
        "dm-1/dm/uuid": second,
    }
    assert examine_swap(tmp_path, "/dev/dm-2", devices) == (["/dev/dm-2"] if is_found else [])


def examine_swap(folder: Path, path: str, devices: dict[str, str]) -> list[str | int]:
    """Tell what is found on a machine that swaps to *path* and has these devices."""
    swaps, blocks = folder / "swaps", folder / "block"
    swaps.write_text(f"Filename Type Size Used Priority\n{path} partition 1 0 1\n")
    for name, content in devices.items():
        (blocks / name).parent.mkdir(parents=True, exist_ok=True)
        (blocks / name).write_text(content)
    return [finding.facts["path"] for finding in _examine_swap(swaps, blocks)]


def test_log_when_the_disk_cannot_be_written_to_then_it_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks what is wrong is told everything, also on a disk that became read-only."""

    def refuse(directory: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(directory / "log.db"))

    (tmp_path / "log.db").touch()
    monkeypatch.setattr("tipline.doctor.load_log_signer", refuse)
    (finding,) = _examine_log(tmp_path, datetime.date(2031, 3, 14), limit=4)
    assert (finding.code, finding.level) == ("file_system", Level.WRONG)
    assert finding.facts["path"] == str(tmp_path / "log.db")


def test_texts_when_listed_then_both_halves_have_the_same_facts_or_fewer() -> None:
    """What to do names no fact that was not found."""
    for what, remedy in TEXTS.values():
        names = [
            {name for _, name, _, _ in string.Formatter().parse(str(text)) if name}
            for text in (what, remedy)
        ]
        assert names[1] <= names[0] | {"verifier", "clock", "directory"}
