"""A secret has one door, and every place that opens it was looked at."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Where `.reveal()` is called, and why it must be.
REVIEWED: dict[str, str] = {}


def test_reveal_when_the_code_is_searched_then_only_reviewed_modules_open_a_secret() -> None:
    """INV-11: a new use of a secret's one door is seen and given a reason here."""
    found = set()
    for package in ("crypto", "retention", "tipline"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and node.attr == "reveal":
                    found.add(str(path.relative_to(ROOT)))

    assert found == REVIEWED.keys()


def test_secret_when_the_code_is_searched_then_nobody_goes_round_its_door() -> None:
    """INV-11: no module reads the secret's private attribute by its mangled name."""
    mangled = "_Secret__" + "value"
    found = [
        str(path.relative_to(ROOT))
        for package in ("crypto", "retention", "tipline")
        for path in sorted((ROOT / package).rglob("*.py"))
        if mangled in path.read_text()
    ]

    assert found == []
