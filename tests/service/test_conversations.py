"""Conversations by phone: who is found again, for how long, and what dies with them."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import MalformedError
from crypto.handle import HANDLE_BITS
from crypto.outgoing import ItemKind
from retention.errors import SlotError
from retention.plan import plan_policy_change
from retention.policy import EVENTS, Event, Policy, RecordClass
from retention.promise import Promises
from retention.slot import SlotKind
from tests.service.epoch_keys import lose_epoch_keys
from tests.stored import open_store
from tipline.errors import InstanceError
from tipline.gateway.numbers import Sender, parse_sender
from tipline.service.conversations import Conversations
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import StoredTip
from tipline.service.taken_answers import Item, Outcome, decode_answer

BEGIN = datetime.date(2031, 6, 12)
NUMBER = "+525512345678"
WINDOW_DAYS, EPOCH_DAYS, REPLAY_DAYS = 5, 10, 3
PERIODS = {
    **{record_class: dict.fromkeys(events, 90) for record_class, events in EVENTS.items()},
    RecordClass.RAW_NUMBER: {Event.RECEIVED: WINDOW_DAYS},
    RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: REPLAY_DAYS},
    RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: EPOCH_DAYS},
}
PROMISES = Promises.of(Policy(periods=PERIODS))
ids = itertools.count()


class Calendar:
    """A day that a test turns."""

    def __init__(self) -> None:
        self.today = BEGIN

    def __call__(self) -> datetime.date:
        return self.today

    def turn(self, days: int) -> None:
        self.today += datetime.timedelta(days=days)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@contextlib.asynccontextmanager
async def open_phones(
    directory: Path, calendar: Callable[[], datetime.date]
) -> AsyncIterator[tuple[SqliteStore, Conversations]]:
    """Open a store with its conversations."""
    store = open_store(directory, today=calendar)
    conversations = store.make_conversations(promises=PROMISES, today=calendar)
    try:
        await conversations.open()
        yield store, conversations
    finally:
        await conversations.close()
        store.close()


def sender(number: str = NUMBER) -> Sender:
    return parse_sender(number, "MX")


async def write(
    conversations: Conversations, who: Sender | None, *, channel: str = "city", **changes: Any
) -> StoredTip | None:
    """Let a sender write once."""
    given = {
        "standing": conversations.find(who, channel),
        "sender": who,
        "gateway": "modem",
        "provider_id": f"id-{next(ids)}",
        "channel": channel,
        "keyset": 1,
        **changes,
    }
    return await conversations.add(secrets.token_bytes(1 << 16), **given)


async def keep(conversations: Conversations, who: Sender | None, **changes: Any) -> StoredTip:
    """Let a sender write what was never seen."""
    tip = await write(conversations, who, **changes)
    assert tip is not None
    return tip


async def give(
    conversations: Conversations,
    conversation: bytes,
    text: str,
    *,
    kind: ItemKind = ItemKind.ANSWER,
) -> Outcome:
    """Let a reader answer, or set the status."""
    item = Item(
        id=secrets.token_bytes(16),
        kind=kind,
        reader="reader",
        expires_on=BEGIN + datetime.timedelta(days=90),
        conversation=conversation,
        text=text,
    )
    number = next(ids)
    taken = await conversations.taken.take(
        [item],
        refused={},
        order=[item.id],
        key="reader",
        number=number,
        sha256=secrets.token_bytes(32),
        expires_on=BEGIN + datetime.timedelta(days=90),
    )
    return taken.outcomes[item.id]


async def settle(conversations: Conversations) -> None:
    """Wait until the queue of pseudonyms is empty."""
    await asyncio.wait_for(conversations.handles.wait_empty(), 30)


def read_all(directory: Path) -> bytes:
    """Every byte of every file."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return b"".join(path.read_bytes() for path in files)


async def handles(store: SqliteStore) -> dict[bytes, bytes | None]:
    return {tip.id: tip.pseudonym for tip in await store.tips()}


async def test_conversation_when_its_sender_writes_again_then_it_goes_on_until_its_window_closes(
    short_path: Path, calendar: Calendar
) -> None:
    """One number has one conversation on a channel while a window is open, and another later."""
    async with open_phones(short_path, calendar) as (_, conversations):
        first = conversations.find(sender(), "city")
        assert not first.continues
        assert conversations.find(sender(), "city").conversation == first.conversation
        assert conversations.find(sender(), "coast").conversation != first.conversation
        await write(conversations, sender())
        calendar.turn(WINDOW_DAYS - 1)
        again = conversations.find(sender(), "city")
        assert (again.conversation, again.continues) == (first.conversation, True)
        await write(conversations, sender())
        calendar.turn(WINDOW_DAYS - 1)
        assert conversations.find(sender(), "city").conversation == first.conversation
        calendar.turn(1)
        late = conversations.find(sender(), "city")
        assert (late.conversation == first.conversation, late.continues) == (False, False)
        assert await conversations.read_sender(first.conversation) is None


async def test_handle_when_a_number_writes_twice_in_an_epoch_then_both_tips_have_the_same(
    short_path: Path, calendar: Calendar
) -> None:
    """The same number has the same pseudonym within one epoch and channel, another elsewhere."""
    async with open_phones(short_path, calendar) as (store, conversations):
        one = await keep(conversations, sender())
        assert conversations.handles.holds_back(one.id)
        await settle(conversations)
        assert not conversations.handles.holds_back(one.id)
        two = await keep(conversations, sender())
        three = await keep(conversations, sender(), channel="coast")
        four = await keep(conversations, sender("+525587654321"))
        five = await keep(conversations, None)
        await settle(conversations)
        known = await handles(store)
        assert known[one.id] == known[two.id] is not None
        assert len({known[one.id], known[three.id], known[four.id]}) == 3
        assert known[five.id] is None


async def test_message_when_its_provider_repeats_it_then_it_is_kept_once(
    short_path: Path, calendar: Calendar
) -> None:
    """One provider's id is one message, at once or days later, also after a restart."""
    async with open_phones(short_path, calendar) as (store, conversations):
        both = await asyncio.gather(
            *(write(conversations, sender(), provider_id="same") for _ in range(5))
        )
        assert sum(tip is not None for tip in both) == 1
        assert await conversations.find_new("modem", "same") is None
        assert await conversations.find_new("other", "same") is not None
        used = len(list(store._rows.slots()))
    calendar.turn(REPLAY_DAYS - 1)
    async with open_phones(short_path, calendar) as (store, conversations):
        assert await write(conversations, sender(), provider_id="same") is None
        assert len(await store.tips()) == 1
        assert len(list(store._rows.slots())) == used
        calendar.turn(1)
        assert await conversations.find_new("modem", "same") is not None


async def test_message_when_it_is_new_then_the_database_is_not_asked_whether_it_came_before(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what may have come before is looked up; what is being kept or was noted is, too."""
    async with open_phones(short_path, calendar) as (_, conversations):
        asked: list[object] = []
        look = conversations._rows.has_mark

        def count(marks: Sequence[bytes]) -> bool:
            asked.append(marks)
            return look(marks)

        monkeypatch.setattr(conversations._rows, "has_mark", count)
        mark = await conversations.find_new("modem", "new")
        assert mark is not None
        assert asked == []
        await keep(conversations, sender(), provider_id="new", mark=mark)
        await conversations.note_seen("modem", ["order"])
        asked.clear()
        assert await conversations.find_new("modem", "new") is None
        assert await conversations.find_new("modem", "order") is None
        assert len(asked) == 2
        await settle(conversations)


async def test_number_when_read_inside_its_window_then_it_is_the_one_that_wrote(
    short_path: Path, calendar: Calendar
) -> None:
    """Whom to answer can be read as long as the window is open, also after a restart."""
    async with open_phones(short_path, calendar) as (_, conversations):
        await write(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation
    async with open_phones(short_path, calendar) as (store, conversations):
        standing = conversations.find(sender(), "city")
        assert (standing.conversation, standing.continues) == (conversation, True)
        reach = await conversations.read_sender(conversation)
        assert reach is not None
        assert (reach.sender.address, reach.gateway, reach.channel) == (NUMBER, "modem", "city")
        assert NUMBER not in repr(reach)
        calendar.turn(WINDOW_DAYS)
        await store.purge_due(promises=PROMISES, today=calendar())
        assert await conversations.read_sender(conversation) is None
        assert conversations._index.windows_of(conversation, today=BEGIN) == []


async def test_conversation_when_it_is_ended_then_its_number_and_answers_go_and_its_tips_stay(
    short_path: Path, calendar: Calendar
) -> None:
    """STOP overwrites the secrets at once; who writes afterwards is somebody new."""
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation
        await give(conversations, conversation, "received", kind=ItemKind.STATUS)
        await give(conversations, conversation, "thank you")
        ((answer, _),) = await conversations.outbox.answers()
        before = len(list(store._rows.slots()))
        await conversations.end(conversation)
        assert len(list(store._rows.slots())) == before - 2
        assert await conversations.read_sender(conversation) is None
        assert await conversations.outbox.read_answer(answer) is None
        assert await conversations.outbox.read_status(conversation) is None
        assert await give(conversations, conversation, "once more") is Outcome.WINDOW_CLOSED
        assert [stored.id for stored in await store.tips()] == [tip.id]
        later = conversations.find(sender(), "city")
        assert (later.conversation == conversation, later.continues) == (False, False)
        await settle(conversations)


async def test_conversation_when_it_is_ended_then_the_keys_of_number_and_answers_are_destroyed(
    short_path: Path, calendar: Calendar
) -> None:
    """An older copy of the database opens nothing of it: rows that go are not enough."""
    async with open_phones(short_path, calendar) as (store, conversations):
        await keep(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation
        await give(conversations, conversation, "thank you")
        keys = conversations._ended._list_keys(conversation)
        assert len(keys) == 2
        for key in keys:
            store._slots.get(key.slot, SlotKind.RECORD, key.data_id)
        await conversations.end(conversation)
        for key in keys:
            with pytest.raises(SlotError):
                store._slots.get(key.slot, SlotKind.RECORD, key.data_id)
        await settle(conversations)


async def test_conversation_when_it_is_ended_while_a_message_is_stored_then_no_number_comes_back(
    short_path: Path, calendar: Calendar
) -> None:
    """What was under way when STOP came becomes a tip of nobody; what comes later is new."""
    async with open_phones(short_path, calendar) as (store, conversations):
        for is_first in (True, False):
            if not is_first:
                await keep(conversations, sender())
            under_way = conversations.find(sender(), "city")
            assert under_way.continues is not is_first
            await conversations.end(under_way.conversation)
            assert await write(conversations, sender(), standing=under_way) is not None
            assert await conversations.read_sender(under_way.conversation) is None
            later = conversations.find(sender(), "city")
            assert (later.conversation == under_way.conversation, later.continues) == (False, False)
        assert len(await store.tips()) == 3
        await keep(conversations, sender())
        assert conversations.find(sender(), "city").continues
        await settle(conversations)


async def test_conversation_when_it_is_ended_while_its_window_is_written_then_nothing_stays(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STOP in the middle of the very transaction that keeps the first window of its sender."""
    async with open_phones(short_path, calendar) as (store, conversations):
        before = len(list(store._rows.slots()))
        standing = conversations.find(sender(), "city")
        relate, ends = conversations._keeping._relate, []
        loop = asyncio.get_running_loop()

        def relate_and_end(*args: Any, **more: Any) -> None:
            relate(*args, **more)
            ending = conversations.end(standing.conversation)
            ends.append(asyncio.run_coroutine_threadsafe(ending, loop))

        monkeypatch.setattr(conversations._keeping, "_relate", relate_and_end)
        assert await write(conversations, sender(), standing=standing) is not None
        await asyncio.wrap_future(ends[0])
        assert await conversations.read_sender(standing.conversation) is None
        assert conversations._index.windows_of(standing.conversation, today=BEGIN) == []
        assert not conversations.find(sender(), "city").continues
        await settle(conversations)
        assert len(list(store._rows.slots())) == before + 1  # the tip's


async def test_window_when_its_sender_writes_twice_at_once_then_there_is_one(
    short_path: Path, calendar: Calendar
) -> None:
    """The second message waits for the first one's window; a failure of the first leaves it one."""
    async with open_phones(short_path, calendar) as (store, conversations):
        tips = await asyncio.gather(*(keep(conversations, sender()) for _ in range(5)))
        await settle(conversations)
        rows = store._database.execute("SELECT count(*) FROM windows").fetchone()
        assert (len({tip.id for tip in tips}), rows) == (5, (1,))
        assert len(set((await handles(store)).values())) == 1
        assert (conversations._keeping._coming, conversations._index._announced) == ({}, {})


async def test_window_when_its_relation_is_damaged_then_the_line_opens_and_says_so(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row that rotted is a fault; its sender is somebody new, and everybody else goes on."""
    other = sender("+525587654321")
    async with open_phones(short_path, calendar) as (store, conversations):
        await keep(conversations, sender())
        await keep(conversations, other)
        await settle(conversations)
        (window,) = conversations._index.windows_of(
            conversations.find(sender(), "city").conversation, today=BEGIN
        )
        store._database.execute("UPDATE windows SET relation = x'00' WHERE id = ?", [window.id])
    async with open_phones(short_path, calendar) as (store, conversations):
        faults: list[Exception] = []
        monkeypatch.setattr(conversations._relations, "_on_fault", faults.append)
        await conversations.reload()
        assert [type(one) for one in faults] == [MalformedError]
        assert not conversations.find(sender(), "city").continues
        assert conversations.find(other, "city").continues
        await keep(conversations, sender())
        assert conversations.find(sender(), "city").continues
        await settle(conversations)


async def test_conversation_when_its_end_fails_then_its_sender_can_end_it_again(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses keeps the number findable, so that the next STOP takes it."""
    async with open_phones(short_path, calendar) as (_, conversations):
        await keep(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation

        def refuse(*_: object) -> None:
            raise OSError(28, "full")

        with monkeypatch.context() as patch:
            patch.setattr(conversations._keys, "destroy", refuse)
            with pytest.raises(OSError, match="full"):
                await conversations.end(conversation)
        again = conversations.find(sender(), "city")
        assert (again.conversation, again.continues) == (conversation, True)
        await conversations.end(conversation)
        assert await conversations.read_sender(conversation) is None
        await settle(conversations)


async def test_sender_when_it_ends_a_conversation_then_block_and_notice_hold_until_the_day_is_over(
    short_path: Path, calendar: Calendar
) -> None:
    """STOP is no way round a block, nor to a second notice; a block that is lifted is lifted."""
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        await settle(conversations)
        standing = conversations.find(sender(), "city")
        await conversations.note_notice(standing.conversation)
        pseudonym = (await handles(store))[tip.id]
        assert pseudonym is not None
        bits = int.from_bytes(pseudonym) >> (8 * len(pseudonym) - HANDLE_BITS)
        await conversations.handles.set_block(bits, blocked=True)
        for _ in range(2):
            standing = conversations.find(sender(), "city")
            await conversations.end(standing.conversation)
            conversations.note_stopped(sender(), "city", standing)
            later = conversations.find(sender(), "city")
            assert (later.continues, later.new_today, later.blocked) == (False, False, True)
        elsewhere = conversations.find(sender(), "coast")
        assert (elsewhere.new_today, elsewhere.blocked) == (True, False)
        await conversations.handles.set_block(bits, blocked=False)
        assert not conversations.find(sender(), "city").blocked
        calendar.turn(1)
        assert conversations.find(sender(), "city").new_today
        conversations.forget_days(calendar())
        assert not conversations._ended._senders


async def test_conversation_when_it_is_ended_then_its_marks_are_in_no_file_either(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others' windows keep the marks' key: the rows leave database and WAL with the STOP."""
    faults: list[Exception] = []
    async with open_phones(short_path, calendar) as (store, conversations):
        await keep(conversations, sender("+525587654321"))
        await keep(conversations, sender())
        await settle(conversations)
        conversation = conversations.find(sender(), "city").conversation
        (window,) = conversations._index.windows_of(conversation, today=BEGIN)
        relation = store._phone_rows.read_relation("windows", window.id)
        assert relation is not None
        stored = read_all(short_path)
        assert [one in stored for one in (relation, window.id)] == [True, True]
        assert [one in stored for one in (window.mark, conversation)] == [False, False]
        await conversations.end(conversation)
        left = read_all(short_path)
        for gone in (relation, window.id, window.mark, conversation):
            assert gone not in left

        def refuse() -> None:
            raise InstanceError("instance_checkpoint")

        other = conversations.find(sender("+525587654321"), "city").conversation
        monkeypatch.setattr(conversations._ended, "_empty_wal", refuse)
        monkeypatch.setattr(conversations._ended, "_on_fault", faults.append)
        await conversations.end(other)
        assert [type(one) for one in faults] == [InstanceError]
        assert await conversations.read_sender(other) is None


async def test_purge_when_one_window_fails_in_any_way_then_the_others_go_and_the_report_says_so(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours with one sender keeps no other number, and is not silent."""
    async with open_phones(short_path, calendar) as (store, conversations):
        for number in (NUMBER, "+525587654321"):
            await keep(conversations, sender(number))
        await settle(conversations)
        conversation = conversations.find(sender(), "city").conversation
        (window,) = conversations._index.windows_of(conversation, today=BEGIN)
        forget = conversations.forget_windows

        def fail(ids: Sequence[bytes]) -> None:
            if window.id in ids:
                raise KeyError("mark")
            forget(ids)

        calendar.turn(WINDOW_DAYS)
        with monkeypatch.context() as patch:
            patch.setattr(conversations, "forget_windows", fail)
            report = await store.purge_due(promises=PROMISES, today=calendar())
        assert [(one.record_class, type(one.error)) for one in report.failures] == [
            (RecordClass.RAW_NUMBER, KeyError)
        ]
        assert list(conversations._index._windows) == [window.id]
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert report.failures == ()
        assert conversations._index._windows == {}


async def test_order_when_it_is_noted_then_a_copy_of_it_is_known_again(
    short_path: Path, calendar: Calendar
) -> None:
    """What became no tip is remembered as long as a tip's message, also after a restart."""
    async with open_phones(short_path, calendar) as (_, conversations):
        assert await conversations.find_new("modem", "stop") is not None
        for _ in range(2):
            await conversations.note_seen("modem", ["stop", "part"])
    async with open_phones(short_path, calendar) as (_, conversations):
        calendar.turn(REPLAY_DAYS - 1)
        for known in ("stop", "part"):
            assert await conversations.find_new("modem", known) is None
        assert await conversations.find_new("other", "stop") is not None


async def test_epoch_when_it_is_over_then_its_key_and_every_pseudonym_of_it_are_gone(
    short_path: Path, calendar: Calendar
) -> None:
    """At its end an epoch leaves nothing that relates two tips; a conversation goes on over it."""
    async with open_phones(short_path, calendar) as (store, conversations):
        old = await keep(conversations, sender())
        await settle(conversations)
        pseudonym = (await handles(store))[old.id]
        calendar.turn(EPOCH_DAYS - 1)
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert report.epochs == ()
        edge = await keep(conversations, sender())
        await settle(conversations)
        assert (await handles(store))[edge.id] == pseudonym
        standing = conversations.find(sender(), "city")
        calendar.turn(1)
        fresh = await keep(conversations, sender())
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert report.failures == ()
        (ended,) = report.epochs
        assert (ended.begun_on, ended.late_days) == (BEGIN, 0)
        await settle(conversations)
        known = await handles(store)
        assert known[old.id] is None
        assert known[edge.id] is None
        assert known[fresh.id] not in (None, pseudonym)
        assert conversations.find(sender(), "city").conversation == standing.conversation
        assert len(store._keys.epochs()) == 1
        assert pseudonym not in (short_path / "tipline.db").read_bytes()
        await store.bury_epochs(report.epochs)
        again = await store.purge_due(promises=PROMISES, today=calendar())
        assert again.epochs == ()


async def test_number_when_it_writes_in_two_epochs_then_nothing_stored_relates_its_two_handles(
    short_path: Path, calendar: Calendar
) -> None:
    """Once the window is closed, no file has what the tips of two epochs have in common."""
    async with open_phones(short_path, calendar) as (store, conversations):
        calendar.turn(EPOCH_DAYS - 1)
        old = await keep(conversations, sender())
        await settle(conversations)
        conversation = conversations.find(sender(), "city").conversation
        before = (await handles(store))[old.id]
        calendar.turn(1)
        fresh = await keep(conversations, sender())
        await settle(conversations)
        assert conversations.find(sender(), "city").conversation == conversation
        after = (await handles(store))[fresh.id]
        assert None not in (before, after)
        assert before != after
        # Also as long as the window is open: it is found by one conversation, in memory alone.
        assert conversation not in read_all(short_path)
        calendar.turn(WINDOW_DAYS)
        await store.purge_due(promises=PROMISES, today=calendar())
        later = await keep(conversations, sender())
        await settle(conversations)
        known = await handles(store)
        assert (known[old.id], known[fresh.id] == known[later.id]) == (None, True)
    left = read_all(short_path)
    assert after in left
    for gone in (conversation, before):
        assert gone not in left


async def test_epoch_key_when_it_is_lost_then_messages_are_kept_without_a_handle(
    short_path: Path, calendar: Calendar
) -> None:
    """A missing epoch key keeps nobody from writing; none takes its place before its day."""
    async with open_phones(short_path, calendar) as (store, conversations):
        lose_epoch_keys(store)
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        assert not conversations.handles.holds_back(tip.id)
        assert await handles(store) == {tip.id: None}
        assert store._keys.epochs() == set()
        calendar.turn(EPOCH_DAYS)
        later = await keep(conversations, sender())
        await settle(conversations)
        assert (await handles(store))[later.id] is not None


async def test_pseudonyms_when_the_line_stops_before_they_are_computed_then_the_start_goes_on(
    short_path: Path, calendar: Calendar
) -> None:
    """What waits for its pseudonym stands in the database."""
    async with open_phones(short_path, calendar) as (store, conversations):
        await conversations.close()
        tip = await keep(conversations, sender())
        assert await handles(store) == {tip.id: None}
    async with open_phones(short_path, calendar) as (store, conversations):
        assert conversations.handles.holds_back(tip.id)
        await settle(conversations)
        assert (await handles(store))[tip.id] is not None


async def test_sender_when_blocked_then_so_until_the_epoch_ends(
    short_path: Path, calendar: Calendar
) -> None:
    """A campaign of one number is blocked by its pseudonym, over restarts, and not for ever."""
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        await settle(conversations)
        pseudonym = (await handles(store))[tip.id]
        assert pseudonym is not None
        bits = int.from_bytes(pseudonym) >> (128 - HANDLE_BITS)
        assert not await conversations.handles.set_block(bits ^ 1, blocked=True)
        assert await conversations.handles.set_block(bits, blocked=True)
        assert conversations.find(sender(), "city").blocked
        assert not conversations.find(sender("+525587654321"), "city").blocked
    async with open_phones(short_path, calendar) as (store, conversations):
        assert conversations.find(sender(), "city").blocked
        assert conversations.handles.blocked() == {pseudonym}
        assert await conversations.handles.set_block(bits, blocked=False)
        assert not conversations.find(sender(), "city").blocked
        await conversations.handles.set_block(bits, blocked=True)
        calendar.turn(EPOCH_DAYS)
        await store.purge_due(promises=PROMISES, today=calendar())
        assert conversations.handles.blocked() == frozenset()


async def test_notice_when_it_was_sent_today_then_not_once_more(
    short_path: Path, calendar: Calendar
) -> None:
    """A conversation is answered with the notice once a day at most."""
    async with open_phones(short_path, calendar) as (_, conversations):
        await write(conversations, sender())
        standing = conversations.find(sender(), "city")
        assert standing.new_today
        given = await asyncio.gather(
            *(conversations.note_notice(standing.conversation) for _ in range(3))
        )
        assert sorted(given) == [False, False, True]
        assert not conversations.find(sender(), "city").new_today
    async with open_phones(short_path, calendar) as (_, conversations):
        assert not conversations.find(sender(), "city").new_today
        calendar.turn(1)
        assert conversations.find(sender(), "city").new_today


async def test_parts_when_they_became_a_message_then_they_and_their_secrets_are_gone(
    short_path: Path, calendar: Calendar
) -> None:
    """Parts survive a restart, and go in the transaction that keeps the whole."""
    async with open_phones(short_path, calendar) as (_, conversations):
        kept = [await conversations.outbox.keep_part(f"part {n}".encode()) for n in range(3)]
    async with open_phones(short_path, calendar) as (store, conversations):
        found = dict(await conversations.outbox.parts())
        assert found == {part: f"part {n}".encode() for n, part in enumerate(kept)}
        before = len(list(store._rows.slots()))
        await write(conversations, sender(), part_ids=kept[:2])
        assert [part for part, _ in await conversations.outbox.parts()] == kept[2:]
        assert len(list(store._rows.slots())) == before - 2 + 2
        await conversations.outbox.drop_parts(kept)
        assert await conversations.outbox.parts() == []


async def test_outbox_when_an_answer_was_sent_then_it_is_gone(
    short_path: Path, calendar: Calendar
) -> None:
    """Answers wait over a restart, never longer than their window, and go when they were sent."""
    async with open_phones(short_path, calendar) as (_, conversations):
        await write(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation
        assert await give(conversations, conversation, "thank you") is Outcome.TAKEN
        for status in ("recibido, día 3", "cerrado"):
            await give(conversations, conversation, status, kind=ItemKind.STATUS)
    async with open_phones(short_path, calendar) as (_, conversations):
        outbox = conversations.outbox
        ((answer, whose),) = await outbox.answers()
        assert whose == conversation
        content = await outbox.read_answer(answer)
        assert content is not None
        assert decode_answer(content).text == "thank you"
        assert await outbox.read_status(conversation) == "cerrado"
        await outbox.drop_answer(answer)
        assert await outbox.answers() == []
        await give(conversations, conversation, "late")
        ((late, _),) = await outbox.answers()
        calendar.turn(WINDOW_DAYS)
        assert await outbox.read_answer(late) is None
        assert await outbox.read_status(conversation) is None
        closed = await give(conversations, conversation, "x", kind=ItemKind.STATUS)
        assert closed is Outcome.WINDOW_CLOSED


async def test_policy_when_it_becomes_shorter_then_senders_are_still_found_until_the_nearer_day(
    short_path: Path, calendar: Calendar
) -> None:
    """A window that dies on another day is marked under that day's key, and dies with it."""
    shorter = Policy(
        periods={
            **PERIODS,
            RecordClass.RAW_NUMBER: {Event.RECEIVED: 2},
            RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: 2},
            RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: 4},
            RecordClass.REPLY: {Event.SENT: 2, Event.READ: 2},
        }
    )
    async with open_phones(short_path, calendar) as (store, conversations):
        await keep(conversations, sender(), provider_id="same")
        part = await conversations.outbox.keep_part(b"a part")
        conversation = conversations.find(sender(), "city").conversation
        assert await give(conversations, conversation, "thank you") is Outcome.TAKEN
        moves = plan_policy_change(await store.records(), new=shorter)
        assert {move.record.record_class for move in moves} == {
            RecordClass.RAW_NUMBER,
            RecordClass.GATEWAY_MESSAGE,
            RecordClass.PSEUDONYM_EPOCH,
            RecordClass.REPLY,
        }
        await store.move(moves)
        assert len({group.record.record_class for group in await store.count_groups()}) == 6
        calendar.turn(1)
        assert conversations.find(sender(), "city").conversation == conversation
        assert await conversations.read_sender(conversation) is not None
        assert await conversations.find_new("modem", "same") is None
        assert await conversations.outbox.parts() == [(part, b"a part")]
        assert [whose for _, whose in await conversations.outbox.answers()] == [conversation]
        calendar.turn(1)
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert report.failures == ()
        assert await conversations.find_new("modem", "same") is not None
        assert conversations.find(sender(), "city").conversation != conversation
        assert await conversations.outbox.parts() == []
        calendar.turn(2)
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert [ended.begun_on for ended in report.epochs] == [BEGIN]


async def test_pick_up_when_tips_alone_move_then_no_window_is_read_again(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pick-up moves tips; walking through all windows each time would hold every message up."""
    async with open_phones(short_path, calendar) as (store, conversations):
        tip = await keep(conversations, sender())
        await settle(conversations)
        walked: list[object] = []
        monkeypatch.setattr(conversations._rows, "list_windows", walked.append)
        await store.pick_up([tip.id], promises=PROMISES, today=calendar())
        assert walked == []
        (picked_up,) = (one for one in await store.records() if one.id == tip.id)
        assert picked_up.events[Event.PICKED_UP] == calendar()


async def test_epoch_when_the_clock_steps_at_its_edge_then_no_handle_is_doubled_or_lost(
    short_path: Path, calendar: Calendar
) -> None:
    """A day that comes back is of the epoch that began last; the other one ends on its day."""
    async with open_phones(short_path, calendar) as (store, conversations):
        calendar.turn(EPOCH_DAYS - 1)
        before = await keep(conversations, sender())
        calendar.turn(1)
        ahead = await keep(conversations, sender())
        calendar.turn(-1)
        back = await keep(conversations, sender())
        await settle(conversations)
        known = await handles(store)
        assert known[ahead.id] == known[back.id] is not None
        assert known[before.id] not in (None, known[back.id])
        calendar.turn(1)
        await store.purge_due(promises=PROMISES, today=calendar())
        known = await handles(store)
        assert (known[before.id], known[ahead.id]) == (None, known[back.id])


async def test_purge_when_somebody_reads_a_row_of_the_day_meanwhile_then_no_key_of_it_is_kept(
    tmp_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks while the day's key is being destroyed had what comes from it made anew."""
    async with open_phones(tmp_path, calendar) as (store, conversations):
        await keep(conversations, sender())
        await settle(conversations)
        day = calendar() + datetime.timedelta(days=WINDOW_DAYS)
        calendar.turn(WINDOW_DAYS)
        destroy, derived = store._keys.destroy_days, conversations._relations._keys

        def look_and_destroy(days: Sequence[datetime.date]) -> None:
            derived.read(day, may_make=False)
            destroy(days)

        monkeypatch.setattr(store._keys, "destroy_days", look_and_destroy)
        report = await store.purge_due(promises=PROMISES, today=calendar())
        assert report.failures == ()
        assert not derived._derived
