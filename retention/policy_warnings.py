"""
Where a policy that holds defeats what it is for.

Rules:
1. A warning refuses nothing: the operator may know better, and is told what it costs.
2. Each bound has its reason; each warning names the key, its days and the bound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Final

from retention.policy import Event, Key, Policy, RecordClass


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """
    A period that defeats something.

    Args:
        code: Names the words for it.
        key: The period, as `class.event`.
        days: Its days.
        limit_days: The bound that it passes.
    """

    code: str
    key: str
    days: int
    limit_days: int


_TIP: Final = (RecordClass.SEALED_TIP, Event.ARRIVED)
_FILES: Final = (RecordClass.ATTACHMENT, Event.ARRIVED)
_TIP_FETCHED: Final = (RecordClass.SEALED_TIP, Event.PICKED_UP)
_FILES_FETCHED: Final = (RecordClass.ATTACHMENT, Event.PICKED_UP)
_PARTIAL: Final = (RecordClass.PARTIAL_UPLOAD, Event.BEGUN)
_ANSWER: Final = (RecordClass.UPLOAD_ANSWER, Event.ARRIVED)
_EPOCH: Final = (RecordClass.PSEUDONYM_EPOCH, Event.BEGUN)
_RECEIPT: Final = (RecordClass.RECEIPT_COPY, Event.MADE)

# Shorter than this, and something is lost that nobody wants to lose.
AT_LEAST: Final[tuple[tuple[Key, int, str], ...]] = (
    (_TIP, 14, "tip_short"),  # a desk has holidays
    (_FILES, 14, "tip_short"),
    (_TIP_FETCHED, 2, "fetched_short"),  # a stick that broke is noticed the next day
    (_FILES_FETCHED, 2, "fetched_short"),
    (_PARTIAL, 2, "partial_short"),  # one day may be over after an hour
    (_ANSWER, 2, "answer_short"),
    ((RecordClass.REPLY, Event.SENT), 30, "reply_short"),  # sources come back rarely
    (_EPOCH, 14, "epoch_short"),  # people write again after a week
    ((RecordClass.LOG_TEXT, Event.LOGGED), 365, "log_text_short"),  # auditors come once a year
)
# Longer than this, and whoever takes the server gains more than the line does.
AT_MOST: Final[tuple[tuple[Key, int, str], ...]] = (
    (_TIP, 180, "tip_long"),
    (_FILES, 180, "tip_long"),
    (_TIP_FETCHED, 30, "fetched_long"),
    (_FILES_FETCHED, 30, "fetched_long"),
    (_PARTIAL, 7, "partial_long"),
    (_ANSWER, 7, "answer_long"),
    ((RecordClass.REPLY, Event.READ), 14, "reply_read_long"),
    ((RecordClass.MAILBOX, Event.LAST_USED), 365, "mailbox_long"),
    ((RecordClass.RAW_NUMBER, Event.RECEIVED), 30, "number_long"),
    ((RecordClass.GATEWAY_MESSAGE, Event.RECEIVED), 7, "gateway_long"),
    (_EPOCH, 180, "epoch_long"),
    ((RecordClass.KEYSET, Event.EXPIRED), 90, "keyset_long"),
    ((RecordClass.BACKUP, Event.MADE), 30, "backup_long"),
)


def find_warnings(policy: Policy) -> tuple[Warned, ...]:
    """
    Tell where a policy defeats what it is for.

    Args:
        policy: Complete and without contradiction.

    Returns:
        What an operator should know, in the order of the classes; empty is best.
    """
    return tuple(sorted(_find(policy), key=_by_class))


def _find(policy: Policy) -> Iterator[Warned]:
    for key, limit_days, code in AT_LEAST:
        if _days(policy, key) < limit_days:
            yield _warn(policy, key, limit_days, code)
    for key, limit_days, code in AT_MOST:
        if _days(policy, key) > limit_days:
            yield _warn(policy, key, limit_days, code)
    if _days(policy, _RECEIPT) > _days(policy, _TIP):
        yield _warn(policy, _RECEIPT, _days(policy, _TIP), "receipt_outlives")


def _warn(policy: Policy, key: Key, limit_days: int, code: str) -> Warned:
    return Warned(
        code=code, key=f"{key[0]}.{key[1]}", days=_days(policy, key), limit_days=limit_days
    )


def _days(policy: Policy, key: Key) -> int:
    return policy.periods[key[0]][key[1]]


def _by_class(warned: Warned) -> int:
    return list(RecordClass).index(RecordClass(warned.key.partition(".")[0]))
