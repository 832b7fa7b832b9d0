"""Files that wait to be sealed: what of their plans is kept in memory meanwhile."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import JFIF, make_jpeg, make_scan, segment

SCRIPT = Path(__file__).parent / "waiting.mjs"
TELLING = make_jpeg(JFIF, segment(0xFE, b"from the depot's phone"))


def wait(changed: bytes, *, room: int) -> dict[str, Any]:
    """Let two files wait, with room for so many bytes of plans."""
    given = {"file": TELLING.hex(), "changed": changed.hex(), "room": room}
    done = subprocess.run(
        ["node", SCRIPT], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_files_when_there_is_room_for_one_plan_then_the_other_is_planned_again() -> None:
    """Memory does not grow with the number of files; what is sealed is the same."""
    whole = wait(TELLING, room=1_000_000)
    used = (1_000_000 - whole["leftBytes"]) // 2
    some = wait(TELLING, room=used + 1)

    assert some["leftBytes"] == 1
    kept, planned_again = some["files"]
    assert kept == whole["files"][0] == whole["files"][1]
    assert {*kept["sealed"], *planned_again["sealed"]} == {make_jpeg().hex()}
    assert kept["reads"][0] == planned_again["reads"][0]
    assert [b - a for a, b in zip(kept["reads"], planned_again["reads"], strict=True)] == [
        0,
        kept["reads"][0],
        kept["reads"][0],
    ]


REMARK = segment(0xFE, b"another remark")


@pytest.mark.parametrize(
    ("changed", "end"),
    [
        (make_jpeg(JFIF, REMARK), make_jpeg().hex()),
        (make_jpeg(JFIF, REMARK, scans=[make_scan(data=b"\x0e\x0f")]), "file"),
        (make_jpeg(JFIF, segment(0xED, b"another kind")), "file"),
        (b"no picture", "file"),
        (b"", "file"),
    ],
    ids=["another remark", "another length", "other kinds", "no picture", "nothing"],
)
def test_file_when_it_is_exchanged_while_it_waits_then_kinds_and_length_must_be_the_same(
    changed: bytes, end: str
) -> None:
    """The source decided about those kinds, and the tar has told the length."""
    assert wait(changed, room=0)["end"] == end
