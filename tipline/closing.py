"""
That a line ends, or has ended: the file `closing` of an instance, and what is told of it.

Rules:
1. A line that ends says so where sources and everybody else look, not only in its log.
2. What is told has one length, whether there is something to tell or not.

docs/reference/accountability.md, "Notice".
"""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Any, Final

from crypto.errors import CryptoError, MalformedError
from crypto.strict import format_json, parse_day, parse_json_object
from retention.log.entry import CloseStep
from tipline.errors import InstanceError
from tipline.files import read_quietly, save_file

CLOSING_NAME: Final = "closing"
CLOSING_VERSION: Final = 1
NOTICE_BYTES: Final = 128  # twice what the longest one needs
MAX_CLOSING_BYTES: Final = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """
    How far the end of a line has come.

    Args:
        step: How far.
        on: The day on which intake stops, or stopped; for a handover, its day.
    """

    step: CloseStep
    on: datetime.date

    def takes_tips(self, today: datetime.date) -> bool:
        """
        Tell whether the line still takes tips.

        Args:
            today: In UTC.

        Returns:
            Whether: before its day, when it was called off, or when somebody else goes on with it.
        """
        if self.step in (CloseStep.HANDED_OVER, CloseStep.CANCELLED):
            return True
        return self.step is CloseStep.ANNOUNCED and today < self.on

    def as_of(self, today: datetime.date) -> Closing:
        """
        Tell how far the end has come for whoever wants to send a tip.

        Args:
            today: In UTC, the day by which tips are taken.

        Returns:
            That intake stopped, from the announced day on, though the log tells it with its batch.
        """
        if self.step is CloseStep.ANNOUNCED and not self.takes_tips(today):
            return dataclasses.replace(self, step=CloseStep.INTAKE_STOPPED)
        return self


def format_closing(closing: Closing) -> bytes:
    """
    Write the file `closing`.

    Args:
        closing: What it says.

    Returns:
        A JSON object on one line.
    """
    return format_json(_list_fields(closing)) + b"\n"


def parse_closing(untrusted: bytes) -> Closing:
    """
    Read the file `closing`.

    Args:
        untrusted: Its bytes.

    Returns:
        What it says; `format_closing` of it is the same bytes.

    Raises:
        MalformedError: it is not in its format.
        TooLargeError: it is longer than it can be.
    """
    value = parse_json_object(untrusted.removesuffix(b"\n"), max_bytes=MAX_CLOSING_BYTES)
    step, on = value.get("step"), value.get("on")
    if step not in [str(known) for known in CloseStep] or not isinstance(on, str):
        raise MalformedError("closing")
    closing = Closing(step=CloseStep(step), on=parse_day(on))
    if format_closing(closing) != untrusted:
        raise MalformedError("closing")
    return closing


def load_closing(directory: Path) -> Closing | None:
    """
    Read how far the end of a line has come.

    Args:
        directory: The instance.

    Returns:
        None as long as no end was announced.

    Raises:
        InstanceError: `closing_damaged`.
    """
    path = directory / CLOSING_NAME
    try:
        return parse_closing(read_quietly(path, length=MAX_CLOSING_BYTES + 1))
    except FileNotFoundError:
        return None
    except CryptoError as exc:
        raise InstanceError("closing_damaged", path=str(path)) from exc


def save_closing(directory: Path, closing: Closing, *, day: datetime.date) -> None:
    """
    Write how far the end of a line has come.

    Args:
        directory: The instance.
        closing: How far.
        day: Of the file's times.
    """
    save_file(directory / CLOSING_NAME, format_closing(closing), day=day)


def format_notice(closing: Closing | None) -> bytes:
    """
    Write what `/notice` answers.

    Args:
        closing: None as long as no end was announced.

    Returns:
        A JSON object, with spaces after it up to `NOTICE_BYTES`.
    """
    fields = {"v": CLOSING_VERSION, "step": None, "on": None}
    if closing is not None:
        fields = _list_fields(closing)
    return format_json(fields).ljust(NOTICE_BYTES)


def _list_fields(closing: Closing) -> dict[str, Any]:
    return {"v": CLOSING_VERSION, "step": str(closing.step), "on": closing.on.isoformat()}
