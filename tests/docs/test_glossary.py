"""One word per thing, in every language: the glossary's words are those of the catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Things that have one name. Words that mean something else besides ("hold", "file") are left out.
NAMED = {
    "bundle",
    "channel",
    "desk root",
    "envelope",
    "identity",
    "keyset",
    "offline workstation",
    "passphrase",
    "reader",
    "recipient",
    "tip",
    "vault",
}
# What a glossary forbids: other words for the same things, and words of one country only.
FORBIDDEN = {
    "es": re.compile(
        r"\b(?:denuncias?|informes?|fichero|ordenador|contraseña|keyset|carpeta)", re.IGNORECASE
    ),
    "pt": re.compile(
        r"\b(?:denúncias?|ficheiro|ecrã|palavra-passe|senha|keyset|utilizador|pasta)\b",
        re.IGNORECASE,
    ),
}


def terms() -> dict[str, dict[str, str]]:
    """Return the glossary: English word, then its word in each language."""
    page = (ROOT / "docs" / "reference" / "glossary.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|", page, re.MULTILINE)
    return {
        english.strip(): {"es": spanish.strip(), "pt": portuguese.strip()}
        for english, spanish, portuguese in rows
    }


def stem(word: str) -> str:
    """Cut the endings and leave out articles, so that plural and feminine match too."""
    long = [part for part in word.split(" ") if len(part) > 3]
    return r"\w* .*".join(re.escape(part[: max(4, len(part) - 2)]) for part in long)


def strip_names(text: str) -> str:
    """Leave out what is not translated: placeholders, commands, options, file names."""
    return re.sub(r"\{\w+\}|`[^`]*`|\S+\.(?:toml|md)|--\S+|tipline(?: [a-z]\w*)+", "", text)


def says(text: str, english: str) -> bool:
    text = strip_names(text)
    plural = english[:-1] + "ies" if english.endswith("y") else english + "s"
    return bool(re.search(rf"\b(?:{english}|{plural})\b", text, re.IGNORECASE))


def find_drift(english: str, text: str, translation: str, language: str) -> bool:
    """Tell whether *text* names a thing whose word the translation does not use."""
    word = terms()[english][language]
    return says(text, english) and not re.search(stem(word), translation, re.IGNORECASE)


@pytest.mark.parametrize("language", ["es", "pt"])
@pytest.mark.parametrize("english", sorted(NAMED))
def test_word_when_a_text_names_the_thing_then_the_translation_uses_its_word(
    catalogue: ModuleType, english: str, language: str
) -> None:
    """A thing has the same name on every screen."""
    drifted = [
        (message.id, message.string)
        for message in catalogue.read(language)
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and find_drift(english, message.id, message.string, language)
    ]

    assert drifted == []


@pytest.mark.parametrize("language", ["es", "pt"])
def test_words_when_the_glossary_has_another_then_they_are_not_used(
    catalogue: ModuleType, language: str
) -> None:
    """No second word for a thing, and no word that only one country understands."""
    found = [
        message.string
        for message in catalogue.read(language)
        if message.id and FORBIDDEN[language].search(strip_names(str(message.string)))
    ]

    assert found == []


def test_drift_when_another_word_is_used_then_it_is_seen() -> None:
    """The comparison can fail, and sees plurals."""
    assert find_drift("tip", "two tips", "dos denuncias", "es")
    assert not find_drift("tip", "two tips", "dos avisos", "es")
    assert not find_drift("tip", "a tiptoe", "de puntillas", "es")
    assert find_drift("identity", "identities", "identificaciones", "es")
