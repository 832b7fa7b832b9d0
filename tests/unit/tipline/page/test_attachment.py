"""A file on its way into a tip: what was shown is what is sent, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import JFIF, make_jpeg, segment
from tests.unit.tipline.page.conftest import call_page
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import EXTENSIONS, Kind

TEMPLATES = Path(__file__).parents[4] / "tipline/page/templates"
CLEAN = make_jpeg()
TELLING = make_jpeg(JFIF, segment(0xFE, b"from the depot's phone"))
FOUND = {"state": "cleaned", "format": "jpeg", "found": ["text"]}
NOTHING = {"state": "clean", "format": "jpeg"}
BINARY = b"\0light"
UNKNOWN = {"state": "uncleaned", "reason": "unknown"}


def choose(content: bytes, look: dict[str, Any], **decided: Any) -> dict[str, Any]:
    """A file, what the source was shown of it, and what it decided."""
    name = decided.pop("name", "IMG_7 Benita.JPG")
    file = {"file": content.hex(), "name": name, "type": "image/x-device", "lastModified": 1}
    return {"file": file, "look": look, "isConsented": False, "withOriginal": False, **decided}


def prepare(chosen: dict[str, Any], *, left_bytes: int = 1 << 20) -> dict[str, Any]:
    """Make it ready to be sealed."""
    (answer,) = call_page("attachment.ts", ("prepareFile", [chosen, {"leftBytes": left_bytes}]))
    return answer


def test_file_when_looked_at_then_kinds_are_told_and_no_values() -> None:
    """What was found, that nothing was, or why it cannot be cleaned: words of fixed lists."""
    contents = (TELLING, CLEAN, BINARY, b"")
    answers = call_page(
        "attachment.ts", *(("lookAt", [{"blob": content.hex()}]) for content in contents)
    )
    assert [answer["value"] for answer in answers] == [
        FOUND, NOTHING, UNKNOWN, {"state": "uncleaned", "reason": "empty"},
    ]  # fmt: skip


def test_file_when_cleaned_then_nothing_of_the_device_is_said() -> None:
    """Its ending and its type are those of its format; it has neither name nor time."""
    assert prepare(choose(TELLING, FOUND)) == {
        "value": {
            "extension": "jpg",
            "type": "image/jpeg",
            "content": {"hex": CLEAN.hex()},
            "cleaning": {"state": "cleaned", "rules": 1, "found": ["text"]},
        }
    }


def test_file_when_its_original_is_added_then_it_goes_as_it_is() -> None:
    """The original is the file itself; without the box there is none."""
    value = prepare(choose(TELLING, FOUND, withOriginal=True))["value"]
    assert value["original"] == {"hex": TELLING.hex()}
    assert value["content"] == {"hex": CLEAN.hex()}


@pytest.mark.parametrize(
    ("content", "look"),
    [
        (CLEAN, FOUND),
        (TELLING, NOTHING),
        (TELLING, {**FOUND, "found": ["place"]}),
        (BINARY, FOUND),
        (b"", UNKNOWN),
    ],
)
def test_file_when_it_is_not_what_was_shown_then_it_is_refused(
    content: bytes, look: dict[str, Any]
) -> None:
    """The source decided about another file, consent or not."""
    assert prepare(choose(content, look, isConsented=True)) == {"error": "file"}


def test_file_when_it_cannot_be_cleaned_then_it_needs_consent() -> None:
    """Without the source's word it is refused here, too, whatever the form said."""
    assert prepare(choose(BINARY, UNKNOWN)) == {"error": "uncleaned"}
    value = prepare(choose(BINARY, UNKNOWN, isConsented=True, withOriginal=True))["value"]
    assert value == {
        "extension": "jpg",
        "type": "image/jpeg",
        "content": {"hex": BINARY.hex()},
        "cleaning": {"state": "uncleaned", "rules": 1, "reason": "unknown"},
    }


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("plan.docm", "docm"),
        ("PLAN.Xls", "xls"),
        ("plan.benit", "bin"),
        ("plan", "bin"),
        ("plan.", "bin"),
        ("plan.tar.gz", "gz"),
        ("toString", "bin"),
        ("a.constructor", "bin"),
    ],
)
def test_name_when_a_file_cannot_be_cleaned_then_only_a_common_ending_of_it_is_told(
    name: str, extension: str
) -> None:
    """An ending that is in no list could be a word of the source's."""
    (answer,) = call_page("media.ts", ("ofName", [name]))
    assert answer["value"]["extension"] == extension


def test_format_when_it_is_cleaned_then_it_has_a_media_type() -> None:
    """Every ending of a cleaned file is one whose type is told."""
    endings = sorted(set(EXTENSIONS.values()))
    answers = call_page("media.ts", *(("ofName", [f"a.{ending}"]) for ending in endings))
    assert [answer["value"]["extension"] for answer in answers] == endings
    assert "application/octet-stream" not in [answer["value"]["type"] for answer in answers]


def test_page_has_words_for_every_kind_and_reason() -> None:
    """Whatever is found, and whatever keeps a file from being cleaned, is said in plain words."""
    form = (TEMPLATES / "form.html").read_text()
    assert set(re.findall(r'kind\("([a-z-]+)"', form)) == set(Kind)
    assert set(re.findall(r'data-why="([a-z-]+)"', form)) == set(Reason)
