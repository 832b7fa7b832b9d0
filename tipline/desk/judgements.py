"""
What the desk found in a tip's files when it opened them, kept beside the tip's record.

    records/ID.files.json   one line for each attached file; missing where nobody could look

Where the sandbox was missing there is none. What was found by older rules than ours counts as none:
the file is looked at again.
"""

from __future__ import annotations

import datetime
from typing import Any, Final

from crypto.errors import CryptoError
from crypto.strict import format_json, parse_json_object
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.rules import NUMBER
from tipline.desk.judging import Judgement, State, parse_reason
from tipline.desk.keyfiles import read_limited
from tipline.desk.vault import MAX_RECORD_BYTES, Vault
from tipline.errors import VaultError
from tipline.files import save_file

VERSION: Final = 1


def save_judgements(
    vault: Vault, tip_id: str, judgements: list[Judgement], *, today: datetime.date
) -> None:
    """
    Keep what was found.

    Args:
        vault: The tip's.
        tip_id: Of an opened tip.
        judgements: One for each attached file.
        today: In UTC.
    """
    fields = {
        "version": VERSION,
        "rules": NUMBER,
        "files": [judgement.as_fields() for judgement in judgements],
    }
    path = vault.directory / "records" / f"{tip_id}.files.json"
    save_file(path, format_json(fields) + b"\n", day=today)


def read_judgements(vault: Vault, tip_id: str) -> dict[str, Judgement]:
    """
    Read what was found.

    Args:
        vault: The tip's.
        tip_id: Of an opened tip.

    Returns:
        By the file's generated name; empty if nobody looked by these rules.

    Raises:
        VaultError: `vault_damaged`.
    """
    path = vault.directory / "records" / f"{tip_id}.files.json"
    if not path.exists():
        return {}
    try:
        fields = parse_json_object(
            read_limited(path, max_bytes=MAX_RECORD_BYTES), max_bytes=MAX_RECORD_BYTES
        )
        judgements = _parse(fields)
    except (CryptoError, KeyError, TypeError, ValueError) as exc:
        raise VaultError("vault_damaged", path=str(path)) from exc
    return {judgement.path: judgement for judgement in judgements}


def _parse(fields: dict[str, Any]) -> list[Judgement]:
    if fields["version"] != VERSION:
        raise KeyError("version")
    if fields.get("rules") != NUMBER:
        return []
    return [_parse_one(file) for file in fields["files"]]


def _parse_one(fields: object) -> Judgement:
    if not isinstance(fields, dict):
        raise TypeError("file")
    return Judgement(
        path=fields["file"],
        state=State(fields["state"]),
        claim=fields.get("claim"),
        format=Format(fields["format"]) if "format" in fields else None,
        kinds=tuple(Kind(kind) for kind in fields["kinds"]),
        reason=parse_reason(fields["reason"]) if "reason" in fields else None,
    )
