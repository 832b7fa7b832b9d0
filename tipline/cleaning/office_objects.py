"""
Files inside slides and sheets: the file goes, its picture stays in its place, as a picture.

1. In slides, a frame that shows a file becomes the picture that stands in it, or that its shape
   shows. In sheets, the drawing of a sheet gets a picture where the file was.
2. A file without a picture, or without a place, is refused with the document: a reader would miss
   it. So are several files in one frame of a slide, which has room for the picture of one.

What is made here are events of XML, which are rewritten as what was there (`document_markup`).
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import Attributes, Event
from tipline.cleaning.markup_scopes import Scope, enter_scope, find_key
from tipline.cleaning.office_rules import RULES
from tipline.cleaning.office_shapes import Corners, Shape

# In UTF-8 and in UTF-16. Without these letters there is no file inside.
OBJECT_NAME: Final = re.compile(rb"o\0?l\0?e\0?O\0?b\0?j")

_FRAME: Final = "p:graphicFrame"
_SLIDE_OBJECT: Final = "p:oleObj"
_ALTERNATIVES: Final = "mc:AlternateContent"
_SHEET_OBJECT: Final = "x:oleObject"
_SHEET_PICTURE: Final = "x:objectPr"
_SHAPE: Final = "_x0000_s"
_CORNERS: Final = (["x:from"], ["x:to"])
_PLACES: Final = ("xdr:col", "xdr:colOff", "xdr:row", "xdr:rowOff")
# Of a sheet, what stands behind its drawing (ECMA-376 part 1, 18.3.1.99).
_BEHIND_DRAWING: Final = frozenset(
    {"legacyDrawing", "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls"}
    | {"AlternateContent", "webPublishItems", "tableParts", "extLst"}
)
_NUMBER: Final = re.compile(r"-?[0-9]{1,12}", re.ASCII)
_SHAPE_NUMBER: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_SPACES: Final = {
    f"xmlns:{key}": RULES.namespaces[key].address for key in ("a", "p", "r", "x", "xdr")
}

EMPTY_DRAWING: Final = f'<xdr:wsDr xmlns:xdr="{_SPACES["xmlns:xdr"]}"/>'.encode()

Keyed = tuple[str, Attributes]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SheetObject:
    """
    A file inside a sheet.

    Args:
        number: Of its shape.
        target: The path of its picture.
        corners: Where it stands.
    """

    number: str
    target: str
    corners: Corners


def read_keyed(events: Iterable[Event]) -> Iterator[tuple[Event, Keyed | None]]:
    """
    Read events with names as the lists have them.

    Args:
        events: Of a whole part.

    Yields:
        Each; one that begins an element with its key, and its attributes by theirs.
    """
    scopes: list[Scope] = [{}]
    for event in events:
        if not isinstance(event, tuple):
            if event is None:
                scopes.pop()
            yield event, None
            continue
        name, attributes = event
        scope = enter_scope(scopes[-1], attributes, RULES.addresses)
        scopes.append(scope)
        named = {
            find_key(one, scope) if ":" in one else one: value for one, value in attributes.items()
        }
        yield event, (find_key(name, scope), named)


def lift_frames(events: Iterable[Event], *, pictures: Mapping[str, str]) -> Iterator[Event]:
    """
    Put pictures in the places of files inside a slide.

    Args:
        events: Of the slide.
        pictures: By the ids of shapes, the names of relations.

    Yields:
        The events as they are to be.

    Raises:
        RefusedError: a file has no picture or no place, or a frame has several.
    """
    frame: list[tuple[Event, Keyed | None]] = []
    depth = 0
    for event, keyed in read_keyed(events):
        if not depth and (keyed is None or keyed[0] != _FRAME):
            yield event
            continue
        frame.append((event, keyed))
        depth += 1 if keyed is not None else -1 if event is None else 0
        if not depth:
            starts = [one for _, one in frame if one is not None]
            if any(key == _SLIDE_OBJECT for key, _ in starts):
                _check_frame(frame)
                yield from _make_slide_picture(starts, pictures)
            else:
                yield from (one for one, _ in frame)
            frame = []


def find_objects(
    events: Iterable[Event], *, shapes: Mapping[str, Shape], targets: Mapping[str, str]
) -> tuple[list[SheetObject], str | None]:
    """
    Find the files inside a sheet.

    Args:
        events: Of the sheet.
        shapes: By their ids.
        targets: Of the sheet's relations, by their names.

    Returns:
        Them, and the relation to the sheet's drawing; None without one.

    Raises:
        RefusedError: one has no picture or no place.
    """
    relations: dict[str, str | None] = {}  # by the number of a shape
    corners: dict[str, list[str]] = {}
    drawing: str | None = None
    number = ""
    path: list[str] = []
    for event, keyed in read_keyed(events):
        if event is None:
            path.pop()
        elif keyed is not None:
            key, attributes = keyed
            path.append(key)
            if key == _SHEET_OBJECT:
                number = attributes.get("shapeId", "")
                if not _SHAPE_NUMBER.fullmatch(number):
                    raise RefusedError(Reason.MALFORMED)
                relations.setdefault(number, None)
            elif key == _SHEET_PICTURE and number in relations:
                relations[number] = attributes.get("r:id")
            elif key == "x:drawing":
                drawing = attributes.get("r:id")
        elif isinstance(event, str) and path[-2:-1] in _CORNERS and path[-1] in _PLACES:
            if not _NUMBER.fullmatch(event):
                raise RefusedError(Reason.MALFORMED)
            corners.setdefault(number, []).append(event)
    found = [
        _make_object(
            number,
            targets.get(relation or ""),
            corners.get(number, []),
            shapes.get(_SHAPE + number),
        )
        for number, relation in relations.items()
    ]
    return found, drawing


def add_drawing(events: Iterable[Event], *, relation: str) -> Iterator[Event]:
    """
    Give a sheet a drawing.

    Args:
        events: Of the sheet, which has none.
        relation: To the drawing.

    Yields:
        The events as they are to be.
    """
    depth = 0
    is_added = False
    made = _make_element("x:drawing", {**_SPACES, "r:id": relation})
    for event in events:
        is_behind = (
            isinstance(event, tuple)
            and depth == 1
            and event[0].rpartition(":")[2] in _BEHIND_DRAWING
        )
        if not is_added and (is_behind or (event is None and depth == 1)):
            yield from made
            is_added = True
        depth += 1 if isinstance(event, tuple) else -1 if event is None else 0
        yield event


def add_pictures(
    events: Iterable[Event], *, pictures: Iterable[tuple[str, SheetObject]]
) -> Iterator[Event]:
    """
    Add pictures to the drawing of a sheet.

    Args:
        events: Of the drawing.
        pictures: The files that they stand for, each with a relation to its picture.

    Yields:
        The events as they are to be.
    """
    depth = 0
    for event in events:
        depth += 1 if isinstance(event, tuple) else -1 if event is None else 0
        if not depth and event is None:
            for relation, shown in pictures:
                yield from _make_sheet_picture(relation, shown)
        yield event


def _check_frame(frame: Iterable[tuple[Event, Keyed | None]]) -> None:
    """Hold that a frame shows one file: once, or once in each of some alternatives."""
    path: list[tuple[str, int]] = []
    frame_len = 0
    ways: list[tuple[int, int]] = []  # of each object: the alternatives, and which of them
    for at, (event, keyed) in enumerate(frame):
        if keyed is not None:
            path.append((keyed[0], at))
            frame_len += keyed[0] == _FRAME
            if keyed[0] == _SLIDE_OBJECT:
                outer = (
                    (one[1], way[1])
                    for one, way in itertools.pairwise(path)
                    if one[0] == _ALTERNATIVES
                )
                ways.append(next(outer, (at, at)))
        elif event is None:
            path.pop()
    if frame_len > 1 or len({one for one, _ in ways}) > 1 or len(set(ways)) < len(ways):
        raise RefusedError(Reason.UNSUPPORTED)


def _make_object(
    number: str, target: str | None, texts: list[str], shape: Shape | None
) -> SheetObject:
    corners = tuple(map(int, texts)) if len(texts) == 2 * len(_PLACES) else None
    if shape is not None:
        target = target or shape.target
        corners = corners or shape.corners
    if not target or corners is None:
        raise RefusedError(Reason.UNSUPPORTED)
    return SheetObject(number=number, target=target, corners=corners)


def _make_slide_picture(starts: list[Keyed], pictures: Mapping[str, str]) -> Iterator[Event]:
    attributes: dict[str, Attributes] = {}
    for key, values in starts:
        attributes.setdefault(key, values)
    ids = [values.get("spid", "") for key, values in starts if key == _SLIDE_OBJECT]
    shown = [pictures[one] for one in ids if one in pictures]
    relation = attributes.get("a:blip", {}).get("r:embed") or next(iter(shown), None)
    number = attributes.get("p:cNvPr", {}).get("id")
    if relation is None or number is None or not {"a:off", "a:ext"} <= attributes.keys():
        raise RefusedError(Reason.UNSUPPORTED)
    yield "p:pic", _SPACES
    yield "p:nvPicPr", {}
    yield from _make_element("p:cNvPr", {"id": number, "name": ""})
    yield from _make_element("p:cNvPicPr", {})
    yield from _make_element("p:nvPr", {})
    yield None
    yield from _make_fill("p:blipFill", relation, attributes.get("a:srcRect"))
    yield "p:spPr", {}
    yield "a:xfrm", {}
    yield from _make_element("a:off", attributes["a:off"])
    yield from _make_element("a:ext", attributes["a:ext"])
    yield None
    yield from _make_rectangle()
    yield None
    yield None


def _make_sheet_picture(relation: str, shown: SheetObject) -> Iterator[Event]:
    yield "xdr:twoCellAnchor", {**_SPACES, "editAs": "oneCell"}
    for at, corner in enumerate(("xdr:from", "xdr:to")):
        yield corner, {}
        for place, number in zip(_PLACES, shown.corners[4 * at :], strict=False):
            yield place, {}
            yield str(number)
            yield None
        yield None
    yield "xdr:pic", {}
    yield "xdr:nvPicPr", {}
    yield from _make_element("xdr:cNvPr", {"id": shown.number, "name": ""})
    yield from _make_element("xdr:cNvPicPr", {})
    yield None
    yield from _make_fill("xdr:blipFill", relation, None)
    yield "xdr:spPr", {}
    yield from _make_rectangle()
    yield None
    yield None
    yield from _make_element("xdr:clientData", {})
    yield None


def _make_fill(name: str, relation: str, crop: Attributes | None) -> Iterator[Event]:
    yield name, {}
    yield from _make_element("a:blip", {"r:embed": relation})
    if crop is not None:
        yield from _make_element("a:srcRect", crop)
    yield "a:stretch", {}
    yield from _make_element("a:fillRect", {})
    yield None
    yield None


def _make_rectangle() -> Iterator[Event]:
    yield "a:prstGeom", {"prst": "rect"}
    yield from _make_element("a:avLst", {})
    yield None


def _make_element(name: str, attributes: Attributes) -> tuple[Event, Event]:
    return (name, attributes), None
