"""The words of errors."""

from __future__ import annotations

import pytest

from tipline.messages import ERRORS, HINTS


@pytest.mark.parametrize("text", [*ERRORS.values(), *HINTS.values()])
def test_text_when_an_error_says_it_then_it_fits_operators_and_desks(text: str) -> None:
    """One error reaches operators, desks and sources' programs: none calls its reader a desk."""
    assert "this desk" not in text
    assert "your desk" not in text
