"""
The promises around events: policies that do not loosen, holds that end, a log that ends once.

docs/reference/log.md, "Entries of events".
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Self

from tipline.audit.entries import Entry, check_periods
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.strict import MAX_INTEGER, decode_hash, parse_day

MAX_HOLDS: Final = 10_000  # open at once; a log cannot make a verifier remember more
MAX_TOLD: Final = 5_000  # events that the report shows; the newest
MAX_HOLD_DAYS: Final = 366  # docs/reference/log.md, "Entries of events"
# A hold ends with the night of its day: a machine that was off then tells it the day after.
_GRACE_DAYS: Final = 1
_LATE_BATCHES: Final = 2  # of the day itself, and of the day after
# The longest period of what a line stores: on the day of the end and so many days later nothing can
# be there any more but what is held.
_LONGEST: Final = ("sealed_tip", "arrived")
_CLOSE_STEPS: Final = ("announced", "intake_stopped", "keys_destroyed", "closed")
Told = tuple[str, str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeysetUsed:
    """
    A keyset, as the log names it or as it was read.

    Args:
        number: Rises with every keyset.
        sha256: Of the whole note, in hex.
        valid_until: The last day on which it is.
    """

    number: int
    sha256: str
    valid_until: datetime.date

    def format_state(self) -> dict[str, Any]:
        """
        Write it down.

        Returns:
            What JSON holds.
        """
        return {
            "number": self.number,
            "sha256": self.sha256,
            "valid_until": self.valid_until.isoformat(),
        }

    @classmethod
    def parse_state(cls, state: dict[str, Any]) -> Self:
        """
        Read what was written down, or a keyset's fields.

        Args:
            state: What `format_state` gave.

        Returns:
            The keyset.

        Raises:
            MalformedError: it is not one.
        """
        number, sha256 = state["number"], state["sha256"]
        decode_hash(sha256)
        if type(number) is not int or not 0 <= number <= MAX_INTEGER:
            raise MalformedError("keyset")
        return cls(number=number, sha256=sha256, valid_until=parse_day(state["valid_until"]))


class Events:
    """
    What events promised.

    Args:
        findings: Where what is found goes.
        log: The log's verifier key.
        root: The desk root's verifier key, if the auditor gave it.
    """

    def __init__(self, findings: Findings, *, log: str, root: str | None) -> None:
        self._findings = findings
        self._log = log
        self._root = root
        self._last_on: datetime.date | None = None
        self.periods: Mapping[str, Mapping[str, int]] | None = None
        self.holds: dict[str, datetime.date] = {}
        self._commitments: dict[str, str] = {}  # of the holds that are open
        self._overdue_holds: set[str] = set()
        self._told_too_many = False
        self.keyset: KeysetUsed | None = None  # the one with the highest number
        self._told_expired = False
        self._closes_on: datetime.date | None = None
        self._close_step = -1
        self._ends_on: datetime.date | None = None  # the first day on which the log may end
        self._late_len = 0  # batches since the log may end
        self._told_not_closed = False
        self.ended = False
        self.told: list[Told] = []
        self._take: Mapping[str, Callable[[Entry, int], None]] = {
            "origin": self._take_origin,
            "policy": self._take_policy,
            "keyset": self._take_keyset,
            "page": self._take_fact,
            "hold": self._take_hold,
            "epoch": self._take_epoch,
            "clock": self._take_clock,
            "backup": self._take_fact,
            "restore": self._take_restore,
            "lost_keys": self._take_lost_keys,
            "close": self._take_close,
        }

    def take(self, entry: Entry, *, number: int) -> None:
        """
        Hold one event against what was promised.

        Args:
            entry: Of the batch begun last.
            number: Of the entry in the log.
        """
        if self._last_on is not None and entry.about < self._last_on:
            self._findings.add(Kind.REORDERED_ENTRY, number=number, day=entry.day.isoformat())
        else:
            self._last_on = entry.about
        self._take[entry.type](entry, number)

    def end_batch(self, day: datetime.date) -> None:
        """
        Say what a batch should have told of events, and did not.

        Args:
            day: Of the batch that ends.
        """
        if self.periods is None:
            self._findings.add(Kind.POLICY_MISSING, day=day.isoformat())
            self.periods = {}  # said once
        for hold, until in self.holds.items():
            if (day - until).days > _GRACE_DAYS and hold not in self._overdue_holds:
                self._overdue_holds.add(hold)
                self._findings.add(
                    Kind.HOLD_OPEN, hold=hold, until=until.isoformat(), day=day.isoformat()
                )
        keyset = self.keyset
        if (
            keyset is not None
            and not self._told_expired
            and self._close_step < _CLOSE_STEPS.index("intake_stopped")
            and (day - keyset.valid_until).days > _GRACE_DAYS
        ):
            self._told_expired = True
            self._findings.add(
                Kind.KEYSET_EXPIRED,
                number=keyset.number,
                until=keyset.valid_until.isoformat(),
                day=day.isoformat(),
            )
        if (
            self._closes_on is not None
            and self._close_step < _CLOSE_STEPS.index("intake_stopped")
            and not self._told_not_closed
            and (day - self._closes_on).days > _GRACE_DAYS
        ):
            self._told_not_closed = True
            self._findings.add(Kind.NOT_CLOSED, on=self._closes_on.isoformat())
        if self._ends_on is None or self.ended or self._told_not_closed or day < self._ends_on:
            return
        if self.holds:  # they keep the line from its end
            self._ends_on, self._late_len = day, 0
            return
        # Counted in batches: one that was off, or its clock in doubt, had no night to end in.
        self._late_len += 1
        if self._late_len > _LATE_BATCHES:
            self._told_not_closed = True
            self._findings.add(Kind.NOT_CLOSED, on=self._ends_on.isoformat())

    def _tell(self, entry: Entry, what: str = "") -> None:
        self.told.append((entry.about.isoformat(), entry.type, what))
        if len(self.told) > MAX_TOLD:
            del self.told[: MAX_TOLD // 10]

    def _take_fact(self, entry: Entry, number: int) -> None:
        self._tell(entry)

    def _take_origin(self, entry: Entry, number: int) -> None:
        self._tell(entry)
        root = entry.fields["root"]
        name = "tipline-log/" + hashlib.sha256(root.encode()).hexdigest()[:16]
        if (
            number != 0
            or entry.fields["log"] != self._log
            or self._log.partition("+")[0] != name
            or self._root not in (None, root)
        ):
            self._findings.add(Kind.WRONG_ORIGIN, number=number)

    def _take_policy(self, entry: Entry, number: int) -> None:
        self._tell(entry)
        periods = entry.fields["periods"]
        for class_, before in (self.periods or {}).items():
            for event, days in before.items():
                now = periods[class_][event]
                if now > days:
                    self._findings.add(
                        Kind.POLICY_LOOSENED,
                        **{"class": class_},
                        event=event,
                        before=days,
                        after=now,
                        on=entry.about.isoformat(),
                    )
        self.periods = periods

    def _take_keyset(self, entry: Entry, number: int) -> None:
        self._tell(entry, str(entry.fields["number"]))
        installed = KeysetUsed(
            number=entry.fields["number"],
            sha256=entry.fields["sha256"],
            valid_until=parse_day(entry.fields["valid_until"]),
        )
        if self.keyset is not None and installed.number <= self.keyset.number:
            self._findings.add(
                Kind.KEYSET_ROLLED_BACK,
                number=installed.number,
                before=self.keyset.number,
                on=entry.about.isoformat(),
            )
            return
        self.keyset, self._told_expired = installed, False

    def _take_hold(self, entry: Entry, number: int) -> None:
        hold, step = entry.fields["hold"], entry.fields["step"]
        until = parse_day(entry.fields["until"])
        self._tell(entry, f"{step} {hold} {until}")
        facts: dict[str, str | int] = {
            "hold": hold,
            "day": entry.day.isoformat(),
            "until": until.isoformat(),
        }
        known = self.holds.get(hold)
        if known is not None and until > known:
            self._findings.add(Kind.HOLD_EXTENDED, before=known.isoformat(), **facts)
        elif (
            (step == "placed") == (known is not None)
            or (known is not None and until < known)
            or (step == "expired" and entry.about < until)
            or (step == "placed" and until <= entry.about)
            or self._commitments.get(hold, entry.fields["commitment"]) != entry.fields["commitment"]
        ):
            self._findings.add(Kind.HOLD_MISREPORTED, step=step, **facts)
        if step != "placed":
            self.holds.pop(hold, None)
            self._commitments.pop(hold, None)
            self._overdue_holds.discard(hold)
            return
        if (until - entry.about).days > MAX_HOLD_DAYS:
            self._findings.add(
                Kind.HOLD_TOO_LONG,
                hold=hold,
                on=entry.about.isoformat(),
                days=(until - entry.about).days,
                limit=MAX_HOLD_DAYS,
            )
        if len(self.holds) < MAX_HOLDS:
            self.holds.setdefault(hold, until)
            self._commitments.setdefault(hold, entry.fields["commitment"])
        elif hold not in self.holds and not self._told_too_many:
            self._told_too_many = True
            self._findings.add(Kind.HOLDS_TOO_MANY, on=entry.about.isoformat(), limit=MAX_HOLDS)

    def _take_epoch(self, entry: Entry, number: int) -> None:
        self._tell(entry, entry.fields["epoch"])
        if entry.fields["late_days"]:
            self._findings.add(
                Kind.LATE,
                day=entry.day.isoformat(),
                count=1,
                days=entry.fields["late_days"],
                first=entry.about.isoformat(),
                last=entry.about.isoformat(),
            )

    def _take_clock(self, entry: Entry, number: int) -> None:
        self._tell(entry, f"{entry.fields['step']} {entry.fields['until']}")
        self._findings.add(
            Kind.CLOCK,
            step=entry.fields["step"],
            on=entry.about.isoformat(),
            until=entry.fields["until"],
        )

    def _take_restore(self, entry: Entry, number: int) -> None:
        self._tell(entry, entry.fields["from_day"])
        self._findings.add(
            Kind.RESTORED, on=entry.about.isoformat(), from_day=entry.fields["from_day"]
        )

    def _take_lost_keys(self, entry: Entry, number: int) -> None:
        self._tell(entry)
        self._findings.add(Kind.LOST_KEYS, on=entry.about.isoformat())

    def _take_close(self, entry: Entry, number: int) -> None:
        step = entry.fields["step"]
        self._tell(entry, f"{step} {entry.fields['closes_on']}")
        if step in ("handed_over", "cancelled"):
            if self._close_step >= _CLOSE_STEPS.index("intake_stopped"):
                # There is no way back from there: it would put the end off for ever.
                self._findings.add(Kind.WRONG_BATCH, number=number, day=entry.day.isoformat())
            else:
                self._closes_on, self._close_step = None, -1
            return
        place = _CLOSE_STEPS.index(step)
        is_early = step == "keys_destroyed" and (
            bool(self.holds) or (self._ends_on is not None and entry.day < self._ends_on)
        )
        if place > self._close_step + 1 or place < self._close_step or is_early:
            self._findings.add(Kind.WRONG_BATCH, number=number, day=entry.day.isoformat())
        self._close_step = max(place, self._close_step)
        if self._closes_on is None:
            self._closes_on = parse_day(entry.fields["closes_on"])
        if step == "intake_stopped" and self.periods and self._ends_on is None:
            class_, event = _LONGEST
            days = datetime.timedelta(days=self.periods[class_][event])
            self._ends_on = self._closes_on + days
        self.ended = step == "closed"

    def format_state(self) -> dict[str, Any]:
        """
        Write down what has to be known to go on.

        Returns:
            What JSON holds.
        """
        return {
            "last_on": None if self._last_on is None else self._last_on.isoformat(),
            "periods": self.periods,
            "holds": {hold: until.isoformat() for hold, until in self.holds.items()},
            "commitments": self._commitments,
            "overdue_holds": sorted(self._overdue_holds),
            "too_many_holds": self._told_too_many,
            "keyset": None if self.keyset is None else self.keyset.format_state(),
            "told_expired": self._told_expired,
            "closes_on": None if self._closes_on is None else self._closes_on.isoformat(),
            "close_step": self._close_step,
            "ends_on": None if self._ends_on is None else self._ends_on.isoformat(),
            "late_batches": self._late_len,
            "told_not_closed": self._told_not_closed,
            "ended": self.ended,
            "told": self.told,
        }

    def parse_state(self, state: dict[str, Any]) -> None:
        """
        Go on from what was written down.

        Args:
            state: What `format_state` gave.

        Raises:
            MalformedError: it is not such a thing.
        """
        self._last_on = None if state["last_on"] is None else parse_day(state["last_on"])
        self.periods = state["periods"]
        if self.periods:  # empty: the log named none, and that was said
            check_periods(self.periods)
        self.holds = {str(hold): parse_day(until) for hold, until in state["holds"].items()}
        self._commitments = {str(hold): str(one) for hold, one in state["commitments"].items()}
        self._overdue_holds = {str(hold) for hold in state["overdue_holds"]}
        self._closes_on = None if state["closes_on"] is None else parse_day(state["closes_on"])
        self._ends_on = None if state["ends_on"] is None else parse_day(state["ends_on"])
        self.keyset = None if state["keyset"] is None else KeysetUsed.parse_state(state["keyset"])
        self._close_step, self._told_expired = int(state["close_step"]), bool(state["told_expired"])
        self._told_too_many = bool(state["too_many_holds"])
        self._late_len = int(state["late_batches"])
        self._told_not_closed, self.ended = bool(state["told_not_closed"]), bool(state["ended"])
        self.told = [(str(day), str(type_), str(what)) for day, type_, what in state["told"]]
        if len(self.told) > MAX_TOLD or len(self.holds) > MAX_HOLDS:
            raise MalformedError("state")
