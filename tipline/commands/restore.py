"""`tipline restore FILE DIR -i IDENTITY`: a backup or a handover put into place."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.backup import KIND_HANDOVER
from tipline.clock import system_boot_clock, system_clock
from tipline.commands.purge import tell_report
from tipline.console import Console
from tipline.desk.asking import make_asker
from tipline.desk.keyfiles import read_all_identities
from tipline.files import name_file_errors
from tipline.language import Translate
from tipline.operating import run_operation
from tipline.restore import Wishes, restore

if TYPE_CHECKING:
    from tipline.commands import Commands


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "restore",
        help=_("put a backup of a line into place"),
        description=_(
            "Put a backup back beside the slot file as it is now. What died since the backup was"
            " made stays dead: nothing opens it, and it is taken out before the line can be served."
            " What is in DIR already (configuration, policy, keyset, keys, log) stays. After a"
            " crash, give the same command again."
        ),
    )
    parser.add_argument("file", metavar=_("FILE"), type=Path, help=_("the backup or handover"))
    parser.add_argument(
        "directory", metavar=_("DIR"), type=Path, help=_("new, or a line without its database")
    )
    parser.add_argument(
        "-i",
        "--identity",
        metavar=_("FILE"),
        action="append",
        type=Path,
        required=True,
        help=_("open with the identities in this file; may be repeated"),
    )
    parser.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("read the passphrase from this file instead of asking"),
    )
    parser.add_argument(
        "--slots", metavar=_("PATH"), help=_("the directory in which the slot file is by now")
    )
    parser.add_argument(
        "--new-slots",
        action="store_true",
        help=_("the slot file is lost, and all that was stored with it: begin a new one"),
    )
    parser.add_argument(
        "--replace", action="store_true", help=_("take the place of a database that opens")
    )
    parser.add_argument(
        "--older-log",
        action="store_true",
        help=_(
            "the log is lost: go on from an older one. Everybody who kept a newer checkpoint will"
            " see two histories, and that cannot be taken back"
        ),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Put a backup into place.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        CryptoError: the file does not open, or is not whole.
        InstanceError: it must not be put back; nothing was done.
        SlotError: the slot file does not hold.
        FileError: a file cannot be read or written.
    """
    _ = console.translate
    wishes = Wishes(
        slots=options.slots,
        new_slots=options.new_slots,
        replace=options.replace,
        older_log=options.older_log,
    )
    with name_file_errors():
        ask = make_asker(options.passphrase_file, console=console)
        identities = read_all_identities(options.identity, ask=ask)
        with options.file.open("rb") as source:
            done = restore(
                source,
                options.directory,
                identities=identities,
                wishes=wishes,
                environment=os.environ,
                clock=system_clock,
                boot_clock=system_boot_clock,
            )
    # Opening the line destroys what no row names; then what is past its day goes.
    report = run_operation(options.directory, "purge", {}, console=console)
    if options.json:
        console.print_json(
            {
                "kind": done.head.kind,
                "from_day": done.head.made_on.isoformat(),
                "dead": dict(done.dead),
                "tips": done.kept,
                "purge": report,
            }
        )
        return 0
    if done.head.kind == KIND_HANDOVER:
        console.print(_("The line of {day} was taken over.").format(day=done.head.made_on))
    else:
        console.print(_("The line is as on {day}.").format(day=done.head.made_on))
    for name, count in sorted(done.dead.items()):
        console.print(
            _("{name}: {count} had died since, and were taken out").format(name=name, count=count)
        )
    console.print(_("Tips that are there: {count}").format(count=done.kept))
    tell_report(report, console, as_json=False)
    return 0
