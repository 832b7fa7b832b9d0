"""
Holds: what must be kept beyond its day, by whose word, why, and until when.

Rules:
1. Two different persons are named, and a reason.
2. A hold ends on a day that is fixed when it is placed, at most `MAX_HOLD_DAYS` later. It is never
   extended: who needs longer places another one, with another id, and the log shows both.
3. It covers tips that are named, or one channel with what will arrive there as long as it lasts.
4. Persons, reason and channel are a private text. The log is told its commitment alone.

Limitations: nobody checks that two persons agreed, or that they are who they are called; whoever
can place a hold can name anybody. An operator can hold for ever, by one hold after another. The log
shows every one of them.
"""

from __future__ import annotations

import dataclasses
import datetime
import unicodedata
from collections.abc import Iterable
from typing import Final

from crypto.errors import MalformedError
from crypto.strict import format_json, parse_json_object
from retention.errors import HoldError
from retention.log.entry import (
    ENTRY_VERSION,
    EntryType,
    HoldStep,
    Statement,
    make_commitment,
    make_statement,
)

HOLD_ID_BYTES: Final = 16
MAX_HOLD_DAYS: Final = 366  # a court that needs longer is asked again: once a year is not too often
MAX_PERSON_CHARACTERS: Final = 120
MAX_REASON_CHARACTERS: Final = 1000  # an order's number, court and date fit; a file of the case not
MAX_TEXT_BYTES: Final = 16384  # twelve bytes for each character at most, and the rest
MAX_HOLD_TIPS: Final = 10_000  # of one hold by ids; more are a channel


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldTerms:
    """
    What is asked for, checked: only `check_terms` makes it.

    Args:
        first_person: Who asks for it.
        second_person: Who agrees; another person.
        reason: Why.
        until_on: The first day on which it no longer holds.
        channel: Whose tips it holds, those to come, too; None if it names tips.
        tips: Ids of the tips it holds; none if it names a channel.
    """

    first_person: str
    second_person: str
    reason: str
    until_on: datetime.date
    channel: str | None
    tips: tuple[bytes, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldWords:
    """
    The private text of a hold.

    Args:
        channel: Whose tips it holds, those to come, too; None if it names tips.
        first_person: Who asked for it.
        second_person: Who agreed.
        reason: Why.
        salt: 32 random bytes, without which nobody can try texts against the log.
    """

    channel: str | None
    first_person: str
    second_person: str
    reason: str
    salt: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """
    A hold.

    Args:
        id: Random, 16 bytes.
        placed_on: The day on which it was placed.
        until_on: The first day on which it no longer holds.
        ended_on: The day on which it was released; None if it was not.
        gone_on: The day on which its key was destroyed; None before.
        commitment: To its text, in hex, as the log has it.
        words: Its text; None if the key of the text is lost.
    """

    id: bytes
    placed_on: datetime.date
    until_on: datetime.date
    ended_on: datetime.date | None = None
    gone_on: datetime.date | None = None
    commitment: str
    words: HoldWords | None

    def lasts(self, today: datetime.date) -> bool:
        """
        Tell whether it holds.

        Args:
            today: In UTC.

        Returns:
            Whether.
        """
        return today < self.ends_on

    def covers(self, channel: str) -> bool:
        """
        Tell whether it holds what arrives on a channel.

        Args:
            channel: Of what arrives.

        Returns:
            Whether.
        """
        return self.words is not None and self.words.channel == channel

    @property
    def ends_on(self) -> datetime.date:
        """The first day on which it no longer holds."""
        return self.until_on if self.ended_on is None else min(self.until_on, self.ended_on)

    @property
    def was_released(self) -> bool:
        """Whether it ended before the day that was fixed."""
        return self.ends_on < self.until_on


def check_terms(
    *,
    untrusted_first_person: str,
    untrusted_second_person: str,
    untrusted_reason: str,
    until_on: datetime.date,
    channel: str | None,
    tips: Iterable[bytes],
    today: datetime.date,
) -> HoldTerms:
    """
    Check what is asked for.

    Args:
        untrusted_first_person: As somebody wrote it.
        untrusted_second_person: As somebody wrote it.
        untrusted_reason: As somebody wrote it.
        until_on: The first day on which it is to hold no more.
        channel: The channel, or None.
        tips: Ids; none if there is a channel.
        today: In UTC.

    Returns:
        The terms.

    Raises:
        HoldError: `hold_person`, `hold_one_person`, `hold_reason`, `hold_until_past`,
            `hold_until_far`, `hold_target`, `hold_tips`: see their texts.
    """
    named = check_extent(until_on=until_on, channel=channel, tips=tips, today=today)
    first = _check_line(untrusted_first_person, "hold_person", limit=MAX_PERSON_CHARACTERS)
    second = _check_line(untrusted_second_person, "hold_person", limit=MAX_PERSON_CHARACTERS)
    if _fold(first) == _fold(second):
        raise HoldError("hold_one_person")
    reason = _check_line(untrusted_reason, "hold_reason", limit=MAX_REASON_CHARACTERS)
    return HoldTerms(
        first_person=first,
        second_person=second,
        reason=reason,
        until_on=until_on,
        channel=channel,
        tips=named,
    )


def check_extent(
    *,
    until_on: datetime.date,
    channel: str | None,
    tips: Iterable[bytes],
    today: datetime.date,
) -> tuple[bytes, ...]:
    """
    Check over what a hold is asked for, and until when, before anybody is asked who and why.

    Args:
        until_on: The first day on which it is to hold no more.
        channel: The channel, or None.
        tips: Ids; none if there is a channel.
        today: In UTC.

    Returns:
        The ids, each once, in order.

    Raises:
        HoldError: `hold_until_past`, `hold_until_far`, `hold_target`, `hold_tips`: see their texts.
    """
    if until_on <= today:
        raise HoldError("hold_until_past", until=until_on.isoformat())
    if (until_on - today).days > MAX_HOLD_DAYS:
        raise HoldError("hold_until_far", until=until_on.isoformat(), limit=MAX_HOLD_DAYS)
    named = tuple(sorted(set(tips)))
    if (channel is None) == (not named):
        raise HoldError("hold_target")
    if len(named) > MAX_HOLD_TIPS:
        raise HoldError("hold_tips", limit=MAX_HOLD_TIPS)
    return named


def make_hold(terms: HoldTerms, *, hold_id: bytes, salt: bytes, placed_on: datetime.date) -> Hold:
    """
    Make a hold of checked terms.

    Args:
        terms: Checked on *placed_on*.
        hold_id: Random, 16 bytes.
        salt: Random, 32 bytes.
        placed_on: The day.

    Returns:
        The hold, not placed yet.
    """
    words = HoldWords(
        channel=terms.channel,
        first_person=terms.first_person,
        second_person=terms.second_person,
        reason=terms.reason,
        salt=salt,
    )
    hold = Hold(
        id=hold_id, placed_on=placed_on, until_on=terms.until_on, commitment="", words=words
    )
    commitment = make_commitment(format_hold_text(hold, words), salt=salt)
    return dataclasses.replace(hold, commitment=commitment)


def format_hold_text(hold: Hold, words: HoldWords) -> bytes:
    """
    Write the text that the log commits to. It never changes while the hold lasts.

    Args:
        hold: The hold.
        words: Its words.

    Returns:
        A JSON object on one line.
    """
    return format_json(
        {
            "v": ENTRY_VERSION,
            "hold": hold.id.hex(),
            "placed_on": hold.placed_on.isoformat(),
            "until_on": hold.until_on.isoformat(),
            "channel": words.channel,
            "first_person": words.first_person,
            "second_person": words.second_person,
            "reason": words.reason,
        }
    )


def parse_hold_words(untrusted: bytes, *, salt: bytes) -> HoldWords:
    """
    Read the words of a hold's text.

    Args:
        untrusted: As `format_hold_text` wrote it.
        salt: That was kept with it.

    Returns:
        The words.

    Raises:
        MalformedError: not such a text.
        TooLargeError: longer than such a text can be.
    """
    value = parse_json_object(untrusted, max_bytes=MAX_TEXT_BYTES)
    try:
        return HoldWords(
            channel=value["channel"],
            first_person=value["first_person"],
            second_person=value["second_person"],
            reason=value["reason"],
            salt=salt,
        )
    except KeyError as exc:
        raise MalformedError("hold text") from exc


def state_placed(hold: Hold) -> Statement:
    """
    Say for the log that a hold was placed.

    Args:
        hold: The hold.

    Returns:
        The statement: the same each time it is made.
    """
    return _state(hold, HoldStep.PLACED, on=hold.placed_on)


def state_ended(hold: Hold) -> Statement:
    """
    Say for the log that a hold ended and its key is gone.

    Args:
        hold: Ended.

    Returns:
        The statement: the same each time it is made.

    Raises:
        ValueError: the caller is wrong: its key is still there.
    """
    if hold.gone_on is None:
        raise ValueError("a hold whose key is there has not ended")
    step = HoldStep.RELEASED if hold.was_released else HoldStep.EXPIRED
    return _state(hold, step, on=hold.gone_on)


def _state(hold: Hold, step: HoldStep, *, on: datetime.date) -> Statement:
    return make_statement(
        EntryType.HOLD,
        on=on,
        hold=hold.id.hex(),
        step=str(step),
        until=hold.until_on,
        commitment=hold.commitment,
    )


def _check_line(untrusted: str, code: str, *, limit: int) -> str:
    # One line of what can be printed: it is shown on terminals and pages.
    line = " ".join(unicodedata.normalize("NFC", untrusted).split())
    if not 1 <= len(line) <= limit or not line.isprintable():
        raise HoldError(code, limit=limit)
    return line


def _fold(person: str) -> str:
    return unicodedata.normalize("NFKC", person).casefold()
