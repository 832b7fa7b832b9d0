"""Every reason has its words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from crypto import payload, tar
from tipline.desk.reasons import FAULTS


def reasons_in(module: str) -> Iterator[str]:
    """The fixed words a module can give as a reason."""
    for node in ast.walk(ast.parse(Path(module).read_text())):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "ForeignError"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value
        if isinstance(node, ast.keyword) and node.arg == "reason":
            for inner in ast.walk(node.value):
                if isinstance(inner, ast.Constant):
                    yield inner.value


def test_reasons_when_listed_then_each_has_its_words() -> None:
    """Whatever the reader can refuse, a person is told in words; and no word is left over."""
    listed = {
        "padding",
        "second archive",
        "type",
        "absolute",
        "dotdot",
        "duplicate",
        "name",
        "size",
        "header",
    }
    listed |= {"order", *tar._TYPE_REASONS.values()}
    for module in (tar.__file__, payload.__file__):
        listed |= set(reasons_in(str(module)))

    assert listed == FAULTS.keys()
