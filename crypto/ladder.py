"""
Envelope sizes: a few exact ones, so that a size tells little.

Rules:
    1. An envelope has one of the sizes of `RUNGS`, exactly (INV-03).
    2. The smallest rung is for text alone: a tip with an attachment never takes it.
    3. Padding is counted in bytes of the payload, so that every rung is met exactly.

docs/reference/formats.md, "Size ladder".
"""

from __future__ import annotations

from typing import Final

from crypto.errors import MalformedError, TooLargeError

_KIB: Final = 1 << 10
_MIB: Final = 1 << 20
_GIB: Final = 1 << 30

VERSION_LINE: Final = b"age-encryption.org/v1\n"
STANZA_COUNT: Final = 8  # a channel has at most eight readers, and their number must tell nothing
STANZA_LEN: Final = 1_557  # "-> mlkem768x25519 ", 1,494 + newline, 43 + newline
MAC_LINE_LEN: Final = 48  # "--- ", 43 characters, newline
HEADER_LEN: Final = len(VERSION_LINE) + STANZA_COUNT * STANZA_LEN + MAC_LINE_LEN
NONCE_LEN: Final = 16
CHUNK_LEN: Final = 64 * _KIB  # of plaintext; the specification fixes it
TAG_LEN: Final = 16

TEXT_RUNG: Final = 64 * _KIB
RUNGS: Final[tuple[int, ...]] = (
    TEXT_RUNG,
    256 * _KIB,
    *(count * _MIB for count in (1, 4, 8, 16, 32)),
    *range(64 * _MIB, _GIB, 64 * _MIB),
    *range(_GIB, 4 * _GIB + 1, 256 * _MIB),
)
MAX_ENVELOPE_BYTES: Final = RUNGS[-1]


def is_rung(size_bytes: int) -> bool:
    """
    Tell whether an envelope may have this size.

    Args:
        size_bytes: Of the whole envelope.

    Returns:
        True for the sizes of the ladder, and for no other.
    """
    return size_bytes in RUNGS


def payload_len_of(rung: int) -> int:
    """
    Count the payload's bytes in an envelope of this size.

    Args:
        rung: One of `RUNGS`.

    Returns:
        The length which, sealed to eight hybrid recipients, makes exactly *rung* bytes.

    Raises:
        MalformedError: *rung* is not on the ladder.
    """
    if rung not in RUNGS:
        raise MalformedError("size")
    sealed_len = rung - HEADER_LEN - NONCE_LEN
    chunk_count = -(-sealed_len // (CHUNK_LEN + TAG_LEN))
    return sealed_len - TAG_LEN * chunk_count


def choose_rung(payload_len: int, *, has_attachments: bool) -> int:
    """
    Choose the smallest rung that holds a payload.

    Args:
        payload_len: Bytes of the tar with its two closing zero blocks, without further padding.
        has_attachments: Whether the tip carries a file.

    Returns:
        The envelope's size.

    Raises:
        TooLargeError: no rung holds it.
    """
    for rung in RUNGS[1:] if has_attachments else RUNGS:
        if payload_len_of(rung) >= payload_len:
            return rung
    raise TooLargeError("tip", limit=MAX_ENVELOPE_BYTES)
