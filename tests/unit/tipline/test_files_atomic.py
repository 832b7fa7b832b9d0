"""Files that appear under their name whole or not at all."""

from __future__ import annotations

import datetime
import errno
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from tipline.errors import FileError
from tipline.files import create_file, name_file_errors, write_atomically


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_write_when_the_block_ends_then_the_file_is_there_with_its_mode(
    tmp_path: Path, mode: int
) -> None:
    """The name appears at the end, with exactly the rights asked for."""
    before = os.umask(0o077)
    try:
        with write_atomically(tmp_path / "file", mode) as file:
            file.write(b"content")
            assert not (tmp_path / "file").exists()
    finally:
        os.umask(before)

    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
    assert names(tmp_path) == ["file"]


def test_write_when_the_rights_are_asked_early_then_nobody_else_has_them(tmp_path: Path) -> None:
    """The temporary file is private from its first byte, whatever the umask allows."""
    before = os.umask(0)
    try:
        with write_atomically(tmp_path / "file") as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("replace", [False, True])
def test_write_when_the_block_fails_then_nothing_changed(
    tmp_path: Path, error: type[BaseException], replace: bool
) -> None:
    """After any error, Ctrl-C too, no part remains and the old file stands."""
    if replace:
        (tmp_path / "file").write_bytes(b"old")
    before = names(tmp_path)

    def fail() -> None:
        with write_atomically(tmp_path / "file", replace=replace) as file:
            file.write(b"new")
            raise error

    with pytest.raises(error):
        fail()

    assert names(tmp_path) == before
    if replace:
        assert (tmp_path / "file").read_bytes() == b"old"


def test_write_when_the_name_is_taken_then_it_is_replaced_only_if_allowed(tmp_path: Path) -> None:
    """A key is never written over another, a result may be."""
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError), write_atomically(tmp_path / "file", replace=False) as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    with write_atomically(tmp_path / "file") as file:
        file.write(b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert names(tmp_path) == ["file"]


def refuse_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Refuse every link, as a file system that has none."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS])
def test_write_when_there_are_no_links_then_a_new_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A key can be written to a stick with FAT, whole and private."""
    refuse_links(monkeypatch, number)
    with write_atomically(tmp_path / "file", replace=False) as file:
        file.write(b"content")
        assert not (tmp_path / "file").exists()

    assert (tmp_path / "file").read_bytes() == b"content"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert names(tmp_path) == ["file"]


def test_write_when_there_are_no_links_and_the_name_is_taken_then_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without links too, a key is never written over another."""
    refuse_links(monkeypatch, errno.EPERM)
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileExistsError), write_atomically(tmp_path / "file", replace=False) as file:
        file.write(b"new")

    assert (tmp_path / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_write_when_there_are_no_links_and_the_rename_fails_then_nothing_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The empty file that held the name goes again, so that the next try finds it free."""
    refuse_links(monkeypatch, errno.EPERM)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "broken stick")

    monkeypatch.setattr(Path, "replace", fail)
    with (
        pytest.raises(OSError, match="broken stick"),
        write_atomically(tmp_path / "file", replace=False) as file,
    ):
        file.write(b"new")
    assert names(tmp_path) == []


def test_write_when_a_link_fails_for_another_reason_then_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is not taken for a file system without links."""
    refuse_links(monkeypatch, errno.ENOSPC)
    with (
        pytest.raises(OSError, match="No space left"),
        write_atomically(tmp_path / "file", replace=False) as file,
    ):
        file.write(b"new")
    assert names(tmp_path) == []


def test_write_when_the_name_is_no_ordinary_file_then_it_is_left_alone(tmp_path: Path) -> None:
    """A device or pipe is not pushed aside by a file."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        with pytest.raises(FileError) as caught, write_atomically(tmp_path / name):
            pass
        assert caught.value.code == "file_special"
    assert names(tmp_path) == ["pipe"]


def test_write_when_done_then_file_and_directory_are_synced_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The content is on the disk before the name, and the name before the return."""
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        synced.append(f"{kind}, named: {(tmp_path / 'file').exists()}")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with write_atomically(tmp_path / "file") as file:
        file.write(b"content")

    assert synced == ["file, named: False", "directory, named: True"]


def test_errors_when_the_system_refuses_a_file_then_it_is_named(tmp_path: Path) -> None:
    """A person is told which file and why; of two names, the one that was asked for."""
    with pytest.raises(FileError) as caught, name_file_errors():
        (tmp_path / "missing").read_bytes()
    assert caught.value.code == "file_system"
    assert caught.value.facts == {
        "path": str(tmp_path / "missing"),
        "reason": "No such file or directory",
    }
    (tmp_path / "one").touch()
    with pytest.raises(FileError) as caught, name_file_errors():
        (tmp_path / "one").hardlink_to(tmp_path / "missing")
    with pytest.raises(FileError) as caught, name_file_errors():
        raise OSError
    assert caught.value.facts == {"path": "-", "reason": "OSError"}
    # What names no file is of the line; so is what a database says.
    for error in (OSError, sqlite3.OperationalError("OSError")):
        with pytest.raises(FileError) as caught, name_file_errors(tmp_path):
            raise error
        assert caught.value.facts == {"path": str(tmp_path), "reason": "OSError"}


def test_errors_when_a_disk_is_full_then_the_file_that_was_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever backs up to a stick learns whether the stick is full or the line's disk."""

    def refuse(descriptor: int, data: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(FileError) as caught, name_file_errors(tmp_path):
        create_file(tmp_path / "line", b"content", day=datetime.date(2031, 3, 14))
    assert caught.value.facts["path"] == str(tmp_path / "line")
    with (
        pytest.raises(FileError) as caught,
        name_file_errors(tmp_path),
        write_atomically(tmp_path / "stick"),
    ):
        refuse(0, b"")
    assert caught.value.facts["path"] == str(tmp_path / "stick")
    # What cannot be read meanwhile is another file.
    with (
        pytest.raises(FileError) as caught,
        name_file_errors(tmp_path),
        write_atomically(tmp_path / "stick"),
    ):
        raise OSError(errno.EIO, "Input/output error")
    assert caught.value.facts["path"] == str(tmp_path)


def test_errors_when_a_pipe_breaks_then_it_stays_that() -> None:
    """That a reader went away is not about a file."""
    with pytest.raises(BrokenPipeError), name_file_errors():
        raise BrokenPipeError
