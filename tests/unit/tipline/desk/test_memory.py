"""What the networked machine remembers from one pull to the next."""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from crypto.bundle import Index
from crypto.errors import KeysetError
from crypto.keyset import verify_keyset
from crypto.note import Signer
from tests.unit.tipline.desk.conftest import DAY
from tipline.desk.bundlefile import read_index
from tipline.desk.memory import choose_root, remember_index
from tipline.desk.pinned import Pinned
from tipline.errors import PermissionsError, VaultError


def index_of(line: Any, note: bytes | None = None) -> Index:
    """The index of an empty bundle with a keyset."""
    return read_index(io.BytesIO(line.bundle(note=note)), root=line.root.verifier())


def remember(line: Any, directory: Path, note: bytes | None = None) -> None:
    remember_index(directory, index_of(line, note), root=line.root.verifier(), today=DAY)


def test_memory_when_a_bundle_was_verified_then_root_and_keyset_are_remembered(
    line: Any, tmp_path: Path
) -> None:
    """The first bundle pins its root and its keyset, in a directory of the owner alone."""
    directory = tmp_path / "memory"
    assert choose_root(directory, given=line.root.verifier()) == line.root.verifier()
    assert not directory.exists()
    remember(line, directory)

    assert choose_root(directory, given=None) == line.root.verifier()
    pinned = Pinned.open(directory)
    assert (pinned.seen, pinned.read_keyset()) == (1, line.keyset)
    assert directory.stat().st_mode & 0o777 == 0o700


def test_memory_when_an_older_keyset_comes_then_it_is_refused(line: Any, tmp_path: Path) -> None:
    """After a newer keyset an older one is refused, and the newer stays remembered."""
    directory = tmp_path / "memory"
    remember(line, directory, line.sign_next())
    with pytest.raises(KeysetError) as caught:
        remember(line, directory)

    assert (caught.value.code, caught.value.facts) == ("keyset_old", {"number": 1, "seen": 2})
    assert Pinned.open(directory).seen == 2


def test_memory_when_another_keyset_of_the_same_number_comes_then_it_is_refused(
    line: Any, tmp_path: Path
) -> None:
    """Two keysets of one number mean that the root signed behind the desk's back."""
    directory = tmp_path / "memory"
    first, second = line.sign_next(), line.sign_next()
    assert first != second
    remember(line, directory, first)
    remember(line, directory, first)
    with pytest.raises(KeysetError) as caught:
        remember(line, directory, second)

    assert caught.value.code == "keyset_forked"


def test_memory_when_another_root_is_given_then_both_are_named(line: Any, tmp_path: Path) -> None:
    """A person can compare both with the paper."""
    directory, other = tmp_path / "memory", Signer.generate("tipline-root").verifier()
    remember(line, directory)
    with pytest.raises(VaultError) as caught:
        choose_root(directory, given=other)

    assert caught.value.code == "memory_other_root"
    assert caught.value.facts["pinned"] == line.root.verifier().format()
    assert caught.value.facts["given"] == other.format()


def test_memory_when_another_pull_pinned_another_root_meanwhile_then_it_is_refused(
    line: Any, tmp_path: Path
) -> None:
    """What was chosen before the bundle came is compared again before anything is written."""
    directory = tmp_path / "memory"
    directory.mkdir(mode=0o700)
    Pinned.init(directory, root=Signer.generate("tipline-root").verifier())
    with pytest.raises(VaultError) as caught:
        remember(line, directory)

    assert caught.value.code == "memory_other_root"
    assert Pinned.open(directory).seen == 0


def test_memory_when_there_is_none_and_no_root_is_given_then_it_says_so(tmp_path: Path) -> None:
    """No root is guessed."""
    with pytest.raises(VaultError) as caught:
        choose_root(tmp_path / "memory", given=None)
    assert caught.value.code == "memory_missing"
    assert not (tmp_path / "memory").exists()


@pytest.mark.parametrize("name", ["root", "seen"])
def test_memory_when_it_was_changed_then_it_is_not_guessed(
    line: Any, tmp_path: Path, name: str
) -> None:
    """A damaged memory is an error of its own, not an empty one."""
    directory = tmp_path / "memory"
    remember(line, directory)
    (directory / name).write_bytes(b"\xff")
    with pytest.raises(VaultError) as caught:
        choose_root(directory, given=line.root.verifier())
    assert caught.value.code == "memory_damaged"


def test_memory_when_others_can_reach_it_then_it_is_refused(line: Any, tmp_path: Path) -> None:
    """Who can write there can make an older keyset pass."""
    directory = tmp_path / "memory"
    remember(line, directory)
    directory.chmod(0o770)
    with pytest.raises(PermissionsError):
        choose_root(directory, given=None)


def test_memory_when_the_directory_holds_something_else_then_it_is_left_alone(
    line: Any, tmp_path: Path
) -> None:
    """Somebody's directory is not narrowed and gets no files."""
    directory = tmp_path / "photos"
    directory.mkdir(mode=0o755)
    (directory / "one.jpg").write_bytes(b"")
    for attempt in (
        lambda: choose_root(directory, given=line.root.verifier()),
        lambda: remember(line, directory),
    ):
        with pytest.raises(VaultError) as caught:
            attempt()
        assert caught.value.code == "vault_exists"
    assert directory.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in directory.iterdir()] == ["one.jpg"]


def test_memory_when_a_crash_left_the_lock_alone_then_it_begins_anew(
    line: Any, tmp_path: Path
) -> None:
    """A memory that was interrupted while it was made can be used."""
    directory = tmp_path / "memory"
    directory.mkdir()
    (directory / "lock").touch()
    remember(line, directory)
    assert Pinned.open(directory).seen == 1


async def test_memory_when_two_pulls_end_together_then_the_newest_keyset_stays(
    line: Any, tmp_path: Path
) -> None:
    """A pull that waited for the lock judges by what the other one wrote."""
    directory = tmp_path / "memory"
    remember(line, directory)
    newer = line.sign_next()
    descriptor = os.open(directory / "lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        waiting = asyncio.create_task(asyncio.to_thread(remember, line, directory))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
        # What the other pull does, which holds the lock.
        keyset = verify_keyset(newer, root=line.root.verifier(), today=DAY)
        Pinned.open(directory).remember_keyset(keyset, newer, today=DAY)
    finally:
        os.close(descriptor)
    with pytest.raises(KeysetError) as caught:
        await waiting
    assert caught.value.code == "keyset_old"
    assert json.loads((directory / "seen").read_text())["number"] == 2
    assert choose_root(directory, given=None) == line.root.verifier()
