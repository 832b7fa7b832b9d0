"""What a person who watches sees: each step with the time since the start."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from tipline.console import Console

WIDTH: Final = 8  # "123.4 s " and a margin: more than an hour is not shown well, and need not be


class Timeline:
    """
    Tells steps as they are done.

    Args:
        console: Where.
        as_json: One JSON object a line, for a machine.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        console: Console,
        *,
        as_json: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._as_json = as_json
        self._monotonic = monotonic
        self._began_at = monotonic()

    def step(self, name: str, text: str, **facts: str | int | float | None) -> None:
        """
        Tell that a step is done.

        Args:
            name: For machines; never renamed.
            text: For people, already translated.
            facts: For machines.
        """
        seconds = self._monotonic() - self._began_at
        if self._as_json:
            self._console.print_json({"step": name, "seconds": round(seconds, 2), **facts})
        else:
            first, *rest = text.split("\n")
            self._console.print(f"{seconds:{WIDTH - 2}.1f} s  {first}")
            for line in rest:
                self.tell(line)

    def tell(self, text: str = "") -> None:
        """
        Tell something that belongs to the step before. Machines are not told.

        Args:
            text: For people, already translated.
        """
        if not self._as_json:
            self._console.print(" " * (WIDTH + 2) + text if text else "")
