"""What docs/how-to/phones.md shows, taken by the tests as an operator takes it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "phones.md"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def show_block(beginning: str) -> str:
    """Give the one block of the page that begins so."""
    (block,) = (
        block for _, block in BLOCK.findall(PAGE.read_text("utf-8")) if block.startswith(beginning)
    )
    return str(block)


def show_gateway(kind: str) -> str:
    """Give the one `gateways.toml` of a kind, whole: where the page shows a part, with its head."""
    (block,) = (
        block
        for language, block in BLOCK.findall(PAGE.read_text("utf-8"))
        if language == "toml" and f'kind = "{kind}"' in block
    )
    head = "" if "version" in block else "version = 1\n"
    head += "" if "[listen]" in block else '[listen]\nunix = "run/gateway"\n'
    return head + str(block)


def fill(shown: str, changes: dict[str, str]) -> str:
    """Put what is an operator's own in its place; what is not there cannot be changed."""
    for before, after in changes.items():
        assert before in shown, before
        shown = shown.replace(before, after)
    return shown
