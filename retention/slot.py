"""
The bytes of one slot: 4 KiB, so that no two secrets ever share a block of a disk.

    offset  bytes
         0      8   magic "tiplslot"
         8      1   version, 1
         9      1   kind: 1 day, 2 record, 3 hold, 4 epoch, 5 step
        10      6   zeros
        16     16   label: what the secret belongs to
        32      8   root id: which root the body is sealed under; zeros for none
        40      2   length of the body, big endian
        42     72   the body: the secret, or its ciphertext under the root; then zeros
      4064     32   SHA-256 of everything before

Rules:
1. All zeros is a free slot. Everything else must be exact, or the slot is damaged: a write that was
   torn is known by its checksum, and half a secret is never taken for one.
2. The label says whose secret it is. A slot that was reused is never taken for what it was.

The checksum is no defence against somebody who writes the file: that one can put any slot there.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import hashlib
from typing import Final

from crypto.errors import MalformedError
from crypto.secret import Secret
from crypto.strict import parse_day
from retention.errors import SlotError

SLOT_BYTES: Final = 4096  # the block of every file system and disk we know of
SLOT_MAGIC: Final = b"tiplslot"
SLOT_VERSION: Final = 1
LABEL_BYTES: Final = 16
LABEL_PLACE: Final = slice(16, 16 + LABEL_BYTES)
ROOT_ID_BYTES: Final = 8
NO_ROOT: Final = bytes(ROOT_ID_BYTES)
SECRET_BYTES: Final = 32
MAX_BODY_BYTES: Final = 72  # nonce, secret and tag of XChaCha20-Poly1305
FREE_SLOT: Final = bytes(SLOT_BYTES)

_CHECKSUM_BYTES: Final = 32
_HEAD_BYTES: Final = 42


class SlotKind(enum.StrEnum):
    """Whose secret it is."""

    DAY = "day"
    RECORD = "record"
    HOLD = "hold"
    EPOCH = "epoch"
    STEP = "step"  # of the file itself: begins each step by which it grew


_CODES: Final = {
    SlotKind.DAY: 1,
    SlotKind.RECORD: 2,
    SlotKind.HOLD: 3,
    SlotKind.EPOCH: 4,
    SlotKind.STEP: 5,
}
_KINDS: Final = {code: kind for kind, code in _CODES.items()}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    What stands in a slot that is not free.

    Args:
        kind: Whose secret it is.
        label: 16 bytes: a record's or hold's id, or a day as `encode_day_label` writes it.
        root_id: 8 bytes: the root that the body is sealed under, `NO_ROOT` if none.
        body: The secret, or its ciphertext.
    """

    kind: SlotKind
    label: bytes
    root_id: bytes
    body: Secret


def encode_slot(slot: Slot) -> bytes:
    """
    Write a slot's bytes.

    Args:
        slot: What to write.

    Returns:
        4 KiB.
    """
    if len(slot.label) != LABEL_BYTES or len(slot.root_id) != ROOT_ID_BYTES:
        raise ValueError("a label has 16 bytes and a root id 8")
    if len(slot.body) > MAX_BODY_BYTES:
        raise ValueError("a body has at most 72 bytes")
    content = b"".join(
        (
            SLOT_MAGIC,
            bytes([SLOT_VERSION, _CODES[slot.kind]]),
            bytes(6),
            slot.label,
            slot.root_id,
            len(slot.body).to_bytes(2, "big"),
            slot.body.reveal(),
        )
    ).ljust(SLOT_BYTES - _CHECKSUM_BYTES, b"\0")
    return content + hashlib.sha256(content).digest()


def decode_slot(untrusted: bytes) -> Slot | None:
    """
    Read a slot's bytes.

    Args:
        untrusted: 4 KiB, as the disk gave them.

    Returns:
        What stands there; None if it is free.

    Raises:
        SlotError: `slot_malformed`: torn, or never written by us.
    """
    if untrusted == FREE_SLOT:
        return None
    content, checksum = untrusted[:-_CHECKSUM_BYTES], untrusted[-_CHECKSUM_BYTES:]
    if hashlib.sha256(content).digest() != checksum or content[8] != SLOT_VERSION:
        raise SlotError("slot_malformed")
    kind = _KINDS.get(content[9])
    body_len = int.from_bytes(content[40:_HEAD_BYTES], "big")
    if kind is None or body_len > MAX_BODY_BYTES:
        raise SlotError("slot_malformed")
    slot = Slot(
        kind=kind,
        label=content[LABEL_PLACE],
        root_id=content[32:40],
        body=Secret(content[_HEAD_BYTES : _HEAD_BYTES + body_len]),
    )
    # One spelling: what is read would be written as the same bytes.
    if encode_slot(slot) != untrusted:
        raise SlotError("slot_malformed")
    return slot


def encode_day_label(day: datetime.date) -> bytes:
    """
    Write a day as a label.

    Args:
        day: In UTC.

    Returns:
        16 bytes: `YYYY-MM-DD` and zeros.
    """
    return day.isoformat().encode("ascii").ljust(LABEL_BYTES, b"\0")


def decode_day_label(label: bytes) -> datetime.date:
    """
    Read a label that is a day.

    Args:
        label: Of a slot.

    Returns:
        The day.

    Raises:
        SlotError: `slot_malformed`: it names no day.
    """
    try:
        day = parse_day(label.rstrip(b"\0").decode("ascii"))
    except (MalformedError, UnicodeDecodeError) as exc:
        raise SlotError("slot_malformed") from exc
    if encode_day_label(day) != label:
        raise SlotError("slot_malformed")
    return day
