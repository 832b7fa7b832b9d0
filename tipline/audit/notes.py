"""
Checkpoints, and who signed them.

Rules:
    1. A checkpoint's text has three lines and no others: origin, size, root.
    2. The log's own line must be there and hold. A line of a key that nobody asked for is passed
       over; a line of a witness that was asked for and does not hold refuses the checkpoint.
    3. A key's type is covered by its key id, so no witness's line stands for the log's.

Source: C2SP signed-note.md, tlog-checkpoint.md, tlog-cosignature.md; docs/reference/log.md.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from typing import Final, Self

import nacl.exceptions
import nacl.signing

from tipline.audit.errors import ForgedError, MalformedError
from tipline.audit.strict import (
    HASH_BYTES,
    decode_base64,
    encode_base64,
    parse_integer,
)

LOG: Final = 0x01
WITNESS: Final = 0x04
MAX_CHECKPOINT_BYTES: Final = 16 << 10  # three lines and 17 signatures
MAX_LINES: Final = 17  # the log's and those of 16 witnesses
MAX_KEY_CHARACTERS: Final = 512
_KEY_ID_LEN: Final = 4
_TIME_LEN: Final = 8
_SIGNATURE_LEN: Final = 64
_LINE_START: Final = "\N{EM DASH} "
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,128}")
_FOREIGN_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """
    The public half of a key that signs notes.

    Args:
        name: Without spaces and plus signs.
        type: `LOG` or `WITNESS`.
        public_key: Ed25519, 32 bytes.
    """

    name: str
    type: int
    public_key: bytes

    @classmethod
    def parse(cls, untrusted: str, *, type_: int) -> Self:
        """
        Read a verifier key.

        Args:
            untrusted: `NAME+HEX8+BASE64`.
            type_: `LOG` or `WITNESS`.

        Returns:
            The key; `format` of it is the same text.

        Raises:
            MalformedError: not in the format, of another type, or the key id does not fit.
        """
        parts = untrusted.split("+", 2)
        if len(untrusted) > MAX_KEY_CHARACTERS or len(parts) != 3 or not _NAME.fullmatch(parts[0]):
            raise MalformedError("key")
        value = decode_base64(parts[2])
        if len(value) != 1 + HASH_BYTES or value[0] != type_:
            raise MalformedError("key")
        key = cls(name=parts[0], type=type_, public_key=value[1:])
        if key.format() != untrusted:
            raise MalformedError("key")
        return key

    @property
    def id(self) -> bytes:
        """Four bytes that, with the name, point a signature line to its key."""
        named = self.name.encode() + b"\n" + bytes([self.type]) + self.public_key
        return hashlib.sha256(named).digest()[:_KEY_ID_LEN]

    def format(self) -> str:
        """
        Write the key as text.

        Returns:
            `NAME+HEX8+BASE64`.
        """
        return f"{self.name}+{self.id.hex()}+{encode_base64(bytes([self.type]) + self.public_key)}"

    def check(self, message: bytes, signature: bytes) -> None:
        """
        Check a signature.

        Args:
            message: What should have been signed.
            signature: Untrusted.

        Raises:
            ForgedError: it does not hold.
        """
        try:
            nacl.signing.VerifyKey(self.public_key).verify(message, signature)
        except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError) as exc:
            raise ForgedError("signature", name=self.name) from exc


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """
    What a log was at some time, signed by it.

    Args:
        origin: Which log.
        size: How many entries.
        root: The root hash.
        note: All of it, as it was served.
        witnesses: Names of the witnesses asked for whose lines hold.
    """

    origin: str
    size: int
    root: bytes
    note: bytes
    witnesses: tuple[str, ...]

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


def split_note(untrusted: bytes, *, max_bytes: int) -> tuple[str, dict[tuple[str, bytes], bytes]]:
    """
    Part a note without verifying anything.

    Args:
        untrusted: The whole note.
        max_bytes: The longest accepted.

    Returns:
        The text, and the signature of each key: by name and key id.

    Raises:
        MalformedError: not a note.
    """
    if len(untrusted) > max_bytes:
        raise MalformedError("note")
    try:
        note = untrusted.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("note") from exc
    text, found, ending = note.rpartition("\n\n")
    if not found or not ending.endswith("\n") or _FOREIGN_CONTROL.search(note):
        raise MalformedError("note")
    lines = ending[:-1].split("\n")
    signatures = dict(_parse_line(line) for line in lines)
    if len(lines) > MAX_LINES or len(signatures) != len(lines):
        raise MalformedError("note")
    return text + "\n", signatures


def _parse_line(untrusted: str) -> tuple[tuple[str, bytes], bytes]:
    name, found, encoded = untrusted.removeprefix(_LINE_START).partition(" ")
    if not untrusted.startswith(_LINE_START) or not found or not _NAME.fullmatch(name):
        raise MalformedError("note")
    value = decode_base64(encoded)
    if len(value) <= _KEY_ID_LEN:
        raise MalformedError("note")
    return (name, value[:_KEY_ID_LEN]), value[_KEY_ID_LEN:]


def verify_checkpoint(untrusted: bytes, *, log: Key, witnesses: tuple[Key, ...] = ()) -> Checkpoint:
    """
    Verify a checkpoint.

    1. It is a note of at most `MAX_CHECKPOINT_BYTES` and 17 signature lines, no key twice.
    2. Its text has three lines; the origin is the name of the log's key; the size is at least 1.
    3. The log's line is there and holds.
    4. Each line of a witness that is asked for holds.

    Args:
        untrusted: The whole note.
        log: The log's key.
        witnesses: Whose lines are asked for.

    Returns:
        The checkpoint, with the names of the witnesses that cosigned it.

    Raises:
        MalformedError: it is not a checkpoint.
        ForgedError: not this log's, or a signature does not hold.
    """
    text, signatures = split_note(untrusted, max_bytes=MAX_CHECKPOINT_BYTES)
    lines = text.split("\n")
    if len(lines) != 4:  # the last newline opens an empty one
        raise MalformedError("checkpoint")
    size, root = parse_integer(lines[1]), decode_base64(lines[2])
    if size < 1 or len(root) != HASH_BYTES:
        raise MalformedError("checkpoint")
    own = signatures.get((log.name, log.id))
    if own is None or lines[0] != log.name:
        raise ForgedError("origin", name=log.name)
    log.check(text.encode(), own)
    seen = []
    for witness in witnesses:
        line = signatures.get((witness.name, witness.id))
        if line is not None:
            _check_cosignature(text, line, witness=witness)
            seen.append(witness.name)
    return Checkpoint(origin=lines[0], size=size, root=root, note=untrusted, witnesses=tuple(seen))


def _check_cosignature(text: str, line: bytes, *, witness: Key) -> None:
    if len(line) != _TIME_LEN + _SIGNATURE_LEN:
        raise ForgedError("signature", name=witness.name)
    message = format_cosigned(text, seconds=int.from_bytes(line[:_TIME_LEN], "big"))
    witness.check(message, line[_TIME_LEN:])


def format_cosigned(text: str, *, seconds: int) -> bytes:
    """
    Write what a witness signs.

    Args:
        text: The checkpoint's three lines.
        seconds: Since 1970: when the witness saw it.

    Returns:
        The message.
    """
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def format_cosignature(signature: bytes, *, key: Key, seconds: int) -> str:
    """
    Write a witness's line.

    Args:
        signature: Over `format_cosigned`.
        key: The witness's.
        seconds: As signed.

    Returns:
        The line, with its newline.
    """
    value = key.id + seconds.to_bytes(_TIME_LEN, "big") + signature
    return f"{_LINE_START}{key.name} {encode_base64(value)}\n"
