"""`tipline desk view` and `export`: a tip's files, as pixels or cleaned."""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from crypto.tip import MAX_TIP_JSON_BYTES, Tip, parse_tip
from tipline.cleaning.words import REMAINS
from tipline.console import Console
from tipline.desk.exporting import FILES, ORIGINALS, UNTOUCHED, export_tip, list_claims
from tipline.desk.filewords import FAILURE_WORDS, OFFICE_PACKAGES, describe_judgement
from tipline.desk.judgements import read_judgements, save_judgements
from tipline.desk.judging import Judgement, judge, probe_sandbox
from tipline.desk.keyfiles import read_limited
from tipline.desk.vault import Record, Vault
from tipline.desk.viewing import MAX_RUN_BYTES, View, view_file
from tipline.errors import NotCleanError, SandboxError, UsageError, VaultError
from tipline.files import leave_nothing_when_stopped
from tipline.hints import HINTS
from tipline.messages import ERRORS
from tipline.plain import make_printable_line
from tipline.rendering.answers import Failure

MAX_FIRST: Final = 1_000_000  # no document has as many pages
# For the files of one tip, one after another; a file that is begun is looked at to its end.
MAX_TIP_SECONDS: Final = 600


def judge_opened(
    vault: Vault, tip_ids: Iterable[str], *, today: datetime.date, console: Console
) -> dict[str, list[Judgement]]:
    """
    Look what is in the files of opened tips, unless that was done before, and say so.

    Args:
        vault: Where they are.
        tip_ids: Theirs. Of an earlier opening, too: it may have been broken off, or have had no
            sandbox.
        today: In UTC.
        console: Where to tell.

    Returns:
        What was found, by the tip's id; a tip without files, or that nobody could look at, is not
        among them.
    """
    judged: dict[str, list[Judgement]] = {}
    for tip_id in tip_ids:
        # Not by `find`, which reads all records: a vault may have thousands, and so may a bundle.
        place = vault.place_of(tip_id)
        if place is None or vault.read_record(tip_id).state != "opened":
            continue
        try:
            found = _judge_tip(vault, tip_id, place, today=today, console=console)
        except SandboxError as exc:
            # The tip is open and its text can be read: its files wait until they can be judged.
            _ = console.translate
            console.say(_("the files of these tips were not looked at; they stay unopened:"))
            console.say(console.fill(ERRORS[exc.code], exc.facts))
            console.say(console.fill(HINTS[exc.code], exc.facts))
            return judged
        if found:
            judged[tip_id] = found
    return judged


def _judge_tip(
    vault: Vault, tip_id: str, place: Path, *, today: datetime.date, console: Console
) -> list[Judgement]:
    _, ngettext = console.translate, console.translate_counted
    claims = list_claims(_read_tip(place))
    earlier = read_earlier(vault, tip_id, console=console)
    found: list[Judgement] = []
    names = [name for name in _list_names(place, FILES) if name not in earlier]
    ends_at = time.monotonic() + MAX_TIP_SECONDS
    for name in names:
        if time.monotonic() > ends_at:
            # Else one tip keeps its readers from all the others.
            left_len = len(names) - len(found)
            line = ngettext(
                "tip {id}: {count} file was not looked at: it took too long; open the bundle again"
                " to go on",
                "tip {id}: {count} files were not looked at: it took too long; open the bundle"
                " again to go on",
                left_len,
            )
            console.say(line.format(id=tip_id, count=left_len))
            break
        one = judge(place, name, claim=claims.get(name))
        found.append(one)
        # After each: whoever ends this while it lasts does not begin anew.
        save_judgements(vault, tip_id, [*earlier.values(), *found], today=today)
        line = _("tip {id}: {file}: {found}").format(
            id=tip_id, file=one.path, found=describe_judgement(one, translate=_)
        )
        (console.say if one.is_belied else console.note)(line)
    return found


def read_earlier(vault: Vault, tip_id: str, *, console: Console) -> dict[str, Judgement]:
    """
    Read what was found in a tip's files, and say so if that cannot be read.

    Args:
        vault: The tip's.
        tip_id: Of an opened tip.
        console: Where to tell.

    Returns:
        By the file's generated name; empty if nobody looked, or it cannot be read.
    """
    _ = console.translate
    try:
        return read_judgements(vault, tip_id)
    except VaultError as exc:
        # A tip is not kept from its reader for that: its files are looked at once more.
        reason = console.fill(ERRORS[exc.code], exc.facts)
        console.say(
            _("what the desk found in the files cannot be read: {reason}").format(reason=reason)
        )
        return {}


@leave_nothing_when_stopped()
def run_export(options: argparse.Namespace, console: Console) -> int:
    """
    Copy a tip's files out of the vault, cleaned.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0 if each file was cleaned, or copied as it is because that was asked for.

    Raises:
        NotCleanError: a file cannot be cleaned, and was left in the vault.
        SandboxError: this machine has no sandbox; nothing was written.
        VaultError: there is no such tip, or the vault is damaged.
        PermissionsError: others can read the vault.
        FileError: the directory exists already, or cannot be written.
    """
    place, record = Vault.open(options.vault).find(options.id)
    export = export_tip(
        place,
        _read_tip(place) if record.state == "opened" else None,
        options.out,
        with_untouched=options.untouched,
    )
    if options.json:
        console.print_json(
            {
                "files": [str(path) for path in export.written],
                "found": [judgement.as_fields() for judgement in export.judgements],
                "untouched": list(export.untouched),
            },
        )
    else:
        for path in export.written:
            console.print(make_printable_line(str(path)))
    _tell_export(export.judgements, export.untouched, options, console)
    left = [name for name in export.untouched if not name.startswith(f"{ORIGINALS}/")]
    if left and not options.untouched:
        raise NotCleanError("export_left", count=len(left))
    return 0


def _tell_export(
    judgements: tuple[Judgement, ...],
    untouched: tuple[str, ...],
    options: argparse.Namespace,
    console: Console,
) -> None:
    _ = console.translate
    for one in judgements:
        if one.is_belied or one.kinds or one.reason is not None:
            found = describe_judgement(one, translate=_)
            console.say(_("{file}: {found}").format(file=one.path, found=found))
    if untouched and options.untouched:
        console.say(
            _(
                "{path} holds files as they came: they may tell who the source is, and may be made"
                " to do harm; look at them with tipline desk view"
            ).format(path=make_printable_line(str(options.out / UNTOUCHED)))
        )
    elif untouched:
        console.say(
            _("left in the vault, as they came: {files}").format(files=", ".join(untouched))
        )
    if judgements:
        console.say(_(REMAINS))


@leave_nothing_when_stopped()
def run_view(options: argparse.Namespace, console: Console) -> int:
    """
    Show a tip's files as pixels.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0 if every page of every file is shown.

    Raises:
        SandboxError: not all is shown, or this machine has no sandbox: nothing was opened then.
        UsageError: the tip has no such file, or there is no such page.
        VaultError: there is no such tip, or the vault is damaged.
        PermissionsError: others can read the vault.
        FileError: the directory exists already, or cannot be written.
    """
    if not 0 < options.first < MAX_FIRST:
        raise UsageError("view_first")
    place, record = Vault.open(options.vault).find(options.id)
    names = _choose_names(place, record, options.files)
    if names:
        probe_sandbox(place / names[0])
    options.out.mkdir(mode=0o700)
    views: dict[str, View] = {}
    for name in names:
        left_bytes = MAX_RUN_BYTES - sum(view.written_bytes for view in views.values())
        folder = options.out / _name_folder(name)
        views[name] = view_file(place / name, folder, first=options.first, left_bytes=left_bytes)
        if not options.json:
            _tell_view(name, views[name], console)
    if options.json:
        console.print_json({"files": [_list_facts(*item) for item in views.items()]})
    hidden = [name for name, view in views.items() if not view.is_whole]
    if hidden:
        raise SandboxError("files_not_shown", count=len(hidden))
    return 0


def _choose_names(place: Path, record: Record, asked: list[str]) -> list[str]:
    folders = (FILES, ORIGINALS) if record.state == "opened" else (".",)
    names = [name for folder in folders for name in _list_names(place, folder)]
    for name in asked:
        if name not in names:
            raise UsageError("view_no_file")
    return list(dict.fromkeys(asked)) or names


def _name_folder(name: str) -> str:
    # files/01.jpg and originals/01.jpg into two folders beside each other.
    return Path(name).with_suffix("").as_posix().replace("/", "-")


def _tell_view(name: str, view: View, console: Console) -> None:
    _, ngettext = console.translate, console.translate_counted
    for path in view.pages:
        console.print(make_printable_line(str(path)))
    after = view.first + len(view.pages) + view.broken_len
    if view.failure is not None:
        reason = _(FAILURE_WORDS[view.failure])
        if view.pages:
            line = _("{file}: shown up to page {page} only: {reason}; go on with --first {next}")
        else:
            line = _("{file}: not shown: {reason}")
        console.say(line.format(file=name, page=after - 1, reason=reason, next=after))
        if view.failure == Failure.NO_OFFICE:
            console.say(
                _("install it: {command}").format(
                    command=f"apt-get install --no-install-recommends {OFFICE_PACKAGES}"
                )
            )
    if view.broken_len:
        console.say(
            ngettext(
                "{file}: {count} page cannot be shown",
                "{file}: {count} pages cannot be shown",
                view.broken_len,
            ).format(file=name, count=view.broken_len)
        )
    if view.total_len is not None and view.total_len < view.first:
        console.say(
            ngettext(
                "{file}: it has only {count} page",
                "{file}: it has only {count} pages",
                view.total_len,
            ).format(file=name, count=view.total_len)
        )
    if view.total_len is not None and view.total_len >= after:
        console.say(
            _("{file}: it has {total} pages; go on with --first {next}").format(
                file=name, total=view.total_len, next=after
            )
        )


def _list_facts(name: str, view: View) -> dict[str, Any]:
    facts = {
        "file": name,
        "pages": [str(path) for path in view.pages],
        "first": view.first,
        "total": view.total_len,
        "broken": view.broken_len,
        "reason": view.failure,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _list_names(place: Path, folder: str) -> list[str]:
    found = (place / folder).glob("*")
    return sorted(str(path.relative_to(place)) for path in found if path.is_file())


def _read_tip(place: Path) -> Tip:
    return parse_tip(read_limited(place / "tip.json", max_bytes=MAX_TIP_JSON_BYTES))
