"""What texts say of cleaning is so: neither what was true before there was any, nor too much."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What was true of the first version.
PAST = re.compile(r"takes no metadata|files are sent as they are", re.IGNORECASE)
# In each language: that a name and a time stay, and the one thing with which they go.
STAY = {
    "en": re.compile(r"\bname and time (?:are not sent|stay)\b"),
    "es": re.compile(r"\bnombre y (?:su|la) hora (?:del archivo )?no se envían\b"),
    "pt": re.compile(r"\bnome e a hora (?:dele|do arquivo) não são enviados\b"),
}
PAGES = {
    "en": ("docs/how-to/send-a-tip.md", "docs/threat-model.md"),
    "es": ("docs/how-to/send-a-tip.es.md",),
    "pt": ("docs/how-to/send-a-tip.pt.md",),
}


def split_sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.;])\s+|\n\n|\s\|\s", text)


def test_docs_when_they_speak_of_cleaning_then_none_says_that_there_is_none() -> None:
    """A source who decides by an old sentence decides wrongly."""
    pages = [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    assert len(pages) > 30
    assert [path.name for path in pages if PAST.search(path.read_text())] == []


@pytest.mark.parametrize("language", sorted(PAGES))
def test_texts_when_a_name_and_a_time_stay_then_the_same_sentence_names_the_original(
    catalogue: ModuleType, language: str
) -> None:
    """With an untouched original both go: no sentence says the one without the other."""
    words = [
        str(message.id if language == "en" else message.string)
        for message in (catalogue.extract() if language == "en" else catalogue.read(language))
    ]
    pages = [(ROOT / name).read_text() for name in PAGES[language]]
    said = [
        sentence
        for text in (*words, *pages)
        for sentence in split_sentences(text)
        if STAY[language].search(sentence)
    ]

    assert len(said) >= 2
    assert [sentence for sentence in said if "original" not in sentence] == []
