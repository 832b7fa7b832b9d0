"""`tipline close DIR`: the end of a line announced or called off, or its handover."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.console import Console
from tipline.language import Translate
from tipline.operating import run_operation

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
        "close",
        help=_("announce the end of a line, or hand it over"),
        description=_(
            "Announce the day on which a line stops taking tips. Without --apply it only shows what"
            " would happen. From that day on the running line does the rest by itself: what is"
            " stored goes on its day, then every key is overwritten, and the log has its last"
            " entry. Log and account stay served."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--on", metavar=_("DAY"), help=_("the first day without tips: YYYY-MM-DD"))
    what.add_argument(
        "--cancel", action="store_true", help=_("call the end off, as long as its day has not come")
    )
    parser.add_argument("--apply", action="store_true", help=_("do what is shown"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run=run)


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
    _ = console.translate
    if options.cancel:
        done = run_operation(options.directory, "close-cancel", {}, console=console)
        if options.json:
            console.print_json(done)
        else:
            console.print(_("The end on {day} is called off.").format(day=done["on"]))
        return 0
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
            "When nothing is stored any more, all keys are overwritten. Nothing brings them back:"
            " annexes for the auditor have to be written before."
        )
    )
    if options.apply:
        console.print(
            _("It is announced. Until {day} it can be called off.").format(day=plan["on"])
        )
    else:
        console.say(_("nothing was done; --apply does it"))
    return 0
