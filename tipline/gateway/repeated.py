"""
Parts that a carrier brings again, under another id, after their message was stored.

Rules:
1. A part is the same if gateway, sender, reference, number, count and text are. What is remembered
   is a hash of these under a key of this run, in memory: of it nobody can tell who wrote what.
2. A message of which every part was stored with another one is no second message. One of whose
   parts is new is: then all of it is kept, for a reference of one byte comes round again.
3. It is remembered for so long that a part that comes again within `WAIT` is still known when it
   has waited for others as long; then it is forgotten, and so it is when the line ends.

Limitations: of a whole message that comes again under another id nothing is remembered: a sender
may write the same twice, and mean it.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import Final

from tipline.gateway.parts import WAIT, Piece, Whole

REMEMBERED: Final = 2 * WAIT
MAX_REMEMBERED: Final = 20_000  # parts of all senders: some 3 MiB; the oldest is forgotten first
MARK_BYTES: Final = 16
KEY_BYTES: Final = 32


class StoredParts:
    """The parts of messages that were stored a short while ago."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)
        self._marks: dict[bytes, datetime.datetime] = {}  # the oldest first

    def note(self, whole: Whole, *, now: datetime.datetime) -> None:
        """
        Remember the parts of a message.

        Args:
            whole: Stored.
            now: Aware.
        """
        for piece in whole.pieces:
            mark = self._make_mark(piece)
            self._marks.pop(mark, None)  # its place is behind the others
            self._marks[mark] = now
        while len(self._marks) > MAX_REMEMBERED:
            del self._marks[next(iter(self._marks))]

    def has(self, whole: Whole, *, now: datetime.datetime) -> bool:
        """
        Tell whether nothing of a message is new.

        Args:
            whole: About to be stored.
            now: Aware.

        Returns:
            Whether it has parts, and each of them was stored with a message before.
        """
        for mark in [mark for mark, at in self._marks.items() if now - at > REMEMBERED]:
            del self._marks[mark]
        return bool(whole.pieces) and all(
            self._make_mark(piece) in self._marks for piece in whole.pieces
        )

    def _make_mark(self, piece: Piece) -> bytes:
        incoming, part = piece.incoming, piece.incoming.part
        if part is None:
            raise ValueError("no part")
        told = [incoming.gateway, piece.sender, part.reference, part.number, part.of, incoming.text]
        # Of half a character, too: hex has room for it.
        written = "\n".join(str(one).encode("utf-16-be", "surrogatepass").hex() for one in told)
        return hashlib.blake2b(written.encode(), key=self._key, digest_size=MARK_BYTES).digest()
