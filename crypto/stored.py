"""
How a ciphertext lies on the disk: sealed once more, in slices, under the record's own data key.

    slice   = header (24) || message ... || last message         one secretstream of its own
    message = 64 KiB of what is stored, and 17 bytes; the last one is shorter or not, and marked
    bound in: "tipline/stored/v1" || record id (16) || slice number (8, big endian)

Rules:
1. A slice holds 1 MiB, the last one the rest. It is a stream of its own, so that slices are written
   as they arrive, survive a restart, and are read at random; memory stays bounded.
2. A slice that was moved, cut, lengthened or changed, or is of another record, does not open.
3. Every slice has one length for what it holds: `sealed_len` tells it without a key.

The version byte of the wrapped data key is this format's too: one names the other.

Limitations: how many slices there are is not bound in, because the first is written before the last
has arrived. The row says it, and the envelope inside ends with a mark of its own.

Source: libsodium, "Encrypting a set of related messages" (crypto_secretstream_xchacha20poly1305).
"""

from __future__ import annotations

from typing import Final

from nacl.bindings import (
    crypto_secretstream_xchacha20poly1305_ABYTES,
    crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    crypto_secretstream_xchacha20poly1305_init_pull,
    crypto_secretstream_xchacha20poly1305_pull,
    crypto_secretstream_xchacha20poly1305_push,
    crypto_secretstream_xchacha20poly1305_state,
    crypto_secretstream_xchacha20poly1305_TAG_FINAL,
    crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
)

from crypto.data_key import RECORD_ID_BYTES, DataKey
from crypto.errors import ForgedError, MalformedError
from crypto.randomness import RandomSource, system_random

SLICE_BYTES: Final = 1024 * 1024
MESSAGE_BYTES: Final = 64 * 1024
HEADER_BYTES: Final = crypto_secretstream_xchacha20poly1305_HEADERBYTES
MESSAGE_OVERHEAD_BYTES: Final = crypto_secretstream_xchacha20poly1305_ABYTES
SEALED_MESSAGE_BYTES: Final = MESSAGE_BYTES + MESSAGE_OVERHEAD_BYTES
SEALED_SLICE_BYTES: Final = HEADER_BYTES + SLICE_BYTES // MESSAGE_BYTES * SEALED_MESSAGE_BYTES
STORED_LABEL: Final = b"tipline/stored/v1"
MAX_SLICES: Final = 2**63  # its number has 8 bytes, and SQLite's integers end here


def sealed_len(size_bytes: int) -> int:
    """
    Tell how long something is once it is stored.

    Args:
        size_bytes: Of what is stored, in all its slices.

    Returns:
        Bytes of all sealed slices, one after the other. Slice `n` begins at
        `n * SEALED_SLICE_BYTES`.
    """
    if size_bytes < 0:
        raise ValueError("a size is not negative")
    slices = -(-size_bytes // SLICE_BYTES)
    messages = -(-size_bytes // MESSAGE_BYTES)
    return size_bytes + slices * HEADER_BYTES + messages * MESSAGE_OVERHEAD_BYTES


def seal_slice(
    data_key: DataKey,
    plaintext: bytes | memoryview,
    *,
    record_id: bytes,
    number: int,
    random: RandomSource = system_random,
) -> bytes:
    """
    Seal one slice.

    Args:
        data_key: Of the record.
        plaintext: 1 byte to 1 MiB: the slice as it arrived, an envelope's ciphertext.
        record_id: 16 bytes.
        number: Of the slice, from 0.
        random: Where the stream's header comes from.

    Returns:
        `sealed_len(len(plaintext))` bytes.
    """
    if not 0 < len(plaintext) <= SLICE_BYTES:
        raise ValueError("a slice has 1 byte to 1 MiB")
    bound = _bind(record_id, number)
    header = random(HEADER_BYTES)
    # libsodium's init_push draws the header itself. init_pull makes the same state of a given one,
    # so that randomness enters through one door and a vector can fix it.
    state = crypto_secretstream_xchacha20poly1305_state()
    crypto_secretstream_xchacha20poly1305_init_pull(state, header, data_key.secret.reveal())
    sealed = [header]
    for start in range(0, len(plaintext), MESSAGE_BYTES):
        end = start + MESSAGE_BYTES
        tag = (
            crypto_secretstream_xchacha20poly1305_TAG_FINAL
            if end >= len(plaintext)
            else crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
        )
        message = bytes(plaintext[start:end])
        sealed.append(crypto_secretstream_xchacha20poly1305_push(state, message, bound, tag))
    return b"".join(sealed)


def open_slice(
    data_key: DataKey, untrusted: bytes | memoryview, *, record_id: bytes, number: int
) -> bytes:
    """
    Open one slice.

    Args:
        data_key: Of the record.
        untrusted: As it was read from the disk.
        record_id: 16 bytes.
        number: Of the slice, from 0.

    Returns:
        What was sealed, whole.

    Raises:
        MalformedError: of a length that no slice has.
        ForgedError: changed, cut, moved, of another record, or sealed under another key.
    """
    bound = _bind(record_id, number)
    if not HEADER_BYTES + MESSAGE_OVERHEAD_BYTES < len(untrusted) <= SEALED_SLICE_BYTES:
        raise MalformedError("stored slice")
    state = crypto_secretstream_xchacha20poly1305_state()
    header = bytes(untrusted[:HEADER_BYTES])
    crypto_secretstream_xchacha20poly1305_init_pull(state, header, data_key.secret.reveal())
    opened = []
    for start in range(HEADER_BYTES, len(untrusted), SEALED_MESSAGE_BYTES):
        message = bytes(untrusted[start : start + SEALED_MESSAGE_BYTES])
        if len(message) <= MESSAGE_OVERHEAD_BYTES:
            raise MalformedError("stored slice")
        try:
            plaintext, tag = crypto_secretstream_xchacha20poly1305_pull(state, message, bound)
        except RuntimeError as exc:
            # PyNaCl names a message that does not hold by this alone; lengths were checked before.
            raise ForgedError("stored slice") from exc
        is_last = start + len(message) == len(untrusted)
        if (tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL) is not is_last:
            raise ForgedError("stored slice")
        opened.append(plaintext)
    return b"".join(opened)


def _bind(record_id: bytes, number: int) -> bytes:
    if len(record_id) != RECORD_ID_BYTES:
        raise ValueError("a record id has 16 bytes")
    if not 0 <= number < MAX_SLICES:
        raise ValueError("a slice's number is not negative")
    return STORED_LABEL + record_id + number.to_bytes(8, "big")
