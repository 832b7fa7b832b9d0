"""The bytes of one slot."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import (
    FREE_SLOT,
    NO_ROOT,
    SLOT_BYTES,
    Slot,
    SlotKind,
    decode_day_label,
    decode_slot,
    encode_day_label,
    encode_slot,
)

LABEL = bytes(range(16))
SLOT = Slot(kind=SlotKind.RECORD, label=LABEL, root_id=NO_ROOT, body=Secret(b"s" * 32))
ENCODED = encode_slot(SLOT)


def seal(content: bytes) -> bytes:
    """Give changed content a checksum that holds."""
    return content[:4064] + hashlib.sha256(content[:4064]).digest()


def test_slot_when_written_then_it_is_what_the_page_says() -> None:
    """Each field lies where the format puts it, so another program can read it."""
    assert len(ENCODED) == SLOT_BYTES
    assert ENCODED[:10] == b"tiplslot\x01\x02"
    assert ENCODED[10:16] == bytes(6)
    assert ENCODED[16:32] == LABEL
    assert ENCODED[32:42] == bytes(8) + b"\0\x20"
    assert ENCODED[42:74] == b"s" * 32
    assert ENCODED[74:4064] == bytes(3990)
    assert ENCODED[4064:] == hashlib.sha256(ENCODED[:4064]).digest()


@given(
    kind=st.sampled_from(SlotKind),
    label=st.binary(min_size=16, max_size=16),
    root_id=st.binary(min_size=8, max_size=8),
    body=st.binary(max_size=72),
)
def test_slot_when_written_and_read_then_it_is_the_same(
    kind: SlotKind, label: bytes, root_id: bytes, body: bytes
) -> None:
    """What is written is read, whatever it holds."""
    slot = Slot(kind=kind, label=label, root_id=root_id, body=Secret(body))

    assert decode_slot(encode_slot(slot)) == slot


def test_slot_when_all_zeros_then_it_is_free() -> None:
    """A free slot is zeros and nothing else."""
    assert decode_slot(FREE_SLOT) is None


@given(position=st.integers(0, SLOT_BYTES - 1), bit=st.integers(0, 7))
def test_slot_when_any_bit_is_changed_then_it_is_refused(position: int, bit: int) -> None:
    """Half a secret is never taken for one."""
    changed = bytearray(ENCODED)
    changed[position] ^= 1 << bit

    with pytest.raises(SlotError, match="slot_malformed"):
        decode_slot(bytes(changed))


@pytest.mark.parametrize("sectors", range(1, 8))
def test_slot_when_its_write_was_torn_then_it_is_refused(sectors: int) -> None:
    """A slot of which only some sectors reached the disk is known by its checksum."""
    torn = ENCODED[: sectors * 512].ljust(SLOT_BYTES, b"\0")

    with pytest.raises(SlotError, match="slot_malformed"):
        decode_slot(torn)


@pytest.mark.parametrize(
    ("position", "value"), [(0, b"T"), (8, b"\2"), (9, b"\0"), (9, b"\6"), (10, b"\1")]
)
def test_slot_when_a_field_is_foreign_then_it_is_refused(position: int, value: bytes) -> None:
    """With a checksum that holds, too: another magic, version, kind or filling is none of ours."""
    changed = seal(ENCODED[:position] + value + ENCODED[position + 1 :])

    with pytest.raises(SlotError, match="slot_malformed"):
        decode_slot(changed)


@pytest.mark.parametrize("content", [ENCODED[:40] + b"\0\x49" + ENCODED[42:], b"\0" * 40 + b"x"])
def test_slot_when_its_length_cannot_be_then_it_is_refused(content: bytes) -> None:
    """A body longer than any, or something behind the body, is refused."""
    with pytest.raises(SlotError, match="slot_malformed"):
        decode_slot(seal(content.ljust(SLOT_BYTES, b"\0")))
    with pytest.raises(SlotError, match="slot_malformed"):
        decode_slot(seal(ENCODED[:100] + b"x" + ENCODED[101:]))


def test_slot_when_the_caller_is_wrong_then_the_caller_is_told() -> None:
    """Fields of a wrong length are the caller's mistake."""
    for label, root_id, body in (
        (b"", NO_ROOT, b""),
        (LABEL, b"", b""),
        (LABEL, NO_ROOT, bytes(73)),
    ):
        with pytest.raises(ValueError, match="has"):
            encode_slot(Slot(kind=SlotKind.DAY, label=label, root_id=root_id, body=Secret(body)))


def test_slot_when_shown_then_its_secret_is_not() -> None:
    """INV-11: the repr of a slot holds no byte of its body."""
    assert "ssss" not in repr(SLOT)


@given(day=st.dates())
def test_day_label_when_written_and_read_then_it_is_the_same_day(day: datetime.date) -> None:
    """Every day has one label."""
    assert len(encode_day_label(day)) == 16
    assert decode_day_label(encode_day_label(day)) == day


@pytest.mark.parametrize(
    "label",
    [
        bytes(16),
        b"2026-13-01\0\0\0\0\0\0",
        b"2026-11-21\0\0\0\0\0x",
        b"\xff" * 16,
        b"2026-11-21",
        b"2026-11-21" + bytes(7),
    ],
)
def test_day_label_when_it_names_no_day_then_it_is_refused(label: bytes) -> None:
    """A label of another kind is not taken for a day."""
    with pytest.raises(SlotError, match="slot_malformed"):
        decode_day_label(label)
