"""
What `tip.json` says of one attached file.

Rules:
    1. A file says what became of it before it was sealed (`cleaning`), and then neither its name
       nor its time: they stand beside its untouched original alone (`original`), if the source
       added that.
    2. A file that says nothing of cleaning is of the first version: it has its real name.
    3. `cleaning` and `original` are spelled in one way; what a later version adds stands beside
       them, and survives here.
    4. All of it is a claim of whoever sealed the envelope.

docs/reference/formats.md, "Attachments".
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.fields import Fields, parse_count, parse_positive, parse_time, parse_word

MAX_FOUND: Final = 100  # kinds; there are about a dozen

CLEANED: Final = "cleaned"
CLEAN: Final = "clean"
UNCLEANED: Final = "uncleaned"

_PATH = re.compile(r"files/([0-9]{2}\.[a-z0-9]{1,5})")
# Kinds and reasons grow with the rules: a reader without words for one still opens the tip.
_WORD = re.compile(r"[a-z-]{1,32}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """
    What became of a file before it was sealed.

    Args:
        state: `CLEANED`, something was taken out; `CLEAN`, there was nothing; `UNCLEANED`, it could
            not be cleaned, and the source chose to send it all the same.
        rules: The number of the rules that were kept.
        found: The kinds that were taken out, if it was cleaned.
        reason: Why it was not, or None.
    """

    state: str
    rules: int
    found: tuple[str, ...] = ()
    reason: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """
    The untouched original, that the source added.

    Args:
        name: The real name.
        media_type: The media type, as the source's device gave it.
        size_bytes: Its length.
        modified_at: ISO 8601 with `Z`, or None if the device did not say.
    """

    name: str
    media_type: str
    size_bytes: int
    modified_at: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """
    One attached file. Claims, all but the path.

    Args:
        path: The generated name inside the payload.
        media_type: The media type: of the format that was found, where *cleaning* is told.
        size_bytes: Its length.
        name: The real name; None where *cleaning* is told.
        modified_at: ISO 8601 with `Z`, or None if the device did not say or *cleaning* is told.
        cleaning: What became of it before it was sealed; None in the first version.
        original: Beside it lies its untouched original.
        unknown: Fields this version does not know.
    """

    path: str
    media_type: str
    size_bytes: int
    name: str | None = None
    modified_at: str | None = None
    cleaning: Cleaning | None = None
    original: Original | None = None
    unknown: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def original_path(self) -> str:
        """Where the untouched original lies inside the payload, if there is one."""
        return "originals" + self.path.removeprefix("files")


def parse_attachment(untrusted: object, name: str) -> Attachment:
    """
    Read what is said of one file.

    Args:
        untrusted: As JSON gave it.
        name: Of the list that it stands in.

    Returns:
        The attachment; `lay_out_attachment` of it has the same fields and values.

    Raises:
        MalformedError: a field is missing, not of its type, or stands beside one that excludes it.
    """
    if not isinstance(untrusted, dict) or not {"path", "type", "size_bytes"} <= untrusted.keys():
        raise MalformedError(name)
    fields = dict(untrusted)
    path = fields.pop("path")
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        raise MalformedError("attachment path")
    # Exactly one of the two: a file that was looked at says nothing of the device it lay on.
    if ("cleaning" in fields) == ("name" in fields):
        raise MalformedError("attachment name")
    if "cleaning" not in fields and "original" in fields:
        raise MalformedError("attachment original")
    known: dict[str, Any] = {
        field: parse(fields.pop(field), f"attachment {field}")
        for field, parse in _PARSERS.items()
        if field in fields
    }
    if known.get("cleaning") is not None and "modified_at" in known:
        raise MalformedError("attachment modified_at")
    return Attachment(
        path=path,
        media_type=known.pop("type"),
        **known,
        unknown=MappingProxyType(fields),
    )


def lay_out_attachment(attachment: Attachment) -> dict[str, Any]:
    """
    Lay an attachment out as JSON has it.

    Args:
        attachment: The fields.

    Returns:
        Known fields in the order of the table, then the unknown ones; nothing that is absent.
    """
    cleaning, original = attachment.cleaning, attachment.original
    fields: dict[str, Any] = {
        "path": attachment.path,
        "name": attachment.name,
        "type": attachment.media_type,
        "size_bytes": attachment.size_bytes,
        "modified_at": attachment.modified_at,
        "cleaning": None if cleaning is None else _lay_out_cleaning(cleaning),
        "original": None if original is None else _lay_out_original(original),
    }
    return {**_leave_out_absent(fields), **attachment.unknown}


def _lay_out_cleaning(cleaning: Cleaning) -> dict[str, Any]:
    return _leave_out_absent(
        {
            "state": cleaning.state,
            "rules": cleaning.rules,
            "found": list(cleaning.found) or None,
            "reason": cleaning.reason,
        }
    )


def _lay_out_original(original: Original) -> dict[str, Any]:
    return _leave_out_absent(
        {
            "name": original.name,
            "type": original.media_type,
            "size_bytes": original.size_bytes,
            "modified_at": original.modified_at,
        }
    )


def _leave_out_absent(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _parse_state(untrusted: object, name: str) -> str:
    if untrusted not in (CLEANED, CLEAN, UNCLEANED):
        raise MalformedError(name)
    return str(untrusted)


def _parse_rules_word(untrusted: object, name: str) -> str:
    if not isinstance(untrusted, str) or not _WORD.fullmatch(untrusted):
        raise MalformedError(name)
    return untrusted


def _parse_found(untrusted: object, name: str) -> tuple[str, ...]:
    if not isinstance(untrusted, list) or not 1 <= len(untrusted) <= MAX_FOUND:
        raise MalformedError(name)
    found = tuple(_parse_rules_word(kind, name) for kind in untrusted)
    if len(set(found)) != len(found):
        raise MalformedError(name)
    return found


def _parse_cleaning(untrusted: object, name: str) -> Cleaning:
    fields = Fields(untrusted, name)
    state = fields.take("state", _parse_state)
    rules = fields.take("rules", parse_positive)
    found = fields.take("found", _parse_found) if state == CLEANED else ()
    reason = fields.take("reason", _parse_rules_word) if state == UNCLEANED else None
    fields.close()
    return Cleaning(state=state, rules=rules, found=found, reason=reason)


def _parse_original(untrusted: object, name: str) -> Original:
    fields = Fields(untrusted, name)
    original = Original(
        name=fields.take("name", parse_word),
        media_type=fields.take("type", parse_word),
        size_bytes=fields.take("size_bytes", parse_count),
        modified_at=fields.take_if_there("modified_at", parse_time),
    )
    fields.close()
    return original


_PARSERS: Final = {
    "name": parse_word,
    "type": parse_word,
    "size_bytes": parse_count,
    "modified_at": parse_time,
    "cleaning": _parse_cleaning,
    "original": _parse_original,
}
