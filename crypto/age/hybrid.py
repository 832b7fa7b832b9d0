"""
Recipients that hold against quantum computers: X-Wing (ML-KEM-768 with X25519) in HPKE.

An identity is a seed of 32 bytes, written `AGE-SECRET-KEY-PQ-1...`; its recipient is 1,216 bytes,
written `age1pq1...`. A stanza's type is `mlkem768x25519`.

The randomness of an encapsulation is drawn inside `cryptography`: of all that is random in a file,
this alone cannot be passed in.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from crypto.age.bech32 import format_bech32, parse_bech32
from crypto.age.header import FILE_KEY_BYTES, Stanza, decode_argument
from crypto.errors import MalformedError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.strict import encode_base64

STANZA_TYPE: Final = "mlkem768x25519"
RECIPIENT_PREFIX: Final = "age1pq"
IDENTITY_PREFIX: Final = "AGE-SECRET-KEY-PQ-"

SEED_BYTES: Final = 32
_MLKEM_SEED_BYTES: Final = 64
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_CIPHERTEXT_BYTES: Final = 1088
_X25519_BYTES: Final = 32
RECIPIENT_BYTES: Final = _MLKEM_PUBLIC_BYTES + _X25519_BYTES
ENCAPSULATED_BYTES: Final = _MLKEM_CIPHERTEXT_BYTES + _X25519_BYTES
BODY_BYTES: Final = FILE_KEY_BYTES + 16  # the file key and a Poly1305 tag

_SUITE: Final = hpke.Suite(
    hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305
)
_INFO: Final = b"age-encryption.org/mlkem768x25519"


@final
class HybridRecipient:
    """
    To whom a file is sealed.

    Decoding the text costs a millisecond, so parse once and keep the object.

    Args:
        raw: 1,216 bytes: the ML-KEM-768 key and the X25519 point.

    Raises:
        MalformedError: not such a key.
    """

    __slots__ = ("_key", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != RECIPIENT_BYTES:
            raise MalformedError("age1pq recipient: length")
        point = X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC_BYTES:])
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC_BYTES])
            # A point of low order would leave ML-KEM alone: the exchange refuses it.
            X25519PrivateKey.from_private_bytes(bytes(_X25519_BYTES)).exchange(point)
        except ValueError as exc:
            raise MalformedError("age1pq recipient: key") from exc
        self._raw = raw
        self._key = hpke.MLKEM768X25519PublicKey(mlkem, point)

    @classmethod
    def parse(cls, text: str) -> HybridRecipient:
        """
        Read a recipient.

        Args:
            text: Untrusted, `age1pq1...` in lower case.

        Returns:
            The recipient; its `format()` is *text* again.

        Raises:
            MalformedError: not a hybrid recipient.
            TooLargeError: far too long for one.
        """
        prefix, raw = parse_bech32(text)
        if prefix != RECIPIENT_PREFIX:
            raise MalformedError("age1pq recipient: prefix")
        return cls(raw)

    def format(self) -> str:
        """
        Write the recipient.

        Returns:
            `age1pq1...`, 1,959 characters.
        """
        return format_bech32(RECIPIENT_PREFIX, self._raw)

    def wrap(self, file_key: Secret, *, random: RandomSource = system_random) -> Stanza:
        """
        Wrap a file key for this recipient.

        Args:
            file_key: 16 bytes.
            random: Not used: `cryptography` draws the encapsulation's randomness itself.

        Returns:
            The stanza.

        Source:
            C2SP age.md, "mlkem768x25519 recipient stanza"; RFC 9180, section 6.1.
        """
        sealed = _SUITE.encrypt(file_key.reveal(), self._key, _INFO)
        return Stanza(
            type=STANZA_TYPE,
            arguments=(encode_base64(sealed[:ENCAPSULATED_BYTES]),),
            body=sealed[ENCAPSULATED_BYTES:],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HybridRecipient):
            return NotImplemented
        return self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __reduce__(self) -> tuple[Callable[[bytes], HybridRecipient], tuple[bytes]]:
        """Go to another process by the key's bytes: what OpenSSL holds of it stays here."""
        return _recall, (self._raw,)

    def __repr__(self) -> str:
        return "HybridRecipient()"


@functools.lru_cache(maxsize=64)  # making eight takes longer than sealing to them
def _recall(raw: bytes) -> HybridRecipient:
    return HybridRecipient(raw)


@final
class HybridIdentity:
    """
    Who can open what was sealed to a hybrid recipient.

    Args:
        seed: 32 bytes.

    Raises:
        MalformedError: not 32 bytes.
    """

    __slots__ = ("_key", "_mlkem", "_seed", "_x25519")

    def __init__(self, seed: Secret) -> None:
        if len(seed) != SEED_BYTES:
            raise MalformedError("identity: length")
        expanded = hashlib.shake_256(seed.reveal()).digest(_MLKEM_SEED_BYTES + _X25519_BYTES)
        self._seed = seed
        self._mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        self._x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._key = hpke.MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    @classmethod
    def generate(cls, *, random: RandomSource = system_random) -> HybridIdentity:
        """
        Make a new identity.

        Args:
            random: Where the seed comes from.

        Returns:
            The identity.
        """
        return cls(Secret(random(SEED_BYTES)))

    @classmethod
    def parse(cls, text: Secret) -> HybridIdentity:
        """
        Read an identity.

        Args:
            text: `AGE-SECRET-KEY-PQ-1...`, in ASCII, in upper case.

        Returns:
            The identity; its `format()` is *text* again.

        Raises:
            MalformedError: not a hybrid identity.
            TooLargeError: far too long for one.
        """
        prefix, seed = parse_bech32(text.reveal().decode("latin-1"))
        if prefix != IDENTITY_PREFIX:
            raise MalformedError("identity: prefix")
        return cls(Secret(seed))

    def format(self) -> Secret:
        """
        Write the identity.

        Returns:
            `AGE-SECRET-KEY-PQ-1...` in ASCII.
        """
        text = format_bech32(IDENTITY_PREFIX.lower(), self._seed.reveal())
        return Secret(text.upper().encode("ascii"))

    def recipient(self) -> HybridRecipient:
        """
        Give the recipient whose files this identity opens.

        Returns:
            The recipient.
        """
        return HybridRecipient(
            self._mlkem.public_key().public_bytes_raw()
            + self._x25519.public_key().public_bytes_raw()
        )

    def unwrap(self, stanzas: Sequence[Stanza]) -> Secret | None:
        """
        Look for a stanza that this identity opens.

        Args:
            stanzas: All of a header.

        Returns:
            The file key, or None if no stanza is for this identity.

        Raises:
            MalformedError: a hybrid stanza is not in its form, whomever it is for.

        Source:
            C2SP age.md, "mlkem768x25519 recipient stanza": the length of the body is checked before
            anything is opened, against partitioning oracles.
        """
        for stanza in stanzas:
            if stanza.type != STANZA_TYPE:
                continue
            file_key = self._open(check_stanza(stanza), stanza.body)
            if file_key is not None:
                return file_key
        return None

    def _open(self, encapsulated: bytes, body: bytes) -> Secret | None:
        share = X25519PublicKey.from_public_bytes(encapsulated[_MLKEM_CIPHERTEXT_BYTES:])
        try:
            # HPKE reports a point of low order as a key that does not match; it is a forgery.
            self._x25519.exchange(share)
        except ValueError as exc:
            raise MalformedError("age header: low order") from exc
        try:
            return Secret(_SUITE.decrypt(encapsulated + body, self._key, _INFO))
        except InvalidTag:
            return None


def check_stanza(stanza: Stanza) -> bytes:
    """
    Check the form of a hybrid stanza, which takes no key.

    Args:
        stanza: Untrusted, of type `mlkem768x25519`.

    Returns:
        The encapsulated key.

    Raises:
        MalformedError: another number of arguments, or a value of another length.
    """
    if len(stanza.arguments) != 1:
        raise MalformedError("age header: hybrid stanza")
    encapsulated = decode_argument(stanza.arguments[0])
    if len(encapsulated) != ENCAPSULATED_BYTES or len(stanza.body) != BODY_BYTES:
        raise MalformedError("age header: hybrid stanza")
    return encapsulated
