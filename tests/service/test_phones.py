"""Messages from phones, over the listener of a line that is being served."""

from __future__ import annotations

import datetime
from typing import Any

from crypto.came_by import Medium
from tests.service.phones import NUMBER, call_line, install_webhook, message, open_tips


async def test_message_when_it_comes_then_the_desk_opens_it_and_reads_who_sealed_it(
    world: Any,
) -> None:
    """A message becomes an ordinary tip, which says that the service sealed it, and from whom."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("El puente está hueco.")) == 200
        (tip,) = await open_tips(world, site)
        (stored,) = site.tips
    assert (tip.text, tip.sealing, tip.channel, tip.language) == (
        "El puente está hueco.",
        "gateway",
        "city",
        "es",
    )
    assert tip.gateway is not None
    assert (tip.gateway.name, tip.gateway.medium, tip.gateway.sender) == (
        "hook",
        Medium.SMS,
        NUMBER,
    )
    assert not tip.gateway.continues
    assert tip.gateway.received_at == "2031-03-14T15:09:26Z"
    assert tip.gateway.reply_until == datetime.date(2031, 6, 11)
    assert stored.sealed_by_service
    assert stored.size_bytes == 65536
