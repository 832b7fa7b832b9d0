"""
Annexes: the exact counts of a day, as the operator hands them over.

Rules:
    1. An annex is believed no more than its day's hash in the log; then it still has to be in its
       format, of its day, and free of contradictions.
    2. What is past its day while the log shows no hold may wait for the next night's purge (its end
       was asked for after the last one). The next day's annex must then count it among the purged.

docs/reference/log.md, "Annex".
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Iterator, Mapping
from typing import Final

from tipline.audit.entries import CLASSES
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.places import MAX_ENTRY_BYTES
from tipline.audit.strict import MAX_INTEGER, decode_hash, parse_day, parse_object

VERSION: Final = 1
ONE_DAY: Final = datetime.timedelta(days=1)
_COUNTS: Final = ("purged", "early", "held", "stored")
_FIELDS: Final = ("v", "of", "salt", "arrived", *_COUNTS)
# What cannot be more than what.
_NOT_MORE: Final = (("early", "purged"), ("held", "stored"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Annex:
    """
    An annex.

    Args:
        of: Its day.
        counts: For `purged`, `early`, `held` and `stored`, a count for each class.
    """

    of: datetime.date
    counts: Mapping[str, Mapping[str, int]]


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
    _check_count(value["arrived"])
    for name in _COUNTS:
        counts = value[name]
        if not isinstance(counts, dict) or tuple(counts) != CLASSES:
            raise MalformedError("annex")
        for count in counts.values():
            _check_count(count)
    return Annex(of=parse_day(value["of"]), counts={name: value[name] for name in _COUNTS})


def _check_count(value: object) -> None:
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise MalformedError("annex")


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
        self._told: set[datetime.date] = set()
        self._read: dict[datetime.date, Annex] = {}
        self._with_hold: set[datetime.date] = set()

    @property
    def compared_len(self) -> int:
        """How many there were an entry for."""
        return len(self._told)

    def take(self, of: datetime.date, sha256: str, *, is_held: bool) -> None:
        """
        Hold a day's annex, if it was handed over, against its entry.

        Args:
            of: The day.
            sha256: As the entry says.
            is_held: Whether a hold is open, as far as the log says by then.
        """
        untrusted = self._handed_over.get(of)
        if untrusted is None:
            return
        self._told.add(of)
        if is_held:
            self._with_hold.add(of)
        if hashlib.sha256(untrusted).hexdigest() != sha256:
            self._findings.add(Kind.ANNEX_MISMATCH, of=of.isoformat())
            return
        try:
            annex = parse_annex(untrusted)
        except MalformedError:
            self._refuse(of, "format")
            return
        if annex.of != of:
            self._refuse(of, "of")
            return
        self._read[of] = annex
        for less, more in _NOT_MORE:
            if any(annex.counts[less][name] > annex.counts[more][name] for name in CLASSES):
                self._refuse(of, less)

    def judge(self) -> Iterator[tuple[Kind, dict[str, str | int]]]:
        """
        Say what only all of them together show.

        Yields:
            A kind and its facts.
        """
        for of in sorted(self._handed_over.keys() - self._told):
            yield Kind.ANNEX_UNTRUE, {"of": of.isoformat(), "what": "entry"}
        for of, annex in self._read.items():
            following = self._read.get(of + ONE_DAY)
            if following is None or {of, following.of} & self._with_hold:
                continue
            held, purged = annex.counts["held"], following.counts["purged"]
            if any(held[name] > purged[name] for name in CLASSES):
                yield Kind.ANNEX_UNTRUE, {"of": of.isoformat(), "what": "held"}

    def _refuse(self, of: datetime.date, what: str) -> None:
        self._findings.add(Kind.ANNEX_UNTRUE, of=of.isoformat(), what=what)
