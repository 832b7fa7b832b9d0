"""Parts that do not exist are not promised."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]

# The words by which a screen would speak of a part, in every language.
PARTS = {
    "codename": re.compile(r"\b(?:codename|nombre clave|codinome)\b", re.IGNORECASE),
    "mailbox": re.compile(r"\b(?:mailbox|inbox|buzón|caixa de correio)\b", re.IGNORECASE),
    "receipt": re.compile(r"\b(?:receipt|acuse de recibo|recibo)\b", re.IGNORECASE),
}

# A policy has a period for every class of record, and its comments say what each class is; the
# account of what is kept says which of them do not exist.
POLICY_FILES = {"tipline/example.py", "tipline/commands/policy.py"}


def texts() -> list[str]:
    """Return every text of the catalogue but the policy's, in English, Spanish and Portuguese."""
    found = []
    for language in ("es", "pt"):
        path = ROOT / "tipline" / "locale" / language / "LC_MESSAGES" / "tipline.po"
        with path.open("rb") as file:
            for message in read_po(file, locale=language, charset="utf-8"):
                if {name for name, _ in message.locations} <= POLICY_FILES:
                    continue
                for form in (message.id, message.string):
                    found += [form] if isinstance(form, str) else list(form)
    return found


@pytest.mark.parametrize("part", sorted(PARTS))
def test_part_when_it_does_not_exist_then_no_screen_speaks_of_it(part: str) -> None:
    """A promise whose code does not exist is not displayed in any language."""
    assert [text for text in texts() if PARTS[part].search(text)] == []


def test_part_when_it_does_not_exist_then_the_threat_model_says_so() -> None:
    """What is missing is named where the careful look for it."""
    page = (ROOT / "docs" / "threat-model.md").read_text()
    section = page.split("## What does not exist yet")[1].split("\n## ")[0].lower()

    for word in ("codename", "receipt", "vault"):
        assert word in section


def test_search_when_a_text_speaks_of_a_part_then_it_is_found() -> None:
    """Each search can fail."""
    assert PARTS["mailbox"].search("Look into your mailbox.")
    assert PARTS["receipt"].search("Guarde o recibo.")
