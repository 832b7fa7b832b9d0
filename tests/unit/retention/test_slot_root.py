"""Roots that stay the same, and the key that seals slots."""

from __future__ import annotations

import dataclasses

import pytest

from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import MAX_BODY_BYTES, NO_ROOT, SlotKind
from retention.slot_root import CredentialRoot, Method, PlainRoot, SealingKey, SlotRoot, Standing
from tests.unit.retention.slot_disks import make_random

SECRET = Secret(b"s" * 32)
LABEL = b"l" * 16
PLAIN = PlainRoot()
CREDENTIAL = CredentialRoot(Secret(b"c" * 32))
OTHER = CredentialRoot(Secret(b"o" * 32))


@pytest.mark.parametrize("root", [PLAIN, CREDENTIAL])
def test_root_when_it_stays_then_a_destruction_is_an_overwrite(root: SlotRoot) -> None:
    """Nothing is called destroyed as long as what opens an old block still exists."""
    root.create(bytes(16))
    root.attach(bytes(16))

    assert {root.method(kind) for kind in SlotKind} == {Method.OVERWRITTEN}
    assert root.rotation() is None


@pytest.mark.parametrize("root", [PLAIN, CREDENTIAL])
def test_root_when_it_sealed_a_secret_then_it_opens_it(root: SlotRoot) -> None:
    """What a root sealed it gives back, and knows as its own."""
    slot = root.seal(SECRET, kind=SlotKind.DAY, label=LABEL)

    assert root.open(slot) == SECRET
    assert root.standing(slot) is Standing.CURRENT
    assert (slot.kind, slot.label) == (SlotKind.DAY, LABEL)


@pytest.mark.parametrize(
    ("root", "foreign"), [(PLAIN, CREDENTIAL), (CREDENTIAL, PLAIN), (CREDENTIAL, OTHER)]
)
def test_root_when_another_sealed_it_then_it_says_so(root: SlotRoot, foreign: SlotRoot) -> None:
    """A slot of another root is named as such, not as damaged."""
    slot = foreign.seal(SECRET, kind=SlotKind.DAY, label=LABEL)

    assert root.standing(slot) is Standing.FOREIGN
    with pytest.raises(SlotError, match="slot_root_other"):
        root.open(slot)


def test_sealing_when_the_slot_holds_it_then_the_secret_is_not_in_it() -> None:
    """Under a root, the secret's bytes do not lie in the slot."""
    slot = CREDENTIAL.seal(SECRET, kind=SlotKind.DAY, label=LABEL)

    assert SECRET.reveal() not in slot.body.reveal()
    assert len(slot.body) == MAX_BODY_BYTES
    assert slot.root_id != NO_ROOT


def test_sealing_when_done_twice_then_no_two_are_alike() -> None:
    """A new nonce each time; with given randomness the same bytes."""
    twice = [CREDENTIAL.seal(SECRET, kind=SlotKind.DAY, label=LABEL).body for _ in "12"]
    fixed = [
        SealingKey(SECRET, random=make_random("x")).seal(SECRET, kind=SlotKind.DAY, label=LABEL)
        for _ in "12"
    ]

    assert twice[0] != twice[1]
    assert fixed[0] == fixed[1]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": SlotKind.HOLD},
        {"label": b"m" * 16},
        {"body": Secret(b"x" * MAX_BODY_BYTES)},
        {"body": SECRET},
    ],
)
def test_sealing_when_the_slot_was_changed_then_it_is_refused(change: dict[str, object]) -> None:
    """A sealed secret opens as its kind and label alone."""
    slot = CREDENTIAL.seal(SECRET, kind=SlotKind.DAY, label=LABEL)

    with pytest.raises(SlotError, match="slot_malformed"):
        CREDENTIAL.open(dataclasses.replace(slot, **change))  # type: ignore[arg-type]


def test_plain_when_the_secret_has_another_length_then_it_is_refused() -> None:
    """A slot without a root holds 32 bytes."""
    slot = PLAIN.seal(SECRET, kind=SlotKind.DAY, label=LABEL)

    with pytest.raises(SlotError, match="slot_malformed"):
        PLAIN.open(dataclasses.replace(slot, body=Secret(b"short")))


def test_sealing_when_the_key_is_short_then_the_caller_is_told() -> None:
    """A root of another length is the caller's mistake."""
    with pytest.raises(ValueError, match="32 bytes"):
        CredentialRoot(Secret(b"short"))
