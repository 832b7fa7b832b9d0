"""
The lists for Office's documents that Python and TypeScript share: `office.json`.

By namespace: its addresses (the first is written), the elements and attributes that are kept, and
the elements in which text stands. What stands in no list goes.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from tipline.cleaning.plan import Kind

_RULES: Final[Mapping[str, Any]] = json.loads(
    resources.files("tipline.cleaning").joinpath("office.json").read_text("ascii")
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """
    What is kept of a namespace.

    Args:
        address: As it is written.
        prefix: As it is written; empty where it is the default.
        elements: Their names.
        attributes: Of its elements, those without a prefix.
        qualified: Those that stand with its prefix, on any element.
        texts: The elements in which text stands.
    """

    address: str
    prefix: str
    elements: frozenset[str]
    attributes: frozenset[str]
    qualified: frozenset[str]
    texts: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PartRule:
    """
    What a part of a document is, by the relation that leads to it.

    Args:
        relation: The end of the relation's type.
        path: Where it is written, with `{n}` for its number; a picture's lacks its extension.
        content_type: As it is written; None for pictures.
        root: Its first element; None for pictures.
        is_implicit: No element names it: it belongs to a part by its relation alone.
    """

    relation: str
    path: str
    content_type: str | None
    root: str | None
    is_implicit: bool


def _make_part(relation: str, listed: Mapping[str, Any]) -> PartRule:
    return PartRule(
        relation=relation,
        path=listed["path"],
        content_type=listed.get("type"),
        root=listed.get("root"),
        is_implicit=listed.get("implicit", False),
    )


def _by_name(kinds: Mapping[str, str]) -> Mapping[str, frozenset[Kind]]:
    return {
        name: frozenset(map(Kind, listed.split()))
        for listed, names in kinds.items()
        for name in names.split()
    }


def _compile(patterns: Mapping[str, str]) -> Mapping[str, re.Pattern[str]]:
    return {name: _compile_one(pattern) for name, pattern in patterns.items()}


def _compile_one(pattern: str) -> re.Pattern[str]:
    # The end is the end: Python's `$` also stands before a last line feed, JavaScript's does not.
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))


NAMESPACES: Final = {
    key: Namespace(
        address=listed["uris"][0],
        prefix=listed.get("prefix", key),
        elements=frozenset(listed["elements"].split()),
        attributes=frozenset(listed["attributes"].split()),
        qualified=frozenset(listed["qualified"].split()),
        texts=frozenset(listed["text"].split()),
    )
    for key, listed in _RULES["namespaces"].items()
}
ADDRESSES: Final = {
    address: key for key, listed in _RULES["namespaces"].items() for address in listed["uris"]
}
# Their tags go, what stands between them stays.
UNWRAPPED: Final = frozenset(_RULES["unwrapped"].split())
# What cannot be left out without changing what is read.
REFUSED: Final = frozenset(_RULES["refused"].split())
# They can be without their relation; any other element that has lost it goes.
LOOSE: Final = frozenset(_RULES["loose"].split())
# A picture inside that cannot be cleaned goes with what it stands for, a file inside the file.
TOLERANT: Final = frozenset(_RULES["tolerant"].split())
# By `element@attribute`: what is written in place of what was there.
CONSTANTS: Final[Mapping[str, str]] = _RULES["constants"]
# Attributes that are kept on some elements alone.
EXTRA: Final[Mapping[str, str]] = _RULES["extra"]
# By `element@attribute`: the attribute goes, or with `UNLESS` the tags go, if the value is another.
VALUES: Final = _compile(_RULES["values"])
UNLESS: Final = _compile(_RULES["unless"])
# By element: it goes if its text is another; if its text has this; it loses such a text.
TEXTS: Final = _compile(_RULES["texts"])
NOT_TEXTS: Final = _compile(_RULES["not-texts"])
BLANK_TEXTS: Final = _compile(_RULES["blank-texts"])
LINK: Final = _compile_one(_RULES["link"])
ELEMENT_KINDS: Final = _by_name(_RULES["kinds"]["elements"])
ATTRIBUTE_KINDS: Final = _by_name(_RULES["kinds"]["attributes"])
RELATION_KINDS: Final = _by_name(_RULES["kinds"]["relations"])
PROPERTY_KINDS: Final = _by_name(_RULES["kinds"]["properties"])
MACROS: Final = frozenset(_RULES["macros"].split())
# By format: the main part, and those that others lead to, in the order in which they are written.
MAIN_PARTS: Final[Mapping[str, PartRule]] = {
    name: _make_part("officeDocument", listed["main"])
    for name, listed in _RULES["documents"].items()
}
PARTS: Final[Mapping[str, Mapping[str, PartRule]]] = {
    name: {relation: _make_part(relation, part) for relation, part in listed["parts"].items()}
    for name, listed in _RULES["documents"].items()
}
