"""One real line on loopback, with real keys, and what its desk opens."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import aiohttp
import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Category, Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from retention.policy import EVENTS, RecordClass
from tipline.desk.opening import TipOutcome, open_bundle
from tipline.desk.vault import Vault
from tipline.instance import Instance, init_instance
from tipline.keysets import install_keyset
from tipline.service.pages import load_pages
from tipline.service.serve import open_line

ROOT_DIRECTORY = Path(__file__).parents[2]
EMERGENCY = {
    "en": "Nobody reads this at once. In danger, call 112.",
    "es": "Nadie lee esto en el momento. En peligro, llama al 112.",
    "pt": "Ninguém lê isto na hora. Em perigo, ligue 112.",
}


def today() -> datetime.date:
    """The day in UTC: the browsers cannot be given another."""
    return datetime.datetime.now(datetime.UTC).date()


@dataclasses.dataclass(kw_only=True)
class Line:
    """
    A line with three readers of its first channel; the third is optional.

    Attributes:
        url: While it is served.
    """

    directory: Path
    root: Signer
    service: Signer
    readers: Mapping[str, HybridIdentity]
    url: str = ""
    desk_socket: Path = Path()

    def draft(self, *, valid_from: datetime.date | None = None, days: int = 31) -> KeysetDraft:
        """Write down who reads."""
        first = valid_from or today()
        since = datetime.date(2024, 5, 3)
        readers = tuple(
            Reader(id=id_, name=name, unit=unit, since_on=since, recipient=key.recipient())
            for (id_, key), (name, unit) in zip(
                self.readers.items(),
                (
                    ("Ana Lima", "Inspectorate, unit 2"),
                    ("Office of the auditor", "City hall"),
                    ("J. Okafor", "Newsroom"),
                ),
                strict=True,
            )
        )
        entries = tuple(
            ChannelReader(reader=id_, from_on=since, until_on=None, optional=id_ == "newsroom")
            for id_ in self.readers
        )
        names = {"en": "Public works", "es": "Obras públicas", "pt": "Obras públicas"}
        schools = {"en": "Schools", "es": "Escuelas", "pt": "Escolas"}
        money = {"en": "Money", "es": "Dinero", "pt": "Dinheiro"}
        safety = {"en": "Safety at work", "es": "Seguridad laboral", "pt": "Segurança no trabalho"}
        return KeysetDraft(
            valid_from=first,
            valid_until=first + datetime.timedelta(days=days - 1),
            service=self.service.verifier(),
            log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=readers,
            channels=(
                Channel(
                    id="works",
                    names=names,
                    categories=(
                        Category(id="money", names=money),
                        Category(id="safety", names=safety),
                    ),
                    readers=entries,
                ),
                Channel(id="schools", names=schools, categories=(), readers=entries[:1]),
            ),
        )

    def sign(
        self,
        draft: KeysetDraft,
        *,
        signer: Signer | None = None,
        on: datetime.date | None = None,
        previous: bytes | None = None,
    ) -> bytes:
        """Sign a keyset."""
        return sign_keyset(
            draft, signer=signer or self.root, today=on or today(), previous=previous
        )

    def install(self, note: bytes, *, on: datetime.date | None = None) -> None:
        """Put a keyset in force."""
        install_keyset(
            self.directory, note, root=self.root.verifier(), minimum=1, today=on or today()
        )

    @contextlib.asynccontextmanager
    async def serve(
        self, *, demonstration: bool = False, loopback_port: int = 0
    ) -> AsyncIterator[Line]:
        """Serve it on loopback, and on its unix sockets."""
        with Instance.open(self.directory) as instance:
            pages = load_pages(configuration=instance.configuration, demonstration=demonstration)
            async with open_line(
                instance, pages=pages, demonstration=demonstration, loopback_port=loopback_port
            ) as running:
                assert running.addresses.loopback is not None
                self.url = running.addresses.loopback
                self.desk_socket = running.addresses.desk_socket
                yield self

    async def pull(self) -> bytes:
        """Fetch a bundle, as the desk does."""
        connector = aiohttp.UnixConnector(path=str(self.desk_socket))
        async with (
            aiohttp.ClientSession("http://desk.invalid", connector=connector) as session,
            session.get("/bundle") as response,
        ):
            assert response.status == 200
            return await response.read()

    def open_tips(
        self, bundle: bytes, *, reader: str, vault_directory: Path
    ) -> tuple[list[TipOutcome], Vault]:
        """Open a bundle with one reader's key."""
        if vault_directory.exists():
            vault = Vault.open(vault_directory)
        else:
            vault = Vault.init(vault_directory, root=self.root.verifier())
        outcome = open_bundle(
            io.BytesIO(bundle), vault=vault, identities=[self.readers[reader]], today=today()
        )
        return list(outcome.tips), vault


@pytest.fixture(scope="session", autouse=True)
def _built_page() -> None:
    """The page and the catalogue, from today's sources."""
    subprocess.run(["node", ROOT_DIRECTORY / "tipline/page/build.mjs"], check=True, timeout=120)
    subprocess.run(
        [sys.executable, ROOT_DIRECTORY / "script/catalogue.py", "compile"],
        check=True,
        timeout=120,
        cwd=ROOT_DIRECTORY,
    )


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose sockets' paths fit: pytest's own are often too long."""
    path = Path(tempfile.mkdtemp(prefix="line-"))
    yield path
    shutil.rmtree(path)


def new_line(directory: Path, *, keyset: bool = True, **settings: object) -> Line:
    """
    Make a line.

    Args:
        directory: Where; its path is short, for the sockets.
        keyset: Whether a keyset of today's is in force.
        settings: Of the configuration, with double underscores for dots.

    Returns:
        The line, not yet served.
    """
    root = Signer.generate("tipline-root")
    names = dict.fromkeys(("en", "es", "pt"), "Harbour line")
    service = init_instance(
        directory / "line",
        settings={
            "root": root.verifier().format(),
            **{f"line.name.{language}": name for language, name in names.items()},
            **{f"line.emergency.{language}": text for language, text in EMERGENCY.items()},
            **{key.replace("__", "."): value for key, value in settings.items()},
        },
        periods={
            **{record_class: dict.fromkeys(events, 90) for record_class, events in EVENTS.items()},
            RecordClass.PARTIAL_UPLOAD: dict.fromkeys(EVENTS[RecordClass.PARTIAL_UPLOAD], 2),
            RecordClass.UPLOAD_ANSWER: dict.fromkeys(EVENTS[RecordClass.UPLOAD_ANSWER], 2),
        },
        translate=lambda text: text,
        today=today(),
    )
    ids = ("inspector", "auditor", "newsroom")
    line = Line(
        directory=directory / "line",
        root=root,
        service=service,
        readers={id_: HybridIdentity.generate() for id_ in ids},
    )
    if keyset:
        line.install(line.sign(line.draft()))
    return line


@pytest.fixture
def make_line(short_path: Path) -> Callable[..., Line]:
    """Make a line, with settings of the test's own."""
    return functools.partial(new_line, short_path)
