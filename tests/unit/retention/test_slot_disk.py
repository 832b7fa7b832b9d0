"""One slot file on a real disk."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from retention.errors import SlotError
from retention.slot import SLOT_BYTES
from retention.slot_disk import FileDisk

ONE = b"1" * SLOT_BYTES
TWO = b"2" * SLOT_BYTES


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A slot file of two slots."""
    disk = FileDisk.create(tmp_path / "slots")
    disk.write(0, ONE + TWO)
    disk.sync_all()
    disk.close()
    return tmp_path / "slots"


def test_disk_when_written_then_slots_are_read_at_their_places(path: Path) -> None:
    """Slots are found by their number; behind the last there are zeros."""
    disk = FileDisk.open(path)

    assert disk.count() == 2
    assert disk.read(1) == TWO
    assert disk.read(0, 2) == ONE + TWO
    assert disk.read(1, 2) == TWO + bytes(SLOT_BYTES)
    disk.expect(0, 2)
    assert disk.read_back(0, 2) == ONE + TWO
    assert disk.read_back(1, 2) == TWO + bytes(SLOT_BYTES)
    disk.close()


def test_disk_when_a_slot_is_written_anew_then_it_is_the_same_file(path: Path) -> None:
    """An overwrite touches the same inode and leaves its length: the blocks stay the same."""
    before = path.stat()
    disk = FileDisk.open(path)
    disk.write(0, TWO)
    disk.sync()
    disk.close()
    after = path.stat()

    assert path.read_bytes() == TWO + TWO
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)


def test_disk_when_the_kernel_takes_less_then_the_rest_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that was taken in part goes on where it stopped."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[:1000], offset))
    disk = FileDisk.open(path)
    disk.write(1, ONE)

    assert disk.read(1) == ONE
    disk.close()


def test_disk_when_there_is_no_direct_way_then_the_page_cache_is_dropped(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file cannot be read past the page cache, clean pages are dropped and read again."""
    real, advised = os.open, []

    def refuse_direct(name: str, flags: int, *rest: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no")
        return real(name, flags, *rest)

    monkeypatch.setattr(os, "open", refuse_direct)
    monkeypatch.setattr(os, "posix_fadvise", lambda *given: advised.append(given[1:]))
    disk = FileDisk.open(path)

    assert disk.read_back(1) == TWO
    assert advised == [(SLOT_BYTES, SLOT_BYTES, os.POSIX_FADV_DONTNEED)]
    disk.close()


def test_disk_when_synced_then_its_times_tell_nothing(path: Path) -> None:
    """INV-06: neither a write nor a read leaves a time in what `stat` shows of times of content."""
    disk = FileDisk.open(path)
    disk.write(0, TWO)
    disk.sync()
    disk.read(0, 2)
    disk.read_back(0, 2)
    disk.close()

    assert (path.stat().st_mtime_ns, path.stat().st_atime_ns) == (0, 0)


def test_disk_when_created_then_only_its_owner_reads_it(tmp_path: Path) -> None:
    """The file is private from its first byte, whatever the umask allows."""
    before = os.umask(0)
    try:
        FileDisk.create(tmp_path / "slots").close()
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "slots").stat().st_mode) == 0o600


def test_disk_when_created_again_then_what_is_there_stays(path: Path) -> None:
    """Creating truncates nothing."""
    FileDisk.create(path).close()

    assert path.read_bytes() == ONE + TWO


def make_link(path: Path) -> None:
    """Put a link into its place."""
    path.rename(path.with_name("real"))
    path.symlink_to(path.with_name("real"))


def make_second_name(path: Path) -> None:
    """Give it a second name."""
    path.with_name("backup").hardlink_to(path)


def make_pipe(path: Path) -> None:
    """Put a pipe into its place."""
    path.unlink()
    os.mkfifo(path, 0o600)


def make_folder(path: Path) -> None:
    """Put a directory into its place."""
    path.unlink()
    path.mkdir()


def make_readable(path: Path) -> None:
    """Let the group read."""
    path.chmod(0o640)


@pytest.mark.parametrize(
    "spoil", [make_link, make_second_name, make_pipe, make_folder, make_readable]
)
def test_disk_when_the_file_is_not_ours_alone_then_it_is_refused(path: Path, spoil: object) -> None:
    """A link, a second name, another kind of file or foreign rights are named and not used."""
    assert callable(spoil)
    spoil(path)
    for way in (FileDisk.open, FileDisk.create):
        with pytest.raises(SlotError) as caught:
            way(path)
        assert caught.value.code == "slot_file_unsafe"
        assert caught.value.facts == {"path": str(path)}


def test_disk_when_it_belongs_to_another_then_it_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of another user is named and not used."""
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(SlotError, match="slot_file_unsafe"):
        FileDisk.open(path)


@pytest.mark.parametrize("way", [FileDisk.open, FileDisk.create])
def test_disk_when_another_has_it_open_then_it_is_refused_until_that_closes(
    path: Path, way: Callable[[Path], FileDisk]
) -> None:
    """Two that have one slot file open would each destroy keys of which only the other knows."""
    first = FileDisk.open(path)
    with pytest.raises(SlotError) as caught:
        way(path)
    assert (caught.value.code, caught.value.facts) == ("slot_file_in_use", {"path": str(path)})
    first.close()
    way(path).close()


def test_disk_when_it_is_missing_then_the_system_says_so(tmp_path: Path) -> None:
    """Nothing is made where something should be."""
    with pytest.raises(FileNotFoundError):
        FileDisk.open(tmp_path / "slots")
    assert not (tmp_path / "slots").exists()


def test_disk_when_refused_then_no_descriptor_is_left_open(path: Path) -> None:
    """A refusal closes what it opened."""
    make_readable(path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(SlotError):
            FileDisk.open(path)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_disk_when_its_name_must_last_then_the_directory_is_synced(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new file is durable with its name, not its content alone."""
    synced: list[bool] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    disk = FileDisk.open(path)
    disk.sync_all()
    disk.close()

    assert synced == [False, True]
