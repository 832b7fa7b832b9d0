"""
Long messages come in parts: out of order, twice, or not at all.

Rules:
1. Parts belong together by gateway, sender, reference and number of parts. The reference is one
   byte on most networks and comes round again: a part that is there with another text begins a new
   message, and the old one goes as it is.
2. Each part is stored before it is acknowledged; what waits here is a copy in memory.
3. What is not complete after `WAIT` goes as it is, and says which parts are missing.
   What could not be stored as a message waits apart: no other part is joined to it.
4. So many parts wait, of one sender fewer; with more the gateway is told to come back. When all
   places are taken, the sender with the most of them makes room for another: the oldest of its
   messages goes as it is. When nobody has many more than the newcomer, an older message of its own
   goes, and if it has none, the one that waits longest of all: ten thousand numbers with a part
   each keep no long message out. The part that completes a message needs no place.
5. A character may be cut in two between parts: its halves are put together again, and a half alone
   is shown as one that cannot be read.
6. What a network told of a message before it brought it waits as a part does. The message itself
   takes the place of what told its words, else of what told none, the oldest of the same gateway
   and sender first. What told other words is of another message, maybe somebody else's. What is
   still there after `WAIT` goes as a message of which a file is missing.
7. A part says whose readers it is for: its gateway may be taken out of the line before the rest
   comes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tipline.gateway.incoming import NO_FILE, Incoming, Medium, Part
from tipline.gateway.settings import GatewaySettings, Kind
from tipline.gateway.turns import CrowdedError, TooManyError

WAIT: Final = datetime.timedelta(minutes=10)  # networks deliver the rest within one, or never
MAX_PIECES: Final = 10_000  # of all senders, in memory: a few MiB
MAX_PIECES_OF_ONE: Final = 300  # one message of the greatest length, and a little more
# Of all who withhold their number, or whose number cannot be read: nobody tells them apart.
MAX_PIECES_OF_UNNAMED: Final = 3000
MISSING_MARK: Final = "[…]"  # where a part should be


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """
    A part that waits for the others.

    Args:
        id: Of its row in the store.
        incoming: The part; its `part` is there.
        sender: In one spelling, so that the same sender is the same.
        channel: Of its gateway when it came.
        language: The same.
    """

    id: bytes
    incoming: Incoming
    sender: str = dataclasses.field(repr=False)
    channel: str
    language: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """
    A message of parts, complete or not.

    Args:
        incoming: The message: the text of all parts, the first part's time and id.
        pieces: Their rows go when it is stored.
        missing: The parts that never came, rising.
    """

    incoming: Incoming
    pieces: tuple[Piece, ...]
    missing: tuple[int, ...]

    def list_provider_ids(self) -> list[str]:
        """
        List all ids under which its provider may bring it again.

        Returns:
            Of the message, and of each part.
        """
        return [self.incoming.provider_id, *(piece.incoming.provider_id for piece in self.pieces)]


_Key = tuple[str, str, str, int]


class Joining:
    """The parts that wait, in memory."""

    def __init__(self) -> None:
        self._waiting: dict[_Key, dict[int, Piece]] = {}
        self._unstored: list[Whole] = []
        self._under_way: list[Whole] = []  # handed out, and not stored yet
        self._ended: list[Whole] = []  # of these and of the unstored: whose sender said STOP since
        self._of_sender: Counter[str] = Counter()
        # The same by number: in a flood the greatest is asked for with each part.
        self._senders_with: dict[int, dict[str, None]] = {}
        self._len = 0

    def make_room(
        self, incoming: Incoming, *, sender: str, limit: int = MAX_PIECES_OF_ONE
    ) -> list[Whole]:
        """
        Make room for a part before it is stored.

        Args:
            incoming: The part.
            sender: In one spelling.
            limit: How many of this sender wait at most.

        Returns:
            What goes as it is to make room; none if there is room.

        Raises:
            TooManyError: too many of this sender.
            CrowdedError: too many of all, and nothing can go.
        """
        part = _part_of(incoming)
        key = _key_of(incoming, sender)
        waiting = self._waiting.get(key, {})
        if len(waiting) == part.of - 1 and part.number not in waiting:
            return []  # it takes no place, and gives back those of the others
        if self._of_sender[sender] >= limit:
            raise TooManyError
        if self._len < MAX_PIECES:
            return []
        count = max(self._senders_with)
        if count > self._of_sender[sender] + 1:
            longest = next(iter(self._senders_with[count]))
            theirs = [one for one in self._waiting if one[1] == longest]
            if not theirs:
                raise CrowdedError  # nothing of it can be stored at the moment
            return [self._take(min(theirs, key=self._find_oldest))]
        # They stand in the order in which they came here, which no sender can choose. The message
        # that the part belongs to stays: else the rest of a long one would push out its beginning.
        has_others = self._of_sender[sender] > len(waiting)
        own = (one for one in self._waiting if one[1] == sender and one != key)
        others = (one for one in self._waiting if one != key)
        oldest = (next(own, None) if has_others else None) or next(others, None)
        if oldest is None:
            raise CrowdedError
        return [self._take(oldest)]

    def has(self, incoming: Incoming, *, sender: str) -> bool:
        """
        Tell whether this very part waits already: a gateway sent it twice, under two ids.

        Args:
            incoming: With its part.
            sender: In one spelling.

        Returns:
            Whether.
        """
        key, part = _key_of(incoming, sender), _part_of(incoming)
        known = self._waiting.get(key, {}).get(part.number)
        if known is not None and known.incoming.text == incoming.text:
            return True
        return any(
            _key_of(piece.incoming, piece.sender) == key
            and _part_of(piece.incoming).number == part.number
            and piece.incoming.text == incoming.text
            for whole in self._unstored
            for piece in whole.pieces
        )

    def add(self, piece: Piece) -> list[Whole]:
        """
        Take a part.

        Args:
            piece: Stored.

        Returns:
            The message, if it is complete now; and before it an older one that it pushed out.
        """
        key, part = _key_of(piece.incoming, piece.sender), _part_of(piece.incoming)
        wholes = []
        if part.number in self._waiting.get(key, {}):
            wholes.append(self._take(key))
        waiting = self._waiting.setdefault(key, {})
        waiting[part.number] = piece
        self._count([piece])
        if len(waiting) == part.of:
            wholes.append(self._take(key))
        return wholes

    @contextlib.contextmanager
    def replace_announcement(
        self, incoming: Incoming, *, sender: str
    ) -> Iterator[tuple[Piece, ...]]:
        """
        Take what told of a message that came now: its row goes when the message is stored.

        If the message cannot be stored, what told of it waits on.

        Args:
            incoming: The message, whole.
            sender: In one spelling.

        Yields:
            The announcement; nothing if none waits.
        """
        key = self._find_announcement(incoming, sender)
        if key is None:
            yield ()
            return
        waiting = self._waiting.pop(key)
        pieces = tuple(waiting.values())
        self._discount(pieces)
        try:
            yield pieces
        except BaseException:
            if key in self._waiting:
                # Its network told of it again meanwhile: of the two rows one is enough.
                self.put_back(self._join(key, waiting))
            else:
                self._waiting = {key: waiting, **self._waiting}
                self._count(pieces)
            raise

    def take_overdue(self, now: datetime.datetime) -> Iterator[Whole]:
        """
        Hand out what waited long enough, each when it is asked for: until then it can be forgotten.

        Args:
            now: Aware.

        Yields:
            What could not be stored before, and messages with parts missing.
        """
        for whole in list(self._unstored):
            if any(whole is one for one in self._unstored):
                self._unstored = _leave_out(self._unstored, whole)
                self._under_way.append(whole)
                self._discount(whole.pieces)
                yield whole
        for key in list(self._waiting):
            if key in self._waiting and now - self._find_oldest(key) >= WAIT:
                yield self._take(key)

    def forget(self, sender: str, *, is_theirs: Callable[[Incoming], bool]) -> tuple[bytes, ...]:
        """
        Let go of a sender's parts, because the sender asked for it.

        Args:
            sender: In one spelling.
            is_theirs: Tells whether a part with that spelling is of this sender and channel: an
                account's number may be somebody else's short code.

        Returns:
            Their rows, which go too.
        """
        # What is being stored becomes a tip without a number, or, if it fails, nothing.
        self._ended += [
            whole
            for whole in self._under_way
            if whole.pieces[0].sender == sender and is_theirs(whole.incoming)
        ]
        gone = [
            self._take(key)
            for key, waiting in list(self._waiting.items())
            if key[1] == sender and all(is_theirs(piece.incoming) for piece in waiting.values())
        ]
        for whole in list(self._unstored):
            if whole.pieces[0].sender == sender and is_theirs(whole.incoming):
                self._unstored = _leave_out(self._unstored, whole)
                self._discount(whole.pieces)
                gone.append(whole)
        for whole in gone:
            self.settle(whole)
        return tuple(piece.id for whole in gone for piece in whole.pieces)

    def put_back(self, whole: Whole) -> None:
        """
        Let a message wait that could not be stored.

        Args:
            whole: As it was handed out.
        """
        self._under_way = _leave_out(self._under_way, whole)
        self._unstored.append(whole)
        self._count(whole.pieces)

    def settle(self, whole: Whole) -> None:
        """
        Take note that a message was stored, or let go.

        Args:
            whole: As it was handed out.
        """
        self._under_way = _leave_out(self._under_way, whole)
        self._ended = _leave_out(self._ended, whole)

    def has_ended(self, whole: Whole) -> bool:
        """
        Tell whether its sender asked to let go of everything since it was handed out.

        Args:
            whole: As it was handed out.

        Returns:
            Whether; then it must not be begun to be stored.
        """
        return any(whole is one for one in self._ended)

    def _find_announcement(self, incoming: Incoming, sender: str) -> _Key | None:
        if incoming.medium is not Medium.MMS:
            return None  # nothing else is announced
        words, wordless = _list_words(incoming.text), None
        for key, waiting in self._waiting.items():
            told = next(iter(waiting.values())).incoming
            if key[:2] != (incoming.gateway, sender) or not _part_of(told).is_announcement:
                continue
            told_words = _list_words(told.text)
            if told_words and words.startswith(told_words):
                return key
            if not told_words and wordless is None:
                wordless = key
        return wordless

    def _find_oldest(self, key: _Key) -> datetime.datetime:
        return min(piece.incoming.received_at for piece in self._waiting[key].values())

    def _count(self, pieces: Sequence[Piece]) -> None:
        self._change(pieces[0].sender, len(pieces))

    def _discount(self, pieces: Sequence[Piece]) -> None:
        self._change(pieces[0].sender, -len(pieces))

    def _change(self, sender: str, by: int) -> None:
        self._len += by
        before = self._of_sender.pop(sender, 0)
        if before:
            del self._senders_with[before][sender]
            if not self._senders_with[before]:
                del self._senders_with[before]
        if before + by:
            self._of_sender[sender] = before + by
            self._senders_with.setdefault(before + by, {})[sender] = None

    def _take(self, key: _Key) -> Whole:
        waiting = self._waiting.pop(key)
        self._discount(list(waiting.values()))
        whole = self._join(key, waiting)
        self._under_way.append(whole)
        return whole

    def _join(self, key: _Key, waiting: Mapping[int, Piece]) -> Whole:
        pieces = tuple(waiting[number] for number in sorted(waiting))
        first = min(pieces, key=lambda piece: piece.incoming.received_at).incoming
        if _part_of(first).is_announcement:
            announced = dataclasses.replace(
                first, text=mend_text(first.text), part=None, media=(NO_FILE,)
            )
            return Whole(incoming=announced, pieces=pieces, missing=())
        of = key[3]
        missing = tuple(number for number in range(1, of + 1) if number not in waiting)
        text = "".join(
            waiting[number].incoming.text if number in waiting else MISSING_MARK
            for number in range(1, of + 1)
            # Of several that are missing in a row, one mark tells as much.
            if number in waiting or number == 1 or number - 1 in waiting
        )
        whole = dataclasses.replace(first, text=mend_text(text), part=None)
        return Whole(incoming=whole, pieces=pieces, missing=missing)


def _leave_out(wholes: Sequence[Whole], whole: Whole) -> list[Whole]:
    return [one for one in wholes if one is not whole]


def mend_text(untrusted: str) -> str:
    """
    Put characters together that were cut in two, and replace what is none.

    Args:
        untrusted: May hold halves of surrogate pairs.

    Returns:
        A text that can be written in UTF-8.
    """
    units = untrusted.encode("utf-16-be", "surrogatepass")
    return units.decode("utf-16-be", "replace")


def make_gone_gateway(piece: Piece) -> GatewaySettings:
    """
    Tell what is left of a gateway that was taken out of the line.

    Args:
        piece: That came by it.

    Returns:
        A name, by which nothing comes and nothing can be sent, with the channel and the language
        that the part came for.
    """
    return GatewaySettings(
        name=piece.incoming.gateway,
        kind=Kind.OPERATOR,
        channel=piece.channel,
        language=piece.language,
        country="",
        notice=False,
        accept_company=False,
        options={},
    )


def _list_words(text: str) -> str:
    # A subject stands first, and may be laid out in other lines.
    return " ".join(mend_text(text).split())


def _part_of(incoming: Incoming) -> Part:
    if incoming.part is None:
        raise ValueError("no part")
    return incoming.part


def _key_of(incoming: Incoming, sender: str) -> _Key:
    part = _part_of(incoming)
    return incoming.gateway, sender, part.reference, part.of
