"""What `tip.json` says of one attached file."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from crypto.attachment import (
    MAX_FOUND,
    Attachment,
    Cleaning,
    Original,
    lay_out_attachment,
    parse_attachment,
)
from crypto.errors import MalformedError

TIME = "2026-11-20T10:00:00Z"
CLEANED = Attachment(
    path="files/01.jpg",
    media_type="image/jpeg",
    size_bytes=5,
    cleaning=Cleaning(state="cleaned", rules=1, found=("place", "device")),
    original=Original(name="b.jpg", media_type="image/jpeg", size_bytes=9, modified_at=TIME),
    unknown={"future": [1]},
)
BARE: dict[str, Any] = {"path": "files/01.jpg", "type": "image/jpeg", "size_bytes": 5}
OLD = BARE | {"name": "bridge.jpg", "modified_at": TIME}
STATED = BARE | {"cleaning": {"state": "cleaned", "rules": 1, "found": ["place"]}}
ORIGINAL = {"name": "b.jpg", "type": "image/jpeg", "size_bytes": 9}


@pytest.mark.parametrize(
    "attachment",
    [
        CLEANED,
        dataclasses.replace(CLEANED, original=None, unknown={}),
        dataclasses.replace(CLEANED, cleaning=Cleaning(state="clean", rules=2)),
        dataclasses.replace(
            CLEANED, cleaning=Cleaning(state="uncleaned", rules=1, reason="too-complex")
        ),
        Attachment(path="files/99.a", media_type="", size_bytes=0, name="", modified_at=TIME),
    ],
)
def test_attachment_when_laid_out_then_it_reads_back_the_same(attachment: Attachment) -> None:
    """Every field survives, in each state, in the first version's and with what is unknown."""
    assert parse_attachment(lay_out_attachment(attachment), "attachments") == attachment


def test_attachment_when_laid_out_then_the_table_gives_the_order() -> None:
    """The fields stand in the order of the formats page, the unknown ones last."""
    laid_out = lay_out_attachment(CLEANED)

    assert list(laid_out) == ["path", "type", "size_bytes", "cleaning", "original", "future"]
    assert list(laid_out["cleaning"]) == ["state", "rules", "found"]
    assert list(laid_out["original"]) == ["name", "type", "size_bytes", "modified_at"]


def test_original_when_asked_for_then_it_stands_beside_its_file() -> None:
    """The original has the number and the extension of its attachment."""
    assert CLEANED.original_path == "originals/01.jpg"


@pytest.mark.parametrize(
    "untrusted",
    [
        [],
        BARE,
        OLD | {"name": None},
        OLD | {"modified_at": None},
        OLD | {"path": "files/1.jpg"},
        OLD | {"path": "originals/01.jpg"},
        OLD | {"path": 1},
        OLD | {"original": ORIGINAL},
        STATED | {"name": "bridge.jpg"},
        STATED | {"modified_at": TIME},
        STATED | {"cleaning": None},
        STATED | {"cleaning": {"state": "dirty", "rules": 1}},
        STATED | {"cleaning": {"state": ["clean"], "rules": 1}},
        STATED | {"cleaning": {"state": "clean"}},
        STATED | {"cleaning": {"state": "clean", "rules": 0}},
        STATED | {"cleaning": {"state": "clean", "rules": True}},
        STATED | {"cleaning": {"state": "clean", "rules": 1, "found": ["place"]}},
        STATED | {"cleaning": {"state": "clean", "rules": 1, "reason": "unknown"}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1, "found": []}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1, "found": "place"}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1, "found": ["place", "place"]}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1, "found": ["48° 8' N"]}},
        STATED | {"cleaning": {"state": "cleaned", "rules": 1, "found": [1]}},
        STATED
        | {
            "cleaning": {
                "state": "cleaned",
                "rules": 1,
                "found": ["a" * n for n in range(1, 33)]
                + ["b" + "-" * (n % 31) + "c" * (n // 31) for n in range(MAX_FOUND)],
            }
        },
        STATED | {"cleaning": {"state": "uncleaned", "rules": 1}},
        STATED | {"cleaning": {"state": "uncleaned", "rules": 1, "reason": "a" * 33}},
        STATED | {"cleaning": {"state": "uncleaned", "rules": 1, "reason": "because I said so"}},
        STATED | {"original": []},
        STATED | {"original": ORIGINAL | {"size_bytes": -1}},
        STATED | {"original": ORIGINAL | {"name": "a" * 501}},
        STATED | {"original": ORIGINAL | {"modified_at": "today"}},
        STATED | {"original": ORIGINAL | {"path": "originals/01.jpg"}},
        STATED | {"original": {"name": "b.jpg", "type": "image/jpeg"}},
    ],
)
def test_parse_when_a_field_is_off_then_it_is_refused(untrusted: object) -> None:
    """A file that was looked at has neither a name nor a time, and each state its own fields."""
    with pytest.raises(MalformedError):
        parse_attachment(untrusted, "attachments")


@pytest.mark.parametrize("untrusted", [OLD, STATED, STATED | {"original": ORIGINAL}])
def test_parse_when_nothing_is_off_then_it_is_read(untrusted: dict[str, Any]) -> None:
    """Those from which the refused ones are made are good."""
    assert lay_out_attachment(parse_attachment(untrusted, "attachments")) == untrusted
