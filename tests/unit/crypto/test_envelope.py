"""The envelope's shape, and sealing into it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.age.x25519 import X25519Identity
from crypto.attachment import Attachment, Cleaning, Original
from crypto.envelope import (
    HEADER_LEN,
    AttachedFile,
    AttachedOriginal,
    check_envelope_head,
    check_recipients,
    seal_tip,
)
from crypto.errors import CryptoError, MalformedError, NoMatchError, RecipientError, TooLargeError
from crypto.ladder import RUNGS, TEXT_RUNG
from crypto.payload import read_tip_payload
from crypto.secret import Secret
from crypto.strict import encode_base64
from crypto.tip import Tip

STANZA = b"-> mlkem768x25519 %b\n%b\n" % (
    encode_base64(bytes(1_120)).encode(),
    encode_base64(bytes(32)).encode(),
)
MAC_LINE = b"--- %b\n" % encode_base64(bytes(32)).encode()
HEAD = b"age-encryption.org/v1\n" + STANZA * 8 + MAC_LINE
SEVEN = b"age-encryption.org/v1\n" + STANZA * 7 + MAC_LINE + bytes(len(STANZA))


@pytest.fixture
def recipients(identity: Callable[[int], HybridIdentity]) -> list[Any]:
    """Eight readers."""
    return [identity(number).recipient() for number in range(8)]


def attach(body: bytes, **changes: Any) -> AttachedFile:
    """A file as a sender hands it over."""
    fields: dict[str, Any] = {
        "extension": "jpg",
        "size_bytes": len(body),
        "source": io.BytesIO(body),
        "name": "bridge.jpg",
        "media_type": "image/jpeg",
    }
    return AttachedFile(**(fields | changes))


@pytest.mark.parametrize("size", RUNGS)
def test_check_when_the_shape_is_right_then_nothing_is_said(size: int) -> None:
    """Version, eight stanzas, MAC line and a rung: that is all one can know without a key."""
    check_envelope_head(HEAD, size_bytes=size)
    check_envelope_head(HEAD + b"more", size_bytes=size)


@pytest.mark.parametrize(
    ("error", "detail", "head", "size"),
    [
        (MalformedError, "size", HEAD, TEXT_RUNG - 1),
        (MalformedError, "size", HEAD, len(HEAD)),
        (MalformedError, "short", HEAD[:-1], TEXT_RUNG),
        (MalformedError, "short", b"", TEXT_RUNG),
        (MalformedError, "version", HEAD.replace(b"/v1", b"/v2"), TEXT_RUNG),
        (MalformedError, "version", b"-----BEGIN AGE".ljust(HEADER_LEN), TEXT_RUNG),
        (MalformedError, "version", b"the bridge is hollow".ljust(HEADER_LEN), TEXT_RUNG),
        (RecipientError, "classic", HEAD.replace(b"mlkem", b"other", 1), TEXT_RUNG),
        (RecipientError, "classic", HEAD[:22] + b"-> X25519 ".ljust(HEADER_LEN), TEXT_RUNG),
        (RecipientError, "classic", HEAD[:22] + b"-> scrypt ".ljust(HEADER_LEN), TEXT_RUNG),
        (MalformedError, "stanza count", SEVEN, TEXT_RUNG),
        (MalformedError, "mac line", HEAD[:22] + STANZA * 9, TEXT_RUNG),
        (MalformedError, "mac line", HEAD[:-1] + b" ", TEXT_RUNG),
        (MalformedError, "mac line", HEAD.replace(b"--- ", b"---A"), TEXT_RUNG),
        (MalformedError, "base64", HEAD[:-2] + b"=\n", TEXT_RUNG),
        (MalformedError, "base64", HEAD[:-2] + b"B\n", TEXT_RUNG),
        (MalformedError, "base64", HEAD[:-2] + b"\xe9\n", TEXT_RUNG),
        (MalformedError, "base64", HEAD[:50] + b"-" + HEAD[51:], TEXT_RUNG),
        (MalformedError, "base64", HEAD[:50] + b"\n" + HEAD[51:], TEXT_RUNG),
        (MalformedError, "base64", HEAD[:22 + 18 + 1493] + b"B" + HEAD[22 + 18 + 1494:], TEXT_RUNG),
        (MalformedError, "base64", HEAD[:22 + 1555] + b"B" + HEAD[22 + 1556:], TEXT_RUNG),
        (MalformedError, "stanza", HEAD[:22 + 18 + 1494] + b" " + HEAD[22 + 18 + 1495:], TEXT_RUNG),
        (MalformedError, "stanza", HEAD[:22 + 1556] + b" " + HEAD[22 + 1557:], TEXT_RUNG),
    ],
)  # fmt: skip
def test_check_when_the_shape_is_off_then_it_is_refused(
    error: type[CryptoError], detail: str, head: bytes, size: int
) -> None:
    """One defect in the head or the size is enough."""
    with pytest.raises(error) as caught:
        check_envelope_head(head, size_bytes=size)

    assert caught.value.detail == detail


def test_seal_when_a_text_is_sealed_then_each_reader_opens_it(
    recipients: list[Any], identity: Callable[[int], HybridIdentity]
) -> None:
    """A text makes the smallest envelope, of the right shape, for all eight and for no ninth."""
    sealed = io.BytesIO()
    rung = seal_tip(sealed, tip=Tip(text="hello", channel="works"), recipients=recipients)

    assert rung == TEXT_RUNG == len(sealed.getvalue())
    check_envelope_head(sealed.getvalue()[:HEADER_LEN], size_bytes=rung)
    for number in range(8):
        opened = io.BytesIO()
        sealed.seek(0)
        age_file.open_(sealed, opened, identities=[identity(number)])
        assert read_tip_payload(opened).tip == Tip(text="hello", channel="works")
    sealed.seek(0)
    with pytest.raises(NoMatchError):
        age_file.open_(sealed, io.BytesIO(), identities=[identity(8)])


@pytest.mark.parametrize("size", [0, 1, 65_536, 249_000, 262_144])
def test_seal_when_files_are_attached_then_they_are_named_and_listed(
    recipients: list[Any], identity: Callable[[int], HybridIdentity], size: int
) -> None:
    """Files get generated names; their real ones travel in `tip.json` only."""
    body = bytes(index % 251 for index in range(size))
    sealed, opened = io.BytesIO(), io.BytesIO()
    rung = seal_tip(
        sealed,
        tip=Tip(text="hello"),
        files=[attach(body), attach(b"b", extension="txt", modified_at="2026-11-20T10:00:00Z")],
        recipients=recipients,
    )
    sealed.seek(0)
    age_file.open_(sealed, opened, identities=[identity(3)])
    payload = read_tip_payload(opened)
    first = payload.members[2]

    assert rung == len(sealed.getvalue())
    assert rung > TEXT_RUNG
    assert opened.getvalue()[first.offset : first.offset + size] == body
    assert payload.tip.attachments == (
        Attachment(
            path="files/01.jpg", name="bridge.jpg", media_type="image/jpeg", size_bytes=size
        ),
        Attachment(
            path="files/02.txt",
            name="bridge.jpg",
            media_type="image/jpeg",
            size_bytes=1,
            modified_at="2026-11-20T10:00:00Z",
        ),
    )


def test_seal_when_an_original_is_added_then_it_lies_beside_its_file(
    recipients: list[Any], identity: Callable[[int], HybridIdentity]
) -> None:
    """A cleaned file has no name of its own; its original has, and comes behind all files."""
    sealed, opened = io.BytesIO(), io.BytesIO()
    cleaning = Cleaning(state="cleaned", rules=1, found=("place",))
    original = AttachedOriginal(
        size_bytes=5, source=io.BytesIO(b"whole"), name="b.jpg", media_type="image/jpeg"
    )
    cleaned = attach(b"part", name=None, cleaning=cleaning, original=original)
    seal_tip(sealed, tip=Tip(text="a"), files=[cleaned, attach(b"b")], recipients=recipients)
    sealed.seek(0)
    age_file.open_(sealed, opened, identities=[identity(3)])
    payload = read_tip_payload(opened)
    last = payload.members[-1]

    assert [member.name for member in payload.members[2:]] == [
        "files/01.jpg", "files/02.jpg", "originals/01.jpg",
    ]  # fmt: skip
    assert opened.getvalue()[last.offset : last.offset + 5] == b"whole"
    assert payload.tip.attachments[0] == Attachment(
        path="files/01.jpg",
        media_type="image/jpeg",
        size_bytes=4,
        cleaning=cleaning,
        original=Original(name="b.jpg", media_type="image/jpeg", size_bytes=5),
    )


def test_recipients_when_one_is_classic_then_the_tip_is_refused(recipients: list[Any]) -> None:
    """One classic recipient would leave the whole tip as weak as itself."""
    classic = X25519Identity.generate().recipient()

    with pytest.raises(RecipientError) as caught:
        check_recipients([*recipients[:7], classic])  # type: ignore[list-item]  # the point
    assert caught.value.detail == "classic"


@pytest.mark.parametrize("count", [0, 1, 7, 9])
def test_recipients_when_they_are_not_eight_then_the_tip_is_refused(
    recipients: list[Any], identity: Callable[[int], HybridIdentity], count: int
) -> None:
    """The number of stanzas tells nothing, because it is always the same."""
    with pytest.raises(RecipientError) as caught:
        check_recipients([*recipients, identity(8).recipient()][:count])
    assert caught.value.facts == {"count": count}


def test_recipients_when_one_stands_twice_then_the_tip_is_refused(recipients: list[Any]) -> None:
    """Eight stanzas are eight keys."""
    with pytest.raises(RecipientError) as caught:
        check_recipients([*recipients[:7], recipients[0]])
    assert caught.value.detail == "twice"


def test_seal_when_nothing_can_be_sealed_then_nothing_is_written(recipients: list[Any]) -> None:
    """Recipients, names, lengths and sizes are looked at before the first byte goes out."""
    sealed = io.BytesIO()
    tip = Tip(text="hello")
    listed = Tip(
        text="a",
        attachments=(Attachment(path="files/01.a", name="", media_type="", size_bytes=1),),
    )

    with pytest.raises(RecipientError):
        seal_tip(sealed, tip=tip, recipients=recipients[:7])
    with pytest.raises(ValueError, match="attachments"):
        seal_tip(sealed, tip=listed, recipients=recipients)
    with pytest.raises(MalformedError):
        seal_tip(sealed, tip=tip, files=[attach(b"a", extension="JPG")], recipients=recipients)
    with pytest.raises(TooLargeError):
        seal_tip(sealed, tip=tip, files=[attach(b"", size_bytes=5 << 30)], recipients=recipients)
    with pytest.raises(MalformedError):
        seal_tip(sealed, tip=tip, files=[attach(b"")] * 100, recipients=recipients)
    assert sealed.getvalue() == b""


def test_seal_when_a_file_is_not_as_long_as_said_then_it_fails(recipients: list[Any]) -> None:
    """A file that changed while it was read is never sealed as if it had not."""
    for size in (4, 6):
        with pytest.raises(MalformedError):
            seal_tip(
                io.BytesIO(),
                tip=Tip(text="a"),
                files=[attach(b"abcde", size_bytes=size)],
                recipients=recipients,
            )


def test_seal_when_randomness_is_given_then_the_nonce_comes_from_it(
    recipients: list[Any],
) -> None:
    """Everything that can be reproduced is: key and nonce are those drawn."""
    drawn: list[int] = []

    def random(length: int) -> bytes:
        drawn.append(length)
        return bytes([len(drawn)]) * length

    sealed = io.BytesIO()
    seal_tip(sealed, tip=Tip(text="a"), recipients=recipients, random=random)

    assert Secret(sealed.getvalue()[HEADER_LEN : HEADER_LEN + 16]) == Secret(
        bytes([len(drawn)]) * 16
    )
