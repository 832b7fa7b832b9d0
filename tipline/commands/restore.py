"""`tipline restore FILE DIR -i IDENTITY`: a backup or a handover put into place."""

from __future__ import annotations

import argparse
import os

from tipline.backup import KIND_HANDOVER
from tipline.begun_restore import cancel_restore
from tipline.clock import system_boot_clock, system_clock
from tipline.commands.purge import tell_report
from tipline.configuration import SlotRootChoice
from tipline.console import Console
from tipline.desk.asking import make_asker
from tipline.desk.keyfiles import read_all_identities
from tipline.errors import UsageError
from tipline.files import name_file_errors
from tipline.operating import run_operation
from tipline.restore import restore
from tipline.restore_checks import Wishes
from tipline.slots import settle_path


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
        UsageError: a file or an identity is missing, or one too many is given.
        FileError: a file cannot be read or written.
    """
    _, ngettext = console.translate, console.translate_counted
    if options.cancel:
        return _cancel(options, console)
    if options.file is None or not options.identity:
        raise UsageError("restore_file")
    wishes = Wishes(
        slots=options.slots and settle_path(options.slots, options.directory),
        slot_root=None if options.slot_root is None else SlotRootChoice(options.slot_root),
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
                "keyset_missing": done.newer.keyset or None,
                "policy_from_log": done.newer.policy,
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
            ngettext(
                "{name}: {count} had died since, and was taken out",
                "{name}: {count} had died since, and were taken out",
                count,
            ).format(name=name, count=count)
        )
    console.print(_("Tips that are there: {count}").format(count=done.kept))
    if done.newer.keyset:
        console.print(
            _(
                "The log knows keyset {number}, and the backup's is another: install it before the"
                " line takes tips (tipline keyset DIR FILE)."
            ).format(number=done.newer.keyset)
        )
    if done.newer.policy:
        console.print(_("The policy was written as the log told it last, not as in the backup."))
    tell_report(report, console, as_json=False)
    return 0


def _cancel(options: argparse.Namespace, console: Console) -> int:
    _ = console.translate
    if options.file is not None:
        raise UsageError("restore_cancel")
    with name_file_errors():
        cancel_restore(options.directory)
    console.print(
        _("It is called off, and nothing of it is left in {path}.").format(path=options.directory)
    )
    return 0
