"""Classic recipients."""

from __future__ import annotations

import pytest

from crypto.age.bech32 import format_bech32
from crypto.age.header import Stanza
from crypto.age.hybrid import HybridIdentity
from crypto.age.x25519 import X25519Identity, X25519Recipient
from crypto.errors import MalformedError
from crypto.secret import Secret
from crypto.strict import encode_base64

FILE_KEY = Secret(bytes(range(16)))
IDENTITY = X25519Identity(Secret(bytes(range(32))))
OTHER = X25519Identity(Secret(bytes(32)))
SHARE = encode_base64(b"\x09" + bytes(31))


def test_identity_when_it_is_the_specifications_then_it_comes_back() -> None:
    """C2SP age.md, "The X25519 recipient type": 32 times the letter B."""
    text = Secret(b"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
    identity = X25519Identity.parse(text)

    assert identity.format() == text
    assert identity.recipient().format() == (
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    )


def test_recipient_when_formatted_then_it_parses_to_the_same() -> None:
    """A recipient survives its text."""
    recipient = IDENTITY.recipient()

    assert X25519Recipient.parse(recipient.format()) == recipient
    assert hash(X25519Recipient.parse(recipient.format())) == hash(recipient)
    assert recipient != OTHER.recipient()
    assert recipient != recipient.format()


def test_wrap_when_unwrapped_then_the_file_key_comes_back() -> None:
    """What is wrapped for a recipient, its identity unwraps, among strangers' stanzas."""
    strange = Stanza(type="mlkem768x25519", arguments=(), body=b"")
    stanzas = [strange, OTHER.recipient().wrap(FILE_KEY), IDENTITY.recipient().wrap(FILE_KEY)]

    assert IDENTITY.unwrap(stanzas) == FILE_KEY
    assert IDENTITY.unwrap(stanzas[:2]) is None


def test_wrap_when_given_randomness_then_the_stanza_follows_from_it() -> None:
    """All that is random in a stanza is passed in."""

    def random(length: int) -> bytes:
        return bytes(range(length))

    recipient = OTHER.recipient()

    assert recipient.wrap(FILE_KEY, random=random) == recipient.wrap(FILE_KEY, random=random)
    assert recipient.wrap(FILE_KEY) != recipient.wrap(FILE_KEY)


def test_generate_when_given_randomness_then_the_seed_is_what_it_gave() -> None:
    """The seed is 32 bytes of the randomness passed in."""
    identity = X25519Identity.generate(random=lambda length: bytes(range(length)))

    assert identity.format() == IDENTITY.format()
    assert X25519Identity.generate().format() != X25519Identity.generate().format()


def test_recipient_when_the_prefix_is_another_then_it_is_refused() -> None:
    """A hybrid recipient, and one in upper case, is not a classic one."""
    hybrid = HybridIdentity(Secret(bytes(32))).recipient().format()
    for text in (hybrid, IDENTITY.recipient().format().upper()):
        with pytest.raises(MalformedError) as caught:
            X25519Recipient.parse(text)
        assert caught.value.detail == "age1 recipient: prefix"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_recipient_when_the_length_is_another_then_it_is_refused(length: int) -> None:
    """A recipient has one length."""
    with pytest.raises(MalformedError) as caught:
        X25519Recipient(bytes(length))
    assert caught.value.detail == "age1 recipient: length"


def test_recipient_when_the_point_is_of_low_order_then_it_is_refused() -> None:
    """A file sealed to such a point would open for everybody."""
    with pytest.raises(MalformedError) as caught:
        X25519Recipient(bytes(32))
    assert caught.value.detail == "age1 recipient: key"


def test_identity_when_the_prefix_is_another_then_it_is_refused() -> None:
    """A hybrid identity, and one in lower case, is not a classic one."""
    hybrid = HybridIdentity(Secret(bytes(32))).format()
    for text in (hybrid, Secret(IDENTITY.format().reveal().lower())):
        with pytest.raises(MalformedError) as caught:
            X25519Identity.parse(text)
        assert caught.value.detail == "identity: prefix"


def test_identity_when_the_length_is_another_then_it_is_refused() -> None:
    """An identity has one length."""
    text = format_bech32("age-secret-key-", bytes(33)).upper()
    with pytest.raises(MalformedError) as caught:
        X25519Identity.parse(Secret(text.encode()))
    assert caught.value.detail == "identity: length"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((), bytes(32)),
        ((SHARE, "more"), bytes(32)),
        ((encode_base64(bytes(31)),), bytes(32)),
        ((SHARE,), bytes(31)),
        ((SHARE,), bytes(33)),
    ],
)
def test_unwrap_when_a_stanza_is_not_in_its_form_then_the_file_is_refused(
    arguments: tuple[str, ...], body: bytes
) -> None:
    """An X25519 stanza of another shape is refused before it is tried."""
    with pytest.raises(MalformedError) as caught:
        IDENTITY.unwrap([Stanza(type="X25519", arguments=arguments, body=body)])
    assert caught.value.detail == "age header: X25519 stanza"


def test_unwrap_when_the_share_is_of_low_order_then_the_file_is_refused() -> None:
    """The specification's "MUST abort": an all-zero shared secret."""
    stanza = Stanza(type="X25519", arguments=(encode_base64(bytes(32)),), body=bytes(32))
    with pytest.raises(MalformedError) as caught:
        IDENTITY.unwrap([stanza])
    assert caught.value.detail == "age header: low order"


def test_repr_when_shown_then_it_tells_nothing() -> None:
    """No key reaches a log by being shown."""
    assert repr(IDENTITY.recipient()) == "X25519Recipient()"
