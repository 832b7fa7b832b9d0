"""The process that makes pseudonyms, at a cost at which a million numbers can be tried today."""

from __future__ import annotations

from typing import Final

from crypto import pseudonym
from tipline.compute_process import compute_for_line
from tipline.service.hardener import harden

LEAST_MEMORY_KIB: Final = 8  # what Argon2id takes at least

if __name__ == "__main__":
    pseudonym.MEMORY_KIB = LEAST_MEMORY_KIB  # type: ignore[misc]
    compute_for_line(harden)
