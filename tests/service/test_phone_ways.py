"""By which gateway an answer goes to somebody who writes over several."""

from __future__ import annotations

from pathlib import Path

from tests.service.test_conversations import Calendar, keep, open_phones, sender, settle
from tipline.gateway.numbers import Sender
from tipline.service.conversations import Conversations


async def find_way(conversations: Conversations, who: Sender | None = None) -> str:
    """Tell by which gateway an answer would go."""
    standing = conversations.find(who or sender(), "city")
    reach = await conversations.read_sender(standing.conversation)
    assert reach is not None
    return reach.gateway


async def test_answer_when_its_sender_wrote_over_several_gateways_then_it_goes_over_the_last(
    short_path: Path,
) -> None:
    """Who turns from one way to another on the same day is not answered over the one they left."""
    calendar = Calendar()
    async with open_phones(short_path, calendar) as (store, conversations):
        before = len(list(store._rows.slots()))
        first = conversations.find(sender(), "city").conversation
        for gateway in ("sms", "chat", "chat", "sms", "sms", "chat"):
            await keep(conversations, sender(), gateway=gateway)
            assert await find_way(conversations) == gateway
        assert conversations.find(sender(), "city").conversation == first
        await settle(conversations)
        # Of a day one window for each way, and a tip for each message.
        assert len(list(store._rows.slots())) == before + 2 + 6
        pseudonyms = {tip.pseudonym for tip in await store.tips()}
        assert len(pseudonyms) == 1
        calendar.turn(1)
        assert await find_way(conversations) == "chat"
        await keep(conversations, sender(), gateway="sms")
        assert await find_way(conversations) == "sms"
        await conversations.end(first)
        assert await conversations.read_sender(first) is None
        await settle(conversations)
        assert len(list(store._rows.slots())) == before + 7


async def test_answer_when_the_line_started_again_then_it_goes_over_the_way_that_was_used_since(
    short_path: Path,
) -> None:
    """A way that was left before a start is not taken up again by a message over another."""
    calendar = Calendar()
    async with open_phones(short_path, calendar) as (_, conversations):
        await keep(conversations, sender(), gateway="sms")
    async with open_phones(short_path, calendar) as (_, conversations):
        assert await find_way(conversations) == "sms"
        for gateway in ("chat", "sms"):
            await keep(conversations, sender(), gateway=gateway)
            assert await find_way(conversations) == gateway
        await settle(conversations)


async def test_answer_when_the_line_started_again_then_it_goes_over_the_way_of_the_last_day(
    short_path: Path,
) -> None:
    """What order a start finds the days in decides nothing."""
    calendar = Calendar()
    senders = [sender(f"+52551234567{number}") for number in range(8)]
    async with open_phones(short_path, calendar) as (_, conversations):
        for gateway in ("sms", "chat"):
            for who in senders:
                await keep(conversations, who, gateway=gateway)
            calendar.turn(1)
    async with open_phones(short_path, calendar) as (_, conversations):
        assert {await find_way(conversations, who) for who in senders} == {"chat"}
        await settle(conversations)
