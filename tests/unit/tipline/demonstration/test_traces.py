"""The search for what must not be there: it finds what is there."""

from __future__ import annotations

import base64
import json
import random
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from tipline.demonstration import traces

SENTENCE = "The bridge at Zubirí was signed off by someone who never saw it, on 3 May."
NOISE = random.Random(1)


def surround(data: bytes) -> bytes:
    return NOISE.randbytes(1001) + data + NOISE.randbytes(997)


@pytest.mark.parametrize(
    ("spelling", "spell"),
    [
        ("plain", lambda text: text.encode()),
        ("utf-16", lambda text: text.encode("utf-16-le")),
        ("utf-16", lambda text: text.encode("utf-16-be")),
        ("hex", lambda text: text.encode().hex().encode()),
        ("hex", lambda text: text.encode().hex().upper().encode()),
        ("base64", lambda text: base64.b64encode(text.encode())),
        ("base64", lambda text: base64.b64encode(b"x" + text.encode())),
        ("base64", lambda text: base64.b64encode(b"xy" + text.encode())),
        ("base64", lambda text: base64.urlsafe_b64encode(b"xy" + text.encode())),
        ("percent", lambda text: urllib.parse.quote(text).encode()),
        ("percent", lambda text: urllib.parse.quote_plus(text).encode()),
        ("json", lambda text: json.dumps({"text": text}).encode()),
    ],
)
def test_search_when_a_text_was_left_finds_it_in_each_spelling(
    tmp_path: Path, spelling: str, spell: Callable[[str], bytes]
) -> None:
    """Each spelling that the search promises is found in the midst of other bytes."""
    (tmp_path / "left").write_bytes(surround(spell(SENTENCE)))
    found = traces.search(tmp_path, traces.make_needles("text", SENTENCE.encode()))
    assert spelling in {trace.spelling for trace in found}
    assert {trace.path for trace in found} == {tmp_path / "left"}


@pytest.mark.parametrize("share", ["first", "middle", "last"])
def test_search_when_a_part_of_a_file_was_left_finds_it(tmp_path: Path, share: str) -> None:
    """A third of a file is enough, whichever."""
    data = NOISE.randbytes(90_000)
    start = {"first": 0, "middle": 30_000, "last": 60_000}[share]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "left").write_bytes(surround(data[start : start + 30_000]))
    assert traces.search(tmp_path, traces.make_needles("file", data))


def test_search_when_a_file_name_holds_it_finds_it(tmp_path: Path) -> None:
    """The names of files and folders are searched too."""
    (tmp_path / "copy of valley bridge.jpg").mkdir()
    found = traces.search(tmp_path, traces.make_needles("name", b"valley bridge.jpg"))
    assert [trace.spelling for trace in found] == ["file name"]


@pytest.mark.parametrize(
    ("line", "count"),
    [(b"peer 127.0.0.1:51234\n", 1), (b"key 9512345\n", 0), (b"ab51234f\n", 0)],
)
def test_search_when_a_value_is_short_finds_it_only_as_a_word(
    tmp_path: Path, line: bytes, count: int
) -> None:
    """A port stands inside of hashes and numbers by chance: that is no trace."""
    (tmp_path / "log").write_bytes(line)
    assert len(traces.search(tmp_path, traces.make_needles("port", b"51234"))) == count


def test_search_when_nothing_was_left_finds_nothing(tmp_path: Path) -> None:
    """Other files, empty ones and a link to the thing itself are no traces."""
    (tmp_path / "other").write_bytes(NOISE.randbytes(100_000))
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("/nonexistent")
    assert traces.search(tmp_path, traces.make_needles("text", SENTENCE.encode())) == []


def test_needles_of_a_file_with_runs_of_one_byte_leave_those_out() -> None:
    """A window of zeros would be found in every file there is."""
    needles = traces.make_needles("file", b"\0" * 50_000 + NOISE.randbytes(50_000))
    assert needles
    assert not any(needle.pattern.search(b"\0" * 100) for needle in needles)
