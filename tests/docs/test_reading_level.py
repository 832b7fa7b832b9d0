"""
What a source reads is as easy to read as a newspaper, in every language.

Measured are the texts of the page (the catalogue's texts that stand in its templates) and the pages
for sources: no sentence is long, and the reading ease over all of them is at least that of a
newspaper.

Source:
    Flesch 1948 for English (60 to 70: plain English). Szigriszt-Pazos 1993 with Barrio's INFLESZ
    scale for Spanish (55 to 65: normal, general newspapers). Martins et al. 1996 for Portuguese
    (50 to 75: fairly easy).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SENTENCE_WORDS = 30

EASE: dict[str, Callable[[float, float], float]] = {
    # (syllables per word, words per sentence) -> ease
    "en": lambda syllables, words: 206.835 - 84.6 * syllables - 1.015 * words,
    "es": lambda syllables, words: 206.835 - 62.3 * syllables - words,
    "pt": lambda syllables, words: 248.835 - 84.6 * syllables - 1.015 * words,
}
LEAST_EASE = {"en": 60, "es": 55, "pt": 50}
VOWELS = {
    "en": re.compile(r"[aeiouy]+"),
    # A weak vowel joins the strong one beside it; an accented weak one is a syllable.
    "es": re.compile(r"[iuü]?[aeoáéó][iuüy]?(?![aeoáéó])|[iuü]?[aeoáéóíú]|[iuüíúy]+"),
    "pt": re.compile(r"[iu]?[aeoáéóâêôãõà][iu]?|[íú]|[iu]+"),
}
# Letters that are written and not spoken, or two that are one sound.
SPELLINGS = {
    "en": ((r"(?:(?<=[^laeiouy])es|(?<=[^td])ed|(?<=[^laeiouy])e)$", ""),),
    "es": ((r"qu", "k"), (r"gu(?=[eiéí])", "g")),
    "pt": ((r"qu(?=[eiéí])", "k"), (r"gu(?=[eiéí])", "g"), (r"ão|ãe", "ã"), (r"õe", "õ")),
}
SOURCE_PAGES = {
    "en": "docs/how-to/send-a-tip.md",
    "es": "docs/how-to/send-a-tip.es.md",
    "pt": "docs/how-to/send-a-tip.pt.md",
}


def count_syllables(word: str, language: str) -> int:
    word = word.lower()
    if len(word) > 2:
        for written, spoken in SPELLINGS[language]:
            word = re.sub(written, spoken, word)
    return max(1, len(VOWELS[language].findall(word)))


def split_sentences(text: str) -> list[list[str]]:
    pieces = re.split(r"[.!?:;]+(?:\s|$)|\n\s*\n|\n(?:[-|#]|[0-9]\.) ?|\|", text)
    sentences = [re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", piece) for piece in pieces]
    return [sentence for sentence in sentences if sentence]


def measure_ease(sentences: list[list[str]], language: str) -> float:
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(count_syllables(word, language) for word in words)
    return EASE[language](syllables / len(words), len(words) / len(sentences))


def texts_of(catalogue: ModuleType, language: str) -> list[str]:
    """Return the page's texts, placeholders as one word, then the page for sources."""
    template = catalogue.extract()
    catalog = template if language == "en" else catalogue.read(language)
    texts = []
    for message in template:
        if any("page/templates" in name for name, _ in message.locations):
            text = message.id if language == "en" else catalog[message.id].string
            texts.append(re.sub(r"\{\w+\}", "x", text))
    page = (ROOT / SOURCE_PAGES[language]).read_text()
    page = re.sub(r"\]\([^)]*\)", "]", page).replace("[", "").replace("]", "")
    return [*texts, page]


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_texts_when_measured_then_no_sentence_is_long(catalogue: ModuleType, language: str) -> None:
    """A sentence that a source reads in fear is short."""
    long = [
        " ".join(sentence)
        for text in texts_of(catalogue, language)
        for sentence in split_sentences(text)
        if len(sentence) > LONGEST_SENTENCE_WORDS
    ]

    assert long == []


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_texts_when_measured_then_they_read_like_a_newspaper(
    catalogue: ModuleType, language: str
) -> None:
    """Over all that a source reads, the reading ease is at least a newspaper's."""
    sentences = [
        sentence
        for text in texts_of(catalogue, language)
        for sentence in split_sentences(text)
        if len(sentence) > 2  # a label is not a sentence, and would flatter the average
    ]

    assert len(sentences) > 40
    assert measure_ease(sentences, language) >= LEAST_EASE[language]


OFFICIALESE = {
    "en": "The confidentiality of communications regarding irregularities necessitates"
    " comprehensive organisational preparation and unconditional institutional accountability.",
    "es": "La confidencialidad de las comunicaciones relativas a irregularidades requiere una"
    " preparación organizativa exhaustiva y responsabilidad institucional incondicional.",
    "pt": "A confidencialidade das comunicações relativas a irregularidades requer preparação"
    " organizacional exaustiva e responsabilidade institucional incondicional.",
}


@pytest.mark.parametrize("language", ["en", "es", "pt"])
def test_ease_when_the_text_is_officialese_then_it_is_below_the_bound(language: str) -> None:
    """The measure notices the language of offices."""
    assert measure_ease(split_sentences(OFFICIALESE[language]), language) < LEAST_EASE[language]


@pytest.mark.parametrize(
    ("language", "word", "syllables"),
    [
        ("en", "tip", 1),
        ("en", "sealed", 1),
        ("en", "arrived", 2),
        ("en", "nobody", 3),
        ("es", "aviso", 3),
        ("es", "quien", 1),
        ("es", "todavía", 4),
        ("es", "oficina", 4),
        ("pt", "relato", 3),
        ("pt", "aparelho", 4),
        ("pt", "não", 1),
        ("pt", "relógio", 3),
    ],
)
def test_syllables_when_counted_then_they_are_those_of_the_word(
    language: str, word: str, syllables: int
) -> None:
    """The count is right for words of the page."""
    assert count_syllables(word, language) == syllables
