"""Entries."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

import pytest

from crypto.errors import CryptoError, MalformedError
from crypto.note import Signer
from retention.log.entry import (
    FIELDS,
    Entry,
    EntryType,
    decode_entry,
    decode_statement,
    encode_entry,
    encode_statement,
    make_commitment,
    make_statement,
)
from retention.policy import EVENTS, RecordClass

DAY = datetime.date(2031, 3, 14)
HASH = "ab" * 32
ROOT = Signer.generate("tipline-root").verifier().format()
LOG = Signer.generate("tipline-log/0011223344556677").verifier().format()
PERIODS = {
    str(record_class): {str(event): 7 for event in events}
    for record_class, events in EVENTS.items()
}
VALUES: dict[str, Any] = {
    "of": DAY,
    "on": DAY,
    "root": HASH,
    "size": 65536,
    "method": "overwritten",
    "late_days": 3,
    "class_": "sealed_tip",
    "sha256": HASH,
    "periods": PERIODS,
    "number": 12,
    "valid_until": DAY,
    "build": "2031.3",
    "hold": "cd" * 16,
    "until": DAY,
    "commitment": HASH,
    "epoch": DAY,
    "from_day": DAY,
    "closes_on": DAY,
}
STEPS = {EntryType.HOLD: "placed", EntryType.CLOCK: "held", EntryType.CLOSE: "announced"}


def make_fields(entry_type: EntryType) -> dict[str, Any]:
    """Give each field of a type a good value."""
    fields = {
        name if name != "class" else "class_": VALUES.get(name, VALUES.get(f"{name}_"))
        for name in FIELDS[entry_type]
    }
    if entry_type is EntryType.ORIGIN:
        fields |= {"root": ROOT, "log": LOG}
    if entry_type in STEPS:
        fields["step"] = STEPS[entry_type]
    return fields


def make_entry(entry_type: EntryType) -> Entry:
    """Make a good entry of a type."""
    return Entry(day=DAY, statement=make_statement(entry_type, **make_fields(entry_type)))


@pytest.mark.parametrize("entry_type", EntryType)
def test_entry_when_encoded_then_it_decodes_as_the_same(entry_type: EntryType) -> None:
    """Every type survives its bytes, alone and waiting for its batch."""
    entry = make_entry(entry_type)

    assert decode_entry(encode_entry(entry)) == entry
    assert decode_statement(encode_statement(entry.statement)) == entry.statement
    assert entry.statement.about == DAY


def test_entry_when_encoded_then_it_is_the_pages_example() -> None:
    """docs/reference/log.md, "Entry"."""
    statement = make_statement(
        EntryType.DAY_KEY, of=datetime.date(2026, 11, 21), method="overwritten", late_days=0
    )
    entry = Entry(day=datetime.date(2026, 11, 22), statement=statement)

    assert encode_entry(entry) == (
        b'{"v":1,"type":"day_key","day":"2026-11-22","of":"2026-11-21","method":"overwritten",'
        b'"late_days":0}'
    )


@pytest.mark.parametrize("entry_type", EntryType)
def test_entry_when_a_field_is_missing_more_or_moved_then_it_is_malformed(
    entry_type: EntryType,
) -> None:
    """An entry has exactly the fields of its type, in their order."""
    good = json.loads(encode_entry(make_entry(entry_type)))
    for name in good:
        less = {key: value for key, value in good.items() if key != name}
        moved = {**less, name: good[name]}
        for wrong in (less, moved if list(moved) != list(good) else {**good, "more": 1}):
            with pytest.raises(CryptoError):
                decode_entry(json.dumps(wrong, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("entry_type", "field", "value"),
    [
        (EntryType.ARRIVALS, "of", "2031-3-14"),
        (EntryType.ARRIVALS, "of", 5),
        (EntryType.ARRIVALS, "root", "ab"),
        (EntryType.ARRIVALS, "root", HASH.upper()),
        (EntryType.ARRIVALS, "size", 65535),
        (EntryType.ARRIVALS, "size", "65536"),
        (EntryType.PURGE, "late_days", -1),
        (EntryType.PURGE, "late_days", True),
        (EntryType.PURGE, "class", "tips"),
        (EntryType.PURGE, "method", "burned"),
        (EntryType.DAY_KEY, "method", "none_kept"),
        (EntryType.EPOCH, "method", "none_kept"),
        (EntryType.ORIGIN, "log", "tipline-log"),
        (EntryType.PAGE, "build", "two words"),
        (EntryType.HOLD, "hold", "cd" * 15),
        (EntryType.HOLD, "step", "extended"),
        (EntryType.POLICY, "periods", {}),
        (EntryType.POLICY, "periods", []),
        (EntryType.POLICY, "periods", {**PERIODS, "sealed_tip": {"arrived": 1}}),
        (EntryType.POLICY, "periods", {**PERIODS, "sealed_tip": 1}),
        (EntryType.POLICY, "periods", {**PERIODS, "keyset": {"expired": "7"}}),
    ],
)
def test_entry_when_a_value_is_not_of_its_kind_then_it_is_refused(
    entry_type: EntryType, field: str, value: object
) -> None:
    """No value escapes its bound: nothing else could hide a person or an hour in it."""
    good = json.loads(encode_entry(make_entry(entry_type)))
    with pytest.raises(CryptoError):
        decode_entry(json.dumps({**good, field: value}, separators=(",", ":")).encode())
    fields = make_fields(entry_type)
    fields["class_" if field == "class" else field] = value
    with pytest.raises(ValueError, match="another form"):
        make_statement(entry_type, **fields)


@pytest.mark.parametrize(
    "change",
    [
        (b'"v":1', b'"v":2'),
        (b'"v":1', b'"v": 1'),
        (b'"type":"backup"', b'"type":"backups"'),
        (b'"type":"backup"', b'"type":1'),
        (b"backup", b"b\\u0061ckup"),
        (b"}", b"}\n"),
    ],
)
def test_entry_when_spelled_otherwise_then_it_is_malformed(change: tuple[bytes, bytes]) -> None:
    """The same meaning in other bytes would be another leaf."""
    untrusted = encode_entry(make_entry(EntryType.BACKUP)).replace(*change)
    with pytest.raises(MalformedError):
        decode_entry(untrusted)


def test_statement_when_a_field_is_missing_or_unknown_then_it_is_the_callers_mistake() -> None:
    """Nothing is logged by halves."""
    with pytest.raises(ValueError, match="exactly"):
        make_statement(EntryType.BACKUP)
    with pytest.raises(ValueError, match="exactly"):
        make_statement(EntryType.BACKUP, on=DAY, more=1)


def test_entries_when_their_fields_are_listed_then_none_can_tell_a_time_a_count_or_a_person() -> (
    None
):
    """Whoever adds a field to the log meets this list, and thinks about what it tells."""
    names = {name for fields in FIELDS.values() for name in fields}

    assert names == {
        "of", "on", "until", "valid_until", "epoch", "from_day", "closes_on",  # days
        "root", "log", "sha256", "commitment", "hold",  # keys, hashes, random ids
        "size", "number", "late_days",  # 65,536; of a keyset; days late
        "method", "class", "step", "build", "periods",  # words of ours
    }  # fmt: skip


def test_commitment_when_made_then_it_is_the_pages_hash() -> None:
    """docs/reference/log.md, "Private texts": SHA-256 of salt and text."""
    assert make_commitment(b"{}", salt=b"s" * 32) == hashlib.sha256(b"s" * 32 + b"{}").hexdigest()
    with pytest.raises(ValueError, match="32 bytes"):
        make_commitment(b"{}", salt=b"s")


def test_classes_when_compared_with_the_page_then_they_are_the_same() -> None:
    """The page, from which others write verifiers, names the classes in the order that is used."""
    from pathlib import Path

    page = (Path(__file__).resolve().parents[4] / "docs/reference/log.md").read_text()

    assert ", ".join(f"`{record_class}`" for record_class in RecordClass) in page
