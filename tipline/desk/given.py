"""
What was answered to a tip, kept beside its record for whoever reads the tip next.

    records/ID.answers.json   one line for each answer and status, the oldest first

It is what this desk wrote. Whether the service took it, `tipline desk push` says; whether a phone
showed it, nobody knows.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any, Final

from crypto.errors import CryptoError
from crypto.outgoing import ItemKind
from crypto.strict import format_json, parse_day, parse_json_object
from tipline.desk.keyfiles import read_limited
from tipline.desk.vault import MAX_RECORD_BYTES, Vault
from tipline.errors import VaultError
from tipline.files import save_file

VERSION: Final = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """
    One answer that was written.

    Args:
        id: 32 hex digits: what the service calls it.
        kind: An answer or a status.
        written_on: On this day.
        reader: By whom: the reader's id.
        text: What the source reads.
    """

    id: str
    kind: ItemKind
    written_on: datetime.date
    reader: str
    text: str

    def as_fields(self) -> dict[str, Any]:
        """
        Lay it out as it is stored and shown.

        Returns:
            JSON's types only.
        """
        return {
            "id": self.id,
            "kind": self.kind.value,
            "written_on": self.written_on.isoformat(),
            "reader": self.reader,
            "text": self.text,
        }


def add_given(vault: Vault, tip_id: str, given: Given) -> None:
    """
    Keep an answer beside its tip.

    Args:
        vault: The tip's, locked.
        tip_id: Of an opened tip.
        given: What was written.

    Raises:
        VaultError: `vault_damaged`.
        OSError: it cannot be written.
    """
    everything = [*read_given(vault, tip_id), given]
    fields = {"version": VERSION, "answers": [one.as_fields() for one in everything]}
    path = vault.directory / "records" / f"{tip_id}.answers.json"
    save_file(path, format_json(fields) + b"\n", day=given.written_on)


def read_given(vault: Vault, tip_id: str) -> list[Given]:
    """
    Read what was answered to a tip.

    Args:
        vault: The tip's.
        tip_id: Of an opened tip.

    Returns:
        The oldest first.

    Raises:
        VaultError: `vault_damaged`.
    """
    path = vault.directory / "records" / f"{tip_id}.answers.json"
    if not path.exists():
        return []
    try:
        fields = parse_json_object(
            read_limited(path, max_bytes=MAX_RECORD_BYTES), max_bytes=MAX_RECORD_BYTES
        )
        return _parse(fields)
    except (CryptoError, KeyError, TypeError, ValueError) as exc:
        raise VaultError("vault_damaged", path=str(path)) from exc


def _parse(fields: dict[str, Any]) -> list[Given]:
    if fields["version"] != VERSION:
        raise KeyError("version")
    return [_parse_one(one) for one in fields["answers"]]


def _parse_one(fields: Any) -> Given:
    return Given(
        id=str(fields["id"]),
        kind=ItemKind(fields["kind"]),
        written_on=parse_day(fields["written_on"]),
        reader=str(fields["reader"]),
        text=str(fields["text"]),
    )
