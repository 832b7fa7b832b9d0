"""
Which slot is taken next: one drawn among many, so that its place does not tell when.

Enough slots stay free that a draw hides the order: 512, or an eighth of those in use, which is more
than a day's arrivals of a line that keeps its records for a week or longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from crypto.randomness import RandomSource
from retention.slot_steps import Purpose, Steps

MIN_FREE_SLOTS: Final = 512
FREE_SHARE: Final = 8
DRAW_BYTES: Final = 8


class Places:
    """
    The free slots of one purpose.

    Args:
        steps: The file's.
        purpose: Of these slots.
        random: Where draws come from.
        free: The slots that are free now.
        used_len: How many are not.
    """

    def __init__(
        self,
        steps: Steps,
        purpose: Purpose,
        *,
        random: RandomSource,
        free: Iterable[int],
        used_len: int,
    ) -> None:
        self._steps = steps
        self._purpose = purpose
        self._random = random
        self._free = list(free)
        self._used_len = used_len

    def take(self) -> int:
        """
        Draw a free slot.

        Returns:
            Its number; it is free no more.

        Raises:
            OSError: the file could not grow.
        """
        if len(self._free) <= max(MIN_FREE_SLOTS, self._used_len // FREE_SHARE):
            self._free.extend(self._steps.grow(self._purpose))
        drawn = int.from_bytes(self._random(DRAW_BYTES), "big") % len(self._free)
        self._free[drawn], self._free[-1] = self._free[-1], self._free[drawn]
        self._used_len += 1
        return self._free.pop()

    def give_back(self, number: int) -> None:
        """
        Take a slot back that is all zeros again.

        Args:
            number: Of the slot.
        """
        self._free.append(number)
        self._used_len -= 1
