"""`tipline gateway test`: what would be stored of a message, byte by byte, and what dies when."""

from __future__ import annotations

import argparse
import asyncio
from typing import Final

from retention.policy import RecordClass
from tipline.console import Console
from tipline.errors import CheckError
from tipline.gateway.trial import Row, Trial, try_gateway
from tipline.plain import make_printable_line
from tipline.service.account_words import CLASS_NAMES, EVENT_WORDS

NUMBER: Final = "+525512345678"  # nobody is called: nothing goes out
TEXT: Final = "This is a message that nobody wrote."
LINE_BYTES: Final = 32  # of a value; a longer one has more lines
KEPT_CLASSES: Final = (
    RecordClass.SEALED_TIP,
    RecordClass.RAW_NUMBER,
    RecordClass.GATEWAY_MESSAGE,
    RecordClass.PSEUDONYM_EPOCH,
)


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
        CheckError: `gateway_in_clear`: number or text lie in a file.
    """
    trial = asyncio.run(try_gateway(options.directory, options.gateway, number=NUMBER, text=TEXT))
    if options.json:
        console.print_json(_lay_out(trial))
    else:
        _print_words(trial, console)
    if trial.found:
        raise CheckError("gateway_in_clear", files=", ".join(trial.found))
    return 0


def _print_words(trial: Trial, console: Console) -> None:
    _ = console.translate
    if trial.status is not None:
        console.print(_("The gateway was answered {status}.").format(status=trial.status))
    console.print(_("These rows were stored, as they lie in the database:"))
    for row in trial.rows:
        console.print()
        console.print(f"[{row.table}]")
        for column, value in row.values.items():
            _print_value(column, value, console)
    console.print()
    console.print(_("What the readers open, and nobody else:"))
    console.print(make_printable_line(trial.tip))
    console.print()
    console.print(_("What goes when, as the line's policy says:"))
    for record_class in KEPT_CLASSES:
        periods = ", ".join(
            _(EVENT_WORDS[event]).format(
                days=console.translate_counted("{count} day", "{count} days", count).format(
                    count=count
                )
            )
            for event, count in trial.policy.periods[record_class].items()
        )
        console.print(f"  {_(CLASS_NAMES[record_class])}: {periods}")
    if not trial.found:
        console.print(_("Neither number nor text lies in clear in any file of the line."))


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
