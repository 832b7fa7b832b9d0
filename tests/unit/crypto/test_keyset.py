"""Keysets: signing, verifying, and whom a tip is sealed to."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from crypto import keyset as keyset_module
from crypto.age.hybrid import HybridIdentity
from crypto.age.x25519 import X25519Identity
from crypto.cosignature import WitnessVerifier
from crypto.errors import KeysetError, RecipientError
from crypto.keyset import (
    MAX_DAYS,
    choose_recipients,
    find_readers,
    sign_keyset,
    verify_keyset,
    verify_past_keyset,
)
from crypto.keyset_fields import Keyset, KeysetDraft, is_id
from crypto.note import Signer, sign_note
from crypto.randomness import RandomSource
from crypto.secret import Secret

DAY = datetime.date(2026, 11, 21)
Draft = Callable[..., KeysetDraft]


def days(count: int) -> datetime.date:
    """A day, counted from the day of signing."""
    return DAY + datetime.timedelta(days=count)


def witness(number: int, *, name: str = "") -> str:
    """The key of one of a row of fixed witnesses."""
    key = hashlib.sha256(b"witness %d" % number).digest()
    return WitnessVerifier(name=name or f"witness-{number}", public_key=key).format()


def change_entry(draft: KeysetDraft, number: int, **changes: Any) -> KeysetDraft:
    """The draft with one entry of its channel changed."""
    channel = draft.channels[0]
    entries = list(channel.readers)
    entries[number] = dataclasses.replace(entries[number], **changes)
    channel = dataclasses.replace(channel, readers=tuple(entries))
    return dataclasses.replace(draft, channels=(channel,))


@pytest.fixture(scope="module")
def note(draft: Draft, root: Signer, random_from: Callable[[bytes], RandomSource]) -> bytes:
    """The first keyset of this desk."""
    return sign_keyset(draft(), signer=root, today=DAY, random=random_from(b"fill"))


def resign(note: bytes, root: Signer, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same keyset with its object changed, signed by the same root."""
    fields = json.loads(note.decode().split("\n")[1])
    change(fields)
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return sign_note(f"tipline-keyset/v1\n{body}\n", root)


def test_keyset_when_signed_then_it_verifies_on_each_of_its_days(
    note: bytes, draft: Draft, root: Signer
) -> None:
    """What the desk decided comes back, on the first day and on the last."""
    for today in (days(0), days(30)):
        keyset = verify_keyset(note, root=root.verifier(), today=today, seen=1)
        assert keyset.number == 1
        assert keyset.previous is None
        assert keyset.confirmed_on == DAY
        assert keyset.readers == draft().readers
        assert keyset.channels == draft().channels
        assert keyset.service == draft().service
        assert keyset.log == draft().log
        assert (keyset.witnesses, keyset.quorum) == ((), 0)
        assert keyset.onion == draft().onion
        assert keyset.answers == draft().answers is not None
        assert len(keyset.fill) == 7
        assert keyset.sha256 == hashlib.sha256(note).hexdigest()


def test_keyset_when_it_names_witnesses_then_they_and_the_quorum_come_back(
    draft: Draft, root: Signer
) -> None:
    """Who cosigns the log, and how many of them must, is the desk's signed word."""
    witnesses = tuple(WitnessVerifier.parse(witness(number)) for number in range(16))
    for quorum in (1, 16):
        note = sign_keyset(draft(witnesses=witnesses, quorum=quorum), signer=root, today=DAY)
        keyset = verify_keyset(note, root=root.verifier(), today=DAY)
        assert (keyset.witnesses, keyset.quorum) == (witnesses, quorum)
    with pytest.raises(KeysetError):
        sign_keyset(draft(witnesses=witnesses, quorum=0), signer=root, today=DAY)


def test_keyset_when_it_follows_another_then_its_number_rises_and_names_it(
    note: bytes, draft: Draft, root: Signer
) -> None:
    """A keyset names the one before it by number and hash."""
    second = sign_keyset(draft(), signer=root, today=DAY, previous=note)
    keyset = verify_keyset(second, root=root.verifier(), today=DAY)

    assert (keyset.number, keyset.previous) == (2, hashlib.sha256(note).hexdigest())


def test_fill_when_signed_twice_then_it_is_never_the_same(draft: Draft, root: Signer) -> None:
    """Fill keys are made anew each time, so nobody can have kept their private halves."""
    one, two = (
        verify_past_keyset(sign_keyset(draft(), signer=root, today=DAY), root=root.verifier())
        for _ in range(2)
    )

    assert not {r.format() for r in one.fill} & {r.format() for r in two.fill}


@pytest.mark.parametrize(
    ("today", "seen", "error"),
    [
        (days(-1), 0, ("keyset_early", {"valid_from": "2026-11-21"})),
        (days(31), 0, ("keyset_expired", {"valid_until": "2026-12-21"})),
        (days(0), 2, ("keyset_old", {"number": 1, "seen": 2})),
        (days(31), 2, ("keyset_old", {"number": 1, "seen": 2})),
    ],
)
def test_keyset_when_the_day_or_the_number_is_off_then_the_code_says_so(
    note: bytes, root: Signer, today: datetime.date, seen: int, error: tuple[str, dict[str, Any]]
) -> None:
    """Too early, expired and older than one seen are three different refusals."""
    with pytest.raises(KeysetError) as caught:
        verify_keyset(note, root=root.verifier(), today=today, seen=seen)

    assert (caught.value.code, caught.value.facts) == error


def test_keyset_when_signed_by_another_root_then_it_is_unsigned(note: bytes) -> None:
    """Only the pinned root counts, even if the other has the same name."""
    other = Signer.generate("tipline-root").verifier()

    with pytest.raises(KeysetError) as caught:
        verify_keyset(note, root=other, today=DAY)
    assert caught.value.code == "keyset_unsigned"


def test_keyset_when_the_pinned_key_is_no_root_then_it_is_unsigned(
    note: bytes, draft: Draft, root: Signer
) -> None:
    """A key of another role signs no keyset, even if its bytes are the root's."""
    other = Signer(name="tipline-service", seed=root.seed)
    text = note.decode().split("\n\n")[0] + "\n"

    with pytest.raises(KeysetError) as verifying:
        verify_keyset(sign_note(text, other), root=other.verifier(), today=DAY)
    with pytest.raises(KeysetError) as signing:
        sign_keyset(draft(), signer=other, today=DAY)
    assert verifying.value.code == signing.value.code == "keyset_unsigned"


def test_keyset_when_a_byte_of_its_text_changed_then_it_is_unsigned(
    note: bytes, root: Signer
) -> None:
    """A changed name breaks the signature."""
    with pytest.raises(KeysetError) as caught:
        verify_keyset(note.replace(b"Reader 0", b"Reader X"), root=root.verifier(), today=DAY)
    assert caught.value.code == "keyset_unsigned"


@pytest.mark.parametrize("untrusted", [b"", b"not a note", b"x" * (257 << 10)])
def test_keyset_when_it_is_no_note_then_it_is_malformed(untrusted: bytes, root: Signer) -> None:
    """What is not a note, or too long, is refused before it is read."""
    with pytest.raises(KeysetError) as caught:
        verify_keyset(untrusted, root=root.verifier(), today=DAY)
    assert caught.value.code == "keyset_malformed"


def test_keyset_when_another_note_of_the_root_then_it_is_malformed(root: Signer) -> None:
    """No other note signed by the root can stand for a keyset."""
    with pytest.raises(KeysetError) as caught:
        verify_keyset(sign_note("tipline-other/v1\n{}\n", root), root=root.verifier(), today=DAY)
    assert caught.value.detail == "first line"


def _set(path: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(fields: dict[str, Any]) -> None:
        target: Any = fields
        *parents, last = path.split(".")
        for name in parents:
            target = target[int(name)] if name.isdigit() else target[name]
        if isinstance(target, list):
            target[int(last)] = value
        else:
            target[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.pop("onion"),
        lambda f: f.update(extra=1),
        lambda f: f["readers"][0].update(extra=1),
        lambda f: f["readers"].append(f["readers"][0]),
        lambda f: f["readers"][1].update(id="reader-0"),
        lambda f: f["readers"][1].update(recipient=f["readers"][0]["recipient"]),
        lambda f: f["fill"].pop(),
        lambda f: f["fill"].append(f["fill"][0]),
        lambda f: f["fill"].__setitem__(0, f["readers"][0]["recipient"]),
        lambda f: f["channels"].clear(),
        lambda f: f["channels"].append(f["channels"][0]),
        lambda f: f["channels"][0]["readers"].append(f["channels"][0]["readers"][0]),
        lambda f: f["channels"][0]["readers"].clear(),
        lambda f: f["channels"][0]["categories"].append(f["channels"][0]["categories"][0]),
        lambda f: f["channels"][0]["names"].pop("pt"),
        lambda f: f["channels"][0]["names"].update(de="x"),
        lambda f: f.update(number=f.pop("number")),
        _set("number", 0),
        _set("number", True),
        _set("number", "1"),
        _set("number", 2**53),
        _set("previous", "AB" * 32),
        _set("previous", "ab" * 31),
        _set("previous", 1),
        _set("confirmed_on", "2026-11-31"),
        _set("confirmed_on", 1),
        _set("service", "tipline-service"),
        _set("service", Signer.generate("tipline-root").verifier().format()),
        _set("log", "tipline-log"),
        _set("log", Signer.generate("tipline-service").verifier().format()),
        _set("log", Signer.generate("tipline-log/" + 15 * "0").verifier().format()),
        _set("witnesses", [Signer.generate("w").verifier().format()]),
        _set("witnesses", [witness(1), witness(1)]),
        _set("witnesses", [witness(1), witness(1, name="other")]),
        _set("witnesses", [witness(1)]),
        _set("witnesses", [witness(n) for n in range(17)]),
        _set("quorum", 1),
        _set("quorum", -1),
        _set("quorum", None),
        lambda f: f.update(witnesses=[witness(1)], quorum=2),
        lambda f: f.update(witnesses=[witness(1), witness(2, name="witness-1")], quorum=1),
        lambda f: f.update(witnesses=[witness(n) for n in range(17)], quorum=17),
        _set("onion", "x.onion"),
        _set("onion", "1" * 56 + ".onion"),
        lambda f: f.pop("answers"),
        lambda f: f["readers"][0].pop("signing"),
        lambda f: f.update(answers=f["readers"][0]["recipient"]),
        lambda f: f.update(answers=f["fill"][0]),
        lambda f: f["readers"][1].update(signing=f["readers"][0]["signing"]),
        lambda f: f["readers"][1].update(
            signing=Signer(name="tipline-reader/reader-1", seed=Secret(bytes(32)))
            .verifier()
            .format()
        ),
        _set("answers", "age1pq1xyz"),
        _set("answers", X25519Identity.generate().recipient().format()),
        _set("readers.0.signing", "tipline-reader/reader-0"),
        _set("readers.0.signing", Signer.generate("tipline-reader/other").verifier().format()),
        _set("readers.0.signing", Signer.generate("reader-0").verifier().format()),
        _set("readers", {}),
        _set("readers.0", []),
        _set("readers.0.id", "Reader"),
        _set("readers.0.name", ""),
        _set("readers.0.name", "a" * 201),
        _set("readers.0.name", "Ana\u202e"),
        _set("readers.0.name", "Ana\n"),
        _set("readers.0.unit", None),
        _set("readers.0.recipient", "age1pq1xyz"),
        _set("readers.0.recipient", X25519Identity.generate().recipient().format()),
        _set("fill.0", X25519Identity.generate().recipient().format()),
        _set("channels.0.id", ""),
        _set("channels.0.names", []),
        _set("channels.0.categories.0.id", "Roads"),
        _set("channels.0.readers.0.reader", "nobody"),
        _set("channels.0.readers.0.optional", True),
        _set("channels.0.readers.0.optional", 0),
        _set("channels.0.readers.0.until", "never"),
        _set("valid_until", "2026-11-20"),
        _set("channels.0.names.en", [[[]]]),
        _set("channels.0.names.en", json.loads("[" * 40 + "]" * 40)),
    ],
)
def test_keyset_when_a_signed_field_is_off_then_it_is_malformed(
    note: bytes, root: Signer, change: Callable[[dict[str, Any]], object]
) -> None:
    """Even the root's signature does not make a wrong field right."""
    with pytest.raises(KeysetError) as caught:
        verify_keyset(resign(note, root, change), root=root.verifier(), today=DAY)

    assert caught.value.code == "keyset_malformed"


@pytest.mark.parametrize(
    ("old", "new"), [('"number":1', '"number": 1'), ("Obras p\u00fablicas", "Obras p\\u00fablicas")]
)
def test_keyset_when_spelled_otherwise_then_it_is_malformed(
    note: bytes, root: Signer, old: str, new: str
) -> None:
    """One keyset has one spelling, and so one hash."""
    text = note.decode().split("\n\n")[0].replace(old, new) + "\n"

    with pytest.raises(KeysetError) as caught:
        verify_keyset(sign_note(text, root), root=root.verifier(), today=DAY)
    assert caught.value.detail == "spelling"


def test_keyset_when_it_lives_too_long_then_neither_side_takes_it(
    note: bytes, draft: Draft, root: Signer
) -> None:
    """Thirty-two days are refused when signing and when verifying."""
    too_long = days(MAX_DAYS)

    with pytest.raises(KeysetError) as signing:
        sign_keyset(draft(valid_until=too_long), signer=root, today=DAY)
    changed = resign(note, root, _set("valid_until", too_long.isoformat()))
    with pytest.raises(KeysetError) as verifying:
        verify_keyset(changed, root=root.verifier(), today=DAY)
    assert signing.value.code == verifying.value.code == "keyset_too_long"
    assert signing.value.facts == {"limit": 31}


def test_keyset_when_its_days_are_turned_round_then_it_is_not_signed(
    draft: Draft, root: Signer
) -> None:
    """A last day before the first is no validity at all."""
    with pytest.raises(KeysetError) as caught:
        sign_keyset(draft(valid_until=days(-1)), signer=root, today=DAY)
    assert caught.value.code == "keyset_malformed"


def test_keyset_when_a_channel_has_a_ninth_reader_then_neither_side_takes_it(
    note: bytes, draft: Draft, root: Signer
) -> None:
    """Nine readers are refused with the reason, when signing and when verifying."""
    nine = draft(reader_count=9)

    with pytest.raises(KeysetError) as signing:
        sign_keyset(nine, signer=root, today=DAY)
    assert signing.value.code == "keyset_too_many_readers"
    assert signing.value.facts == {"channel": "works", "count": 9, "limit": 8}

    def add(fields: dict[str, Any]) -> None:
        entry = fields["channels"][0]["readers"][0]
        fields["channels"][0]["readers"] = [
            {**entry, "reader": f"reader-{number}"} for number in range(9)
        ]

    with pytest.raises(KeysetError) as verifying:
        verify_keyset(resign(note, root, add), root=root.verifier(), today=DAY)
    assert verifying.value.code == "keyset_too_many_readers"


def test_keyset_when_eight_readers_read_then_it_is_signed(draft: Draft, root: Signer) -> None:
    """Eight are allowed, and then nothing of fill is needed."""
    note = sign_keyset(draft(reader_count=8), signer=root, today=DAY)
    keyset = verify_keyset(note, root=root.verifier(), today=DAY)
    chosen = choose_recipients(keyset, channel="works", today=DAY)

    assert {r.format() for r in chosen} == {r.recipient.format() for r in keyset.readers}


@pytest.mark.parametrize(
    ("changes", "day"),
    [
        ({"from_on": days(1)}, "2026-11-21"),
        ({"until_on": days(29)}, "2026-12-21"),
        ({"until_on": days(-1)}, "2026-11-21"),
    ],
)
def test_keyset_when_a_channel_has_a_day_without_fixed_reader_then_it_is_not_signed(
    draft: Draft, root: Signer, changes: dict[str, Any], day: str
) -> None:
    """On each day somebody reads whom a source cannot leave out."""
    with pytest.raises(KeysetError) as caught:
        sign_keyset(change_entry(draft(), 0, **changes), signer=root, today=DAY)

    assert caught.value.code == "keyset_unread"
    assert caught.value.facts == {"channel": "works", "day": day}


def test_keyset_when_the_previous_is_of_another_root_then_it_is_not_signed(
    note: bytes, draft: Draft
) -> None:
    """A chain of keysets has one root."""
    with pytest.raises(KeysetError) as caught:
        sign_keyset(draft(), signer=Signer.generate("tipline-root"), today=DAY, previous=note)
    assert caught.value.code == "keyset_unsigned"


@pytest.fixture(scope="module")
def keyset(note: bytes, root: Signer) -> Keyset:
    """The first keyset, verified."""
    return verify_keyset(note, root=root.verifier(), today=DAY)


def texts(recipients: Any) -> set[str]:
    """Recipients as text, to be compared."""
    return {recipient.format() for recipient in recipients}


def test_recipients_when_nobody_is_left_out_then_readers_and_fill_make_eight(
    keyset: Keyset,
) -> None:
    """Two readers, six of fill, all different."""
    chosen = choose_recipients(keyset, channel="works", today=DAY)

    assert len(chosen) == len(texts(chosen)) == 8
    assert texts(chosen) == texts([r.recipient for r in keyset.readers]) | texts(keyset.fill[:6])


def test_recipients_when_a_reader_is_left_out_then_a_throwaway_stands_there(
    keyset: Keyset,
) -> None:
    """The left-out reader's key is not among the eight, and no shorter list tells it."""
    chosen = choose_recipients(keyset, channel="works", leave_out=["reader-1"], today=DAY)

    assert len(texts(chosen)) == 8
    assert keyset.readers[1].recipient.format() not in texts(chosen)
    known = texts([keyset.readers[0].recipient]) | texts(keyset.fill[:6])
    assert len(texts(chosen) - known) == 1


def test_recipients_when_a_reader_does_not_read_today_then_a_throwaway_stands_there(
    draft: Draft, root: Signer
) -> None:
    """A reader whose days are over gets nothing, though the keyset still names them."""
    note = sign_keyset(change_entry(draft(), 1, until_on=days(2)), signer=root, today=DAY)
    keyset = verify_keyset(note, root=root.verifier(), today=DAY)
    later = choose_recipients(keyset, channel="works", today=days(3))

    assert keyset.readers[1].recipient.format() not in texts(later)
    assert keyset.readers[1].recipient.format() in texts(
        choose_recipients(keyset, channel="works", today=days(2))
    )
    assert [e.reader for e in find_readers(keyset, channel="works", today=days(3))] == ["reader-0"]


@pytest.mark.parametrize("leave_out", [["reader-0"], ["nobody"], ["reader-0", "reader-1"]])
def test_recipients_when_a_fixed_reader_is_left_out_then_it_is_refused(
    keyset: Keyset, leave_out: list[str]
) -> None:
    """Only readers marked as optional can be left out."""
    with pytest.raises(RecipientError):
        choose_recipients(keyset, channel="works", leave_out=leave_out, today=DAY)


def test_recipients_when_the_channel_is_unknown_then_it_is_refused(keyset: Keyset) -> None:
    """There is no channel to fall back to."""
    with pytest.raises(RecipientError):
        choose_recipients(keyset, channel="other", today=DAY)
    with pytest.raises(RecipientError):
        find_readers(keyset, channel="other", today=DAY)


def test_recipients_when_nobody_would_read_then_it_is_refused(keyset: Keyset) -> None:
    """A tip that nobody could open is not sealed."""
    with pytest.raises(KeysetError) as caught:
        choose_recipients(keyset, channel="works", today=datetime.date(2025, 1, 1))
    assert caught.value.code == "keyset_unread"


def test_recipients_when_drawn_often_then_every_place_is_as_likely(keyset: Keyset) -> None:
    """A reader's place among the eight says nothing: over many draws each place comes up."""
    reader = keyset.readers[0].recipient
    counts = [0] * 8
    for number in range(800):
        random = _make_counter_random(number)
        chosen = choose_recipients(keyset, channel="works", today=DAY, random=random)
        counts[chosen.index(reader)] += 1

    assert min(counts) > 50
    assert max(counts) < 150


def _make_counter_random(number: int) -> RandomSource:
    stream = iter(hashlib.shake_256(b"place %d" % number).digest(4096))
    return lambda length: bytes(next(stream) for _ in range(length))


def test_shuffle_when_a_draw_would_be_biased_then_it_is_drawn_again(keyset: Keyset) -> None:
    """Bytes at the top of the range, which would favour some places, are thrown away."""
    drawn: list[int] = []

    def random(length: int) -> bytes:
        drawn.append(length)
        return b"\xff" if len(drawn) % 2 else b"\x00"

    values = list(keyset.fill)
    keyset_module._shuffle(values, random=random)

    # 256 is a multiple of 2, 4 and 8, so only the other four places refuse 255.
    assert len(drawn) > len(values) - 1
    assert texts(values) == texts(keyset.fill)


def test_reader_when_left_out_then_the_key_is_not_needed(
    keyset: Keyset, identity: Callable[[int], HybridIdentity]
) -> None:
    """The fixture's readers are those of the keyset: the tests above compare real keys."""
    assert keyset.readers[1].recipient == identity(1).recipient()


def test_keyset_when_nobody_answers_then_it_says_so(
    root: Signer, draft: Callable[..., KeysetDraft]
) -> None:
    """A line without phones names neither a key for answers nor anybody who signs them."""
    silent = [dataclasses.replace(reader, signing=None) for reader in draft().readers]
    note = sign_keyset(draft(answers=None, readers=tuple(silent)), signer=root, today=DAY)
    keyset = verify_keyset(note, root=root.verifier(), today=DAY)

    assert keyset.answers is None
    assert [reader.signing for reader in keyset.readers] == [None, None]


@pytest.mark.parametrize(
    ("text", "holds"),
    [("ana", True), ("a-1", True), ("Ana", False), ("", False), ("a" * 33, False)],
)
def test_id_when_typed_then_it_is_known_whether_it_can_be_one(text: str, holds: bool) -> None:
    """What the keyset would refuse can be refused before a key is made for it."""
    assert is_id(text) is holds
