"""The end of a line, announced or called off: the operations of `tipline close`."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from crypto.errors import CryptoError
from crypto.strict import parse_day
from retention.log.ending import add_longest_period
from retention.log.entry import CloseStep
from tipline.closing import Closing, load_closing, save_closing
from tipline.errors import InstanceError, UsageError
from tipline.service.ending import state_step

if TYPE_CHECKING:
    from tipline.operations import Workings

MAX_AHEAD_DAYS: Final = 366  # a mistyped year would announce an end that nobody sees

Values = Mapping[str, Any]


async def plan_close(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what the end of the line would be.

    Args:
        workings: Of the line.
        values: `on`: the day.

    Returns:
        `today`, `on`, `stored` (how many tips), `last_on` (the day on which the last of them dies,
        as it stands now, or None), `holds` (how many) and `ends_on` (the day of the log's last
        batch, if nothing is held then).

    Raises:
        InstanceError: the day is not to come, or too far, or an end was announced already.
        UsageError: `clock_day`.
    """
    on = _parse_day(values)
    today = workings.keeper.today()
    if on <= today:
        raise InstanceError("close_day_past", day=on.isoformat(), today=today.isoformat())
    if (on - today).days > MAX_AHEAD_DAYS:
        raise InstanceError("close_day_far", day=on.isoformat(), limit=MAX_AHEAD_DAYS)
    closing = load_closing(workings.directory)
    # Announced in other words, or by a crash not yet told to the log: the same day is no error.
    if closing is not None and closing.step not in _OPEN_STEPS and closing.on != on:
        raise InstanceError("close_begun", day=closing.on.isoformat())
    tips = await workings.store.tips()
    return {
        "today": today.isoformat(),
        "on": on.isoformat(),
        "stored": len(tips),
        "last_on": max(tip.dies_on for tip in tips).isoformat() if tips else None,
        "holds": len(await workings.store.holds()),
        "ends_on": add_longest_period(on, workings.promises.policy).isoformat(),
    }


async def announce_close(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Announce the end of the line.

    Args:
        workings: Of the line.
        values: `on`: the day.

    Returns:
        As `plan_close`.

    Raises:
        InstanceError: the day is not to come, or an end was announced already.
        UsageError: `clock_day`.
    """
    plan = await plan_close(workings, values)
    closing = Closing(step=CloseStep.ANNOUNCED, on=_parse_day(values))
    today = workings.keeper.today()
    await asyncio.to_thread(save_closing, workings.directory, closing, day=today)
    await workings.queue(state_step(CloseStep.ANNOUNCED, closing, on=today))
    return plan


async def plan_cancel(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell which end would be called off.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `on`: the day that was announced.

    Raises:
        InstanceError: `close_not_begun`, `close_too_late`.
    """
    return {"on": _find_announced(workings, values).on.isoformat()}


async def cancel_close(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Call the end off, as long as its day has not come.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `on`: the day that was announced.

    Raises:
        InstanceError: `close_not_begun`, `close_too_late`.
    """
    closing = _find_announced(workings, values)
    today = workings.keeper.today()
    cancelled = dataclasses.replace(closing, step=CloseStep.CANCELLED)
    await asyncio.to_thread(save_closing, workings.directory, cancelled, day=today)
    await workings.queue(state_step(CloseStep.CANCELLED, cancelled, on=today))
    return {"on": closing.on.isoformat()}


_OPEN_STEPS: Final = (CloseStep.CANCELLED, CloseStep.HANDED_OVER)

ENDING_OPERATIONS: Final[Mapping[str, Callable[[Workings, Values], Awaitable[dict[str, Any]]]]] = {
    "plan-close": plan_close,
    "close-announce": announce_close,
    "plan-close-cancel": plan_cancel,
    "close-cancel": cancel_close,
}


def _find_announced(workings: Workings, values: Values) -> Closing:
    if values:
        raise UsageError
    closing = load_closing(workings.directory)
    if closing is None or closing.step in _OPEN_STEPS:
        raise InstanceError("close_not_begun")
    if closing.step is not CloseStep.ANNOUNCED or workings.keeper.today() >= closing.on:
        raise InstanceError("close_too_late")
    return closing


def _parse_day(values: Values) -> datetime.date:
    if set(values) != {"on"}:
        raise UsageError
    try:
        return parse_day(values["on"])
    except CryptoError as exc:
        raise UsageError("clock_day") from exc
