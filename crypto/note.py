"""
C2SP signed notes: a text and who signed it.

Rules:
    1. A note is its text, which ends in a newline, an empty line, and signature lines.
    2. The signature covers the text, its last newline included.
    3. A reader says how many signature lines it takes. Ours take one: a line that nobody checks
       would let a stranger change the note's bytes, and so its hash, without breaking it.
    4. A key is known by name and key id together; a line of another key is passed over, a line of
       ours that does not hold refuses the note.

Source: C2SP signed-note.md, Ed25519 (signature type 0x01).
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from typing import Final, Self

import nacl.exceptions
import nacl.signing

from crypto.errors import ForgedError, MalformedError, TooLargeError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.strict import decode_hex, decode_padded_base64

ED25519: Final = 0x01
KEY_ID_LEN: Final = 4
KEY_LEN: Final = 32
SIGNATURE_LEN: Final = 64
MAX_NOTE_BYTES: Final = 64 << 20  # a bundle's index: 100,000 tips of 300 bytes, twice over
MAX_KEY_CHARACTERS: Final = 512
_SIGNING_KEY_START: Final = "PRIVATE+KEY+"
_SIGNATURE_START: Final = "\N{EM DASH} "
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,128}")
_FOREIGN_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """
    The public half: who signs, and how to tell.

    Args:
        name: Without spaces and plus signs.
        public_key: Ed25519, 32 bytes.
    """

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, untrusted: str) -> Self:
        """
        Read a verifier key.

        Args:
            untrusted: `NAME+HEX8+BASE64`.

        Returns:
            The verifier; `format` of it is the same text.

        Raises:
            MalformedError: not in the format, of another algorithm, or the key id does not fit.
        """
        name, public_key = _parse_key(untrusted)
        verifier = cls(name=name, public_key=public_key)
        if verifier.format() != untrusted:
            raise MalformedError("verifier key")
        return verifier

    def format(self) -> str:
        """
        Write the key as text.

        Returns:
            `NAME+HEX8+BASE64`.
        """
        return f"{self.name}+{self.key_id.hex()}+{_encode_key(self.public_key)}"

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, point a signature line to its key."""
        named = self.name.encode() + b"\n" + bytes([ED25519]) + self.public_key
        return hashlib.sha256(named).digest()[:KEY_ID_LEN]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """
    The private half.

    Args:
        name: Without spaces and plus signs.
        seed: Ed25519, 32 bytes.
    """

    name: str
    seed: Secret

    @classmethod
    def generate(cls, name: str, *, random: RandomSource = system_random) -> Self:
        """
        Make a new key.

        Args:
            name: Without spaces and plus signs.
            random: Where the seed comes from.

        Returns:
            The signer.

        Raises:
            ValueError: *name* is not allowed.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("a name has no spaces and no plus sign")
        return cls(name=name, seed=Secret(random(KEY_LEN)))

    @classmethod
    def parse(cls, untrusted: Secret) -> Self:
        """
        Read a signing key.

        Args:
            untrusted: `PRIVATE+KEY+NAME+HEX8+BASE64`.

        Returns:
            The signer; `format` of it is the same text.

        Raises:
            MalformedError: not in the format, of another algorithm, or the key id does not fit.
        """
        try:
            text = untrusted.reveal().decode("utf-8")
        except UnicodeDecodeError as exc:
            raise MalformedError("signing key") from exc
        if not text.startswith(_SIGNING_KEY_START):
            raise MalformedError("signing key")
        name, seed = _parse_key(text.removeprefix(_SIGNING_KEY_START))
        signer = cls(name=name, seed=Secret(seed))
        if signer.format() != untrusted:
            raise MalformedError("signing key")
        return signer

    def format(self) -> Secret:
        """
        Write the key as text, to be stored sealed.

        Returns:
            `PRIVATE+KEY+NAME+HEX8+BASE64`.
        """
        encoded = _encode_key(self.seed.reveal())
        key_id = self.verifier().key_id.hex()
        return Secret(f"{_SIGNING_KEY_START}{self.name}+{key_id}+{encoded}".encode())

    def verifier(self) -> Verifier:
        """
        Give the public half.

        Returns:
            The verifier of what this signs.
        """
        key = nacl.signing.SigningKey(self.seed.reveal())
        return Verifier(name=self.name, public_key=bytes(key.verify_key))


def sign_note(text: str, signer: Signer) -> bytes:
    """
    Sign a text.

    Args:
        text: Ends in a newline; no other control characters.
        signer: Who signs.

    Returns:
        The note; the same text and key always give the same bytes.

    Raises:
        ValueError: the text cannot be a note's.
    """
    if not text.endswith("\n") or _FOREIGN_CONTROL.search(text):
        raise ValueError("a note's text ends in a newline and has no other control characters")
    key = nacl.signing.SigningKey(signer.seed.reveal())
    signature = key.sign(text.encode()).signature
    encoded = _encode_base64(signer.verifier().key_id + signature)
    return f"{text}\n{_SIGNATURE_START}{signer.name} {encoded}\n".encode()


def verify_note(untrusted: bytes, verifier: Verifier, *, max_signatures: int = 1) -> str:
    """
    Verify that a note was signed by one key.

    1. The note is UTF-8 without control characters, and not longer than `MAX_NOTE_BYTES`.
    2. After the last empty line stand one to *max_signatures* signature lines, no key twice.
    3. The line of *verifier* is among them.
    4. Its signature holds over the text.

    Args:
        untrusted: The whole note.
        verifier: Whose signature is asked for.
        max_signatures: How many lines may stand there; those of other keys are not looked at.

    Returns:
        The text, signed by *verifier*.

    Raises:
        TooLargeError: longer than `MAX_NOTE_BYTES`.
        MalformedError: not a note.
        ForgedError: not signed by *verifier*, or the signature does not hold.
    """
    text, lines = split_note(untrusted, max_signatures=max_signatures)
    signatures = dict(parse_signature(line) for line in lines)
    if len(signatures) != len(lines):
        raise MalformedError("signature twice")
    signature = signatures.get((verifier.name, verifier.key_id))
    if signature is None:
        raise ForgedError("not signed by this key")
    try:
        nacl.signing.VerifyKey(verifier.public_key).verify(text.encode(), signature)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError) as exc:
        raise ForgedError("signature") from exc
    return text


def split_note(untrusted: bytes, *, max_signatures: int = 1) -> tuple[str, list[str]]:
    """
    Part a note without verifying anything.

    Args:
        untrusted: The whole note.
        max_signatures: How many signature lines may stand there.

    Returns:
        The text, still untrusted, and the signature lines.

    Raises:
        TooLargeError: longer than `MAX_NOTE_BYTES`.
        MalformedError: not a note.
    """
    if len(untrusted) > MAX_NOTE_BYTES:
        raise TooLargeError("note", limit=MAX_NOTE_BYTES)
    try:
        note = untrusted.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("note") from exc
    text, found, signatures = note.rpartition("\n\n")
    if not found or not signatures.endswith("\n") or _FOREIGN_CONTROL.search(note):
        raise MalformedError("note")
    # Not splitlines(): it also parts at U+0085 and U+2028, which a name may not hide behind.
    lines = signatures[:-1].split("\n")
    if len(lines) > max_signatures:
        raise MalformedError("signature count")
    return text + "\n", lines


def parse_signature(untrusted: str) -> tuple[tuple[str, bytes], bytes]:
    """
    Read a signature line without verifying anything.

    Args:
        untrusted: The line, without its newline.

    Returns:
        Whose it says it is, by name and key id, and what follows the key id.

    Raises:
        MalformedError: not a signature line.
    """
    name, found, encoded = untrusted.removeprefix(_SIGNATURE_START).partition(" ")
    if not untrusted.startswith(_SIGNATURE_START) or not found or not _NAME.fullmatch(name):
        raise MalformedError("signature line")
    value = decode_padded_base64(encoded)
    if len(value) <= KEY_ID_LEN:
        raise MalformedError("signature line")
    return (name, value[:KEY_ID_LEN]), value[KEY_ID_LEN:]


def _parse_key(untrusted: str) -> tuple[str, bytes]:
    if len(untrusted) > MAX_KEY_CHARACTERS:
        raise MalformedError("key")
    # The base64 may itself hold plus signs, the name and the key id may not.
    parts = untrusted.split("+", 2)
    if len(parts) != 3 or not _NAME.fullmatch(parts[0]):
        raise MalformedError("key")
    decode_hex(parts[1])
    value = decode_padded_base64(parts[2])
    if len(value) != 1 + KEY_LEN or value[0] != ED25519:
        raise MalformedError("key")
    return parts[0], value[1:]


def _encode_key(value: bytes) -> str:
    return _encode_base64(bytes([ED25519]) + value)


def _encode_base64(value: bytes) -> str:
    # Notes pad their base64; age does not.
    return base64.b64encode(value).decode("ascii")
