"""The check is one that can fail."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from tipline.demonstration import check
from tipline.demonstration.line import ThrowawayLine, make_line
from tipline.demonstration.photo import label_photo, make_photo
from tipline.errors import CheckError

CLEAN = make_photo(width_pixels=64)
PHOTO = label_photo(CLEAN)
TEXT = "The survey of the bridge was never signed by anybody who saw it."
CLEANED = {"state": "cleaned", "rules": 1, "found": ["place", "device"]}
ORIGINAL = {
    "name": "bridge pillar.jpg",
    "type": "",
    "size_bytes": len(PHOTO),
    "modified_at": "2026-11-21T10:00:00Z",
}


@pytest.fixture
def line(tmp_path: Path) -> ThrowawayLine:
    """A line that nobody serves."""
    (tmp_path / "line").mkdir(mode=0o700)
    return make_line(
        tmp_path / "line", today=datetime.date(2026, 11, 21), translate=lambda text: text
    )


@pytest.fixture
def sent(tmp_path: Path) -> check.Sent:
    """A text and a file."""
    sent = check.Sent(text=tmp_path / "text.txt", file=tmp_path / "bridge pillar.jpg")
    sent.text.write_text(TEXT)
    sent.file.write_bytes(PHOTO)
    return sent


@pytest.mark.parametrize(
    ("wrong", "detail"),
    [
        ({}, None),
        ({"text.txt": TEXT + "\n"}, "text.txt"),
        ({"text": TEXT[:-1]}, "tip.json"),
        ({"name": "other.jpg"}, "name"),
        ({"photo": PHOTO[:-1]}, "originals"),
        ({"photo": PHOTO + b"\0"}, "originals"),
        ({"photo": PHOTO[:-1] + b"x"}, "originals"),
        ({"cleaned": PHOTO}, "cleaning"),
        ({"cleaned": CLEAN[:-2]}, "cleaning"),
        ({"cleaned": CLEAN + b"more"}, "cleaning"),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, dict) else value,
)
def test_compare_when_something_differs_names_it(
    line: ThrowawayLine,
    sent: check.Sent,
    monkeypatch: pytest.MonkeyPatch,
    wrong: dict[str, Any],
    detail: str | None,
) -> None:
    """Each part that is compared is one whose difference is found."""
    place = sent.text.parent / "place"
    for folder in ("files", "originals"):
        (place / folder).mkdir(parents=True)
    (place / "text.txt").write_text(wrong.get("text.txt", TEXT))
    (place / "files/01.jpg").write_bytes(wrong.get("cleaned", CLEAN))
    (place / "originals/01.jpg").write_bytes(wrong.get("photo", PHOTO))
    attachment = {
        "path": "files/01.jpg",
        "type": "image/jpeg",
        "size_bytes": len(CLEAN),
        "cleaning": CLEANED,
        "original": ORIGINAL | {"name": wrong.get("name", "bridge pillar.jpg")},
    }
    tip = {"version": 1, "text": wrong.get("text", TEXT), "attachments": [attachment]}
    (place / "tip.json").write_text(json.dumps(tip))
    monkeypatch.setattr(check, "find_opened", lambda *_args: (tip, place))
    if detail is None:
        found, read = check.compare(sent, line, tip_id="id")
        assert (found, read.text) == (place, TEXT)
        return
    with pytest.raises(CheckError) as caught:
        check.compare(sent, line, tip_id="id")
    assert caught.value.facts == {"detail": detail}


@pytest.mark.parametrize("place", ["instance/envelopes", "said", "temporary"])
@pytest.mark.parametrize("left", [TEXT.encode(), PHOTO, b"bridge pillar.jpg"])
def test_search_when_the_server_holds_something_in_clear_fails(
    line: ThrowawayLine, sent: check.Sent, place: str, left: bytes
) -> None:
    """What was sent is looked for wherever the service could leave it."""
    check.search_instance(sent, line)
    (line.directory / place).mkdir(exist_ok=True)
    (line.directory / place / "left").write_bytes(b"..." + left)
    with pytest.raises(CheckError) as caught:
        check.search_instance(sent, line)
    assert caught.value.code == "check_traces"
    assert f"{place}/left" in str(caught.value.facts["places"])
    assert TEXT not in str(caught.value.facts)
