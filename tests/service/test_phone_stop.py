"""STOP beside somebody else's conversation: all of the one goes, and nothing of the other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crypto.outgoing import ItemKind
from retention.slot import SlotKind
from tests.service.phones import NUMBER, call_line, install_webhook, message, wait_for_no_part
from tests.service.slow_sealing import slow_first_sealing
from tests.service.test_conversations import give, read_all
from tests.service.test_phone_epochs import PERIODS, Clocks
from tests.service.test_phone_repeated import look_soon
from tipline.gateway.numbers import parse_sender
from tipline.gateway.parts import Joining
from tipline.service.taken_answers import Outcome

OTHER = "+525587654321"
TAIL_BYTES = 24
TABLES = ("windows", "outgoing", "parts")


async def read_rows(store: Any, table: str) -> dict[bytes, list[bytes]]:
    """Of each row of a table what nobody else has: its columns, and the secret of its slot."""
    rows = await store._writer.call(lambda: list(store._database[table].rows))
    known = {}
    for row in rows:
        # An epoch is others', too, and a pseudonym is that of the tips that stay.
        own = [value for name, value in row.items() if name not in ("epoch", "pseudonym")]
        secret = store._slots.get(row["slot"], SlotKind.RECORD, row["data_id"]).reveal()
        # The last bytes of each: what is long lies on several pages of the database.
        known[row["id"]] = [secret, *(one[-TAIL_BYTES:] for one in own if isinstance(one, bytes))]
    return known


# PROMISE: P-34
@pytest.mark.parametrize("word", ["STOP", "baja", "Parar."])
async def test_stop_when_two_have_conversations_then_all_of_one_goes_and_nothing_of_the_other(
    make_world: Any, word: str
) -> None:
    """
    Days of two epochs, a status, an answer and a part of each: of whoever ended it no row and no
    secret is left, of a day or an answer no byte in any file; the other one is answered as before.
    """
    world = make_world(periods=PERIODS)
    install_webhook(world.directory)
    clocks = Clocks(world)
    async with world.serve(boot_clock=clocks.boot) as site, call_line(world) as caller:
        store = site.line.store
        conversations = store._conversations

        def find(number: str) -> Any:
            return conversations.find(parse_sender(number, "MX"), "city")

        clocks.pass_days(4)
        for days in (0, 1):  # the last day of an epoch, and the first of the next
            clocks.pass_days(days)
            for who in (NUMBER, OTHER):
                told = message(f"{days} {who}", number=f"{days} {who}", sender=who)
                assert await caller.post(told) == 200
            await conversations.handles.wait_empty()
        rows: dict[str, dict[str, dict[bytes, list[bytes]]]] = {}
        known = {table: await read_rows(store, table) for table in TABLES}
        assert len(known["windows"]) == 4
        for who in (NUMBER, OTHER):
            conversation = find(who).conversation
            ours = set(conversations._index.ids_of(conversation))
            assert len(ours) == 2
            for kind in (ItemKind.STATUS, ItemKind.ANSWER):
                given = await give(conversations, conversation, f"{kind} {who}", kind=kind)
                assert given is Outcome.TAKEN
            part = {"reference": "r", "number": 1, "of": 2}
            half = message(f"half {who}", number=f"p {who}", sender=who, part=part)
            assert await caller.post(half) == 200
            rows[who] = {}
            for table in TABLES:
                now = await read_rows(store, table)
                mine = ours if table == "windows" else set(now) - set(known[table])
                rows[who][table] = {one: now[one] for one in mine}
            known = {table: await read_rows(store, table) for table in TABLES}
            assert [len(rows[who][table]) for table in TABLES] == [2, 1, 1]
        ended = find(NUMBER).conversation

        assert await caller.post(message(word, number="stop")) == 200

        left = read_all(world.directory)
        for table in TABLES:
            assert set(await read_rows(store, table)) == set(rows[OTHER][table])
            for secret, *columns in rows[NUMBER][table].values():
                # A part says nothing without its secret, and no mark: its bytes go at night.
                gone = [secret] if table == "parts" else [secret, *columns]
                assert [one for one in gone if one in left] == []
            assert all(one in left for row in rows[OTHER][table].values() for one in row)
        assert await conversations.read_sender(ended) is None
        assert await conversations.outbox.read_status(ended) is None
        assert not find(NUMBER).continues
        assert find(NUMBER).conversation != ended

        other = find(OTHER)
        reach = await conversations.read_sender(other.conversation)
        assert reach is not None
        assert reach.sender.address == OTHER
        assert await conversations.outbox.read_status(other.conversation) == f"status {OTHER}"
        assert [whose for _, whose in await conversations.outbox.answers()] == [other.conversation]
        part = {"reference": "r", "number": 2, "of": 2}
        rest = message(" whole", number="rest", sender=OTHER, part=part)
        assert await caller.post(rest) == 200
        assert len(await store.tips()) == 5


async def test_stop_when_a_message_of_parts_cannot_be_sealed_just_now_then_it_does_not_come_back(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while its sender ends the conversation is let go, and not tried in a new one."""
    install_webhook(world.directory)
    slow = slow_first_sealing(monkeypatch, fails=True)

    def make_part(number: int, sender: str) -> dict[str, Any]:
        part = {"reference": "r", "number": number, "of": 2}
        return message(f"half {number} ", number=f"{number} {sender}", sender=sender, part=part)

    made: list[Joining] = []
    make = Joining.__init__

    def note(joining: Joining) -> None:
        made.append(joining)
        make(joining)

    monkeypatch.setattr(Joining, "__init__", note)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        outbox = site.line.store._conversations.outbox
        assert await caller.post(make_part(1, NUMBER)) == 200
        last = asyncio.create_task(caller.post(make_part(2, NUMBER)))
        await slow.has_begun.wait()
        assert await caller.post(message("STOP", number="stop")) == 200
        slow.may_go_on.set()
        assert await last == 200
        await wait_for_no_part(site)
        assert await site.line.store.tips() == []
        assert await read_rows(site.line.store, "windows") == {}
        # Its provider repeats it: it was seen. Somebody else's message is kept as always.
        assert await caller.post(make_part(1, NUMBER)) == 200
        assert await outbox.parts() == []
        for number in (1, 2):
            assert await caller.post(make_part(number, OTHER)) == 200
        assert len(await site.line.store.tips()) == 1
        # Nothing of what is stored, or was let go, stays in mind.
        assert [(one._under_way, one._ended) for one in made] == [([], [])]
