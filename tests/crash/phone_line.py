"""A line with phones, run in one process without a network: what serving it does, step by step."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import mmap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from crypto.age.hybrid import HybridIdentity
from crypto.note import Signer
from retention.policy import EVENTS, Event, Periods, RecordClass
from tests.service.conftest import Clock, World, make_line
from tests.service.phones import NUMBER, install_webhook, open_envelope
from tipline.answer_key import make_answer_key
from tipline.errors import GatewayError
from tipline.gateway.answering import Answering, open_answering
from tipline.gateway.arrival import Arrival, Line
from tipline.gateway.incoming import Incoming, Medium, Part
from tipline.gateway.media import MediaCollector
from tipline.gateway.numbers import parse_sender
from tipline.gateway.sealing import Sealable, seal_message
from tipline.gateway.settings import load_gateways
from tipline.instance import Instance
from tipline.keysets import KeysetWatch
from tipline.service.accountability import Accountability
from tipline.service.conversations import Conversations
from tipline.service.daily_log import DailyLog
from tipline.service.ending import LineEnding
from tipline.service.open_log import make_daily_log
from tipline.service.pages import PageRenderer
from tipline.service.purge_report import PurgeReport
from tipline.service.sqlite_store import SqliteStore
from tipline.service.standing import Standing
from tipline.service.workings import Parts, make_workings, open_parts

WINDOW_DAYS, EPOCH_DAYS, REPLAY_DAYS = 5, 10, 3
PERIODS: Periods = {
    **{record_class: dict.fromkeys(events, 90) for record_class, events in EVENTS.items()},
    RecordClass.RAW_NUMBER: {Event.RECEIVED: WINDOW_DAYS},
    RecordClass.GATEWAY_MESSAGE: {Event.RECEIVED: REPLAY_DAYS},
    RecordClass.PSEUDONYM_EPOCH: {Event.BEGUN: EPOCH_DAYS},
}
OTHER, THIRD = "+525587654321", "+525500000003"
READER = Signer.generate("tipline-reader/office")
PLACES = 64


class Shared:
    """What a process did, told to the one that killed it: memory of both."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, PLACES)

    def clear(self) -> None:
        """Begin anew."""
        self._memory[:] = bytes(PLACES)

    def count(self, place: int) -> None:
        """Count what was done."""
        self._memory[place] += 1

    def counted(self, place: int) -> int:
        """Tell how often it was."""
        return self._memory[place]


@dataclasses.dataclass(kw_only=True)
class Carrier:
    """The way back to phones: counts what it was handed, by the text's first character."""

    sent: Shared
    reachable: bool
    name: str = "hook"
    medium: Medium = Medium.SMS
    can_send: bool = True

    async def send(self, to: str, text: str) -> None:
        """Take an answer."""
        if not self.reachable:
            raise GatewayError("gateway_unreachable", gateway=self.name)
        if to != NUMBER:
            raise AssertionError("an answer to somebody else")
        self.sent.count(int(text[0]))


@dataclasses.dataclass(kw_only=True)
class Quiet:
    """A line that is open, and takes nothing yet."""

    directory: Path
    clock: Clock
    parts: Parts
    purge: Callable[[], Awaitable[PurgeReport]]
    daily: DailyLog
    keysets: KeysetWatch
    told: list[Any]
    faults: list[BaseException]


@dataclasses.dataclass(kw_only=True)
class Phones:
    """What phones reach of it."""

    quiet: Quiet
    conversations: Conversations
    arrival: Arrival
    answering: Answering

    @property
    def store(self) -> SqliteStore:
        """Where all of it lies."""
        return self.quiet.parts.store

    async def write(
        self,
        text: str,
        *,
        number: str | None = None,
        sender: str = NUMBER,
        part: tuple[int, int] | None = None,
    ) -> None:
        """Let somebody write; returns when it is acknowledged. The text is the provider's id."""
        await self.arrival.deliver(
            [
                Incoming(
                    gateway="hook",
                    medium=Medium.SMS,
                    provider_id=number or text,
                    sender=sender,
                    text=text,
                    received_at=self.quiet.clock(),
                    part=None if part is None else Part(reference="r", number=part[0], of=part[1]),
                )
            ]
        )

    async def settle(self) -> None:
        """Wait until every sender has a handle."""
        async with asyncio.timeout(60):
            await self.conversations.handles.wait_empty()

    def find(self, number: str = NUMBER) -> Standing:
        """Find a sender's conversation."""
        return self.conversations.find(parse_sender(number, "MX"), "city")

    async def read_texts(self, reader: HybridIdentity) -> dict[str, bytes | None]:
        """Open every tip as its reader does: of each text the pseudonym; no text came twice."""
        found: dict[str, bytes | None] = {}
        for stored in await self.store.tips():
            sealed = await self.store.read_envelope(stored, offset=0, length=stored.size_bytes)
            assert sealed is not None, "a tip does not open"
            tip, _ = open_envelope(sealed, reader=reader)
            assert tip.text not in found, f"twice: {tip.text}"
            found[tip.text] = stored.pseudonym
        return found


def write_line(directory: Path) -> World:
    """Make the line's files."""
    world = make_line(directory, clock=Clock(), periods=PERIODS, keyset=False)
    answers = make_answer_key(directory, today=world.clock.today)
    world.install(world.sign(signing=READER.verifier(), answers=answers))
    install_webhook(directory)
    return world


def make_clock(days: int, *, hour: int = 12) -> Clock:
    """Make a clock that stands so many days after the first one."""
    clock = Clock()
    turn(clock, days, hour=hour)
    return clock


def turn(clock: Clock, days: int, *, hour: int = 12) -> None:
    """Set a clock to so many days after the first one."""
    day = Clock().today + datetime.timedelta(days=days)
    clock.now = datetime.datetime.combine(day, datetime.time(hour), datetime.UTC)


@contextlib.asynccontextmanager
async def open_quiet(directory: Path, clock: Clock) -> AsyncIterator[Quiet]:
    """Open a line as serving it does, up to its first purge."""
    told: list[Any] = []
    faults: list[BaseException] = []
    with Instance.open(directory) as instance:
        async with open_parts(
            instance,
            clock=clock,
            boot_clock=clock.boot,
            on_clock=told.append,
            on_fault=faults.append,
            on_notice=told.append,
            on_lost=told.append,
        ) as parts:
            keysets = instance.watch_keyset()
            account = Accountability(
                log=parts.log,
                configuration=instance.configuration,
                renderer=PageRenderer(configuration=instance.configuration, demonstration=False),
                keysets=keysets,
                service_key=instance.signer.verifier().format(),
                find_oldest=parts.store.day_book.find_oldest_waiting,
            )
            daily = make_daily_log(
                instance,
                parts.log,
                book=parts.store.day_book,
                account=account,
                today=parts.keeper.today,
                ending=LineEnding(directory, log=parts.log, store=parts.store, on_end=lambda: None),
            )
            workings = make_workings(
                parts, instance, forget=lambda upload: None, on_purged=daily.note_purge
            )

            async def purge() -> PurgeReport:
                report = await workings.purge()
                assert report.failures == (), report.failures
                return report

            await daily.begin()
            yield Quiet(
                directory=directory,
                clock=clock,
                parts=parts,
                purge=purge,
                daily=daily,
                keysets=keysets,
                told=told,
                faults=faults,
            )


@contextlib.asynccontextmanager
async def open_phones(
    quiet: Quiet, *, sent: Shared, reachable: bool = True
) -> AsyncIterator[Phones]:
    """Take messages, orders and answers as long as the context lasts."""
    gateways = load_gateways(quiet.directory)
    assert gateways is not None
    today, promises = quiet.parts.keeper.latest_day, quiet.parts.promises
    conversations = quiet.parts.store.make_conversations(promises=promises, today=today)
    line = Line(
        conversations=conversations,
        keysets=quiet.keysets,
        promises=promises,
        today=today,
        clock=quiet.clock,
        takes_tips=lambda: True,
        has_room=_has_room,
        on_tip=lambda tip: None,
        on_fault=quiet.faults.append,
    )
    adapters: Any = {"hook": Carrier(sent=sent, reachable=reachable)}
    await conversations.open()
    try:
        async with open_answering(
            quiet.directory, line, adapters=adapters, sleep=lambda seconds: asyncio.sleep(0)
        ) as answering:
            arrival = Arrival(
                line,
                settings=gateways.gateways,
                adapters=adapters,
                orders=answering.orders,
                collector=MediaCollector(),
                seal=_seal,
                notify=None,
            )
            await arrival.load()
            yield Phones(
                quiet=quiet, conversations=conversations, arrival=arrival, answering=answering
            )
            await arrival.wait_idle()
    finally:
        await conversations.close()


async def _has_room() -> bool:
    return True


async def _seal(message: Sealable) -> bytes:
    # A serving line seals in processes of its own, which change no file of it.
    return await asyncio.to_thread(seal_message, message)
