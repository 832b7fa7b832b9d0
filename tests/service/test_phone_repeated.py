"""What a carrier brings again under another id, when its message is stored already."""

from __future__ import annotations

import asyncio
import datetime
from typing import Any

from tests.service.phones import call_line, install_webhook, message, open_tips
from tipline.gateway.arrival import OVERDUE_SECONDS

TEXTS = ("uno ", "dos ", "tres")


async def look_soon(seconds: float) -> None:
    """Look for what waits too long at once, and for nothing else."""
    await asyncio.sleep(0.05 if seconds == OVERDUE_SECONDS else 3600)


async def send(caller: Any, number: int, text: str, *, run: str) -> None:
    """Send a part under an id of its own; it is acknowledged."""
    part = {"reference": "42", "number": number, "of": 3}
    assert await caller.post(message(text, number=f"{run}{number}", part=part)) == 200


async def wait_for_none(world: Any, site: Any) -> None:
    """Let ten minutes go by; wait until no part waits."""
    world.clock.now += datetime.timedelta(minutes=10)
    async with asyncio.timeout(20):
        while await site.line.store._conversations.outbox.parts():  # noqa: ASYNC110  # nobody is told
            await asyncio.sleep(0.05)


async def test_part_when_it_comes_again_under_another_id_then_no_second_tip_is_made(
    world: Any,
) -> None:
    """A carrier that lost our acknowledgement repeats a part, or all of them, as something new."""
    install_webhook(world.directory)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="first")
        await send(caller, 1, TEXTS[0], run="again")
        await wait_for_none(world, site)
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="all")
        assert await site.line.store._conversations.outbox.parts() == []
        (tip,) = await open_tips(world, site)
        # What it was acknowledged under is known from now on.
        await send(caller, 1, TEXTS[0], run="again")
        assert await site.line.store._conversations.outbox.parts() == []
    assert tip.text == "uno dos tres"


async def test_part_when_a_second_message_begins_with_the_same_words_then_all_of_it_is_kept(
    world: Any,
) -> None:
    """Nobody's words are lost for a carrier's repetitions."""
    install_webhook(world.directory)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="first")
        await send(caller, 1, TEXTS[0], run="second")
        await send(caller, 2, "otra cosa", run="second")
        await wait_for_none(world, site)
        tips = await open_tips(world, site)
    assert [tip.text for tip in tips] == ["uno dos tres", "uno otra cosa[…]"]
