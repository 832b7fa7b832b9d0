"""The words of errors."""

from __future__ import annotations

import string

import pytest

from tipline.doctor import TEXTS
from tipline.hints import HINTS
from tipline.language import Counted
from tipline.messages import ERRORS

ALL = [*ERRORS.values(), *HINTS.values(), *(text for pair in TEXTS.values() for text in pair)]


@pytest.mark.parametrize("text", ALL)
def test_text_when_an_error_says_it_then_it_fits_operators_and_desks(text: str | Counted) -> None:
    """One error reaches operators, desks and sources' programs: none calls its reader a desk."""
    assert "this desk" not in str(text)
    assert "your desk" not in str(text)


@pytest.mark.parametrize("text", [text for text in ALL if isinstance(text, Counted)])
def test_text_when_a_number_stands_in_it_then_both_forms_have_the_same_facts(text: Counted) -> None:
    """Singular and plural differ in words alone, and the number that decides is a fact."""
    one, many = (
        [name for _, name, _, _ in string.Formatter().parse(form) if name]
        for form in (text.one, text.many)
    )

    assert one == many
    assert text.by in many
    assert text.one != text.many
