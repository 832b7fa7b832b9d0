"""
`POST /outgoing`: answers to people who wrote by phone, from the desk.

1. A keyset is in force, and names this line's key for answers.
2. The bundle is signed by a reader of that keyset, and has not expired.
3. An item that was taken before, in whatever bundle, is told what became of it, and no more.
4. Each other opens, is of this bundle's reader and not too old, its conversation has a window, and
   its reader reads the channel today.
5. The bundle's number is above the last one of this key. The very same bundle is answered as
   before; of any other nothing is taken, and what else could be is told so.
6. All of it is stored in one transaction, then answered.

One bundle at a time. formats.md, "Outgoing bundle".
"""

from __future__ import annotations

import asyncio
import datetime
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError, KeysetError, OutgoingError
from crypto.keyset import find_readers
from crypto.keyset_fields import Keyset
from crypto.outgoing import (
    MAX_OUTGOING_BYTES,
    MAX_OUTGOING_DAYS,
    ItemKind,
    Outgoing,
    open_item,
    verify_outgoing,
)
from crypto.strict import format_json
from tipline.errors import InstanceError
from tipline.gateway.alphabet import is_one_part
from tipline.keysets import KeysetWatch
from tipline.service.answer_outcomes import Outcome
from tipline.service.answers import (
    MALFORMED,
    NOT_IN_FORCE,
    REFUSED,
    Answer,
    Reply,
    make_json_answer,
)
from tipline.service.reach import Reach
from tipline.service.taken_answers import Item, TakenAnswers

OUTGOING_PATH: Final = "/outgoing"
SILENCE_SECONDS: Final = 180.0  # as long as the desk itself waits for us
NO_PHONES: Final = make_json_answer(409, {"error": "phones"})

ReadSender = Callable[[bytes], Awaitable[Reach | None]]


class AnswerSide:
    """
    Takes answers.

    Args:
        keysets: Who may answer.
        today: Tells the day.
        load_identity: Gives the line's key for answers; None if it was not made.
        read_sender: Unseals whom a conversation reaches, for the channel alone.
        taken: Where they go.
        on_taken: Told that there is something to send.
    """

    def __init__(
        self,
        *,
        keysets: KeysetWatch,
        today: Callable[[], datetime.date],
        load_identity: Callable[[], HybridIdentity | None],
        read_sender: ReadSender,
        taken: TakenAnswers,
        on_taken: Callable[[], None],
    ) -> None:
        self._keysets = keysets
        self._today = today
        self._load_identity = load_identity
        self._read_sender = read_sender
        self._taken = taken
        self._on_taken = on_taken
        self._turn = asyncio.Lock()

    async def respond(self, request: web.BaseRequest) -> Reply:
        """
        Answer one request.

        Args:
            request: Untrusted, though the desk's own machine.

        Returns:
            What to hand to aiohttp.
        """
        body = bytearray()
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    piece = await request.content.readany()
            except (TimeoutError, web.RequestPayloadError):
                return MALFORMED.closing_reply()
            if not piece:
                break
            body += piece
            if len(body) > MAX_OUTGOING_BYTES:
                return REFUSED.closing_reply()
        async with self._turn:
            answer = await self.take(bytes(body))
        return answer.closing_reply()

    async def take(self, untrusted: bytes) -> Answer:
        """
        Take a bundle.

        Args:
            untrusted: The whole note.

        Returns:
            The answer, once what it says is durable.

        Raises:
            OSError: the disk refuses, or the slot file does: nothing was taken.
        """
        keyset = self._read_keyset()
        if keyset is None:
            return NOT_IN_FORCE
        identity = self._load_identity()
        if identity is None or keyset.answers != identity.recipient():
            return NO_PHONES
        try:
            outgoing = verify_outgoing(untrusted, keyset=keyset, today=self._today())
        except OutgoingError:
            return REFUSED
        key = outgoing.signing.format()
        sha256 = hashlib.sha256(untrusted).digest()
        order = [item.id for item in outgoing.items]
        last = await self._taken.find(key)
        if last is not None and outgoing.number == last.number and sha256 == last.sha256:
            since = await self._taken.find_outcomes(outgoing.reader.id, order)
            return _tell({**last.outcomes, **since})
        items, refused = await self._judge(outgoing, keyset, identity)
        if last is not None and outgoing.number <= last.number:
            told = {**refused, **{item.id: Outcome.OLDER for item in items}}
            return _tell({one: told[one] for one in order})
        bundle = await self._taken.take(
            items,
            refused=refused,
            order=order,
            key=key,
            number=outgoing.number,
            sha256=sha256,
            expires_on=outgoing.expires_on,
        )
        self._on_taken()
        return _tell(bundle.outcomes)

    def _read_keyset(self) -> Keyset | None:
        try:
            installed = self._keysets.read()
        except (KeysetError, InstanceError):
            return None
        in_force = installed.is_in_force(installed.keyset.number, today=self._today())
        return installed.keyset if in_force else None

    async def _judge(
        self, outgoing: Outgoing, keyset: Keyset, identity: HybridIdentity
    ) -> tuple[list[Item], dict[bytes, Outcome]]:
        items: list[Item] = []
        refused = await self._taken.find_outcomes(
            outgoing.reader.id, [sealed.id for sealed in outgoing.items]
        )
        for sealed in outgoing.items:
            if sealed.id in refused:
                continue
            try:
                item = await asyncio.to_thread(open_item, sealed, identity=identity)
            except CryptoError:
                refused[sealed.id] = Outcome.REFUSED
                continue
            latest_on = self._today() + datetime.timedelta(days=MAX_OUTGOING_DAYS)
            # Another reader's, carried over; or it would have to be remembered too long.
            if item.reader != outgoing.reader.id or item.expires_on > latest_on:
                refused[sealed.id] = Outcome.REFUSED
                continue
            if item.expires_on < self._today():
                refused[sealed.id] = Outcome.EXPIRED
                continue
            if item.kind is ItemKind.STATUS and not is_one_part(item.text):
                refused[sealed.id] = Outcome.REFUSED
                continue
            reach = await self._read_sender(item.conversation)
            if reach is None:
                refused[sealed.id] = Outcome.WINDOW_CLOSED
            elif outgoing.reader.id not in self._list_readers(keyset, reach.channel):
                refused[sealed.id] = Outcome.NOT_READER
            else:
                items.append(
                    Item(
                        id=item.id,
                        kind=item.kind,
                        reader=item.reader,
                        expires_on=item.expires_on,
                        conversation=item.conversation,
                        text=item.text,
                    )
                )
        return items, refused

    def _list_readers(self, keyset: Keyset, channel: str) -> list[str]:
        try:
            reading = find_readers(keyset, channel=channel, today=self._today())
        except CryptoError:  # a channel that the keyset does not name any more
            return []
        return [entry.reader for entry in reading]


def _tell(outcomes: Mapping[bytes, Outcome]) -> Answer:
    fields = {
        "state": "taken",
        "items": [{"id": one.hex(), "outcome": outcome.value} for one, outcome in outcomes.items()],
    }
    return Answer(200, format_json(fields), headers={"Content-Type": "application/json"})
