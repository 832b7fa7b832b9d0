"""
The bundle: what the desk carries from the service to the offline workstation.

Rules:
    1. First line, envelopes with nothing between, index, the index's length, end mark. Whatever is
       cut off is noticed: the end is missing.
    2. The index is a note by the service; who the service is, the keyset inside says, which the
       pinned root signed. So the root is the only key a workstation must know beforehand.
    3. The index lists the envelopes in their order and without a gap.

The index proves what the service said. It cannot prove that a tip was not withheld.

docs/reference/formats.md, "Bundle".
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Sequence
from typing import Final

from crypto.errors import MalformedError, TooLargeError
from crypto.keyset import verify_keyset
from crypto.keyset_fields import Keyset
from crypto.ladder import is_rung
from crypto.note import MAX_NOTE_BYTES, Signer, Verifier, sign_note, split_note, verify_note
from crypto.strict import format_json, parse_day, parse_json_object

START: Final = b"tipline-bundle/v1\n"
END: Final = b"tlbundle"
TRAILER_LEN: Final = 8 + len(END)
MAX_INDEX_BYTES: Final = MAX_NOTE_BYTES
MAX_TIPS: Final = 100_000  # whatever their fields hold, an index of so many is not too large
_FIRST_LINE: Final = "tipline-bundle-index/v1\n"

_TIP_ID = re.compile(r"[0-9a-f]{32}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
_CHANNEL_ID = re.compile(r"[a-z0-9-]{1,32}")
_ENTRY_TYPES: Final[dict[str, type]] = {
    "id": str,
    "arrived_on": str,
    "dies_on": str,
    "channel": str,
    "size_bytes": int,
    "sealed_by_service": bool,
    "keyset": int,
    "offset": int,
    "sha256": str,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IndexEntry:
    """
    What the service says of one tip.

    Args:
        id: 32 hex digits, random.
        arrived_on: The day of arrival.
        dies_on: The day on which the service destroys it.
        channel: The channel's id.
        size_bytes: Of the envelope.
        sealed_by_service: Whether the service itself sealed it.
        keyset: Number of the keyset the client named.
        offset: Of the envelope's first byte, from the bundle's first byte.
        sha256: Of the envelope, in hex.
        pseudonym: Of its sender in its epoch, 32 hex digits, if it came from a phone; None if there
            is none, any more or at all.
    """

    id: str
    arrived_on: datetime.date
    dies_on: datetime.date
    channel: str
    size_bytes: int
    sealed_by_service: bool
    keyset: int
    offset: int
    sha256: str
    pseudonym: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """
    A verified index. Made by `verify_index` alone.

    Args:
        made_on: The day on which the service made the bundle.
        keyset: Verified as of that day.
        keyset_note: The keyset's whole note.
        tips: In the order of their envelopes.
    """

    made_on: datetime.date
    keyset: Keyset
    keyset_note: bytes
    tips: tuple[IndexEntry, ...]


def format_index(
    tips: Sequence[IndexEntry], *, made_on: datetime.date, keyset_note: bytes, signer: Signer
) -> bytes:
    """
    Write and sign the index.

    Args:
        tips: In the order of their envelopes.
        made_on: Today, in UTC.
        keyset_note: The current keyset's whole note.
        signer: The service.

    Returns:
        The whole note, to be followed by `format_trailer`.
    """
    fields = {
        "made_on": made_on.isoformat(),
        "keyset": keyset_note.decode(),
        "tips": [
            {
                "id": tip.id,
                "arrived_on": tip.arrived_on.isoformat(),
                "dies_on": tip.dies_on.isoformat(),
                "channel": tip.channel,
                "size_bytes": tip.size_bytes,
                "sealed_by_service": tip.sealed_by_service,
                "keyset": tip.keyset,
                "offset": tip.offset,
                "sha256": tip.sha256,
                **({} if tip.pseudonym is None else {"pseudonym": tip.pseudonym}),
            }
            for tip in tips
        ],
    }
    return sign_note(f"{_FIRST_LINE}{format_json(fields).decode()}\n", signer)


def format_trailer(index_len: int) -> bytes:
    """
    Write what ends a bundle.

    Args:
        index_len: Bytes of the index's note.

    Returns:
        16 bytes.
    """
    return index_len.to_bytes(8, "big") + END


def parse_trailer(untrusted: bytes) -> int:
    """
    Read what ends a bundle.

    Args:
        untrusted: The last `TRAILER_LEN` bytes.

    Returns:
        Bytes of the index's note, at most `MAX_INDEX_BYTES`.

    Raises:
        MalformedError: this is not a bundle's end; the bundle was cut.
        TooLargeError: the index would be larger than allowed.
    """
    if len(untrusted) != TRAILER_LEN or not untrusted.endswith(END):
        raise MalformedError("bundle end")
    index_len = int.from_bytes(untrusted[:8], "big")
    if index_len > MAX_INDEX_BYTES:
        raise TooLargeError("bundle index", limit=MAX_INDEX_BYTES)
    return index_len


def verify_index(untrusted: bytes, *, root: Verifier, envelopes_end: int, seen: int = 0) -> Index:
    """
    Verify a bundle's index.

    1. It is a note; its first line and its fields follow the format.
    2. The keyset inside is signed by *root*, was in force on the day the bundle was made, and its
       number is not below *seen*.
    3. The note is signed by the service that the keyset names.
    4. The envelopes fill the bundle from its first line to *envelopes_end* without a gap, and each
       has a size of the ladder; no id stands there twice.

    Args:
        untrusted: The whole note.
        root: The pinned desk root.
        envelopes_end: Where the index begins in the bundle.
        seen: The highest keyset number seen before, 0 if none.

    Returns:
        The index.

    Raises:
        KeysetError: the keyset inside must not be used, or was not in force on that day.
        ForgedError: the index is not signed by the keyset's service.
        MalformedError: the index does not follow its format.
        TooLargeError: it is larger than allowed.
    """
    text, _ = split_note(untrusted)
    if not text.startswith(_FIRST_LINE):
        raise MalformedError("index first line")
    fields = parse_json_object(
        text.removeprefix(_FIRST_LINE).removesuffix("\n").encode(), max_bytes=MAX_INDEX_BYTES
    )
    if fields.keys() != {"made_on", "keyset", "tips"} or not isinstance(fields["keyset"], str):
        raise MalformedError("index")
    if not isinstance(fields["made_on"], str) or not isinstance(fields["tips"], list):
        raise MalformedError("index")
    made_on = parse_day(fields["made_on"])
    keyset_note = fields["keyset"].encode()
    keyset = verify_keyset(keyset_note, root=root, today=made_on, seen=seen)
    verify_note(untrusted, keyset.service)
    tips = tuple(_parse_entry(item) for item in fields["tips"])
    _check_places(tips, envelopes_end=envelopes_end)
    return Index(made_on=made_on, keyset=keyset, keyset_note=keyset_note, tips=tips)


def _parse_entry(value: object) -> IndexEntry:
    # A tip of no phone has no pseudonym, and its entry the fields it always had.
    if not isinstance(value, dict) or value.keys() - {"pseudonym"} != _ENTRY_TYPES.keys():
        raise MalformedError("index entry")
    if not all(type(value[name]) is kind for name, kind in _ENTRY_TYPES.items()):
        raise MalformedError("index entry")
    untrusted_pseudonym = value.get("pseudonym", "0" * 32)
    if not isinstance(untrusted_pseudonym, str) or not _PSEUDONYM.fullmatch(untrusted_pseudonym):
        raise MalformedError("index entry")
    entry = IndexEntry(
        **{
            **value,
            "arrived_on": parse_day(value["arrived_on"]),
            "dies_on": parse_day(value["dies_on"]),
        }
    )
    if not (
        _TIP_ID.fullmatch(entry.id)
        and _SHA256.fullmatch(entry.sha256)
        and _CHANNEL_ID.fullmatch(entry.channel)
        and is_rung(entry.size_bytes)
        and entry.keyset >= 1
    ):
        raise MalformedError("index entry")
    return entry


def _check_places(tips: tuple[IndexEntry, ...], *, envelopes_end: int) -> None:
    if len({tip.id for tip in tips}) != len(tips):
        raise MalformedError("tip twice")
    offset = len(START)
    for tip in tips:
        if tip.offset != offset:
            raise MalformedError("offset")
        offset += tip.size_bytes
    if offset != envelopes_end:
        raise MalformedError("bundle length")
