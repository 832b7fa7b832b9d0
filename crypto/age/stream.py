"""
The payload: chunks of 64 KiB, each sealed under its number and a mark on the last (STREAM).

Order, number and end are authenticated: a chunk that was moved, dropped or added is found.
What is written is verified chunk by chunk, so a payload that breaks off has released genuine
chunks before the error. Only a return without an error says that it was all; the caller keeps a
temporary name until then.

Work goes in slices of 8 chunks through buffers that are made once: memory stays the same for any
length, and Python's share of the time stays small.
"""

from __future__ import annotations

from typing import BinaryIO, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.errors import ForgedError, MalformedError
from crypto.secret import Secret

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
NONCE_BYTES: Final = 16
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES
SLICE_CHUNKS: Final = 8  # 512 KiB: from 2 MiB on it measures slower, out of the processor's cache


class Writable(Protocol):
    """Where bytes go. It takes all of them, as a file does that is not a raw one."""

    def write(self, value: bytes | memoryview, /) -> object:
        """Take bytes."""
        ...


def seal_payload(
    source: BinaryIO, destination: Writable, *, file_key: Secret, nonce: bytes
) -> None:
    """
    Seal everything up to the end of a stream.

    Args:
        source: The plaintext.
        destination: Takes the nonce and the sealed chunks.
        file_key: 16 bytes, of this file alone.
        nonce: 16 random bytes, of this file alone.

    Source:
        C2SP age.md, "Payload".
    """
    aead = _make_aead(file_key, nonce)
    destination.write(nonce)
    # A text fits into one chunk: whole slices, which take a millisecond to make, come after it.
    current, spare = _make_buffer(CHUNK_BYTES), _make_buffer(0)
    sealed = _make_buffer(SEALED_CHUNK_BYTES)
    current_len = _fill(source, current)
    counter = 0
    while True:
        # One slice ahead, because the last chunk carries a mark even if it is full.
        following_len = 0
        if current_len == len(current):
            following = spare if len(spare) else _make_buffer(SLICE_CHUNKS * CHUNK_BYTES)
            following_len = _fill(source, following)
        position = 0
        for start in range(0, max(current_len, 1), CHUNK_BYTES):
            chunk = current[start : min(start + CHUNK_BYTES, current_len)]
            last = not following_len and start + CHUNK_BYTES >= current_len
            end = position + len(chunk) + TAG_BYTES
            aead.encrypt_into(_make_nonce(counter, last=last), chunk, None, sealed[position:end])
            position = end
            counter += 1
        destination.write(sealed[:position])
        if not following_len:
            return
        if len(current) == CHUNK_BYTES:
            current, sealed = spare, _make_buffer(SLICE_CHUNKS * SEALED_CHUNK_BYTES)
        current, spare = following, current
        current_len = following_len


def open_payload(source: BinaryIO, destination: Writable, *, file_key: Secret) -> None:
    """
    Open a payload up to the end of a stream.

    Args:
        source: Untrusted: the nonce and the sealed chunks.
        destination: Takes each chunk once it is verified.
        file_key: 16 bytes.

    Raises:
        MalformedError: the stream ends within the nonce.
        ForgedError: a chunk was changed, or the payload was cut or lengthened.

    Source:
        C2SP age.md, "Payload".
    """
    nonce = bytearray(NONCE_BYTES)
    if _fill(source, memoryview(nonce)) != NONCE_BYTES:
        raise MalformedError("age header: no payload nonce")
    aead = _make_aead(file_key, bytes(nonce))
    sealed = memoryview(bytearray(SLICE_CHUNKS * SEALED_CHUNK_BYTES))
    opened = memoryview(bytearray(SLICE_CHUNKS * CHUNK_BYTES))
    counter = 0
    while True:
        sealed_len = _fill(source, sealed)
        position = 0
        try:
            last = False
            for start in range(0, sealed_len, SEALED_CHUNK_BYTES):
                if last:
                    raise ForgedError("age payload: more after the last chunk")
                chunk = sealed[start : min(start + SEALED_CHUNK_BYTES, sealed_len)]
                last = _open_chunk(aead, chunk, into=opened[position:], counter=counter)
                position += len(chunk) - TAG_BYTES
                counter += 1
        finally:
            # What stands before a broken chunk is genuine, and age releases it.
            destination.write(opened[:position])
        if last:
            break
        if sealed_len < len(sealed):
            raise ForgedError("age payload: cut")
    if sealed_len == len(sealed) and _fill(source, sealed[:1]):
        raise ForgedError("age payload: more after the last chunk")


def _open_chunk(
    aead: ChaCha20Poly1305, chunk: memoryview, *, into: memoryview, counter: int
) -> bool:
    """Open one chunk; say whether it is the last."""
    opened_len = len(chunk) - TAG_BYTES
    if opened_len < 0 or (opened_len == 0 and counter):
        # An empty chunk at the end would be a second spelling of the same payload.
        raise ForgedError("age payload: cut")
    if opened_len == CHUNK_BYTES:
        try:
            aead.decrypt_into(_make_nonce(counter, last=False), chunk, None, into[:opened_len])
        except InvalidTag:
            pass
        else:
            return False
    try:
        aead.decrypt_into(_make_nonce(counter, last=True), chunk, None, into[:opened_len])
    except InvalidTag as exc:
        raise ForgedError("age payload: chunk") from exc
    return True


def _make_buffer(length: int) -> memoryview:
    return memoryview(bytearray(length))


def _fill(source: BinaryIO, buffer: memoryview) -> int:
    """Read until the buffer is full or the stream ends: a pipe gives less than it is asked for."""
    filled = 0
    while filled < len(buffer):
        read_len = source.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not read_len:
            break
        filled += read_len
    return filled


def _make_nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _make_aead(file_key: Secret, nonce: bytes) -> ChaCha20Poly1305:
    key = HKDF(SHA256(), 32, nonce, b"payload").derive(file_key.reveal())
    return ChaCha20Poly1305(key)
