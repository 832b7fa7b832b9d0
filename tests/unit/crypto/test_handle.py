"""Handles: pseudonyms as words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import MalformedError
from crypto.handle import HANDLE_BITS, WORDS_LEN, format_handle, parse_handle

WORDS = tuple(f"w{number}" for number in range(WORDS_LEN))


def test_handle_when_formatted_then_each_word_has_eleven_bits_in_order() -> None:
    """44 bits, most significant first, and the rest of the pseudonym is not said."""
    bits = (1 << 33) | (2 << 22) | (3 << 11) | 2047
    pseudonym = (bits << (128 - HANDLE_BITS)).to_bytes(16)

    assert format_handle(pseudonym, words=WORDS) == "w1-w2-w3-w2047"
    assert parse_handle("w1-w2-w3-w2047", words=WORDS) == bits


def test_handle_when_counted_then_it_has_the_bits_that_were_promised() -> None:
    """At least 44 bits."""
    assert HANDLE_BITS >= 44


@given(st.binary(min_size=16, max_size=16))
def test_handle_when_read_back_then_it_is_the_start_of_its_pseudonym(pseudonym: bytes) -> None:
    """What a person types finds whom the screen showed."""
    said = format_handle(pseudonym, words=WORDS)

    assert parse_handle(said, words=WORDS) == int.from_bytes(pseudonym) >> 84
    assert said.count("-") == 3


@pytest.mark.parametrize("untrusted", ["", "w1", "w1-w2-w3", "w1-w2-w3-w4-w5", "w1-w2-w3-x", "---"])
def test_handle_when_it_is_not_four_words_of_the_list_then_it_is_refused(untrusted: str) -> None:
    """A word that is not in the list is named by nobody."""
    with pytest.raises(MalformedError):
        parse_handle(untrusted, words=WORDS)


def test_handle_when_the_list_or_pseudonym_is_short_then_the_caller_is_wrong() -> None:
    """A list of another length is none of ours."""
    with pytest.raises(ValueError, match="2,048"):
        format_handle(bytes(16), words=WORDS[1:])
    with pytest.raises(ValueError, match="16 bytes"):
        format_handle(bytes(15), words=WORDS)
    with pytest.raises(ValueError, match="2,048"):
        parse_handle("w1-w2-w3-w4", words=WORDS[1:])
