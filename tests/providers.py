"""A gateway's other side, over real HTTP on loopback: says what it is told to, and remembers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from tipline.errors import GatewayError
from tipline.gateway.sending import FINAL_STATUSES


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the other side was asked."""

    method: str
    target: str
    authorization: str | None
    body: bytes
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True, kw_only=True)
class Provider:
    """A provider's API; answers by method and target, else 404."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, bytes, dict[str, str]]] = dataclasses.field(
        default_factory=dict
    )
    asked: list[Asked] = dataclasses.field(default_factory=list)
    heard: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    def answer(
        self,
        method: str,
        target: str,
        body: bytes = b"{}",
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer a request from now on."""
        self.answers[method, target] = (status, body, headers or {})

    async def wait_until(self, is_enough: Callable[[list[Asked]], bool]) -> None:
        """Wait until what was asked is enough."""
        async with asyncio.timeout(30):
            while not is_enough(self.asked):
                self.heard.clear()
                await self.heard.wait()

    async def respond(self, request: web.Request) -> web.Response:
        """Remember a request, and answer it."""
        self.asked.append(
            Asked(
                method=request.method,
                target=request.raw_path,
                authorization=request.headers.get("Authorization"),
                body=await request.read(),
                headers=dict(request.headers),
            )
        )
        self.heard.set()
        status, body, headers = self.answers.get(
            (request.method, request.raw_path), (404, b"{}", {})
        )
        return web.Response(status=status, body=body, headers=headers)


@contextlib.asynccontextmanager
async def serve_provider() -> AsyncIterator[Provider]:
    """Serve one while the block runs."""
    provider = Provider()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", provider.respond)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    provider.url = f"http://127.0.0.1:{port}"
    try:
        yield provider
    finally:
        await runner.cleanup()


def hold_to_meaning(error: GatewayError, means: str) -> None:
    """Hold our error to what a refusal means: "later", "account" (to be mended) or "for good"."""
    if means == "later":
        assert error.code == "gateway_unreachable"
    else:
        assert error.code == "gateway_refused"
        assert (error.facts["status"] in FINAL_STATUSES) is (means == "for good")
