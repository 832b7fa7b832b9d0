"""
What an operator does to a line, as functions: the same whether the line is being served or not.

Rules:
1. An operation takes and gives plain values, so that it can come over the operator's socket.
2. It never answers "done" before it is.
3. What the disk or the database refuses becomes an error with a text of ours; nothing of a tip is
   in any of them but its random id.
4. What happened is queued for the log after it is true. A crash in between is made up for when the
   line is opened next (`service/workings.py`).
"""

from __future__ import annotations

import dataclasses
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from crypto.errors import KeysetError
from crypto.randomness import RandomSource, system_random
from retention.errors import HoldError
from retention.hold import (
    HOLD_ID_BYTES,
    Hold,
    check_extent,
    check_terms,
    make_hold,
    state_placed,
)
from retention.log.entry import SALT_BYTES
from retention.plan import Decision, Record, plan_purge
from retention.policy import parse_policy
from retention.promise import Promises
from tipline.annexes import read_annexes
from tipline.backing_up import BACKUP_OPERATIONS
from tipline.day_keeper import DayKeeper
from tipline.ending_operations import ENDING_OPERATIONS
from tipline.errors import InstanceError
from tipline.keysets import KeysetWatch
from tipline.log_statements import QueueStatement
from tipline.operation_values import (
    Values,
    check_names,
    format_clock,
    format_decision,
    format_hold,
    format_policy_change,
    format_report,
    parse_asked_day,
    parse_ids,
)
from tipline.policy_change import describe_change
from tipline.service.purge_report import PurgeReport
from tipline.service.store import Store

MAX_NAMED: Final = 5  # ids in one error's text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workings:
    """
    What operations work on.

    Args:
        store: Where tips lie.
        keeper: Tells the day that is trusted.
        promises: How long things are kept.
        keysets: Names the channels.
        purge: Lets go what is due, as the nightly run does, and tells the log.
        queue: Keeps a statement for the log's next batch.
        directory: The instance.
        copy_log: Makes a copy of the log's database.
        random: Where ids and salts come from.
    """

    store: Store
    keeper: DayKeeper
    promises: Promises
    keysets: KeysetWatch
    purge: Callable[[], Awaitable[PurgeReport]]
    queue: QueueStatement
    directory: Path
    copy_log: Callable[[Path], None]
    random: RandomSource = system_random


async def plan(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what a purge would do now.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `today`, `waiting`, `records` (those whose day has come, each with what happens and why),
        `holds` (those that end) and `counts` (by class and day).
    """
    check_names(values)
    today, waiting = workings.keeper.today(), workings.keeper.waiting()
    records = await workings.store.due_records(today=today, waiting=waiting)
    holds = [hold for hold, _ in await workings.store.holds()]
    counts = await workings.store.count_by_day()
    return {
        "today": today.isoformat(),
        "waiting": None if waiting is None else waiting.today.isoformat(),
        "records": [format_decision(one) for one in await _decide(workings, records)],
        "holds": [hold.id.hex() for hold in holds if not hold.lasts(today)],
        "counts": [
            {"class": str(record_class), "dies_on": day.isoformat(), "count": count}
            for (record_class, day), count in sorted(counts.items())
        ],
    }


async def purge(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Let go what is due.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        What went (`days`, `records`, `holds`), what did not (`failures`), and `waiting`: the day to
        which the clock jumped, as long as it waits for a person.
    """
    check_names(values)
    return format_report(await workings.purge(), time=workings.keeper.reckon())


async def plan_early(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what an early death of tips would do.

    Args:
        workings: Of the line.
        values: `tips`: their ids.

    Returns:
        `today`, and `records`: each with its day.

    Raises:
        InstanceError: `tip_unknown`, `tip_held`.
        UsageError: `tip_id`.
    """
    decisions = await _plan_early(workings, values)
    return {
        "today": workings.keeper.today().isoformat(),
        "records": [format_decision(one) for one in decisions],
    }


async def purge_early(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Let tips go before their day, and with them what is due.

    Args:
        workings: Of the line.
        values: `tips`: their ids.

    Returns:
        As `purge`.

    Raises:
        InstanceError: `tip_unknown`, `tip_held`; then nothing went.
        UsageError: `tip_id`.
    """
    decisions = await _plan_early(workings, values)
    ids = [decision.record.id for decision in decisions]
    await workings.store.delete_early(ids, today=workings.keeper.today())
    return format_report(await workings.purge(), time=workings.keeper.reckon())


async def plan_hold(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Check over what a hold is asked for, and until when, before anybody is asked who and why.

    Args:
        workings: Of the line.
        values: `until`, `channel` or None, `tips`.

    Returns:
        `today`.

    Raises:
        HoldError: it could not be placed.
        InstanceError: `tip_unknown`.
        UsageError: `tip_id`, `clock_day`.
    """
    check_names(values, "until", "channel", "tips")
    today = workings.keeper.today()
    channel = values["channel"]
    tips = check_extent(
        until_on=parse_asked_day(values["until"]),
        channel=channel,
        tips=parse_ids(values["tips"]),
        today=today,
    )
    await _check_covered(workings, channel, tips)
    return {"today": today.isoformat()}


async def add_hold(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Place a hold.

    Args:
        workings: Of the line.
        values: `first_person`, `second_person`, `reason`, `until`, `channel` or None, `tips`.

    Returns:
        `hold`: its id; `count`: how many tips it holds by now; `passed_over`: how many of its
        channel it does not hold, because nobody can open them; `commitment`: what the log says.

    Raises:
        HoldError: it cannot be placed.
        InstanceError: `tip_unknown`.
        UsageError: `tip_id`, `clock_day`.
    """
    check_names(values, "first_person", "second_person", "reason", "until", "channel", "tips")
    today = workings.keeper.today()
    tips = parse_ids(values["tips"])
    terms = check_terms(
        untrusted_first_person=values["first_person"],
        untrusted_second_person=values["second_person"],
        untrusted_reason=values["reason"],
        until_on=parse_asked_day(values["until"]),
        channel=values["channel"],
        tips=tips,
        today=today,
    )
    await _check_covered(workings, terms.channel, terms.tips)
    hold = make_hold(
        terms,
        hold_id=workings.random(HOLD_ID_BYTES),
        salt=workings.random(SALT_BYTES),
        placed_on=today,
    )
    placed = await workings.store.add_hold(hold, terms.tips, promises=workings.promises)
    await workings.queue(state_placed(hold))
    return {
        "hold": hold.id.hex(),
        "count": placed.held,
        "passed_over": placed.passed_over,
        "commitment": hold.commitment,
    }


async def list_holds(workings: Workings, values: Values) -> dict[str, Any]:
    """
    List the holds, with all that is known of them.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        `today`, `holds`, and `ended`: those whose text is still kept.
    """
    check_names(values)
    today = workings.keeper.today()
    return {
        "today": today.isoformat(),
        "holds": [
            {**format_hold(hold), "lasts": hold.lasts(today), "count": count}
            for hold, count in sorted(
                await workings.store.holds(), key=lambda one: (one[0].until_on, one[0].id)
            )
        ],
        "ended": [
            {
                "text": text.text[SALT_BYTES:].decode(),
                "salt": text.text[:SALT_BYTES].hex(),
                "kept_until": text.dies_on.isoformat(),
            }
            for text in await workings.store.ended_hold_texts()
        ],
    }


async def plan_release(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what the release of a hold would do now.

    Args:
        workings: Of the line.
        values: `hold`: its id.

    Returns:
        `today`, `records` (what it holds that is past its day) and `holds` (itself).

    Raises:
        HoldError: `hold_unknown`.
        UsageError: `hold_id`.
    """
    hold = await _find_hold(workings, values)
    today = workings.keeper.today()
    due = await workings.store.due_records(today=today, waiting=workings.keeper.waiting())
    held = [record for record in due if hold.id in record.held_by]
    released = dataclasses.replace(hold, ended_on=today)
    return {
        "today": today.isoformat(),
        "records": [format_decision(one) for one in await _decide(workings, held, released)],
        "holds": [hold.id.hex()],
    }


async def release_hold(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Release a hold, and let go what is past its day.

    Args:
        workings: Of the line.
        values: `hold`: its id.

    Returns:
        As `purge`.

    Raises:
        HoldError: `hold_unknown`.
        UsageError: `hold_id`.
    """
    hold = await _find_hold(workings, values)
    await workings.store.release_hold(hold.id, today=workings.keeper.today())
    return format_report(await workings.purge(), time=workings.keeper.reckon())


async def read_clock(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what time the line goes by.

    Args:
        workings: Of the line.
        values: Nothing.

    Returns:
        As `format_clock` writes it.
    """
    check_names(values)
    return format_clock(workings.keeper.reckon())


async def confirm_clock(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Trust this machine's clock.

    Args:
        workings: Of the line.
        values: `day`: what it tells, as a person named it.

    Returns:
        As `read_clock`.

    Raises:
        InstanceError: `clock_other_day`.
        UsageError: `clock_day`.
    """
    check_names(values, "day")
    workings.keeper.confirm(parse_asked_day(values["day"]))
    return format_clock(workings.keeper.reckon())


async def plan_policy(workings: Workings, values: Values) -> dict[str, Any]:
    """
    Tell what another policy would do to what is stored.

    Args:
        workings: Of the line.
        values: `policy`: the text of its file.

    Returns:
        `today`, and `changes`: by class.

    Raises:
        PolicyError: the policy does not hold.
    """
    check_names(values, "policy")
    policy = parse_policy(str(values["policy"]).encode("utf-8", "surrogateescape"))
    groups = await workings.store.count_groups()
    today = workings.keeper.today()
    return format_policy_change(describe_change(groups, new=policy, today=today), today=today)


Operation = Callable[[Workings, Values], Awaitable[dict[str, Any]]]

OPERATIONS: Final[Mapping[str, Operation]] = {
    "plan": plan,
    "purge": purge,
    "plan-early": plan_early,
    "purge-early": purge_early,
    "plan-hold": plan_hold,
    "hold-add": add_hold,
    "hold-list": list_holds,
    "plan-release": plan_release,
    "hold-release": release_hold,
    "clock": read_clock,
    "clock-confirm": confirm_clock,
    "plan-policy": plan_policy,
    "annexes": read_annexes,
    **BACKUP_OPERATIONS,
    **ENDING_OPERATIONS,
}


async def operate(workings: Workings, name: str, values: Values) -> dict[str, Any]:
    """
    Carry out one operation.

    Args:
        workings: Of the line.
        name: One of `OPERATIONS`.
        values: As that one takes them.

    Returns:
        As that one gives it.

    Raises:
        InstanceError: `operation_failed`: the disk, a key or the database refused.
        TiplineError: as the operation says.
        RetentionError: as the operation says.
    """
    try:
        return await OPERATIONS[name](workings, values)
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else str(exc.args[0] if exc.args else exc)
        raise InstanceError("operation_failed", reason=reason) from exc
    except sqlite3.Error as exc:
        reason = getattr(exc, "sqlite_errorname", type(exc).__name__)
        raise InstanceError("operation_failed", reason=reason) from exc


async def _find_hold(workings: Workings, values: Values) -> Hold:
    check_names(values, "hold")
    (hold_id,) = parse_ids([values["hold"]], code="hold_id")
    for hold, _ in await workings.store.holds():
        if hold.id == hold_id:
            return hold
    raise HoldError("hold_unknown", id=hold_id.hex())


async def _decide(
    workings: Workings, records: Sequence[Record], *changed: Hold
) -> tuple[Decision, ...]:
    holds = {hold.id: hold.ends_on for hold, _ in await workings.store.holds()}
    return plan_purge(
        records,
        promises=workings.promises,
        today=workings.keeper.today(),
        waiting=workings.keeper.waiting(),
        holds={**holds, **{hold.id: hold.ends_on for hold in changed}},
    )


async def _plan_early(workings: Workings, values: Values) -> tuple[Decision, ...]:
    check_names(values, "tips")
    ids = parse_ids(values["tips"])
    records = await workings.store.find_tips(ids)
    _check_known(ids, records)
    wanted = [dataclasses.replace(record, deleted=True) for record in records]
    decisions = await _decide(workings, wanted)
    for decision in decisions:
        if not decision.purge:
            holds = ", ".join(sorted(hold.hex() for hold in decision.record.held_by))
            raise InstanceError("tip_held", id=decision.record.id.hex(), holds=holds)
    return decisions


async def _check_covered(workings: Workings, channel: str | None, tips: Sequence[bytes]) -> None:
    if channel is not None:
        await _check_channel(workings, channel)
    _check_known(tips, await workings.store.find_tips(tips))


async def _check_channel(workings: Workings, channel: str) -> None:
    try:
        keyset = workings.keysets.read().keyset
    except (KeysetError, InstanceError):
        channels = set()  # none may be used: what lies there still has its channels
    else:
        channels = {known.id for known in keyset.channels}
    if channel not in channels and not await workings.store.has_channel(channel):
        raise HoldError("hold_channel", channel=channel)


def _check_known(ids: Sequence[bytes], records: Sequence[Record]) -> None:
    unknown = sorted({*ids} - {record.id for record in records})
    if unknown:
        named = ", ".join(tip.hex() for tip in unknown[:MAX_NAMED])
        raise InstanceError("tip_unknown", ids=named, count=len(unknown))
