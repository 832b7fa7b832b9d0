"""`tipline desk keygen` and `tipline desk keyset`: the key ceremony."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
from pathlib import Path

from crypto.age.hybrid import HybridRecipient
from crypto.keyset import MAX_DAYS, MAX_KEYSET_BYTES, sign_keyset, verify_past_keyset
from crypto.keyset_fields import Keyset, KeysetDraft
from crypto.note import Verifier
from tipline.clock import system_clock
from tipline.console import Console
from tipline.desk.asking import confirm, get_new_passphrase, make_asker
from tipline.desk.ceremony import (
    SIGNING_SUFFIX,
    check_reader_id,
    make_client_key,
    make_reader_key,
    make_root_key,
    make_signing_key,
)
from tipline.desk.changes import describe_changes, describe_kept
from tipline.desk.keyfiles import check_absent, read_limited, read_root, write_new
from tipline.desk.readers import MAX_READERS_BYTES, parse_readers
from tipline.errors import UsageError
from tipline.language import Translate
from tipline.plain import make_printable_line


def run_keygen(options: argparse.Namespace, console: Console) -> int:
    """
    Make a key, or a reader's two.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        FileError: a file exists already, or cannot be written.
        UsageError: the passphrase or the reader's id cannot be used, or options do not go together.
    """
    _ = console.translate
    if (options.root or options.client) and options.reader is not None:
        raise UsageError("keygen_reader")
    if options.signing and options.reader is None:
        raise UsageError("keygen_reader")
    made = _make_client(options, _) if options.client else _make_keys(options, console)
    if options.json:
        fields = {one.field: one.public for one in made}
        files = {one.file_field: str(one.file) for one in made}
        console.print_json({**fields, **files})
        return 0
    for one in made:
        console.say(one.words)
        console.print(one.public)
    return 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    field: str
    public: str
    file: Path
    words: str
    file_field: str = "file"


def _make_client(options: argparse.Namespace, translate: Translate) -> list[_Made]:
    _ = translate
    if options.passphrase_file is not None:
        raise UsageError("client_passphrase")
    words = _("give this line to the operator; it lets this machine reach the desk's onion")
    public = make_client_key(options.out)
    return [_Made(field="client", public=public, file=options.out, words=words)]


def _make_keys(options: argparse.Namespace, console: Console) -> list[_Made]:
    _ = console.translate
    today, out = system_clock().date(), options.out
    signing_out = out if options.signing else out.with_name(out.name + SIGNING_SUFFIX)
    # Said before a person has chosen a passphrase for nothing.
    check_absent(out)
    if options.reader is not None:
        check_reader_id(options.reader)
        check_absent(signing_out)
    passphrase = get_new_passphrase(options.passphrase_file, console=console)
    if options.root:
        public = make_root_key(out, passphrase=passphrase, today=today).format()
        words = _("print this key on paper; everything that trusts this desk pins it")
        return [_Made(field="root", public=public, file=out, words=words)]
    made = []
    if not options.signing:
        public = make_reader_key(out, passphrase=passphrase, today=today).format()
        words = _("put this recipient into readers.toml")
        made.append(_Made(field="recipient", public=public, file=out, words=words))
    if options.reader is not None:
        verifier = make_signing_key(
            signing_out, reader=options.reader, passphrase=passphrase, today=today
        )
        words = _("put this key into readers.toml, as this reader's `signing`")
        made.append(
            _Made(
                field="signing",
                public=verifier.format(),
                file=signing_out,
                words=words,
                file_field="file" if options.signing else "signing_file",
            )
        )
    return made


def run_keyset(options: argparse.Namespace, console: Console) -> int:
    """
    Sign a keyset.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        ConfigurationError: `readers.toml` is wrong; names the key.
        KeysetError: this keyset must not be signed.
        WrongPassphraseError: the passphrase does not open the desk root.
        FileError: a file is missing, exists already, or cannot be written.
        UsageError: a person did not confirm.
    """
    _ = console.translate
    today = system_clock().date()
    days = MAX_DAYS if options.days is None else options.days
    check_absent(options.out)
    written = parse_readers(read_limited(options.readers, max_bytes=MAX_READERS_BYTES))
    previous = None
    if options.previous is not None:
        previous = read_limited(options.previous, max_bytes=MAX_KEYSET_BYTES)
    ask = make_asker(options.passphrase_file, console=console)
    signer = read_root(options.root, ask=ask)
    root = signer.verifier()
    before = None if previous is None else verify_past_keyset(previous, root=root)
    draft = KeysetDraft(
        valid_from=today,
        # What is out of bounds is refused when signing; no number may lead out of the calendar.
        valid_until=today + datetime.timedelta(days=min(max(days, 0), 2 * MAX_DAYS) - 1),
        service=Verifier.parse(options.service),
        log=Verifier.parse(options.log),
        witnesses=written.witnesses,
        quorum=written.quorum,
        onion=_choose_onion(options, before),
        answers=_choose_answers(options, before),
        readers=written.readers,
        channels=written.channels,
    )
    # Signed in memory first: what cannot be signed is refused before a person is asked.
    note = sign_keyset(draft, signer=signer, today=today, previous=previous)
    words = describe_changes(
        draft, previous=before, translate=_, translate_counted=console.translate_counted
    )
    for line in (*words, *describe_kept(draft, previous=before, translate=_)):
        console.say(make_printable_line(line))
    if not options.yes:
        confirm(_("Sign this keyset?"), console=console)
    write_new(options.out, note)
    keyset = verify_past_keyset(note, root=root)
    if options.json:
        console.print_json(
            {
                "number": keyset.number,
                "valid_from": keyset.valid_from.isoformat(),
                "valid_until": keyset.valid_until.isoformat(),
                "sha256": keyset.sha256,
                "onion": keyset.onion,
                "answers": None if keyset.answers is None else keyset.answers.format(),
                "file": str(options.out),
            }
        )
    else:
        console.print(
            _("keyset {number}, valid until {last}: {file}").format(
                number=keyset.number, last=keyset.valid_until, file=options.out
            )
        )
    return 0


def _choose_onion(options: argparse.Namespace, before: Keyset | None) -> str | None:
    # What is left out stays: an operator who forgets it once a month would unsign the address.
    if options.onion is not None:
        return str(options.onion)
    return None if options.no_onion or before is None else before.onion


def _choose_answers(options: argparse.Namespace, before: Keyset | None) -> HybridRecipient | None:
    if options.answers is not None:
        return HybridRecipient.parse(options.answers)
    return None if options.no_answers or before is None else before.answers
