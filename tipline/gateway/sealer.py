"""
The process that seals messages: `python -m tipline.gateway.sealer`.

It gets text and number of a message and the readers' public keys from the line that started it, and
gives back the envelope.
"""

from __future__ import annotations

import pickle

from tipline.compute_process import compute_for_line
from tipline.gateway.sealing import seal_message


def _seal(request: bytes) -> bytes:
    # What is unpickled comes from the line itself, and from nobody else.
    return seal_message(pickle.loads(request))  # noqa: S301


if __name__ == "__main__":
    compute_for_line(_seal)
