"""What `tipline doctor` says of holds: from the log, which anybody may read, line served or not."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from crypto.strict import parse_day
from retention.log.entry import HoldStep, Statement
from tipline.finding import Finding, Level
from tipline.messages import N_

HOLD_WARNING_DAYS: Final = 14  # time to find two persons and a reason for another one

HOLD_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "hold_soon": (
        N_("hold {id} ends on {until}; what is past its day then goes"),
        N_("if there is still need, place another one before: tipline hold add --help"),
    ),
    "hold_overdue": (
        N_("hold {id} ended on {until}, and the line has not carried that out"),
        N_("look why: tipline purge DIR --apply"),
    ),
}


def examine_holds(statements: Iterable[Statement], *, today: datetime.date) -> Iterator[Finding]:
    """
    Look at the holds that have not ended.

    Args:
        statements: Of holds, in the order in which they were made.
        today: In UTC.

    Yields:
        A warning for each that ends soon; what is wrong for each whose day is over.
    """
    open_holds: dict[str, datetime.date] = {}
    for statement in statements:
        fields = statement.fields
        if fields["step"] == HoldStep.PLACED:
            open_holds[fields["hold"]] = parse_day(fields["until"])
        else:
            open_holds.pop(fields["hold"], None)
    for hold, until in sorted(open_holds.items(), key=lambda one: (one[1], one[0])):
        facts: dict[str, str | int] = {"id": hold, "until": until.isoformat()}
        # On its own day it ends at night.
        if until < today:
            yield Finding(level=Level.WRONG, code="hold_overdue", facts=facts)
        elif (until - today).days <= HOLD_WARNING_DAYS:
            yield Finding(level=Level.WARNING, code="hold_soon", facts=facts)
