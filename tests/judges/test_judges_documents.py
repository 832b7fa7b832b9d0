"""
Cleaned documents before two judges: what they told is nowhere, what they show is the same.

The documents are made here. With `TIPLINE_CLEANING_CORPUS=DIR` real ones are judged besides, in
`test_judges.py`.
"""

from __future__ import annotations

import pytest

from tests.documents import (
    PNG,
    TELLING_JPEG,
    make_open_document,
    make_sheet,
    make_slides,
    make_word,
)
from tests.judges.corpus import Verdict, compare, judge
from tests.judges.documents import find_told, read_shown, read_told
from tests.vectors.cleaning_documents import IMAGE, PICTURE

CHANGED = (
    '<w:p w:rsidR="00A1B2C3"><w:ins w:author="Benita Sandoval"><w:r><w:t>seen at </w:t></w:r>'
    '</w:ins><w:del w:author="Benita Sandoval" w:date="2026-03-04T05:06:07Z"><w:r><w:delText>out'
    "</w:delText></w:r></w:del><w:r><w:t>the depot</w:t></w:r></w:p>"
)
MADE = {
    "changed.docx": make_word(CHANGED + PICTURE, IMAGE, word__media__ana_dot_x=TELLING_JPEG),
    "cells.xlsx": make_sheet(
        '<row><c r="A1" t="s"><v>1</v></c><c r="A2"><f>[1]B!A1</f><v>2</v></c></row>',
        workbook='<customWorkbookViews><customWorkbookView userName="Benita Sandoval"/>'
        "</customWorkbookViews>",
        xl__shared_dot_xml='<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        "<si><t>Benita Sandoval</t></si><si><t>seen</t></si></sst>",
    ),
    "slides.pptx": make_slides("seen at the depot"),
    "text.odt": make_open_document(
        "<text:p>seen<office:annotation><dc:creator>Benita Sandoval</dc:creator>"
        "</office:annotation></text:p>",
        members={"Thumbnails/thumbnail.png": PNG},
    ),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """What the judges say of each."""
    folder = tmp_path_factory.mktemp("made")
    for name, data in MADE.items():
        (folder / name).write_bytes(data)
    found = judge([folder / name for name in MADE], tmp_path_factory.mktemp("cleaned"))
    return dict(zip(MADE, found, strict=True))


@pytest.mark.parametrize("name", MADE)
def test_judges_when_a_document_is_cleaned_then_neither_finds_anything(
    name: str, verdicts: dict[str, Verdict]
) -> None:
    """No tag but structure, no value in any member; the text is the same."""
    verdict = verdicts[name]

    assert (verdict.reason, verdict.residues, verdict.survivors) == (None, (), ())
    assert verdict.pixels == "same"
    assert {"time", "person"} <= set(verdict.kinds)


@pytest.mark.parametrize("name", MADE)
def test_judges_when_a_document_was_not_cleaned_then_it_is_found(name: str) -> None:
    """They have something to look for."""
    data = MADE[name]

    assert read_told(data)
    assert find_told(data, data)


def test_judges_when_the_text_is_another_then_it_is_noticed() -> None:
    """What is left out of changes is not shown, all else is."""
    one, other = make_word(CHANGED), make_word(CHANGED.replace("depot", "harbour"))

    assert read_shown(one) == ["seenatthedepot"]
    assert compare(one, other) == "different"
