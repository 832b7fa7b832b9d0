"""Checksums of Ogg: computed in two ways, and carried over zeros."""

from __future__ import annotations

import random

import pytest

from tests.sounds import checksum
from tipline.cleaning.oggsums import add_zeros, compute_checksum


@pytest.mark.parametrize("length", [0, 1, 2, 27, 1000])
def test_checksum_when_computed_by_zlib_then_it_is_that_of_every_single_bit(length: int) -> None:
    """The two ways to compute it agree."""
    data = random.Random(length).randbytes(length)

    assert compute_checksum(data) == checksum(data)


@pytest.mark.parametrize("length", [0, 1, 2, 3, 255, 4096, 65_307, 131_071])
def test_zeros_when_they_are_passed_then_it_is_as_if_they_had_been_summed(length: int) -> None:
    """Every length that a page can have."""
    data = random.Random(length).randbytes(8)

    assert add_zeros(compute_checksum(data), length) == compute_checksum(data + bytes(length))
