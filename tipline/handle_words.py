"""
Handles in the languages that a desk reads: the word lists of BIP-39.

Source: the package `mnemonic`, the reference implementation of BIP-39, which has them as data.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from typing import Final

from mnemonic import Mnemonic

from crypto.handle import format_handle

_LISTS: Final = {"en": "english", "es": "spanish", "pt": "portuguese"}


@functools.cache
def load_words(language: str) -> Sequence[str]:
    """
    Load a list of words.

    Args:
        language: One of ours.

    Returns:
        2,048 words, each accented letter as one character.
    """
    # The lists are spelled with accents apart, which some screens and every search get wrong.
    return tuple(unicodedata.normalize("NFC", word) for word in Mnemonic(_LISTS[language]).wordlist)


def speak_handle(pseudonym: bytes, language: str) -> str:
    """
    Say a pseudonym in a reader's language.

    Args:
        pseudonym: 16 bytes.
        language: One of ours.

    Returns:
        Four words with hyphens between.
    """
    return format_handle(pseudonym, words=load_words(language))
