"""
Calling the other side of a gateway over HTTP, in bounded memory and bounded time.

Rules:
1. What is sent goes to the address that the operator wrote, or nowhere. One redirect of what is
   only fetched is followed if the gateway knows the place, and nothing of ours is shown there.
2. No proxy and no `.netrc` of the environment is asked, and no cookie is kept.
3. An error says the gateway, a status and how long to wait, and nothing of the address, which may
   hold a number.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from tipline.errors import GatewayError

CALL_SECONDS: Final = 30.0  # of one call, all of it; a phone on a weak network needs ten
MAX_WAIT_SECONDS: Final = 3600  # so long the other side may have us wait
MAX_ANSWER_BYTES: Final = 256 * 1024  # of what is said about a message that was sent
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """
    What the other side said.

    Args:
        status: Of HTTP, 200 to 299.
        body: At most as long as was allowed.
        media_type: As the other side gave it.
    """

    status: int
    body: bytes = dataclasses.field(repr=False)
    media_type: str


def _hear_nothing(untrusted: bytes) -> int:
    return 0


async def call(
    gateway: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    limit_bytes: int = MAX_ANSWER_BYTES,
    call_seconds: float = CALL_SECONDS,
    may_go_to: Callable[[str], bool] | None = None,
    read_status: Callable[[int, bytes], int] | None = None,
    read_wait: Callable[[bytes], int] = _hear_nothing,
) -> Called:
    """
    Call the other side once.

    Args:
        gateway: Its name, for the error.
        method: Of HTTP.
        url: Already percent-encoded; it goes as it is.
        headers: All that are sent besides the usual ones.
        body: If there is one.
        limit_bytes: Of what is read.
        call_seconds: For all of it.
        may_go_to: Tells whether what is fetched may be fetched from another address, to which the
            other side sends us on; None for never.
        read_status: Tells which status of RFC 9110 a refusal means, where the other side writes it
            into its answer; None if it uses them as they are.
        read_wait: Reads from "later" how many seconds that is, if no header says it; 0 if nothing
            does.

    Returns:
        What the other side said, if it agreed.

    Raises:
        GatewayError: `gateway_unreachable`: nobody answers, or "later" (429, 5xx), then with
            `wait_seconds`, 0 if the other side does not say how much; `gateway_refused`;
            `gateway_media`: the answer is longer than allowed.
    """
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=call_seconds),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=True,
            ) as session,
            session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body,
                allow_redirects=False,
            ) as response,
        ):
            answer = await _read(response.content, limit_bytes=limit_bytes)
            status, media_type = response.status, response.content_type
            location = response.headers.get("Location", "")
            untrusted_wait = response.headers.get("Retry-After", "")
    except (aiohttp.ClientError, TimeoutError, OSError, asyncio.IncompleteReadError):
        # Not "from": the library's error quotes the address.
        raise GatewayError("gateway_unreachable", gateway=gateway) from None
    except ValueError:
        # Headers or an address that HTTP does not carry: what came from outside stands in them.
        raise GatewayError("gateway_refused", gateway=gateway, status=0) from None
    if may_go_to is not None and method == "GET" and status in REDIRECTS:
        elsewhere = _find_elsewhere(url, location, may_go_to)
        if elsewhere is not None:
            return await call(
                gateway,
                method,
                elsewhere,
                headers={},
                limit_bytes=limit_bytes,
                call_seconds=call_seconds,
            )
    if read_status is not None and answer is not None and status >= 400:
        status = read_status(status, answer)
    if status == 429 or status >= 500:
        wait_seconds = _parse_wait(untrusted_wait) or read_wait(answer or b"")
        raise GatewayError(
            "gateway_unreachable",
            gateway=gateway,
            wait_seconds=min(max(wait_seconds, 0), MAX_WAIT_SECONDS),
        )
    if not 200 <= status < 300:
        raise GatewayError("gateway_refused", gateway=gateway, status=status)
    if answer is None:
        raise GatewayError("gateway_media", gateway=gateway, limit=limit_bytes)
    return Called(status=status, body=answer, media_type=media_type)


def _find_elsewhere(
    url: str, untrusted_location: str, may_go_to: Callable[[str], bool]
) -> str | None:
    try:
        elsewhere = urljoin(url, untrusted_location)
        return elsewhere if may_go_to(elsewhere) else None
    except ValueError:
        return None  # no address at all


def _parse_wait(untrusted: str) -> int:
    # RFC 9110 section 10.2.3; a date instead is not read: it would be as right as their clock.
    return int(untrusted) if re.fullmatch("[0-9]{1,9}", untrusted) else 0


async def _read(content: aiohttp.StreamReader, *, limit_bytes: int) -> bytes | None:
    data = bytearray()
    async for piece in content.iter_any():
        data += piece
        if len(data) > limit_bytes:
            return None
    return bytes(data)
