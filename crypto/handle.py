"""
A handle: a pseudonym as a person says it, four words of a list of 2,048.

Rules:
1. The first 44 bits of the pseudonym, 11 for each word: two of a thousand senders have the same
   handle once in thirty million times.
2. One pseudonym has one handle in each language. What is stored and compared is the pseudonym.

Source: BIP-39 has the lists of words (2,048 of each language, the first four letters tell a word).
Its checksum is not used: a handle opens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crypto.errors import MalformedError
from crypto.pseudonym import PSEUDONYM_BYTES

WORDS_LEN: Final = 2048
WORD_BITS: Final = 11
HANDLE_WORDS: Final = 4
HANDLE_BITS: Final = WORD_BITS * HANDLE_WORDS
JOINT: Final = "-"


def format_handle(pseudonym: bytes, *, words: Sequence[str]) -> str:
    """
    Say a pseudonym.

    Args:
        pseudonym: 16 bytes.
        words: 2,048 of the reader's language.

    Returns:
        Four words.
    """
    if len(pseudonym) != PSEUDONYM_BYTES or len(words) != WORDS_LEN:
        raise ValueError("a pseudonym has 16 bytes and a list 2,048 words")
    first = int.from_bytes(pseudonym) >> (8 * PSEUDONYM_BYTES - HANDLE_BITS)
    places = (
        first >> (WORD_BITS * place) & (WORDS_LEN - 1) for place in reversed(range(HANDLE_WORDS))
    )
    return JOINT.join(words[place] for place in places)


def parse_handle(untrusted: str, *, words: Sequence[str]) -> int:
    """
    Read a handle.

    Args:
        untrusted: As a person typed it: four words with a hyphen between.
        words: 2,048 of its language.

    Returns:
        The first 44 bits of the pseudonym.

    Raises:
        MalformedError: not four words of the list.
    """
    if len(words) != WORDS_LEN:
        raise ValueError("a list has 2,048 words")
    said = untrusted.split(JOINT)
    if len(said) != HANDLE_WORDS:
        raise MalformedError("handle")
    places = {word: place for place, word in enumerate(words)}
    bits = 0
    for word in said:
        if word not in places:
            raise MalformedError("handle")
        bits = bits << WORD_BITS | places[word]
    return bits
