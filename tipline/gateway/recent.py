"""
The same message, brought by a carrier a second time as something new.

A carrier that never saw our acknowledgement brings a message again. Over SMPP that copy has no mark
of its own: Kannel gives it a fresh id, and only its sender and its words tell that it is the same.

Rules:
1. The same number with the same words within `REPEATED_SECONDS` is the same message. It is given
   the first one's id, and whatever knows a message by its id knows it: so nothing is acknowledged
   that is not stored, and nothing is stored twice.
2. An order is never a copy: a second STOP ends what began after the first. And after an order the
   same words are a new message, for they may belong to a new conversation.
3. Who cannot be told from others repeats nobody: two who withhold their numbers may write the same.
   Nor has a message without words a copy: what was in it could not be read.
4. What is remembered is a hash of number and words under a key of this run, in memory, until it was
   not seen for `KEPT_SECONDS`. Of it nobody can tell who wrote what.

Limitations: whoever means to write the same words twice within these minutes has written them once.
A restart forgets; then a copy is a second message.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from tipline.gateway.keywords import find_order
from tipline.gateway.parts import mend_text

REPEATED_SECONDS: Final = 300.0  # carriers repeat within a minute or two; people wait for an answer
# Longer than between two attempts of smsbox's, which may go on for hours with the copy's own id.
KEPT_SECONDS: Final = 900.0
MAX_RECENT: Final = 10_000  # messages of all senders; the oldest is forgotten first
MAX_IDS: Final = 16  # of the copies of one message
MARK_BYTES: Final = 16
KEY_BYTES: Final = 32

_NUMBER = re.compile(r"\+?[0-9]{2,20}")


@dataclasses.dataclass(slots=True, kw_only=True)
class _Message:
    """
    A message that came a short while ago.

    Args:
        first_id: What it was called when it came first.
        sender: A mark of who wrote.
        came_at: When, in seconds.
        seen_at: When it or a copy was last brought.
        copy_ids: What copies were called.
    """

    first_id: str
    sender: bytes
    came_at: float
    seen_at: float
    copy_ids: set[str]


class RecentMessages:
    """
    The messages of one gateway that came a short while ago.

    Args:
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._key = secrets.token_bytes(KEY_BYTES)
        # The one that was not seen for longest first.
        self._messages: collections.OrderedDict[bytes, _Message] = collections.OrderedDict()
        # By sender, so that in a flood of orders nobody looks through all messages for each.
        self._of_sender: dict[bytes, set[bytes]] = {}

    def find_id(self, provider_id: str, *, sender: str, text: str) -> str:
        """
        Name a message, so that a copy has the name of what it copies.

        Args:
            provider_id: What its gateway calls it; untrusted.
            sender: Untrusted.
            text: Of a whole message; untrusted.

        Returns:
            The id that it is known by.
        """
        now = self._monotonic()
        self._forget_old(now)
        if not text or not _NUMBER.fullmatch(sender):
            return provider_id
        writer = self._mark(sender)
        if find_order(mend_text(text)) is not None:
            for mark in [*self._of_sender.get(writer, ())]:
                self._forget(mark)
            return provider_id
        mark = self._mark(sender, text)
        known = self._messages.get(mark)
        if known is None or not _is_copy(provider_id, known, now=now):
            known = _Message(
                first_id=provider_id, sender=writer, came_at=now, seen_at=now, copy_ids=set()
            )
            self._messages[mark] = known
            self._of_sender.setdefault(writer, set()).add(mark)
        known.seen_at = now
        if len(known.copy_ids) < MAX_IDS:
            known.copy_ids.add(provider_id)
        self._messages.move_to_end(mark)
        while len(self._messages) > MAX_RECENT:
            self._forget(next(iter(self._messages)))
        return known.first_id

    def _forget(self, mark: bytes) -> None:
        writer = self._messages.pop(mark).sender
        self._of_sender[writer].remove(mark)
        if not self._of_sender[writer]:
            del self._of_sender[writer]

    def _forget_old(self, now: float) -> None:
        while self._messages:
            mark, oldest = next(iter(self._messages.items()))
            if now - oldest.seen_at <= KEPT_SECONDS:
                return
            self._forget(mark)

    def _mark(self, *told: str) -> bytes:
        # Of half a character, too: hex has room for it.
        written = "\n".join(one.encode("utf-16-be", "surrogatepass").hex() for one in told)
        return hashlib.blake2b(written.encode(), key=self._key, digest_size=MARK_BYTES).digest()


def _is_copy(provider_id: str, known: _Message, *, now: float) -> bool:
    # A copy that was refused comes again with its own id, maybe after hours.
    return provider_id in known.copy_ids or now - known.came_at <= REPEATED_SECONDS
