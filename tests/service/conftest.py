"""A line of its own for each test: real keys, a real keyset, a short path for its sockets."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import io
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.envelope import AttachedFile, seal_tip
from crypto.keyset import choose_recipients, sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from crypto.note import Signer, Verifier
from crypto.tip import Tip
from retention.policy import EVENTS, Periods, RecordClass
from tipline.instance import Instance, init_instance
from tipline.keysets import install_keyset
from tipline.service.pages import Page, make_page
from tipline.service.serve import RunningLine, open_line
from tipline.service.silence import Faults
from tipline.service.store import StoredTip

DAY = datetime.date(2031, 3, 14)
SLICE_BYTES = 1024 * 1024
PERIODS: Periods = {
    **{record_class: dict.fromkeys(events, 90) for record_class, events in EVENTS.items()},
    RecordClass.PARTIAL_UPLOAD: dict.fromkeys(EVENTS[RecordClass.PARTIAL_UPLOAD], 2),
    RecordClass.UPLOAD_ANSWER: dict.fromkeys(EVENTS[RecordClass.UPLOAD_ANSWER], 2),
}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime.datetime(2031, 3, 14, 15, 9, 26, 535897, datetime.UTC)

    def __call__(self) -> datetime.datetime:
        return self.now

    def boot(self) -> tuple[str, datetime.timedelta]:
        """Tell how long the machine has been up: what the test sets forward, really passes."""
        return "b007", self.now - datetime.datetime(2031, 1, 1, tzinfo=datetime.UTC)

    @property
    def today(self) -> datetime.date:
        return self.now.date()


@dataclasses.dataclass(kw_only=True)
class World:
    """An instance, its desk root, its one reader, and its clock."""

    directory: Path
    root: Signer
    reader: HybridIdentity
    service: Signer
    clock: Clock
    keyset: Keyset | None = None
    note: bytes | None = None

    def sign(
        self,
        *,
        first: datetime.date | None = None,
        days: int = 31,
        root: Signer | None = None,
        channel: str = "city",
        onion: str | None = None,
        signing: Verifier | None = None,
        answers: HybridRecipient | None = None,
    ) -> bytes:
        """Sign the next keyset: one reader of one channel."""
        first = first or self.clock.today
        names = {"en": "City", "es": "Ciudad", "pt": "Cidade"}
        reader = Reader(
            id="office",
            name="Office",
            unit="Unit 1",
            since_on=first,
            recipient=self.reader.recipient(),
            signing=signing,
        )
        entry = ChannelReader(reader="office", from_on=first, until_on=None, optional=False)
        draft = KeysetDraft(
            valid_from=first,
            valid_until=first + datetime.timedelta(days=days - 1),
            service=self.service.verifier(),
            log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
            witnesses=(),
            quorum=0,
            onion=onion,
            answers=answers,
            readers=(reader,),
            channels=(Channel(id=channel, names=names, categories=(), readers=(entry,)),),
        )
        previous = self.note if root is None else None
        return sign_keyset(draft, signer=root or self.root, today=first, previous=previous)

    def install(self, note: bytes) -> None:
        """Put a keyset in force on the clock's day."""
        installed = install_keyset(
            self.directory, note, root=self.root.verifier(), minimum=1, today=self.clock.today
        )
        self.keyset, self.note = installed.keyset, note

    def seal(self, text: str = "seen at the harbour", *, files: tuple[bytes, ...] = ()) -> bytes:
        """Seal a tip."""
        assert self.keyset is not None
        channel = self.keyset.channels[0].id
        attached = [
            AttachedFile(
                extension="jpg",
                size_bytes=len(content),
                source=io.BytesIO(content),
                name="harbour-at-night.jpg",
                media_type="image/jpeg",
            )
            for content in files
        ]
        sealed = io.BytesIO()
        recipients = choose_recipients(self.keyset, channel=channel, today=self.clock.today)
        seal_tip(sealed, tip=Tip(text=text), files=attached, recipients=recipients)
        return sealed.getvalue()

    @contextlib.asynccontextmanager
    async def serve(self, **settings: Any) -> AsyncIterator[Site]:
        """Open the instance and serve it."""
        tips: list[StoredTip] = []
        clocks = {"clock": self.clock, "boot_clock": self.clock.boot}
        settings = {"pages": {}, "on_tip": tips.append, **clocks, **settings}
        with Instance.open(self.directory) as instance:
            async with (
                open_line(instance, **settings) as line,
                open_session(line.addresses.source_socket) as source,
                open_session(line.addresses.desk_socket) as desk,
            ):
                yield Site(line=line, source=source, desk=desk, tips=tips, instance=instance)


@dataclasses.dataclass(kw_only=True)
class Site:
    """A running line and clients of it."""

    line: RunningLine
    source: aiohttp.ClientSession
    desk: aiohttp.ClientSession
    tips: list[StoredTip]
    instance: Instance

    async def put(self, upload_id: str, **fields: Any) -> tuple[int, Any]:
        """Open an upload."""
        body = {"channel": "city", "keyset": 1, "size_bytes": 65536, **fields}
        async with self.source.put(f"/uploads/{upload_id}", json=body) as response:
            return response.status, await response.json()

    async def patch(
        self, upload_id: str, data: bytes, *, offset: int, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a slice."""
        sent = {**slice_headers(data, offset=offset), **(headers or {})}
        async with self.source.patch(f"/uploads/{upload_id}", data=data, headers=sent) as response:
            return response.status, await response.json()

    async def ask(self, upload_id: str) -> tuple[int, Any]:
        """Ask how an upload stands."""
        async with self.source.get(f"/uploads/{upload_id}") as response:
            return response.status, await response.json()

    async def upload(self, envelope: bytes, *, keyset: int = 1) -> tuple[int, Any]:
        """Send a whole envelope."""
        upload_id = secrets.token_hex(16)
        status, answer = await self.put(upload_id, size_bytes=len(envelope), keyset=keyset)
        offset = 0
        while status == 200 and answer["state"] == "open":
            data = envelope[offset : offset + SLICE_BYTES]
            status, answer = await self.patch(upload_id, data, offset=offset)
            offset += len(data)
        return status, answer

    async def fetch_bundle(self, path: str = "/bundle") -> bytes:
        """Fetch a bundle as the desk does."""
        async with self.desk.get(path) as response:
            assert response.status == 200
            return await response.read()


def slice_headers(data: bytes, *, offset: int) -> dict[str, str]:
    """Make the headers of a slice."""
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {"Upload-Offset": str(offset), "Upload-Checksum": f"sha256 {digest}"}


def open_session(path: Path) -> aiohttp.ClientSession:
    """Open a client of a unix socket."""
    return aiohttp.ClientSession(
        "http://line.invalid", connector=aiohttp.UnixConnector(path=str(path))
    )


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose sockets' paths fit: pytest's own are often too long."""
    path = Path(tempfile.mkdtemp(prefix="line-"))
    yield path
    shutil.rmtree(path)


def make_line(
    directory: Path,
    *,
    clock: Clock,
    periods: Periods = PERIODS,
    keyset: bool = True,
    **settings: object,
) -> World:
    """Make a line, with settings of the test's own."""
    root = Signer.generate("tipline-root")
    texts = {
        f"line.{part}.{language}": "Harbour line"
        for part in ("name", "emergency")
        for language in ("en", "es", "pt")
    }
    service = init_instance(
        directory,
        settings={
            "root": root.verifier().format(),
            **texts,
            **{key.replace("__", "."): value for key, value in settings.items()},
        },
        periods=periods,
        translate=lambda text: text,
        today=clock.today,
    )
    world = World(
        directory=directory,
        root=root,
        reader=HybridIdentity.generate(),
        service=service,
        clock=clock,
    )
    if keyset:
        world.install(world.sign())
    return world


@pytest.fixture
def make_world(short_path: Path) -> Callable[..., World]:
    """Make a line, with settings of the test's own."""

    def make(**settings: Any) -> World:
        return make_line(short_path / "line", clock=Clock(), **settings)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A line with the example's settings."""
    return make_world()


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What the line remembers of its faults."""
    made = Faults()
    monkeypatch.setattr("tipline.service.serve.Faults", lambda: made)
    return made


@pytest.fixture
def page() -> Page:
    """A small page."""
    return make_page(b"<!doctype html><title>.</title>", suffix=".html", cache_control="no-store")
