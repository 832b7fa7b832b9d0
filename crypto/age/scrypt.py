"""
Passphrases: a file key wrapped under scrypt.

The work factor is the base-two logarithm of scrypt's cost: 18 takes about a second and 256 MiB.
It is bounded on writing and on reading, because whoever made a file chose it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from crypto.age.header import FILE_KEY_BYTES, Stanza, decode_argument
from crypto.errors import MalformedError, RecipientError, TooLargeError
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from crypto.strict import encode_base64

STANZA_TYPE: Final = "scrypt"
DEFAULT_WORK_FACTOR: Final = 18  # what age writes: about a second on a machine of today
MAX_WORK_FACTOR: Final = 22  # what age reads at most: 4 GiB and some 20 seconds

_SALT_BYTES: Final = 16
_BODY_BYTES: Final = FILE_KEY_BYTES + 16  # the file key and a Poly1305 tag
_LABEL: Final = b"age-encryption.org/v1/scrypt"
_FACTOR: Final = re.compile(r"[1-9][0-9]*")
# The nonce is fixed because every wrapping key follows from a fresh salt and seals once.
_NONCE: Final = bytes(12)


@final
class ScryptRecipient:
    """
    A passphrase to seal a file with. It must be the file's only recipient.

    Args:
        passphrase: Not empty, in UTF-8.
        work_factor: From 1 to `MAX_WORK_FACTOR`.

    Raises:
        RecipientError: the passphrase is empty.
        ValueError: the work factor is out of its bounds.
    """

    __slots__ = ("_passphrase", "_work_factor")

    def __init__(self, passphrase: Secret, *, work_factor: int = DEFAULT_WORK_FACTOR) -> None:
        if not len(passphrase):
            raise RecipientError("empty passphrase")
        if not 1 <= work_factor <= MAX_WORK_FACTOR:
            raise ValueError("work factor out of bounds")
        self._passphrase = passphrase
        self._work_factor = work_factor

    def wrap(self, file_key: Secret, *, random: RandomSource = system_random) -> Stanza:
        """
        Wrap a file key under the passphrase.

        Args:
            file_key: 16 bytes.
            random: Where the salt comes from.

        Returns:
            The stanza.

        Raises:
            TooLargeError: this machine has not the memory.

        Source:
            C2SP age.md, "scrypt recipient stanza".
        """
        salt = random(_SALT_BYTES)
        key = _derive_key(self._passphrase, salt=salt, work_factor=self._work_factor)
        return Stanza(
            type=STANZA_TYPE,
            arguments=(encode_base64(salt), str(self._work_factor)),
            body=ChaCha20Poly1305(key).encrypt(_NONCE, file_key.reveal(), None),
        )

    def __repr__(self) -> str:
        return "ScryptRecipient()"


@final
class ScryptIdentity:
    """
    A passphrase to open a file with.

    Args:
        passphrase: In UTF-8.
        max_work_factor: The largest that is accepted, at most `MAX_WORK_FACTOR`.

    Raises:
        ValueError: the limit is out of its bounds.
    """

    __slots__ = ("_max_work_factor", "_passphrase")

    def __init__(self, passphrase: Secret, *, max_work_factor: int = MAX_WORK_FACTOR) -> None:
        if not 1 <= max_work_factor <= MAX_WORK_FACTOR:
            raise ValueError("work factor out of bounds")
        self._passphrase = passphrase
        self._max_work_factor = max_work_factor

    def unwrap(self, stanzas: Sequence[Stanza]) -> Secret | None:
        """
        Open the scrypt stanza, if there is one.

        Args:
            stanzas: All of a header, which holds that an scrypt stanza stands alone.

        Returns:
            The file key, or None if there is no scrypt stanza or the passphrase is another.

        Raises:
            MalformedError: the stanza is not in its form.
            TooLargeError: it asks for more work than the limit, or more memory than there is.

        Source:
            C2SP age.md, "scrypt recipient stanza": the length of the body is checked before
            anything is opened, against partitioning oracles.
        """
        for stanza in stanzas:
            if stanza.type == STANZA_TYPE:
                return self._open(stanza)
        return None

    def _open(self, stanza: Stanza) -> Secret | None:
        if len(stanza.arguments) != 2:
            raise MalformedError("age header: scrypt stanza")
        salt = decode_argument(stanza.arguments[0])
        factor = stanza.arguments[1]
        if len(salt) != _SALT_BYTES or len(stanza.body) != _BODY_BYTES:
            raise MalformedError("age header: scrypt stanza")
        if not _FACTOR.fullmatch(factor):
            raise MalformedError("age header: work factor")
        # By length first: a number of a thousand digits is not worth converting.
        if len(factor) > 2 or int(factor) > self._max_work_factor:
            raise TooLargeError("age header: work factor", limit=self._max_work_factor)
        key = _derive_key(self._passphrase, salt=salt, work_factor=int(factor))
        try:
            return Secret(ChaCha20Poly1305(key).decrypt(_NONCE, stanza.body, None))
        except InvalidTag:
            return None

    def __repr__(self) -> str:
        return "ScryptIdentity()"


def _derive_key(passphrase: Secret, *, salt: bytes, work_factor: int) -> bytes:
    try:
        scrypt = Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=8, p=1)
        return scrypt.derive(passphrase.reveal())
    except MemoryError as exc:
        raise TooLargeError("scrypt memory", limit=MAX_WORK_FACTOR) from exc
