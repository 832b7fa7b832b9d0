"""Every module, public function and test says what it is for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crypto", "retention", "tipline")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(tree: ast.Module) -> Iterator[Definition]:
    """Yield the public functions and classes of a module, and the classes' public methods."""
    for node in tree.body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                is_function = isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef)
                if is_function and not method.name.startswith("_"):
                    yield method


def list_tests(tree: ast.Module) -> Iterator[Definition]:
    for node in ast.walk(tree):
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name.startswith("test_"):
            yield node


def undocumented(definitions: Iterator[Definition]) -> list[str]:
    return [node.name for node in definitions if not ast.get_docstring(node)]


def modules(folder: str) -> list[Path]:
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if path.read_text().strip()]


@pytest.mark.parametrize("package", PACKAGES)
def test_package_when_read_then_everything_public_says_what_it_is_for(package: str) -> None:
    """Every module, public class, function and method has a docstring."""
    silent = []
    for path in modules(package):
        tree = ast.parse(path.read_text())
        names = undocumented(public_definitions(tree))
        if not ast.get_docstring(tree):
            names.append("the module")
        silent += [f"{path.relative_to(ROOT)}: {name}" for name in names]

    assert silent == []


def test_tests_when_read_then_each_states_its_property() -> None:
    """Every test has a docstring, and no two tests of a module have the same name."""
    silent, twice = [], []
    for path in modules("tests"):
        tree = ast.parse(path.read_text())
        silent += [f"{path.relative_to(ROOT)}: {name}" for name in undocumented(list_tests(tree))]
        names = [node.name for node in list_tests(tree)]
        twice += [
            f"{path.relative_to(ROOT)}: {name}" for name in set(names) if names.count(name) > 1
        ]

    assert silent == []
    assert twice == []


def test_search_when_a_docstring_is_missing_then_it_is_found() -> None:
    """The search can fail, and reaches methods."""
    tree = ast.parse("class A:\n    'x'\n    def b(self): pass\n    def _c(self): pass\n")

    assert undocumented(public_definitions(tree)) == ["b"]
    assert undocumented(list_tests(ast.parse("def test_a(): pass"))) == ["test_a"]
