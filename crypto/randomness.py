"""
The one place where randomness enters this package.

Functions that need it take `random: RandomSource = system_random`, so that a vector can pass
its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

RandomSource = Callable[[int], bytes]


def system_random(length: int) -> bytes:
    """
    Draw bytes from the operating system's generator.

    Args:
        length: How many bytes.

    Returns:
        *length* bytes.
    """
    return secrets.token_bytes(length)
