"""A line with phones: its `gateways.toml`, its secrets, and whoever calls its listener."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.payload import read_tip_payload
from crypto.secret import Secret
from crypto.tip import Tip
from tipline.gateway.kinds.webhook import INCOMING_LINE, OUTGOING_LINE, make_signed
from tipline.gateway.parts import WAIT
from tipline.gateway.settings import GATEWAYS_NAME
from tipline.gateway.signatures import sign_sha256

KEY = "k3y-of-the-webhook"
NUMBER = "+525512345678"


def format_gateways(listen: dict[str, Any], **gateways: dict[str, Any]) -> str:
    """Write a `gateways.toml`."""
    tables = [("listen", listen), *((f"gateway.{name}", keys) for name, keys in gateways.items())]
    lines = ["version = 1"]
    for name, keys in tables:
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def make_gateway(kind: str, **keys: Any) -> dict[str, Any]:
    """Make a table of a gateway for the line's one channel."""
    common = {"channel": "city", "language": "es", "country": "MX", "notice": False}
    return {"kind": kind, **common, **keys}


def install_gateways(
    directory: Path,
    *,
    listen: dict[str, Any] | None = None,
    secrets: dict[str, dict[str, str]] | None = None,
    **gateways: dict[str, Any],
) -> None:
    """Write `gateways.toml` and the secrets of its gateways."""
    written = format_gateways(listen or {"unix": "run/gateway"}, **gateways)
    (directory / GATEWAYS_NAME).write_text(written)
    for name, values in (secrets or {}).items():
        path = directory / "keys" / f"gateway-{name}"
        path.write_text("".join(f'{key} = "{value}"\n' for key, value in values.items()))
        path.chmod(0o600)


def install_webhook(directory: Path, *, name: str = "hook", **keys: Any) -> None:
    """Give a line a signed webhook."""
    # Nobody listens there: an answer waits.
    gateway = make_gateway("webhook", **{"send_url": "http://127.0.0.1:1/", **keys})
    install_gateways(directory, secrets={name: {"signing_key": KEY}}, **{name: gateway})


@dataclasses.dataclass(kw_only=True)
class Caller:
    """Whoever calls the listener."""

    session: aiohttp.ClientSession
    clock: Any

    async def post(
        self, value: dict[str, Any] | bytes, *, name: str = "hook", **changed: Any
    ) -> int:
        """Post a signed message; tell the status."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        timestamp = str(int(self.clock().timestamp()) + changed.get("late", 0))
        key = Secret(changed.get("key", KEY).encode())
        signature = sign_sha256(key, make_signed(INCOMING_LINE, name, timestamp, body))
        headers = {"Tipline-Timestamp": timestamp, "Tipline-Signature": f"v1={signature}"}
        headers |= changed.get("headers", {})
        async with self.session.post(f"/{name}", data=body, headers=headers) as response:
            await response.read()
            return response.status


@contextlib.asynccontextmanager
async def call_line(world: Any) -> AsyncIterator[Caller]:
    """Reach the listener of a line that is being served."""
    path = world.directory / "run" / "gateway"
    connector = aiohttp.UnixConnector(path=str(path))
    async with aiohttp.ClientSession("http://line.invalid", connector=connector) as session:
        yield Caller(session=session, clock=world.clock)


@dataclasses.dataclass(kw_only=True)
class Phone:
    """The other side of a webhook: what it got, signed as it has to be."""

    url: str = ""
    name: str = "hook"
    got: asyncio.Queue[tuple[str, str]] = dataclasses.field(default_factory=asyncio.Queue)

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Take an answer."""
        body = await request.read()
        signed = make_signed(OUTGOING_LINE, self.name, request.headers["Tipline-Timestamp"], body)
        signature = sign_sha256(Secret(KEY.encode()), signed)
        if request.headers["Tipline-Signature"] != f"v1={signature}":
            return web.Response(status=403)
        fields = json.loads(body)
        self.got.put_nowait((fields["to"], fields["text"]))
        return web.Response()

    async def wait(self) -> tuple[str, str]:
        """Wait for an answer."""
        async with asyncio.timeout(30):
            return await self.got.get()


@contextlib.asynccontextmanager
async def open_phone() -> AsyncIterator[Phone]:
    """Listen for answers."""
    phone = Phone()
    runner = web.ServerRunner(web.Server(phone.take))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    phone.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield phone
    finally:
        await runner.cleanup()


def message(text: str, *, number: str = "a1", sender: str = NUMBER, **more: Any) -> dict[str, Any]:
    """Make a message of the webhook; *number* is its id."""
    return {"id": number, "from": sender, "text": text, **more}


def open_envelope(sealed: bytes, *, reader: HybridIdentity) -> tuple[Tip, dict[str, bytes]]:
    """Open an envelope as its reader does: the tip, and its files by their names."""
    plain = io.BytesIO()
    age_file.open_(io.BytesIO(sealed), plain, identities=[reader])
    plain.seek(0)
    payload = read_tip_payload(plain)
    files = {}
    for member in payload.members[2:]:
        plain.seek(member.offset)
        files[member.name] = plain.read(member.size_bytes)
    return payload.tip, files


async def open_with_files(world: Any, site: Any) -> list[tuple[Tip, dict[str, bytes]]]:
    """Open every tip of a line with its files, in the order of the texts."""
    opened = []
    for stored in await site.line.store.tips():
        sealed = await site.line.store.read_envelope(stored, offset=0, length=stored.size_bytes)
        opened.append(open_envelope(sealed, reader=world.reader))
    return sorted(opened, key=lambda one: one[0].text)


async def open_tips(world: Any, site: Any) -> list[Tip]:
    """Open every tip of a line as its reader does, in the order of the texts."""
    return [tip for tip, _ in await open_with_files(world, site)]


async def wait_for_no_part(site: Any) -> None:
    """Wait until no part of a message waits for others."""
    async with asyncio.timeout(30):
        while await site.line.store._conversations.outbox.parts():  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.02)


async def let_parts_go(world: Any, site: Any) -> None:
    """Let the time go by for which a part waits; until none waits."""
    world.clock.now += WAIT
    await wait_for_no_part(site)
