"""The auditor's verifier stands alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "tipline" / "audit"
ALLOWED = set(sys.stdlib_module_names) | {"nacl"}


def foreign_imports(tree: ast.Module) -> set[str]:
    """Name what is imported that is neither of the standard library, nor PyNaCl, nor ours."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." if node.level else str(node.module))
    return {
        name
        for name in names
        if name.split(".")[0] not in ALLOWED and not f"{name}.".startswith("tipline.audit.")
    }


def test_verifier_when_its_imports_are_read_then_it_needs_pynacl_alone() -> None:
    """An auditor who reads this folder has read the whole verifier."""
    modules = sorted(PACKAGE.glob("*.py"))
    found = {path.name: foreign_imports(ast.parse(path.read_text())) for path in modules}

    assert len(modules) > 15
    assert {name: foreign for name, foreign in found.items() if foreign} == {}


def test_search_when_a_module_imports_something_else_then_it_is_found() -> None:
    """The search can fail."""
    source = "import json\nimport crypto.note\nfrom tipline.errors import X\nfrom . import y\n"

    assert foreign_imports(ast.parse(source)) == {"crypto.note", "tipline.errors", "."}
