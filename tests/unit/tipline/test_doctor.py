"""What the doctor reads from the machine."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from tipline.doctor import TEXTS, Level, _examine_file_system, _examine_swap, find_file_system

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
    assert find_file_system(path, MOUNTS) == kind


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


def test_swap_when_it_is_on_a_plain_device_then_it_is_found(tmp_path: Path) -> None:
    """Swap on a disk or in a file is named; zram and device-mapper are not."""
    swaps = tmp_path / "swaps"
    swaps.write_text(
        "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 1\n/dev/dm-1 partition 1 0 1\n"
        "/swapfile file 1 0 1\n"
    )
    assert [finding.facts["path"] for finding in _examine_swap(swaps)] == ["/swapfile"]


def test_texts_when_listed_then_both_halves_have_the_same_facts_or_fewer() -> None:
    """What to do names no fact that was not found."""
    for what, remedy in TEXTS.values():
        names = [
            {name for _, name, _, _ in string.Formatter().parse(text) if name}
            for text in (what, remedy)
        ]
        assert names[1] <= names[0] | {"verifier"}
