"""
What a line says of itself to everybody: what its log says, and the few facts beside the log.

Rules:
1. It changes with the log's batch and with nothing else. So the facts beside the log are written
   down with the batch, and stay as they are until the next one.
2. What is said of waiting tips is a number of whole weeks. None waiting, and one of this week, are
   the same.

docs/reference/accountability.md.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.keyset import MAX_KEYSET_BYTES
from crypto.strict import format_json, parse_day, parse_json_object
from retention.log.batch import ONE_DAY
from retention.log.ending import add_longest_period, find_last_day
from retention.log.entry import CloseStep, Entry, EntryType, HoldStep
from retention.policy import Policy, RecordClass, parse_periods
from retention.slot_root import Method
from tipline.closing import Closing
from tipline.gateway.told import ToldGateway, lay_out_told, parse_told

GATEWAYS_VERSION: Final = 3
ACCOUNT_VERSION: Final = 2  # of a line without gateways
OLDER_VERSION: Final = 1  # without what the configuration said
# The keyset's quotes and newlines are escaped; 32 gateways with ten companies each have 800 KB.
MAX_ACCOUNT_BYTES: Final = 2 * MAX_KEYSET_BYTES + (1 << 20)
SHOWN_DAYS: Final = 31
WEEK_DAYS: Final = 7
MAX_WEEKS: Final = 9999
LAST_HOUR: Final = 23

# What is shown of the last days besides purges and holds.
HAPPENINGS: Final = frozenset(
    {
        EntryType.POLICY,
        EntryType.EPOCH,
        EntryType.CLOCK,
        EntryType.BACKUP,
        EntryType.RESTORE,
        EntryType.LOST_KEYS,
        EntryType.CLOSE,
    }
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """
    What of the configuration is told, as it was when the batch was made.

    Args:
        log_hour: The hour of the batch, in UTC.
        has_mail: Whether the staff get a daily mail.
        gateways: The ways by phone; none if there are none.
    """

    log_hour: int
    has_mail: bool
    gateways: tuple[ToldGateway, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    What is told beside a batch.

    Args:
        day: Of the batch.
        waiting_weeks: For how many whole weeks the oldest tip has waited for a desk; 0 if none
            waits.
        keyset: The keyset's note, which everybody can fetch; None if there was none.
        configured: What the configuration said; None if an older program wrote the rest down.
    """

    day: datetime.date
    waiting_weeks: int
    keyset: bytes | None
    configured: Configured | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """
    That something due on a day is gone, as the log says.

    Args:
        method: What the destruction may be called.
        late_days: How many days after.
    """

    method: Method
    late_days: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HeldInLog:
    """
    A hold, as the log tells of it.

    Args:
        id: In hex.
        placed_on: The day on which it was placed.
        until_on: The first day on which it no longer holds.
        step: What became of it.
        ended_on: The day on which it ended; None as long as it holds.
    """

    id: str
    placed_on: datetime.date
    until_on: datetime.date
    step: HoldStep
    ended_on: datetime.date | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """
    Something else that the log tells of.

    Args:
        on: The day.
        type: What kind.
        step: Of a clock or of an end; empty for others.
    """

    on: datetime.date
    type: EntryType
    step: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """
    What the log says, as far as the page shows it.

    Args:
        begun_on: The day of the first batch.
        batch_on: The day of the last one.
        size: How many entries there are.
        policy: In force.
        policy_on: The day from which it is in force.
        days: The last days that are over, the newest first: what is gone of what was due on each;
            under None stands the day's key. What is missing was not reported as gone.
        holds: Those that hold, and those that ended within the last days.
        happenings: Within the last days, the newest first.
        closing: How far the end of the line has come.
        ends_on: The day of the log's last batch if nothing is held then; None if no end is under
            way.
    """

    begun_on: datetime.date
    batch_on: datetime.date
    size: int
    policy: Policy
    policy_on: datetime.date
    days: Sequence[tuple[datetime.date, Mapping[RecordClass | None, Gone]]]
    holds: Sequence[HeldInLog]
    happenings: Sequence[Happening]
    closing: Closing | None
    ends_on: datetime.date | None = None


def count_weeks(oldest_on: datetime.date | None, *, today: datetime.date) -> int:
    """
    Count for how long the oldest tip has waited.

    Args:
        oldest_on: The day of its arrival; None if none waits.
        today: In UTC.

    Returns:
        Whole weeks, and 0 if none waits.
    """
    if oldest_on is None or oldest_on > today:
        return 0
    return min((today - oldest_on).days // WEEK_DAYS, MAX_WEEKS)


def format_account(account: Account) -> bytes:
    """
    Write down what is told beside a batch.

    Args:
        account: What is told.

    Returns:
        A JSON object on one line.
    """
    fields: dict[str, Any] = {
        "v": _find_version(account.configured),
        "day": account.day.isoformat(),
        "waiting_weeks": account.waiting_weeks,
        "keyset": None if account.keyset is None else account.keyset.decode("utf-8"),
    }
    if account.configured is not None:
        fields["log_hour"] = account.configured.log_hour
        fields["has_mail"] = account.configured.has_mail
        if account.configured.gateways:
            fields["gateways"] = [lay_out_told(told) for told in account.configured.gateways]
    return format_json(fields)


def parse_account(untrusted: bytes) -> Account:
    """
    Read what is told beside a batch.

    Args:
        untrusted: As `format_account` writes it.

    Returns:
        What is told; the keyset in it is not verified yet.

    Raises:
        MalformedError: it is not in its format.
        TooLargeError: it is longer than it can be.
    """
    value = parse_json_object(untrusted, max_bytes=MAX_ACCOUNT_BYTES)
    day, weeks, note = (value.get(name) for name in ("day", "waiting_weeks", "keyset"))
    if type(weeks) is not int or not 0 <= weeks <= MAX_WEEKS or not isinstance(day, str):
        raise MalformedError("account")
    if not isinstance(note, str | None):
        raise MalformedError("account")
    account = Account(
        day=parse_day(day),
        waiting_weeks=weeks,
        keyset=None if note is None else note.encode("utf-8"),
        configured=None if value.get("v") == OLDER_VERSION else _parse_configured(value),
    )
    if format_account(account) != untrusted:
        raise MalformedError("account")
    return account


def _parse_configured(value: Mapping[str, Any]) -> Configured:
    hour, has_mail = value.get("log_hour"), value.get("has_mail")
    if type(hour) is not int or not 0 <= hour <= LAST_HOUR or not isinstance(has_mail, bool):
        raise MalformedError("account")
    gateways = parse_told(value.get("gateways", []), "gateways")
    return Configured(log_hour=hour, has_mail=has_mail, gateways=gateways)


def _find_version(configured: Configured | None) -> int:
    if configured is None:
        return OLDER_VERSION
    return GATEWAYS_VERSION if configured.gateways else ACCOUNT_VERSION


def summarize(entries: Iterable[Entry], *, size: int) -> Summary:
    """
    Gather from the log what the page shows.

    Args:
        entries: The first batch, every event since, and all of the batches of the last
            `SHOWN_DAYS`.
        size: How many entries the log has.

    Returns:
        The summary.

    Raises:
        ValueError: the caller is wrong: there is no entry, or no policy among them.
    """
    days: list[datetime.date] = []
    told: list[Entry] = []
    for entry in entries:
        if not days or days[-1] != entry.day:
            days.append(entry.day)
        if entry.statement.type not in (EntryType.ARRIVALS, EntryType.ANNEX):
            told.append(entry)
    if not days:
        raise ValueError("an empty log says nothing")
    begun_on, batch_on = days[0], days[-1]
    first = max(begun_on, batch_on - SHOWN_DAYS * ONE_DAY)
    policy, policy_on = _find_policy(told)
    return Summary(
        begun_on=begun_on,
        batch_on=batch_on,
        size=size,
        policy=policy,
        policy_on=policy_on,
        days=_gather_days(told, first=first, last=batch_on - ONE_DAY),
        holds=_gather_holds(told, first=first),
        happenings=_gather_happenings(told, first=first),
        closing=_find_closing(told),
        ends_on=_find_end(told, policy),
    )


def _find_policy(entries: Sequence[Entry]) -> tuple[Policy, datetime.date]:
    for entry in reversed(entries):
        if entry.statement.type is EntryType.POLICY:
            return parse_periods(entry.statement.fields["periods"]), entry.statement.about
    raise ValueError("a log without a policy")


def _find_closing(entries: Sequence[Entry]) -> Closing | None:
    for entry in reversed(entries):
        if entry.statement.type is EntryType.CLOSE:
            fields = entry.statement.fields
            return Closing(step=CloseStep(fields["step"]), on=parse_day(fields["closes_on"]))
    return None


def _find_end(entries: Sequence[Entry], policy: Policy) -> datetime.date | None:
    closing = _find_closing(entries)
    if closing is not None and closing.step is CloseStep.ANNOUNCED:
        return add_longest_period(closing.on, policy)
    return find_last_day(
        entry.statement
        for entry in entries
        if entry.statement.type in (EntryType.POLICY, EntryType.CLOSE)
    )


def _gather_days(
    entries: Sequence[Entry], *, first: datetime.date, last: datetime.date
) -> list[tuple[datetime.date, Mapping[RecordClass | None, Gone]]]:
    gone: dict[datetime.date, dict[RecordClass | None, Gone]] = {}
    day = last
    while day >= first:
        gone[day] = {}
        day -= ONE_DAY
    for entry in entries:
        statement = entry.statement
        if statement.type not in (EntryType.DAY_KEY, EntryType.PURGE):
            continue
        if statement.about in gone:
            name = statement.fields.get("class")
            gone[statement.about][None if name is None else RecordClass(name)] = Gone(
                method=Method(statement.fields["method"]), late_days=statement.fields["late_days"]
            )
    return list(gone.items())


def _gather_holds(entries: Sequence[Entry], *, first: datetime.date) -> list[HeldInLog]:
    holds: dict[str, HeldInLog] = {}
    for entry in entries:
        statement = entry.statement
        if statement.type is not EntryType.HOLD:
            continue
        hold_id, step = statement.fields["hold"], HoldStep(statement.fields["step"])
        known = holds.get(hold_id)
        holds[hold_id] = HeldInLog(
            id=hold_id,
            placed_on=statement.about if known is None else known.placed_on,
            until_on=parse_day(statement.fields["until"]),
            step=step,
            ended_on=None if step is HoldStep.PLACED else statement.about,
        )
    return [hold for hold in holds.values() if hold.ended_on is None or hold.ended_on >= first]


def _gather_happenings(entries: Sequence[Entry], *, first: datetime.date) -> list[Happening]:
    return [
        Happening(
            on=entry.statement.about,
            type=entry.statement.type,
            step=_step_of(entry.statement.fields),
        )
        for entry in reversed(entries)
        if entry.statement.type in HAPPENINGS and entry.statement.about >= first
    ]


def _step_of(fields: Mapping[str, Any]) -> str:
    return str(fields.get("step", ""))
