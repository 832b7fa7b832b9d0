"""What the desk's commands ask a person for."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crypto.secret import Secret
from tipline.console import Console
from tipline.desk.keyfiles import AskPassphrase
from tipline.errors import UsageError
from tipline.passphrase import ask_new_passphrase, ask_passphrase, read_passphrase_file

# What counts as a yes, by language: the word that the question asks for first, then how people
# shorten it or spell it on a keyboard without accents. Anything else is a no.
YES: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("yes", "y"),
    "es": ("sí", "si", "s"),
    "pt": ("sim", "s"),
}


def get_new_passphrase(passphrase_file: Path | None, *, console: Console) -> Secret:
    """
    Get the passphrase of a key file that is about to be made.

    Args:
        passphrase_file: Holds it, or None: a person is asked twice.
        console: The language of the question.

    Returns:
        The passphrase.

    Raises:
        UsageError: it is empty, too long, or typed differently the second time.
        PermissionsError: others can read the file.
        OSError: the file cannot be read.
    """
    if passphrase_file is not None:
        return read_passphrase_file(passphrase_file)
    return ask_new_passphrase(console)


def make_asker(passphrase_file: Path | None, *, console: Console) -> AskPassphrase:
    """
    Make what is asked for the passphrase of a key file.

    Args:
        passphrase_file: Holds it, or None: a person is asked.
        console: The language of the question.

    Returns:
        A function of the key file's path.
    """

    def ask(path: Path) -> Secret:
        if passphrase_file is not None:
            return read_passphrase_file(passphrase_file)
        return ask_passphrase(console, label=path.name)

    return ask


def confirm(question: str, *, console: Console) -> None:
    """
    Go on only if a person says so.

    Args:
        question: Already translated.
        console: Where it is asked and answered.

    Raises:
        UsageError: `not_confirmed`: the answer is none of `YES` in the language of the question.
    """
    _ = console.translate
    console.say(question)
    console.err.write(_("Type yes to go on: "))
    console.err.flush()
    answer = console.input.readline(64).decode("utf-8", "replace").strip().casefold()
    # Both ways in which a keyboard writes an accent are one word.
    if unicodedata.normalize("NFC", answer) not in YES[console.language]:
        raise UsageError("not_confirmed")
