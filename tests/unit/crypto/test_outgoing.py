"""The outgoing bundle."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError, MalformedError, NoMatchError, OutgoingError
from crypto.fields import MAX_ITEMS
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Keyset, KeysetDraft
from crypto.note import Signer, sign_note
from crypto.outgoing import (
    ITEM_BYTES,
    MAX_ANSWER_CHARACTERS,
    MAX_OUTGOING_BYTES,
    MAX_OUTGOING_DAYS,
    ItemKind,
    OutgoingItem,
    SealedItem,
    open_item,
    read_ids,
    read_own_outgoing,
    seal_item,
    sign_outgoing,
    verify_outgoing,
)
from crypto.secret import Secret

SIGNER = Signer(name="tipline-reader/reader-0", seed=Secret(bytes(32)))
DAY = datetime.date(2026, 11, 21)
ANSWERS = HybridIdentity.generate()
ITEM = OutgoingItem(
    id=bytes(range(16)),
    kind=ItemKind.ANSWER,
    reader="reader-0",
    expires_on=DAY,
    conversation=bytes(16),
    text="Gracias.\n¿Dónde? €",
)


@pytest.fixture(scope="module")
def keyset(draft: Callable[..., KeysetDraft], root: Signer) -> Keyset:
    """A keyset in which the first reader answers, and the second does not."""
    note = sign_keyset(draft(), signer=root, today=DAY)
    return verify_keyset(note, root=root.verifier(), today=DAY)


def sign(*sealed: SealedItem, **changes: Any) -> bytes:
    """A bundle of the first reader's."""
    given: dict[str, Any] = {"reader": "reader-0", "number": 7, "today": DAY, "signer": SIGNER}
    return sign_outgoing(sealed or (seal(),), **(given | changes))


def seal(**changes: Any) -> SealedItem:
    """An item, sealed to the service."""
    return seal_item(dataclasses.replace(ITEM, **changes), answers=ANSWERS.recipient())


def resign(note: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same bundle with its object changed, signed by the same key."""
    text = note.decode().split("\n\n")[0]
    first, body = text.split("\n", 1)
    fields = json.loads(body)
    change(fields)
    return sign_note(f"{first}\n{json.dumps(fields)}\n", SIGNER)


def test_outgoing_when_signed_then_its_items_open_for_the_service_alone(keyset: Keyset) -> None:
    """What a reader seals comes back, once the signature holds; no other key opens it."""
    status = dataclasses.replace(ITEM, id=bytes(16), kind=ItemKind.STATUS)
    sealed = [seal(), seal_item(status, answers=ANSWERS.recipient())]
    outgoing = verify_outgoing(sign(*sealed), keyset=keyset, today=DAY)

    assert (outgoing.reader.id, outgoing.number, outgoing.made_on) == ("reader-0", 7, DAY)
    assert [open_item(one, identity=ANSWERS) for one in outgoing.items] == [ITEM, status]
    with pytest.raises(NoMatchError):
        open_item(outgoing.items[0], identity=HybridIdentity.generate())


def test_outgoing_when_texts_differ_then_no_length_does() -> None:
    """A short answer, the longest one and a status are as long as each other."""
    longest = "\N{GRINNING FACE}" * MAX_ANSWER_CHARACTERS
    sealed = [seal(text="a"), seal(text=longest), seal(kind=ItemKind.STATUS)]

    assert len({len(one.sealed) for one in sealed}) == 1
    assert open_item(sealed[1], identity=ANSWERS).text == longest
    assert "Gracias" not in repr(ITEM)
    assert len(sign(*(seal(id=n.to_bytes(16, "big")) for n in range(3)))) < 3 * 10_000


@pytest.mark.parametrize("text", ["", " \n", "a" * (MAX_ANSWER_CHARACTERS + 1), "a\x1b", "\ud800"])
def test_item_when_its_text_is_no_phones_then_it_is_not_sealed(text: str) -> None:
    """Nothing empty, too long or unprintable is sealed."""
    with pytest.raises(MalformedError):
        seal(text=text)


def plain(**changes: Any) -> bytes:
    """An item as its format writes it, with changes."""
    fields = {
        "id": bytes(range(16)).hex(),
        "kind": "answer",
        "reader": "ana",
        "expires_on": "2026-11-21",
        "conversation": "00" * 16,
        "text": "a",
    }
    written = json.dumps({**fields, **changes}).encode() + b"\n"
    return written + bytes(ITEM_BYTES - len(written))


@pytest.mark.parametrize(
    "content",
    [
        plain(id="ff" * 16),
        plain(id="ff"),
        plain(kind="other"),
        plain(kind=1),
        plain(reader="Ana"),
        plain(reader="a" * 33),
        plain(expires_on="2026-11-31"),
        plain(conversation="A" * 32),
        plain(text=1),
        plain(text=""),
        plain(extra=1),
        plain()[:-1],
        plain() + b"\0",
        plain()[:-1] + b"\1",
        plain().replace(b"\n", b" "),
        b"[]\n" + bytes(ITEM_BYTES - 3),
    ],
)
def test_item_when_its_content_is_off_then_it_is_malformed(content: bytes) -> None:
    """An item is spelled in one way, or refused; and it is the one that its name says."""
    sealed = io.BytesIO()
    age_file.seal(io.BytesIO(content), sealed, recipients=[ANSWERS.recipient()])
    item = SealedItem(id=bytes(range(16)), sealed=sealed.getvalue())

    with pytest.raises(MalformedError):
        open_item(item, identity=ANSWERS)


def test_item_when_nothing_is_off_then_it_opens() -> None:
    """The refusals above are not the work of writing it by hand."""
    sealed = io.BytesIO()
    age_file.seal(io.BytesIO(plain()), sealed, recipients=[ANSWERS.recipient()])
    item = SealedItem(id=bytes(range(16)), sealed=sealed.getvalue())

    assert open_item(item, identity=ANSWERS).text == "a"


def test_outgoing_when_another_signs_then_it_is_unsigned(
    keyset: Keyset, draft: Callable[..., KeysetDraft]
) -> None:
    """Only the key that the keyset names for that reader answers in the reader's name."""
    stranger = Signer.generate("tipline-reader/reader-0")
    silent = Signer.generate("tipline-reader/reader-1")
    for note in (
        sign(signer=stranger),
        sign(signer=silent, reader="reader-1"),  # the keyset names no key of this reader
        sign(signer=SIGNER, reader="reader-9"),
        sign().replace(b'"number":7', b'"number":8'),
    ):
        with pytest.raises(OutgoingError) as caught:
            verify_outgoing(note, keyset=keyset, today=DAY)
        assert caught.value.code == "outgoing_unsigned"


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (-2, "outgoing_early"),
        (-1, None),
        (MAX_OUTGOING_DAYS - 1, None),
        (MAX_OUTGOING_DAYS, "outgoing_expired"),
    ],
)
def test_outgoing_when_the_day_is_off_then_it_is_refused(
    keyset: Keyset, offset: int, code: str | None
) -> None:
    """A bundle is taken on its days, and the day before for a clock that is behind."""
    today = DAY + datetime.timedelta(days=offset)
    if code is None:
        assert verify_outgoing(sign(), keyset=keyset, today=today).number == 7
        return
    with pytest.raises(OutgoingError) as caught:
        verify_outgoing(sign(), keyset=keyset, today=today)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.pop("number"),
        lambda f: f.update(number=0),
        lambda f: f.update(reader="Reader"),
        lambda f: f.update(extra=1),
        lambda f: f.update(expires_on="2026-12-05"),
        lambda f: f.update(expires_on="2026-11-20"),
        lambda f: f["items"].clear(),
        lambda f: f["items"].append(f["items"][0]),
        lambda f: f["items"][0].update(id="00"),
        lambda f: f["items"][0].update(sealed="="),
        lambda f: f["items"][0].update(sealed="A" * 8360),
        lambda f: f["items"][0].update(extra=1),
        lambda f: f.update(
            items=[{"id": f"{number:032x}", "sealed": ""} for number in range(MAX_ITEMS + 1)]
        ),
    ],
)
def test_outgoing_when_a_signed_field_is_off_then_it_is_malformed(
    keyset: Keyset, change: Callable[[dict[str, Any]], object]
) -> None:
    """Even the reader's signature does not make a wrong field right."""
    note = resign(sign(), change)
    with pytest.raises(OutgoingError) as caught:
        verify_outgoing(note, keyset=keyset, today=DAY)
    assert caught.value.code == "outgoing_malformed"
    with pytest.raises(OutgoingError) as own:
        read_own_outgoing(note, signer=SIGNER)
    assert own.value.code == "outgoing_malformed"


def test_outgoing_when_it_is_no_note_then_it_is_malformed(keyset: Keyset) -> None:
    """What is no note, too long, or of another kind is refused before a key is looked for."""
    other = sign_note(sign().decode().split("\n\n")[0].replace("/v1", "/v2") + "\n", SIGNER)
    broken = sign().rpartition(b" ")[0] + b" !\n"
    for note in (b"", bytes(MAX_OUTGOING_BYTES + 1), other, broken):
        with pytest.raises(OutgoingError) as caught:
            verify_outgoing(note, keyset=keyset, today=DAY)
        assert caught.value.code == "outgoing_malformed"
    with pytest.raises(OutgoingError):
        read_own_outgoing(bytes(MAX_OUTGOING_BYTES + 1), signer=SIGNER)


def test_outgoing_when_it_is_carried_then_its_ids_are_read_whoever_signed() -> None:
    """Whoever carries a bundle knows which answers it has to be told of."""
    ids = tuple(number.to_bytes(16) for number in range(3))
    note = sign(*(seal(id=one) for one in ids), signer=Signer.generate("tipline-reader/reader-0"))
    assert read_ids(note) == ids
    for broken in (b"note", note.replace(b"/v1", b"/v2"), bytes(MAX_OUTGOING_BYTES + 1)):
        with pytest.raises(OutgoingError) as caught:
            read_ids(broken)
        assert caught.value.code == "outgoing_malformed"


def test_outgoing_when_it_is_ones_own_then_its_items_are_read() -> None:
    """Whoever signed a bundle can go on with it; nobody else can."""
    sealed = seal()

    assert read_own_outgoing(sign(sealed), signer=SIGNER) == (sealed,)
    with pytest.raises(OutgoingError) as caught:
        read_own_outgoing(sign(sealed), signer=Signer.generate("tipline-reader/reader-0"))
    assert caught.value.code == "outgoing_unsigned"


def test_outgoing_when_it_would_be_refused_then_it_is_not_signed() -> None:
    """Nobody signs what the service then refuses."""
    many = [SealedItem(id=n.to_bytes(16, "big"), sealed=b"a") for n in range(MAX_ITEMS + 1)]
    with pytest.raises(MalformedError):
        sign(*many)
    with pytest.raises(CryptoError):
        sign(number=0)
    with pytest.raises(CryptoError):
        sign(days=MAX_OUTGOING_DAYS + 1)
    full = sign(*(SealedItem(id=n.to_bytes(16, "big"), sealed=seal().sealed) for n in range(2)))
    assert len(full) // 2 * MAX_ITEMS < MAX_OUTGOING_BYTES  # the most items fit
