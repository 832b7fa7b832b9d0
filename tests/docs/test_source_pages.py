"""The pages for sources quote the page as it is."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {
    "en": "docs/how-to/send-a-tip.md",
    "es": "docs/how-to/send-a-tip.es.md",
    "pt": "docs/how-to/send-a-tip.pt.md",
}


def quotes_of(text: str) -> list[str]:
    """Return what stands in quotation marks, and the first column of the table."""
    quotes = re.findall(r'"([^"]+)"|«([^»]+)»', text)
    cells = re.findall(r"^\| ([^|]+) \|", text, flags=re.MULTILINE)[2:]
    return [first or second for first, second in quotes] + cells


@pytest.mark.parametrize("language", sorted(PAGES))
def test_source_page_when_it_quotes_the_page_then_the_page_says_so(
    catalogue: ModuleType, language: str
) -> None:
    """A source who looks for a word of the instructions finds it on the screen."""
    said = " ".join(
        str(message.id if language == "en" else message.string)
        for message in (catalogue.extract() if language == "en" else catalogue.read(language))
    )
    quotes = quotes_of((ROOT / PAGES[language]).read_text())

    assert len(quotes) >= 7
    assert [quote for quote in quotes if quote not in said] == []
