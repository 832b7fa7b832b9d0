"""Transcripts of `tipline clean`: files and arguments in; files, stdout, stderr, exit code out."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import stat
from pathlib import Path

import pytest

from tests.pictures import SIGNATURE, chunk, make_jpeg, make_png, segment
from tipline.__main__ import main
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.plan import Format, Plan, Writable, write_cleaned
from tipline.cleaning.source import Readable
from tipline.cleaning.words import REMAINS
from tipline.console import Console
from tipline.language import make_translations

TELLING = make_jpeg(segment(0xFE, b"by Ana"))
CLEAN = make_jpeg()
PNG = make_png(chunk(b"tIME", bytes(7)))


class Screen(io.StringIO):
    """Where somebody watches."""

    def isatty(self) -> bool:
        return True


def run(
    *words: object, language: str = "en", err_type: type[io.StringIO] = io.StringIO
) -> tuple[int, str, str]:
    """Run the command in this process."""
    out, err = io.StringIO(), err_type()
    told = make_translations(language)
    console = Console(
        translate=told.gettext,
        translate_counted=told.ngettext,
        language=language,
        out=out,
        err=err,
        input=io.BytesIO(),
    )
    code = main(["clean", *map(str, words)], console=console)
    return code, out.getvalue(), err.getvalue()


def save(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def list_names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def test_clean_when_a_photo_tells_then_a_clean_one_stands_beside_it(tmp_path: Path) -> None:
    """The original is untouched; the clean one has no time and is its owner's alone."""
    photo = save(tmp_path / "photo.JPG", TELLING)

    code, out, err = run(photo)

    cleaned = tmp_path / "photo.clean.jpg"
    assert (code, out) == (0, f"{photo}: cleaned into {cleaned}; taken out: hidden text\n")
    assert err == f"{REMAINS}\n"
    status = cleaned.stat()
    assert status.st_mtime == status.st_atime == 315_532_800  # 1980-01-01
    assert stat.S_IMODE(status.st_mode) == 0o600
    assert cleaned.read_bytes() == CLEAN
    assert list_names(tmp_path) == {"photo.JPG", "photo.clean.jpg"}
    assert photo.read_bytes() == TELLING
    assert photo.stat().st_mtime == 1_700_000_000


def test_clean_when_the_name_lies_then_the_bytes_decide(tmp_path: Path) -> None:
    """A JPEG called .png becomes a .jpg."""
    run(save(tmp_path / "photo.png", TELLING))

    assert (tmp_path / "photo.clean.jpg").read_bytes() == CLEAN


def test_clean_when_a_directory_is_named_then_the_file_goes_there(tmp_path: Path) -> None:
    """--out keeps the name."""
    (tmp_path / "out").mkdir()

    code, out, _ = run("--out", tmp_path / "out", save(tmp_path / "shot.png", PNG))

    assert (code, out) == (
        0,
        f"{tmp_path}/shot.png: cleaned into {tmp_path}/out/shot.png; taken out: time\n",
    )
    assert (tmp_path / "out" / "shot.png").read_bytes() == make_png()


def test_clean_when_there_is_nothing_to_take_out_then_it_says_so(tmp_path: Path) -> None:
    """A clean file gives a copy, so that the next step finds its file."""
    code, out, _ = run(save(tmp_path / "a.jpg", CLEAN))

    assert (code, out) == (
        0,
        f"{tmp_path}/a.jpg: cleaned into {tmp_path}/a.clean.jpg; taken out: nothing\n",
    )
    assert (tmp_path / "a.clean.jpg").read_bytes() == CLEAN


def test_clean_when_one_is_refused_then_the_others_are_cleaned_and_the_code_tells(
    tmp_path: Path,
) -> None:
    """A refused file leaves nothing behind."""
    text = save(tmp_path / "notes.jpg", b"no\0text")
    cut = save(tmp_path / "cut.png", PNG[:-1])
    photo = save(tmp_path / "photo.jpg", TELLING)

    code, out, err = run(text, cut, photo)

    assert code == 49
    assert out == (
        f"{text}: refused: files of this format cannot be cleaned here\n"
        f"{cut}: refused: the file ends too early\n"
        f"{photo}: cleaned into {tmp_path}/photo.clean.jpg; taken out: hidden text\n"
    )
    assert err == f"{REMAINS}\ntipline: error: 2 files were refused and not cleaned\n"
    assert list_names(tmp_path) == {"notes.jpg", "cut.png", "photo.jpg", "photo.clean.jpg"}


@pytest.mark.parametrize("words", [(), ("--check",)])
def test_clean_when_a_folder_is_among_the_files_then_it_is_named_and_the_others_are_cleaned(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    """As `tipline clean *` gives it; a pipe, on which opening would wait, likewise."""
    folder, pipe = tmp_path / "holiday", tmp_path / "pipe"
    folder.mkdir()
    os.mkfifo(pipe)
    inside = save(folder / "inside.jpg", TELLING)
    shot = save(tmp_path / "shot.jpg", CLEAN)

    code, out, err = run(*words, folder, pipe, shot)

    reason = "it is a directory, or something else that is no ordinary file"
    assert out.splitlines()[:2] == [f"{folder}: refused: {reason}", f"{pipe}: refused: {reason}"]
    assert out.splitlines()[2].startswith(f"{shot}: ")
    assert (code, list_names(folder)) == (49, {inside.name})
    assert "2 files" in err
    assert (tmp_path / "shot.clean.jpg").exists() == (not words)
    assert json.loads(run("--json", folder)[1]) == {
        "file": str(folder),
        "state": "refused",
        "kinds": [],
        "reason": "no-file",
    }


def test_clean_when_only_checking_then_nothing_is_written_and_the_code_tells(
    tmp_path: Path,
) -> None:
    """--check ends with 0 only if nothing was found in any file."""
    photo, shot = save(tmp_path / "photo.jpg", TELLING), save(tmp_path / "shot.png", make_png())

    code, out, err = run("--check", photo, shot)

    assert (code, out) == (49, f"{photo}: found: hidden text\n{shot}: found: nothing\n")
    assert err.endswith("tipline: error: 1 file is not clean, or was refused\n")
    assert run("--check", shot)[0] == 0
    assert run("--check", save(tmp_path / "cut.png", PNG[:-1]))[0] == 49
    assert list_names(tmp_path) == {"photo.jpg", "shot.png", "cut.png"}


def test_clean_when_a_machine_asks_then_each_file_is_one_object(tmp_path: Path) -> None:
    """--json: kinds, never values."""
    photo, cut = save(tmp_path / "photo.jpg", TELLING), save(tmp_path / "cut.png", SIGNATURE)

    code, out, err = run("--json", photo, cut)

    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "file": str(photo),
            "state": "cleaned",
            "format": "jpeg",
            "kinds": ["text"],
            "cleaned": f"{tmp_path}/photo.clean.jpg",
        },
        {"file": str(cut), "state": "refused", "kinds": [], "reason": "truncated"},
    ]
    assert "Ana" not in out + err
    assert (code, err) == (49, "tipline: error: 1 file was refused and not cleaned\n")
    assert json.loads(run("--json", "--check", photo)[1])["state"] == "found"
    assert json.loads(run("--json", "--check", tmp_path / "photo.clean.jpg")[1])["state"] == "clean"


def test_clean_when_the_name_is_taken_then_nothing_is_overwritten(tmp_path: Path) -> None:
    """Writes beside, never over."""
    photo = save(tmp_path / "photo.jpg", TELLING)
    taken = save(tmp_path / "photo.clean.jpg", b"mine")

    code, _, err = run(photo)

    assert code == 46
    assert err == f"tipline: error: there is something under the name {taken} already\n"
    assert taken.read_bytes() == b"mine"
    assert run("--out", tmp_path, photo)[0] == 46
    assert photo.read_bytes() == TELLING


@pytest.mark.parametrize("name", ["none", "photo.jpg"])
def test_clean_when_there_is_no_directory_to_write_into_then_it_says_so(
    tmp_path: Path, name: str
) -> None:
    """The directory is named as it was given, and nothing was done."""
    photo = save(tmp_path / "photo.jpg", TELLING)

    code, out, err = run("--out", tmp_path / name, photo)

    assert (code, out) == (46, "")
    assert err.startswith(f"tipline: error: {tmp_path}/{name}: No")
    assert list_names(tmp_path) == {"photo.jpg"}


def test_clean_when_there_is_no_file_then_it_says_so(tmp_path: Path) -> None:
    """What cannot be read is named."""
    code, _, err = run(tmp_path / "missing.jpg")

    assert code == 46
    assert "missing.jpg" in err


def test_clean_when_a_file_cannot_be_read_any_further_then_it_is_named(tmp_path: Path) -> None:
    """It opens, and reading fails, as on a damaged stick: which of many it was is said."""
    photo = save(tmp_path / "photo.jpg", CLEAN)

    code, out, err = run("--check", photo, "/proc/self/mem")

    assert (code, out) == (46, f"{photo}: found: nothing\n")
    assert err.startswith("tipline: error: /proc/self/mem: ")


def test_clean_when_nobody_may_write_there_then_the_name_is_the_files(tmp_path: Path) -> None:
    """What is said not to be written is what was asked for, not a name for the time between."""
    code, out, err = run("--out", "/proc", save(tmp_path / "photo.jpg", CLEAN))

    assert (code, out) == (46, "")
    assert err.startswith("tipline: error: /proc/photo.jpg: ")


@pytest.mark.parametrize("language", ["es", "pt"])
def test_clean_when_it_speaks_another_language_then_no_word_is_left_in_english(
    tmp_path: Path, language: str
) -> None:
    """Kinds, reasons and what remains are words of the catalogue."""
    photo, cut = save(tmp_path / "photo.jpg", TELLING), save(tmp_path / "cut.png", SIGNATURE)

    _, out, err = run("--check", photo, cut, language=language)

    expected = {
        "es": ["se encontró: texto oculto", "rechazado: el archivo termina antes de tiempo"],
        "pt": ["encontrado: texto oculto", "recusado: o arquivo termina antes do tempo"],
    }
    for words in expected[language]:
        assert words in out
    assert REMAINS not in err


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_clean_when_asked_for_help_then_every_format_and_exit_code_is_named(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the help says of the formats is what is cleaned."""
    with pytest.raises(SystemExit):
        run("--help", language=language)

    words = re.split(r"\W+", capsys.readouterr().out)
    assert {name.upper() for name in Format} <= set(words)
    assert {"0", "46", "49"} <= set(words)


def test_clean_when_a_name_is_a_strangers_then_no_terminal_obeys_it(tmp_path: Path) -> None:
    """A name's escapes and line ends are written out, in results, in errors and in JSON."""
    title = save(tmp_path / "e\x1b]0;pwn\x07\x1b[2Jx.jpg", TELLING)
    lines = save(tmp_path / "n\nl.jpg", TELLING[:40])
    turned = save(tmp_path / "\u202egpj.\x9b2J.jpg", TELLING)

    _, out, _ = run(title, lines)
    told = run("--json", "--check", turned)[1]
    again = run(title)[2]

    shown = f"{tmp_path}/e\\u{{1b}}]0;pwn\\u{{7}}\\u{{1b}}[2Jx"
    assert out.splitlines() == [
        f"{shown}.jpg: cleaned into {shown}.clean.jpg; taken out: hidden text",
        f"{tmp_path}/n\\u{{a}}l.jpg: refused: the file ends too early",
    ]
    assert told.isascii()
    assert json.loads(told)["file"] == str(turned)
    assert f"{shown}.clean.jpg" in again
    assert "\x1b" not in again


def test_clean_when_the_file_changes_meanwhile_then_no_cleaned_one_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was planned of one file is not taken from the places of another."""
    photo = save(tmp_path / "photo.jpg", TELLING)

    def write_late(plan: Plan, source: Readable, destination: Writable) -> None:
        save(photo, TELLING[::-1])
        write_cleaned(plan, source, destination)

    monkeypatch.setattr("tipline.commands.clean.write_cleaned", write_late)
    code, out, err = run(photo)

    assert (code, out) == (46, "")
    assert err == f"tipline: error: {photo} changed while it was read\n"
    assert list_names(tmp_path) == {"photo.jpg"}


def test_clean_when_the_file_changes_while_it_is_checked_then_nothing_is_said_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is still being written is not called clean."""
    photo = save(tmp_path / "photo.jpg", CLEAN)

    def plan_early(source: Readable) -> Plan:
        plan = plan_cleaning(source)
        save(photo, TELLING)
        return plan

    monkeypatch.setattr("tipline.commands.clean.plan_cleaning", plan_early)
    code, out, err = run("--check", photo)

    assert (code, out) == (46, "")
    assert err == f"tipline: error: {photo} changed while it was read\n"


@pytest.mark.parametrize(("err_type", "lines"), [(Screen, 3), (io.StringIO, 0)])
def test_clean_when_the_file_is_long_then_a_person_who_watches_sees_how_far_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    err_type: type[io.StringIO],
    lines: int,
) -> None:
    """A line for each step of what is written; a script that reads the errors sees none."""
    monkeypatch.setattr("tipline.progress.STEP_BYTES", 1024**2)
    head, tail = CLEAN[:-2], CLEAN[-2:]
    long = save(tmp_path / "long.jpg", head + bytes(3 * 1024**2) + tail)

    code, _, err = run(long, err_type=err_type)

    told = [line for line in err.splitlines() if line.endswith(" MiB")]
    assert (code, told) == (0, ["1 MiB", "2 MiB", "3 MiB"][:lines])


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGHUP])
def test_clean_when_its_terminal_is_closed_then_no_part_of_a_file_remains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: signal.Signals
) -> None:
    """A kill and a closed terminal leave as little as Ctrl-C."""
    photo = save(tmp_path / "photo.jpg", TELLING)

    def write_half(plan: Plan, source: Readable, destination: Writable) -> None:
        destination.write(bytes(1024**2))  # more than any buffer holds back
        signal.raise_signal(stop)

    monkeypatch.setattr("tipline.commands.clean.write_cleaned", write_half)
    # Without the command's own rule the signal does nothing here, instead of ending the tests.
    before = signal.signal(stop, signal.SIG_IGN)
    try:
        code, out, _ = run(photo)
    finally:
        signal.signal(stop, before)

    assert (code, out) == (130, "")
    assert list_names(tmp_path) == {"photo.jpg"}
