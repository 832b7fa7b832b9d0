"""
Sealing a message to the investigators: as an ordinary envelope.

The service saw it in clear, and the tip says so: its sealing is `gateway`. That the sender wrote
before stands in the envelope alone.
"""

from __future__ import annotations

import dataclasses
import datetime
import io
from collections.abc import Sequence

from crypto.age.hybrid import HybridRecipient
from crypto.came_by import CameBy
from crypto.envelope import AttachedFile, seal_tip
from crypto.tip import Tip

NO_TEXT = "\N{EM DASH}"  # a tip has a text; a picture alone has none


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sealable:
    """
    A message that is ready to be sealed.

    Args:
        text: What was written; may be empty.
        came_by: Over which gateway, and from whom.
        channel: Whose readers open it.
        keyset: The number of the keyset that *recipients* are of.
        language: Of the gateway.
        recipients: Eight.
        files: What belongs to it.
    """

    text: str = dataclasses.field(repr=False)
    came_by: CameBy
    channel: str
    keyset: int
    language: str
    recipients: Sequence[HybridRecipient]
    files: Sequence[AttachedFile] = dataclasses.field(default=(), repr=False)


def seal_message(message: Sealable) -> bytes:
    """
    Seal a message.

    Args:
        message: Ready.

    Returns:
        The envelope; its length is a rung of the ladder.

    Raises:
        TooLargeError: no rung holds it.
        MalformedError: what is said of it is not allowed.
        RecipientError: the recipients are not those of a tip.
    """
    tip = Tip(
        text=message.text or NO_TEXT,
        channel=message.channel,
        keyset=message.keyset,
        language=message.language,
        sealing="gateway",
        sealed_at=message.came_by.received_at,
        gateway=message.came_by,
    )
    envelope = io.BytesIO()
    seal_tip(envelope, tip=tip, files=message.files, recipients=message.recipients)
    return envelope.getvalue()


def format_time(at: datetime.datetime) -> str:
    """
    Write when a message was taken.

    Args:
        at: Aware.

    Returns:
        ISO 8601 in UTC with `Z`, to the second.
    """
    return f"{at.astimezone(datetime.UTC):%Y-%m-%dT%H:%M:%S}Z"
