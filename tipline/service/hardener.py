"""
The process that makes pseudonyms of seeds: `python -m tipline.service.hardener`.

A seed comes from the line that started it, with the epoch's salt behind it. Neither the number nor
the epoch's key does. Who is being served comes first: this process is of the lowest priority.
"""

from __future__ import annotations

import os
from typing import Final

from crypto.pseudonym import SEED_BYTES, harden_seed
from crypto.secret import Secret
from tipline.compute_process import compute_for_line

NICENESS: Final = 19


def harden(request: bytes) -> bytes:
    """
    Make a pseudonym.

    Args:
        request: A seed, and the epoch's salt behind it.

    Returns:
        16 bytes.
    """
    return harden_seed(Secret(request[:SEED_BYTES]), salt=request[SEED_BYTES:])


if __name__ == "__main__":
    os.nice(NICENESS)
    compute_for_line(harden)
