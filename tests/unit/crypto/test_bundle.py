"""The bundle's index and end."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from crypto.bundle import (
    END,
    MAX_INDEX_BYTES,
    MAX_TIPS,
    START,
    IndexEntry,
    format_index,
    format_trailer,
    parse_trailer,
    verify_index,
)
from crypto.errors import CryptoError, ForgedError, KeysetError, MalformedError, TooLargeError
from crypto.keyset import MAX_KEYSET_BYTES, sign_keyset
from crypto.keyset_fields import KeysetDraft
from crypto.ladder import MAX_ENVELOPE_BYTES, TEXT_RUNG
from crypto.note import Signer, sign_note

DAY = datetime.date(2026, 11, 21)


def entry(number: int, **changes: Any) -> IndexEntry:
    """One of a row of text tips."""
    made = IndexEntry(
        id=f"{number:032x}",
        arrived_on=DAY,
        dies_on=DAY + datetime.timedelta(days=90),
        channel="works",
        size_bytes=TEXT_RUNG,
        sealed_by_service=False,
        keyset=1,
        offset=len(START) + number * TEXT_RUNG,
        sha256="ab" * 32,
    )
    return dataclasses.replace(made, **changes)


END_OF_TWO = len(START) + 2 * TEXT_RUNG


@pytest.fixture(scope="module")
def keyset_note(draft: Callable[..., KeysetDraft], root: Signer, service: Signer) -> bytes:
    """The keyset in force."""
    return sign_keyset(draft(service=service.verifier()), signer=root, today=DAY)


@pytest.fixture(scope="module")
def signers(root: Signer, service: Signer) -> tuple[Signer, Signer]:
    """The desk root and the service."""
    return root, service


@pytest.fixture(scope="module")
def index(keyset_note: bytes, service: Signer) -> bytes:
    """An index of two tips."""
    return format_index([entry(0), entry(1)], made_on=DAY, keyset_note=keyset_note, signer=service)


def shift(fields: dict[str, Any]) -> None:
    """Two sizes off the ladder that fill the same place without a gap."""
    first, second = fields["tips"]
    first.update(size_bytes=TEXT_RUNG - 1)
    second.update(size_bytes=TEXT_RUNG + 1, offset=second["offset"] - 1)


def resign(index: bytes, service: Signer, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same index with its object changed, signed by the same service."""
    fields = json.loads(index.decode().split("\n")[1])
    change(fields)
    return sign_note(f"tipline-bundle-index/v1\n{json.dumps(fields)}\n", service)


def test_index_when_signed_then_it_verifies(index: bytes, keyset_note: bytes, root: Signer) -> None:
    """What the service said comes back, with the keyset it named."""
    verified = verify_index(index, root=root.verifier(), envelopes_end=END_OF_TWO, seen=1)

    assert verified.tips == (entry(0), entry(1))
    assert verified.made_on == DAY
    assert verified.keyset.number == 1
    assert verified.keyset_note == keyset_note


def test_index_when_empty_then_it_verifies(
    keyset_note: bytes, root: Signer, service: Signer
) -> None:
    """A day without a tip still makes a bundle."""
    index = format_index([], made_on=DAY, keyset_note=keyset_note, signer=service)

    assert verify_index(index, root=root.verifier(), envelopes_end=len(START)).tips == ()


def test_index_when_a_tip_came_from_a_phone_then_its_entry_alone_has_a_pseudonym(
    signers: tuple[Signer, Signer], keyset_note: bytes
) -> None:
    """What the index says of a sender reads back; other tips' entries have the fields as ever."""
    root, service = signers
    tips = (entry(0, pseudonym="0a" * 16), entry(1))
    index = format_index(tips, made_on=DAY, keyset_note=keyset_note, signer=service)

    assert index.count(b"pseudonym") == 1
    assert verify_index(index, root=root.verifier(), envelopes_end=END_OF_TWO).tips == tips


def test_index_when_another_signs_then_it_is_forged(keyset_note: bytes, root: Signer) -> None:
    """Only the service that the keyset names signs bundles."""
    stranger = Signer.generate("tipline-service")
    index = format_index([], made_on=DAY, keyset_note=keyset_note, signer=stranger)

    with pytest.raises(ForgedError):
        verify_index(index, root=root.verifier(), envelopes_end=len(START))


@pytest.mark.parametrize(
    ("code", "days", "seen"),
    [("keyset_expired", 31, 0), ("keyset_early", -1, 0), ("keyset_old", 0, 2)],
)
def test_index_when_its_keyset_was_not_in_force_then_it_is_refused(
    signers: tuple[Signer, Signer], keyset_note: bytes, code: str, days: int, seen: int
) -> None:
    """The keyset is judged as of the day on which the bundle was made."""
    root, service = signers
    made_on = DAY + datetime.timedelta(days=days)
    index = format_index([], made_on=made_on, keyset_note=keyset_note, signer=service)

    with pytest.raises(KeysetError) as caught:
        verify_index(index, root=root.verifier(), envelopes_end=len(START), seen=seen)
    assert caught.value.code == code


def test_index_when_the_root_is_another_then_it_is_refused(index: bytes) -> None:
    """The root is the only key a workstation must know beforehand."""
    with pytest.raises(KeysetError) as caught:
        verify_index(
            index, root=Signer.generate("tipline-root").verifier(), envelopes_end=END_OF_TWO
        )
    assert caught.value.code == "keyset_unsigned"


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.pop("tips"),
        lambda f: f.update(extra=1),
        lambda f: f.update(keyset=1),
        lambda f: f.update(made_on=1),
        lambda f: f.update(made_on="2026-11-31"),
        lambda f: f.update(tips={}),
        lambda f: f["tips"].append(1),
        lambda f: f["tips"].reverse(),
        lambda f: f["tips"][0].update(pseudonym=None),
        lambda f: f["tips"][0].update(pseudonym=1),
        lambda f: f["tips"][0].update(pseudonym="0A" * 16),
        lambda f: f["tips"][0].update(pseudonym="0a" * 15),
        shift,
        lambda f: f["tips"].pop(),
        lambda f: f["tips"][1].update(id=f["tips"][0]["id"]),
        lambda f: f["tips"][0].update(extra=1),
        lambda f: f["tips"][0].pop("keyset"),
        *(
            lambda f, changes=changes: f["tips"][0].update(changes)  # type: ignore[misc]  # bound now
            for changes in (
                {"id": "../" + "a" * 29},
                {"id": "A" * 32},
                {"id": 1},
                {"arrived_on": "yesterday"},
                {"dies_on": 1},
                {"channel": "../x"},
                {"size_bytes": TEXT_RUNG - 1},
                {"size_bytes": True},
                {"sealed_by_service": 0},
                {"keyset": 0},
                {"offset": 0},
                {"offset": 19},
                {"sha256": "AB" * 32},
            )
        ),
    ],
)
def test_index_when_a_signed_field_is_off_then_it_is_refused(
    index: bytes, root: Signer, service: Signer, change: Callable[[dict[str, Any]], object]
) -> None:
    """A service that lies about a place or a name is refused, whatever it signs."""
    with pytest.raises(MalformedError):
        verify_index(resign(index, service, change), root=root.verifier(), envelopes_end=END_OF_TWO)


@pytest.mark.parametrize("untrusted", [b"", b"tipline-bundle-index/v1\n{}\n"])
def test_index_when_it_is_no_note_then_it_is_refused(untrusted: bytes, root: Signer) -> None:
    """What is not a note is not an index."""
    with pytest.raises(CryptoError):
        verify_index(untrusted, root=root.verifier(), envelopes_end=len(START))


def test_index_when_the_first_line_is_another_then_it_is_refused(
    keyset_note: bytes, root: Signer
) -> None:
    """No other note can stand for an index."""
    with pytest.raises(MalformedError) as caught:
        verify_index(keyset_note, root=root.verifier(), envelopes_end=len(START))
    assert caught.value.detail == "index first line"


def test_index_when_it_names_as_many_tips_as_are_allowed_then_it_is_not_too_large(
    service: Signer,
) -> None:
    """Whatever the fields and the keyset hold, a full bundle has an index that the desk takes."""
    longest = entry(
        0,
        channel="c" * 32,
        size_bytes=MAX_ENVELOPE_BYTES,
        keyset=2**53 - 1,
        offset=2**53 - 1,
        pseudonym="f" * 32,
    )
    # Each of these bytes takes two in the index.
    note = b'"' * MAX_KEYSET_BYTES
    index = format_index([longest] * MAX_TIPS, made_on=DAY, keyset_note=note, signer=service)
    assert len(index) < MAX_INDEX_BYTES


def test_trailer_when_written_then_it_reads_back() -> None:
    """The end says how long the index is."""
    assert format_trailer(258) == bytes(6) + b"\x01\x02" + END
    assert parse_trailer(format_trailer(258)) == 258


@pytest.mark.parametrize(
    "untrusted", [b"", format_trailer(1)[:-1], format_trailer(1)[1:], bytes(8) + b"tlbundl3"]
)
def test_trailer_when_cut_then_it_is_refused(untrusted: bytes) -> None:
    """A bundle that was cut anywhere has no end."""
    with pytest.raises(MalformedError):
        parse_trailer(untrusted)


def test_trailer_when_the_index_would_be_too_long_then_it_is_refused() -> None:
    """The index has an upper bound, looked at before it is read."""
    with pytest.raises(TooLargeError):
        parse_trailer(format_trailer(MAX_INDEX_BYTES + 1))
