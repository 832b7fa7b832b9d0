"""`tipline purge DIR`: what goes, and why; with `--apply` it goes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from retention.plan import Reason
from tipline.console import Console
from tipline.errors import InstanceError
from tipline.messages import N_
from tipline.operating import run_operation

REASONS: Final[Mapping[Reason, str]] = {
    Reason.BEFORE_ITS_DAY: N_("its day has not come"),
    Reason.ON_ITS_DAY: N_("its day has come"),
    Reason.OVERDUE: N_("its day is over"),
    Reason.PICKED_UP: N_("the desk has it, and the days after that are over"),
    Reason.READ: N_("it was read, and the days after that are over"),
    Reason.DELETED_EARLY: N_("its end was asked for"),
    Reason.HELD: N_("it is held"),
    Reason.HOLD_RELEASED: N_("its day is over, and no hold lasts"),
    Reason.CLOCK_WAITS: N_("its day may have come, but the clock jumped"),
    Reason.FROM_THE_FUTURE: N_("a clock that was ahead dated it"),
    Reason.KEY_LOST: N_("its key is lost, so nobody can open it"),
    Reason.POLICY_SHORTENED: N_("the policy became shorter"),
}


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Show the plan, or carry it out.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        InstanceError: `purge_incomplete`: something did not go; `tip_unknown` or `tip_held`:
            nothing was done.
        UsageError: an id is none.
    """
    values: dict[str, Any] = {} if options.early is None else {"tips": options.early}
    if options.apply:
        name = "purge" if options.early is None else "purge-early"
        tell_report(
            run_operation(options.directory, name, values, console=console),
            console,
            as_json=options.json,
        )
        return 0
    name = "plan" if options.early is None else "plan-early"
    plan = run_operation(options.directory, name, values, console=console)
    if options.json:
        console.print_json(plan)
    else:
        tell_plan(plan, console)
    return 0


def tell_plan(plan: Mapping[str, Any], console: Console) -> None:
    """
    Show a plan.

    Args:
        plan: As the operation gave it.
        console: Where to tell.
    """
    _ = console.translate
    console.print(_("Today is {day}.").format(day=plan["today"]))
    going = [record for record in plan["records"] if record["goes"]]
    staying = [record for record in plan["records"] if not record["goes"]]
    if going:
        console.print(_("These would go:"))
        _print_records(going, console)
    else:
        console.print(_("Nothing would go."))
    if staying:
        console.print(_("The day of these has come, and they stay:"))
        _print_records(staying, console)
    for hold in plan.get("holds", ()):
        console.print(_("Hold {id} ends.").format(id=hold))
    if plan.get("counts"):
        console.print(_("What is stored, by the day on which it dies:"))
        _print_columns(
            [
                (entry["dies_on"], entry["class"], str(entry["count"]))
                for entry in sorted(
                    plan["counts"], key=lambda entry: (entry["dies_on"], entry["class"])
                )
            ],
            console,
        )
    _say_waiting(plan.get("waiting"), console)
    if going or plan.get("holds"):
        console.say(_("nothing was done; --apply does it"))


def tell_report(report: Mapping[str, Any], console: Console, *, as_json: bool) -> None:
    """
    Show what a purge did.

    Args:
        report: As the operation gave it.
        console: Where to tell.
        as_json: For a machine.

    Raises:
        InstanceError: `purge_incomplete`: something did not go.
    """
    _ = console.translate
    if as_json:
        console.print_json(report)
    else:
        _print_report(report, console)
    if report["failed_count"]:
        raise InstanceError("purge_incomplete", count=report["failed_count"])


def _print_report(report: Mapping[str, Any], console: Console) -> None:
    _, ngettext = console.translate, console.translate_counted
    for dead in report["days"]:
        console.print(
            ngettext(
                "the key of {day} is gone ({method}), {late} day late",
                "the key of {day} is gone ({method}), {late} days late",
                dead["late_days"],
            ).format(day=dead["day"], method=dead["method"], late=dead["late_days"])
        )
    for dead in report["records"]:
        reasons = "; ".join(
            _("{count} because {reason}").format(count=count, reason=_(REASONS[Reason(reason)]))
            for reason, count in dead["reasons"].items()
        )
        console.print(
            ngettext(
                "{name} of {day}: {count} gone ({method}), {late} day late: {reasons}",
                "{name} of {day}: {count} gone ({method}), {late} days late: {reasons}",
                dead["late_days"],
            ).format(
                name=dead["class"],
                day=dead["due_on"],
                count=dead["count"],
                method=dead["method"],
                late=dead["late_days"],
                reasons=reasons,
            )
        )
    for hold in report["holds"]:
        console.print(_("hold {id} ended").format(id=hold))
    if not report["days"] and not report["records"] and not report["holds"]:
        if report["waiting"] is None:
            console.print(_("Nothing was due."))
        else:
            console.print(
                _("Nothing was due by {day}, the day that the line still goes by.").format(
                    day=report["today"]
                )
            )
    _say_waiting(report["waiting"], console)
    for failure in report["failures"]:
        console.say(
            _("not gone, at the step {step}: {count}").format(
                count=failure["count"], step=failure["step"]
            )
        )


def _say_waiting(day: str | None, console: Console) -> None:
    _ = console.translate
    if day is not None:
        console.say(
            _("the clock jumped to {day} and waits for you: tipline clock DIR").format(day=day)
        )


def _print_records(records: Sequence[Mapping[str, Any]], console: Console) -> None:
    _ = console.translate
    _print_columns(
        [
            (
                record["id"],
                record["class"],
                record["dies_on"],
                _(REASONS[Reason(record["reason"])]),
            )
            for record in records
        ],
        console,
    )


def _print_columns(rows: Sequence[tuple[str, ...]], console: Console) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        console.print("  " + "  ".join(cells).rstrip())
