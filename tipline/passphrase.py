"""
Passphrases: from a person at the terminal, or from a file that only its owner can read.

Never from the command line or the environment, where other processes see them, and never from
stdin, which carries data.
"""

from __future__ import annotations

import getpass
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from crypto.secret import Secret
from tipline.console import Console
from tipline.errors import PermissionsError, UsageError

Ask = Callable[[str], str]

MAX_PASSPHRASE_BYTES: Final = 4096  # far more than anybody types; a wrong file stops here
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO  # any right of the group or of everybody
TERMINAL: Final = "/dev/tty"


def ask_on_terminal(prompt: str) -> str:
    """
    Ask for a passphrase at the controlling terminal, without showing it.

    Args:
        prompt: Already translated.

    Returns:
        What was typed.

    Raises:
        UsageError: `passphrase_terminal`: there is no terminal to ask at.
    """
    # getpass would fall back to stdin, which carries the data.
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as exc:
        raise UsageError("passphrase_terminal") from exc
    try:
        return getpass.getpass(prompt)
    except EOFError as exc:
        raise UsageError("passphrase_empty") from exc


def ask_passphrase(console: Console, *, label: str = "", ask: Ask = ask_on_terminal) -> Secret:
    """
    Ask for a passphrase that exists already.

    Args:
        console: The language of the question.
        label: What the passphrase opens (a file's name); may be empty.
        ask: Shows a prompt and returns what was typed.

    Returns:
        The passphrase in UTF-8.

    Raises:
        UsageError: `passphrase_empty`, `passphrase_long` or `passphrase_terminal`.
    """
    _ = console.translate
    if label:
        return _check(ask(_("Passphrase for {name}: ").format(name=label)))
    return _check(ask(_("Passphrase: ")))


def ask_new_passphrase(console: Console, *, ask: Ask = ask_on_terminal) -> Secret:
    """
    Ask twice for a new passphrase.

    Args:
        console: The language of the question.
        ask: Shows a prompt and returns what was typed.

    Returns:
        The passphrase in UTF-8.

    Raises:
        UsageError: `passphrase_differs`: the two are not the same; or `passphrase_empty`,
            `passphrase_long`, `passphrase_terminal`.
    """
    _ = console.translate
    passphrase = _check(ask(_("New passphrase: ")))
    if passphrase != _check(ask(_("The same passphrase again: "))):
        raise UsageError("passphrase_differs")
    return passphrase


def read_passphrase_file(path: Path) -> Secret:
    """
    Read a passphrase from the only line of a file.

    Args:
        path: A file that only its owner can read, or a pipe.

    Returns:
        The line without its end.

    Raises:
        PermissionsError: others may read or write the file.
        UsageError: `passphrase_empty`, `passphrase_long`, or `passphrase_lines`: the file has more
            than one line.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        check_private(os.fstat(file.fileno()), path=path)
        content = file.read(MAX_PASSPHRASE_BYTES + 2)
    line = content.removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in line:
        raise UsageError("passphrase_lines")
    return _check_bytes(line)


def check_private(status: os.stat_result, *, path: Path) -> None:
    """
    Refuse a file with a secret that others can reach.

    Args:
        status: Of the file, once opened: a name may change between two looks.
        path: Its name, for the message.

    Raises:
        PermissionsError: `permissions_file`: the group or others have a right on it.
    """
    if status.st_mode & OTHERS:
        raise PermissionsError("permissions_file", path=str(path))


def _check(typed: str) -> Secret:
    # A terminal hands out bytes that are not UTF-8 as lone surrogates: keep them as they were.
    return _check_bytes(typed.encode("utf-8", "surrogateescape"))


def _check_bytes(passphrase: bytes) -> Secret:
    if not passphrase:
        raise UsageError("passphrase_empty")
    if len(passphrase) > MAX_PASSPHRASE_BYTES:
        raise UsageError("passphrase_long", limit=MAX_PASSPHRASE_BYTES)
    return Secret(passphrase)
