"""Keys as people keep them."""

from __future__ import annotations

import datetime

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.age.keys import (
    MAX_KEY_FILE_BYTES,
    MAX_KEYS,
    format_identity_file,
    is_age_file,
    parse_identity,
    parse_identity_file,
    parse_recipient,
    parse_recipient_file,
)
from crypto.age.x25519 import X25519Identity
from crypto.errors import MalformedError, TooLargeError
from crypto.secret import Secret

HYBRID = HybridIdentity(Secret(bytes(range(32))))
CLASSIC = X25519Identity(Secret(bytes(range(32))))


def text_of(identity: HybridIdentity | X25519Identity) -> bytes:
    return identity.format().reveal()


def test_recipient_when_parsed_then_its_kind_is_found() -> None:
    """A recipient's spelling says of which kind it is."""
    for identity in (HYBRID, CLASSIC):
        recipient = identity.recipient()
        assert parse_recipient(recipient.format()) == recipient


def test_identity_when_parsed_then_its_kind_is_found() -> None:
    """An identity's spelling says of which kind it is."""
    for identity in (HYBRID, CLASSIC):
        parsed = parse_identity(identity.format())
        assert type(parsed) is type(identity)
        assert parsed.format() == identity.format()


@pytest.mark.parametrize(
    "text", ["", "age", "ssh-ed25519 AAAA", "AGE1PQ1", " age1", "age1tag1qt8l"]
)
def test_recipient_when_of_no_kind_we_know_then_it_is_refused(text: str) -> None:
    """SSH keys, plugins and noise are refused."""
    with pytest.raises(MalformedError):
        parse_recipient(text)


@pytest.mark.parametrize("text", [b"", b"age-secret-key-1", b"AGE-PLUGIN-YUBIKEY-1"])
def test_identity_when_of_no_kind_we_know_then_it_is_refused(text: bytes) -> None:
    """Plugins and noise are refused."""
    with pytest.raises(MalformedError):
        parse_identity(Secret(text))


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_identity_file_when_it_has_comments_then_they_are_skipped(end: bytes) -> None:
    """Comments, empty lines and line ends of another system do no harm."""
    lines = [b"# created: a day", b"", text_of(HYBRID), b"#", text_of(CLASSIC), b""]

    parsed = parse_identity_file(Secret(end.join(lines)))

    assert [identity.format() for identity in parsed] == [HYBRID.format(), CLASSIC.format()]


def test_recipient_file_when_it_has_comments_then_they_are_skipped() -> None:
    """A file of recipients is read in its order."""
    recipients = [CLASSIC.recipient(), HYBRID.recipient()]
    content = "# team\n\n" + "\n".join(recipient.format() for recipient in recipients)

    assert parse_recipient_file(content.encode()) == recipients


def test_files_when_a_line_is_wrong_then_its_number_is_told_and_nothing_of_it() -> None:
    """A broken line is found by its number; what stands in it stays out of the error."""
    with pytest.raises(MalformedError) as caught:
        parse_identity_file(Secret(b"#\n" + text_of(CLASSIC) + b"\n" + text_of(HYBRID)[:-1]))
    assert (caught.value.detail, caught.value.facts) == ("identity file", {"line": 3})
    with pytest.raises(MalformedError) as caught:
        parse_recipient_file(CLASSIC.recipient().format().encode() + b"\n\xe9\n")
    assert (caught.value.detail, caught.value.facts) == ("recipient file", {"line": 2})


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# nobody\n"])
def test_files_when_there_is_no_key_then_they_are_refused(content: bytes) -> None:
    """A file that names nobody is a mistake."""
    with pytest.raises(MalformedError):
        parse_identity_file(Secret(content))
    with pytest.raises(MalformedError):
        parse_recipient_file(content)


def test_files_when_too_large_then_they_are_refused() -> None:
    """Length and number of keys are bounded, and the bounds are allowed."""
    line = CLASSIC.recipient().format().encode() + b"\n"
    assert len(parse_recipient_file(line * MAX_KEYS)) == MAX_KEYS
    with pytest.raises(TooLargeError) as caught:
        parse_recipient_file(line * (MAX_KEYS + 1))
    assert caught.value.facts == {"limit": MAX_KEYS}
    with pytest.raises(TooLargeError) as caught:
        parse_recipient_file(b"#" * (MAX_KEY_FILE_BYTES + 1))
    assert caught.value.facts == {"limit": MAX_KEY_FILE_BYTES}


def test_identity_file_when_formatted_then_it_parses_and_tells_its_day_and_recipient() -> None:
    """The file reads as age-keygen's does, with a day and no time."""
    content = format_identity_file(HYBRID, created_on=datetime.date(2026, 11, 21))
    lines = content.reveal().decode().split("\n")

    assert lines == [
        "# created: 2026-11-21",
        f"# public key: {HYBRID.recipient().format()}",
        text_of(HYBRID).decode(),
        "",
    ]
    assert [identity.format() for identity in parse_identity_file(content)] == [HYBRID.format()]


def test_is_age_file_when_given_a_start_then_it_tells() -> None:
    """An age file, binary or armored, is told from text."""
    assert is_age_file(b"age-encryption.org/v1\n-> ")
    assert is_age_file(b"\n-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert not is_age_file(b"# created\nAGE-SECRET-KEY-1")
