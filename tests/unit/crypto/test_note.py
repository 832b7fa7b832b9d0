"""C2SP signed notes."""

from __future__ import annotations

import base64

import pytest

from crypto import note as note_module
from crypto.errors import ForgedError, MalformedError, TooLargeError
from crypto.note import Signer, Verifier, sign_note, split_note, verify_note
from crypto.secret import Secret

# Source: C2SP signed-note.md, the example note.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_TEXT = "This is an example message.\n"
SPEC_LINE = (
    "\N{EM DASH} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq"
    "6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
SPEC_NOTE = f"{SPEC_TEXT}\n{SPEC_LINE}".encode()

# Source: the documentation of golang.org/x/mod/sumdb/note, where the format comes from.
GO_SIGNING_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_VERIFIER_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_LINE = (
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXg"
    "KvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_verify_when_given_the_specifications_note_then_it_returns_its_text() -> None:
    """The specification's example verifies."""
    assert verify_note(SPEC_NOTE, Verifier.parse(SPEC_KEY)) == SPEC_TEXT


def test_sign_when_given_the_go_documentations_key_then_it_makes_that_note() -> None:
    """Signing gives the same bytes as the implementation from which the format comes."""
    signer = Signer.parse(Secret(GO_SIGNING_KEY.encode()))

    assert signer.verifier().format() == GO_VERIFIER_KEY
    assert sign_note(GO_TEXT, signer) == f"{GO_TEXT}\n{GO_LINE}".encode()


def test_keys_when_formatted_then_they_parse_to_the_same(root: Signer) -> None:
    """A key survives its text."""
    assert Signer.parse(root.format()).seed == root.seed
    assert Verifier.parse(root.verifier().format()) == root.verifier()


def test_generate_when_called_then_the_key_is_drawn_and_named() -> None:
    """A new key's seed is what was drawn."""
    signer = Signer.generate("tipline-root", random=lambda length: b"\x07" * length)

    assert signer.seed == Secret(b"\x07" * 32)


@pytest.mark.parametrize(
    "name", ["", "two words", "a+b", "tab\t", "x\x7f", "\u2003wide", "a" * 129]
)
def test_generate_when_the_name_is_not_allowed_then_it_is_refused(name: str) -> None:
    """A name that would break the line it stands in is the caller's mistake."""
    with pytest.raises(ValueError, match="name"):
        Signer.generate(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example com+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k=",
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==",
        SPEC_KEY + "+" + "A" * 512,
    ],
)
def test_verifier_when_the_text_is_off_then_it_is_refused(text: str) -> None:
    """Algorithm, length, key id and spelling of a verifier key are all checked."""
    with pytest.raises(MalformedError):
        Verifier.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        GO_VERIFIER_KEY.encode(),
        GO_SIGNING_KEY.replace("c74f20a3", "c74f20a4").encode(),
        GO_SIGNING_KEY.encode() + b"\n",
    ],
)
def test_signer_when_the_text_is_off_then_it_is_refused(text: bytes) -> None:
    """A signing key has one spelling."""
    with pytest.raises(MalformedError):
        Signer.parse(Secret(text))


@pytest.mark.parametrize("text", ["", "no newline", "bell\a\n", "return\r\n", "tab\t\n"])
def test_sign_when_the_text_cannot_be_a_notes_then_it_is_refused(root: Signer, text: str) -> None:
    """Nobody signs what nobody can verify."""
    with pytest.raises(ValueError, match="newline"):
        sign_note(text, root)


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"\xff",
        SPEC_TEXT.encode(),
        SPEC_NOTE[:-1],
        SPEC_NOTE + b"\n",
        SPEC_NOTE.replace(b"This", b"Th\ris"),
        SPEC_NOTE.replace("\N{EM DASH}".encode(), b"--"),
        SPEC_NOTE.replace(b"example.com/foo Uw", b"example.com/fooUw"),
        SPEC_NOTE.replace(b"example.com/foo Uw", b"example+com Uw"),
        SPEC_NOTE.replace(b"aQM=", b"aQM"),
        SPEC_NOTE.replace(b"Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3"
                          b"mFXmRKuwHjG1Yu72IneyaQM=", b"Uw2QOg=="),
        SPEC_NOTE + SPEC_LINE.encode(),
    ],
)  # fmt: skip
def test_verify_when_it_is_not_a_note_then_it_is_malformed(untrusted: bytes) -> None:
    """Each way of not being a note of ours is refused."""
    with pytest.raises(MalformedError):
        verify_note(untrusted, Verifier.parse(SPEC_KEY))


def test_verify_when_a_second_line_is_allowed_then_strangers_are_passed_over(root: Signer) -> None:
    """A line of another key neither helps nor hurts, where more than one line is taken."""
    other = sign_note(SPEC_TEXT, root).split(b"\n\n")[1]
    verifier = Verifier.parse(SPEC_KEY)

    assert verify_note(SPEC_NOTE + other, verifier, max_signatures=2) == SPEC_TEXT
    with pytest.raises(MalformedError):
        verify_note(SPEC_NOTE + other, verifier)


def test_verify_when_a_key_signs_twice_then_it_is_refused() -> None:
    """One key, one line: which of two would count is nobody's guess."""
    with pytest.raises(MalformedError):
        verify_note(SPEC_NOTE + SPEC_LINE.encode(), Verifier.parse(SPEC_KEY), max_signatures=2)


def test_verify_when_signed_by_another_then_it_is_forged(root: Signer) -> None:
    """A good signature of a key that was not asked for is none."""
    with pytest.raises(ForgedError):
        verify_note(SPEC_NOTE, root.verifier())


@pytest.mark.parametrize("old", [b"This", b"message", b"KuwHjG1"])
def test_verify_when_text_or_signature_changed_then_it_is_forged(old: bytes) -> None:
    """A changed letter breaks the signature."""
    changed = SPEC_NOTE.replace(old, old.swapcase())

    with pytest.raises(ForgedError):
        verify_note(changed, Verifier.parse(SPEC_KEY))


def test_verify_when_the_signature_is_short_then_it_is_forged(root: Signer) -> None:
    """A signature of another length is a bad one, not a crash."""
    text, line = sign_note("a\n", root).decode().split("\n\n")
    name, _, value = line.removeprefix("\N{EM DASH} ").partition(" ")
    short = value[:8]  # the key id and two bytes
    untrusted = f"{text}\n\n\N{EM DASH} {name} {short}\n".encode()

    with pytest.raises(ForgedError):
        verify_note(untrusted, root.verifier())


def test_verify_when_the_key_is_the_null_point_then_it_is_forged() -> None:
    """A key of small order verifies nothing: anybody could sign for it."""
    verifier = Verifier(name="weak", public_key=b"\x01" + bytes(31))
    signature = verifier.key_id + b"\x01" + bytes(63)
    encoded = base64.b64encode(signature).decode()

    with pytest.raises(ForgedError):
        verify_note(f"a\n\n\N{EM DASH} weak {encoded}\n".encode(), verifier)


def test_split_when_too_long_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note has an upper bound, looked at before anything else."""
    monkeypatch.setattr(note_module, "MAX_NOTE_BYTES", len(SPEC_NOTE) - 1)

    with pytest.raises(TooLargeError):
        split_note(SPEC_NOTE)


def test_split_when_the_text_has_an_empty_line_then_the_last_one_parts() -> None:
    """Text and signatures are parted at the last empty line."""
    untrusted = b"a\n\nb\n\n" + SPEC_LINE.encode()

    assert split_note(untrusted) == ("a\n\nb\n", [SPEC_LINE[:-1]])
