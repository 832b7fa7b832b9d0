"""
Annexes: the exact counts of a day, as the operator hands them over.

Rules:
    1. An annex is believed no more than its day's hash in the log; then it still has to be in its
       format, of its day, and free of contradictions.
    2. The annexes of two days in a row add up, whenever they were written: what is stored, less
       what came and is in no tree yet, grows by what arrived and shrinks by what died. Over a
       restored backup nothing is added up: it brings back what was there before.
    3. Of a class that the log says was purged, nothing may be past its day, but under a hold, which
       holds tips alone. What is there all the same (its end was asked for after the night's purge)
       must be among the purged of the next annex.

docs/reference/log.md, "Annex".
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from tipline.audit.entries import CLASSES
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.places import MAX_ENTRY_BYTES
from tipline.audit.strict import MAX_INTEGER, decode_hash, parse_day, parse_object

VERSION: Final = 1
ONE_DAY: Final = datetime.timedelta(days=1)
_COUNTS: Final = ("purged", "early", "held", "stored")
_FIELDS: Final = ("v", "of", "salt", "arrived", "waiting", *_COUNTS)
# What cannot be more than what.
_NOT_MORE: Final = (("early", "purged"), ("held", "stored"))
# A tip is of one of these two by its size, which the tree over arrivals does not tell.
TIP_CLASSES: Final = ("sealed_tip", "attachment")
# One row for each tip that arrived, and nothing but a purge takes it away again. Of the others the
# annex does not tell how many came.
_SUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "sealed_tip, attachment": TIP_CLASSES,
    "upload_answer": ("upload_answer",),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """
    An annex.

    Args:
        of: Its day.
        arrived: How many tips are in the day's tree.
        waiting: How many came that are in no day's tree yet.
        counts: For `purged`, `early`, `held` and `stored`, a count for each class.
    """

    of: datetime.date
    arrived: int
    waiting: int
    counts: Mapping[str, Mapping[str, int]]

    def add_up(self, name: str, classes: Collection[str]) -> int:
        """
        Add up a count of some classes.

        Args:
            name: `purged`, `early`, `held` or `stored`.
            classes: Which.

        Returns:
            The sum.
        """
        return sum(self.counts[name][one] for one in classes)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """
    What the log says beside an annex that is believed.

    Args:
        annex: The annex.
        batch_on: The day of the batch that has its hash.
        purged: The classes of which it says by then that all that was due that day is gone.
        is_held: Whether a hold is open, as far as it says by then.
    """

    annex: Annex
    batch_on: datetime.date
    purged: Collection[str]
    is_held: bool


def parse_annex(untrusted: bytes) -> Annex:
    """
    Read an annex.

    Args:
        untrusted: Its bytes.

    Returns:
        The annex.

    Raises:
        MalformedError: it is not in its format.
    """
    value = parse_object(untrusted, max_bytes=MAX_ENTRY_BYTES)
    if tuple(value) != _FIELDS or type(value["v"]) is not int or value["v"] != VERSION:
        raise MalformedError("annex")
    decode_hash(value["salt"])
    for name in _COUNTS:
        counts = value[name]
        if not isinstance(counts, dict) or tuple(counts) != CLASSES:
            raise MalformedError("annex")
        for count in counts.values():
            _check_count(count)
    return Annex(
        of=parse_day(value["of"]),
        arrived=_check_count(value["arrived"]),
        waiting=_check_count(value["waiting"]),
        counts={name: value[name] for name in _COUNTS},
    )


def _check_count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise MalformedError("annex")
    return value


class Annexes:
    """
    The annexes that were handed over, held against the log.

    Args:
        findings: Where what is found goes.
        handed_over: Of each day.
    """

    def __init__(self, findings: Findings, handed_over: Mapping[datetime.date, bytes]) -> None:
        self._findings = findings
        self._handed_over = handed_over
        self._with_entry: set[datetime.date] = set()
        self._told: dict[datetime.date, Told] = {}
        self._restored: set[datetime.date] = set()

    @property
    def compared_len(self) -> int:
        """How many there were an entry for."""
        return len(self._with_entry)

    def take(
        self,
        of: datetime.date,
        sha256: str,
        *,
        batch_on: datetime.date,
        purged: Collection[str],
        is_held: bool,
    ) -> None:
        """
        Hold a day's annex, if it was handed over, against its entry.

        Args:
            of: The day.
            sha256: As the entry says.
            batch_on: The day of the entry's batch.
            purged: The classes of which the log says by then that all that was due is gone.
            is_held: Whether a hold is open, as far as the log says by then.
        """
        untrusted = self._handed_over.get(of)
        if untrusted is None:
            return
        self._with_entry.add(of)
        if hashlib.sha256(untrusted).hexdigest() != sha256:
            self._findings.add(Kind.ANNEX_MISMATCH, of=of.isoformat())
            return
        try:
            annex = parse_annex(untrusted)
        except MalformedError:
            self._findings.add(Kind.ANNEX_MALFORMED, of=of.isoformat())
            return
        if annex.of != of:
            self._findings.add(Kind.ANNEX_OTHER_DAY, of=of.isoformat(), says=annex.of.isoformat())
            return
        self._told[of] = Told(annex=annex, batch_on=batch_on, purged=purged, is_held=is_held)
        for less, more in _NOT_MORE:
            if any(annex.counts[less][name] > annex.counts[more][name] for name in CLASSES):
                self._findings.add(Kind.ANNEX_UNTRUE, of=of.isoformat(), less=less, more=more)

    def note_restore(self, batch_on: datetime.date) -> None:
        """
        Take note that a batch tells of a restored backup.

        Args:
            batch_on: The day of the batch.
        """
        self._restored.add(batch_on)

    def judge(self) -> Iterator[tuple[Kind, dict[str, str | int]]]:
        """
        Say what only all of them together show.

        Yields:
            A kind and its facts.
        """
        for of in sorted(self._handed_over.keys() - self._with_entry):
            yield Kind.ANNEX_WITHOUT_ENTRY, {"of": of.isoformat()}
        for of, told in sorted(self._told.items()):
            following = self._told.get(of + ONE_DAY)
            if following is None:
                continue
            is_one_batch = told.batch_on == following.batch_on
            if following.batch_on in self._restored and not is_one_batch:
                continue
            yield from _judge_sums(told.annex, following.annex)
            if not is_one_batch:  # what died since is counted in the first annex of a batch
                yield from _judge_held(told, following)


def _judge_sums(annex: Annex, following: Annex) -> Iterator[tuple[Kind, dict[str, str | int]]]:
    for name, classes in _SUMS.items():
        due = (
            annex.add_up("stored", classes)
            - annex.waiting
            + following.arrived
            + following.waiting
            - following.add_up("purged", classes)
        )
        found = following.add_up("stored", classes)
        if found != due:
            yield (
                Kind.ANNEX_SUM,
                {"of": following.of.isoformat(), "class": name, "count": found, "due": due},
            )


def _judge_held(told: Told, following: Told) -> Iterator[tuple[Kind, dict[str, str | int]]]:
    held, purged = told.annex.counts["held"], following.annex.counts["purged"]
    is_held = told.is_held or following.is_held
    for name in told.purged:
        if held[name] > purged[name] and not (is_held and name in TIP_CLASSES):
            facts: dict[str, str | int] = {"of": told.annex.of.isoformat(), "class": name}
            yield Kind.ANNEX_HELD, {**facts, "count": held[name] - purged[name]}
