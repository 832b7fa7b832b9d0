"""The lists of Office's documents: their XML, and the parts that are kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from tipline.cleaning.markup_rules import list_kinds, load_lists, make_rules

_LISTS: Final = load_lists("office.json")


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


RULES: Final = make_rules(_LISTS)
RELATION_KINDS: Final = list_kinds(_LISTS["kinds"]["relations"])
BOOKMARK: Final[str] = _LISTS["numbered"]["w:bookmarkStart@w:name"]
MACROS: Final = frozenset(_LISTS["macros"].split())
# By format: the main part, and those that others lead to, in the order in which they are written.
MAIN_PARTS: Final[Mapping[str, PartRule]] = {
    name: _make_part("officeDocument", listed["main"])
    for name, listed in _LISTS["documents"].items()
}
PARTS: Final[Mapping[str, Mapping[str, PartRule]]] = {
    name: {relation: _make_part(relation, part) for relation, part in listed["parts"].items()}
    for name, listed in _LISTS["documents"].items()
}
