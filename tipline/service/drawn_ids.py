"""
Random ids, drawn many at once.

Each draw is a call of the kernel's, during which Python lets another thread run, and the loop waits
to come back. A message needs four ids.

The next ids lie in memory. They are no secrets; but a machine that is cloned, or begun twice from
one snapshot, gives them twice. So what is a nonce as well is drawn when it is needed.
"""

from __future__ import annotations

from typing import Final

from crypto.randomness import RandomSource

ID_BYTES: Final = 16
_AT_ONCE: Final = 256


class DrawnIds:
    """
    Draws ids; used in one thread.

    Args:
        random: Where they come from.
    """

    def __init__(self, random: RandomSource) -> None:
        self._random = random
        self._ids: list[bytes] = []

    def draw(self) -> bytes:
        """
        Give an id.

        Returns:
            16 random bytes, which nothing else has.
        """
        if not self._ids:
            drawn = self._random(ID_BYTES * _AT_ONCE)
            self._ids = [drawn[at : at + ID_BYTES] for at in range(0, len(drawn), ID_BYTES)]
        return self._ids.pop()

    def draw_nonce(self) -> bytes:
        """
        Draw an id under which something is sealed.

        Returns:
            16 random bytes that nobody had before.
        """
        return self._random(ID_BYTES)
