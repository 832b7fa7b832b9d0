"""Measures of a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tipline.rendering.answers import MAX_PAGE_PIXELS, MAX_SIDE
from tipline.rendering.images import fit

sides = st.floats(1e-3, 1e9)


@given(width=sides, height=sides)
def test_measures_when_of_any_size_then_they_fit_on_a_page(width: float, height: float) -> None:
    """No page is larger than what is taken outside, and none is empty."""
    fitted = fit(width, height)
    assert min(fitted) >= 1
    assert max(fitted) <= MAX_SIDE
    assert fitted[0] * fitted[1] <= MAX_PAGE_PIXELS


@pytest.mark.parametrize("size", [(1, 1), (4000, 3000), (MAX_SIDE, 2)])
def test_measures_when_they_fit_then_they_are_left(size: tuple[int, int]) -> None:
    """A photo is shown in full."""
    assert fit(*size) == size
