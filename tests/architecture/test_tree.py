"""What is committed, and what is not."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The word lists are put together here so that this file does not hold what it looks for.
LEFTOVERS = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|X" + r"XX)\b")
# "line" is the invented user of the doctor's tests.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:home|Users|root|work|farm)/(?!line\b)[a-z]")
SILENT_SKIPS = re.compile(
    r"pytest[.]skip[(]|mark[.]skip\b|except Exception: *pass|# *type: *ignore(?!\[)"
)
BUILT = re.compile(
    r"(^|/)(node_modules|dist|build|__pycache__|\.venv|\.stamps|[^/]*\.egg-info)/"
    r"|^tipline/static/|\.min\.js$|\.pyc$|\.mo$|\.whl$"
)
LONGEST_MODULE_LINES = 500  # above this an idea wants a room of its own
SOURCE_SUFFIXES = {".py", ".ts", ".mjs", ".css", ".html"}


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text()))
        except UnicodeDecodeError:
            continue  # an image or a vector; the words looked for are text
    return found


def hits(pattern: re.Pattern[str], *, leave_out: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{name}: {match.group()}"
        for name, text in texts()
        if name not in leave_out
        for match in pattern.finditer(text)
    ]


def test_leftovers_when_the_tree_is_searched_then_there_are_none() -> None:
    """Nothing unfinished is committed as a remark."""
    assert hits(LEFTOVERS) == []


def test_machine_paths_when_the_tree_is_searched_then_there_are_none() -> None:
    """No file names a directory of the machine on which it was written."""
    assert hits(MACHINE_PATHS) == []


def test_silent_skips_when_the_tree_is_searched_then_there_are_none() -> None:
    """No test is skipped, no error swallowed, no type ignored without its reason."""
    assert hits(SILENT_SKIPS, leave_out=("tests/volumes.py",)) == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (LEFTOVERS, "# TO" + "DO later"),
        (MACHINE_PATHS, 'open("/home' + '/ana/key")'),
        (SILENT_SKIPS, "pytest." + "skip('no tor')"),
        (SILENT_SKIPS, "x = 1  # type: " + "ignore"),
        (BUILT, "tipline/static/es/index.html"),
        (BUILT, "tipline/locale/es/LC_MESSAGES/tipline.mo"),
    ],
)
def test_search_when_the_word_is_there_then_it_is_found(
    pattern: re.Pattern[str], text: str
) -> None:
    """Each search of this module can fail."""
    assert pattern.search(text)


def test_built_files_when_the_index_is_read_then_none_is_committed() -> None:
    """What a build makes is made by the build."""
    found = [str(path.relative_to(ROOT)) for path in tracked()]

    assert [name for name in found if BUILT.search(name)] == []


def test_modules_when_measured_then_none_is_longer_than_the_limit() -> None:
    """In a module above a thousand lines is where the mistakes are; ours stop at half."""
    long = {
        name: len(text.splitlines())
        for name, text in texts()
        if not name.startswith("tests/")
        and Path(name).suffix in SOURCE_SUFFIXES
        and len(text.splitlines()) > LONGEST_MODULE_LINES
    }

    assert long == {}


@pytest.mark.parametrize("name", ["build", "node", "run", "test"])
def test_lock_when_read_then_every_line_is_pinned_and_hashed_and_no_host_is_named(
    name: str,
) -> None:
    """pip installs exactly these bytes, from wherever it is told to look."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    logical = re.sub(r"\\\n", " ", text)
    lines = [line for line in logical.splitlines() if line.strip() and line.lstrip()[0] != "#"]

    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+ ", line), line
        assert "--hash=sha256:" in line, line
    assert "://" not in text
    assert "index-url" not in text


def test_node_lock_when_read_then_every_package_is_hashed_and_no_host_is_named() -> None:
    """npm installs exactly these bytes, from wherever it is told to look."""
    text = (ROOT / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]

    assert len(packages) > 1
    for name, package in packages.items():
        if name:
            assert package["integrity"].startswith("sha512-"), name
            assert "resolved" not in package, name
    assert "://" not in re.sub(r'"url": "[^"]*"', "", text)
