"""Passphrases."""

from __future__ import annotations

import pytest

import crypto.age.scrypt
from crypto.age.header import Stanza
from crypto.age.scrypt import MAX_WORK_FACTOR, ScryptIdentity, ScryptRecipient
from crypto.errors import MalformedError, RecipientError, TooLargeError
from crypto.secret import Secret
from crypto.strict import encode_base64

FILE_KEY = Secret(bytes(range(16)))
PASSPHRASE = Secret("contraseña".encode())
SALT = encode_base64(bytes(16))


def make_stanza(*arguments: str, body: bytes = bytes(32)) -> Stanza:
    return Stanza(type="scrypt", arguments=arguments, body=body)


def test_wrap_when_unwrapped_then_the_file_key_comes_back() -> None:
    """The same passphrase gives the file key, another none."""
    stanza = ScryptRecipient(PASSPHRASE, work_factor=2).wrap(FILE_KEY)

    assert stanza.arguments[1] == "2"
    assert ScryptIdentity(PASSPHRASE).unwrap([stanza]) == FILE_KEY
    assert ScryptIdentity(Secret(b"another")).unwrap([stanza]) is None


def test_unwrap_when_there_is_no_passphrase_stanza_then_there_is_no_file_key() -> None:
    """A passphrase does not open what was sealed to keys."""
    assert ScryptIdentity(PASSPHRASE).unwrap([Stanza(type="a", arguments=(), body=b"")]) is None


def test_wrap_when_given_randomness_then_the_salt_is_what_it_gave() -> None:
    """The salt is 16 bytes of the randomness passed in, and fresh otherwise."""
    recipient = ScryptRecipient(PASSPHRASE, work_factor=1)

    assert recipient.wrap(FILE_KEY, random=bytes).arguments == (SALT, "1")
    assert recipient.wrap(FILE_KEY).arguments != recipient.wrap(FILE_KEY).arguments


def test_recipient_when_nothing_is_said_then_the_work_factor_is_that_of_age(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is written without asking takes about a second to guess at."""
    costs: list[object] = []

    class Counted:
        def __init__(self, **parameters: object) -> None:
            costs.append((parameters["n"], parameters["r"], parameters["p"]))

        def derive(self, _: bytes) -> bytes:
            return bytes(32)

    monkeypatch.setattr(crypto.age.scrypt, "Scrypt", Counted)

    assert ScryptRecipient(PASSPHRASE).wrap(FILE_KEY).arguments[1] == "18"
    assert costs == [(2**18, 8, 1)]


def test_recipient_when_the_passphrase_is_empty_then_it_is_refused() -> None:
    """A file is not sealed with nothing."""
    with pytest.raises(RecipientError):
        ScryptRecipient(Secret(b""))


@pytest.mark.parametrize("factor", [0, -1, MAX_WORK_FACTOR + 1])
def test_work_factor_when_out_of_bounds_then_the_caller_is_wrong(factor: int) -> None:
    """What would not be read is not written, and no limit is raised above ours."""
    with pytest.raises(ValueError, match="work factor"):
        ScryptRecipient(PASSPHRASE, work_factor=factor)
    with pytest.raises(ValueError, match="work factor"):
        ScryptIdentity(PASSPHRASE, max_work_factor=factor)


@pytest.mark.parametrize("factor", ["3", "22", "23", "100", "9" * 5000])
def test_unwrap_when_the_work_factor_is_above_the_limit_then_no_work_is_done(factor: str) -> None:
    """Whoever made a file does not choose how long we compute."""
    with pytest.raises(TooLargeError) as caught:
        ScryptIdentity(PASSPHRASE, max_work_factor=2).unwrap([make_stanza(SALT, factor)])
    assert caught.value.detail == "age header: work factor"
    assert caught.value.facts == {"limit": 2}


@pytest.mark.parametrize("factor", ["", "0", "02", "+2", " 2", "2 ", "0x2", "2_", "\u0662", "-1"])
def test_unwrap_when_the_work_factor_has_another_spelling_then_it_is_refused(factor: str) -> None:
    """A work factor has one spelling."""
    with pytest.raises(MalformedError) as caught:
        ScryptIdentity(PASSPHRASE).unwrap([make_stanza(SALT, factor)])
    assert caught.value.detail == "age header: work factor"


@pytest.mark.parametrize(
    "stanza",
    [
        make_stanza(SALT),
        make_stanza(SALT, "2", "2"),
        make_stanza(encode_base64(bytes(15)), "2"),
        make_stanza(SALT, "2", body=bytes(31)),
        make_stanza(SALT, "2", body=bytes(33)),
    ],
)
def test_unwrap_when_the_stanza_is_not_in_its_form_then_it_is_refused(stanza: Stanza) -> None:
    """A stanza of another shape is refused before any work is done."""
    with pytest.raises(MalformedError) as caught:
        ScryptIdentity(PASSPHRASE).unwrap([stanza])
    assert caught.value.detail == "age header: scrypt stanza"


def test_unwrap_when_the_machine_lacks_the_memory_then_it_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A small machine answers with an error of ours, not with a traceback."""

    class Exhausted:
        def __init__(self, **_: object) -> None:
            raise MemoryError

    monkeypatch.setattr(crypto.age.scrypt, "Scrypt", Exhausted)
    with pytest.raises(TooLargeError) as caught:
        ScryptIdentity(PASSPHRASE).unwrap([make_stanza(SALT, "2")])
    assert caught.value.detail == "scrypt memory"


def test_repr_when_shown_then_it_tells_nothing() -> None:
    """No passphrase reaches a log by being shown."""
    assert repr(ScryptRecipient(PASSPHRASE)) == "ScryptRecipient()"
    assert repr(ScryptIdentity(PASSPHRASE)) == "ScryptIdentity()"
