"""
Classic recipients: X25519.

They do not hold against a quantum computer. A tip never takes them; `tipline age` does, so that it
reads and writes what age reads and writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.age.bech32 import format_bech32, parse_bech32
from crypto.age.header import FILE_KEY_BYTES, Stanza, decode_argument
from crypto.errors import MalformedError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.strict import encode_base64

STANZA_TYPE: Final = "X25519"
RECIPIENT_PREFIX: Final = "age"
IDENTITY_PREFIX: Final = "AGE-SECRET-KEY-"

_KEY_BYTES: Final = 32
_BODY_BYTES: Final = FILE_KEY_BYTES + 16  # the file key and a Poly1305 tag
_INFO: Final = b"age-encryption.org/v1/X25519"
# The nonce is fixed because every wrapping key follows from a fresh share and seals once.
_NONCE: Final = bytes(12)


@final
class X25519Recipient:
    """
    To whom a file is sealed.

    Args:
        raw: 32 bytes, a point.

    Raises:
        MalformedError: not 32 bytes, or a point of low order.
    """

    __slots__ = ("_key", "_raw")

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _KEY_BYTES:
            raise MalformedError("age1 recipient: length")
        self._raw = raw
        self._key = X25519PublicKey.from_public_bytes(raw)
        try:
            X25519PrivateKey.from_private_bytes(bytes(_KEY_BYTES)).exchange(self._key)
        except ValueError as exc:
            raise MalformedError("age1 recipient: key") from exc

    @classmethod
    def parse(cls, text: str) -> X25519Recipient:
        """
        Read a recipient.

        Args:
            text: Untrusted, `age1...` in lower case.

        Returns:
            The recipient; its `format()` is *text* again.

        Raises:
            MalformedError: not an X25519 recipient.
            TooLargeError: far too long for one.
        """
        prefix, raw = parse_bech32(text)
        if prefix != RECIPIENT_PREFIX:
            raise MalformedError("age1 recipient: prefix")
        return cls(raw)

    def format(self) -> str:
        """
        Write the recipient.

        Returns:
            `age1...`, 62 characters.
        """
        return format_bech32(RECIPIENT_PREFIX, self._raw)

    def wrap(self, file_key: Secret, *, random: RandomSource = system_random) -> Stanza:
        """
        Wrap a file key for this recipient.

        Args:
            file_key: 16 bytes.
            random: Where the ephemeral secret comes from.

        Returns:
            The stanza.

        Source:
            C2SP age.md, "X25519 recipient stanza".
        """
        ephemeral = X25519PrivateKey.from_private_bytes(random(_KEY_BYTES))
        share = ephemeral.public_key().public_bytes_raw()
        key = _derive_key(ephemeral.exchange(self._key), share=share, point=self._raw)
        body = ChaCha20Poly1305(key).encrypt(_NONCE, file_key.reveal(), None)
        return Stanza(type=STANZA_TYPE, arguments=(encode_base64(share),), body=body)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, X25519Recipient):
            return NotImplemented
        return self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)

    def __repr__(self) -> str:
        return "X25519Recipient()"


@final
class X25519Identity:
    """
    Who can open what was sealed to an X25519 recipient.

    Args:
        seed: 32 bytes.

    Raises:
        MalformedError: not 32 bytes.
    """

    __slots__ = ("_key", "_point", "_seed")

    def __init__(self, seed: Secret) -> None:
        if len(seed) != _KEY_BYTES:
            raise MalformedError("identity: length")
        self._seed = seed
        self._key = X25519PrivateKey.from_private_bytes(seed.reveal())
        self._point = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls, *, random: RandomSource = system_random) -> X25519Identity:
        """
        Make a new identity.

        Args:
            random: Where its bytes come from.

        Returns:
            The identity.
        """
        return cls(Secret(random(_KEY_BYTES)))

    @classmethod
    def parse(cls, text: Secret) -> X25519Identity:
        """
        Read an identity.

        Args:
            text: `AGE-SECRET-KEY-1...`, in ASCII, in upper case.

        Returns:
            The identity; its `format()` is *text* again.

        Raises:
            MalformedError: not an X25519 identity.
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
            `AGE-SECRET-KEY-1...` in ASCII.
        """
        text = format_bech32(IDENTITY_PREFIX.lower(), self._seed.reveal())
        return Secret(text.upper().encode("ascii"))

    def recipient(self) -> X25519Recipient:
        """
        Give the recipient whose files this identity opens.

        Returns:
            The recipient.
        """
        return X25519Recipient(self._point)

    def unwrap(self, stanzas: Sequence[Stanza]) -> Secret | None:
        """
        Look for a stanza that this identity opens.

        Args:
            stanzas: All of a header.

        Returns:
            The file key, or None if no stanza is for this identity.

        Raises:
            MalformedError: an X25519 stanza is not in its form, whomever it is for.

        Source:
            C2SP age.md, "X25519 recipient stanza": the length of the body is checked before
            anything is opened, against partitioning oracles.
        """
        for stanza in stanzas:
            if stanza.type != STANZA_TYPE:
                continue
            if len(stanza.arguments) != 1:
                raise MalformedError("age header: X25519 stanza")
            share = decode_argument(stanza.arguments[0])
            if len(share) != _KEY_BYTES or len(stanza.body) != _BODY_BYTES:
                raise MalformedError("age header: X25519 stanza")
            file_key = self._open(share, stanza.body)
            if file_key is not None:
                return file_key
        return None

    def _open(self, share: bytes, body: bytes) -> Secret | None:
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as exc:
            raise MalformedError("age header: low order") from exc
        key = _derive_key(shared, share=share, point=self._point)
        try:
            return Secret(ChaCha20Poly1305(key).decrypt(_NONCE, body, None))
        except InvalidTag:
            return None


def _derive_key(shared: bytes, *, share: bytes, point: bytes) -> bytes:
    return HKDF(SHA256(), 32, share + point, _INFO).derive(shared)
