"""
What happens to a message between the gateway's call and the answer, all of it in memory.

1. A message that is stored already is acknowledged again, and nothing else: its provider repeats.
2. Who wrote is read into one spelling; the sender's budget and turn decide when it goes on.
3. A part is stored as a part; the last of them goes on as the whole message.
4. What is an order (STOP, STATUS) is followed, and its mark stored; it becomes no tip. It needs no
   room, and is followed after the line's end, too.
5. Its conversation is found; what a blocked sender writes is acknowledged and dropped.
6. Pictures are fetched and cleaned; then all is sealed.
7. Tip, window and replay mark are stored in one transaction. Only now it is acknowledged.
8. What follows does not hold the answer up: the notice, the provider's copy of it all.

Rules:
1. Nothing is acknowledged before it is durable, and nothing is stored twice (INV-05).
2. A message whose sender cannot be read is sealed with what stood there, and without a
   conversation: a tip is worth more than its number. Neither has a tip a conversation to which
   nothing can be sent: the sender is a name, or the gateway sends nothing.
3. When nobody reads the channel, or the disk has no room, the gateway is told to come back.
4. Of several messages in one call each stands for itself: one that has to come back keeps no other
   from being stored.
5. All who withhold their number look like one sender. So they have several turns, and a budget for
   many.
6. A part whose gateway was taken out of the line is kept as what it was: its channel's.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from crypto.came_by import CameBy, Medium
from crypto.errors import CryptoError, KeysetError, MalformedError, RecipientError
from crypto.keyset import choose_recipients
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tipline.clock import Clock
from tipline.errors import GatewayError, InstanceError
from tipline.gateway.adapter import Adapter, Recaller, Remover
from tipline.gateway.following import Following
from tipline.gateway.incoming import Incoming, MediaReference
from tipline.gateway.keywords import Order, Orders, find_order
from tipline.gateway.kinds.operator import Operator
from tipline.gateway.media import Collected, MediaCollector
from tipline.gateway.numbers import Sender
from tipline.gateway.part_rows import decode_piece, encode_piece
from tipline.gateway.parts import (
    MAX_PIECES_OF_ONE,
    MAX_PIECES_OF_UNNAMED,
    Joining,
    Piece,
    Whole,
    make_gone_gateway,
    mend_text,
)
from tipline.gateway.repeated import StoredParts
from tipline.gateway.sealing import Sealable, format_time
from tipline.gateway.settings import GatewaySettings
from tipline.gateway.turns import CrowdedError, TooManyError, Turns
from tipline.gateway.writers import Writer, find_writer, read_sender
from tipline.keysets import InstalledKeyset, KeysetWatch
from tipline.service.conversations import Conversations
from tipline.service.limits import BusyError, RequestBudget
from tipline.service.message_marks import MessageMark
from tipline.service.standing import Standing
from tipline.service.store import StoredTip

# Of one sender: a long message of 255 parts at once, then six messages a minute, all day.
MESSAGES_BURST: Final = 300
SECONDS_PER_MESSAGE: Final = 10.0
# What all together may send who withhold their number, or write as the same name: times one.
UNNAMED_TIMES: Final = 10
OVERDUE_SECONDS: Final = 15.0  # between two looks for parts that waited too long


# Told after a message is durable: sends the notice, if it is due.
Notify = Callable[[GatewaySettings, Medium, Sender, Standing], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    What a message meets in the line.

    Args:
        conversations: Where messages go.
        keysets: Which keyset is in force.
        promises: How long things are kept.
        today: Tells the day.
        clock: Tells the time.
        takes_tips: Tells whether the line still takes tips: not after its end.
        has_room: Tells whether the disk has room for a text.
        on_tip: Told of each tip after it is durable.
        on_fault: Told of what failed after a message was stored.
    """

    conversations: Conversations
    keysets: KeysetWatch
    promises: Promises
    today: Callable[[], datetime.date]
    clock: Clock
    takes_tips: Callable[[], bool]
    has_room: Callable[[], Awaitable[bool]]
    on_tip: Callable[[StoredTip], None]
    on_fault: Callable[[BaseException], None]


class Arrival:
    """
    Takes messages.

    Args:
        line: What they meet.
        settings: Of each gateway, by name.
        adapters: By name.
        orders: Follows what is no tip; None if there is nothing to order.
        collector: Fetches what belongs to a message.
        seal: Seals a message beside the line.
        notify: Sends the notice; None if there is none.
        monotonic: A clock that never steps back, in seconds.
        turns: Who is taken next.
    """

    def __init__(
        self,
        line: Line,
        *,
        settings: Mapping[str, GatewaySettings],
        adapters: Mapping[str, Adapter],
        orders: Orders | None,
        collector: MediaCollector,
        seal: Callable[[Sealable], Awaitable[bytes]],
        notify: Notify | None,
        monotonic: Callable[[], float] = time.monotonic,
        turns: Turns | None = None,
    ) -> None:
        self._line = line
        # Copies: gateways that were taken out since a part came stand here, too.
        self._settings = dict(settings)
        self._adapters = dict(adapters)
        # Asked once: whether something is of a protocol costs more than most of what follows.
        self._removers = {name for name, one in adapters.items() if isinstance(one, Remover)}
        self._orders = orders
        self._collector = collector
        self._seal = seal
        self._notify = notify
        self._turns = turns or Turns()
        self._joining = Joining()
        self._stored = StoredParts()
        # A budget counts in whole units a second: the clock is slowed down instead.
        self._budget = RequestBudget(
            per_second=1,
            burst=MESSAGES_BURST,
            monotonic=lambda: monotonic() / SECONDS_PER_MESSAGE,
        )
        self._unnamed_budget = RequestBudget(
            per_second=1,
            burst=MESSAGES_BURST * UNNAMED_TIMES,
            monotonic=lambda: monotonic() / SECONDS_PER_MESSAGE * UNNAMED_TIMES,
        )
        self._taking: set[tuple[str, str]] = set()
        self._following = Following(on_fault=line.on_fault)

    async def load(self) -> None:
        """
        Take up the parts that a former run left; what is complete of them is stored.

        A part that is damaged is a fault, and is left out.

        Raises:
            OSError: the disk refuses.
        """
        outbox = self._line.conversations.outbox
        for piece_id, content in await outbox.parts(on_damaged=self._line.on_fault):
            try:
                piece = decode_piece(piece_id, content)
            except MalformedError as exc:
                self._line.on_fault(exc)
                continue
            await self._store_all(self._joining.add(self._find_gateway(piece)))

    async def deliver(self, messages: Sequence[Incoming]) -> None:
        """
        Take messages; when it returns, all of them are durable.

        Args:
            messages: As an adapter read them; untrusted.

        Raises:
            TooManyError: the sender of one sent too many.
            CrowdedError: too much comes at once.
            BusyError: nobody reads the channel, or there is no room.
            OSError: the disk refuses.
            sqlite3.Error: the same of the database.
        """
        refusal = None
        for message in messages:
            try:
                await self._take(message)
            except (TooManyError, CrowdedError, BusyError) as exc:
                # Of this message: the others are stored first, and an order is followed.
                refusal = refusal or exc
        if refusal is not None:
            raise refusal

    async def store_overdue(self) -> None:
        """Store what waited too long for its other parts; what fails waits on."""
        for whole in self._joining.take_overdue(self._line.clock()):
            await self._store_all([whole])

    def count_waiting(self) -> int:
        """Tell how many messages still wait for their sender's handle."""
        return self._line.conversations.handles.count_waiting()

    async def wait_idle(self) -> None:
        """Wait until what follows messages is done, or ended because it took too long."""
        await self._following.wait_idle()

    async def _take(self, incoming: Incoming) -> None:
        settings = self._settings[incoming.gateway]
        with self._take_alone(incoming):
            mark = await self._line.conversations.find_new(incoming.gateway, incoming.provider_id)
            if mark is None:
                return
            writer = find_writer(incoming, settings)
            order = self._find_order(incoming, writer.sender)
            # Whoever sent too many can still have the number erased: once, then nothing is left.
            ends = (
                order is Order.STOP
                and self._line.conversations.find(writer.sender, settings.channel).continues
            )
            budget = self._budget if writer.is_named else self._unnamed_budget
            if not budget.spend(writer.share) and not ends:
                raise TooManyError
            async with self._hold_place(incoming), self._turns.take(writer.turn):
                if order is None and not (self._line.takes_tips() and await self._line.has_room()):
                    raise BusyError
                if incoming.part is None:
                    with self._joining.replace_announcement(
                        incoming, sender=writer.spelling
                    ) as pieces:
                        whole = Whole(incoming=incoming, pieces=pieces, missing=())
                        is_order = order is not None
                        await self._store(whole, sender=writer.sender, is_order=is_order, mark=mark)
                else:
                    await self._take_part(incoming, writer, settings)

    def _find_order(self, incoming: Incoming, sender: Sender | None) -> Order | None:
        if self._orders is None or sender is None or incoming.part or incoming.media:
            return None
        found = find_order(mend_text(incoming.text))
        return None if found is None else found[0]

    def _hold_place(self, incoming: Incoming) -> contextlib.AbstractAsyncContextManager[None]:
        # Before its turn: who waits for a provider's pictures keeps no text waiting.
        return self._collector.hold_place() if incoming.media else contextlib.nullcontext()

    @contextlib.contextmanager
    def _take_alone(self, incoming: Incoming) -> Iterator[None]:
        key = (incoming.gateway, incoming.provider_id)
        if key in self._taking:
            # The provider repeats what is being stored just now: told to come back, it will find it
            # stored.
            raise CrowdedError
        self._taking.add(key)
        try:
            yield
        finally:
            self._taking.remove(key)

    async def _take_part(
        self, incoming: Incoming, writer: Writer, settings: GatewaySettings
    ) -> None:
        sender, outbox = writer.spelling, self._line.conversations.outbox
        if self._joining.has(incoming, sender=sender):
            return
        limit = MAX_PIECES_OF_ONE if writer.is_named else MAX_PIECES_OF_UNNAMED
        room = self._joining.make_room(incoming, sender=sender, limit=limit)
        if not await self._store_all(room):
            raise CrowdedError  # what was to go still waits
        own = {"sender": sender, "channel": settings.channel, "language": settings.language}
        piece_id = await outbox.keep_part(encode_piece(incoming, **own))
        if self._joining.has(incoming, sender=sender):
            # The same part came under another id while this one was being stored.
            await outbox.drop_parts([piece_id])
            return
        # From here on the part is stored. Whether the whole can be stored now does not matter to
        # whoever brought its last part.
        piece = Piece(id=piece_id, incoming=incoming, **own)
        await self._store_all(self._joining.add(piece))

    def _find_gateway(self, piece: Piece) -> Piece:
        name = piece.incoming.gateway
        if name in self._settings:
            return piece
        # It was taken out since the part came, and the part was acknowledged.
        self._settings[name] = make_gone_gateway(piece)
        self._adapters[name] = Operator(name)
        # Without the country, the one spelling alone can be read.
        incoming = dataclasses.replace(piece.incoming, sender=piece.sender)
        return dataclasses.replace(piece, incoming=incoming)

    async def _store_all(self, wholes: Sequence[Whole]) -> bool:
        """Store messages of parts; tell whether all are stored. What is not is tried again."""
        are_stored, now = True, self._line.clock()
        # All of them before anything is awaited: while one is stored, its parts may come again.
        for whole, is_new in [(whole, self._stored.claim(whole, now=now)) for whole in wholes]:
            sender = read_sender(whole.incoming, self._settings[whole.incoming.gateway])
            try:
                if is_new and not self._joining.has_ended(whole):
                    await self._store(whole, sender=sender, is_order=None)
                    self._stored.note(whole, now=self._line.clock())
                else:  # the carrier repeats, under another id, or its sender said STOP
                    await self._note_seen(whole)
                self._joining.settle(whole)
            except Exception as exc:  # not swallowed: told to the operator
                # Its parts lie in their rows: it is tried again with those that are overdue.
                self._line.on_fault(exc)
                self._joining.put_back(whole)
                are_stored = False
            finally:
                if is_new:
                    self._stored.release(whole)
        return are_stored

    async def _store(
        self,
        whole: Whole,
        *,
        sender: Sender | None,
        is_order: bool | None,
        mark: MessageMark | None = None,
    ) -> None:
        incoming, conversations = whole.incoming, self._line.conversations
        settings = self._settings[incoming.gateway]
        standing = conversations.find(sender, settings.channel)
        # An order first: who is blocked can still end the conversation.
        is_followed = is_order is not False and await self._follow_order(
            whole, settings, sender, standing
        )
        if is_followed or standing.blocked:
            await self._note_seen(whole)
            self._forget(incoming, Collected())
            return
        collected = Collected()
        if incoming.media:
            self._read_keyset(self._line.today())  # if nobody reads, nothing is fetched
            adapter = self._adapters[incoming.gateway]
            collected = await self._collector.collect(adapter, incoming.media)
        today = self._line.today()
        installed = self._read_keyset(today)
        message = self._make_sealable(
            whole, installed, sender, standing, collected=collected, today=today
        )
        envelope = await self._seal(message)
        tip = await conversations.add(
            envelope,
            standing=standing,
            sender=sender,
            gateway=incoming.gateway,
            provider_id=incoming.provider_id,
            channel=settings.channel,
            keyset=installed.keyset.number,
            mark=mark,
            part_ids=[piece.id for piece in whole.pieces],
            part_provider_ids=[piece.incoming.provider_id for piece in whole.pieces],
        )
        self._forget(incoming, collected)
        if tip is None:
            await conversations.outbox.drop_parts([piece.id for piece in whole.pieces])
            return
        self._line.on_tip(tip)
        if self._notify and sender is not None and settings.notice and standing.new_today:
            self._following.begin(self._notify(settings, incoming.medium, sender, standing))

    async def _note_seen(self, whole: Whole) -> None:
        conversations, gateway = self._line.conversations, whole.incoming.gateway
        await conversations.note_seen(gateway, whole.list_provider_ids())
        await conversations.outbox.drop_parts([piece.id for piece in whole.pieces])

    async def _follow_order(
        self, whole: Whole, settings: GatewaySettings, sender: Sender | None, standing: Standing
    ) -> bool:
        if self._orders is None or sender is None or whole.missing or whole.incoming.media:
            return False
        order = await self._orders.follow(
            mend_text(whole.incoming.text), settings=settings, sender=sender, standing=standing
        )
        if order is Order.STOP:
            self._line.conversations.note_stopped(sender, settings.channel, standing)
            # What waits for its other parts would else become a tip with the number that went.
            pieces = self._joining.forget(
                sender.address, is_theirs=lambda part: self._is_of(part, sender, settings.channel)
            )
            await self._line.conversations.outbox.drop_parts(pieces)
            await self._take_back(sender, settings.channel)
        return order is not None

    async def _take_back(self, sender: Sender, channel: str) -> None:
        for name, adapter in self._adapters.items():
            if isinstance(adapter, Recaller) and self._settings[name].channel == channel:
                await adapter.take_back(sender.address)

    def _is_of(self, incoming: Incoming, sender: Sender, channel: str) -> bool:
        settings = self._settings[incoming.gateway]
        return settings.channel == channel and read_sender(incoming, settings) == sender

    def _make_sealable(
        self,
        whole: Whole,
        installed: InstalledKeyset,
        sender: Sender | None,
        standing: Standing,
        *,
        collected: Collected,
        today: datetime.date,
    ) -> Sealable:
        incoming = whole.incoming
        settings = self._settings[incoming.gateway]
        try:
            recipients = choose_recipients(installed.keyset, channel=settings.channel, today=today)
        except (KeysetError, RecipientError) as exc:
            self._line.on_fault(exc)
            raise BusyError from exc
        window_ends_on = self._line.promises.dies_on(
            RecordClass.RAW_NUMBER, {Event.RECEIVED: today}
        )
        reply_until = window_ends_on - datetime.timedelta(days=1)
        can_answer = (
            sender is not None
            and sender.can_be_answered()
            and self._adapters[incoming.gateway].can_send
        )
        came_by = CameBy(
            name=incoming.gateway,
            medium=incoming.medium,
            received_at=format_time(incoming.received_at),
            continues=standing.continues,
            sender=(mend_text(incoming.sender) or None) if sender is None else sender.address,
            conversation=standing.conversation.hex() if can_answer else None,
            reply_until=reply_until if can_answer else None,
            answer_until=(
                format_time(incoming.answer_until)
                if can_answer and incoming.answer_until is not None
                else None
            ),
            missing_parts=whole.missing,
            missing_files=collected.missing_len,
        )
        return Sealable(
            text=mend_text(incoming.text),
            came_by=came_by,
            channel=settings.channel,
            keyset=installed.keyset.number,
            language=settings.language,
            recipients=recipients,
            files=collected.files,
        )

    def _read_keyset(self, today: datetime.date) -> InstalledKeyset:
        try:
            installed = self._line.keysets.read()
        except (CryptoError, InstanceError) as exc:
            self._line.on_fault(exc)
            raise BusyError from exc
        # Nobody reads what is sealed to a keyset whose days are over.
        if not installed.is_in_force(installed.keyset.number, today=today):
            raise BusyError
        return installed

    def _forget(self, incoming: Incoming, collected: Collected) -> None:
        if collected.fetched or incoming.gateway in self._removers:
            # Without the files: a provider may have us wait for minutes.
            removal = self._have_removed(incoming.gateway, incoming.provider_id, collected.fetched)
            self._following.begin(removal)

    async def _have_removed(
        self, gateway: str, provider_id: str, fetched: Sequence[MediaReference]
    ) -> None:
        adapter = self._adapters[gateway]
        may_have_len = len(fetched) + (gateway in self._removers)
        try:
            kept_len = await self._collector.forget(adapter, fetched)
            if isinstance(adapter, Remover):
                kept_len += not await self._collector.forget_message(adapter, provider_id)
        except asyncio.CancelledError:
            kept_len = may_have_len  # the line stops; some may be gone
        if kept_len:
            raise GatewayError("gateway_kept", gateway=gateway, count=kept_len)
