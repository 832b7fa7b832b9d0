"""Blocking a sender by handle, on a line that is being served."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.phones import call_line, install_webhook, message
from tests.service.test_backup import ask
from tipline.errors import InstanceError, UsageError
from tipline.gateway.blocking import BLOCK_OPERATION, parse_any_handle
from tipline.handle_words import speak_handle


@pytest.mark.parametrize("language", ["en", "es", "pt"])
async def test_sender_when_blocked_by_handle_then_it_is_acknowledged_and_not_kept(
    world: Any, language: str
) -> None:
    """The operator types what the desk shows; others still write, and the block can be ended."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await site.line.store._conversations.handles.wait_empty()
        (tip,) = await site.line.store.tips()
        bits = parse_any_handle(speak_handle(tip.pseudonym, language).replace("-", " ").upper())
        await ask(site, BLOCK_OPERATION, bits=bits, blocked=True)
        assert await caller.post(message("two", number="a2")) == 200
        assert len(await site.line.store.tips()) == 1
        assert await caller.post(message("else", number="a3", sender="+525587654321")) == 200
        assert len(await site.line.store.tips()) == 2
        await ask(site, BLOCK_OPERATION, bits=bits, blocked=False)
        assert await caller.post(message("three", number="a4")) == 200
        assert len(await site.line.store.tips()) == 3


async def test_handle_when_nobody_has_it_or_it_is_none_then_that_is_said(world: Any) -> None:
    """A slip of the tongue blocks nobody."""
    install_webhook(world.directory)
    async with world.serve() as site:
        with pytest.raises(InstanceError, match="gateway_handle_unknown"):
            await ask(site, BLOCK_OPERATION, bits=7, blocked=True)
        for values in (
            {"bits": -1, "blocked": True},
            {"bits": 1 << 44, "blocked": True},
            {"bits": True, "blocked": True},
            {"bits": "7", "blocked": True},
            {"bits": 7, "blocked": 1},
        ):
            with pytest.raises(UsageError, match="gateway_handle"):
                await ask(site, BLOCK_OPERATION, **values)


@pytest.mark.parametrize(
    "untrusted", ["", "one two three", "abandon abandon abandon zzz", "a-b-c-d"]
)
def test_handle_when_it_is_not_four_words_then_it_is_refused(untrusted: str) -> None:
    """Words of no list, or too few."""
    with pytest.raises(UsageError, match="gateway_handle"):
        parse_any_handle(untrusted)


async def test_block_when_the_line_serves_no_phones_then_nobody_has_a_handle(world: Any) -> None:
    """Without gateways there is nobody to block."""
    async with world.serve() as site:
        with pytest.raises(InstanceError, match="gateway_handle_unknown"):
            await ask(site, BLOCK_OPERATION, bits=7, blocked=True)
