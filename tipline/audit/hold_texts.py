"""
The private texts of holds, as the operator hands them over: who asked, who agreed, and why.

Rules:
    1. The operator hands over what `tipline hold list DIR --json` writes. Of it, salts and texts
       alone are read; whatever else stands there is believed by nobody.
    2. A text is believed no more than its commitment in the log; then it still has to be in its
       format, to fit the log's own words, and to name two persons.
    3. A hold that is open has a text. One that ended may have none: its key dies by `log_text`.
    4. A hold that was placed since the last batch is not in the log yet, and is not judged.

docs/reference/log.md, "Private texts".
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from tipline.audit.entries import Entry
from tipline.audit.errors import MalformedError
from tipline.audit.findings import Findings, Kind
from tipline.audit.strict import decode_hash, parse_day, parse_object

VERSION: Final = 1
MAX_TEXT_BYTES: Final = 16_384
_FIELDS: Final = (
    "v",
    "hold",
    "placed_on",
    "until_on",
    "channel",
    "first_person",
    "second_person",
    "reason",
)
_LINES: Final = ("first_person", "second_person", "reason")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """
    A text as it was handed over.

    Args:
        salt: 32 bytes.
        text: Untrusted.
    """

    salt: bytes
    text: bytes

    @property
    def commitment(self) -> str:
        """What the log must say of it, in hex."""
        return hashlib.sha256(self.salt + self.text).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldText:
    """
    A hold's text.

    Args:
        hold: The hold, in hex.
        placed_on: The day on which it was placed.
        until_on: The first day on which it no longer holds.
        persons: Who asked for it, and who agreed.
        reason: Why.
        commitment: To salt and text, in hex.
    """

    hold: str
    placed_on: datetime.date
    until_on: datetime.date
    persons: tuple[str, str]
    reason: str
    commitment: str


def parse_listed(untrusted: bytes) -> tuple[Handed, ...]:
    """
    Read what the operator handed over.

    Args:
        untrusted: As `tipline hold list DIR --json` writes it.

    Returns:
        The texts, in their order. A hold whose words are lost has none.

    Raises:
        MalformedError: it is not such a thing.
    """
    try:
        value = json.loads(untrusted)
        words = [hold["words"] for hold in value["holds"]]
        return tuple(
            Handed(salt=decode_hash(one["salt"]), text=one["text"].encode())
            for one in (*words, *value["ended"])
            if one is not None
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as exc:
        raise MalformedError("holds") from exc


def parse_text(handed: Handed) -> HoldText:
    """
    Read a hold's text.

    Args:
        handed: As it was handed over.

    Returns:
        The text.

    Raises:
        MalformedError: it is not in its format.
    """
    value = parse_object(handed.text, max_bytes=MAX_TEXT_BYTES)
    if tuple(value) != _FIELDS or type(value["v"]) is not int or value["v"] != VERSION:
        raise MalformedError("hold_text")
    lines = [value[name] for name in _LINES]
    channel = value["channel"]
    if not all(isinstance(line, str) for line in lines):
        raise MalformedError("hold_text")
    if channel is not None and not isinstance(channel, str):
        raise MalformedError("hold_text")
    if not isinstance(value["hold"], str):
        raise MalformedError("hold_text")
    return HoldText(
        hold=value["hold"],
        placed_on=parse_day(value["placed_on"]),
        until_on=parse_day(value["until_on"]),
        persons=(value["first_person"], value["second_person"]),
        reason=value["reason"],
        commitment=handed.commitment,
    )


class HoldTexts:
    """
    The texts that were handed over, held against the log.

    Args:
        findings: Where what is found goes.
        handed_over: The texts; None if none were asked for.
    """

    def __init__(self, findings: Findings, handed_over: Iterable[Handed] | None) -> None:
        self._asked = handed_over is not None
        self._texts: dict[str, HoldText] = {}
        self._placed: dict[str, Entry] = {}
        self._clock_jumped = False
        for number, handed in enumerate(handed_over or (), start=1):
            try:
                text = parse_text(handed)
            except MalformedError:
                findings.add(Kind.HOLD_TEXT_MALFORMED, number=number)
                continue
            self._texts[text.hold] = text

    @property
    def compared_len(self) -> int:
        """How many there was a hold for."""
        return len(self._placed)

    def take(self, entry: Entry) -> None:
        """
        Take note of an event.

        Args:
            entry: Any event.
        """
        if entry.type == "clock":
            self._clock_jumped = True
        elif entry.type == "hold" and entry.fields["step"] == "placed":
            hold = entry.fields["hold"]
            if hold in self._texts:
                self._placed.setdefault(hold, entry)

    def judge(
        self, *, open_holds: Collection[str], last_on: datetime.date | None
    ) -> Iterator[tuple[Kind, dict[str, Any]]]:
        """
        Say what the texts show, after the last entry.

        Args:
            open_holds: Ids of the holds that are open, in hex.
            last_on: The day of the last batch; None if there is none.

        Yields:
            A kind and its facts.
        """
        if not self._asked:
            return
        for hold, text in self._texts.items():
            entry = self._placed.get(hold)
            if entry is None:
                if last_on is not None and text.placed_on < last_on:
                    yield Kind.HOLD_TEXT_WITHOUT_ENTRY, {"hold": hold}
            elif entry.fields["commitment"] != text.commitment:
                yield Kind.HOLD_TEXT_MISMATCH, {"hold": hold}
            else:
                for what in self._contradict(text, entry):
                    yield Kind.HOLD_TEXT_UNTRUE, {"hold": hold, "what": what}
        for hold in sorted(set(open_holds) - self._texts.keys()):
            yield Kind.HOLD_TEXT_MISSING, {"hold": hold}

    def _contradict(self, text: HoldText, entry: Entry) -> Iterator[str]:
        # After a jump of the clock an event may be dated by another day than its text.
        if text.placed_on != entry.about and not self._clock_jumped:
            yield "placed_on"
        if text.until_on.isoformat() != entry.fields["until"]:
            yield "until_on"
        first, second = (_fold(person) for person in text.persons)
        if not first or not second or first == second:
            yield "persons"
        if not text.reason.strip():
            yield "reason"


def _fold(person: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", person).casefold().split())
