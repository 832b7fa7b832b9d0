"""Passphrases from a person and from a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crypto.secret import Secret
from tipline import passphrase
from tipline.console import Console
from tipline.errors import PermissionsError, UsageError
from tipline.passphrase import (
    MAX_PASSPHRASE_BYTES,
    ask_new_passphrase,
    ask_on_terminal,
    ask_passphrase,
    read_passphrase_file,
)

CONSOLE = Console(translate=lambda text: text)


def answer(*answers: str) -> tuple[Callable[[str], str], list[str]]:
    """Give somebody who types these answers, and the prompts they saw."""
    prompts: list[str] = []
    rest = list(answers)

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return rest.pop(0)

    return ask, prompts


def save(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_ask_when_typed_then_it_is_in_utf_8_and_the_label_is_shown() -> None:
    """What is typed comes back as bytes; a label says what it opens."""
    ask, prompts = answer("contraseña", "x")

    assert ask_passphrase(CONSOLE, ask=ask) == Secret("contraseña".encode())
    assert ask_passphrase(CONSOLE, label="key.age", ask=ask) == Secret(b"x")
    assert prompts == ["Passphrase: ", "Passphrase for key.age: "]


def test_ask_new_when_both_are_the_same_then_it_is_taken() -> None:
    """A new passphrase is asked for twice."""
    ask, prompts = answer("one", "one")

    assert ask_new_passphrase(CONSOLE, ask=ask) == Secret(b"one")
    assert prompts == ["New passphrase: ", "The same passphrase again: "]


def test_ask_new_when_they_differ_then_it_is_refused() -> None:
    """A slip of the finger does not lock a file for ever."""
    ask, _ = answer("one", "One")
    with pytest.raises(UsageError) as caught:
        ask_new_passphrase(CONSOLE, ask=ask)
    assert caught.value.code == "passphrase_differs"


def test_ask_when_nothing_is_typed_then_it_is_refused() -> None:
    """An empty passphrase protects nothing."""
    ask, _ = answer("")
    with pytest.raises(UsageError) as caught:
        ask_passphrase(CONSOLE, ask=ask)
    assert caught.value.code == "passphrase_empty"


def test_ask_when_the_terminal_gives_other_bytes_then_they_are_kept() -> None:
    """A terminal in another encoding still gives the same passphrase each time."""
    ask, _ = answer(b"\xe9".decode("utf-8", "surrogateescape"))

    assert ask_passphrase(CONSOLE, ask=ask) == Secret(b"\xe9")


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_file_when_it_has_one_line_then_its_end_does_not_count(tmp_path: Path, end: bytes) -> None:
    """An editor's line end is no part of a passphrase; spaces are."""
    assert read_passphrase_file(save(tmp_path / "file", b" a b " + end)) == Secret(b" a b ")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "passphrase_empty"),
        (b"\n", "passphrase_empty"),
        (b"a\nb", "passphrase_lines"),
        (b"a\n\n", "passphrase_lines"),
        (b"a" * (MAX_PASSPHRASE_BYTES + 1), "passphrase_long"),
        (b"a" * 100_000, "passphrase_long"),
    ],
)
def test_file_when_it_is_not_one_short_line_then_it_is_refused(
    tmp_path: Path, content: bytes, code: str
) -> None:
    """A wrong file is not taken for a passphrase."""
    with pytest.raises(UsageError) as caught:
        read_passphrase_file(save(tmp_path / "file", content))
    assert caught.value.code == code


def test_file_when_it_is_as_long_as_allowed_then_it_is_read(tmp_path: Path) -> None:
    """The bound itself is allowed."""
    path = save(tmp_path / "file", b"a" * MAX_PASSPHRASE_BYTES + b"\n")

    assert len(read_passphrase_file(path)) == MAX_PASSPHRASE_BYTES


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_file_when_others_have_a_right_then_it_is_refused(tmp_path: Path, mode: int) -> None:
    """Mode 0600 or it is not used; the name is told, the content is not."""
    path = save(tmp_path / "file", b"secret", mode)
    with pytest.raises(PermissionsError) as caught:
        read_passphrase_file(path)
    assert (caught.value.code, caught.value.facts) == ("permissions_file", {"path": str(path)})


def test_terminal_when_there_is_none_then_stdin_is_not_read_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a terminal the passphrase is not taken from the data."""

    def fail(prompt: str) -> str:
        raise AssertionError(prompt)

    monkeypatch.setattr(passphrase, "TERMINAL", str(tmp_path / "none"))
    monkeypatch.setattr(passphrase.getpass, "getpass", fail)
    with pytest.raises(UsageError) as caught:
        ask_on_terminal("Passphrase: ")
    assert caught.value.code == "passphrase_terminal"


def test_terminal_when_it_is_there_then_getpass_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prompt reaches whoever sits there; Ctrl-D is an empty answer."""
    ours, theirs = os.openpty()
    monkeypatch.setattr(passphrase, "TERMINAL", os.ttyname(theirs))
    monkeypatch.setattr(passphrase.getpass, "getpass", lambda prompt: prompt.upper())
    assert ask_on_terminal("word: ") == "WORD: "

    def end(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr(passphrase.getpass, "getpass", end)
    with pytest.raises(UsageError) as caught:
        ask_on_terminal("word: ")
    assert caught.value.code == "passphrase_empty"
    os.close(ours)
    os.close(theirs)
