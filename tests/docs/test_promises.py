"""Each promise has an id: in the threat model, on the text that makes it, and with a test."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PATH = re.compile(r"`((?:crypto|retention|tipline|script|requirements|docs)/[\w./-]+)`")
# Marks of tests that are not run by default, or whose failure is none; script/test leaves out long.
NOT_RUN = "not skip and not skipif and not xfail and not long"
GIVING_UP = ("pytest.skip", "pytest.xfail", "pytest.importorskip", "pytest.exit")


def rows_of(name: str) -> list[list[str]]:
    """Return the cells of a marked table of the threat model."""
    block = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", MODEL, flags=re.DOTALL)
    assert block, name
    rows = [line for line in block[1].splitlines() if line.startswith("| ")]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in rows
        if not row.startswith(("| ---", "| id |", "| table |"))
    ]


PROPERTIES = rows_of("properties")
ADVERSARIES = rows_of("adversaries")


def displayed(catalogue: ModuleType) -> dict[str, list[str]]:
    """Return each promise id that a text carries, with the texts."""
    found: dict[str, list[str]] = {}
    for message in catalogue.extract():
        for comment in message.auto_comments:
            assert re.fullmatch(r"PROMISE: P-[0-9]{2}(, P-[0-9]{2})*", comment), comment
            for number in re.findall(r"P-[0-9]{2}", comment):
                found.setdefault(number, []).append(str(message.id))
    return found


@functools.cache
def collect(files: tuple[Path, ...]) -> frozenset[str]:
    """Return the tests of files that pytest runs by default: collected, and not marked away."""
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", ROOT / "setup.cfg", "-m", NOT_RUN, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    # 5: everything was deselected.
    assert done.returncode in (0, 5), done.stdout
    return frozenset(line.partition("[")[0] for line in done.stdout.splitlines() if "::" in line)


def find_running_tests() -> frozenset[str]:
    """Return the running tests of every file that the threat model names."""
    named = {ROOT / path for path, _ in NODE.findall(MODEL)}
    return collect(tuple(sorted(path for path in named if path.exists())))


def gives_up(path: Path, name: str) -> bool:
    """Tell whether a test, or its module, calls what ends it without a verdict."""
    tree = ast.parse(path.read_text())
    # A module's own statements are run when it is collected; other functions are others' matter.
    places = [node for node in tree.body if getattr(node, "name", name) == name]
    calls = (node for place in places for node in ast.walk(place) if isinstance(node, ast.Call))
    return any(ast.unparse(call.func).startswith(GIVING_UP) for call in calls)


def find_missing_tests(cell: str, running: frozenset[str]) -> list[str]:
    """Return the tests a cell names that do not exist, or that are not run."""
    return [
        f"{path}::{name}"
        for path, name in NODE.findall(cell)
        if f"{path}::{name}" not in running or gives_up(ROOT / path, name)
    ]


def test_properties_when_the_table_is_read_then_they_are_numbered_without_a_gap() -> None:
    """Each id stands once, in order, with a level."""
    assert len(PROPERTIES) >= 10
    assert [row[0] for row in PROPERTIES] == [
        f"P-{number:02}" for number in range(1, len(PROPERTIES) + 1)
    ]
    assert {row[1] for row in PROPERTIES} <= {"must", "should"}


@pytest.mark.parametrize("row", PROPERTIES, ids=lambda row: row[0])
def test_property_when_its_row_is_read_then_code_and_test_exist(row: list[str]) -> None:
    """Each property names the code that keeps it, a test that runs, and how it fails."""
    _, _, text, code, test, fails = row

    assert text
    assert fails
    assert PATH.findall(code)
    assert [path for path in PATH.findall(code) if not (ROOT / path).exists()] == []
    assert NODE.findall(test)
    assert find_missing_tests(test, find_running_tests()) == []


@pytest.mark.parametrize("row", ADVERSARIES, ids=lambda row: row[0])
def test_adversary_when_its_row_is_read_then_it_is_complete(row: list[str]) -> None:
    """Each adversary has its before, during and after, and a test or the reason why none."""
    assert len(row) == 7
    assert all(row)
    assert NODE.findall(row[6]) or row[6].startswith("none: ")
    assert find_missing_tests(row[6], find_running_tests()) == []


def test_adversaries_when_the_table_is_read_then_they_are_numbered_without_a_gap() -> None:
    """Each adversary's id stands once, in order."""
    assert len(ADVERSARIES) >= 14
    assert [row[0].split(" ")[0] for row in ADVERSARIES] == [
        f"T-{number:02}" for number in range(1, len(ADVERSARIES) + 1)
    ]


def test_displayed_promises_when_compared_then_each_is_in_the_table(
    catalogue: ModuleType,
) -> None:
    """No screen makes a promise that the threat model does not hold with code and a test."""
    shown = displayed(catalogue)

    assert len(shown) >= 6
    assert shown.keys() - {row[0] for row in PROPERTIES} == set()


def test_tests_when_a_named_one_is_missing_then_it_is_seen() -> None:
    """A row whose test was removed or renamed is found."""
    here = "tests/docs/test_promises.py"
    running = collect((ROOT / here,))

    assert find_missing_tests(f"`{here}::test_no_such_test`", running) == [
        f"{here}::test_no_such_test"
    ]
    assert find_missing_tests("`tests/docs/test_none.py::test_a`", running) == [
        "tests/docs/test_none.py::test_a"
    ]
    named = f"`{here}::test_tests_when_a_named_one_is_missing_then_it_is_seen`"
    assert find_missing_tests(named, running) == []


RUN = (
    "def test_a(): pass",
    "@pytest.mark.parametrize('x', [1, 2])\ndef test_a(x): pass",
    "def test_b(): GIVE_UP('another one')\ndef test_a(): pass",
)
GIVEN_UP = (
    "@pytest.mark.SKIP\ndef test_a(): pass",
    "@pytest.mark.skipif(True, reason='x')\ndef test_a(): pass",
    "@pytest.mark.xfail\ndef test_a(): pass",
    "@pytest.mark.long\ndef test_a(): pass",
    "pytestmark = pytest.mark.xfail\ndef test_a(): pass",
    "later = pytest.mark.SKIP\n@later\ndef test_a(): pass",
    "def test_a(): GIVE_UP('later')",
    "def test_a():\n    if True: pytest.xfail('later')",
    "os = pytest.importorskip('os')\ndef test_a(): pass",
    "def outer():\n    def test_a(): pass",
)


def test_tests_when_one_is_not_run_then_it_is_seen(tmp_path: Path) -> None:
    """A test that is marked away, gives up or is never collected holds no promise."""
    made = {}
    for number, module in enumerate((*RUN, *GIVEN_UP)):
        # Outside of the checkout a test is listed without its file: the name tells which it is.
        path, name = tmp_path / f"test_made_{number}.py", f"test_number_{number}"
        # No file of ours may spell these out: tests/architecture/test_tree.py looks for them.
        text = module.replace("GIVE_UP", GIVING_UP[0]).replace("SKIP", "skip")
        path.write_text(f"import pytest\n{text.replace('test_a', name)}\n")
        made[module] = path, name
    collected = collect(tuple(path for path, _ in made.values()))
    holding = [
        module
        for module, (path, name) in made.items()
        if f"::{name}" in collected and not gives_up(path, name)
    ]

    assert holding == list(RUN)


def test_model_when_read_then_its_version_day_and_changelog_agree() -> None:
    """The page says which version it is, when it was reviewed, and what changed then."""
    head = re.search(r"^Version (\d+) · reviewed on (\d{4}-\d\d-\d\d)", MODEL, re.MULTILINE)
    assert head
    changes = re.findall(r"^\| (\d+) \| (\d{4}-\d\d-\d\d) \| .+ \|$", MODEL, re.MULTILINE)

    assert changes[-1] == (head[1], head[2])


def test_model_when_read_then_every_component_has_its_four_moments() -> None:
    """For each component it is said what is learned at rest, live, seized and compelled."""
    section = MODEL.split("## Component and moment")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]

    assert rows[0] == "| component | at rest | live | seized | compelled |"
    assert len(rows) >= 10
    for row in rows:
        assert all(cell.strip() for cell in row.split("|")[1:-1]), row
        assert len(row.split("|")) == 7, row
