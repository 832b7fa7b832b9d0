"""
What the auditor's commands do, in the program and in the carried file.

stdout is data, stderr is talk. docs/reference/audit.md has the exit codes.
"""

from __future__ import annotations

import argparse
import datetime
import gettext
import io
import json
import os
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TextIO

from tipline.audit.carry import LANGUAGES, save_carried
from tipline.audit.errors import AuditError, InputError, MalformedError
from tipline.audit.findings import choose_exit_code
from tipline.audit.hold_texts import Handed, parse_listed
from tipline.audit.kept import read_kept, save_kept, write_whole
from tipline.audit.notes import LOG, MAX_CHECKPOINT_BYTES, Checkpoint, Key, verify_checkpoint
from tipline.audit.page import format_page
from tipline.audit.parsers import register
from tipline.audit.places import MAX_ENTRY_BYTES
from tipline.audit.report import format_text, make_json
from tipline.audit.source import MAX_KEYSET_BYTES, Source, open_source
from tipline.audit.strict import parse_day
from tipline.audit.trust import make_trust, parse_key, read_trust
from tipline.audit.verify import Trust, verify
from tipline.audit.witness import cosign, lock_key, make_key
from tipline.audit.words import ERRORS, Translate

NOTE_EVERY: Final = 65_536  # entries between two words about progress
MAX_ANNEXES: Final = 10_000
MAX_HOLDS_BYTES: Final = 64 << 20  # of what is handed over: some thousand texts


class Talk:
    """
    Where a command reads and writes.

    Args:
        translate: Looks a text up in the catalogue.
        language: Of the texts.
        out: Data.
        err: Talk.
    """

    def __init__(
        self,
        *,
        translate: Translate,
        language: str,
        out: TextIO | None = None,
        err: TextIO | None = None,
    ) -> None:
        self.translate = translate
        self.language = language
        self.out = sys.stdout if out is None else out
        self.err = sys.stderr if err is None else err

    def note(self, count: int) -> None:
        """
        Tell progress to a person who watches.

        Args:
            count: How many entries were read.
        """
        if count % NOTE_EVERY == 0 and self.err.isatty():
            said = self.translate("{count} entries read").format(count=count)
            self.err.write(f"{said}\n")


def act(options: argparse.Namespace, talk: Talk) -> int:
    """
    Run the command that was chosen.

    Args:
        options: As parsed.
        talk: Where it reads and writes.

    Returns:
        The exit code.
    """
    _ = talk.translate
    try:
        return ACTS[options.act](options, talk)
    except AuditError as error:
        words = ERRORS.get(error.code, ERRORS["key"])
        said = _(words).format(**error.facts)
        code = error.exit_code
    except OSError as error:
        words = ERRORS["file"]
        said = _(words).format(path=error.filename)
        code = InputError.exit_code
    talk.err.write(_("tipline: error: {text}").format(text=said) + "\n")
    return code


def run_verify(options: argparse.Namespace, talk: Talk) -> int:
    """
    Verify a log.

    Args:
        options: As parsed.
        talk: Where it writes.

    Returns:
        The gravest finding's code, or 0.

    Raises:
        AuditError: there is no verdict.
    """
    source = _open(options)
    trust = _choose_trust(options, source)
    kept = None if options.keep is None else read_kept(options.keep, log=trust.log)
    verdict = verify(
        source,
        trust=trust,
        today=_choose_day(options),
        kept=kept,
        since=None if options.since is None else _read_since(options.since, log=trust.log),
        annexes={} if options.annexes is None else _read_annexes(options.annexes),
        hold_texts=None if options.holds is None else _read_holds(options.holds),
        note=talk.note,
    )
    going_on = verdict.keep()
    if options.keep is not None and going_on is not None:
        save_kept(options.keep, going_on, log=trust.log)
    if options.html is not None:
        page = format_page(verdict, talk.translate, language=talk.language)
        write_whole(options.html, page.encode())
    if options.json:
        talk.out.write(json.dumps(make_json(verdict), ensure_ascii=False, sort_keys=True) + "\n")
    else:
        talk.out.write(format_text(verdict, talk.translate))
    return choose_exit_code(verdict.findings)


def run_witness(options: argparse.Namespace, talk: Talk) -> int:
    """
    Sign what was seen.

    Args:
        options: As parsed.
        talk: Where it writes.

    Returns:
        0, or the code of what speaks against signing.

    Raises:
        AuditError: there is nothing to sign.
    """
    if options.key is None:
        raise InputError("key")
    with lock_key(options.witness_key):
        return _sign(options, talk, log=parse_key(options.key, type_=LOG))


def _sign(options: argparse.Namespace, talk: Talk, *, log: Key) -> int:
    before = read_kept(options.state, log=log)
    if (before is None) != options.first:
        code = "state_missing" if before is None else "state_there"
        raise InputError(code, path=str(options.state))
    verdict = verify(
        _open(options),
        trust=Trust(log=log),
        today=_choose_day(options),
        kept=before,
        note=talk.note,
    )
    kept = verdict.keep()
    if kept is None:
        talk.err.write(format_text(verdict, talk.translate))
        words = ERRORS["inconsistent"]
        talk.err.write(talk.translate(words) + "\n")
        return choose_exit_code(verdict.findings)
    line = cosign(kept.checkpoint, key_file=options.witness_key, seconds=int(time.time()))
    save_kept(options.state, kept, log=log)
    talk.out.write(line)
    return 0


def run_keygen(options: argparse.Namespace, talk: Talk) -> int:
    """
    Make a witness's key.

    Args:
        options: As parsed.
        talk: Where it writes.

    Returns:
        0.

    Raises:
        AuditError: it cannot be made.
    """
    talk.out.write(make_key(options.out, name=options.name).format() + "\n")
    return 0


def run_carry(options: argparse.Namespace, talk: Talk) -> int:
    """
    Write the verifier as one file.

    Args:
        options: As parsed.
        talk: Where it writes.

    Returns:
        0.

    Raises:
        AuditError: it cannot be made.
    """
    talk.out.write(f"{save_carried(options.file)}\n")
    return 0


# By the names that tipline/audit/parsers.py gives them.
ACTS: Final[Mapping[str, Callable[[argparse.Namespace, Talk], int]]] = {
    "verify": run_verify,
    "witness": run_witness,
    "keygen": run_keygen,
    "carry": run_carry,
}


def _open(options: argparse.Namespace) -> Source:
    proxy = None
    if options.socks is not None:
        host, found, port = options.socks.rpartition(":")
        if not found or not host or not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII):
            raise InputError("socks_option")
        proxy = (host, int(port))
    return open_source(options.place, proxy=proxy)


def _choose_day(options: argparse.Namespace) -> datetime.date:
    if options.today is None:
        return datetime.datetime.now(datetime.UTC).date()
    try:
        return parse_day(options.today)
    except MalformedError as exc:
        raise InputError("day") from exc


def _choose_trust(options: argparse.Namespace, source: Source) -> Trust:
    if options.keyset_root is not None:
        if options.witness or options.quorum is not None:
            raise InputError("root_and_witness")
        if options.keyset is not None:
            note: bytes | None = _read(options.keyset, max_bytes=MAX_KEYSET_BYTES)
        else:
            note = source.read_keyset()
        if note is None:
            raise InputError("keyset_missing")
        return read_trust(note, root=options.keyset_root, log=options.key)
    if options.keyset is not None:
        raise InputError("root_missing")
    if options.key is None:
        raise InputError("key")
    return make_trust(options.key, witnesses=options.witness, quorum=options.quorum)


def _read(path: Path, *, max_bytes: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise InputError("too_long", path=str(path))
    return content


def _read_since(path: Path, *, log: Key) -> Checkpoint:
    try:
        return verify_checkpoint(_read(path, max_bytes=MAX_CHECKPOINT_BYTES), log=log)
    except InputError:
        raise
    except AuditError as exc:
        raise InputError("since", path=str(path)) from exc


def _read_annexes(folder: Path) -> dict[datetime.date, bytes]:
    annexes = {}
    for path in sorted(folder.glob("*.json"))[:MAX_ANNEXES]:
        try:
            day = parse_day(path.stem)
        except MalformedError as exc:
            raise InputError("annex", path=str(path)) from exc
        annexes[day] = _read(path, max_bytes=MAX_ENTRY_BYTES)
    return annexes


def _read_holds(path: Path) -> tuple[Handed, ...]:
    try:
        return parse_listed(_read(path, max_bytes=MAX_HOLDS_BYTES))
    except MalformedError as exc:
        raise InputError("holds", path=str(path)) from exc


def main(
    arguments: Sequence[str] | None = None, *, environment: Mapping[str, str] = os.environ
) -> int:
    """
    Run as the carried file.

    Args:
        arguments: Without the program's name; those of the process if None.
        environment: Says the language.

    Returns:
        The exit code.
    """
    language = _choose_language(environment)
    translate = _load_words(language)
    _ = translate
    parser = argparse.ArgumentParser(description=_("Check a tip-line's log without trusting it."))
    register(parser.add_subparsers(metavar=_("COMMAND"), required=True), translate)
    options = parser.parse_args(arguments)
    return act(options, Talk(translate=translate, language=language))


def _choose_language(environment: Mapping[str, str]) -> str:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if wishes := environment.get(name):
            wished = (re.split(r"[_.@]", wish)[0] for wish in wishes.split(":"))
            return next((wish for wish in wished if wish in ("en", *LANGUAGES)), "en")
    return "en"


def _load_words(language: str) -> Translate:
    if language == "en":
        return gettext.NullTranslations().gettext
    catalogue = pkgutil.get_data("tipline.audit", f"locale/{language}.mo")
    if catalogue is None:
        return gettext.NullTranslations().gettext
    return gettext.GNUTranslations(io.BytesIO(catalogue)).gettext
