"""The way from a command line to an exit code."""

from __future__ import annotations

import argparse
import errno
import inspect
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import KeysetError, MalformedError
from retention.errors import PolicyError
from tipline import __version__
from tipline.__main__ import main, make_parser, report_error
from tipline.commands import find_run
from tipline.console import Console
from tipline.errors import FileError, InstanceError
from tipline.language import make_translations
from tipline.messages import N_

ROOT = Path(__file__).resolve().parents[3]


def make_console(language: str = "en") -> Console:
    return Console(
        translate=make_translations(language).gettext,
        out=io.StringIO(),
        err=io.StringIO(),
        input=io.BytesIO(),
    )


def said(console: Console) -> tuple[str, str]:
    assert isinstance(console.out, io.StringIO)
    assert isinstance(console.err, io.StringIO)
    return console.out.getvalue(), console.err.getvalue()


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "tipline: error: this is not in the format it should be in (header)\n"),
        ("es", "tipline: error: esto no tiene el formato que debería (header)\n"),
        ("pt", "tipline: erro: isto não está no formato que deveria (header)\n"),
    ],
)
def test_error_when_reported_then_its_words_are_in_the_language(language: str, text: str) -> None:
    """An error's words come from the catalogue, its detail from the error."""
    console = make_console(language)

    assert report_error(MalformedError("header"), console=console) == 11
    assert said(console) == ("", text)


def test_error_when_it_has_a_hint_then_a_second_line_says_what_to_do() -> None:
    """What to do stands on a line of its own, with the error's facts."""
    console = make_console()

    code = report_error(KeysetError("keyset_old", number=1, seen=2), console=console)

    assert code == 18
    first, second = said(console)[1].splitlines()
    assert first == "tipline: error: keyset 1 is older than keyset 2, which was seen before"
    assert second.startswith("tipline: hint: ask the desk")


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [(MalformedError("x"), 11), (PolicyError("policy"), 31), (InstanceError("instance"), 41)],
)
def test_main_when_a_command_raises_then_its_class_gives_the_exit_code(
    error: Exception, exit_code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of each package ends with its exit code and one line, and no traceback."""

    def run(options: argparse.Namespace, console: Console) -> int:
        raise error

    monkeypatch.setattr("tipline.__main__.find_run", {"init.run": run}.__getitem__)
    console = make_console()

    assert main(["init", "line"], console=console) == exit_code
    out, err = said(console)
    assert out == ""
    assert err.startswith("tipline: error: ")
    assert "Traceback" not in err


def test_main_when_interrupted_then_130(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends a command with the code that shells expect, and no traceback."""

    def run(options: argparse.Namespace, console: Console) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("tipline.__main__.find_run", {"init.run": run}.__getitem__)
    console = make_console()

    assert main(["init", "line"], console=console) == 130
    assert said(console) == ("", "")


def test_main_when_the_reader_goes_away_then_it_ends_quietly() -> None:
    """`tipline age keygen | true` says nothing about a broken pipe."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        result = subprocess.run(
            [sys.executable, "-m", "tipline", "age", "keygen"],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            # Python ignores SIGPIPE; a shell's child must not have it set otherwise.
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
        )
    finally:
        os.close(writer)

    assert result.returncode == 1
    assert "Broken" not in result.stderr
    assert "Traceback" not in result.stderr


def test_main_when_asked_for_its_version_then_it_says_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The version is that of the package."""
    with pytest.raises(SystemExit) as caught:
        main(["--version"], console=make_console())

    assert caught.value.code == 0
    assert capsys.readouterr().out == f"tipline {__version__}\n"


def test_main_when_no_command_is_given_then_usage_and_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a command it says how it is called."""
    with pytest.raises(SystemExit) as caught:
        main([], console=make_console())

    assert caught.value.code == 2
    assert "usage: tipline" in capsys.readouterr().err


def test_parser_when_made_then_each_command_has_its_function() -> None:
    """What each parser names is there, and takes the options and the console."""
    runs = dict(walk_commands(make_parser(lambda text: text)))

    assert {"init", "serve", "keyset", "doctor", "desk open", "age"} <= set(runs)
    for name, run in runs.items():
        assert isinstance(run, str), name
        assert list(inspect.signature(find_run(run)).parameters) == ["options", "console"], name


def walk_commands(
    parser: argparse.ArgumentParser, *, name: str = "", inherited: object = None
) -> Iterator[tuple[str, object]]:
    """List the commands that have none of their own, each with what it runs."""
    run = parser.get_default("run") or inherited
    parts = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not parts:
        yield name, run
    for action in parts:
        for part, command in action.choices.items():
            yield from walk_commands(command, name=f"{name} {part}".strip(), inherited=run)


def test_console_when_it_prints_json_then_a_machine_reads_one_line() -> None:
    """JSON is one line, its keys in order, with nothing in it that a terminal obeys."""
    console = make_console()
    console.print_json({"b": "año\x9b2J\u202e", "a": 1})

    out, _ = said(console)
    assert out == '{"a": 1, "b": "a\\u00f1o\\u009b2J\\u202e"}\n'
    assert json.loads(out) == {"a": 1, "b": "año\x9b2J\u202e"}


def test_console_when_a_path_is_a_strangers_then_an_error_does_not_obey_it() -> None:
    """A file's name may hold what a terminal obeys, or begin a line of its own."""
    console = make_console()
    text = console.fill("{path}: {reason}", {"path": "a\x1b[2J\nb", "reason": "taken"})

    assert text == "a\\u{1b}[2J\\u{a}b: taken"


def test_console_when_nobody_watches_then_progress_is_quiet() -> None:
    """Progress is for a terminal; talk is for both."""
    console = make_console()
    console.note("10 %")
    console.say("done")

    assert said(console) == ("", "done\n")


def test_console_when_somebody_watches_then_progress_is_shown() -> None:
    """On a terminal progress is told."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    console = Console(
        translate=lambda text: text, out=io.StringIO(), err=Terminal(), input=io.BytesIO()
    )
    console.note("10 %")

    assert said(console)[1] == "10 %\n"


def test_mark_when_used_then_the_text_is_itself() -> None:
    """Marking a text for the catalogue changes nothing of it."""
    assert N_("Leave now") == "Leave now"


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EROFS, "Read-only file system", "/srv/line/run"),
        sqlite3.OperationalError("attempt to write a readonly database"),
    ],
)
def test_main_when_a_disk_refuses_then_every_command_names_the_file(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only or full disk is named with its file, whatever the command; no traceback."""

    def refuse(options: Any, console: Any) -> int:
        raise error

    monkeypatch.setattr("tipline.__main__.find_run", lambda name: refuse)
    assert main(["close", "/srv/line", "--cancel"]) == FileError.exit_code
    said = capsys.readouterr().err
    assert "/srv/line" in said
    assert "ead-only file system" in said or "readonly database" in said
