"""
`tipline age`: seal and open age files, with age's own flags.

It stands in where age 1.3, the first with hybrid recipients, is not packaged.
With `-o FILE` the plaintext takes its name only after the last chunk has verified (INV-04).
On stdout each verified chunk goes out at once, so whoever reads a pipe must look at the exit code.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from crypto.age.armor import ArmorWriter, open_either
from crypto.age.file import Identity, Recipient, open_, seal
from crypto.age.header import Stanza
from crypto.age.hybrid import HybridIdentity
from crypto.age.keys import (
    MAX_KEY_FILE_BYTES,
    KeyIdentity,
    format_identity_file,
    parse_recipient,
    parse_recipient_file,
)
from crypto.age.scrypt import STANZA_TYPE as SCRYPT_TYPE
from crypto.age.scrypt import ScryptIdentity, ScryptRecipient
from crypto.age.stream import Writable
from crypto.errors import WrongPassphraseError
from crypto.secret import Secret
from tipline.console import Console
from tipline.errors import UsageError
from tipline.files import leave_nothing_when_stopped, write_atomically
from tipline.identities import read_identities, read_identity_file
from tipline.passphrase import ask_new_passphrase, ask_passphrase, read_passphrase_file
from tipline.terminal import TerminalText

KEYGEN = "keygen"  # a file of this name is written ./keygen
STDIO = "-"


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Run the command.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        UsageError: flags that do not go together.
        PermissionsError: a file with a secret can be read by others.
        FileError: a file cannot be read or written.
        CryptoError: what is read does not open, or cannot be sealed.
    """
    with leave_nothing_when_stopped():
        if options.input == KEYGEN:
            _run_keygen(options, console)
        elif options.convert is not None:
            raise UsageError("age_keygen")
        elif options.decrypt:
            _run_open(options, console)
        else:
            _run_seal(options, console)
    return 0


# --- sealing ----------------------------------------------------------------------------------


def _run_seal(options: argparse.Namespace, console: Console) -> None:
    if options.identity:
        raise UsageError("age_open_only")
    _check_stdin(options, options.recipients_file)
    recipients = _collect_recipients(options, console)
    with (
        _open_named(options.input, console) as source,
        _open_output(options, console) as destination,
    ):
        if options.armor:
            armor = ArmorWriter(destination)
            seal(source, armor, recipients=recipients)
            armor.close()
        else:
            if _is_terminal(options, console):
                raise UsageError("age_terminal")
            seal(source, destination, recipients=recipients)


def _collect_recipients(options: argparse.Namespace, console: Console) -> Sequence[Recipient]:
    if options.passphrase:
        if options.recipient or options.recipients_file:
            raise UsageError("age_mixed")
        return [ScryptRecipient(_get_new_passphrase(options, console))]
    if options.passphrase_file:
        raise UsageError("age_passphrase_unused")
    recipients: list[Recipient] = [parse_recipient(text) for text in options.recipient]
    for name in options.recipients_file:
        with _open_named(name, console) as file:
            content = file.read(MAX_KEY_FILE_BYTES + 1)
        recipients.extend(parse_recipient_file(content))
    if not recipients:
        raise UsageError("age_recipients")
    return recipients


def _get_new_passphrase(options: argparse.Namespace, console: Console) -> Secret:
    if options.passphrase_file:
        return read_passphrase_file(options.passphrase_file)
    return ask_new_passphrase(console)


# --- opening ----------------------------------------------------------------------------------


class _AskedPassphrase:
    """The identity that asks for its passphrase only if a file has one."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options = options
        self._console = console

    def unwrap(self, stanzas: Sequence[Stanza]) -> Secret | None:
        if stanzas[0].type != SCRYPT_TYPE:
            return None
        passphrase = _get_passphrase(self._options, self._console, label="")
        file_key = ScryptIdentity(passphrase).unwrap(stanzas)
        if file_key is None:
            raise WrongPassphraseError("scrypt")
        return file_key


def _run_open(options: argparse.Namespace, console: Console) -> None:
    if options.recipient or options.recipients_file or options.passphrase or options.armor:
        raise UsageError("age_seal_only")
    _check_stdin(options, options.identity)
    identities: list[Identity] = []
    for name in options.identity:
        identities.extend(_read_identities(name, options, console))
    if not identities:
        identities.append(_AskedPassphrase(options, console))
    with (
        _open_named(options.input, console) as source,
        _open_output(options, console) as destination,
    ):
        plain = TerminalText(destination) if _is_terminal(options, console) else destination
        open_(open_either(source), plain, identities=identities)


def _read_identities(
    name: str, options: argparse.Namespace, console: Console
) -> Sequence[KeyIdentity]:
    def ask() -> Secret:
        return _get_passphrase(options, console, label=name)

    if name == STDIO:
        return read_identities(console.input, ask=ask)
    return read_identity_file(Path(name), ask=ask)


def _get_passphrase(options: argparse.Namespace, console: Console, *, label: str) -> Secret:
    if options.passphrase_file:
        return read_passphrase_file(options.passphrase_file)
    return ask_passphrase(console, label=label)


# --- keys -------------------------------------------------------------------------------------


def _run_keygen(options: argparse.Namespace, console: Console) -> None:
    seals = options.recipient or options.recipients_file or options.passphrase or options.armor
    if seals or options.decrypt or options.identity:
        raise UsageError("age_keygen")
    if options.convert is not None:
        _convert(options, console)
    elif options.passphrase_file:
        raise UsageError("age_passphrase_unused")
    else:
        _generate(options, console)


def _generate(options: argparse.Namespace, console: Console) -> None:
    identity = HybridIdentity.generate()
    today = datetime.datetime.now(tz=datetime.UTC).date()
    content = format_identity_file(identity, created_on=today).reveal()
    with _open_output(options, console, replace=False) as destination:
        destination.write(content)
    # As age-keygen: whoever does not see the file is told what to give to others.
    if options.output not in (None, STDIO) or not console.out.isatty():
        _ = console.translate
        console.say(_("Public key: {recipient}").format(recipient=identity.recipient().format()))


def _convert(options: argparse.Namespace, console: Console) -> None:
    identities = _read_identities(options.convert, options, console)
    with _open_output(options, console) as destination:
        for identity in identities:
            destination.write(identity.recipient().format().encode("ascii") + b"\n")


# --- files and streams ------------------------------------------------------------------------


def _check_stdin(options: argparse.Namespace, names: Sequence[str]) -> None:
    """Hold that stdin is read once."""
    inputs = [*names, options.input]
    if inputs.count(STDIO) > 1:
        raise UsageError("age_stdin")


@contextlib.contextmanager
def _open_named(name: str, console: Console) -> Iterator[BinaryIO]:
    if name == STDIO:
        yield console.input
    else:
        with Path(name).open("rb") as file:
            yield file


@contextlib.contextmanager
def _open_output(
    options: argparse.Namespace, console: Console, *, replace: bool = True
) -> Iterator[Writable]:
    if options.output in (None, STDIO):
        yield console.out.buffer
        console.out.buffer.flush()
    else:
        with write_atomically(Path(options.output), replace=replace) as file:
            yield file


def _is_terminal(options: argparse.Namespace, console: Console) -> bool:
    """Tell whether the result is shown to a person who did not insist on it with `-o -`."""
    return options.output is None and console.out.isatty()
