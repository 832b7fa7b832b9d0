"""
Parts that a carrier brings again, under another id, after their message was stored.

Rules:
1. A part is the same if gateway, sender, reference, number, count and text are. What is remembered
   is a hash of these under a key of this run, in memory: of it nobody can tell who wrote what.
2. A message of which every part was stored with another one is no second message. One of whose
   parts is new is: then all of it is kept, for a reference of one byte comes round again.
3. What is being stored counts as stored, from the moment when it is claimed: a carrier repeats when
   storing is slow. It lies in the rows of its parts; if it cannot be stored, its claim is released,
   and it is tried again.
4. It is remembered for so long that a part that comes again within `WAIT` is still known when it
   has waited for others as long; then it is forgotten, and so it is when the line ends.

Limitations: of a whole message that comes again under another id nothing is remembered here: a
sender may write the same twice, and mean it. Where no id can be relied on, see `recent.py`.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from collections import Counter
from typing import Final

from tipline.gateway.parts import WAIT, Piece, Whole

# What waits is looked at a little later than it is due.
REMEMBERED: Final = 2 * WAIT + datetime.timedelta(minutes=1)
MAX_REMEMBERED: Final = 20_000  # parts of all senders: some 3 MiB; the oldest is forgotten first
MARK_BYTES: Final = 16
KEY_BYTES: Final = 32


class StoredParts:
    """The parts of messages that were stored a short while ago."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(KEY_BYTES)
        self._marks: dict[bytes, datetime.datetime] = {}  # the oldest first
        self._claimed: Counter[bytes] = Counter()  # of what is being stored

    def claim(self, whole: Whole, *, now: datetime.datetime) -> bool:
        """
        Claim a message for who is about to store it.

        Args:
            whole: Its parts lie in their rows.
            now: Aware.

        Returns:
            Whether it is to be stored, and released then. Else nothing of it is new.
        """
        if self.has(whole, now=now):
            return False
        self._claimed.update(self._make_mark(piece) for piece in whole.pieces)
        return True

    def release(self, whole: Whole) -> None:
        """
        Give back a claim.

        Args:
            whole: Claimed; noted before, if it was stored.
        """
        for piece in whole.pieces:
            mark = self._make_mark(piece)
            self._claimed[mark] -= 1
            if not self._claimed[mark]:
                del self._claimed[mark]

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
            Whether it has parts, and each of them was stored with a message before, or is being
            stored.
        """
        while self._marks and now - self._marks[next(iter(self._marks))] > REMEMBERED:
            del self._marks[next(iter(self._marks))]
        marks = [self._make_mark(piece) for piece in whole.pieces]
        return bool(marks) and all(mark in self._marks or mark in self._claimed for mark in marks)

    def _make_mark(self, piece: Piece) -> bytes:
        incoming, part = piece.incoming, piece.incoming.part
        if part is None:
            raise ValueError("no part")
        told = [incoming.gateway, piece.sender, part.reference, part.number, part.of, incoming.text]
        # Of half a character, too: hex has room for it.
        written = "\n".join(str(one).encode("utf-16-be", "surrogatepass").hex() for one in told)
        return hashlib.blake2b(written.encode(), key=self._key, digest_size=MARK_BYTES).digest()
