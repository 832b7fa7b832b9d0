"""`tipline close DIR`: the end of a line announced or called off, or its handover."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from crypto.age.hybrid import HybridRecipient
from tipline.clock import system_boot_clock, system_clock
from tipline.console import Console
from tipline.day_keeper import find_clock_folder, tell_time
from tipline.errors import UsageError
from tipline.handover import cancel_handover, end_handover, write_handover
from tipline.instance import HANDING_OVER_NAME, Instance
from tipline.operating import run_operation
from tipline.progress import make_progress


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Announce the end of a line, or call it off.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        InstanceError: not an instance; the day is not to come; nothing was announced; too late.
        UsageError: the day is none.
    """
    if options.hand_over is not None or options.handed_over is not None:
        return _hand_over(options, console)
    _ = console.translate
    if options.cancel:
        return _cancel(options, console)
    name = "close-announce" if options.apply else "plan-close"
    plan = run_operation(options.directory, name, {"on": options.on}, console=console)
    if options.json:
        console.print_json(plan)
        return 0
    console.print(_("From {day} on the line takes no tips.").format(day=plan["on"]))
    console.print(_("Tips that are stored now: {count}").format(count=plan["stored"]))
    if plan["last_on"] is not None:
        console.print(_("The last of them goes on {day}.").format(day=plan["last_on"]))
    if plan["holds"]:
        console.print(_("Holds that keep some longer: {count}").format(count=plan["holds"]))
    console.print(
        _(
            "The desk can fetch what waits only under a keyset that is in force: it goes on signing"
            " new ones."
        )
    )
    console.print(
        _(
            "The log ends on {day}, or when the last hold has ended. Then all keys are overwritten."
            " Nothing brings them back: annexes for the auditor have to be written before."
        ).format(day=plan["ends_on"])
    )
    console.print(
        _(
            "Every backup has the keys of the log, the service and the onion, too. They are not"
            " reached from here: destroy all backups then."
        )
    )
    if options.apply:
        console.print(
            _("It is announced. Until {day} it can be called off.").format(day=plan["on"])
        )
    else:
        console.say(_("nothing was done; --apply does it"))
    return 0


def _cancel(options: argparse.Namespace, console: Console) -> int:
    _ = console.translate
    if (options.directory / HANDING_OVER_NAME).exists():
        if options.apply:
            cancel_handover(options.directory)
            console.print(_("The line goes on here. Let the written file go."))
        else:
            console.print(_("The line would go on here. The written file would have to go."))
    else:
        name = "close-cancel" if options.apply else "plan-close-cancel"
        done = run_operation(options.directory, name, {}, console=console)
        if options.json:
            console.print_json(done)
        elif options.apply:
            console.print(_("The end on {day} is called off.").format(day=done["on"]))
        else:
            console.print(_("The end on {day} would be called off.").format(day=done["on"]))
    if not options.apply:
        console.say(_("nothing was done; --apply does it"))
    return 0


def _hand_over(options: argparse.Namespace, console: Console) -> int:
    _ = console.translate
    directory: Path = options.directory
    if options.handed_over is not None:
        if not options.apply:
            console.print(_("All keys of the line would be overwritten here, for good."))
            console.say(_("nothing was done; --apply does it"))
            return 0
        day = system_clock().date()
        end_handover(directory, options.handed_over, day=day, environment=os.environ)
        console.print(_("The keys were overwritten and read back. The line is not here any more."))
        console.print(_("Destroy every backup of the line: they have its keys, too."))
        return 0
    if not options.recipient:
        raise UsageError("handover_recipient")
    recipients = [HybridRecipient.parse(text) for text in options.recipient]
    if not options.apply:
        console.print(_("All that the line has, with its keys, would be sealed into a file."))
        console.say(_("nothing was done; --apply does it"))
        return 0
    # Opened and shut once: what is due goes, and nothing waits beside the database.
    run_operation(directory, "purge", {}, console=console)
    with Instance.open(directory) as instance:
        folder = find_clock_folder(directory, instance.configuration.slots)
        digest = write_handover(
            instance,
            options.hand_over,
            recipients=recipients,
            today=tell_time(folder, clock=system_clock, boot_clock=system_boot_clock).today,
            environment=os.environ,
            on_bytes=make_progress(console),
        )
    if options.json:
        console.print_json({"sha256": digest})
        return 0
    console.print(_("SHA-256: {digest}").format(digest=digest))
    console.print(
        _(
            "{path} opens all that is stored: guard it, and let it go when the new operator has"
            " opened it. Then: tipline close DIR --handed-over OUT --apply"
        ).format(path=options.hand_over)
    )
    return 0
