"""Recipients that hold against quantum computers."""

from __future__ import annotations

import pickle

import pytest

from crypto.age.bech32 import format_bech32
from crypto.age.header import Stanza
from crypto.age.hybrid import (
    ENCAPSULATED_BYTES,
    RECIPIENT_BYTES,
    HybridIdentity,
    HybridRecipient,
    check_stanza,
)
from crypto.age.x25519 import X25519Identity
from crypto.errors import MalformedError
from crypto.secret import Secret
from crypto.strict import encode_base64

FILE_KEY = Secret(bytes(range(16)))
IDENTITY = HybridIdentity(Secret(bytes(range(32))))
OTHER = HybridIdentity(Secret(bytes(32)))
# C2SP age.md, "The MLKEM768-X25519 hybrid post-quantum recipient type".
SPECIFIED = Secret(b"AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR")


def test_identity_when_it_is_the_specifications_then_its_recipient_is_too() -> None:
    """The specification's identity comes back, and has the specification's recipient."""
    identity = HybridIdentity.parse(SPECIFIED)
    recipient = identity.recipient().format()

    assert identity.format() == SPECIFIED
    assert len(recipient) == 1959
    assert recipient.startswith("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf")
    assert recipient.endswith("saeq0d3fzv49zc0k")  # with its checksum


def test_recipient_when_formatted_then_it_parses_to_the_same() -> None:
    """A recipient survives its text."""
    recipient = IDENTITY.recipient()

    assert HybridRecipient.parse(recipient.format()) == recipient
    assert hash(HybridRecipient.parse(recipient.format())) == hash(recipient)
    assert recipient != OTHER.recipient()
    assert recipient != recipient.format()


def test_wrap_when_unwrapped_then_the_file_key_comes_back() -> None:
    """What is wrapped for a recipient, its identity unwraps, among strangers' stanzas."""
    strange = Stanza(type="X25519", arguments=(), body=b"")
    stanzas = [strange, OTHER.recipient().wrap(FILE_KEY), IDENTITY.recipient().wrap(FILE_KEY)]

    assert IDENTITY.unwrap(stanzas) == FILE_KEY


def test_unwrap_when_no_stanza_is_for_it_then_there_is_no_file_key() -> None:
    """A stranger's stanza gives nothing."""
    assert IDENTITY.unwrap([OTHER.recipient().wrap(FILE_KEY)]) is None
    assert IDENTITY.unwrap([]) is None


def test_wrap_when_done_twice_then_the_stanzas_differ() -> None:
    """Each encapsulation is fresh."""
    assert IDENTITY.recipient().wrap(FILE_KEY) != IDENTITY.recipient().wrap(FILE_KEY)


def test_generate_when_given_randomness_then_the_seed_is_what_it_gave() -> None:
    """The seed is 32 bytes of the randomness passed in."""
    lengths: list[int] = []

    def random(length: int) -> bytes:
        lengths.append(length)
        return bytes(range(length))

    assert HybridIdentity.generate(random=random).format() == IDENTITY.format()
    assert lengths == [32]
    assert HybridIdentity.generate().format() != HybridIdentity.generate().format()


def test_recipient_when_the_prefix_is_another_then_it_is_refused() -> None:
    """A classic recipient, and one in upper case, is not a hybrid one."""
    classic = X25519Identity(Secret(bytes(32))).recipient().format()
    for text in (classic, IDENTITY.recipient().format().upper()):
        with pytest.raises(MalformedError) as caught:
            HybridRecipient.parse(text)
        assert caught.value.detail == "age1pq recipient: prefix"


@pytest.mark.parametrize("length", [0, 32, RECIPIENT_BYTES - 1, RECIPIENT_BYTES + 1])
def test_recipient_when_the_length_is_another_then_it_is_refused(length: int) -> None:
    """A recipient has one length."""
    with pytest.raises(MalformedError) as caught:
        HybridRecipient(bytes(length))
    assert caught.value.detail == "age1pq recipient: length"


def test_recipient_when_the_ml_kem_key_is_not_reduced_then_it_is_refused() -> None:
    """FIPS 203's check of an encapsulation key is made."""
    with pytest.raises(MalformedError) as caught:
        HybridRecipient(b"\xff" * 1184 + b"\x09" + bytes(31))
    assert caught.value.detail == "age1pq recipient: key"


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_recipient_when_the_point_is_of_low_order_then_it_is_refused(point: bytes) -> None:
    """A point of low order would leave ML-KEM alone."""
    with pytest.raises(MalformedError) as caught:
        HybridRecipient(bytes(1184) + point)
    assert caught.value.detail == "age1pq recipient: key"


def test_identity_when_the_prefix_is_another_then_it_is_refused() -> None:
    """A classic identity, and one in lower case, is not a hybrid one."""
    classic = X25519Identity(Secret(bytes(32))).format()
    for text in (classic, Secret(IDENTITY.format().reveal().lower())):
        with pytest.raises(MalformedError) as caught:
            HybridIdentity.parse(text)
        assert caught.value.detail == "identity: prefix"


def test_identity_when_the_length_is_another_then_it_is_refused() -> None:
    """A seed has one length."""
    text = format_bech32("age-secret-key-pq-", bytes(31)).upper()
    with pytest.raises(MalformedError) as caught:
        HybridIdentity.parse(Secret(text.encode()))
    assert caught.value.detail == "identity: length"


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ((), bytes(32)),
        ((encode_base64(bytes(ENCAPSULATED_BYTES)), "more"), bytes(32)),
        ((encode_base64(bytes(ENCAPSULATED_BYTES - 1)),), bytes(32)),
        ((encode_base64(bytes(ENCAPSULATED_BYTES)),), bytes(31)),
        ((encode_base64(bytes(ENCAPSULATED_BYTES)),), bytes(33)),
    ],
)
def test_unwrap_when_a_stanza_is_not_in_its_form_then_the_file_is_refused(
    arguments: tuple[str, ...], body: bytes
) -> None:
    """A hybrid stanza of another shape is refused before it is tried, whomever it is for."""
    stanza = Stanza(type="mlkem768x25519", arguments=arguments, body=body)
    for check in (check_stanza, lambda stanza: IDENTITY.unwrap([stanza])):
        with pytest.raises(MalformedError) as caught:
            check(stanza)
        assert caught.value.detail == "age header: hybrid stanza"


def test_unwrap_when_the_share_is_of_low_order_then_the_file_is_refused() -> None:
    """A share of low order is a forgery, not a stranger's stanza."""
    stanza = Stanza(
        type="mlkem768x25519",
        arguments=(encode_base64(bytes(ENCAPSULATED_BYTES)),),
        body=bytes(32),
    )
    with pytest.raises(MalformedError) as caught:
        IDENTITY.unwrap([stanza])
    assert caught.value.detail == "age header: low order"


def test_repr_when_shown_then_it_tells_nothing() -> None:
    """No key reaches a log by being shown."""
    assert repr(IDENTITY.recipient()) == "HybridRecipient()"
    assert "seed" not in repr(IDENTITY)


def test_recipient_when_it_goes_to_another_process_then_it_is_the_same() -> None:
    """What is pickled is the key's bytes, and what is sealed to what comes back opens."""
    back = pickle.loads(pickle.dumps(IDENTITY.recipient()))
    assert back == IDENTITY.recipient()
    opened = IDENTITY.unwrap([back.wrap(FILE_KEY)])
    assert opened is not None
    assert opened.reveal() == FILE_KEY.reveal()
