"""`tipline hold`: keep tips beyond their day, by the word of two persons, and let them go again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from retention.hold import MAX_REASON_CHARACTERS
from tipline.commands.purge import tell_plan, tell_report
from tipline.console import Console
from tipline.operating import run_operation

_LINE_BYTES = 4 * MAX_REASON_CHARACTERS + 2  # UTF-8, and the line's end


def run_add(options: argparse.Namespace, console: Console) -> int:
    """
    Place a hold.

    Args:
        options: As parsed.
        console: Where to ask and tell.

    Returns:
        0.

    Raises:
        HoldError: it cannot be placed.
        InstanceError: a tip is unknown.
        UsageError: an id or the day is none.
    """
    _, ngettext = console.translate, console.translate_counted
    extent = {"until": options.until, "channel": options.channel, "tips": options.tips or []}
    # Before anybody is asked: who mistyped a day should not have to name persons and reason again.
    run_operation(options.directory, "plan-hold", extent, console=console)
    placed = run_operation(
        options.directory,
        "hold-add",
        {
            **extent,
            "first_person": _ask(_("Who asks for the hold: "), console),
            "second_person": _ask(_("Who agrees: "), console),
            "reason": _ask(_("Why: "), console),
        },
        console=console,
    )
    if options.json:
        console.print_json(placed)
        return 0
    console.print(
        ngettext(
            "hold {id}: {count} tip is held until {day}",
            "hold {id}: {count} tips are held until {day}",
            placed["count"],
        ).format(id=placed["hold"], count=placed["count"], day=options.until)
    )
    if placed["passed_over"]:
        console.print(
            ngettext(
                "{count} tip of the channel is not held: nobody can open it",
                "{count} tips of the channel are not held: nobody can open them",
                placed["passed_over"],
            ).format(count=placed["passed_over"])
        )
    console.say(_("the log will show this hold to everybody, without persons and reason"))
    return 0


def run_list(options: argparse.Namespace, console: Console) -> int:
    """
    Show the holds.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.
    """
    _ = console.translate
    listed = run_operation(options.directory, "hold-list", {}, console=console)
    if options.json:
        console.print_json(listed)
        return 0
    for hold in listed["holds"]:
        _print_hold(hold, console)
    if not listed["holds"]:
        console.print(_("No hold lasts."))
    for ended in listed["ended"]:
        console.print(
            _("ended; its text is kept until {day}: {text}").format(
                day=ended["kept_until"], text=ended["text"]
            )
        )
    return 0


def run_release(options: argparse.Namespace, console: Console) -> int:
    """
    Show what a release does, or carry it out.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        HoldError: `hold_unknown`.
        InstanceError: `purge_incomplete`: something did not go; it is tried again every night.
        UsageError: the id is none.
    """
    values = {"hold": options.hold}
    if options.apply:
        report = run_operation(options.directory, "hold-release", values, console=console)
        tell_report(report, console, as_json=options.json)
        return 0
    plan = run_operation(options.directory, "plan-release", values, console=console)
    if options.json:
        console.print_json(plan)
    else:
        tell_plan(plan, console)
    return 0


def _print_hold(hold: Mapping[str, Any], console: Console) -> None:
    _, ngettext = console.translate, console.translate_counted
    console.print(
        ngettext(
            "hold {id}, from {placed_on} until {until}: {count} tip",
            "hold {id}, from {placed_on} until {until}: {count} tips",
            hold["count"],
        ).format(
            id=hold["hold"],
            placed_on=hold["placed_on"],
            until=hold["until"],
            count=hold["count"],
        )
    )
    words = hold["words"]
    if words is None:
        console.print("  " + _("its words are lost: their key is gone"))
    else:
        if words["channel"] is not None:
            console.print(
                "  " + _("every tip of channel {channel}").format(channel=words["channel"])
            )
        console.print("  " + _("asked for by {person}").format(person=words["first_person"]))
        console.print("  " + _("agreed to by {person}").format(person=words["second_person"]))
        console.print("  " + _("because: {reason}").format(reason=words["reason"]))
    if not hold["lasts"]:
        console.print("  " + _("its day has come: the next purge ends it"))


def _ask(question: str, console: Console) -> str:
    console.err.write(question)
    console.err.flush()
    return console.input.readline(_LINE_BYTES).decode("utf-8", "replace").rstrip("\r\n")
