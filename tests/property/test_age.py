"""What holds for every age header, payload, armor and key."""

from __future__ import annotations

import io

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from crypto.age.armor import ArmorWriter, open_armor
from crypto.age.bech32 import format_bech32, parse_bech32
from crypto.age.file import open_, seal
from crypto.age.header import Header, Stanza, encode_header, make_header, read_header, verify_header
from crypto.age.hybrid import HybridIdentity
from crypto.age.stream import CHUNK_BYTES, open_payload, seal_payload
from crypto.age.x25519 import X25519Identity
from crypto.errors import CryptoError, ForgedError, MalformedError
from crypto.secret import Secret

FILE_KEY = Secret(bytes(range(16)))
NONCE = bytes(16)
IDENTITY = X25519Identity(Secret(bytes(range(32))))
HYBRID = HybridIdentity(Secret(bytes(range(32))))

words = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
stanzas = st.builds(
    Stanza,
    type=words.filter(lambda word: word != "scrypt"),
    arguments=st.lists(words, max_size=4).map(tuple),
    body=st.binary(max_size=200),
)
headers = st.lists(stanzas, min_size=1, max_size=5).map(lambda items: make_header(items, FILE_KEY))


def make_hybrid_file() -> bytes:
    sealed = io.BytesIO()
    seal(io.BytesIO(b"text"), sealed, recipients=[HYBRID.recipient()])
    return sealed.getvalue()


def make_classic_file() -> bytes:
    sealed = io.BytesIO()
    seal(io.BytesIO(b"text"), sealed, recipients=[IDENTITY.recipient()] * 2)
    return sealed.getvalue()


CLASSIC_FILE = make_classic_file()
HYBRID_FILE = make_hybrid_file()


def write_armor(value: bytes) -> bytes:
    text = io.BytesIO()
    armor = ArmorWriter(text)
    armor.write(value)
    armor.close()
    return text.getvalue()


@given(header=headers, payload=st.binary(max_size=100))
@example(
    header=make_header([Stanza(type="a", arguments=(), body=bytes(48))], FILE_KEY), payload=b""
)
def test_header_when_encoded_then_it_reads_the_same(header: Header, payload: bytes) -> None:
    """Every header comes back, and the payload stays."""
    source = io.BytesIO(encode_header(header) + payload)

    assert read_header(source) == header
    assert source.read() == payload
    verify_header(header, FILE_KEY)


@given(header=headers, data=st.data())
def test_header_when_one_byte_differs_then_it_fails_or_is_another_header(
    header: Header, data: st.DataObject
) -> None:
    """No header has a second spelling: what still parses re-encodes to its own bytes."""
    encoded = bytearray(encode_header(header))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))

    try:
        read = read_header(io.BytesIO(encoded))
    except CryptoError:
        return
    written = encode_header(read)
    assert encoded.startswith(written)
    assert read != header
    with pytest.raises(ForgedError):
        verify_header(read, FILE_KEY)


@given(untrusted=st.binary(max_size=300))
@example(untrusted=b"-> a\n\n--- " + b"A" * 43 + b"\n")
@example(untrusted=b"-> a b\n" + b"A" * 64 + b"\n\n--- " + b"A" * 43 + b"\nrest")
def test_header_when_bytes_are_anything_then_what_parses_has_one_spelling(untrusted: bytes) -> None:
    """Noise after a version line fails as our error, or is exactly a header."""
    whole = b"age-encryption.org/v1\n" + untrusted
    try:
        read = read_header(io.BytesIO(whole))
    except CryptoError:
        return
    assert whole.startswith(encode_header(read))


@pytest.mark.parametrize(
    ("whole", "identity"),
    [(CLASSIC_FILE, IDENTITY), (HYBRID_FILE, HYBRID)],
    ids=["classic", "hybrid"],
)
def test_file_when_any_byte_differs_then_it_does_not_open(
    whole: bytes, identity: X25519Identity | HybridIdentity
) -> None:
    """A file is not malleable: a changed byte anywhere is found."""
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(CryptoError):
            open_(io.BytesIO(changed), io.BytesIO(), identities=[identity])


@pytest.mark.parametrize(
    ("whole", "identity"),
    [(CLASSIC_FILE, IDENTITY), (HYBRID_FILE, HYBRID)],
    ids=["classic", "hybrid"],
)
def test_file_when_cut_anywhere_then_it_does_not_open(
    whole: bytes, identity: X25519Identity | HybridIdentity
) -> None:
    """Only a whole file opens, and it does."""
    for length in range(len(whole)):
        released = io.BytesIO()
        with pytest.raises(CryptoError):
            open_(io.BytesIO(whole[:length]), released, identities=[identity])
        assert released.getvalue() == b""
    open_(io.BytesIO(whole), io.BytesIO(), identities=[identity])


@settings(max_examples=40, deadline=None)
@given(size=st.integers(0, 3 * CHUNK_BYTES), cut=st.integers(1, 3 * CHUNK_BYTES + 64))
@example(size=2 * CHUNK_BYTES, cut=CHUNK_BYTES + 16)
@example(size=CHUNK_BYTES, cut=CHUNK_BYTES + 16)
def test_payload_when_cut_then_it_raises_and_releases_only_whole_chunks(
    size: int, cut: int
) -> None:
    """A payload that breaks off raises, wherever it does; what is out is its true beginning."""
    plain = bytes(size)
    sealed, released = io.BytesIO(), io.BytesIO()
    seal_payload(io.BytesIO(plain), sealed, file_key=FILE_KEY, nonce=NONCE)
    assume(cut <= len(sealed.getvalue()))

    with pytest.raises((ForgedError, MalformedError)):
        open_payload(io.BytesIO(sealed.getvalue()[:-cut]), released, file_key=FILE_KEY)

    assert len(released.getvalue()) % CHUNK_BYTES == 0
    assert plain.startswith(released.getvalue())


@given(value=st.binary(max_size=500))
def test_armor_when_written_then_it_reads_the_same(value: bytes) -> None:
    """Every value survives armor."""
    assert open_armor(io.BytesIO(write_armor(value))).read() == value


@given(value=st.binary(max_size=200), data=st.data())
def test_armor_when_one_byte_differs_then_it_fails_or_carries_another_value(
    value: bytes, data: st.DataObject
) -> None:
    """But for whitespace around and line ends, armor has one spelling."""
    text = bytearray(write_armor(value))
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= data.draw(st.integers(1, 255))

    try:
        read = open_armor(io.BytesIO(text)).read()
    except MalformedError:
        return
    canonical = write_armor(read)
    assert bytes(text).replace(b"\r\n", b"\n").strip() == canonical.strip()


@given(value=st.binary(max_size=200), length=st.integers(0, 400))
def test_armor_when_cut_then_it_is_refused(value: bytes, length: int) -> None:
    """Armor that breaks off is refused; only its very last line end may be missing."""
    text = write_armor(value)
    assume(length < len(text) - 1)
    with pytest.raises(MalformedError):
        open_armor(io.BytesIO(text[:length])).read()


@given(prefix=st.from_regex(r"[a-z-]{1,20}", fullmatch=True), value=st.binary(max_size=100))
def test_bech32_when_formatted_then_it_parses_the_same(prefix: str, value: bytes) -> None:
    """Every key survives its text, in either case."""
    text = format_bech32(prefix, value)

    assert parse_bech32(text) == (prefix, value)
    assert parse_bech32(text.upper()) == (prefix.upper(), value)


@given(value=st.binary(min_size=1, max_size=64), data=st.data())
def test_bech32_when_up_to_four_letters_differ_then_it_is_refused(
    value: bytes, data: st.DataObject
) -> None:
    """The checksum finds up to four wrong letters in a key of this length."""
    text = format_bech32("age", value)[:90]
    assume(len(format_bech32("age", value)) <= 90)
    places = data.draw(st.sets(st.integers(4, len(text) - 1), min_size=1, max_size=4))
    letters = list(text)
    for place in places:
        others = [c for c in "qpzry9x8gf2tvdw0s3jn54khce6mua7l" if c != letters[place]]
        letters[place] = data.draw(st.sampled_from(others))

    with pytest.raises(MalformedError):
        parse_bech32("".join(letters))
