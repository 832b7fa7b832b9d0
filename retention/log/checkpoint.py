"""
A checkpoint: how long the log is and what its root is, signed.

Rules:
    1. The text has three lines and no others: origin, size, root hash.
    2. The log's key is named as the log's origin; the origin is bound to the desk root, so that no
       log passes for another line's.
    3. There is no checkpoint of an empty log.

Source: C2SP tlog-checkpoint.md. docs/reference/log.md, "Checkpoint".
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Final

from crypto.errors import MalformedError
from crypto.note import Signer, Verifier, sign_note, split_note, verify_note
from crypto.strict import decode_padded_base64, encode_padded_base64, parse_integer
from retention.log.merkle import HASH_BYTES

LOG_NAME_START: Final = "tipline-log/"
LOG_NAME_DIGITS: Final = 16  # 64 bits: nobody makes a second root for a name by trying
MAX_WITNESSES: Final = 16
MAX_CHECKPOINT_BYTES: Final = 8192  # three lines and 17 signatures of 300 bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """
    What a log was at some time.

    Args:
        origin: Which log.
        size: How many entries, at least 1.
        root: The root hash.
    """

    origin: str
    size: int
    root: bytes

    def format(self) -> str:
        """
        Write the text that is signed.

        Returns:
            Three lines, each with its newline.
        """
        return f"{self.origin}\n{self.size}\n{encode_padded_base64(self.root)}\n"


def make_log_name(root: Verifier) -> str:
    """
    Name the log of a line.

    Args:
        root: The desk root.

    Returns:
        The log's origin, and the name of its key.
    """
    digest = hashlib.sha256(root.format().encode()).hexdigest()
    return LOG_NAME_START + digest[:LOG_NAME_DIGITS]


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> bytes:
    """
    Sign a checkpoint.

    Args:
        checkpoint: Not inconsistent with any that was signed before: the caller sees to that.
        signer: The log's key.

    Returns:
        The note.

    Raises:
        ValueError: the key is not named as the origin, or the log is empty.
    """
    if signer.name != checkpoint.origin or checkpoint.size < 1:
        raise ValueError("a log signs its own checkpoints, and none of an empty log")
    return sign_note(checkpoint.format(), signer)


def verify_checkpoint(untrusted: bytes, verifier: Verifier) -> Checkpoint:
    """
    Verify that a log signed a checkpoint.

    Args:
        untrusted: The whole note, with or without the lines of witnesses.
        verifier: The log's key.

    Returns:
        The checkpoint.

    Raises:
        MalformedError: not a checkpoint of this log.
        ForgedError: the signature does not hold.
    """
    _check_length(untrusted)
    text = verify_note(untrusted, verifier, max_signatures=1 + MAX_WITNESSES)
    checkpoint = _parse(text)
    if checkpoint.origin != verifier.name:
        raise MalformedError("origin")
    return checkpoint


def split_checkpoint(untrusted: bytes) -> tuple[str, list[str]]:
    """
    Part a checkpoint without verifying anything.

    Args:
        untrusted: The whole note.

    Returns:
        The text and the signature lines.

    Raises:
        MalformedError: not a checkpoint.
    """
    _check_length(untrusted)
    text, lines = split_note(untrusted, max_signatures=1 + MAX_WITNESSES)
    _parse(text)
    return text, lines


def _check_length(untrusted: bytes) -> None:
    if len(untrusted) > MAX_CHECKPOINT_BYTES:
        raise MalformedError("checkpoint")


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4:  # the last newline opens an empty one
        raise MalformedError("checkpoint")
    checkpoint = Checkpoint(
        origin=lines[0], size=parse_integer(lines[1]), root=decode_padded_base64(lines[2])
    )
    if not checkpoint.origin or checkpoint.size < 1 or len(checkpoint.root) != HASH_BYTES:
        raise MalformedError("checkpoint")
    return checkpoint
