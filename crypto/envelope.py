"""
The envelope: one age file of a fixed shape.

Rules:
    1. An envelope is checked without any key: size, version line, eight hybrid stanzas, MAC line
       (INV-02).
    2. A tip takes post-quantum hybrid recipients only (INV-01). age itself, and its library in the
       browser, would mix them with classic ones in silence; one classic stanza makes the whole tip
       readable to whoever stores it until quantum computers come.
    3. Exactly eight recipients, so that the header's length tells nothing.

The check keeps plaintext from being stored by accident. It authenticates nobody: a sealed file of
the right shape may hold anything, or nothing.

docs/reference/formats.md, "Envelope".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import BinaryIO, Final

from crypto.age import file as age_file
from crypto.age.hybrid import HybridRecipient
from crypto.attachment import Attachment, Cleaning, Original
from crypto.errors import MalformedError, RecipientError
from crypto.ladder import (
    HEADER_LEN,
    MAC_LINE_LEN,
    STANZA_COUNT,
    STANZA_LEN,
    VERSION_LINE,
    choose_rung,
    is_rung,
    payload_len_of,
)
from crypto.randomness import RandomSource, system_random
from crypto.strict import decode_base64
from crypto.tar import Member, measure_payload, open_payload
from crypto.tip import Tip, format_tip

__all__ = [
    "HEADER_LEN",
    "AttachedFile",
    "AttachedOriginal",
    "check_envelope_head",
    "check_recipients",
    "seal_tip",
]

_STANZA_START: Final = b"-> mlkem768x25519 "
_ENC_CHARACTERS: Final = 1_494  # 1,120 bytes: an ML-KEM-768 ciphertext and an X25519 share
_BODY_CHARACTERS: Final = 43  # 32 bytes: the file key and its tag
_MAC_START: Final = b"--- "


def check_envelope_head(untrusted_head: bytes, *, size_bytes: int) -> None:
    """
    Check that an envelope has the shape of a tip, without any key.

    Args:
        untrusted_head: Its first bytes, `HEADER_LEN` or more.
        size_bytes: Of the whole envelope.

    Raises:
        MalformedError: the size is not on the ladder, or the header is not the one of a tip.
        RecipientError: a stanza is not of the hybrid kind.

    Source:
        C2SP age.md, "Header"; the lengths in docs/reference/formats.md.
    """
    if not is_rung(size_bytes):
        raise MalformedError("size")
    if len(untrusted_head) < HEADER_LEN:
        raise MalformedError("short")
    if not untrusted_head.startswith(VERSION_LINE):
        raise MalformedError("version")
    for index in range(STANZA_COUNT):
        start = len(VERSION_LINE) + index * STANZA_LEN
        _check_stanza(untrusted_head[start : start + STANZA_LEN])
    mac_line = untrusted_head[HEADER_LEN - MAC_LINE_LEN : HEADER_LEN]
    if not (mac_line.startswith(_MAC_START) and mac_line.endswith(b"\n")):
        raise MalformedError("mac line")
    _check_base64(mac_line[len(_MAC_START) : -1])


def _check_stanza(untrusted: bytes) -> None:
    if not untrusted.startswith(_STANZA_START):
        if untrusted.startswith(b"-> "):
            raise RecipientError("classic")
        raise MalformedError("stanza count")
    enc_end = len(_STANZA_START) + _ENC_CHARACTERS
    body_end = enc_end + 1 + _BODY_CHARACTERS
    if untrusted[enc_end : enc_end + 1] != b"\n" or untrusted[body_end:] != b"\n":
        raise MalformedError("stanza")
    _check_base64(untrusted[len(_STANZA_START) : enc_end])
    _check_base64(untrusted[enc_end + 1 : body_end])


def _check_base64(untrusted: bytes) -> None:
    # Lengths of 1,494 and 43 characters have leftover bits, so the decoder's canonical check is
    # what keeps a stanza from having several spellings.
    decode_base64(untrusted.decode("latin-1"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachedOriginal:
    """
    The untouched original of a file that was cleaned.

    Args:
        size_bytes: Exactly what *source* gives.
        source: Its bytes.
        name: Its real name; travels in `tip.json` only.
        media_type: As the source's device gave it.
        modified_at: ISO 8601 with `Z`, as the source's device gave it, or None.
    """

    size_bytes: int
    source: BinaryIO
    name: str
    media_type: str
    modified_at: str | None = None

    def describe(self) -> Original:
        """
        Say what `tip.json` says of it.

        Returns:
            The original.
        """
        return Original(
            name=self.name,
            media_type=self.media_type,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachedFile:
    """
    A file to be sealed into a tip.

    Args:
        extension: `[a-z0-9]{1,5}`, of the generated names.
        size_bytes: Exactly what *source* gives.
        source: Its bytes.
        media_type: Of the format that was found; without *cleaning* as the source's device gave it.
        name: Its real name; none with *cleaning*.
        modified_at: ISO 8601 with `Z`, as the source's device gave it; none with *cleaning*.
        cleaning: What became of it before.
        original: If the source adds it.
    """

    extension: str
    size_bytes: int
    source: BinaryIO
    media_type: str
    name: str | None = None
    modified_at: str | None = None
    cleaning: Cleaning | None = None
    original: AttachedOriginal | None = None

    def describe(self, number: int) -> Attachment:
        """
        Say what `tip.json` says of it.

        Args:
            number: Its place among the files, from 1.

        Returns:
            The attachment.
        """
        return Attachment(
            path=f"files/{number:02}.{self.extension}",
            media_type=self.media_type,
            size_bytes=self.size_bytes,
            name=self.name,
            modified_at=self.modified_at,
            cleaning=self.cleaning,
            original=None if self.original is None else self.original.describe(),
        )


def seal_tip(
    destination: BinaryIO,
    *,
    tip: Tip,
    files: Sequence[AttachedFile] = (),
    recipients: Sequence[HybridRecipient],
    random: RandomSource = system_random,
) -> int:
    """
    Seal a tip and its attachments into an envelope.

    Args:
        destination: Where the envelope goes.
        tip: What the source says. Its `attachments` must be empty: they are made from *files*.
        files: In the order of their generated names.
        recipients: Exactly eight, hybrid, all different.
        random: Where the file key, the nonce and the encapsulations come from.

    Returns:
        The envelope's size, a rung of the ladder.

    Raises:
        RecipientError: not eight, not all hybrid, or one twice.
        TooLargeError: no rung holds it.
        MalformedError: a file's extension is not allowed, it gave other than *size_bytes* bytes, or
            what is said of it is not allowed.
        ValueError: *tip* already names attachments.
    """
    check_recipients(recipients)
    if tip.attachments:
        raise ValueError("attachments are made from the files given")
    described = [file.describe(number) for number, file in enumerate(files, start=1)]
    tip = dataclasses.replace(tip, attachments=tuple(described))
    members: list[tuple[Member, bytes | BinaryIO]] = [
        (Member(name=name, size_bytes=len(value)), value)
        for name, value in (("tip.json", format_tip(tip)), ("text.txt", tip.text.encode()))
    ]
    members += [
        (Member(name=attachment.path, size_bytes=file.size_bytes), file.source)
        for attachment, file in zip(described, files, strict=True)
    ]
    members += [
        (
            Member(name=attachment.original_path, size_bytes=file.original.size_bytes),
            file.original.source,
        )
        for attachment, file in zip(described, files, strict=True)
        if file.original is not None
    ]
    rung = choose_rung(
        measure_payload([member.size_bytes for member, _source in members]),
        has_attachments=bool(files),
    )
    payload = open_payload(members, payload_len=payload_len_of(rung))
    age_file.seal(payload, destination, recipients=list(recipients), random=random)
    return rung


def check_recipients(recipients: Sequence[HybridRecipient]) -> None:
    """
    Check that a tip may be sealed to these.

    Args:
        recipients: As chosen from a keyset.

    Raises:
        RecipientError: not eight, not all hybrid, or one twice.
    """
    if not all(isinstance(recipient, HybridRecipient) for recipient in recipients):
        raise RecipientError("classic")
    if len(recipients) != STANZA_COUNT:
        raise RecipientError("count", count=len(recipients))
    if len(set(recipients)) != STANZA_COUNT:
        raise RecipientError("twice")
