"""What a carrier brings again under another id, when its message is stored already."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.service.phones import call_line, install_webhook, let_parts_go, message, open_tips
from tests.service.slow_sealing import slow_first_sealing
from tipline.gateway.arrival import OVERDUE_SECONDS
from tipline.gateway.sealers import Sealers

TEXTS = ("uno ", "dos ", "tres")


async def look_soon(seconds: float) -> None:
    """Look for what waits too long at once, and for nothing else."""
    await asyncio.sleep(0.05 if seconds == OVERDUE_SECONDS else 3600)


async def send(caller: Any, number: int, text: str, *, run: str) -> None:
    """Send a part under an id of its own; it is acknowledged."""
    part = {"reference": "42", "number": number, "of": 3}
    assert await caller.post(message(text, number=f"{run}{number}", part=part)) == 200


async def test_part_when_it_comes_again_under_another_id_then_no_second_tip_is_made(
    world: Any,
) -> None:
    """A carrier that lost our acknowledgement repeats a part, or all of them, as something new."""
    install_webhook(world.directory)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="first")
        await send(caller, 1, TEXTS[0], run="again")
        await let_parts_go(world, site)
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="all")
        assert await site.line.store._conversations.outbox.parts() == []
        (tip,) = await open_tips(world, site)
        # What it was acknowledged under is known from now on.
        await send(caller, 1, TEXTS[0], run="again")
        assert await site.line.store._conversations.outbox.parts() == []
    assert tip.text == "uno dos tres"


@pytest.mark.parametrize("fails", [False, True])
async def test_parts_when_they_come_again_while_their_message_is_sealed_then_no_second_tip_is_made(
    world: Any, monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    """Slow sealing is just when a carrier repeats; if it fails, the first is sealed after all."""
    install_webhook(world.directory)
    slow = slow_first_sealing(monkeypatch, fails=fails)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for number in (1, 2):
            await send(caller, number, TEXTS[number - 1], run="first")
        last = asyncio.create_task(send(caller, 3, TEXTS[2], run="first"))
        await slow.has_begun.wait()
        for number, text in enumerate(TEXTS, start=1):
            await send(caller, number, text, run="again")
        # Of the two, the first one's parts lie in their rows: nothing is lost by a crash now.
        assert len(await site.line.store._conversations.outbox.parts()) == 3
        slow.may_go_on.set()
        await last
        await let_parts_go(world, site)
        (tip,) = await open_tips(world, site)
    assert tip.text == "uno dos tres"
    assert slow.sealed_len == 1 + fails


async def test_part_when_what_was_to_make_room_cannot_be_sealed_then_it_has_to_come_back(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits in memory stays bounded while nothing can be sealed; then nothing is missing."""
    install_webhook(world.directory)
    is_broken, real = True, Sealers.seal

    async def seal(sealers: Sealers, sealable: Any) -> bytes:
        if is_broken:
            raise OSError(28, "no room")
        return await real(sealers, sealable)

    monkeypatch.setattr(Sealers, "seal", seal)
    monkeypatch.setattr("tipline.gateway.parts.MAX_PIECES", 1)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        await send(caller, 1, TEXTS[0], run="first")
        other = message(
            "otra", sender="+525587654321", part={"reference": "1", "number": 1, "of": 2}
        )
        assert await caller.post(other) == 503
        assert len(await site.line.store._conversations.outbox.parts()) == 1
        is_broken = False
        await asyncio.sleep(0.2)  # it is tried again with what is overdue
        assert await caller.post(other) == 200
        await let_parts_go(world, site)
        tips = await open_tips(world, site)
    assert sorted(tip.text for tip in tips) == ["otra[…]", "uno […]"]


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
        await let_parts_go(world, site)
        tips = await open_tips(world, site)
    assert [tip.text for tip in tips] == ["uno dos tres", "uno otra cosa[…]"]
