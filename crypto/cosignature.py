"""
Keys of witnesses: whoever saw a log's checkpoint adds a line to it.

Rules:
    1. A witness's key is an Ed25519 key of signature type 0x04. Its key id covers that type, so a
       witness's line never stands for a signature of the log, nor the other way round.
    2. A witness's name is its own; it says nothing about which log it watches.

Source: C2SP tlog-cosignature.md, "cosignature/v1".
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from typing import Final, Self

import nacl.exceptions
import nacl.signing

from crypto.errors import ForgedError, MalformedError
from crypto.note import KEY_ID_LEN, KEY_LEN, MAX_KEY_CHARACTERS, SIGNATURE_LEN, parse_signature
from crypto.strict import decode_padded_base64

COSIGNATURE: Final = 0x04
TIMESTAMP_LEN: Final = 8
MAX_TIMESTAMP: Final = 2**63 - 1
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,128}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WitnessVerifier:
    """
    The public half of a witness's key.

    Args:
        name: Without spaces and plus signs.
        public_key: Ed25519, 32 bytes.
    """

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """
        Read a witness's verifier key.

        Args:
            untrusted: `NAME+HEX8+BASE64`, the base64 of 0x04 and the key.

        Returns:
            The verifier; `format` of it is the same text.

        Raises:
            MalformedError: not in the format, of another algorithm, or the key id does not fit.
        """
        # The base64 may itself hold plus signs, the name and the key id may not.
        parts = untrusted.split("+", 2)
        if len(untrusted) > MAX_KEY_CHARACTERS or len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise MalformedError("witness key")
        value = decode_padded_base64(parts[2])
        if len(value) != 1 + KEY_LEN or value[0] != COSIGNATURE:
            raise MalformedError("witness key")
        verifier = cls(name=parts[0], public_key=value[1:])
        if verifier.format() != untrusted:
            raise MalformedError("witness key")
        return verifier

    def format(self) -> str:
        """
        Write the key as text.

        Returns:
            `NAME+HEX8+BASE64`.
        """
        encoded = base64.b64encode(bytes([COSIGNATURE]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, point a signature line to its key."""
        named = self.name.encode() + b"\n" + bytes([COSIGNATURE]) + self.public_key
        return hashlib.sha256(named).digest()[:KEY_ID_LEN]


def verify_cosignature(untrusted: str, *, text: str, verifier: WitnessVerifier) -> int:
    """
    Verify that a witness saw a checkpoint.

    Args:
        untrusted: One signature line, without its newline.
        text: Of the checkpoint, with its last newline.
        verifier: The witness.

    Returns:
        When it was signed, by the witness's own clock, in seconds since 1970.

    Raises:
        MalformedError: not a signature line, or not a cosignature of this key.
        ForgedError: the signature does not hold over this text.

    Source:
        C2SP tlog-cosignature.md, "Ed25519 signed message".
    """
    key, value = parse_signature(untrusted)
    if key != (verifier.name, verifier.key_id) or len(value) != TIMESTAMP_LEN + SIGNATURE_LEN:
        raise MalformedError("cosignature")
    seconds = int.from_bytes(value[:TIMESTAMP_LEN], "big")
    if seconds > MAX_TIMESTAMP:
        raise MalformedError("cosignature time")
    try:
        nacl.signing.VerifyKey(verifier.public_key).verify(
            format_cosigned(text, seconds=seconds), value[TIMESTAMP_LEN:]
        )
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError) as exc:
        raise ForgedError("cosignature") from exc
    return seconds


def format_cosigned(text: str, *, seconds: int) -> bytes:
    """
    Write what a witness signs.

    Args:
        text: Of the checkpoint, with its last newline.
        seconds: Since 1970.

    Returns:
        The message.

    Source:
        C2SP tlog-cosignature.md, "Ed25519 signed message".
    """
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
