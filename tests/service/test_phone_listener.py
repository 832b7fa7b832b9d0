"""The gateways' listener: what it reads, and what it tells the operator."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
from typing import Any

import pytest

from crypto.secret import Secret
from tests.service.phones import KEY, call_line, install_webhook, message, open_tips
from tipline.gateway.adapter import RawRequest, Received
from tipline.gateway.kinds.webhook import INCOMING_LINE, Webhook, make_signed
from tipline.gateway.signatures import sign_sha256
from tipline.service.silence import Faults


async def test_message_when_it_is_signed_and_refused_then_the_operator_is_told(
    world: Any, faults: Faults
) -> None:
    """A clock that is wrong loses messages: it is told in words; a stranger's call is not."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("x"), key="another", late=-301) == 403
        assert faults.take_told() == []
        for late in (-301, 301, -400):
            assert await caller.post(message("x"), late=late) == 403
        assert await caller.post(b"{}") == 400
        told = faults.take_told()
        assert [error.code for error in told] == ["gateway_stale", "gateway_malformed"]
        assert [dict(error.facts) for error in told] == [{"gateway": "hook"}] * 2
        assert [error.__traceback__ for error in told] == [None, None]
        assert faults.take_told() == []
        assert site.tips == []


async def test_call_when_a_part_of_it_is_refused_then_the_rest_is_taken_and_that_is_told(
    world: Any, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left out of a call of several is a fault."""
    real = Webhook.receive

    def receive(self: Webhook, request: RawRequest) -> Received:
        return dataclasses.replace(real(self, request), is_partly_refused=True)

    monkeypatch.setattr(Webhook, "receive", receive)
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("x")) == 200
        assert len(site.tips) == 1
    assert [error.code for error in faults.take_told()] == ["gateway_malformed"]


@pytest.mark.parametrize("cuts", [(), (0,), (1, 20), (-1,)])
async def test_body_when_it_comes_in_pieces_then_all_of_it_is_read(
    world: Any, cuts: tuple[int, ...]
) -> None:
    """With its head or long after it, a body is the same."""
    install_webhook(world.directory)
    body = json.dumps(message("seen")).encode()
    timestamp = str(int(world.clock().timestamp()))
    signed = make_signed(INCOMING_LINE, "hook", timestamp, body)
    signature = "v1=" + sign_sha256(Secret(KEY.encode()), signed)
    head = (
        f"POST /hook HTTP/1.1\r\nHost: line\r\nContent-Length: {len(body)}\r\n"
        f"Tipline-Timestamp: {timestamp}\r\nTipline-Signature: {signature}\r\n\r\n"
    )
    places = [0, *(cut % len(body) for cut in cuts), len(body)]
    pieces = [body[begin:end] for begin, end in itertools.pairwise(places)]
    async with world.serve() as site:
        path = str(world.directory / "run" / "gateway")
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(head.encode() + pieces[0])
        for piece in pieces[1:]:
            await writer.drain()
            # A call of somebody else's is answered meanwhile: the head was read.
            async with call_line(world) as caller:
                assert await caller.post(message("x"), name="nobody") == 404
            writer.write(piece)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        assert [tip.text for tip in await open_tips(world, site)] == ["seen"]
