"""
Settings of OpenDocument: those that lay out pages stay, since lines would break elsewhere without.

What stands in no list goes: windows, printers, sessions, databases, places of palettes. What stays
is a truth value or a small number; each once, in the order of their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.markup import (
    DECLARATION,
    Attributes,
    decode_markup,
    read_markup,
    write_start,
)
from tipline.cleaning.markup_rules import load_lists

_LISTED: Final[Mapping[str, str]] = load_lists("opendocument.json")["settings"]
_TYPES: Final = {name: kind for kind, names in _LISTED.items() for name in names.split()}
_VALUES: Final = {
    "boolean": re.compile(r"true|false", re.ASCII),
    "short": re.compile(r"[0-9]", re.ASCII),
    "int": re.compile(r"[0-9]{1,5}", re.ASCII),
}
_OFFICE: Final = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_CONFIG: Final = "urn:oasis:names:tc:opendocument:xmlns:config:1.0"
_SET: Final = "ooo:configuration-settings"
_PATH: Final = ["document-settings", "settings", "config-item-set", "config-item"]


def rewrite_settings(untrusted: bytes, *, count: Callable[[int], None]) -> bytes | None:
    """
    Rewrite the settings of a document.

    Args:
        untrusted: The part.
        count: Counts an element with so many attributes, and refuses too many.

    Returns:
        The part as it stays; None if nothing does.

    Raises:
        RefusedError: it is no XML, or too much.
    """
    kept: dict[str, str] = {}
    path: list[str] = []
    names: list[str] = []
    text = ""
    for event in read_markup(decode_markup(untrusted)):
        if isinstance(event, tuple):
            count(len(event[1]))
            path.append(_find_local(event[0]))
            names.append(_find_name(event[1]))
            text = ""
        elif isinstance(event, str):
            text += event
        else:
            kind = _TYPES.get(names[-1])
            is_kept = path == _PATH and names[-2] == _SET and kind is not None
            if is_kept and _VALUES[kind or ""].fullmatch(text):
                kept[names[-1]] = text
            path.pop()
            names.pop()
            text = ""
    return _write(kept) if kept else None


def _find_local(name: str) -> str:
    return name.rpartition(":")[2]


def _find_name(attributes: Attributes) -> str:
    return next((value for key, value in attributes.items() if _find_local(key) == "name"), "")


def _write(kept: Mapping[str, str]) -> bytes:
    spaces = [("xmlns:config", _CONFIG), ("xmlns:office", _OFFICE)]
    lines = [
        write_start("office:document-settings", [("office:version", "1.2"), *spaces]),
        "><office:settings>",
        write_start("config:config-item-set", [("config:name", _SET)]) + ">",
    ]
    for name, value in sorted(kept.items()):
        said = [("config:name", name), ("config:type", _TYPES[name])]
        lines.append(write_start("config:config-item", said))
        lines.append(f">{value}</config:config-item>")
    lines.append("</config:config-item-set></office:settings></office:document-settings>")
    return (DECLARATION + "".join(lines)).encode()
