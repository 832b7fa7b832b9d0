"""
A line that is really served, for as long as a test says: the service of `open_line` with its store,
its slots, its day keeper, its purge and its log; tips come over its socket, operators use theirs.

The clocks alone are the test's: nights come when it says. What an operator could do to the line is
a small function in tests/threats/test_a_year.py, done to what really lies on the disk.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from crypto.note import Signer
from retention.policy import EVENTS, Event, Periods, RecordClass
from tests.service.conftest import SLICE_BYTES, Clock, Site, World, make_line
from tests.service.test_log_rhythm import Ticker
from tipline.audit.hold_texts import parse_listed
from tipline.audit.kept import Kept
from tipline.audit.notes import LOG, Checkpoint, Key
from tipline.audit.source import DirectorySource
from tipline.audit.verify import Trust, Verdict, verify
from tipline.instance import load_log_signer
from tipline.log_export import export_log
from tipline.log_store import LogStore
from tipline.served_line import ask_service

ONE_DAY = datetime.timedelta(days=1)
NIGHT, BATCH, NOON = (datetime.timedelta(hours=hour, minutes=1) for hour in (3, 5, 12))
BEGUN_AT = datetime.datetime(2031, 3, 14, 12, 1, tzinfo=datetime.UTC)
# Short, so that much dies in a year; the log's own texts outlive it.
PERIODS: Periods = {
    **{record_class: dict.fromkeys(events, 30) for record_class, events in EVENTS.items()},
    **{
        record_class: {Event.ARRIVED: 20, Event.PICKED_UP: 5}
        for record_class in (RecordClass.SEALED_TIP, RecordClass.ATTACHMENT)
    },
    RecordClass.PARTIAL_UPLOAD: {Event.BEGUN: 2},
    RecordClass.UPLOAD_ANSWER: {Event.ARRIVED: 3},
    RecordClass.LOG_TEXT: {Event.LOGGED: 60},
}
KEYSET_DAYS = 31  # of a real one; renewed before
START_DAYS = 50  # the machine is switched off and on
WORDS = {"first_person": "Ana Duarte", "second_person": "Luis Prado", "reason": "court order 17"}


class MachineClock(Clock):
    """The clocks of a machine that can be set wrong, and switched off and on."""

    def __init__(self) -> None:
        self.now = self._booted_at = BEGUN_AT
        self.ahead = datetime.timedelta()
        self._boots = 1

    def __call__(self) -> datetime.datetime:
        return self.now + self.ahead

    def boot(self) -> tuple[str, datetime.timedelta]:
        """Tell what cannot be set: which boot it is, and for how long it has lasted."""
        return f"{self._boots:04x}", self.now - self._booted_at

    def reboot(self) -> None:
        """Switch the machine on."""
        self._boots += 1
        self._booted_at = self.now


@dataclasses.dataclass(kw_only=True)
class RealLine:
    """
    A line, its auditor's papers, and its clock.

    Attributes:
        world: Its directory and keys.
        annexes: What the operator handed to the auditor.
        listed: The texts of holds, as the operator lists them.
        failures: What the service reported as not done.
        placed: A hold that somebody will release.
    """

    world: World
    clock: MachineClock
    annexes: dict[datetime.date, bytes] = dataclasses.field(default_factory=dict)
    listed: bytes | None = None
    failures: list[Any] = dataclasses.field(default_factory=list)
    placed: str | None = None
    _sealed: dict[tuple[int, int], bytes] = dataclasses.field(default_factory=dict)
    _site: Site | None = None
    _ticker: Ticker | None = None

    @property
    def today(self) -> datetime.date:
        """The day, by a clock that is right."""
        return self.clock.now.date()

    @property
    def site(self) -> Site:
        """The line while it is served."""
        assert self._site is not None
        return self._site

    @property
    def log_signer(self) -> Signer:
        """The log's key, which an operator has."""
        return load_log_signer(self.world.directory)

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Serve it."""
        self._ticker = Ticker(self.clock)
        reported = self.failures.append
        async with self.world.serve(sleep=self._ticker.sleep, report=reported) as site:
            self._site = site
            await self._ticker.settle()
            await self.ask_for_papers()
            try:
                yield
                await self.ask_for_papers()
            finally:
                self._site = None

    async def ask(self, name: str, **values: Any) -> dict[str, Any]:
        """Use the operator's socket."""
        return await ask_service(self.site.line.addresses.operator_socket, name, values)

    async def night(self) -> None:
        """Let the rest of the day go by, the night's purge, the batch, and the morning."""
        assert self._ticker is not None
        midnight = datetime.datetime.combine(self.today + ONE_DAY, datetime.time(), datetime.UTC)
        for moment in (NIGHT, BATCH, NOON):
            await self._ticker.advance(midnight + moment - self.clock.now)
        await self.ask_for_papers()

    async def nights(self, count: int) -> None:
        """Let so many nights pass in which nobody comes."""
        for _ in range(count):
            await self.night()

    def turn_off(self, **off: float) -> None:
        """Let the machine be off for so long, while it is not served."""
        self.clock.now += datetime.timedelta(**off)
        self.clock.reboot()

    async def ask_for_papers(self) -> None:
        """Let the operator hand over what the auditor asks for: annexes, and texts of holds."""
        state = self.site.line.log.read_state()
        assert state is not None
        known = max(self.annexes, default=state.begun_on - ONE_DAY)
        days = [
            (known + number * ONE_DAY).isoformat()
            for number in range(1, (state.batch_on - known).days)
        ]
        told = await self.ask("annexes", days=days)
        for day, text in told["annexes"].items():
            self.annexes[datetime.date.fromisoformat(day)] = text.encode()
        self.listed = json.dumps(await self.ask("hold-list")).encode()

    def _seal(self, files: tuple[bytes, ...]) -> tuple[int, bytes]:
        # Once for each keyset and length: what the line keeps is sealed anew, under its own key.
        assert self.world.keyset is not None
        number, length = self.world.keyset.number, sum(map(len, files))
        if (number, length) not in self._sealed:
            self._sealed[number, length] = self.world.seal(files=files)
        return number, self._sealed[number, length]

    async def send(self, *, files: tuple[bytes, ...] = ()) -> str:
        """Let a tip arrive; give its id."""
        number, envelope = self._seal(files)
        status, answer = await self.site.upload(envelope, keyset=number)
        assert (status, answer) == (200, {"state": "arrived"})
        return self.site.tips[-1].id.hex()

    async def begin_upload(self) -> None:
        """Let somebody begin an upload and never come back."""
        upload_id = secrets.token_hex(16)
        number, envelope = self._seal((bytes(3 * SLICE_BYTES),))
        fields = {"size_bytes": len(envelope), "keyset": number}
        assert (await self.site.put(upload_id, **fields))[0] == 200
        assert (await self.site.patch(upload_id, envelope[:SLICE_BYTES], offset=0))[0] == 200

    async def list_tips(self) -> list[str]:
        """List the ids of what is stored."""
        return [tip.id.hex() for tip in await self.site.line.store.tips()]

    async def list_free(self) -> list[str]:
        """List the ids of what no hold holds."""
        records = await self.site.line.store.records()
        held = {record.id.hex() for record in records if record.held_by}
        return [tip for tip in await self.list_tips() if tip not in held]

    async def pick_up(self, tips: list[str]) -> None:
        """Let the desk say what it has."""
        body = json.dumps({"tips": tips}).encode()
        async with self.site.desk.post("/picked-up", data=body) as response:
            assert response.status == 200

    async def place_hold(
        self, *, days: int, tips: list[str] | None = None, channel: str | None = None
    ) -> str:
        """Place a hold; give its id."""
        until = (self.today + days * ONE_DAY).isoformat()
        placed = await self.ask("hold-add", until=until, channel=channel, tips=tips or [], **WORDS)
        return str(placed["hold"])

    def renew_keyset(self) -> None:
        """Let the desk sign the next keyset."""
        self.world.install(self.world.sign(days=KEYSET_DAYS))

    def fork(self, directory: Path) -> RealLine:
        """Copy all of it while it is not served: what happens to one does not to the other."""
        shutil.copytree(self.world.directory, directory)
        clock = copy.copy(self.clock)
        return RealLine(
            world=dataclasses.replace(self.world, directory=directory, clock=clock),
            clock=clock,
            annexes=dict(self.annexes),
            listed=self.listed,
            placed=self.placed,
        )

    def export(self, directory: Path) -> Path:
        """Hand the log out, as `tipline log DIR export` does."""
        with contextlib.closing(
            LogStore(
                self.world.directory,
                verifier=self.log_signer.verifier(),
                today=lambda: self.today,
                mark_folder=self.world.directory / "slots",
            )
        ) as log:
            export_log(log, directory, keyset=None)
        return directory

    def judge(
        self,
        directory: Path,
        *,
        kept: Kept | None = None,
        since: Checkpoint | None = None,
        papers: bool = True,
    ) -> Verdict:
        """Say what the auditor's verifier says of the exported log, and of the papers."""
        return verify(
            DirectorySource(self.export(directory)),
            trust=Trust(
                log=Key.parse(self.log_signer.verifier().format(), type_=LOG),
                root=self.world.root.verifier().format(),
            ),
            today=self.today,
            kept=kept,
            since=since,
            annexes=self.annexes if papers else {},
            hold_texts=parse_listed(self.listed) if papers and self.listed else None,
        )


def make_real_line(directory: Path) -> RealLine:
    """Make a line that was never served."""
    clock = MachineClock()
    world = make_line(directory, clock=clock, periods=PERIODS)
    return RealLine(world=world, clock=clock)


async def live_honestly(line: RealLine, *, first: int, last: int) -> None:
    """
    Live some days of a year, with what happens in every year.

    Tips of both sizes, uploads that are never finished, pick-ups, early deaths, holds that are
    released and holds that end by themselves, keysets in time, backups, a clock that is
    a little wrong, and a machine that is off over a night's hours and makes up for them.
    """
    day = first
    while day <= last:
        until = min(last, day - day % START_DAYS + START_DAYS - 1)
        async with line.served():
            for number in range(day, until + 1):
                await live_a_day(line, number)
        day = until + 1
        if day % START_DAYS == 0 and day <= last:
            # Off from noon until the next day's noon: the night's hours pass, and no day's.
            line.turn_off(days=1)


async def live_a_day(line: RealLine, day: int) -> None:
    """Live a day and its night."""
    line.clock.ahead = datetime.timedelta(minutes=(0, 25, -25)[day // 30 % 3])
    for number in range((0, 1, 2, 0, 1, 0, 3)[day % 7]):
        await line.send(files=(bytes(200_000),) if (day + number) % 5 == 0 else ())
    if day % 9 == 0:
        await line.begin_upload()
    tips = await line.list_tips()
    if day % 4 == 1:
        await line.pick_up(tips[::2])
    if day % 40 == 10 and tips:
        line.placed = await line.place_hold(days=30, tips=tips[:2])
    if day % 40 == 35 and line.placed is not None:
        await line.ask("hold-release", hold=line.placed)
        line.placed = None
    if day % 60 == 20:
        await line.place_hold(days=25, channel="city")
    if day % 11 == 5:
        free = await line.list_free()
        await line.ask("purge-early", tips=free[:1])
    if day % 28 == 0:
        line.renew_keyset()
    if day % 30 == 15:
        await line.ask("backup-begin")
        await line.ask("backup-end")
    await line.night()


def kinds(verdict: Verdict) -> set[str]:
    """The kinds of what was found."""
    return {str(finding.kind) for finding in verdict.findings}
