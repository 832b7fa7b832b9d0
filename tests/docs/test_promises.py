"""Each promise has an id: in the threat model, on the text that makes it, and with a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs" / "threat-model.md").read_text()
NODE = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
PATH = re.compile(r"`((?:crypto|retention|tipline|script|requirements|docs)/[\w./-]+)`")


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


def find_missing_tests(cell: str) -> list[str]:
    """Return the tests a cell names that do not exist, or that are switched off."""
    missing = []
    for path, name in NODE.findall(cell):
        file = ROOT / path
        functions = (
            {
                node.name: node
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            if file.exists()
            else {}
        )
        marks = (
            [ast.unparse(mark) for mark in functions[name].decorator_list]
            if name in functions
            else ["xfail"]
        )
        if any("skip" in mark or "xfail" in mark for mark in marks):
            missing.append(f"{path}::{name}")
    return missing


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
    assert find_missing_tests(test) == []


@pytest.mark.parametrize("row", ADVERSARIES, ids=lambda row: row[0])
def test_adversary_when_its_row_is_read_then_it_is_complete(row: list[str]) -> None:
    """Each adversary has its before, during and after, and a test or the reason why none."""
    assert len(row) == 7
    assert all(row)
    assert NODE.findall(row[6]) or row[6].startswith("none: ")
    assert find_missing_tests(row[6]) == []


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

    assert find_missing_tests(f"`{here}::test_no_such_test`") == [f"{here}::test_no_such_test"]
    assert find_missing_tests("`tests/docs/test_none.py::test_a`") == [
        "tests/docs/test_none.py::test_a"
    ]
    assert (
        find_missing_tests(f"`{here}::test_tests_when_a_named_one_is_missing_then_it_is_seen`")
        == []
    )


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
