"""
Reading a log from its first entry to its last, and holding every promise against what happened.

This is a pure function of the entries, in order, and of the day on which it is asked: no disk, no
network, no clock.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from tipline.audit.annexes import Annexes
from tipline.audit.days import ONE_DAY, Days
from tipline.audit.entries import parse_entry
from tipline.audit.errors import MalformedError
from tipline.audit.events import Events
from tipline.audit.findings import Finding, Findings, Kind
from tipline.audit.hold_texts import Handed, HoldTexts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """
    When the log was looked at before.

    Args:
        size: How many entries it had.
        on: The day, by the auditor's clock.
    """

    size: int
    on: datetime.date


class Replay:
    """
    What the log has said so far.

    Args:
        log: The log's verifier key.
        root: The desk root's verifier key, if the auditor gave it.
        today: In UTC.
        annexes: What the operator handed over of each day.
        hold_texts: What the operator handed over of holds; None if that was not asked for.
        seen: When the auditor looked before, and how much there was.
    """

    def __init__(
        self,
        *,
        log: str,
        root: str | None,
        today: datetime.date,
        annexes: Mapping[datetime.date, bytes] = MappingProxyType({}),
        hold_texts: Iterable[Handed] | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.findings = Findings()
        self.days = Days(self.findings)
        self.events = Events(self.findings, log=log, root=root)
        self.size = 0
        self.annexes = Annexes(self.findings, annexes)
        self.hold_texts = HoldTexts(self.findings, hold_texts)
        self._today = today
        self._seen = seen
        self._in_events = False
        self._ended = False
        self.is_over = False  # whether the rest could not be judged
        self._is_signed = False  # whether a checkpoint ended the last batch

    def take(self, untrusted: bytes) -> None:
        """
        Read the next entry.

        Args:
            untrusted: Its bytes.
        """
        number, self.size = self.size, self.size + 1
        if self.is_over:
            return
        try:
            entry = parse_entry(untrusted)
        except MalformedError as exc:
            self.findings.add(Kind.MALFORMED_ENTRY, number=number, detail=exc.code)
            return
        if entry.day > self._today + ONE_DAY:  # a day of grace for clocks
            self.findings.add(Kind.FROM_THE_FUTURE, number=number, day=entry.day.isoformat())
            self.is_over = True  # nothing after it can be judged
            return
        if number == 0 and entry.type != "origin":
            self.findings.add(Kind.WRONG_ORIGIN, number=number)
        last_on = self.days.last_on
        if last_on is None or entry.day > last_on:
            self._begin_batch(entry.day, number=number)
        elif self._is_signed:
            # All entries of a day are one batch, and the batch was signed already.
            self.findings.add(Kind.WRONG_BATCH, number=number, day=entry.day.isoformat())
            return
        elif entry.day < last_on:
            self.findings.add(Kind.REORDERED_ENTRY, number=number, day=entry.day.isoformat())
            return
        if not entry.is_of_day:
            self._in_events = True
            self.events.take(entry, number=number)
            self.hold_texts.take(entry)
            if entry.type == "restore":
                self.annexes.note_restore(entry.day)
            return
        if self._in_events:
            self.findings.add(Kind.REORDERED_ENTRY, number=number, day=entry.day.isoformat())
            self._in_events = False
        self.days.take(entry, number=number)
        if entry.type == "annex":
            self.annexes.take(
                entry.about,
                entry.fields["sha256"],
                batch_on=entry.day,
                purged=self.days.list_purged(entry.about),
                is_held=bool(self.events.holds),
            )

    def _begin_batch(self, day: datetime.date, *, number: int) -> None:
        self.end_batch()
        if self.events.ended and not self._ended:
            self.findings.add(Kind.AFTER_THE_END, number=number)
            self._ended = True
        seen = self._seen
        # A day of grace for clocks: what was not there two days later was made afterwards.
        if seen is not None and number >= seen.size and day + ONE_DAY < seen.on:
            self.findings.add(Kind.BACK_DATED, day=day.isoformat(), seen_on=seen.on.isoformat())
        self.days.begin_batch(day)
        self._in_events = self._is_signed = False

    def end_batch(self) -> None:
        """Say that the batch is complete: a checkpoint was signed over it."""
        if self.days.last_on is not None:
            self.days.end_batch()
            self.events.end_batch(self.days.last_on)

    def judge(self) -> Findings:
        """
        Say all that was found, with what is still owed today.

        Returns:
            All findings, in no order.
        """
        found = Findings(self.findings.listed, omitted_len=self.findings.omitted_len)
        for kind, first, last, duty in self.days.list_open():
            found.add(
                kind,
                first=first.isoformat(),
                last=last.isoformat(),
                days=(last - first).days + 1,
                duty=duty,
            )
        last_on = self.days.last_on
        for kind, facts in self.annexes.judge():
            found.add(kind, **facts)
        for kind, facts in self.hold_texts.judge(open_holds=self.events.holds, last_on=last_on):
            found.add(kind, **facts)
        is_known = last_on is not None and not self.is_over and not self.events.ended
        if last_on is not None and is_known and self._today - last_on > ONE_DAY:
            found.add(Kind.STALE, last=last_on.isoformat(), days=(self._today - last_on).days)
        return found

    def format_state(self) -> dict[str, Any]:
        """
        Write down what has to be known to go on after the last batch.

        Returns:
            What JSON holds.
        """
        return {
            "size": self.size,
            "after_the_end": self._ended,
            "days": self.days.format_state(),
            "events": self.events.format_state(),
            "omitted": self.findings.omitted_len,
            "findings": [[found.kind, dict(found.facts)] for found in self.findings.listed],
        }

    def parse_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what was written down.

        Args:
            state: What `format_state` gave.

        Raises:
            MalformedError: it is not such a thing.
        """
        try:
            self.size, self._is_signed = int(state["size"]), True
            self._ended = bool(state["after_the_end"])
            self.days.parse_state(state["days"])
            self.events.parse_state(state["events"])
            self.findings.omitted_len = int(state["omitted"])
            self.findings.extend(
                Finding(kind=Kind(kind), facts=dict(facts)) for kind, facts in state["findings"]
            )
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as exc:
            raise MalformedError("state") from exc
