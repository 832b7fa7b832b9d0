"""Transcripts of `tipline desk view` and `export`: a tip's files at the desk."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from PIL import Image

from crypto.attachment import Attachment, Cleaning, Original
from crypto.note import Signer
from crypto.tip import Tip, format_tip
from tests.pictures import make_exif, make_jpeg, segment
from tipline.commands import desk_files
from tipline.commands.desk_files import _tell_view, judge_opened
from tipline.console import Console
from tipline.desk.exporting import export_tip
from tipline.desk.filewords import FAILURE_WORDS
from tipline.desk.judgements import read_judgements
from tipline.desk.judging import Judgement, judge
from tipline.desk.vault import Record, Vault
from tipline.desk.viewing import View
from tipline.errors import SandboxError
from tipline.rendering.answers import Failure

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "PYTHONPATH": str(ROOT)}
ID = "3f" + 30 * "0"
DAY = datetime.date(2026, 11, 21)
CLEAN = make_jpeg()
MAKER = segment(0xE1, b"Exif\0\0" + make_exif([(0x010F, 2, 4, b"Cam\0")]))
TELLING = make_jpeg(MAKER)
NO_FORMAT = b"\x00\x01nothing that anybody knows"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shelf:
    """A vault with one tip."""

    directory: Path

    def run(self, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run `tipline desk`."""
        return subprocess.run(
            [sys.executable, "-m", "tipline", "desk", *words, "--vault", "vault"],
            cwd=self.directory,
            env={**ENVIRONMENT, **({} if path is None else {"PATH": path})},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )


def claim(
    number: int, data: bytes, *, original: bytes | None = None, **cleaning: Any
) -> Attachment:
    """What the tip says of a file."""
    return Attachment(
        path=f"files/{number:02}.jpg",
        media_type="image/jpeg",
        size_bytes=len(data),
        cleaning=Cleaning(rules=1, **cleaning),
        original=None
        if original is None
        else Original(name="a.jpg", media_type="image/jpeg", size_bytes=len(original)),
    )


def shelve(directory: Path, tip: Tip | None, files: Mapping[str, bytes]) -> Shelf:
    """Put a tip into a new vault, as an opening does."""
    vault = Vault.init(directory / "vault", root=Signer.generate("tipline-root").verifier())
    made = vault.directory / "opening" / ID
    made.mkdir(mode=0o700)
    if tip is not None:
        files = {**files, "tip.json": format_tip(tip), "text.txt": tip.text.encode()}
    for name, data in files.items():
        (made / name).parent.mkdir(mode=0o700, exist_ok=True)
        (made / name).write_bytes(data)
    record = Record(
        id=ID,
        state="foreign" if tip is None else "opened",
        arrived_on="2026-11-21",
        dies_on="2027-02-21",
        channel="works",
        size_bytes=1,
        sealed_by_service=False,
        keyset=1,
        opened_on="2026-11-21",
        claimed_sealing=None,
        faults=(),
    )
    vault.release(made, record, today=DAY)
    return Shelf(directory=directory)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A clean photo, one that is said to be clean and is not, its original, and no photo at all."""
    attachments = (
        claim(1, CLEAN, state="clean"),
        claim(2, TELLING, state="cleaned", found=("place",), original=TELLING),
        claim(3, NO_FORMAT, state="uncleaned", reason="unknown"),
    )
    return shelve(
        tmp_path,
        Tip(text="look", attachments=attachments),
        {
            "files/01.jpg": CLEAN,
            "files/02.jpg": TELLING,
            "files/03.jpg": NO_FORMAT,
            "originals/02.jpg": TELLING,
        },
    )


def read(shelf: Shelf, name: str) -> bytes:
    return (shelf.directory / name).read_bytes()


def test_export_when_a_file_was_said_to_be_clean_then_it_is_cleaned_and_named(shelf: Shelf) -> None:
    """The tip's word is held against the file; what comes out is cleaned here."""
    done = shelf.run("export", "3f", "--out", "case")

    assert done.returncode == 49
    assert done.stdout.splitlines() == [
        "case/files/01.jpg",
        "case/files/02.jpg",
        "case/text.txt",
        "case/tip.json",
    ]
    assert read(shelf, "case/files/01.jpg") == read(shelf, "case/files/02.jpg") == CLEAN
    said = done.stderr.splitlines()
    assert said[0] == "files/02.jpg: WARNING: said to be clean, but the desk found: device"
    assert said[1] == (
        "files/03.jpg: the desk cannot clean it: files of this format cannot be cleaned here"
    )
    assert said[2] == "left in the vault, as they came: files/03.jpg, originals/02.jpg"
    assert "tipline: error: 1 file cannot be cleaned, and was left in the vault" in said


def test_export_when_all_is_asked_for_then_what_is_not_cleaned_stands_apart(shelf: Shelf) -> None:
    """Nobody takes a file as it came for a cleaned one."""
    done = shelf.run("export", "3f", "--out", "case", "--untouched", "--json")

    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["untouched"] == ["files/03.jpg", "originals/02.jpg"]
    assert told["files"][-3:] == [
        "case/untouched/files/03.jpg",
        "case/untouched/originals/02.jpg",
        "case/untouched/tip.json",
    ]
    assert read(shelf, "case/untouched/files/03.jpg") == NO_FORMAT
    assert read(shelf, "case/untouched/originals/02.jpg") == TELLING
    assert [one["belied"] for one in told["found"]] == [False, True, False]
    assert "case/untouched holds files as they came" in done.stderr
    modes = {path.stat().st_mode & 0o777 for path in (shelf.directory / "case").rglob("*")}
    assert modes == {0o700, 0o600}
    times = {path.stat().st_mtime for path in (shelf.directory / "case").rglob("*.*")}
    assert times == {315_532_800}  # 1980-01-01


def test_export_when_the_disk_is_full_then_no_half_file_stands_under_its_name(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be written whole is not there, and the error names it."""

    def copy_half(reading: BinaryIO, writing: BinaryIO, length: int) -> None:
        writing.write(reading.read()[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tipline.desk.exporting.shutil.copyfileobj", copy_half)
    place, _ = Vault.open(shelf.directory / "vault").find(ID)
    out = shelf.directory / "case"
    with pytest.raises(OSError, match="No space left") as caught:
        export_tip(place, Tip(text="a"), out, with_untouched=True)
    assert caught.value.filename == str(out / "untouched" / "files" / "03.jpg")
    assert list((out / "untouched" / "files").iterdir()) == []


def test_export_when_the_tip_names_an_original_then_its_name_stays_in_the_vault(
    tmp_path: Path,
) -> None:
    """Names, times and unknown fields of the source's device come out only as untouched."""
    attachment = claim(1, CLEAN, state="cleaned", found=("place",), original=TELLING)
    assert attachment.original is not None
    original = dataclasses.replace(
        attachment.original, name="Maria_Lopez.jpg", modified_at="2026-01-02T03:04:05.678Z"
    )
    tip = Tip(
        text="look\u202e",
        place="at the mill",
        danger=True,
        sealed_at="2026-11-21T10:11:12.345Z",
        build="0.1",
        attachments=(
            dataclasses.replace(attachment, original=original, unknown={"serial": "77-88"}),
        ),
        unknown={"camera": "99-00"},
    )
    shelf = shelve(tmp_path, tip, {"files/01.jpg": CLEAN, "originals/01.jpg": TELLING})
    assert shelf.run("export", "3f", "--out", "case").returncode == 0
    assert shelf.run("export", "3f", "--out", "all", "--untouched").returncode == 0

    for said in (read(shelf, "case/tip.json"), read(shelf, "all/tip.json")):
        assert said.isascii()
        assert json.loads(said) == {
            "version": 1,
            "text": "look\u202e",
            "place": "at the mill",
            "danger": True,
        }
    assert read(shelf, "all/untouched/tip.json") == format_tip(tip)
    assert not (tmp_path / "case" / "untouched").exists()


def test_export_when_there_is_no_sandbox_then_nothing_is_written(shelf: Shelf) -> None:
    """A file is never parsed beside the desk's keys instead."""
    done = shelf.run("export", "3f", "--out", "case", path="/nonexistent")

    assert (done.returncode, done.stdout) == (50, "")
    assert "tipline: error: bubblewrap is not installed" in done.stderr
    assert "apt-get install --no-install-recommends bubblewrap" in done.stderr
    assert not (shelf.directory / "case").exists()


def test_export_when_a_tip_was_kept_apart_then_it_comes_out_only_when_asked_for(
    tmp_path: Path,
) -> None:
    """What is not in our format is not copied beside what is."""
    shelf = shelve(tmp_path, None, {"payload.tar": b"who knows"})

    assert shelf.run("export", "3f", "--out", "a").returncode == 49
    done = shelf.run("export", "3f", "--out", "b", "--untouched")
    assert (done.returncode, done.stdout) == (0, "b/untouched/payload.tar\n")


def make_console() -> tuple[Console, io.StringIO]:
    err = io.StringIO()
    return Console(translate=lambda text: text, out=io.StringIO(), err=err), err


def test_opened_files_when_it_is_broken_off_then_it_goes_on_where_it_was(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Ctrl-C behind the first file does not wait for it again."""
    vault = Vault.open(shelf.directory / "vault")

    def judge_one(place: Path, path: str, *, claim: str | None) -> Judgement:
        if path != "files/01.jpg":
            raise KeyboardInterrupt
        return judge(place, path, claim=claim)

    with monkeypatch.context() as patch:
        patch.setattr("tipline.commands.desk_files.judge", judge_one)
        with pytest.raises(KeyboardInterrupt):
            judge_opened(vault, [ID], today=DAY, console=make_console()[0])
    assert list(read_judgements(vault, ID)) == ["files/01.jpg"]
    judged = judge_opened(vault, [ID], today=DAY, console=make_console()[0])
    assert [one.path for one in judged[ID]] == ["files/02.jpg", "files/03.jpg"]
    assert len(read_judgements(vault, ID)) == 3


def test_opened_files_when_the_vault_has_others_then_their_records_are_not_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a bundle costs does not grow with what was opened before."""
    vault = Vault.open(shelf.directory / "vault")
    _, record = vault.find(ID)
    for number in range(20):
        other = f"{number:02}".ljust(32, "0")
        made = vault.directory / "opening" / other
        made.mkdir(mode=0o700)
        vault.release(made, dataclasses.replace(record, id=other, state="foreign"), today=DAY)
    read = []
    read_record = Vault.read_record

    def count_reads(self: Vault, tip_id: str) -> Record:
        read.append(tip_id)
        return read_record(self, tip_id)

    monkeypatch.setattr(Vault, "read_record", count_reads)
    judge_opened(vault, [ID], today=DAY, console=make_console()[0])
    assert read == [ID]


def test_opened_files_when_one_tip_takes_too_long_then_the_next_has_its_turn(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tip keeps its readers from all the others, and what was not looked at is named."""
    vault = Vault.open(shelf.directory / "vault")
    monkeypatch.setattr("tipline.commands.desk_files.MAX_TIP_SECONDS", -1)
    console, err = make_console()
    assert judge_opened(vault, [ID], today=DAY, console=console) == {}
    assert err.getvalue() == (
        f"tip {ID}: 3 files were not looked at: it took too long; open the bundle again to go on\n"
    )


def test_found_when_its_record_is_damaged_then_the_tip_can_be_read_all_the_same(
    shelf: Shelf,
) -> None:
    """The text is not kept from its reader, and the files are looked at once more."""
    vault = Vault.open(shelf.directory / "vault")
    (vault.directory / "records" / f"{ID}.files.json").write_text("{}")
    shown = shelf.run("show", "3f")

    assert (shown.returncode, shown.stdout.splitlines()[-1]) == (0, "look")
    assert "what the desk found in the files cannot be read: " in shown.stderr
    assert "  files/01.jpg: not looked at; " in shown.stdout
    assert len(judge_opened(vault, [ID], today=DAY, console=make_console()[0])[ID]) == 3


def test_view_when_asked_then_each_file_becomes_pictures(shelf: Shelf) -> None:
    """The pixels come out as PNG under our own names; what is no picture is named, and why."""
    done = shelf.run("view", "3f", "--out", "seen")

    assert done.stdout.splitlines() == [
        "seen/files-01/page-001.png",
        "seen/files-02/page-001.png",
        "seen/originals-02/page-001.png",
    ]
    assert done.returncode == 50
    assert done.stderr.splitlines() == [
        "files/03.jpg: not shown: it is no picture, document or text that can be shown here",
        "tipline: error: 1 file is not shown, or not all of it",
    ]
    assert b"Cam" in TELLING
    assert b"Cam" not in read(shelf, "seen/originals-02/page-001.png")


def test_view_when_one_file_is_asked_for_then_it_alone_is_opened(shelf: Shelf) -> None:
    """A person may look at one, named twice or not, and is told in JSON what a machine may read."""
    done = shelf.run(
        "view",
        "3f",
        "--out",
        "seen",
        "--json",
        "--file",
        "originals/02.jpg",
        "--file",
        "originals/02.jpg",
    )

    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "files": [
            {
                "broken": 0,
                "file": "originals/02.jpg",
                "first": 1,
                "pages": ["seen/originals-02/page-001.png"],
                "total": 1,
            }
        ]
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--file", "files/09.jpg"], "the tip has no such file"),
        (["--file", "../../root"], "the tip has no such file"),
        (["--file", "tip.json"], "the tip has no such file"),
        (["--first", "0"], "there is no such page"),
        (["--first", "1000000"], "there is no such page"),
    ],
)
def test_view_when_asked_for_what_is_not_there_then_nothing_is_opened(
    shelf: Shelf, words: list[str], said: str
) -> None:
    """A name leads nowhere but to the tip's own files."""
    done = shelf.run("view", "3f", *words, "--out", "seen")

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (shelf.directory / "seen").exists()


def test_view_when_there_is_no_sandbox_then_no_file_is_opened(shelf: Shelf) -> None:
    """There is no way around the sandbox, and no switch for one."""
    done = shelf.run("view", "3f", "--out", "seen", path="/nonexistent")

    assert (done.returncode, done.stdout) == (50, "")
    assert "without it no file is opened" in done.stderr
    # The same command works once there is one.
    assert not (shelf.directory / "seen").exists()


def test_view_when_it_was_made_before_then_nothing_is_overwritten(shelf: Shelf) -> None:
    """Pictures of two tips never mix in one directory."""
    (shelf.directory / "seen").mkdir()

    assert shelf.run("view", "3f", "--out", "seen").returncode == 46


def test_view_when_only_some_pages_are_shown_then_it_says_where_to_go_on(tmp_path: Path) -> None:
    """A document that is longer, or takes longer, than the bounds is seen in parts."""
    pictures = [Image.new("L", (2, 2), shade) for shade in range(202)]
    file = io.BytesIO()
    pictures[0].save(file, "TIFF", save_all=True, append_images=pictures[1:])
    cut = file.getvalue()
    attachment = Attachment(
        path="files/01.tif", media_type="image/tiff", size_bytes=len(cut), name="a"
    )
    shelf = shelve(tmp_path, Tip(text="look", attachments=(attachment,)), {"files/01.tif": cut})
    done = shelf.run("view", "3f", "--out", "seen")

    assert len(done.stdout.splitlines()) == 200
    assert "files/01.tif: it has 202 pages; go on with --first 201" in done.stderr
    assert done.returncode == 50
    rest = shelf.run("view", "3f", "--out", "rest", "--first", "201")
    assert rest.stdout.splitlines() == [
        "rest/files-01/page-201.png",
        "rest/files-01/page-202.png",
    ]
    assert rest.returncode == 0


def test_view_when_the_files_before_fill_the_room_then_the_next_is_not_opened(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What all files of a tip become together is bounded, and what is not seen is named."""
    err = io.StringIO()
    console = Console(translate=lambda text: text, out=io.StringIO(), err=err)
    monkeypatch.setattr(desk_files, "MAX_RUN_BYTES", 1)
    options = argparse.Namespace(
        vault=shelf.directory / "vault",
        id="3f",
        files=["files/01.jpg", "files/02.jpg"],
        out=shelf.directory / "seen",
        first=1,
        json=False,
    )

    with pytest.raises(SandboxError):
        desk_files.run_view(options, console)

    reason = FAILURE_WORDS[Failure.NO_ROOM]
    assert err.getvalue() == f"files/02.jpg: not shown: {reason}\n"
    assert [path.name for path in options.out.iterdir()] == ["files-01"]


def test_view_when_it_begins_behind_the_end_then_it_says_how_long_the_file_is() -> None:
    """Nobody looks for what does not exist."""
    err = io.StringIO()
    console = Console(translate=lambda text: text, out=io.StringIO(), err=err)
    _tell_view("files/01.pdf", View(pages=(), first=5, total_len=3), console)
    _tell_view("files/02.jpg", View(pages=(), first=5, total_len=1), console)

    assert err.getvalue() == (
        "files/01.pdf: it has only 3 pages\nfiles/02.jpg: it has only 1 page\n"
    )


def test_view_when_it_breaks_off_then_what_was_seen_is_told_from_what_was_not() -> None:
    """Pages that were shown are not passed off as all of them."""
    err = io.StringIO()
    console = Console(translate=lambda text: text, out=io.StringIO(), err=err)
    pages = (Path("a/page-004.png"), Path("a/page-005.png"))
    _tell_view("files/01.pdf", View(pages=pages, first=4, failure=Failure.TOO_SLOW), console)

    assert err.getvalue() == (
        "files/01.pdf: shown up to page 5 only: it took too long; go on with --first 6\n"
    )
