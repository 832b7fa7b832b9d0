"""
The desk says which tips it has: from then on their last day is nearer.

Rules:
1. What is said twice changes nothing: the first time counts. Ids that are unknown are passed over,
   since a tip may have died between the pull and this.
2. The answer is given when the nearer day is on disk.

formats.md, "Picked up".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web

from crypto.bundle import MAX_TIPS
from crypto.errors import CryptoError, MalformedError
from crypto.strict import decode_hex, parse_json_object
from tipline.service.answers import MALFORMED, REFUSED, Reply, make_json_answer

PICKED_UP_PATH: Final = "/picked-up"
TIP_ID_BYTES: Final = 16
MAX_BODY_BYTES: Final = MAX_TIPS * 36 + 64  # an id in hex, its quotes, a comma and a space
SILENCE_SECONDS: Final = 180.0  # as long as the desk itself waits for us
PICKED_UP: Final = make_json_answer(200, {"state": "picked_up"})

PickUp = Callable[[Sequence[bytes]], Awaitable[int]]


async def respond_to_pick_up(request: web.BaseRequest, pick_up: PickUp) -> Reply:
    """
    Take the desk's word for what it has.

    Args:
        request: Untrusted, though the desk's own machine.
        pick_up: Notes it.

    Returns:
        What to hand to aiohttp.
    """
    body = bytearray()
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                piece = await request.content.readany()
        except (TimeoutError, web.RequestPayloadError):
            return MALFORMED.closing_reply()
        if not piece:
            break
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return REFUSED.closing_reply()
    try:
        ids = parse_picked_up(bytes(body))
    except CryptoError:
        return REFUSED.closing_reply()
    await pick_up(ids)
    return PICKED_UP.reply(request)


def parse_picked_up(untrusted: bytes) -> list[bytes]:
    """
    Read which tips the desk has.

    Args:
        untrusted: JSON: `{"tips": ["…", …]}`.

    Returns:
        Their ids, each once.

    Raises:
        MalformedError: of another form.
        TooLargeError: longer than ours can be.
    """
    value = parse_json_object(untrusted, max_bytes=MAX_BODY_BYTES)
    tips = value.get("tips")
    if set(value) != {"tips"} or not isinstance(tips, list) or len(tips) > MAX_TIPS:
        raise MalformedError("picked up")
    if not all(isinstance(tip, str) and len(tip) == 2 * TIP_ID_BYTES for tip in tips):
        raise MalformedError("picked up")
    return list(dict.fromkeys(decode_hex(tip) for tip in tips))
