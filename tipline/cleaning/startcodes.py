"""
MPEG-4 video (ISO/IEC 14496-2): parts that begin with 00 00 01 and a byte that says what they are.

One of them is a text for whoever likes to write one (user data): encoders leave their names there.
It goes, up to where the next part begins.
"""

from __future__ import annotations

from typing import Final

_PREFIX: Final = b"\0\0\1"
_USER_DATA: Final = b"\0\0\1\xb2"


def filter_user_data(untrusted: bytes) -> bytes:
    """
    Take the texts out.

    Args:
        untrusted: A configuration or a sample.

    Returns:
        All else of it, as it was.
    """
    kept = []
    start = 0
    while (found := untrusted.find(_USER_DATA, start)) >= 0:
        kept.append(untrusted[start:found])
        following = untrusted.find(_PREFIX, found + len(_USER_DATA))
        start = len(untrusted) if following < 0 else following
    kept.append(untrusted[start:])
    return b"".join(kept)
