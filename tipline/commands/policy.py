"""`tipline policy`: what a policy means, and what a change of it would do."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from retention.policy import (
    EVENTS,
    MAX_POLICY_BYTES,
    Policy,
    format_periods,
    parse_policy,
)
from retention.policy_warnings import Warned, find_warnings
from tipline.clock import system_boot_clock, system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.day_keeper import find_clock_folder, tell_time
from tipline.example import CLASS_MEANINGS, EVENT_MEANINGS
from tipline.files import read_given
from tipline.language import Text
from tipline.messages import N_, NN_
from tipline.operation_values import format_policy_change
from tipline.policy_change import describe_change, read_groups
from tipline.served_line import ask_or_read

# What is too long is more than one day.
WARNINGS: Final[Mapping[str, Text]] = {
    "tip_short": NN_(
        "{key}: what nobody fetched within {days} day is lost; a desk has holidays. At least"
        " {limit_days} are usual",
        "{key}: what nobody fetched within {days} days is lost; a desk has holidays. At"
        " least {limit_days} are usual",
        by="days",
    ),
    "tip_long": N_(
        "{key}: whoever takes the server now and a reader's key later opens the tips of {days}"
        " days. More than {limit_days} is much"
    ),
    "fetched_short": NN_(
        "{key}: a bundle that is lost on its way to the workstation cannot be fetched again"
        " after {days} day. At least {limit_days} are usual",
        "{key}: a bundle that is lost on its way to the workstation cannot be fetched again"
        " after {days} days. At least {limit_days} are usual",
        by="days",
    ),
    "fetched_long": N_(
        "{key}: what the desk has already lies here for {days} more days, for whoever takes the"
        " server. More than {limit_days} is much"
    ),
    "partial_short": N_(
        "{key}: what is begun late in the evening goes after hours, before its source can go on."
        " At least {limit_days} are usual"
    ),
    "partial_long": N_(
        "{key}: a source goes on within hours; {days} days serve only whoever takes the server."
        " More than {limit_days} is much"
    ),
    "answer_short": N_(
        "{key}: a page that lost the answer in the evening finds no memory of it the next day. At"
        " least {limit_days} are usual"
    ),
    "answer_long": N_(
        "{key}: for {days} days it can be seen that something arrived. More than {limit_days} is"
        " much"
    ),
    "reply_short": NN_(
        "{key}: a source who comes back after {days} day finds nothing. At least"
        " {limit_days} are usual",
        "{key}: a source who comes back after {days} days finds nothing. At least"
        " {limit_days} are usual",
        by="days",
    ),
    "reply_read_long": N_(
        "{key}: what the source has read lies here for {days} more days, for whoever gets the"
        " codename. More than {limit_days} is much"
    ),
    "mailbox_long": N_(
        "{key}: for {days} days it can be seen that a conversation was there. More than"
        " {limit_days} is much"
    ),
    "receipt_outlives": N_(
        "{key}: for {days} days it can be seen that there was a tip, which is gone after"
        " {limit_days}"
    ),
    "number_long": N_(
        "{key}: the numbers of {days} days say who wrote. More than {limit_days} is much"
    ),
    "gateway_long": N_(
        "{key}: for {days} days it can be seen whether a message that a company shows came here."
        " WhatsApp alone repeats for 7 days. More than {limit_days} is much"
    ),
    "epoch_short": NN_(
        "{key}: after {days} day nobody sees that the same phone wrote again. At least"
        " {limit_days} are usual",
        "{key}: after {days} days nobody sees that the same phone wrote again. At least"
        " {limit_days} are usual",
        by="days",
    ),
    "epoch_long": N_(
        "{key}: for {days} days whoever holds the running server can try whether a number wrote."
        " More than {limit_days} is much"
    ),
    "keyset_long": N_(
        "{key}: the names of earlier readers stay for {days} days. More than {limit_days} is much"
    ),
    "backup_long": N_(
        "{key}: in a backup it can be seen for {days} days which tip came on which day. More than"
        " {limit_days} is much"
    ),
    "log_text_short": NN_(
        "{key}: an auditor who comes after {days} day cannot ask why something was held. At"
        " least {limit_days} are usual",
        "{key}: an auditor who comes after {days} days cannot ask why something was held. At"
        " least {limit_days} are usual",
        by="days",
    ),
}


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Check a policy.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        PolicyError: it cannot be used.
        FileError: it cannot be read.
        ConfigurationError: the line's configuration cannot be used.
        InstanceError: the line is in use, is none, or what it keeps of the time is damaged.
    """
    text = read_given(options.file, max_bytes=MAX_POLICY_BYTES)
    policy = parse_policy(text, name=str(options.file))
    warnings = find_warnings(policy)
    changes = None
    if options.line is not None:
        changes = ask_or_read(
            options.line,
            "plan-policy",
            {"policy": text.decode("utf-8")},
            read=lambda: _read(options.line, policy),
        )["changes"]
    if options.json:
        console.print_json(_format_json(policy, warnings, changes))
        return 0
    _print_words(policy, console)
    _print_table(policy, system_clock().date(), console)
    _print_warnings(warnings, console)
    if changes is not None:
        _print_changes(changes, console)
    return 0


def _read(line: Path, policy: Policy) -> dict[str, Any]:
    """Read what lies there; its day is the one by which the line purges, as if it were served."""
    folder = find_clock_folder(line, load_configuration(line).slots)
    groups = read_groups(line)
    today = tell_time(folder, clock=system_clock, boot_clock=system_boot_clock).today
    return format_policy_change(describe_change(groups, new=policy, today=today), today=today)


def _print_words(policy: Policy, console: Console) -> None:
    _ = console.translate
    for record_class, events in EVENTS.items():
        console.print(f"{record_class}: {_(CLASS_MEANINGS[record_class])}")
        for event in events:
            console.print(f"  {_(EVENT_MEANINGS[event])}: {policy.periods[record_class][event]}")
        if len(events) > 1:
            console.print("  " + _("whichever ends first"))
    console.print()


def _print_table(policy: Policy, today: datetime.date, console: Console) -> None:
    _ = console.translate
    rows = [(_("class"), _("event"), _("days"), _("if it happens today, gone on"))]
    for record_class, events in EVENTS.items():
        for event in events:
            days = policy.periods[record_class][event]
            gone_on = today + datetime.timedelta(days=days)
            rows.append((str(record_class), str(event), str(days), gone_on.isoformat()))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, event_name, days_text, day in rows:
        console.print(
            f"{name:<{widths[0]}}  {event_name:<{widths[1]}}  {days_text:>{widths[2]}}  {day}"
        )
    console.print()


def _print_warnings(warnings: Sequence[Warned], console: Console) -> None:
    _ = console.translate
    for warned in warnings:
        facts = {"key": warned.key, "days": warned.days, "limit_days": warned.limit_days}
        words = console.fill(WARNINGS[warned.code], facts)
        console.print(_("warning: {words}").format(words=words))
    if not warnings:
        console.print(_("No period defeats what it is for, as far as can be told from numbers."))


def _print_changes(changes: Sequence[Mapping[str, Any]], console: Console) -> None:
    _, ngettext = console.translate, console.translate_counted
    console.print()
    console.print(_("What is stored today, if this policy were put in force now:"))
    for change in changes:
        console.print(
            _("{name}: stored {stored}; die earlier {earlier}, of these at once {at_once}").format(
                name=change["class"],
                stored=change["stored"],
                earlier=change["earlier"],
                at_once=change["at_once"],
            )
        )
        if change["kept_shorter"]:
            console.print(
                "  "
                + ngettext(
                    "{count} keeps its nearer day: the longer period was not promised to it",
                    "{count} keep their nearer day: the longer period was not promised to them",
                    change["kept_shorter"],
                ).format(count=change["kept_shorter"])
            )
    if not changes:
        console.print(_("Nothing is stored."))


def _format_json(
    policy: Policy, warnings: Sequence[Warned], changes: Sequence[Mapping[str, Any]] | None
) -> dict[str, object]:
    value: dict[str, object] = {
        "periods": format_periods(policy),
        "warnings": [
            {
                "code": warned.code,
                "key": warned.key,
                "days": warned.days,
                "limit_days": warned.limit_days,
            }
            for warned in warnings
        ],
    }
    if changes is not None:
        value["changes"] = list(changes)
    return value
