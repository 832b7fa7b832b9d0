"""`tipline desk reply` and `status`: answers to people who wrote by phone, on the workstation."""

from __future__ import annotations

import argparse
import datetime
from typing import Final

from crypto.errors import MalformedError
from crypto.outgoing import MAX_ANSWER_CHARACTERS, ItemKind
from crypto.strict import parse_day
from crypto.tip import MAX_TIP_JSON_BYTES, Tip, parse_tip
from tipline.clock import system_clock
from tipline.console import Console
from tipline.desk.answering import Written, check_answerable, check_in_time, write_answer
from tipline.desk.asking import make_asker
from tipline.desk.keyfiles import read_answer_signer, read_limited
from tipline.desk.phonewords import find_came_by
from tipline.desk.statuses import Stage, compose_status
from tipline.desk.vault import Record, Vault
from tipline.errors import AnswerError, UsageError
from tipline.language import LANGUAGES, make_translations

_MAX_TEXT_BYTES: Final = 4 * MAX_ANSWER_CHARACTERS + 1  # and a newline


def run_reply(options: argparse.Namespace, console: Console) -> int:
    """
    Write an answer into an outgoing bundle.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        AnswerError: it cannot be given; nothing was written.
        VaultError: there is no such tip, or the vault is damaged or in use.
        WrongPassphraseError: the passphrase does not open the signing key.
        CryptoError: the tip's files or the vault's keyset were changed.
        FileError: a file cannot be read or written.
    """
    vault, record, tip = _read_tip(options)
    # Before the passphrase is asked for: a window that is over is said at once.
    check_answerable(find_came_by(record, tip), today=system_clock().date())
    check_in_time(find_came_by(record, tip), now=system_clock())
    untrusted = (
        console.input.read(_MAX_TEXT_BYTES + 1)
        if options.text is None
        else read_limited(options.text, max_bytes=_MAX_TEXT_BYTES)
    )
    try:
        text = untrusted.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as exc:
        raise AnswerError("answer_text", limit=MAX_ANSWER_CHARACTERS) from exc
    _write(options, console, vault=vault, record=record, tip=tip, kind=ItemKind.ANSWER, text=text)
    return 0


def run_status(options: argparse.Namespace, console: Console) -> int:
    """
    Write a status into an outgoing bundle.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        AnswerError: it cannot be given; nothing was written.
        UsageError: `answer_day` or `answer_day_over`: the day is none, or is over.
        VaultError: there is no such tip, or the vault is damaged or in use.
        WrongPassphraseError: the passphrase does not open the signing key.
        CryptoError: the tip's files or the vault's keyset were changed.
        FileError: a file cannot be read or written.
    """
    vault, record, tip = _read_tip(options)
    check_answerable(find_came_by(record, tip), today=system_clock().date())
    language = options.language or tip.language or console.language
    text = compose_status(
        Stage(options.set),
        unit=options.unit,
        answer_by=None if options.by is None else _parse_by(options.by),
        translate=make_translations(language if language in LANGUAGES else "en").gettext,
    )
    console.say(console.translate("the source will read: {text}").format(text=text))
    _write(options, console, vault=vault, record=record, tip=tip, kind=ItemKind.STATUS, text=text)
    return 0


def _read_tip(options: argparse.Namespace) -> tuple[Vault, Record, Tip]:
    vault = Vault.open(options.vault)
    place, record = vault.find(options.id)
    if record.state != "opened":
        raise AnswerError("answer_nowhere")
    fields = read_limited(place / "tip.json", max_bytes=MAX_TIP_JSON_BYTES)
    return vault, record, parse_tip(fields)


def _parse_by(text: str) -> datetime.date:
    try:
        day = parse_day(text)
    except MalformedError as exc:
        raise UsageError("answer_day") from exc
    if day < system_clock().date():
        raise UsageError("answer_day_over", day=day.isoformat())
    return day


def _write(
    options: argparse.Namespace,
    console: Console,
    *,
    vault: Vault,
    record: Record,
    tip: Tip,
    kind: ItemKind,
    text: str,
) -> None:
    ask = make_asker(options.passphrase_file, console=console)
    signer = read_answer_signer(options.signing, ask=ask)
    written = write_answer(
        vault,
        record.id,
        came_by=find_came_by(record, tip),
        channel=record.channel,
        kind=kind,
        text=text,
        out=options.out,
        signer=signer,
        today=system_clock().date(),
    )
    _tell(written, options, console)


def _tell(written: Written, options: argparse.Namespace, console: Console) -> None:
    _, ngettext = console.translate, console.translate_counted
    if options.json:
        console.print_json(
            {
                "id": written.id,
                "number": written.number,
                "answers": written.count,
                "messages": written.message_count,
                "file": str(options.out),
            }
        )
        return
    console.say(
        ngettext(
            "it goes in {count} message; whoever carries phone messages reads it, and this service",
            "it goes in {count} messages; whoever carries phone messages reads them, and this"
            " service",
            written.message_count,
        ).format(count=written.message_count)
    )
    console.say(
        _("carry {file} to the networked machine: tipline desk push").format(file=options.out)
    )
    console.print(written.id)
