"""The one place where randomness enters."""

from __future__ import annotations

import pytest

from crypto.randomness import system_random


@pytest.mark.parametrize("length", [0, 1, 16, 32, 1000])
def test_random_when_asked_then_it_gives_as_many_bytes(length: int) -> None:
    """The length is the one asked for."""
    assert len(system_random(length)) == length


def test_random_when_asked_twice_then_the_bytes_differ() -> None:
    """Nothing is given twice."""
    assert len({system_random(16) for _ in range(1000)}) == 1000
