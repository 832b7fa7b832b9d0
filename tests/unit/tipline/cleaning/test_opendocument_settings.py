"""Settings of OpenDocument: those that lay out pages stay."""

from __future__ import annotations

import pytest

from tests.documents import make_open_document, read_members
from tests.holding import clean, refuse
from tests.vectors.cleaning_open_documents import KEPT_ITEMS, SETTINGS
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Kind


def test_settings_when_a_document_is_cleaned_then_those_of_its_layout_stay_alone() -> None:
    """In one order, each with a value of its type; printers, sessions and windows go."""
    cleaned, plan = clean(make_open_document("", members={"settings.xml": SETTINGS}))
    members = read_members(cleaned)

    assert Kind.DEVICE in plan.kinds
    assert members["settings.xml"].endswith(
        '<config:config-item-set config:name="ooo:configuration-settings">'
        f"{KEPT_ITEMS}</config:config-item-set></office:settings></office:document-settings>"
    )
    assert '"settings.xml"' in members["META-INF/manifest.xml"]


def test_settings_when_none_lays_out_a_page_then_the_part_goes() -> None:
    """Empty, it says no more than none."""
    assert "settings.xml" not in read_members(clean(make_open_document(""))[0])


def test_settings_when_they_are_many_then_they_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As all elements of a document are."""
    monkeypatch.setattr("tipline.cleaning.document_markup.MAX_ELEMENTS", 9)

    assert clean(make_open_document(""))
    many = f"<a>{'<a/>' * 9}</a>"
    assert refuse(make_open_document("", members={"settings.xml": many})) == Reason.TOO_COMPLEX
