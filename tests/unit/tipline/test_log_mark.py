"""What was shown of a log is remembered: a lost, older or other one is named, and not served."""

from __future__ import annotations

import contextlib
import datetime
import shutil
from pathlib import Path
from typing import Any

import pytest

from crypto.note import Signer
from retention.log.batch import ONE_DAY
from retention.log.checkpoint import make_log_name
from retention.log.entry import Entry, EntryType, make_statement
from retention.log.merkle import Frontier
from tipline import log_store
from tipline.errors import InstanceError
from tipline.log_mark import MARK_NAME, forget_mark, keep_mark, read_mark
from tipline.log_store import LogStore

DAY = datetime.date(2031, 3, 14)
LOG = Signer.generate(make_log_name(Signer.generate("tipline-root").verifier()))


def open_log(directory: Path) -> LogStore:
    """Open the log of a directory."""
    return LogStore(
        directory, verifier=LOG.verifier(), today=lambda: DAY, mark_folder=directory / "slots"
    )


def append(directory: Path, day: datetime.date) -> bytes:
    """Append a day's batch to the log of a directory."""
    with contextlib.closing(open_log(directory)) as log:
        entry = Entry(day=day, statement=make_statement(EntryType.BACKUP, on=day))
        return log.append_batch([entry], day=day, signer=LOG)


def copy_log(directory: Path, target: Path) -> None:
    """Copy the log alone, as somebody does who saves databases."""
    target.mkdir(exist_ok=True)
    shutil.copy(directory / "log.db", target / "log.db")


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A directory with a log of two batches, of which an older copy lies beside."""
    directory = tmp_path / "line"
    directory.mkdir()
    append(directory, DAY)
    copy_log(directory, tmp_path / "older")
    append(directory, DAY + ONE_DAY)
    return directory


def refuse(directory: Path) -> InstanceError:
    """Open a log that is not the one that was shown."""
    with pytest.raises(InstanceError) as caught:
        open_log(directory)
    return caught.value


def test_log_when_lost_then_it_is_not_begun_anew(line: Path) -> None:
    """A lost log is named, at every start, and none is made in its place."""
    (line / "log.db").unlink()
    for _ in range(2):
        error = refuse(line)
        assert (error.code, error.facts["count"], error.facts["known"]) == ("log_behind", 0, 2)
    assert not (line / "log.db").exists()


def test_log_when_older_then_it_is_not_gone_on_from(line: Path, tmp_path: Path) -> None:
    """An older copy is named; once a person decided, it is what was shown from then on."""
    copy_log(tmp_path / "older", line)
    error = refuse(line)
    assert (error.code, error.facts["count"], error.facts["known"]) == ("log_behind", 1, 2)

    forget_mark(line / "slots")
    forget_mark(line / "slots")
    append(line, DAY + ONE_DAY)
    mark = read_mark(line / "slots")
    assert mark is not None
    assert mark.size == 2


def test_log_when_it_went_another_way_then_it_is_not_served(line: Path, tmp_path: Path) -> None:
    """A log of the same key that is as long or longer, and not the one that was shown."""
    other = tmp_path / "older"
    append(other, DAY + 5 * ONE_DAY)
    append(other, DAY + 6 * ONE_DAY)
    copy_log(other, line)
    assert refuse(line).code == "log_other"


@pytest.mark.parametrize("content", [b"", b"{}", b'{"v":1,"size":2,"root":"00"}', b"x" * 300])
def test_mark_when_damaged_then_it_is_named(line: Path, content: bytes) -> None:
    """It is not taken for one that is missing."""
    (line / "slots" / MARK_NAME).write_bytes(content)
    assert refuse(line).code == "log_mark"


def test_log_when_longer_than_what_is_kept_then_that_is_kept_first(line: Path) -> None:
    """A crash between the batch and the mark: the next start keeps what it is about to show."""
    mark = (line / "slots" / MARK_NAME).read_bytes()
    append(line, DAY + 2 * ONE_DAY)
    newer = (line / "slots" / MARK_NAME).read_bytes()
    (line / "slots" / MARK_NAME).write_bytes(mark)
    with contextlib.closing(open_log(line)) as log:
        assert (line / "slots" / MARK_NAME).read_bytes() == newer
        assert log.size == 3


def test_batch_when_it_cannot_be_remembered_then_it_is_not_shown(
    line: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is served until it is on the disk that it was; nothing is lost meanwhile."""

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    day = DAY + 2 * ONE_DAY
    entry = Entry(day=day, statement=make_statement(EntryType.BACKUP, on=day))
    with contextlib.closing(open_log(line)) as log:
        shown = log.read_checkpoint()
        with monkeypatch.context() as patched:
            patched.setattr(log_store, "keep_mark", fail)
            with pytest.raises(OSError, match="disk full"):
                log.append_batch([entry], day=day, signer=LOG)
            with pytest.raises(OSError, match="disk full"):
                log.show()
            assert (log.read_checkpoint(), log.size) == (shown, 2)
        assert log.show() is True
        assert log.show() is False
        assert log.size == 3
        assert log.read_checkpoint() != shown
    append(line, day + ONE_DAY)


def test_mark_when_kept_then_it_is_read_again(tmp_path: Path) -> None:
    """Size and root, and nothing where none is kept."""
    assert read_mark(tmp_path / "slots") is None
    frontier = Frontier.empty().append([b"\x07" * 32])
    keep_mark(tmp_path / "slots", frontier, day=DAY)
    mark = read_mark(tmp_path / "slots")
    assert mark is not None
    assert (mark.size, mark.root) == (1, frontier.root())
