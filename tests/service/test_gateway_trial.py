"""`tipline gateway test`: a message at a throwaway line."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retention.policy import RecordClass
from tests.service.phones import KEY, install_gateways, make_gateway
from tipline.commands import gateway_test
from tipline.console import Console
from tipline.errors import CheckError, InstanceError
from tipline.gateway import trial
from tipline.gateway.settings import Kind
from tipline.service.account_words import CLASS_NAMES

URL = "https://example.org/api"
GATEWAYS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "gammu": ({"spool": "/var/spool/nowhere"}, {}),
    "capcom6": ({"send_url": URL}, {"signing_key": KEY, "user": "u", "password": "p"}),
    "kannel": ({"send_url": URL, "from": ""}, {"inbound": KEY, "user": "u", "password": "p"}),
    "webhook": ({"send_url": URL}, {"signing_key": KEY}),
    "twilio": (
        {"public_url": f"{URL}?a=b", "api_url": URL, "account_sid": "AC1", "from": "+1"},
        {"auth_token": "t"},
    ),
    "whatsapp": (
        {"api_url": URL, "phone_number_id": "7", "accept_company": True},
        {"app_secret": "a", "verify_token": KEY, "access_token": "t"},
    ),
    "telegram": (
        {"api_url": URL, "accept_company": True},
        {"secret_token": KEY, "bot_token": "1:a"},
    ),
    "operator": ({}, {}),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Know what a trial leaves in the place where it is made."""
    folder = Path("/dev/shm") / f"trial-{tmp_path.name}"  # as the program takes it
    folder.mkdir()
    monkeypatch.setattr(trial, "MEMORY", folder)
    yield folder
    folder.rmdir()  # refuses if anything is left


def install(world: Any, kind: str) -> None:
    """Give a line a gateway of a kind."""
    keys, secrets = GATEWAYS[kind]
    gateway = make_gateway(kind, **{**keys, "notice": True})
    install_gateways(world.directory, secrets={"one": secrets} if secrets else {}, one=gateway)


async def run(world: Any, **options: Any) -> str:
    """Run the command; tell what it printed."""
    out = io.StringIO()
    console = Console(translate=lambda text: text, out=out, err=io.StringIO())
    usual = {"directory": world.directory, "gateway": "one", "json": True}
    given = argparse.Namespace(**{**usual, **options})
    assert await asyncio.to_thread(gateway_test.run, given, console) == 0
    return out.getvalue()


@pytest.mark.parametrize("kind", [kind.value for kind in Kind])
async def test_message_when_tried_then_everything_that_it_leaves_is_shown(
    world: Any, place: Path, kind: str
) -> None:
    """Each kind's real adapter takes a message; its rows are shown, and neither number nor text."""
    install(world, kind)
    told = json.loads(await run(world))

    tables = {row["table"] for row in told["rows"]}
    tip = json.loads(told["tip"])
    assert (tip["text"], tip["sealing"]) == (gateway_test.TEXT, "gateway")
    assert {"tips", "replays"} <= tables
    # Who was typed in has no window, and no handle.
    assert ({"windows", "handles"} <= tables) is (kind != "operator")
    assert told["found"] == []
    assert told["status"] == (None if kind in ("gammu", "operator") else 200)
    # Of whom it came is what was searched for.
    assert tip["gateway"]["sender"] == told["sender"]
    assert (told["sender"] == gateway_test.NUMBER) is (kind != "telegram")
    # Of each row somebody can read what it is, and when it goes.
    assert tables <= gateway_test.TABLE_WORDS.keys()
    assert set(told["periods"]) == {one.value for one in gateway_test.KEPT_CLASSES}


async def test_message_when_tried_then_the_line_itself_is_as_it_was(
    world: Any, place: Path
) -> None:
    """Nothing of the line's own changes, and it may be served meanwhile."""
    install(world, "webhook")
    async with world.serve() as site:
        said = await run(world, json=False)
        assert await site.line.store.tips() == []
    assert (
        "[windows]\n  # The sender, sealed: this service can open it, to send an answer.\n" in said
    )
    assert f"\nFrom: {gateway_test.NUMBER}\nText: {gateway_test.TEXT}\n" in said
    assert f'\n    "text": "{gateway_test.TEXT}",\n' in said
    # What a newcomer wants to know stands first, and on one screen.
    above, _, _ = said.partition("\nThese rows were stored")
    head, _, _ = above.partition("\nWhat the readers open, and nobody else:\n")
    assert "Neither sender nor text lies in clear in any file of the line.\n" in head
    assert "What goes when, as the line's policy says:\n" in head
    for record_class in gateway_test.KEPT_CLASSES:
        assert f"  {CLASS_NAMES[record_class]}: " in head
    assert len(head.splitlines()) <= 12 < len(above.splitlines()) <= 40
    # Byte by byte: of what is sealed, too.
    shown = re.findall(r"  sealed = \(([0-9,]+) bytes\)\n((?:    [0-9a-f]+\n)+)", said)
    lengths = [int(length.replace(",", "")) for length, _ in shown]
    assert max(lengths) > 65_536
    assert [len(bytes.fromhex(value)) for _, value in shown] == lengths


async def test_message_when_somebody_types_it_then_no_number_is_said_to_be_kept(
    world: Any, place: Path
) -> None:
    """Only what was stored has a day on which it goes: here neither a number nor a handle was."""
    install(world, "operator")
    said = await run(world, json=False)
    assert f"  {CLASS_NAMES[RecordClass.SEALED_TIP]}: " in said
    for record_class in (RecordClass.RAW_NUMBER, RecordClass.PSEUDONYM_EPOCH):
        assert CLASS_NAMES[record_class] not in said


async def test_directory_when_it_is_no_line_then_says_so(world: Any, tmp_path: Path) -> None:
    """Who mistypes the directory does not look for a gateway."""
    with pytest.raises(InstanceError) as caught:
        await run(world, directory=tmp_path / "nothing")
    assert caught.value.code == "instance_missing"


async def test_message_when_it_lies_in_clear_then_the_command_fails(
    world: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search finds what lies there: here, the word of the channel."""
    install(world, "webhook")
    monkeypatch.setattr(gateway_test, "TEXT", "city")
    with pytest.raises(CheckError) as caught:
        await run(world)
    assert caught.value.code == "gateway_in_clear"


async def test_gateway_when_there_is_none_of_that_name_then_says_so(
    world: Any, place: Path
) -> None:
    """A gateway that is not configured cannot be tried."""
    for installed in (False, True):
        if installed:
            install(world, "webhook")
        with pytest.raises(InstanceError) as caught:
            await run(world, gateway="other")
        assert caught.value.code == "gateway_unknown"
