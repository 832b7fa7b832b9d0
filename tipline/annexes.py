"""
Annexes: the exact counts of a day, handed to the auditor and to nobody else.

The log has their hash. docs/reference/log.md, "Annex".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crypto.errors import CryptoError
from crypto.strict import parse_day
from tipline.errors import InstanceError, UsageError

if TYPE_CHECKING:
    from tipline.operations import Workings


async def read_annexes(workings: Workings, values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Read the annexes of some days.

    Args:
        workings: Of the line.
        values: `days`: each `YYYY-MM-DD`.

    Returns:
        `annexes`: by day, each the text whose hash is in the log.

    Raises:
        UsageError: a day is not spelled as one.
        InstanceError: `annex_unknown`: a day has none, not yet or not any more.
    """
    annexes: dict[str, str] = {}
    for untrusted in values["days"]:
        try:
            day = parse_day(untrusted)
        except CryptoError as exc:
            raise UsageError("annex_day") from exc
        annex = await workings.store.read_annex(day)
        if annex is None:
            raise InstanceError("annex_unknown", day=day.isoformat())
        annexes[day.isoformat()] = annex.decode()
    return {"annexes": annexes}
