"""
A message as a gateway handed it over, in memory.

Rules:
1. Everything in it came from outside: the text, the number, even the provider's id.
2. No `repr` shows who wrote, what, or under which id: a traceback, a log and an error hold nothing.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Final

from crypto.came_by import MAX_PARTS, Medium

__all__ = ["MAX_PARTS", "Incoming", "MediaReference", "Medium", "Part"]

MAX_PROVIDER_ID_CHARACTERS: Final = 200  # the longest known, of WhatsApp, has about 60
MAX_SENDER_CHARACTERS: Final = 100
MAX_TEXT_CHARACTERS: Final = 65_536  # at most 262,144 bytes, as a tip takes
MAX_PART_CHARACTERS: Final = 250  # networks carry 160; 255 parts make no more than a text
MAX_MEDIA: Final = 10  # fetched of one message: an MMS and an album hold no more
MAX_REFERENCES: Final = 100  # of one message: Telegram's have 50; what is not fetched is counted


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    Which part of a long message this is.

    Args:
        reference: Under which the parts belong together, beside the sender; untrusted.
        number: From 1.
        of: How many there are, 2 to `MAX_PARTS`.
        is_announcement: Whether it is no part, but what a network told of a message before it
            brought it: the message itself has no reference, and takes the place of this.

    Raises:
        ValueError: there is no such part.
    """

    reference: str = dataclasses.field(repr=False)
    number: int
    of: int
    is_announcement: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.of <= MAX_PARTS or not 1 <= self.number <= self.of:
            raise ValueError("part")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MediaReference:
    """
    Where a provider keeps a picture or a recording that belongs to a message.

    Args:
        location: An id or a URL, as the provider gave it; untrusted. It may hold the file itself.
        media_type: As the provider gave it; untrusted.
    """

    location: str = dataclasses.field(repr=False)
    media_type: str


NO_FILE: Final = MediaReference(location="", media_type="")  # there was one, and nobody has it


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """
    One message, or one part of a long one.

    Args:
        gateway: The name of the gateway it came by.
        medium: How it came.
        provider_id: Under which the gateway repeats it; untrusted.
        sender: As the gateway gave it; untrusted; empty if nobody said one.
        text: What was written; untrusted; may be empty.
        received_at: When the service took it, in UTC.
        part: Which part it is; None if it is whole.
        media: What belongs to it and lies at the provider; a part has none.
        answer_until: Until when its provider takes an answer, in UTC; None if that is left to us.

    Raises:
        ValueError: it is longer than any gateway's, or a part with files: no network has such, and
            a part that waits keeps its words alone.
    """

    gateway: str
    medium: Medium
    provider_id: str = dataclasses.field(repr=False)
    sender: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    received_at: datetime.datetime
    part: Part | None = None
    media: tuple[MediaReference, ...] = ()
    answer_until: datetime.datetime | None = None

    def __post_init__(self) -> None:
        limit = MAX_TEXT_CHARACTERS if self.part is None else MAX_PART_CHARACTERS
        if (
            len(self.text) > limit
            or len(self.sender) > MAX_SENDER_CHARACTERS
            or not 1 <= len(self.provider_id) <= MAX_PROVIDER_ID_CHARACTERS
            or len(self.media) > MAX_REFERENCES
            or (self.part is not None and self.media)
        ):
            raise ValueError("message")
