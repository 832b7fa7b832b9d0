"""What is killed on a line with phones, and what must be so afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from crypto.age.hybrid import HybridIdentity
from crypto.handle import HANDLE_BITS
from crypto.outgoing import ItemKind, OutgoingItem, seal_item, sign_outgoing
from crypto.pseudonym import PSEUDONYM_BYTES, derive_pseudonym
from retention.log.entry import EntryType
from retention.slot import SlotKind
from tests.crash.phone_line import (
    EPOCH_DAYS,
    OTHER,
    READER,
    THIRD,
    Phones,
    Quiet,
    Shared,
    make_clock,
    open_phones,
    open_quiet,
    turn,
)
from tests.service.phones import NUMBER
from tipline.answer_key import load_answer_key
from tipline.errors import GatewayError
from tipline.gateway.numbers import parse_sender
from tipline.instance import Instance
from tipline.service.answer_outcomes import Outcome
from tipline.service.open_log import open_log
from tipline.service.record_keys import KeyUnavailableError

ZEROS = re.compile(rb"\x00{64,}")  # most of a slot file; no needle is as long
PARTS = {1: "one ", 2: "two ", 3: "three"}


@dataclasses.dataclass(kw_only=True)
class Facts:
    """
    What is known of a line, over the processes that run it.

    Args:
        reader: Opens its tips.
        done: Counts what was acknowledged.
        sent: Counts what was handed over to the phones' network.
        known: What the preparation found out.
    """

    reader: HybridIdentity
    done: Shared
    sent: Shared
    known: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """
    What is killed.

    Args:
        prepare: Brings a line to where it begins.
        work: Does it; tells when it begins.
        check: Starts the line again, and looks.
    """

    prepare: Callable[[Path, Facts], Awaitable[None]]
    work: Callable[[Path, Facts, Callable[[], None]], Awaitable[None]]
    check: Callable[[Path, Facts], Awaitable[None]]


def check_quiet(quiet: Quiet, *passing: type[BaseException]) -> None:
    """No key is missing, nothing was lost, and nothing failed but what passes."""
    # A slot that was being overwritten is said to be damaged; the next purge ends it.
    told = [one for one in quiet.told if getattr(one, "code", None) != "slot_damaged"]
    assert told == [], told
    assert [one for one in quiet.faults if not isinstance(one, passing)] == []


def check_slots(phones: Phones) -> None:
    """Every secret of a record is that of a row, and no row is without."""
    store = phones.store
    named = set(store._rows.slots())
    assert store._slots.reconcile(named) == 0, "a secret of nothing"


def check_gone(directory: Path, secrets: dict[str, str]) -> None:
    """No file holds any of these."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    everything = bytes(64).join(ZEROS.sub(b"", path.read_bytes()) for path in files)
    for name, value in secrets.items():
        assert bytes.fromhex(value) not in everything, f"left: {name}"


# An epoch's end.


async def prepare_epoch(directory: Path, facts: Facts) -> None:
    """Three phones write in an epoch, one is blocked, and one has no handle yet."""
    clock = make_clock(0)
    async with open_quiet(directory, clock) as quiet, open_phones(quiet, sent=facts.sent) as phones:
        await quiet.purge()
        await phones.write("a1")
        await phones.write("b1", sender=OTHER)
        await phones.settle()
    turn(clock, EPOCH_DAYS - 1)
    async with open_quiet(directory, clock) as quiet, open_phones(quiet, sent=facts.sent) as phones:
        await quiet.purge()
        await quiet.daily.catch_up(hour=0, now_hour=12)
        await phones.write("a2")
        await phones.write("b2", sender=OTHER)
        await phones.settle()
        texts = await phones.read_texts(facts.reader)
        pseudonym = texts["b2"]
        assert pseudonym is not None
        assert await phones.conversations.handles.set_block(
            int.from_bytes(pseudonym) >> (8 * PSEUDONYM_BYTES - HANDLE_BITS), blocked=True
        )
        await phones.conversations.handles.close()
        await phones.write("c1", sender=THIRD)
        (epoch,) = phones.conversations.handles._epochs._epochs
        key = phones.store._slots.get(0, SlotKind.EPOCH, epoch.id)
        secrets = {f"pseudonym of {text}": one for text, one in texts.items() if one is not None}
        for number in (NUMBER, OTHER, THIRD):
            address = parse_sender(number, "MX").encode()
            secrets[f"pseudonym of {number}"] = derive_pseudonym(
                key, salt=epoch.salt, channel="city", address=address
            )
        secrets |= {"epoch": epoch.id, "salt": epoch.salt, "key": key.reveal()}
        facts.known["secrets"] = {name: value.hex() for name, value in secrets.items()}
        facts.known["conversation"] = phones.find().conversation.hex()
        assert texts["a1"] == texts["a2"] == secrets[f"pseudonym of {NUMBER}"]


async def end_epoch(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """A line that is being served: the day turns, somebody writes, the purge runs, then the log."""
    clock = make_clock(EPOCH_DAYS - 1, hour=23)
    async with open_quiet(directory, clock) as quiet, open_phones(quiet, sent=facts.sent) as phones:
        await phones.settle()
        turn(clock, EPOCH_DAYS)
        begin()
        await quiet.purge()
        await phones.write("a3")
        facts.done.count(0)
        await phones.settle()
        await quiet.daily.catch_up(hour=0, now_hour=12)


async def start_after_epoch(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """A line that was off over the end: it purges before it takes anything."""
    clock = make_clock(EPOCH_DAYS)
    async with open_quiet(directory, clock) as quiet:
        begin()
        await quiet.purge()
        async with open_phones(quiet, sent=facts.sent) as phones:
            await phones.write("a3")
            facts.done.count(0)
            await phones.settle()
            await quiet.daily.catch_up(hour=0, now_hour=12)


async def check_epoch(directory: Path, facts: Facts) -> None:
    """Of the epoch is nothing left; all else is there, and the line goes on."""
    secrets = facts.known["secrets"]
    clock = make_clock(EPOCH_DAYS)
    async with open_quiet(directory, clock) as quiet:
        await quiet.purge()
        async with open_phones(quiet, sent=facts.sent) as phones:
            if facts.done.counted(0):
                assert "a3" in await phones.read_texts(facts.reader)
            await phones.write("a3")
            await phones.write("b3", sender=OTHER)
            await phones.settle()
            texts = await phones.read_texts(facts.reader)
            assert set(texts) == {"a1", "a2", "b1", "b2", "c1", "a3", "b3"}
            assert {text for text, one in texts.items() if one is not None} == {"a3", "b3"}
            assert texts["a3"] != texts["b3"]
            standing = phones.find()
            assert standing.conversation.hex() == facts.known["conversation"]
            assert standing.continues
            reach = await phones.conversations.read_sender(standing.conversation)
            assert reach is not None
            assert reach.sender.address == NUMBER
            assert phones.find(THIRD).continues
            assert not phones.find(OTHER).blocked
            (epoch,) = phones.store._keys.epochs()
            assert epoch.hex() != secrets["epoch"]
        await quiet.daily.catch_up(hour=0, now_hour=12)
        check_quiet(quiet)
    check_gone(directory, secrets)
    with Instance.open(directory) as instance, contextlib.ExitStack() as stack:
        # Compares the log with what was signed.
        log = open_log(instance, today=lambda: clock.today)
        stack.callback(log.close)
        (told,) = log.list_statements(EntryType.EPOCH)
        first = make_clock(0).today
        assert told.fields["epoch"] == first.isoformat()
        assert told.fields["on"] == (first + datetime.timedelta(days=EPOCH_DAYS)).isoformat()
        assert told.fields["late_days"] == 0
        types = [entry.statement.type for entry in log.read_entries()]
        assert types.count(EntryType.EPOCH) == 1


# Messages.


async def prepare_known(directory: Path, facts: Facts) -> None:
    """One phone wrote before."""
    async with (
        open_quiet(directory, make_clock(0)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        await quiet.purge()
        await phones.write("a1")
        await phones.settle()
        facts.known["conversation"] = phones.find().conversation.hex()


async def take_messages(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """Who is known writes again, and somebody else for the first time."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        begin()
        for place, (text, sender) in enumerate((("a2", NUMBER), ("b1", OTHER), ("b2", OTHER))):
            await phones.write(text, sender=sender)
            facts.done.count(place)
            await phones.settle()


async def check_messages(directory: Path, facts: Facts) -> None:
    """What was acknowledged is there; what its provider repeats comes once."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        texts = await phones.read_texts(facts.reader)
        for place, (text, sender) in enumerate((("a2", NUMBER), ("b1", OTHER), ("b2", OTHER))):
            assert text in texts or not facts.done.counted(place), f"lost: {text}"
            await phones.write(text, sender=sender)
        await phones.settle()
        texts = await phones.read_texts(facts.reader)
        assert set(texts) == {"a1", "a2", "b1", "b2"}
        assert texts["a1"] == texts["a2"] != texts["b1"] == texts["b2"]
        assert None not in texts.values()
        assert phones.find().conversation.hex() == facts.known["conversation"]
        assert phones.find(OTHER).continues
        check_quiet(quiet)
        check_slots(phones)


async def take_parts(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """Three parts come, in any order; the last makes a message of them."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        begin()
        for number in (2, 3, 1):
            await phones.write(PARTS[number], part=(number, 3))
            facts.done.count(number)
        await phones.settle()


async def check_parts(directory: Path, facts: Facts) -> None:
    """The provider repeats what was not acknowledged, then all of it: one message, whole."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        for number, text in PARTS.items():
            if not facts.done.counted(number):
                await phones.write(text, part=(number, 3))
        await phones.settle()
        texts = await phones.read_texts(facts.reader)
        assert set(texts) == {"a1", "one two three"}
        assert texts["a1"] == texts["one two three"] is not None
        for number, text in PARTS.items():
            await phones.write(text, part=(number, 3))
        assert set(await phones.read_texts(facts.reader)) == set(texts)
        assert await phones.conversations.outbox.parts() == []
        check_quiet(quiet)
        check_slots(phones)


# An end that a sender orders.


async def prepare_stop(directory: Path, facts: Facts) -> None:
    """One phone wrote, has a part, an answer and a status waiting; another one wrote, too."""
    async with (
        open_quiet(directory, make_clock(0)) as quiet,
        open_phones(quiet, sent=facts.sent, reachable=False) as phones,
    ):
        await quiet.purge()
        await phones.write("a1")
        await phones.write("half", part=(1, 2))
        await phones.settle()
        conversation = phones.find().conversation
        facts.known["conversation"] = conversation.hex()
        assert await take(phones, make_bundle(quiet, conversation)) == [Outcome.TAKEN] * 3
        facts.known["secrets"] = list_secrets(phones)
        await phones.write("b1", sender=OTHER)
        await phones.settle()


def list_secrets(phones: Phones) -> dict[str, str]:
    """Collect what opens the numbers, parts and answers that wait, and what it opens."""
    store = phones.store
    secrets: dict[str, str] = {}
    for table in ("windows", "parts", "outgoing"):
        query = f"SELECT slot, data_id, wrapped, sealed FROM {table}"  # ours
        for number, row in enumerate(store._database.execute(query).fetchall()):
            slot, data_id, wrapped, sealed = row
            secret = store._slots.get(slot, SlotKind.RECORD, data_id).reveal()
            values = {"secret": secret, "data id": data_id, "wrapped": wrapped}
            values["sealed"] = sealed[len(sealed) // 2 :][:24]
            secrets |= {f"{table} {number} {what}": one.hex() for what, one in values.items()}
    assert len(secrets) == 4 * 4
    return secrets


async def order_stop(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """It orders STOP, and writes again."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent, reachable=False) as phones,
    ):
        begin()
        await phones.write("STOP")
        facts.done.count(0)
        await phones.write("a2")
        facts.done.count(1)
        await phones.settle()


async def check_stop(directory: Path, facts: Facts) -> None:
    """What was ended is gone, once that was acknowledged; what was begun since goes on."""
    conversation = bytes.fromhex(facts.known["conversation"])
    secrets: dict[str, str] = facts.known["secrets"]
    if facts.done.counted(0):
        opening = {name: one for name, one in secrets.items() if name.endswith("secret")}
        check_gone(directory, opening)  # before anything of ours looks at it
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent, reachable=False) as phones,
    ):
        began = phones.find()
        if facts.done.counted(0):
            assert began.conversation != conversation
        assert began.continues or not facts.done.counted(1)
        await phones.write("STOP")  # the provider may not have heard
        if facts.done.counted(0):
            assert phones.find().conversation == began.conversation
            assert phones.find().continues == began.continues
        await phones.write("a2")
        await phones.settle()
        assert await phones.conversations.read_sender(conversation) is None
        assert await phones.conversations.outbox.read_status(conversation) is None
        assert await phones.conversations.outbox.answers() == []
        assert await phones.conversations.outbox.parts() == []
        assert set(await phones.read_texts(facts.reader)) == {"a1", "b1", "a2"}
        standing = phones.find()
        assert standing.continues
        assert standing.conversation != conversation
        assert phones.find(OTHER).continues
        # No way to the phones; and what waits may be ended while it is looked at.
        check_quiet(quiet, GatewayError, KeyUnavailableError)
        check_slots(phones)
    assert [facts.sent.counted(place) for place in (1, 2)] == [0, 0]
    check_gone(directory, secrets)


# Answers.


def make_bundle(quiet: Quiet, conversation: bytes) -> bytes:
    """Two answers and a status, signed by the desk."""
    identity = load_answer_key(quiet.directory)
    assert identity is not None
    today = quiet.clock.today
    items = [
        OutgoingItem(
            id=bytes([0xE0 + number]) * 16,
            kind=kind,
            reader="office",
            expires_on=today + datetime.timedelta(days=10),
            conversation=conversation,
            text=f"{number} thank you",
        )
        for number, kind in ((1, ItemKind.ANSWER), (2, ItemKind.ANSWER), (3, ItemKind.STATUS))
    ]
    sealed = [seal_item(item, answers=identity.recipient()) for item in items]
    return sign_outgoing(sealed, reader="office", number=1, today=today, signer=READER)


async def take(phones: Phones, bundle: bytes) -> list[Outcome]:
    """Bring a bundle; tell what became of its items."""
    answer = await phones.answering.side.take(bundle)
    assert answer.status == 200, answer
    return [Outcome(one["outcome"]) for one in json.loads(answer.body)["items"]]


async def wait_sent(phones: Phones) -> None:
    """Wait until no answer waits."""
    async with asyncio.timeout(30):
        while await phones.conversations.outbox.answers():  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.005)


async def prepare_answer(directory: Path, facts: Facts) -> None:
    """One phone wrote before; the desk has answered."""
    await prepare_known(directory, facts)
    async with open_quiet(directory, make_clock(0)) as quiet:
        conversation = bytes.fromhex(facts.known["conversation"])
        facts.known["bundle"] = make_bundle(quiet, conversation).hex()


async def send_answers(directory: Path, facts: Facts, begin: Callable[[], None]) -> None:
    """The bundle is taken, and its answers are sent."""
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        begin()
        assert await take(phones, bytes.fromhex(facts.known["bundle"])) == [Outcome.TAKEN] * 3
        facts.done.count(0)
        await wait_sent(phones)


async def check_answers(directory: Path, facts: Facts) -> None:
    """Each answer went once; the one that was under way, perhaps twice; none was lost."""
    bundle = bytes.fromhex(facts.known["bundle"])
    async with (
        open_quiet(directory, make_clock(1)) as quiet,
        open_phones(quiet, sent=facts.sent) as phones,
    ):
        if facts.done.counted(0):
            await wait_sent(phones)
            assert facts.sent.counted(1) >= 1, "an answer was lost"
            assert facts.sent.counted(2) >= 1, "an answer was lost"
        outcomes = await take(phones, bundle)  # the desk may not have heard
        assert outcomes[2] is Outcome.TAKEN
        await wait_sent(phones)
        assert await take(phones, bundle) == [Outcome.SENT, Outcome.SENT, Outcome.TAKEN]
        await wait_sent(phones)
        conversation = bytes.fromhex(facts.known["conversation"])
        assert await phones.conversations.outbox.read_status(conversation) == "3 thank you"
        assert phones.find().conversation == conversation
        check_quiet(quiet)
        check_slots(phones)
    sent = sorted(facts.sent.counted(place) for place in (1, 2))
    assert sent in ([1, 1], [1, 2]), sent


SCENARIOS = {
    "epoch": Scenario(prepare=prepare_epoch, work=end_epoch, check=check_epoch),
    "epoch-at-start": Scenario(prepare=prepare_epoch, work=start_after_epoch, check=check_epoch),
    "messages": Scenario(prepare=prepare_known, work=take_messages, check=check_messages),
    "parts": Scenario(prepare=prepare_known, work=take_parts, check=check_parts),
    "stop": Scenario(prepare=prepare_stop, work=order_stop, check=check_stop),
    "answers": Scenario(prepare=prepare_answer, work=send_answers, check=check_answers),
}
