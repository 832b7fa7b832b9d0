"""
Vorbis comments: what is said beside the sound in Ogg and FLAC. Looked at for kinds, then they go.

A list of `NAME=value` behind the name of the program that wrote it.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.plan import Kind
from tipline.cleaning.rules import COMMENT_KINDS

MAX_COMMENTS: Final = 1_000  # an album's track has about twenty
EMPTY_COMMENTS: Final = bytes(8)  # no program, no comments
MAX_NAME_BYTES: Final = 64

_LENGTH_BYTES: Final = 4


def find_comment_kinds(untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in a list of comments.

    Args:
        untrusted: From the length of the program's name on; may be cut.

    Returns:
        None if there is nothing; `Kind.OTHER` for what is not known.
    """
    if untrusted == EMPTY_COMMENTS:
        return frozenset()
    found: set[Kind] = set()
    program_len = int.from_bytes(untrusted[:_LENGTH_BYTES], "little")
    if program_len:
        found.add(Kind.SOFTWARE)
    offset = _LENGTH_BYTES + program_len + _LENGTH_BYTES
    for _ in range(MAX_COMMENTS):
        start = offset + _LENGTH_BYTES
        if start >= len(untrusted):
            break
        name = untrusted[start : start + MAX_NAME_BYTES].partition(b"=")[0]
        found |= find_name_kinds(name)
        offset = start + int.from_bytes(untrusted[offset:start], "little")
    return frozenset(found or {Kind.OTHER})


def find_name_kinds(untrusted_name: bytes) -> frozenset[Kind]:
    """
    Find the kinds that the name of a comment stands for.

    Args:
        untrusted_name: Of a Vorbis comment, or of an item of APE.

    Returns:
        `Kind.OTHER` if it is not known.
    """
    return COMMENT_KINDS.get(untrusted_name.upper(), frozenset({Kind.OTHER}))
