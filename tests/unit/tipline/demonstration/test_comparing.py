"""What became of a file is held against what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tipline.demonstration.comparing import find_differences
from tipline.demonstration.photo import label_photo, make_photo

CLEAN = make_photo(width_pixels=64)
PHOTO = label_photo(CLEAN)


def compare(
    folder: Path, state: str, *, sent: bytes, files: dict[str, bytes], **facts: Any
) -> list[str]:
    """Lay out what was sent and what arrived, and compare."""
    given = folder / "given.jpg"
    given.write_bytes(sent)
    for name, body in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)
    attachment = {"path": "files/01.jpg", "cleaning": {"state": state}, **facts}
    return find_differences(given, attachment, place=folder)


@pytest.mark.parametrize("state", ["clean", "uncleaned"])
def test_file_when_nothing_was_taken_out_then_it_is_the_one_that_was_sent(
    state: str, tmp_path: Path
) -> None:
    """One byte more or less is named, and so is an original that nobody needs."""
    same = {"files/01.jpg": CLEAN}
    assert compare(tmp_path, state, sent=CLEAN, files=same) == []
    assert compare(tmp_path, state, sent=CLEAN + b"x", files=same) == ["files"]
    assert compare(tmp_path, state, sent=CLEAN, files=same, name="given.jpg") == ["name"]
    more = same | {"originals/01.jpg": CLEAN}
    assert compare(tmp_path, state, sent=CLEAN, files=more) == ["originals"]


def test_file_when_it_was_cleaned_then_python_finds_nothing_more_in_it(tmp_path: Path) -> None:
    """The original is whole, the cleaned file is clean, and both are what they are said to be."""
    named = {"original": {"name": "given.jpg"}}
    good = {"files/01.jpg": CLEAN, "originals/01.jpg": PHOTO}
    assert compare(tmp_path, "cleaned", sent=PHOTO, files=good, **named) == []
    assert compare(tmp_path, "cleaned", sent=PHOTO, files=good) == ["name"]
    assert compare(tmp_path, "cleaned", sent=CLEAN, files=good, **named) == [
        "cleaning", "originals",
    ]  # fmt: skip
    left = good | {"files/01.jpg": PHOTO}
    assert compare(tmp_path, "cleaned", sent=PHOTO, files=left, **named) == ["cleaning"]
    (tmp_path / "originals/01.jpg").unlink()
    alone = {"files/01.jpg": CLEAN}
    assert compare(tmp_path, "cleaned", sent=PHOTO, files=alone, **named) == ["originals"]
