"""
How long each class of record is kept, and from which event on.

Rules:
1. There is no default: a class without its period is an error, and so is a class we do not know.
2. A period is counted in days; nothing here knows an hour.
3. Values that reach the disk are lower-case and never renamed.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import tomllib
from collections.abc import Mapping
from typing import Any, Final

from retention.errors import PolicyError

POLICY_VERSION: Final = 1
MAX_POLICY_BYTES: Final = 64 * 1024  # ours has 1 KiB; a larger file is not one
MAX_KEEP_DAYS: Final = 3650  # ten years: what is kept longer is an archive, not a tip-line
_FIELDS: Final = frozenset({"keep_days", "from"})


class RecordClass(enum.StrEnum):
    """A kind of record that has its own period."""

    PARTIAL_UPLOAD = "partial_upload"
    SEALED_TIP = "sealed_tip"
    UPLOAD_ANSWER = "upload_answer"


class Event(enum.StrEnum):
    """What a period is counted from."""

    BEGUN = "begun"
    ARRIVED = "arrived"


# What can be known of a record without reading it; a policy must say what it counts from.
EVENTS: Final[Mapping[RecordClass, frozenset[Event]]] = {
    RecordClass.PARTIAL_UPLOAD: frozenset({Event.BEGUN}),
    RecordClass.SEALED_TIP: frozenset({Event.ARRIVED}),
    RecordClass.UPLOAD_ANSWER: frozenset({Event.ARRIVED}),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """
    How long one class is kept.

    Args:
        keep_days: 1 to `MAX_KEEP_DAYS`.
        counted_from: The event whose day is day 0.
    """

    keep_days: int
    counted_from: Event


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """
    The periods of every class.

    Args:
        periods: One for each `RecordClass`.
    """

    periods: Mapping[RecordClass, Period]

    def dies_on(self, record_class: RecordClass, *, event_on: datetime.date) -> datetime.date:
        """
        Tell the day on which a record dies.

        Args:
            record_class: Of the record.
            event_on: The day of the event its period is counted from.

        Returns:
            The first day on which it must not be there any more.
        """
        return event_on + datetime.timedelta(days=self.periods[record_class].keep_days)


def parse_policy(untrusted: bytes) -> Policy:
    """
    Read a policy.

    Args:
        untrusted: `policy.toml`.

    Returns:
        The policy, complete.

    Raises:
        PolicyError: not TOML, or a key is missing, unknown or of another form. It names the key,
            never the value.
    """
    if len(untrusted) > MAX_POLICY_BYTES:
        raise PolicyError("policy_toml")
    try:
        tree = tomllib.loads(untrusted.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise PolicyError("policy_toml") from exc
    _check_keys(tree, known={"version", *RecordClass}, prefix="")
    if type(tree["version"]) is not int or tree["version"] != POLICY_VERSION:
        raise PolicyError("policy_wrong_value", key="version")
    return Policy(
        periods={
            record_class: _parse_period(record_class, tree[record_class])
            for record_class in RecordClass
        }
    )


def _parse_period(record_class: RecordClass, value: Any) -> Period:
    if not isinstance(value, dict):
        raise PolicyError("policy_wrong_value", key=str(record_class))
    _check_keys(value, known=_FIELDS, prefix=f"{record_class}.")
    keep_days = value["keep_days"]
    # bool is a kind of int in Python, not in a policy.
    if type(keep_days) is not int or not 1 <= keep_days <= MAX_KEEP_DAYS:
        raise PolicyError("policy_wrong_value", key=f"{record_class}.keep_days")
    if value["from"] not in [str(event) for event in EVENTS[record_class]]:
        raise PolicyError("policy_wrong_value", key=f"{record_class}.from")
    return Period(keep_days=keep_days, counted_from=Event(value["from"]))


def _check_keys(tree: Mapping[str, Any], *, known: frozenset[str] | set[str], prefix: str) -> None:
    for key in tree:
        if key not in known:
            raise PolicyError("policy_unknown_key", key=prefix + key)
    for key in sorted(known):
        if key not in tree:
            raise PolicyError("policy_missing_key", key=prefix + key)
