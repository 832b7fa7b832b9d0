"""`tipline gateway test`: what would be stored of a message, byte by byte, and what dies when."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Mapping
from typing import Final

from retention.policy import RecordClass
from tipline.console import Console
from tipline.errors import CheckError
from tipline.gateway.trial import Row, Trial, try_gateway
from tipline.messages import N_
from tipline.plain import make_printable_line
from tipline.service.account_words import CLASS_NAMES, EVENT_WORDS

NUMBER: Final = "+525512345678"  # nobody is called: nothing goes out
TEXT: Final = "This is a message that nobody wrote."
LINE_BYTES: Final = 32  # of a value; a longer one has more lines
# What a row of each table is, and when it goes.
TABLE_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "answers": (
        N_("That something arrived, without the name of the tip."),
        N_("Goes on the day dies_on."),
    ),
    "arrivals": (
        N_("For the public log: a hash that names no tip."),
        N_("Goes when the log's batch has told of that day."),
    ),
    "envelopes": (
        N_("Sender and text, sealed to the readers: nobody here can open it."),
        N_("Goes with the tip."),
    ),
    "handles": (
        N_("By what the readers tell senders apart; made under the key of an epoch."),
        N_("Goes with that key, or with the tip."),
    ),
    "replays": (
        N_("Tells when a gateway brings the same message again: a hash under a key."),
        N_("Goes on the day dies_on."),
    ),
    "tips": (
        N_("What is known of the tip: its days, size and channel."),
        N_("Goes on the day dies_on; sooner once the readers have fetched it, if so decided."),
    ),
    "windows": (
        N_("The sender, sealed: this service can open it, to send an answer."),
        N_("Goes on the day dies_on, or when the sender writes STOP."),
    ),
}
KEPT_CLASSES: Final = (
    RecordClass.SEALED_TIP,
    RecordClass.RAW_NUMBER,
    RecordClass.GATEWAY_MESSAGE,
    RecordClass.PSEUDONYM_EPOCH,
)
# What not every message leaves, and the table in which it is seen.
KEPT_IN: Final[Mapping[RecordClass, str]] = {
    RecordClass.RAW_NUMBER: "windows",
    RecordClass.PSEUDONYM_EPOCH: "handles",
}


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Take a message at a throwaway line, and show what it left.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        TiplineError: as `try_gateway` says.
        CheckError: `gateway_in_clear`: sender or text lie in a file.
    """
    trial = asyncio.run(try_gateway(options.directory, options.gateway, number=NUMBER, text=TEXT))
    if options.json:
        console.print_json(_lay_out(trial))
    else:
        _print_words(trial, options.gateway, console)
    if trial.found:
        raise CheckError("gateway_in_clear", files=", ".join(trial.found))
    return 0


def _print_words(trial: Trial, gateway: str, console: Console) -> None:
    _ = console.translate
    console.print(
        _(
            "A message that nobody wrote came over gateway {gateway}, at a throwaway line in"
            " memory. This line is as it was, and nothing went out."
        ).format(gateway=gateway)
    )
    console.print(_("From: {sender}").format(sender=trial.sender))
    console.print(_("Text: {text}").format(text=TEXT))
    if trial.status is not None:
        console.print(
            _("Its gateway was answered {status}: taken, not to be sent again.").format(
                status=trial.status
            )
        )
    if not trial.found:
        console.print(_("Neither sender nor text lies in clear in any file of the line."))
    console.print()
    console.print(_("What goes when, as the line's policy says:"))
    tables = {row.table for row in trial.rows}
    for record_class in KEPT_CLASSES:
        table = KEPT_IN.get(record_class)
        if table is not None and table not in tables:
            continue  # what an operator types in leaves no number
        periods = ", ".join(
            _(EVENT_WORDS[event]).format(
                days=console.translate_counted("{count} day", "{count} days", count).format(
                    count=count
                )
            )
            for event, count in trial.policy.periods[record_class].items()
        )
        console.print(f"  {_(CLASS_NAMES[record_class])}: {periods}")
    console.print()
    console.print(_("What the readers open, and nobody else:"))
    for line in json.dumps(json.loads(trial.tip), indent=2, ensure_ascii=False).splitlines():
        console.print(f"  {make_printable_line(line)}")
    console.print()
    console.print(_("These rows were stored, as they lie in the database:"))
    for row in trial.rows:
        console.print()
        console.print(f"[{row.table}]")
        for words in TABLE_WORDS.get(row.table, ()):
            console.print(f"  # {_(words)}")
        for column, value in row.values.items():
            _print_value(column, value, console)


def _print_value(column: str, value: int | str | bytes | None, console: Console) -> None:
    if not isinstance(value, bytes):
        console.print(f"  {column} = {make_printable_line(str(value))}")
        return
    if len(value) <= LINE_BYTES:
        console.print(f"  {column} = {value.hex()}")
        return
    length = console.translate("{count} bytes").format(count=len(value))
    console.print(f"  {column} = ({length})")
    for at in range(0, len(value), LINE_BYTES):
        console.print(f"    {value[at : at + LINE_BYTES].hex()}")


def _lay_out(trial: Trial) -> dict[str, object]:
    return {
        "status": trial.status,
        "sender": trial.sender,
        "rows": [_lay_out_row(row) for row in trial.rows],
        "tip": trial.tip,
        "found": list(trial.found),
        "periods": {
            record_class.value: {
                event.value: count for event, count in trial.policy.periods[record_class].items()
            }
            for record_class in KEPT_CLASSES
        },
    }


def _lay_out_row(row: Row) -> dict[str, object]:
    values = {
        column: value.hex() if isinstance(value, bytes) else value
        for column, value in row.values.items()
    }
    return {"table": row.table, "values": values}
