"""
How a conversation is answered: who wrote, by which gateway, to which channel. Sealed as it lies.

Rules:
1. It is in clear in memory alone, for the moment in which it is used, and in no `repr`.
2. What is sealed has one length, whatever the number or name.
3. It is bound to its window's row as the first of its texts; the status is the second
   (`kept_status.py`).
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, Final

from crypto.data_key import DataKey
from crypto.errors import MalformedError
from crypto.secret import Secret
from crypto.stored import open_slice, seal_slice
from crypto.strict import format_json, parse_json_object
from crypto.window import mark_sender
from tipline.gateway.numbers import Sender, SenderKind
from tipline.service.kept_status import Status, seal_status
from tipline.service.record_keys import RecordKey, RecordKeys

REACH_BYTES: Final = 1024  # the longest has some 700
REACH_SLICE: Final = 0
_FIELDS: Final = frozenset({"address", "channel", "gateway", "kind"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """
    How a conversation is answered.

    Args:
        sender: Who wrote.
        gateway: The name of the gateway it came by.
        channel: The channel's id.
    """

    sender: Sender
    gateway: str
    channel: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SealedRow:
    """
    A row that holds something sealed under a key of its own.

    Args:
        id: Its id.
        key: What it says of its key.
        dies_on: The day under whose key that is wrapped.
        sealed: What it holds.
    """

    id: bytes
    key: RecordKey
    dies_on: datetime.date
    sealed: bytes

    @property
    def is_let_go(self) -> bool:
        """Whether it was being let go when a crash came (`PhoneRows.let_go`)."""
        return not self.key.wrapped


def seal_row(
    content: bytes, keys: RecordKeys, *, dies_on: datetime.date, row_id: bytes
) -> SealedRow:
    """
    Seal something under a key of its own. The key is durable after `RecordKeys.sync`.

    Args:
        content: At least one byte, at most 1 MiB.
        keys: Of the store.
        dies_on: Its last day.
        row_id: Random, 16 bytes.

    Returns:
        What its row needs.

    Raises:
        KeyUnavailableError: the slot file does not take the key.
    """
    key, data_key = keys.make(dies_on=dies_on)
    sealed = seal_slice(data_key, content, record_id=key.data_id, number=REACH_SLICE)
    return SealedRow(id=row_id, key=key, dies_on=dies_on, sealed=sealed)


def seal_window(
    reach: Reach, keys: RecordKeys, *, dies_on: datetime.date, row_id: bytes
) -> tuple[SealedRow, bytes]:
    """
    Seal a window under a key of its own, as `seal_row` does.

    Args:
        reach: How its sender is answered.
        keys: Of the store.
        dies_on: Its last day.
        row_id: Random, 16 bytes.

    Returns:
        What its row needs, and an empty status.

    Raises:
        KeyUnavailableError: the slot file does not take the key.
    """
    key, data_key = keys.make(dies_on=dies_on)
    content = encode_reach(reach)
    sealed = seal_slice(data_key, content, record_id=key.data_id, number=REACH_SLICE)
    row = SealedRow(id=row_id, key=key, dies_on=dies_on, sealed=sealed)
    return row, seal_status(data_key, Status(), data_id=key.data_id)


def open_row(row: SealedRow, keys: RecordKeys) -> bytes:
    """
    Open what a row holds.

    Args:
        row: It.
        keys: Of the store.

    Returns:
        The content.

    Raises:
        KeyUnavailableError: its key is gone or unreadable.
        CryptoError: what is stored is not what was sealed.
    """
    data_key = keys.open(row.key, dies_on=row.dies_on)
    return open_slice(data_key, row.sealed, record_id=row.key.data_id, number=REACH_SLICE)


def encode_reach(reach: Reach) -> bytes:
    """
    Write how a conversation is answered.

    Args:
        reach: It.

    Returns:
        `REACH_BYTES` bytes.
    """
    fields = {
        "address": reach.sender.address,
        "channel": reach.channel,
        "gateway": reach.gateway,
        "kind": str(reach.sender.kind),
    }
    encoded = format_json(fields)
    if len(encoded) > REACH_BYTES:
        raise ValueError("names of gateways and channels are short")
    return encoded.ljust(REACH_BYTES)


def decode_reach(content: bytes) -> Reach:
    """
    Read how a conversation is answered.

    Args:
        content: As `encode_reach` wrote it.

    Returns:
        It.

    Raises:
        MalformedError: not in that form.
    """
    value: dict[str, Any] = parse_json_object(content.rstrip(b" "), max_bytes=REACH_BYTES)
    if value.keys() != _FIELDS or not all(isinstance(one, str) for one in value.values()):
        raise MalformedError("reach")
    if value["kind"] not in tuple(SenderKind):
        raise MalformedError("reach")
    return Reach(
        sender=Sender(kind=SenderKind(value["kind"]), address=value["address"]),
        gateway=value["gateway"],
        channel=value["channel"],
    )


def open_reach(data_key: DataKey, row: SealedRow) -> Reach:
    """
    Open how a conversation is answered.

    Args:
        data_key: Of its window.
        row: Of its window.

    Returns:
        It.

    Raises:
        CryptoError: what is stored is not what was sealed.
    """
    return decode_reach(
        open_slice(data_key, row.sealed, record_id=row.key.data_id, number=REACH_SLICE)
    )


def mark_reach(window_key: Secret, reach: Reach) -> bytes:
    """
    Mark who wrote.

    Args:
        window_key: Of a day.
        reach: Who.

    Returns:
        The mark.
    """
    return mark_sender(window_key, channel=reach.channel, address=reach.sender.encode())
