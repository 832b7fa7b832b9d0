"""
Relations of Office's packages (ECMA-376 part 2): which part leads to which.

Targets of parts are read as paths from the package's root, whatever way they were written; those
that leave it lead nowhere. Relations are written with paths from the root, in the order given.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import DECLARATION, decode_markup, read_markup, write_start

CONTENT_TYPES: Final = "[Content_Types].xml"
RELATIONS_TYPE: Final = "application/vnd.openxmlformats-package.relationships+xml"
MAX_RELATIONS: Final = 65_536  # of a part; Excel's limit of links on a sheet is 66,530

_NAMESPACE: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_ESCAPED: Final = re.compile("%([0-9A-Fa-f]{2})")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """
    A relation of a part.

    Args:
        name: By which elements name it. Untrusted.
        kind: The end of its type.
        target: An address; or a part's path in lower case.
        is_external: Whether the target is an address.
    """

    name: str
    kind: str
    target: str
    is_external: bool


def find_relations_path(path: str) -> str:
    """
    Find where the relations of a part stand.

    Args:
        path: Of the part; empty for the package itself.

    Returns:
        Their path.
    """
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}_rels/{name}.rels"


def read_relations(untrusted: bytes, *, base: str) -> list[Relation]:
    """
    Read the relations of a part.

    Args:
        untrusted: As they stand in the package.
        base: The path of the part, to which targets are relative.

    Returns:
        Them.

    Raises:
        RefusedError: they are no relations.
    """
    found: list[Relation] = []
    folder = base.rpartition("/")[0]
    for event in read_markup(decode_markup(untrusted)):
        if not isinstance(event, tuple) or event[0].rpartition(":")[2] != "Relationship":
            continue
        values = event[1]
        if not {"Id", "Type", "Target"} <= values.keys() or len(found) >= MAX_RELATIONS:
            raise RefusedError(Reason.MALFORMED)
        is_external = values.get("TargetMode") == "External"
        target = values["Target"]
        found.append(
            Relation(
                name=values["Id"],
                kind=values["Type"].rpartition("/")[2],
                target=target if is_external else _find_path(target, folder),
                is_external=is_external,
            )
        )
    return found


def write_relations(relations: Iterable[tuple[str, str, str]]) -> bytes:
    """
    Write relations.

    Args:
        relations: Of each its name, the end of its type, and an address or a part's path.

    Returns:
        The part that holds them.
    """
    lines = [write_start("Relationships", [("xmlns", _NAMESPACE)]) + ">"]
    for name, kind, target in relations:
        is_external = kind == "hyperlink"
        named = [("Id", name), ("Target", target if is_external else "/" + target)]
        if is_external:
            named.append(("TargetMode", "External"))
        named.append(("Type", _TYPES + kind))
        lines.append(write_start("Relationship", named) + "/>")
    return (DECLARATION + "".join(lines) + "</Relationships>").encode()


def _find_path(target: str, folder: str) -> str:
    """Find the path of a part, in lower case: parts have no two spellings."""
    path = target.partition("#")[0].replace("\\", "/")
    path = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), path)
    steps: list[str] = [] if path.startswith("/") or not folder else folder.split("/")
    for step in path.split("/"):
        if step == "..":
            del steps[-1:]
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps).lower()
