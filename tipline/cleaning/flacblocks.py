"""The blocks before the sound in FLAC (RFC 9639 section 8), alone and in Ogg."""

from __future__ import annotations

from typing import Final

from tipline.cleaning.comments import find_comment_kinds
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind

BLOCK_HEAD_BYTES: Final = 4
BLOCK_TYPE: Final = 0x7F
LAST_BLOCK: Final = 0x80
STREAMINFO: Final = 0
STREAMINFO_BYTES: Final = 34
COMMENTS: Final = 4

_PICTURE: Final = 6
_LEAST_SAMPLES: Final = 16  # of a block


def check_streaminfo(untrusted: bytes) -> None:
    """
    Hold that STREAMINFO says what can be.

    Args:
        untrusted: 34 bytes.

    Raises:
        RefusedError: it does not.
    """
    least, most = (int.from_bytes(untrusted[at : at + 2], "big") for at in (0, 2))
    rate_hz = int.from_bytes(untrusted[10:13], "big") >> 4
    bit_len = (int.from_bytes(untrusted[12:14], "big") >> 4 & 31) + 1
    if not _LEAST_SAMPLES <= least <= most or not rate_hz or bit_len < 4:
        raise RefusedError(Reason.MALFORMED)


def find_block_kinds(mark: int, untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in a block that goes.

    Args:
        mark: Its first byte, that says its type.
        untrusted: Its content, or the beginning of it.

    Returns:
        None for comments that are empty.
    """
    if mark & BLOCK_TYPE == COMMENTS:
        return find_comment_kinds(untrusted)
    return frozenset({Kind.PREVIEW if mark & BLOCK_TYPE == _PICTURE else Kind.OTHER})
