"""
How long each class of record is kept, and from which events on.

Rules:
1. There is no default: a class or an event without its period is an error, and so is one that we do
   not know, and so are periods that contradict each other.
2. A record dies by the earliest of the periods that run for it.
3. A period is counted in days; nothing here knows an hour.
4. Values that reach the disk are lower-case and never renamed.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from crypto.ladder import TEXT_RUNG
from retention.errors import PolicyError

POLICY_VERSION: Final = 1
POLICY_FILE: Final = "policy.toml"  # what errors name where nobody names another
MAX_POLICY_BYTES: Final = 64 * 1024  # ours has 3 KiB; a larger file is not one
MAX_PERIOD_DAYS: Final = 3650  # ten years: what is kept longer is an archive, not a tip-line


class RecordClass(enum.StrEnum):
    """A kind of record that has its own periods."""

    PARTIAL_UPLOAD = "partial_upload"
    SEALED_TIP = "sealed_tip"
    ATTACHMENT = "attachment"
    UPLOAD_ANSWER = "upload_answer"
    REPLY = "reply"
    MAILBOX = "mailbox"
    RECEIPT_COPY = "receipt_copy"
    RAW_NUMBER = "raw_number"
    GATEWAY_MESSAGE = "gateway_message"
    PSEUDONYM_EPOCH = "pseudonym_epoch"
    KEYSET = "keyset"
    BACKUP = "backup"
    LOG_TEXT = "log_text"


class Event(enum.StrEnum):
    """What a period is counted from."""

    BEGUN = "begun"
    ARRIVED = "arrived"
    PICKED_UP = "picked_up"
    SENT = "sent"
    READ = "read"
    LAST_USED = "last_used"
    MADE = "made"
    RECEIVED = "received"
    EXPIRED = "expired"
    LOGGED = "logged"


# The first event is how a record of the class begins: its period runs always. A later one can only
# bring the end nearer.
EVENTS: Final[Mapping[RecordClass, tuple[Event, ...]]] = {
    RecordClass.PARTIAL_UPLOAD: (Event.BEGUN,),
    RecordClass.SEALED_TIP: (Event.ARRIVED, Event.PICKED_UP),
    RecordClass.ATTACHMENT: (Event.ARRIVED, Event.PICKED_UP),
    RecordClass.UPLOAD_ANSWER: (Event.ARRIVED,),
    RecordClass.REPLY: (Event.SENT, Event.READ),
    RecordClass.MAILBOX: (Event.LAST_USED,),
    RecordClass.RECEIPT_COPY: (Event.MADE,),
    RecordClass.RAW_NUMBER: (Event.RECEIVED,),
    RecordClass.GATEWAY_MESSAGE: (Event.RECEIVED,),
    RecordClass.PSEUDONYM_EPOCH: (Event.BEGUN,),
    RecordClass.KEYSET: (Event.EXPIRED,),
    RecordClass.BACKUP: (Event.MADE,),
    RecordClass.LOG_TEXT: (Event.LOGGED,),
}

Periods = Mapping[RecordClass, Mapping[Event, int]]
Key = tuple[RecordClass, Event]

# What cannot be longer than what: the first would never end anything, or would outlive what it
# belongs to. Each pair with its reason.
NOT_LONGER: Final[tuple[tuple[Key, Key], ...]] = (
    # A period from a later event that is the longer one never ends anything.
    ((RecordClass.SEALED_TIP, Event.PICKED_UP), (RecordClass.SEALED_TIP, Event.ARRIVED)),
    ((RecordClass.ATTACHMENT, Event.PICKED_UP), (RecordClass.ATTACHMENT, Event.ARRIVED)),
    ((RecordClass.REPLY, Event.READ), (RecordClass.REPLY, Event.SENT)),
    # Pictures and papers tell more than a text: who promises an end for the text means them too.
    ((RecordClass.ATTACHMENT, Event.ARRIVED), (RecordClass.SEALED_TIP, Event.ARRIVED)),
    ((RecordClass.ATTACHMENT, Event.PICKED_UP), (RecordClass.SEALED_TIP, Event.PICKED_UP)),
    # The half of something is not kept longer than the whole.
    ((RecordClass.PARTIAL_UPLOAD, Event.BEGUN), (RecordClass.ATTACHMENT, Event.ARRIVED)),
    # What says that something arrived goes before or with it.
    ((RecordClass.UPLOAD_ANSWER, Event.ARRIVED), (RecordClass.ATTACHMENT, Event.ARRIVED)),
    # A reply is not promised for longer than the mailbox in which it lies.
    ((RecordClass.REPLY, Event.SENT), (RecordClass.MAILBOX, Event.LAST_USED)),
    # What a phone sent in clear goes with the number that sent it.
    ((RecordClass.GATEWAY_MESSAGE, Event.RECEIVED), (RecordClass.RAW_NUMBER, Event.RECEIVED)),
    # A number that outlives the epoch links the pseudonyms that the epoch's end should part.
    ((RecordClass.RAW_NUMBER, Event.RECEIVED), (RecordClass.PSEUDONYM_EPOCH, Event.BEGUN)),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    The periods of every class.

    Args:
        periods: For each `RecordClass` the days from each of its `EVENTS`.
    """

    periods: Periods

    def dies_on(
        self, record_class: RecordClass, events: Mapping[Event, datetime.date]
    ) -> datetime.date:
        """
        Tell the day on which a record dies.

        Args:
            record_class: Of the record.
            events: The day of each event that has happened to it; the first of its class at least.

        Returns:
            The first day on which it must not be there any more: by the period that ends first.
        """
        check_events(record_class, events)
        days = self.periods[record_class]
        return min(add_days(on, days[event]) for event, on in events.items())


def find_tip_class(size_bytes: int) -> RecordClass:
    """
    Tell which class an envelope belongs to; nothing but its size can be known of it.

    Args:
        size_bytes: A rung of the ladder.

    Returns:
        `SEALED_TIP` for the rung of text alone, `ATTACHMENT` for the others.
    """
    return RecordClass.SEALED_TIP if size_bytes <= TEXT_RUNG else RecordClass.ATTACHMENT


def check_events(record_class: RecordClass, events: Mapping[Event, datetime.date]) -> None:
    """
    Refuse events that a record of this class cannot have.

    Args:
        record_class: Of the record.
        events: The day of each event that has happened to it.

    Raises:
        ValueError: the caller is wrong: the first event is missing, or one is of another class.
    """
    known = EVENTS[record_class]
    if known[0] not in events or not set(events) <= set(known):
        raise ValueError(record_class)


def add_days(day: datetime.date, days: int) -> datetime.date:
    """
    Count on from a day; the calendar's last day stands for all that come after it.

    Args:
        day: Where to begin.
        days: How many, from 0.

    Returns:
        The day.
    """
    return day + datetime.timedelta(days=min(days, (datetime.date.max - day).days))


def format_periods(policy: Policy) -> dict[str, dict[str, int]]:
    """
    Write a policy as plain values, for the database and the log.

    Args:
        policy: Complete.

    Returns:
        For each class the days from each event, in the order of `EVENTS`.
    """
    return {
        str(record_class): {str(event): policy.periods[record_class][event] for event in events}
        for record_class, events in EVENTS.items()
    }


def parse_periods(untrusted: Mapping[str, Any], *, name: str = POLICY_FILE) -> Policy:
    """
    Read a policy from plain values.

    Args:
        untrusted: As `format_periods` gave it.
        name: Of the file, for whoever reads the error.

    Returns:
        The policy, complete and without contradiction.

    Raises:
        PolicyError: a key is missing, unknown or of another form, or two contradict each other. It
            names the keys, never the values.
    """
    _check_keys(untrusted, known=set(RecordClass), prefix="", name=name)
    periods = {
        record_class: _parse_class(record_class, untrusted[record_class], name=name)
        for record_class in RecordClass
    }
    for (shorter_class, shorter_event), (longer_class, longer_event) in NOT_LONGER:
        if periods[shorter_class][shorter_event] > periods[longer_class][longer_event]:
            raise PolicyError(
                "policy_contradiction",
                file=name,
                key=f"{shorter_class}.{shorter_event}",
                limit=f"{longer_class}.{longer_event}",
            )
    return Policy(periods=periods)


def parse_policy(untrusted: bytes, *, name: str = POLICY_FILE) -> Policy:
    """
    Read a policy.

    Args:
        untrusted: `policy.toml`.
        name: Of the file, for whoever reads the error.

    Returns:
        The policy, complete and without contradiction.

    Raises:
        PolicyError: not TOML, or a key is missing, unknown or of another form, or two contradict
            each other. It names the keys or the line, never the values.
    """
    if len(untrusted) > MAX_POLICY_BYTES:
        raise PolicyError("policy_long", file=name, limit=MAX_POLICY_BYTES)
    try:
        tree = tomllib.loads(untrusted.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise PolicyError("policy_toml", file=name, line=find_line(exc, untrusted)) from exc
    _check_keys(tree, known={"version", *RecordClass}, prefix="", name=name)
    version = tree.pop("version")
    if type(version) is not int or version != POLICY_VERSION:
        raise PolicyError("policy_wrong_value", file=name, key="version")
    return parse_periods(tree, name=name)


def find_line(exc: tomllib.TOMLDecodeError | UnicodeDecodeError, untrusted: bytes) -> int:
    """
    Tell in which line of a file something is not TOML.

    Args:
        exc: What the parser or the decoder raised. Its message may quote the file.
        untrusted: The file.

    Returns:
        The line, from 1.
    """
    if isinstance(exc, UnicodeDecodeError):
        return untrusted.count(b"\n", 0, exc.start) + 1
    # tomllib says "(at line 3, column 7)" or "(at end of document)".
    words = str(exc).rpartition("line ")[2].partition(",")[0]
    return int(words) if words.isdecimal() else untrusted.rstrip().count(b"\n") + 1


def _parse_class(record_class: RecordClass, value: Any, *, name: str) -> dict[Event, int]:
    if not isinstance(value, dict):
        raise PolicyError("policy_wrong_value", file=name, key=str(record_class))
    events = EVENTS[record_class]
    _check_keys(value, known=set(events), prefix=f"{record_class}.", name=name)
    for event in events:
        days = value[event]
        # bool is a kind of int in Python, not in a policy.
        if type(days) is not int or not 1 <= days <= MAX_PERIOD_DAYS:
            raise PolicyError("policy_wrong_value", file=name, key=f"{record_class}.{event}")
    return {event: value[event] for event in events}


def _check_keys(tree: Mapping[str, Any], *, known: set[str], prefix: str, name: str) -> None:
    for key in tree:
        if key not in known:
            raise PolicyError("policy_unknown_key", file=name, key=prefix + key)
    for key in sorted(known):
        if key not in tree:
            raise PolicyError("policy_missing_key", file=name, key=prefix + key)
