"""What an operator types in for somebody who telephones or comes."""

from __future__ import annotations

import argparse
import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.tip import MAX_TEXT_BYTES
from tests.service.phones import call_line, install_gateways, make_gateway, open_tips
from tipline.commands.gateway_type import run
from tipline.console import Console
from tipline.errors import InstanceError, TiplineError, UsageError
from tipline.gateway.notices import make_notice
from tipline.gateway.typed import STATE_OPERATION, TYPE_OPERATION
from tipline.served_line import ask_service

NUMBER = "+525512345678"


def install(world: Any) -> None:
    """Give a line a person who types, and a gateway that is none."""
    install_gateways(
        world.directory,
        secrets={"hook": {"signing_key": "k3y-of-the-webhook"}},
        person=make_gateway("operator"),
        hook=make_gateway("webhook", send_url=""),
    )


async def type_in(world: Any, typed: bytes, **options: Any) -> str:
    """Run the command; tell what it said."""
    err = io.StringIO()
    console = Console(translate=lambda text: text, err=err, input=io.BytesIO(typed))
    usual = {"directory": world.directory, "gateway": "person", "in_person": False}
    given = argparse.Namespace(**{**usual, "ask_number": False, **options})
    assert await asyncio.to_thread(run, given, console) == 0
    return err.getvalue()


async def test_call_when_typed_in_then_the_tip_says_that_somebody_typed_it(world: Any) -> None:
    """What is told by telephone becomes a tip that says so; the notice is read out first."""
    install(world)
    async with world.serve() as site:
        said = await type_in(world, "El puente está hueco.\n".encode())
        (tip,) = await open_tips(world, site)
    assert tip.gateway is not None
    assert (tip.text, tip.sealing) == ("El puente está hueco.", "gateway")
    assert (tip.gateway.medium, tip.gateway.sender) == (Medium.VOICE, None)
    assert (tip.gateway.conversation, tip.gateway.reply_until) == (None, None)
    assert make_notice(Medium.VOICE, language="es", onion=None) in said


async def test_number_when_one_is_said_then_only_the_sealed_tip_has_it(world: Any) -> None:
    """A number that was typed goes to the readers; no window and no handle is kept for it."""
    install(world)
    async with world.serve() as site:
        await type_in(world, b"55 1234 5678\nhola", ask_number=True, in_person=True)
        await type_in(world, b"55 1234 5678\nhola otra vez", ask_number=True, in_person=True)
        tips = await open_tips(world, site)
    assert [tip.gateway.sender for tip in tips if tip.gateway] == [NUMBER, NUMBER]
    assert [tip.gateway.conversation for tip in tips if tip.gateway] == [None, None]
    assert {tip.gateway.medium for tip in tips if tip.gateway} == {Medium.WALK_IN}


@pytest.mark.parametrize(
    ("typed", "ask_number"),
    [
        (b"", False),
        (b" \n", False),
        (b"\xff", False),
        (b"x" * (MAX_TEXT_BYTES + 1), False),
        (b"not a number +\nhola", True),
        (b"\xff\nhola", True),
    ],
)
async def test_words_when_they_cannot_be_taken_then_nothing_is_kept(
    world: Any, typed: bytes, ask_number: bool
) -> None:
    """What has no text, too much of it or no number is refused, and the error quotes none of it."""
    install(world)
    async with world.serve() as site:
        with pytest.raises(UsageError) as caught:
            await type_in(world, typed, ask_number=ask_number)
        assert site.tips == []
    assert caught.value.code == "gateway_typed"
    assert caught.value.facts == {}
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("gateway", ["hook", "nobody"])
async def test_gateway_when_it_is_no_person_then_nothing_is_taken(world: Any, gateway: str) -> None:
    """Only a gateway of kind operator takes what is typed."""
    install(world)
    async with world.serve() as site:
        with pytest.raises(InstanceError) as caught:
            await type_in(world, b"hola", gateway=gateway)
        values = {"gateway": gateway, "medium": "voice", "number": "", "text": "hola"}
        with pytest.raises(InstanceError) as told:  # the service itself, whoever asks it
            await ask_service(world.directory / "run" / "operator.sock", TYPE_OPERATION, values)
        assert site.tips == []
    assert (caught.value.code, told.value.code) == ("gateway_not_operator",) * 2


async def test_directory_when_it_is_no_line_then_says_so(world: Any, tmp_path: Path) -> None:
    """Who mistypes the directory does not look for a gateway."""
    install(world)
    with pytest.raises(InstanceError) as caught:
        await type_in(world, b"hola", directory=tmp_path / "nothing")
    assert caught.value.code == "instance_missing"


async def test_line_when_it_is_not_served_then_says_so(world: Any) -> None:
    """Nobody seals for a line that is not being served."""
    install(world)
    with pytest.raises(TiplineError) as caught:
        await type_in(world, b"hola")
    assert caught.value.code == "gateway_not_served"


async def test_line_when_nobody_reads_then_the_operator_is_told(world: Any) -> None:
    """What cannot be sealed is not taken, and whoever typed knows it."""
    install_gateways(world.directory, person=make_gateway("operator", channel="nowhere"))
    async with world.serve() as site:
        with pytest.raises(InstanceError) as caught:
            await type_in(world, b"hola")
        assert site.tips == []
    assert caught.value.code == "gateway_busy"


async def test_listener_when_somebody_calls_a_person_then_is_refused(world: Any) -> None:
    """A gateway that is a person cannot be called over the listener."""
    install(world)
    async with world.serve(), call_line(world) as caller:
        assert await caller.post({"id": "1", "from": "", "text": "x"}, name="person") == 403


async def test_state_when_asked_then_the_line_tells_what_waits_for_its_handle(world: Any) -> None:
    """The operator sees how many messages wait for their sender's handle, and that none does."""
    install(world)
    path = world.directory / "run" / "operator.sock"
    async with world.serve(), call_line(world) as caller:
        body = {"id": "1", "from": NUMBER, "text": "x"}
        assert await caller.post(body) == 200
        async with asyncio.timeout(20):
            while told := (await ask_service(path, STATE_OPERATION, {}))["handles_waiting"]:
                assert told == 1
                await asyncio.sleep(0)
