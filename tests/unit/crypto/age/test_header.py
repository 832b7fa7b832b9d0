"""The header: its grammar, its limits, its MAC."""

from __future__ import annotations

import io

import pytest

from crypto.age.header import (
    MAX_HEADER_BYTES,
    MAX_STANZAS,
    Header,
    Stanza,
    decode_argument,
    encode_header,
    make_header,
    read_header,
    verify_header,
)
from crypto.errors import CryptoError, ForgedError, MalformedError, RecipientError, TooLargeError
from crypto.secret import Secret

FILE_KEY = Secret(bytes(range(16)))
STANZA = Stanza(type="example", arguments=("one", "two"), body=bytes(32))
MAC = b"--- " + b"A" * 43 + b"\n"
VERSION = b"age-encryption.org/v1\n"


def read(untrusted: bytes) -> Header:
    return read_header(io.BytesIO(untrusted))


def detail_of(untrusted: bytes, kind: type[CryptoError] = MalformedError) -> str:
    with pytest.raises(kind) as caught:
        read(untrusted)
    return caught.value.detail


@pytest.mark.parametrize("length", [0, 1, 47, 48, 49, 96, 1000])
def test_header_when_encoded_then_it_reads_the_same_and_stops_at_the_payload(length: int) -> None:
    """A header comes back whole, whatever its body's last line is, and the payload is left."""
    stanza = Stanza(type="example", arguments=(), body=bytes(length))
    header = make_header([stanza, STANZA], FILE_KEY)
    source = io.BytesIO(encode_header(header) + b"payload\n")

    assert read_header(source) == header
    assert source.read() == b"payload\n"


def test_header_when_it_is_the_specifications_example_then_it_reads() -> None:
    """The example of C2SP age.md reads, and encodes to the same bytes."""
    example = (
        b"age-encryption.org/v1\n"
        b"-> X25519 XEl0dJ6y3C7KZkgmgWUicg63EyXJiwBJW8PdYJ/cYBE\n"
        b"qRS0AMjdjPvZ/WT08U2KL4G+PIooA3hy38SvLpvaC1E\n"
        b"--- HK2NmOBN9Dpq0Gw6xMCuhFcQlQLvZ/wQUi/2scLG75s\n"
    )

    header = read(example)

    assert [stanza.type for stanza in header.stanzas] == ["X25519"]
    assert encode_header(header) == example


@pytest.mark.parametrize(
    ("untrusted", "detail"),
    [
        (b"", "age header: cut"),
        (b"age-encryption.org/v1", "age header: cut"),
        (b"age-encryption.org/v2\n", "age header: version"),
        (VERSION + MAC, "age header: no stanza"),
        (VERSION + b"->example\n\n" + MAC, "age header: stanza"),
        (VERSION + b"-> \n\n" + MAC, "age header: argument"),
        (VERSION + b"-> a  b\n\n" + MAC, "age header: argument"),
        (VERSION + b"-> a\x7f\n\n" + MAC, "age header: argument"),
        (VERSION + "-> é\n\n".encode() + MAC, "age header: argument"),
        (VERSION + b"-> a\n" + b"A" * 65 + b"\n\n" + MAC, "age header: long line"),
        (VERSION + b"-> a\n" + b"A" * 64 + b"\n" + MAC, "age header: base64"),
        (VERSION + b"-> a\nAB\n" + MAC, "age header: base64"),
        (VERSION + b"-> a\n\n" + MAC[:-1], "age header: cut"),
        (VERSION + b"-> a\n\n---" + MAC[4:], "age header: MAC line"),
        (VERSION + b"-> a\n\n----" + MAC[3:], "age header: MAC line"),
        (VERSION + b"-> a\n\n---\n", "age header: MAC line"),
        (VERSION + b"-> a\n\n--- AAAA\n", "age header: MAC length"),
        (VERSION + b"-> a\n\n--- " + b"A" * 42 + b"B\n", "age header: base64"),
        (
            VERSION + b"-> scrypt a 1\n\n-> b\n\n" + MAC,
            "age header: a passphrase stands alone",
        ),
    ],
)
def test_read_when_the_header_has_a_defect_then_it_is_refused(
    untrusted: bytes, detail: str
) -> None:
    """Each rule of the grammar refuses what breaks it."""
    assert detail_of(untrusted) == detail


def test_read_when_one_scrypt_stanza_stands_alone_then_it_is_read() -> None:
    """A passphrase alone is allowed."""
    assert len(read(VERSION + b"-> scrypt a 1\n\n" + MAC).stanzas) == 1


def test_read_when_there_are_more_stanzas_than_allowed_then_it_is_refused() -> None:
    """The number of stanzas is bounded, and the bound itself is allowed."""
    assert len(read(VERSION + b"-> a\n\n" * MAX_STANZAS + MAC).stanzas) == MAX_STANZAS
    assert (
        detail_of(VERSION + b"-> a\n\n" * (MAX_STANZAS + 1) + MAC, TooLargeError)
        == "age header: stanzas"
    )


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_read_when_the_header_does_not_end_then_no_more_than_the_limit_is_read(end: bytes) -> None:
    """A line without end is given up at the limit."""
    source = io.BytesIO(VERSION + b"-> " + b"a" * (2 * MAX_HEADER_BYTES) + end)

    with pytest.raises(TooLargeError) as caught:
        read_header(source)

    assert caught.value.detail == "age header"
    assert source.tell() == MAX_HEADER_BYTES


def test_verify_when_the_file_key_is_the_one_then_it_passes() -> None:
    """The MAC holds under the file key that made it."""
    verify_header(make_header([STANZA], FILE_KEY), FILE_KEY)


@pytest.mark.parametrize(
    ("stanza", "file_key"),
    [
        (STANZA, Secret(bytes(16))),
        (Stanza(type="example", arguments=("one two",), body=bytes(31)), FILE_KEY),
        (Stanza(type="Example", arguments=("one", "two"), body=bytes(32)), FILE_KEY),
    ],
)
def test_verify_when_anything_differs_then_it_is_forged(stanza: Stanza, file_key: Secret) -> None:
    """Another file key or another stanza breaks the MAC."""
    mac = make_header([STANZA], FILE_KEY).mac

    with pytest.raises(ForgedError) as caught:
        verify_header(Header(stanzas=(stanza,), mac=mac), file_key)

    assert caught.value.detail == "age header: MAC"


def test_make_when_there_is_no_stanza_then_it_is_refused() -> None:
    """A file for nobody is not made."""
    with pytest.raises(RecipientError):
        make_header([], FILE_KEY)


def test_make_when_there_are_too_many_stanzas_then_it_is_refused() -> None:
    """What would not be read is not written."""
    make_header([STANZA] * MAX_STANZAS, FILE_KEY)
    with pytest.raises(TooLargeError):
        make_header([STANZA] * (MAX_STANZAS + 1), FILE_KEY)


def test_make_when_a_passphrase_is_not_alone_then_it_is_refused() -> None:
    """A passphrase beside another recipient is not written."""
    scrypt = Stanza(type="scrypt", arguments=("a", "1"), body=bytes(32))
    make_header([scrypt], FILE_KEY)
    with pytest.raises(RecipientError):
        make_header([scrypt, STANZA], FILE_KEY)


def test_decode_argument_when_not_canonical_then_the_header_is_named() -> None:
    """A value's defect is one of the header."""
    assert decode_argument("QQ") == b"A"
    with pytest.raises(MalformedError) as caught:
        decode_argument("QR")
    assert caught.value.detail == "age header: base64"
