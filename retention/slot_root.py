"""
What the slots' secrets are sealed under, and what a destruction may therefore be called.

    root          secrets lie                    a destroyed slot was
    none          as they are                    overwritten
    credential    under a key that systemd       overwritten
                  hands to the service alone
    tpm           under a root in a TPM, which   destroyed (days, holds, epochs); overwritten (one
                  each purge replaces            record out of its day)

Overwriting in place leaves nothing on a plain disk, and may leave old blocks behind the translation
of a flash disk, in a snapshot or in a copy. Only where such a block cannot be opened any more,
because what it was sealed under is gone from another chip, do we say `destroyed`.
"""

from __future__ import annotations

import enum
import hashlib
from typing import Final, Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError as SodiumError

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import MAX_BODY_BYTES, NO_ROOT, ROOT_ID_BYTES, SECRET_BYTES, Slot, SlotKind

SLOT_LABEL: Final = b"tipline/slot/v1"
ROOT_ID_LABEL: Final = b"tipline/slot-root-id/v1"
NONCE_BYTES: Final = 24


class Method(enum.StrEnum):
    """What a destruction may be called; the last says that there was nothing to destroy."""

    OVERWRITTEN = "overwritten"
    DESTROYED = "destroyed"
    NONE_KEPT = "none_kept"  # of a class of which this line keeps no records


class Standing(enum.Enum):
    """How a slot stands to a root."""

    CURRENT = "current"
    OLD = "old"  # under the root before, which still exists: a replacement was cut short
    SPENT = "spent"  # under the root before, which is gone: nobody opens it
    FOREIGN = "foreign"


class Rotation(Protocol):
    """How a root is replaced: first the new one beside the old, at last the old one goes."""

    def pending(self) -> bool:
        """Tell whether both are there."""
        ...

    def begin(self) -> None:
        """Make the new root; from now on it seals, and both open."""
        ...

    def finish(self) -> None:
        """Destroy the old root."""
        ...


class SlotRoot(Protocol):
    """What the slots' secrets are sealed under."""

    def create(self, file_id: bytes) -> None:
        """Make the root of a new slot file."""
        ...

    def attach(self, file_id: bytes) -> None:
        """Find the root of a slot file that is being opened."""
        ...

    def method(self, kind: SlotKind) -> Method:
        """Tell what the destruction of a slot of this kind may be called."""
        ...

    def rotation(self) -> Rotation | None:
        """Give the way to replace this root; None if it stays."""
        ...

    def standing(self, slot: Slot) -> Standing:
        """Tell how a slot stands to this root."""
        ...

    def seal(self, secret: Secret, *, kind: SlotKind, label: bytes) -> Slot:
        """Make a slot of a secret."""
        ...

    def open(self, slot: Slot) -> Secret:
        """Give a slot's secret; raise SlotError `slot_root_other` or `slot_malformed`."""
        ...


class _SteadyRoot:
    """What the roots share that stay the same."""

    def create(self, file_id: bytes) -> None:
        """
        Make the root of a new slot file: there is nothing to make.

        Args:
            file_id: 16 bytes.
        """

    def attach(self, file_id: bytes) -> None:
        """
        Find the root of a slot file that is being opened: it is the same for all.

        Args:
            file_id: 16 bytes.
        """

    def method(self, kind: SlotKind) -> Method:
        """
        Tell what a destruction may be called.

        Args:
            kind: Of the slot.

        Returns:
            Always `overwritten`.
        """
        return Method.OVERWRITTEN

    def rotation(self) -> Rotation | None:
        """
        Give the way to replace this root.

        Returns:
            None: it stays.
        """
        return None


class PlainRoot(_SteadyRoot):
    """No root: secrets lie as they are."""

    def standing(self, slot: Slot) -> Standing:
        """
        Tell how a slot stands to this root.

        Args:
            slot: Any.

        Returns:
            `foreign` if it was sealed.
        """
        return Standing.CURRENT if slot.root_id == NO_ROOT else Standing.FOREIGN

    def seal(self, secret: Secret, *, kind: SlotKind, label: bytes) -> Slot:
        """
        Make a slot of a secret.

        Args:
            secret: 32 bytes.
            kind: Whose it is.
            label: 16 bytes.

        Returns:
            The slot.
        """
        return Slot(kind=kind, label=label, root_id=NO_ROOT, body=secret)

    def open(self, slot: Slot) -> Secret:
        """
        Give a slot's secret.

        Args:
            slot: As `seal` made it.

        Returns:
            32 bytes.

        Raises:
            SlotError: `slot_root_other`: it was sealed under a root; `slot_malformed`.
        """
        if slot.root_id != NO_ROOT:
            raise SlotError("slot_root_other")
        if len(slot.body) != SECRET_BYTES:
            raise SlotError("slot_malformed")
        return slot.body


class SealingKey:
    """
    A key that seals slots.

    Args:
        key: 32 bytes.
        random: Where nonces come from.
    """

    def __init__(self, key: Secret, *, random: RandomSource = system_random) -> None:
        if len(key) != SECRET_BYTES:
            raise ValueError("a root has 32 bytes")
        self._key = Secret(HKDF(SHA256(), SECRET_BYTES, None, SLOT_LABEL).derive(key.reveal()))
        self._random = random
        self.id: Final = hashlib.sha256(ROOT_ID_LABEL + self._key.reveal()).digest()[:ROOT_ID_BYTES]

    def seal(self, secret: Secret, *, kind: SlotKind, label: bytes) -> Slot:
        """
        Make a slot of a secret.

        Args:
            secret: 32 bytes.
            kind: Whose it is.
            label: 16 bytes.

        Returns:
            The slot, which opens as this kind and label alone.
        """
        nonce = self._random(NONCE_BYTES)
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
            secret.reveal(), _bind(kind, label), nonce, self._key.reveal()
        )
        return Slot(kind=kind, label=label, root_id=self.id, body=Secret(nonce + sealed))

    def open(self, slot: Slot) -> Secret:
        """
        Give a slot's secret.

        Args:
            slot: As `seal` made it.

        Returns:
            32 bytes.

        Raises:
            SlotError: `slot_root_other`: sealed under another root; `slot_malformed`: changed.
        """
        if slot.root_id != self.id:
            raise SlotError("slot_root_other")
        if len(slot.body) != MAX_BODY_BYTES:
            raise SlotError("slot_malformed")
        body = slot.body.reveal()
        try:
            secret = crypto_aead_xchacha20poly1305_ietf_decrypt(
                body[NONCE_BYTES:],
                _bind(slot.kind, slot.label),
                body[:NONCE_BYTES],
                self._key.reveal(),
            )
        except SodiumError as exc:
            raise SlotError("slot_malformed") from exc
        return Secret(secret)


class CredentialRoot(_SteadyRoot):
    """
    A root that systemd hands to the service (`$CREDENTIALS_DIRECTORY`), kept outside the disk.

    Args:
        key: 32 bytes.
        random: Where nonces come from.
    """

    def __init__(self, key: Secret, *, random: RandomSource = system_random) -> None:
        self._sealing = SealingKey(key, random=random)

    def standing(self, slot: Slot) -> Standing:
        """
        Tell how a slot stands to this root.

        Args:
            slot: Any.

        Returns:
            `foreign` if it was sealed under another, or not sealed.
        """
        return Standing.CURRENT if slot.root_id == self._sealing.id else Standing.FOREIGN

    def seal(self, secret: Secret, *, kind: SlotKind, label: bytes) -> Slot:
        """
        Make a slot of a secret.

        Args:
            secret: 32 bytes.
            kind: Whose it is.
            label: 16 bytes.

        Returns:
            The slot.
        """
        return self._sealing.seal(secret, kind=kind, label=label)

    def open(self, slot: Slot) -> Secret:
        """
        Give a slot's secret.

        Args:
            slot: As `seal` made it.

        Returns:
            32 bytes.

        Raises:
            SlotError: `slot_root_other`: sealed under another root; `slot_malformed`: changed.
        """
        return self._sealing.open(slot)


def _bind(kind: SlotKind, label: bytes) -> bytes:
    return SLOT_LABEL + b" " + kind.encode("ascii") + b" " + label
