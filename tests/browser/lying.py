"""A server that lies on request: the real pages, and whatever keyset a test gives it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

from aiohttp import web

from tipline.service.pages import Page


@contextlib.asynccontextmanager
async def serve_lies(
    pages: Mapping[str, Page], *, keyset: bytes | None
) -> AsyncIterator[tuple[str, list[str]]]:
    """
    Serve pages with a keyset of the test's choice.

    Args:
        pages: From `load_pages`.
        keyset: What `/keyset` gives; None closes the connection instead.

    Yields:
        The address, and the requests other than for pages, as they come in.
    """
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        page = pages.get(request.path)
        if page is not None:
            return web.Response(body=page.bodies["identity"], headers=page.headers)
        asked.append(f"{request.method} {request.path}")
        if request.path == "/keyset" and keyset is not None:
            return web.Response(body=keyset)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}/", asked
    finally:
        await runner.cleanup()
