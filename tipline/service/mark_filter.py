"""
Tells of most messages, without the database, that they never came: a Bloom filter of their marks.

Most messages are new. Looking each up in the database waits for a commit of others and costs what a
third of storing it costs; a look here costs some microseconds, and errs to one side only.

Rules:
1. What was noted is always said to be there, perhaps. So a message is noted before it is stored.
2. Perhaps is no answer: then the database is asked. Nothing is acknowledged for what stands here.

Limitations: half a megabyte for each day on which marks die. One in a hundred new messages is
looked up for nothing when a day has 400,000, and all of them when it has many millions.

Source: B. H. Bloom, "Space/time trade-offs in hash coding with allowable errors", 1970. The marks
are keyed hashes: their own bytes are the hash functions.
"""

from __future__ import annotations

from typing import Final

FILTER_BITS: Final = 1 << 22
_MASK: Final = FILTER_BITS - 1
_PROBE_BYTES: Final = 4
_PROBES: Final = range(0, 4 * _PROBE_BYTES, _PROBE_BYTES)


class MarkFilter:
    """The marks of messages that die on one day."""

    def __init__(self) -> None:
        self._bits = bytearray(FILTER_BITS // 8)

    def add(self, mark: bytes) -> None:
        """
        Note a mark.

        Args:
            mark: At least 16 bytes, of a keyed hash.
        """
        for at in _PROBES:
            bit = int.from_bytes(mark[at : at + _PROBE_BYTES]) & _MASK
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def may_have(self, mark: bytes) -> bool:
        """
        Tell whether a mark may have been noted.

        Args:
            mark: It.

        Returns:
            False only if it was not.
        """
        for at in _PROBES:
            bit = int.from_bytes(mark[at : at + _PROBE_BYTES]) & _MASK
            if not self._bits[bit >> 3] & (1 << (bit & 7)):
                return False
        return True
