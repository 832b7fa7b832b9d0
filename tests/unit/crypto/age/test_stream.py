"""The payload in chunks."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import pytest

from crypto.age.stream import (
    CHUNK_BYTES,
    NONCE_BYTES,
    SEALED_CHUNK_BYTES,
    SLICE_CHUNKS,
    open_payload,
    seal_payload,
)
from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret

FILE_KEY = Secret(bytes(range(16)))
NONCE = bytes(range(16))
SLICE_BYTES = SLICE_CHUNKS * CHUNK_BYTES
SIZES = [
    0,
    1,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    SLICE_BYTES - 1,
    SLICE_BYTES,
    SLICE_BYTES + 1,
    SLICE_BYTES + CHUNK_BYTES - 1,
    SLICE_BYTES + CHUNK_BYTES,
    SLICE_BYTES + CHUNK_BYTES + 1,
    2 * SLICE_BYTES + CHUNK_BYTES,
    3 * SLICE_BYTES + CHUNK_BYTES + 1,
    2 * SLICE_BYTES,
    2 * SLICE_BYTES + 1,
]


def make_plain(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def seal(plain: bytes) -> bytes:
    sealed = io.BytesIO()
    seal_payload(io.BytesIO(plain), sealed, file_key=FILE_KEY, nonce=NONCE)
    return sealed.getvalue()


def open_bytes(sealed: bytes) -> bytes:
    opened = io.BytesIO()
    open_payload(io.BytesIO(sealed), opened, file_key=FILE_KEY)
    return opened.getvalue()


def fail(sealed: bytes) -> tuple[str, bytes]:
    """Open what does not hold; give the reason and what was released before."""
    opened = io.BytesIO()
    with pytest.raises(ForgedError) as caught:
        open_payload(io.BytesIO(sealed), opened, file_key=FILE_KEY)
    return caught.value.detail, opened.getvalue()


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a pipe does."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast(bytearray, buffer))
        return self._content.readinto(view[: min(len(view), 4099)])


@pytest.mark.parametrize("size", SIZES)
def test_payload_when_sealed_then_it_opens_to_the_same(size: int) -> None:
    """Every length around chunks and slices survives, and each chunk costs one tag."""
    plain = make_plain(size)
    sealed = seal(plain)

    assert open_bytes(sealed) == plain
    assert len(sealed) == NONCE_BYTES + size + 16 * max(1, -(-size // CHUNK_BYTES))


def test_payload_when_the_stream_trickles_then_it_is_the_same() -> None:
    """A short read is not the end of a stream."""
    plain = make_plain(SLICE_BYTES + 5)
    sealed, opened = io.BytesIO(), io.BytesIO()

    seal_payload(cast(BinaryIO, Trickle(plain)), sealed, file_key=FILE_KEY, nonce=NONCE)
    open_payload(cast(BinaryIO, Trickle(sealed.getvalue())), opened, file_key=FILE_KEY)

    assert sealed.getvalue() == seal(plain)
    assert opened.getvalue() == plain


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, SLICE_BYTES])
def test_open_when_one_byte_is_missing_then_it_is_forged(size: int) -> None:
    """A payload without its last byte does not open."""
    assert fail(seal(make_plain(size))[:-1])[0] in {"age payload: chunk", "age payload: cut"}


@pytest.mark.parametrize("chunks", [1, 2, SLICE_CHUNKS, SLICE_CHUNKS + 1])
def test_open_when_cut_between_chunks_then_it_is_forged_after_what_is_genuine(chunks: int) -> None:
    """A payload that ends without a last chunk releases what is genuine, and then raises."""
    plain = make_plain((chunks + 1) * CHUNK_BYTES)
    cut = seal(plain)[: NONCE_BYTES + chunks * SEALED_CHUNK_BYTES]

    assert fail(cut) == ("age payload: cut", plain[: chunks * CHUNK_BYTES])


@pytest.mark.parametrize("size", [CHUNK_BYTES, 3 * CHUNK_BYTES, SLICE_BYTES])
@pytest.mark.parametrize("more", [b"\0", bytes(SEALED_CHUNK_BYTES)])
def test_open_when_something_follows_the_last_chunk_then_it_is_forged(
    size: int, more: bytes
) -> None:
    """Nothing may follow the last chunk, also where a slice ends with it."""
    plain = make_plain(size)

    assert fail(seal(plain) + more) == ("age payload: more after the last chunk", plain)


def test_open_when_a_short_last_chunk_is_lengthened_then_it_is_forged() -> None:
    """Bytes after a short chunk become part of it, and its tag breaks."""
    assert fail(seal(b"short") + b"\0") == ("age payload: chunk", b"")


@pytest.mark.parametrize("chunk", [0, 1, SLICE_CHUNKS, SLICE_CHUNKS + 1])
def test_open_when_a_chunk_is_changed_then_what_stands_before_it_is_released(chunk: int) -> None:
    """A broken chunk stops the payload there."""
    plain = make_plain((SLICE_CHUNKS + 1) * CHUNK_BYTES + 9)
    sealed = bytearray(seal(plain))
    sealed[NONCE_BYTES + chunk * SEALED_CHUNK_BYTES] ^= 1

    assert fail(bytes(sealed)) == ("age payload: chunk", plain[: chunk * CHUNK_BYTES])


def test_open_when_two_chunks_change_places_then_it_is_forged() -> None:
    """The order of chunks is authenticated."""
    sealed = seal(make_plain(3 * CHUNK_BYTES))
    first, second = NONCE_BYTES + SEALED_CHUNK_BYTES, NONCE_BYTES + 2 * SEALED_CHUNK_BYTES
    swapped = sealed[:NONCE_BYTES] + sealed[first:second] + sealed[NONCE_BYTES:first]

    assert fail(swapped + sealed[second:]) == ("age payload: chunk", b"")


def test_open_when_the_last_chunk_is_empty_after_others_then_it_is_forged() -> None:
    """An empty chunk at the end would be a second spelling."""
    plain = make_plain(CHUNK_BYTES)
    longer = seal(make_plain(CHUNK_BYTES + 1))
    first = longer[: NONCE_BYTES + SEALED_CHUNK_BYTES]

    assert fail(first + bytes(16)) == ("age payload: cut", plain)
    assert fail(first + bytes(15)) == ("age payload: cut", plain)


@pytest.mark.parametrize("length", [0, 1, NONCE_BYTES - 1])
def test_open_when_the_stream_ends_within_the_nonce_then_it_is_malformed(length: int) -> None:
    """A file without a whole nonce has no payload."""
    with pytest.raises(MalformedError) as caught:
        open_bytes(NONCE[:length])
    assert caught.value.detail == "age header: no payload nonce"


def test_open_when_only_the_nonce_is_there_then_it_is_forged() -> None:
    """An empty payload still has one chunk."""
    assert fail(NONCE) == ("age payload: cut", b"")


def test_open_when_the_file_key_is_another_then_it_is_forged() -> None:
    """Another file key opens nothing."""
    with pytest.raises(ForgedError):
        open_payload(io.BytesIO(seal(b"text")), io.BytesIO(), file_key=Secret(bytes(16)))
