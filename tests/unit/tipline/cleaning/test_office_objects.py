"""Files inside slides and sheets: the file goes, its picture stays where it was."""

from __future__ import annotations

import pytest

from tests.documents import PNG, make_word, read_members
from tests.holding import clean, refuse
from tests.vectors.cleaning_files_inside import (
    INSIDE,
    SHAPES_PART,
    SHEET_INSIDE,
    SHEET_SHOWN,
    SHOWN_PART,
    TWO_WAYS,
    make_sheet_with_file,
    make_slide_with_file,
)
from tipline.cleaning.errors import Reason
from tipline.cleaning.office_objects import OBJECT_NAME
from tipline.cleaning.plan import Kind

PLACE = (
    '<p:spPr><a:xfrm><a:off x="1" y="2"/><a:ext cx="3" cy="4"/></a:xfrm><a:prstGeom prst="rect">'
)
CORNER = (
    "<xdr:{name}><xdr:col>{0}</xdr:col><xdr:colOff>{1}</xdr:colOff><xdr:row>{2}</xdr:row>"
    "<xdr:rowOff>{3}</xdr:rowOff></xdr:{name}>"
)


@pytest.mark.parametrize(
    ("inside", "part"), [(INSIDE, SHAPES_PART), (TWO_WAYS, SHOWN_PART)], ids=["old", "new"]
)
def test_slide_when_a_file_is_inside_then_its_picture_stands_there(
    inside: str, part: tuple[str, str, str]
) -> None:
    """With the size and the place that the file had; the file is gone."""
    cleaned, plan = clean(make_slide_with_file(inside, part))
    members = read_members(cleaned)

    assert Kind.EMBEDDED in plan.kinds
    assert '<p:pic><p:nvPicPr><p:cNvPr id="7" name="object"/>' in members["ppt/slides/slide1.xml"]
    assert PLACE in members["ppt/slides/slide1.xml"]
    assert "oleObj" not in members["ppt/slides/slide1.xml"]
    assert [name for name in members if "media" in name] == ["ppt/media/image1.png"]
    assert not any("embeddings" in name or "vml" in name for name in members)
    assert PNG in cleaned


@pytest.mark.parametrize(
    ("around", "part", "corners"),
    [
        (SHEET_INSIDE, SHAPES_PART, ((0, 9525, 2, 28575), (4, 47625, 6, 66675))),
        (SHEET_SHOWN, SHOWN_PART, ((1, 9, 0, 0), (2, 9, 0, -5))),
    ],
    ids=["old", "new"],
)
def test_sheet_when_a_file_is_inside_then_its_picture_stands_there(
    around: str, part: tuple[str, str, str], corners: tuple[tuple[int, ...], ...]
) -> None:
    """In a drawing, between the cells that the file had."""
    cleaned, plan = clean(make_sheet_with_file(around, part))
    members = read_members(cleaned)
    drawing = members["xl/drawings/drawing1.xml"]

    assert Kind.EMBEDDED in plan.kinds
    assert '<drawing r:id="rId1"/></worksheet>' in members["xl/worksheets/sheet1.xml"]
    for name, corner in zip(("from", "to"), corners, strict=True):
        assert CORNER.format(*corner, name=name) in drawing
    assert "media/image1.png" in members["xl/drawings/_rels/drawing1.xml.rels"]
    assert not any("embeddings" in name or "vml" in name for name in members)


@pytest.mark.parametrize(
    "document",
    [
        make_slide_with_file(INSIDE),
        make_slide_with_file(INSIDE.replace("1026", "1027"), SHAPES_PART),
        make_sheet_with_file(SHEET_INSIDE),
        make_sheet_with_file(SHEET_SHOWN.replace("row", "rows"), SHOWN_PART),
    ],
    ids=["slide", "slide-shape", "sheet", "sheet-place"],
)
def test_document_when_a_file_inside_has_no_picture_then_it_is_refused(document: bytes) -> None:
    """A reader would miss it."""
    assert refuse(document) == Reason.UNSUPPORTED


def test_sheet_when_shapes_are_without_end_then_they_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As all elements of a document are."""
    monkeypatch.setattr("tipline.cleaning.document_markup.MAX_ELEMENTS", 60)
    shapes = f"<xml>{'<a/>' * 60}</xml>"

    assert clean(make_sheet_with_file(SHEET_INSIDE, SHAPES_PART))
    assert (
        refuse(make_sheet_with_file(SHEET_INSIDE, SHAPES_PART, shapes=shapes)) == Reason.TOO_COMPLEX
    )


@pytest.mark.parametrize("code", ["utf-8", "utf-16-le", "utf-16-be"])
def test_object_when_its_name_is_looked_for_then_it_is_found_in_every_code(code: str) -> None:
    """XML may be in UTF-16, too."""
    assert OBJECT_NAME.search("<p:oleObj/>".encode(code))


def test_document_when_it_has_more_attributes_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each takes as long to read as half an element."""
    monkeypatch.setattr("tipline.cleaning.document_markup.MAX_ALL_ATTRIBUTES", 99)

    assert clean(make_word("<w:p/>"))
    assert refuse(make_word('<w:p a="1"/>' * 100)) == Reason.TOO_COMPLEX
