"""
Shapes of VML that stand for files inside slides and sheets: which picture they show, and where.

Slides and sheets keep nothing of VML; older programs say there, and nowhere else, how a file inside
looks. Only that is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tipline.cleaning.markup import decode_markup, read_markup
from tipline.cleaning.relations import Relation

PIXEL_EMUS: Final = 9525  # of which an inch has 914,400, at 96 pixels an inch

_ANCHOR: Final = re.compile(r"\s*" + r"\s*,\s*".join([r"([0-9]{1,7})"] * 8) + r"\s*", re.ASCII)
_IDS: Final = frozenset({"id", "spid"})
_RELATION: Final = "relid"

# Of two corners each the column, the distance in it, the row, the distance in it; in EMUs.
Corners = tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """
    A shape.

    Args:
        target: The path of its picture; None without one.
        corners: Where it stands in a sheet; None if that is not said.
    """

    target: str | None
    corners: Corners | None


def read_shapes(
    untrusted: bytes, relations: Iterable[Relation], *, count: Callable[[int], None]
) -> Mapping[str, Shape]:
    """
    Read shapes.

    Args:
        untrusted: A part of VML.
        relations: Of it.
        count: Counts an element with so many attributes, and refuses too many.

    Returns:
        Them by their ids.

    Raises:
        RefusedError: it is no XML, or too much.
    """
    targets = {one.name: one.target for one in relations if not one.is_external}
    found: dict[str, Shape] = {}
    ids: list[str] = []
    path: list[str] = []
    for event in read_markup(decode_markup(untrusted)):
        if event is None:
            path.pop()
            continue
        if isinstance(event, tuple):
            count(len(event[1]))
            local = event[0].rpartition(":")[2]
            path.append(local)
            values = {name.rpartition(":")[2]: value for name, value in event[1].items()}
            if local == "shape":
                ids = [value for name, value in values.items() if name in _IDS]
                found |= dict.fromkeys(ids, Shape(target=None, corners=None))
            elif local == "imagedata":
                for one in ids:
                    target = targets.get(values.get(_RELATION, ""))
                    found[one] = dataclasses.replace(found[one], target=target)
        elif path[-1] == "Anchor" and (matched := _ANCHOR.fullmatch(event)):
            numbers = map(int, matched.groups())
            corners = tuple(
                number * PIXEL_EMUS if at % 2 else number for at, number in enumerate(numbers)
            )
            for one in ids:
                found[one] = dataclasses.replace(found[one], corners=corners)
    return found
