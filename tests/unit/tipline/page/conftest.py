"""The page's modules, called from here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HARNESS = Path(__file__).parent / "harness.mjs"


def call_page(module: str, *calls: tuple[str, list[Any]]) -> list[dict[str, Any]]:
    """
    Call functions of one of the page's modules.

    Args:
        module: Its file name.
        calls: Name and arguments of each.

    Returns:
        Of each call `{"value": ...}` or `{"error": reason}`.
    """
    cases = json.dumps([{"call": name, "args": arguments} for name, arguments in calls])
    done = subprocess.run(
        ["node", HARNESS, module], input=cases, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    assert len(answers) == len(calls)
    return answers
