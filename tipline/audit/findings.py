"""
What can be found, from the gravest on, each with its own exit code.

A finding is a fact about the log, not a judgement of the operator. docs/reference/audit.md lists
them with what to ask.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

Facts = Mapping[str, str | int]
FIRST_EXIT_CODE: Final = 64
# Of one kind, in one verdict: a log that breaks everything must not fill a disk. It is counted for
# each kind by itself, so that many findings of one kind never hide another kind or its exit code.
MAX_FINDINGS: Final = 1000


class Kind(enum.StrEnum):
    """The kinds, the gravest first; never renamed, since scripts and kept files name them."""

    FORGED_CHECKPOINT = "forged_checkpoint"
    MALFORMED_CHECKPOINT = "malformed_checkpoint"
    FORK = "fork"
    ROLLED_BACK = "rolled_back"
    BELOW_QUORUM = "below_quorum"
    WRONG_KEYSET = "wrong_keyset"
    WRONG_TREE = "wrong_tree"
    CHANGED_ENTRY = "changed_entry"
    DROPPED_ENTRY = "dropped_entry"
    REORDERED_ENTRY = "reordered_entry"
    DUPLICATED_ENTRY = "duplicated_entry"
    TRUNCATED_TILE = "truncated_tile"
    WRONG_TILE = "wrong_tile"
    MALFORMED_ENTRY = "malformed_entry"
    WRONG_ORIGIN = "wrong_origin"
    WRONG_BATCH = "wrong_batch"
    FROM_THE_FUTURE = "from_the_future"
    MISSING_KEY_DESTRUCTION = "missing_key_destruction"
    OVERDUE = "overdue"
    GAP = "gap"
    HOLD_EXTENDED = "hold_extended"
    HOLD_OPEN = "hold_open"
    HOLD_TOO_LONG = "hold_too_long"
    HOLDS_TOO_MANY = "holds_too_many"
    HOLD_MISREPORTED = "hold_misreported"
    POLICY_MISSING = "policy_missing"
    POLICY_LOOSENED = "policy_loosened"
    LATENESS_UNTRUE = "lateness_untrue"
    BACK_DATED = "back_dated"
    LATE = "late"
    WEAKER_METHOD = "weaker_method"
    KEYSET_ROLLED_BACK = "keyset_rolled_back"
    KEYSET_EXPIRED = "keyset_expired"
    ANNEX_MISMATCH = "annex_mismatch"
    ANNEX_MALFORMED = "annex_malformed"
    ANNEX_OTHER_DAY = "annex_other_day"
    ANNEX_WITHOUT_ENTRY = "annex_without_entry"
    ANNEX_UNTRUE = "annex_untrue"
    ANNEX_SUM = "annex_sum"
    ANNEX_HELD = "annex_held"
    HOLD_TEXT_MISMATCH = "hold_text_mismatch"
    HOLD_TEXT_MALFORMED = "hold_text_malformed"
    HOLD_TEXT_WITHOUT_ENTRY = "hold_text_without_entry"
    HOLD_TEXT_UNTRUE = "hold_text_untrue"
    HOLD_TEXT_MISSING = "hold_text_missing"
    LOST_KEYS = "lost_keys"
    RESTORED = "restored"
    NOT_CLOSED = "not_closed"
    AFTER_THE_END = "after_the_end"
    CLOCK = "clock"
    DOWNTIME = "downtime"
    STALE = "stale"

    @property
    def exit_code(self) -> int:
        """Of a verification whose gravest finding this is."""
        return FIRST_EXIT_CODE + list(Kind).index(self)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that was found.

    Args:
        kind: Which.
        facts: Values for its words' placeholders: days, counts, classes, random ids.
    """

    kind: Kind
    facts: Facts = dataclasses.field(default_factory=lambda: MappingProxyType({}))


class Findings:
    """
    Collects findings, up to `MAX_FINDINGS` of each kind; what comes after is counted.

    Args:
        findings: What was found before.
        omitted_len: How many more.
    """

    def __init__(self, findings: Iterable[Finding] = (), *, omitted_len: int = 0) -> None:
        self.listed: list[Finding] = []
        self._lens: collections.Counter[Kind] = collections.Counter()
        self.omitted_len = omitted_len
        self.extend(findings)

    def add(self, kind: Kind, **facts: str | int) -> None:
        """
        Write a finding down.

        Args:
            kind: Which.
            facts: Its facts.
        """
        self.extend([Finding(kind=kind, facts=facts)])

    def extend(self, findings: Iterable[Finding]) -> None:
        """
        Write findings down.

        Args:
            findings: In their order.
        """
        for finding in findings:
            if self._lens[finding.kind] < MAX_FINDINGS:
                self._lens[finding.kind] += 1
                self.listed.append(finding)
            else:
                self.omitted_len += 1


def choose_exit_code(findings: Iterable[Finding]) -> int:
    """
    Choose how a verification ends.

    Args:
        findings: All of them.

    Returns:
        The code of the gravest; 0 if there is none.
    """
    return min((finding.kind.exit_code for finding in findings), default=0)
