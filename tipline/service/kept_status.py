"""
A status as it lies: what a conversation is told when it asks, in each of its windows.

Rules:
1. Every window has one from its first moment, most of them empty, all of one length: whether
   somebody was told anything cannot be seen.
2. A status is written to one window alone, and the others keep theirs. If an older one were taken
   out there, two copies of the database would say that both windows are one sender's.
3. So a status has a number, inside the seal. The highest that opens is what the sender is told.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from crypto.data_key import DataKey
from crypto.stored import open_slice, seal_slice

STATUS_SLICE: Final = 1  # of a window's texts; the first is how it is answered (`reach.py`)
STATUS_BYTES: Final = 640  # before it is sealed; one part of SMS has 160 characters
_NUMBER_BYTES: Final = 8


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    What a conversation is told when it asks.

    Args:
        number: Above that of every older one; 0 if there is none.
        text: What the source reads; empty if there is none.
    """

    number: int = 0
    text: str = dataclasses.field(default="", repr=False)


def seal_status(data_key: DataKey, status: Status, *, data_id: bytes) -> bytes:
    """
    Seal a status.

    Args:
        data_key: Of its window.
        status: It.
        data_id: The random id of that key.

    Returns:
        What the window holds: of one length, whatever is in it.
    """
    content = status.number.to_bytes(_NUMBER_BYTES) + status.text.encode()
    if len(content) > STATUS_BYTES:
        raise ValueError("a status goes in one message")
    return seal_slice(data_key, content.ljust(STATUS_BYTES), record_id=data_id, number=STATUS_SLICE)


def open_status(data_key: DataKey, sealed: bytes, *, data_id: bytes) -> Status:
    """
    Open a status.

    Args:
        data_key: Of its window.
        sealed: As the window holds it.
        data_id: The random id of that key.

    Returns:
        It.

    Raises:
        CryptoError: what is stored is not what was sealed.
    """
    content = open_slice(data_key, sealed, record_id=data_id, number=STATUS_SLICE)
    return Status(
        number=int.from_bytes(content[:_NUMBER_BYTES]),
        text=content[_NUMBER_BYTES:].rstrip(b" ").decode(),
    )
