"""The words of handles."""

from __future__ import annotations

import unicodedata

import pytest

from crypto.handle import parse_handle
from tipline.handle_words import load_words, speak_handle
from tipline.language import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_when_loaded_then_each_language_has_its_own_list(language: str) -> None:
    """2,048 different words, each as a person types it."""
    words = load_words(language)

    assert len(set(words)) == 2048
    assert all(unicodedata.is_normalized("NFC", word) and word.isalpha() for word in words)


def test_handle_when_spoken_then_every_language_says_the_same_bits() -> None:
    """Two desks with two languages speak of one sender."""
    pseudonym = bytes(range(100, 116))
    said = {language: speak_handle(pseudonym, language) for language in LANGUAGES}

    assert said == {
        "en": "good-clinic-oil-speak",
        "es": "gloria-careta-neto-salero",
        "pt": "fandango-buzina-maroto-ressaca",
    }
    bits = {parse_handle(text, words=load_words(language)) for language, text in said.items()}
    assert bits == {int.from_bytes(pseudonym) >> 84}
