"""
`tipline gateway test`: a message taken by the real adapter at a throwaway line, and what is stored.

Rules:
1. The line's own directory is only read: its gateways, their secrets, its policy. The message goes
   to a line made for it, with readers of its own, which is overwritten and removed afterwards.
2. It lies in memory, where the system has a place for that.
3. Nothing goes out: no notice, no answer, and no provider is called. Every address is replaced.
4. What is shown is read from the files after the line was stopped: rows as they lie there, and what
   a reader would open.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import io
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import aiohttp

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.keyset import ROOT_NAME, sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from crypto.payload import read_tip_payload
from crypto.tip import format_tip
from retention.policy import Policy, parse_policy
from tipline.clock import Clock, system_clock
from tipline.configuration import CONFIGURATION_NAME
from tipline.demonstration.traces import make_needles, search
from tipline.errors import CheckError, InstanceError
from tipline.files import PRIVATE_FILE_MODE, overwrite_file
from tipline.gateway.settings import (
    GATEWAYS_NAME,
    KEYS_NAME,
    OPTIONS,
    SECRETS_START,
    GatewaySettings,
    Kind,
    load_gateways,
    load_secrets,
)
from tipline.gateway.trial_requests import choose_sender, make_request, make_spooled
from tipline.gateway.typed import STATE_OPERATION, TYPE_OPERATION
from tipline.instance import (
    OPERATOR_SOCKET_NAME,
    POLICY_NAME,
    RUN_NAME,
    Instance,
    init_instance,
    load_log_signer,
)
from tipline.keysets import install_keyset
from tipline.language import LANGUAGES
from tipline.served_line import ask_service
from tipline.service.database import DATABASE_NAME
from tipline.service.serve import open_line
from tipline.service.store import Store, StoredTip

MEMORY: Final = Path("/dev/shm")  # noqa: S108  # memory, where there is some
NOBODY_URL: Final = "http://127.0.0.1:9/"  # discard: nobody listens
GATEWAY_SOCKET: Final = "run/gateway"
PATIENCE_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    A row that the message left.

    Args:
        table: Its table.
        values: By column, as they lie there.
    """

    table: str
    values: Mapping[str, int | str | bytes | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """
    What became of a message.

    Args:
        status: That its gateway was answered; None of one that calls nobody.
        sender: From whom the message came.
        rows: That it left, in the order of their tables.
        tip: `tip.json`, as a reader opens it.
        found: Places in which number or text lie in clear; none, if all is as it should be.
        policy: The line's own, which says what dies when.
    """

    status: int | None
    sender: str
    rows: tuple[Row, ...]
    tip: str = dataclasses.field(repr=False)
    found: tuple[str, ...]
    policy: Policy


async def try_gateway(
    directory: Path, name: str, *, number: str, text: str, clock: Clock = system_clock
) -> Trial:
    """
    Take a message by a gateway of a line, at a throwaway line.

    Args:
        directory: The line; it is only read, and may be served meanwhile.
        name: Of the gateway.
        number: From which the message would come.
        text: What it would say.
        clock: Tells the time.

    Returns:
        What became of it.

    Raises:
        InstanceError: `instance_missing` or `gateway_unknown`; a secret is missing, or the line's
            policy is.
        ConfigurationError: `gateways.toml` or the policy does not hold.
        PermissionsError: others can read a secret.
        CheckError: `gateway_trial`: the message did not arrive.
    """
    if not (directory / CONFIGURATION_NAME).is_file():
        raise InstanceError("instance_missing", path=str(directory))
    gateways = load_gateways(directory)
    if gateways is None or name not in gateways.gateways:
        raise InstanceError("gateway_unknown", gateway=name)
    settings = gateways.gateways[name]
    load_secrets(directory, settings)
    sender = choose_sender(settings.kind, number)
    policy = parse_policy((directory / POLICY_NAME).read_bytes())
    parent = MEMORY if MEMORY.is_dir() else None
    place = Path(tempfile.mkdtemp(prefix="tipline-", dir=parent))
    try:
        line = _Throwaway(place, settings=settings, source=directory, policy=policy, clock=clock)
        before = await line.serve(None)
        after = await line.serve((sender, text))
        rows = tuple(row for row in line.read_rows() if row not in before.rows)
        return Trial(
            status=after.status,
            sender=sender,
            rows=rows,
            tip=after.tip,
            found=tuple(line.search(sender, text)),
            policy=policy,
        )
    finally:
        _remove(place)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Served:
    """What one run of the throwaway line left."""

    status: int | None = None
    tip: str = ""
    rows: tuple[Row, ...] = ()


class _Throwaway:
    """A line of the gateway's kind, with one reader of its own."""

    def __init__(
        self,
        place: Path,
        *,
        settings: GatewaySettings,
        source: Path,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._reader = HybridIdentity.generate()
        self._spool = place / "spool"
        self.directory = place / "line"
        today = clock().date()
        root = Signer.generate(ROOT_NAME)
        signer = init_instance(
            self.directory,
            settings={
                "root": root.verifier().format(),
                **{f"line.{key}.{one}": "-" for key in ("name", "emergency") for one in LANGUAGES},
            },
            periods=policy.periods,
            translate=str,
            today=today,
        )
        note = self._sign_keyset(root, signer, today=today)
        install_keyset(self.directory, note, root=root.verifier(), minimum=1, today=today)
        self._write_gateway(source)

    def _sign_keyset(self, root: Signer, signer: Signer, *, today: datetime.date) -> bytes:
        names = dict.fromkeys(LANGUAGES, self._settings.channel)
        reader = Reader(
            id="reader",
            name="-",
            unit="-",
            since_on=today,
            recipient=self._reader.recipient(),
        )
        entry = ChannelReader(reader="reader", from_on=today, until_on=None, optional=False)
        channel = Channel(id=self._settings.channel, names=names, categories=(), readers=(entry,))
        draft = KeysetDraft(
            valid_from=today,
            valid_until=today + datetime.timedelta(days=6),
            service=signer.verifier(),
            log=load_log_signer(self.directory).verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=(reader,),
            channels=(channel,),
        )
        return sign_keyset(draft, signer=root, today=today)

    def _write_gateway(self, source: Path) -> None:
        settings = self._settings
        options = dict(settings.options)
        for key in ("send_url", "api_url"):
            if options.get(key):
                options[key] = NOBODY_URL
        if settings.kind is Kind.GAMMU:
            for folder in ("inbox", "outbox", "error"):
                (self._spool / folder).mkdir(parents=True, mode=0o700)
            options["spool"] = str(self._spool)
        values: dict[str, object] = {
            "kind": settings.kind.value,
            "channel": settings.channel,
            "language": settings.language,
            "country": settings.country,
            "notice": False,
            **({"accept_company": True} if settings.accept_company else {}),
            **{key: options[key] for key in OPTIONS[settings.kind]},
        }
        # Texts and flags in JSON are those of TOML.
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        head = ["version = 1", "[listen]", f'unix = "{GATEWAY_SOCKET}"']
        text = "\n".join([*head, f"[gateway.{settings.name}]", *lines]) + "\n"
        (self.directory / GATEWAYS_NAME).write_text(text)
        secrets = source / KEYS_NAME / f"{SECRETS_START}{settings.name}"
        if secrets.exists():
            copied = self.directory / KEYS_NAME / secrets.name
            copied.touch(mode=PRIVATE_FILE_MODE)
            copied.write_bytes(secrets.read_bytes())

    async def serve(self, message: tuple[str, str] | None) -> _Served:
        """Serve the line, take the message if there is one, and stop."""
        tips: list[StoredTip] = []
        status, tip = None, ""
        with Instance.open(self.directory) as instance:
            async with open_line(
                instance, pages=MappingProxyType({}), clock=self._clock, on_tip=tips.append
            ) as line:
                if message is not None:
                    status = await self._bring(*message, tips=tips)
                    await self._wait_for_handles()
                    if not tips:
                        raise CheckError("gateway_trial", status=status or 0)
                    tip = await self._open(line.store, tips[0])
        return _Served(status=status, tip=tip, rows=tuple(self.read_rows()))

    async def _bring(self, number: str, text: str, *, tips: Sequence[StoredTip]) -> int | None:
        settings = self._settings
        if settings.kind is Kind.OPERATOR:
            values = {"gateway": settings.name, "medium": "voice", "number": number, "text": text}
            await ask_service(self._operator, TYPE_OPERATION, values)
            return None
        if settings.kind is Kind.GAMMU:
            spooled = self._spool / "inbox" / f"IN20000101_000000_00_{number}_00.txt"
            spooled.write_bytes(make_spooled(number, text))
            await self._wait_for_tip(tips)
            return None
        request = make_request(
            settings,
            load_secrets(self.directory, settings),
            number=number,
            text=text,
            now=self._clock(),
        )
        connector = aiohttp.UnixConnector(path=str(self.directory / GATEWAY_SOCKET))
        async with (
            aiohttp.ClientSession("http://line.invalid", connector=connector) as session,
            session.post(request.target, data=request.body, headers=request.headers) as response,
        ):
            await response.read()
            return response.status

    @property
    def _operator(self) -> Path:
        return self.directory / RUN_NAME / OPERATOR_SOCKET_NAME

    async def _wait_for_tip(self, tips: Sequence[StoredTip]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not tips:  # noqa: ASYNC110  # it lies in a folder until it is looked for
                    await asyncio.sleep(LOOK_SECONDS)

    async def _wait_for_handles(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            operator = self._operator
            while (await ask_service(operator, STATE_OPERATION, {}))["handles_waiting"]:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)

    async def _open(self, store: Store, stored: StoredTip) -> str:
        sealed = await store.read_envelope(stored, offset=0, length=stored.size_bytes)
        plain = io.BytesIO()
        age_file.open_(io.BytesIO(sealed or b""), plain, identities=[self._reader])
        plain.seek(0)
        return format_tip(read_tip_payload(plain).tip).decode("utf-8")

    def read_rows(self) -> Iterator[Row]:
        """
        Read every row of the line's database, while nobody serves it.

        Yields:
            The rows, in the order of their tables.
        """
        path = self.directory / DATABASE_NAME
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            names = database.execute(
                "select name from sqlite_master where type = 'table' order by name"
            ).fetchall()
            for (table,) in names:
                # The name comes from the schema itself.
                for row in database.execute(f'select * from "{table}"'):  # noqa: S608
                    yield Row(table=table, values=dict(row))

    def search(self, number: str, text: str) -> Iterator[str]:
        """
        Search every file of the line for what must not lie there in clear.

        Args:
            number: In E.164, or an account.
            text: Of the message.

        Yields:
            The names of files in which one of the two lies.
        """
        digits = number.removeprefix("+")
        needles = [
            *make_needles("number", digits.encode()),
            *make_needles("number", _swap_digits(digits)),
            *make_needles("text", text.encode()),
        ]
        for folder in (self.directory, self._spool):
            if folder.exists():
                yield from sorted({trace.path.name for trace in search(folder, needles)})


def _swap_digits(digits: str) -> bytes:
    # As a PDU of an SMS has a number: two digits in a byte, the first one below; 3GPP TS 23.040.
    pairs = zip(digits[1::2], digits[::2], strict=False)
    return bytes.fromhex("".join(map("".join, pairs)))


def _remove(place: Path) -> None:
    # Overwritten, though it lay in memory: where there is none, this was a disk.
    for path in place.rglob("*"):
        if path.is_file() and not path.is_symlink():
            overwrite_file(path)
    shutil.rmtree(place)
