"""
The promises of every day: that its arrivals are committed to, its key is gone, and everything due
is gone, each told once and in time.

Rules:
    1. For each day from the first batch on there is one `arrivals`, one `day_key`, one `purge` of
       each class, one `annex`. What a batch should have brought and did not stays open.
    2. `late_days` must be possible: not after the batch that tells it, and not before the last
       batch that did not tell it, since it was not true then.
    3. Lateness that a time without batches explains is told with that time; any other by itself.

docs/reference/log.md, "Batch".
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any, Final

from tipline.audit.entries import CLASSES, METHODS, Entry
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.strict import parse_day

ONE_DAY: Final = datetime.timedelta(days=1)
MAX_OPEN_DAYS: Final = 40_000  # a century; a log cannot make a verifier remember more
# What a day has, in the order in which it stands in a batch; a bit each.
DUTIES: Final = ("arrivals", "day_key", *CLASSES, "annex")
PLACES: Final = {duty: place for place, duty in enumerate(DUTIES)}
ALL: Final = (1 << len(DUTIES)) - 1
_TOLD_AT_ONCE: Final = (1 << PLACES["arrivals"]) | (1 << PLACES["annex"])


@dataclasses.dataclass(slots=True, kw_only=True)
class Lateness:
    """What one batch told late."""

    count: int = 0
    most_days: int = 0
    first_of: datetime.date | None = None
    last_of: datetime.date | None = None

    def add(self, of: datetime.date, late_days: int) -> None:
        """
        Count one entry.

        Args:
            of: Its day.
            late_days: How late.
        """
        self.count += 1
        self.most_days = max(self.most_days, late_days)
        self.first_of = of if self.first_of is None else min(self.first_of, of)
        self.last_of = of if self.last_of is None else max(self.last_of, of)


class Days:
    """
    What each day owes.

    Args:
        findings: Where what is found goes.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.first_on: datetime.date | None = None
        self.last_on: datetime.date | None = None
        self.open: dict[datetime.date, int] = {}
        self._before: datetime.date | None = None
        self._place: tuple[datetime.date, int] | None = None
        self._late = Lateness()
        self._excused = Lateness()
        self._methods: dict[str, str] = {}  # by duty: one class may have another than the day's key
        self._weaker = False

    def begin_batch(self, day: datetime.date) -> None:
        """
        Begin the batch of a day.

        Args:
            day: After that of the batch before.
        """
        self._before, self.last_on = self.last_on, day
        self._place = None
        self._late, self._excused = Lateness(), Lateness()
        self._weaker = False
        if self._before is None:
            self.first_on = day
            return
        of = self._before
        while of < day and len(self.open) < MAX_OPEN_DAYS:
            self.open[of] = ALL
            of += ONE_DAY

    def take(self, entry: Entry, *, number: int) -> None:
        """
        Hold one entry of a day against what is owed.

        Args:
            entry: Of the batch begun last.
            number: Of the entry in the log.
        """
        of, duty = entry.about, str(entry.fields.get("class", entry.type))
        place = (of, PLACES[duty])
        bit = 1 << PLACES[duty]
        if not self.open.get(of, 0) & bit:
            known = self.first_on is not None and of >= self.first_on and self._before is not None
            kind = Kind.DUPLICATED_ENTRY if known else Kind.WRONG_BATCH
            self._findings.add(kind, number=number, day=entry.day.isoformat())
            return
        if self._place is not None and place < self._place:
            self._findings.add(Kind.REORDERED_ENTRY, number=number, day=entry.day.isoformat())
        else:
            self._place = place
        left = self.open[of] & ~bit
        if left:
            self.open[of] = left
        else:
            del self.open[of]
        if bit & _TOLD_AT_ONCE:
            self._check_at_once(entry)
        else:
            self._check_lateness(entry)

    def list_purged(self, of: datetime.date) -> tuple[str, ...]:
        """
        List what the log says of a day by now is gone.

        Args:
            of: The day.

        Returns:
            The classes.
        """
        owed = self.open.get(of, 0)
        return tuple(name for name in CLASSES if not owed & (1 << PLACES[name]))

    def _check_at_once(self, entry: Entry) -> None:
        if self._before is not None and entry.about < self._before:
            self._findings.add(
                Kind.GAP,
                first=entry.about.isoformat(),
                last=entry.about.isoformat(),
                duty=entry.type,
                came=entry.day.isoformat(),
            )

    def _check_lateness(self, entry: Entry) -> None:
        of, late_days = entry.about, entry.fields["late_days"]
        self._check_method(str(entry.fields.get("class", entry.type)), entry.fields["method"])
        done_on = of + datetime.timedelta(days=late_days)
        before = self._before if self._before is not None else of
        lacking = of < before  # the batch before should have told it, and did not
        if done_on > entry.day or (lacking and done_on < before):
            self._findings.add(
                Kind.LATENESS_UNTRUE,
                of=of.isoformat(),
                duty=str(entry.fields.get("class", entry.type)),
                late_days=late_days,
                day=entry.day.isoformat(),
            )
        elif late_days:
            was_down = entry.day - before > ONE_DAY and not lacking
            (self._excused if was_down else self._late).add(of, late_days)

    def _check_method(self, duty: str, method: str) -> None:
        if method not in METHODS:
            return  # nothing was there: neither weaker nor stronger
        if self._methods.get(duty) == METHODS[1] and method == METHODS[0]:
            self._weaker = True
        self._methods[duty] = method

    def end_batch(self) -> None:
        """Say what the batch that ends showed."""
        day, before = self.last_on, self._before
        if day is None or before is None:
            return
        if day - before > ONE_DAY:
            self._findings.add(
                Kind.DOWNTIME,
                first=(before + ONE_DAY).isoformat(),
                last=(day - ONE_DAY).isoformat(),
                days=(day - before).days - 1,
                late_count=self._excused.count,
                late_days=self._excused.most_days,
            )
        late = self._late
        if late.first_of is not None and late.last_of is not None:
            self._findings.add(
                Kind.LATE,
                day=day.isoformat(),
                count=late.count,
                days=late.most_days,
                first=late.first_of.isoformat(),
                last=late.last_of.isoformat(),
            )
        if self._weaker:
            self._findings.add(Kind.WEAKER_METHOD, day=day.isoformat())

    def list_open(self) -> Iterator[tuple[Kind, datetime.date, datetime.date, str]]:
        """
        List what is owed and was not told, days in a row together.

        Yields:
            The kind, the first and the last day, and what: a class, `day_key`, `arrivals`, `annex`
            or `everything`.
        """
        runs: dict[str, list[datetime.date]] = {}
        for of in sorted(self.open):
            mask = self.open[of]
            duties = (
                ("everything",)
                if mask == ALL
                else tuple(duty for duty, place in PLACES.items() if mask & (1 << place))
            )
            for duty in duties:
                run = runs.get(duty)
                if run is not None and run[1] + ONE_DAY == of:
                    run[1] = of
                    continue
                if run is not None:
                    yield _name_kind(duty), run[0], run[1], duty
                runs[duty] = [of, of]
        for duty, (first, last) in runs.items():
            yield _name_kind(duty), first, last, duty

    def format_state(self) -> dict[str, Any]:
        """
        Write down what has to be known to go on.

        Returns:
            What JSON holds.
        """
        return {
            "first_on": None if self.first_on is None else self.first_on.isoformat(),
            "last_on": None if self.last_on is None else self.last_on.isoformat(),
            "methods": self._methods,
            "open": {of.isoformat(): mask for of, mask in sorted(self.open.items())},
        }

    def parse_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what was written down.

        Args:
            state: What `format_state` gave.

        Raises:
            MalformedError: it is not such a thing.
        """
        self.first_on, self.last_on = parse_day(state["first_on"]), parse_day(state["last_on"])
        self._methods = dict(state["methods"])
        self.open = {parse_day(of): mask for of, mask in state["open"].items()}
        if not PLACES.keys() >= self._methods.keys() or not set(METHODS) >= set(
            self._methods.values()
        ):
            raise MalformedError("state")
        if any(type(mask) is not int or not 0 < mask <= ALL for mask in self.open.values()):
            raise MalformedError("state")


def _name_kind(duty: str) -> Kind:
    if duty == "day_key":
        return Kind.MISSING_KEY_DESTRUCTION
    return Kind.OVERDUE if duty in CLASSES else Kind.GAP
