"""
Phones by the programs that reach them: gammu-smsd with its dummy modem, and Kannel with a carrier.

Each time: a message comes in, the reader opens it, an answer goes out, and nothing of either is
found in any file of the line, the gateway's spool or a log.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import re
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from crypto.tip import Tip
from tests.service.phones import NUMBER, install_gateways, make_gateway, open_tips
from tests.service.programs import Kannel, Modem, find_port, make_memory_folder
from tests.service.shown import show_block
from tests.service.smsc import GSM7, UCS2, open_smsc
from tests.service.traces import find_traces, pack
from tipline.clock import system_clock
from tipline.gateway.adapter import Adapter
from tipline.gateway.alphabet import BASIC
from tipline.gateway.arrival import Arrival
from tipline.gateway.making import make_adapters
from tipline.gateway.numbers import parse_sender
from tipline.gateway.settings import load_gateways
from tipline.gateway.turns import TooManyError
from tipline.service.limits import BusyError

TEXT = "El puente Núñez esta hueco"
ACCENTS = "Soborno en el muelle: ñandú, pingüino, corazón \N{GRINNING FACE}"
ANSWER = "Recibido, lo vemos mañana"
SEMI_OCTETS = bytes.fromhex("255521436587")  # `NUMBER` in a PDU: 3GPP TS 23.040 section 9.1.2.3


class Tips:
    """The tips that came, as they come."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def __call__(self, tip: Any) -> None:
        self._queue.put_nowait(tip)

    async def wait(self, count: int = 1) -> None:
        """Wait until so many more are durable."""
        async with asyncio.timeout(60):
            for _ in range(count):
                await self._queue.get()


def take_adapter(directory: Path, name: str) -> Adapter:
    """Make the adapter of a line."""
    gateways = load_gateways(directory)
    assert gateways is not None
    return make_adapters(directory, gateways, clock=system_clock)[name]


def install_kannel(
    directory: Path, folder: Path, *, smsc_port: int, changes: dict[str, str] | None = None
) -> Kannel:
    """Set a line and a Kannel up for each other."""
    port = find_port()
    kannel = Kannel(
        folder,
        smsc_port=smsc_port,
        line_port=port,
        changes=changes,
    )
    install_gateways(
        directory,
        listen={"port": port},
        secrets={"carrier": {"inbound": "inbound-password", "user": "tip", "password": "sendpw"}},
        carrier=make_gateway(
            "kannel",
            send_url=f"http://127.0.0.1:{kannel.send_port}/cgi-bin/sendsms",
            **{"from": "7373"},
        ),
    )
    return kannel


def list_senders(tips: list[Tip]) -> list[str | None]:
    """List who wrote."""
    return [tip.gateway.sender for tip in tips if tip.gateway is not None]


async def test_modem_when_a_message_comes_and_an_answer_goes_then_nothing_stays_anywhere(
    world: Any,
) -> None:
    """gammu-smsd brings it, the reader opens it, the modem sends the answer, the spool is empty."""
    tips = Tips()
    with make_memory_folder() as folder:
        modem = Modem(folder)
        install_gateways(world.directory, modem=make_gateway("gammu", spool=str(modem.spool)))
        async with modem.drive(), world.serve(on_tip=tips) as site:
            await modem.bring(NUMBER, TEXT)
            await modem.bring("7373", ACCENTS, "-unicode")
            await modem.bring("+525587654321", "largo " * 50, "-len", "400")
            await tips.wait(3)
            opened = await open_tips(world, site)
            await take_adapter(world.directory, "modem").send(NUMBER, ANSWER)
            assert await modem.wait_sent() == (NUMBER, ANSWER)
            assert find_traces(NUMBER[1:], TEXT, ACCENTS, folders=(world.directory,)) == []
        assert [path for path in modem.spool.rglob("*") if path.is_file()] == []
        folders = (world.directory, modem.spool, modem.log)
        assert find_traces(NUMBER[1:], TEXT, ACCENTS, ANSWER, folders=folders) == []
    assert sorted(tip.text for tip in opened) == sorted([TEXT, ACCENTS, ("largo " * 50)])
    assert set(list_senders(opened)) == {NUMBER, "7373", "+525587654321"}


async def test_modem_when_the_network_repeats_a_message_then_it_is_one_tip(world: Any) -> None:
    """The same number, words and second at the carrier; of another second it is another one."""
    tips = Tips()
    with make_memory_folder() as folder:
        modem = Modem(folder)
        install_gateways(world.directory, modem=make_gateway("gammu", spool=str(modem.spool)))
        async with modem.drive(), world.serve(on_tip=tips) as site:
            for second in (0, 0, 1):
                modem.deliver(NUMBER, TEXT, sent=f"20261121T12000{second}")
                async with asyncio.timeout(30):
                    while list((folder / "modem" / "sms" / "1").iterdir()):  # noqa: ASYNC110  # a file says nothing when it goes
                        await asyncio.sleep(0.05)
            modem.deliver(NUMBER, "end", sent="20261121T120000")
            await tips.wait(3)
            opened = await open_tips(world, site)
    assert [tip.text for tip in opened] == [TEXT, TEXT, "end"]


async def test_modem_when_its_spool_lies_on_a_disk_then_nothing_in_it_is_touched(
    world: Any, tmp_path: Path
) -> None:
    """A spool on a disk would keep what stands in it: it is not used, no line begins with it."""
    modem = Modem(tmp_path)
    (modem.spool / "inbox" / "IN1_00_1234_00.txt").write_text("[SMSBackup000]")
    install_gateways(world.directory, modem=make_gateway("gammu", spool=str(modem.spool)))
    adapter = take_adapter(world.directory, "modem")
    with pytest.raises(Exception, match="gateway_spool"):
        await adapter.send(NUMBER, ANSWER)
    assert list((modem.spool / "outbox").iterdir()) == []
    with pytest.raises(Exception, match=r"^gateway_spool$"):
        async with world.serve():
            pass


async def test_kannel_when_a_message_comes_and_an_answer_goes_then_nothing_stays_anywhere(
    world: Any, tmp_path: Path
) -> None:
    """SMPP brings it in either alphabet and in parts, the reader opens it, the answer goes out."""
    tips = Tips()
    async with open_smsc() as smsc:
        kannel = install_kannel(world.directory, tmp_path, smsc_port=smsc.port)
        async with kannel.drive(), world.serve(on_tip=tips) as site:
            assert await smsc.deliver(NUMBER, b"El puente N\x7d esta hueco", coding=GSM7) == 0
            await tips.wait()
            assert await smsc.deliver(NUMBER, ACCENTS.encode("utf-16-be"), coding=UCS2) == 0
            await tips.wait()
            long = ("largo " * 20 + "\N{GRINNING FACE} fin").encode("utf-16-be")
            halves = [long[:130], long[130:]]
            for part in (2, 1):
                udh = bytes([5, 0, 3, 77, 2, part])
                assert await smsc.deliver("+525587654321", halves[part - 1], udh=udh) == 0
            await tips.wait()
            opened = await open_tips(world, site)
            await take_adapter(world.directory, "carrier").send(NUMBER, ANSWER)
            sent = await asyncio.wait_for(smsc.submitted.get(), 30)
            assert (sent.to.lstrip("+"), sent.text) == (NUMBER[1:], ANSWER)
        folders = (world.directory, tmp_path)
        secrets = (NUMBER[1:], "El puente Nñ esta hueco", ACCENTS, ANSWER)
        assert find_traces(*secrets, folders=folders) == []
    assert sorted(tip.text for tip in opened) == sorted(
        ["El puente Nñ esta hueco", ACCENTS, "largo " * 20 + "\N{GRINNING FACE} fin"]
    )
    assert list_senders(opened).count(NUMBER) == 2


@pytest.mark.parametrize(
    "added",
    [
        'log-file = "{folder}/talk"\nlog-level = 0',
        'access-log = "{folder}/talk"\nlog-level = 4',
        'store-type = file\nstore-location = "{folder}/talk"\nlog-level = 4',
    ],
)
async def test_kannel_when_it_is_let_to_keep_messages_then_the_search_finds_them(
    world: Any, tmp_path: Path, added: str
) -> None:
    """What the page warns of would stay: so it matters, and the search that finds nothing can."""
    tips = Tips()
    before = "dlr-storage = internal\nlog-level = 4"
    after = f"dlr-storage = internal\n{added.format(folder=tmp_path)}"
    async with open_smsc() as smsc:
        kannel = install_kannel(
            world.directory, tmp_path, smsc_port=smsc.port, changes={before: after}
        )
        async with kannel.drive(), world.serve(on_tip=tips):
            assert await smsc.deliver(NUMBER, b"seen at the harbour", coding=GSM7) == 0
            await tips.wait()
    found = find_traces(NUMBER, "seen at the harbour", folders=(tmp_path,))
    assert found != []
    assert {one.partition(":")[0].removesuffix(".bak") for one in found} == {"talk"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("logfile = /dev/null\ndebuglevel = 0", "logfile = {spool}/kept/talk\ndebuglevel = 1"),
        ("sentsmspath = {spool}/outbox/", "sentsmspath = {spool}/kept/"),
    ],
)
async def test_modem_when_it_is_let_to_keep_messages_then_the_search_finds_them(
    world: Any, before: str, after: str
) -> None:
    """A log, and a folder of what was sent, would stay: the page takes both away."""
    tips = Tips()
    with make_memory_folder() as folder:
        spool = folder / "spool"
        modem = Modem(folder, {before.format(spool=spool): after.format(spool=spool)})
        (spool / "kept").mkdir()
        install_gateways(world.directory, modem=make_gateway("gammu", spool=str(modem.spool)))
        async with modem.drive(), world.serve(on_tip=tips):
            await modem.bring(NUMBER, TEXT)
            await tips.wait()
            await take_adapter(world.directory, "modem").send(NUMBER, ANSWER)
        assert find_traces(NUMBER, ANSWER, folders=(spool / "kept",)) != []


async def test_kannel_when_the_line_is_down_then_its_message_comes_when_it_is_back(
    world: Any, tmp_path: Path
) -> None:
    """smsbox repeats what nobody took, and the line takes it once."""
    tips = Tips()
    async with open_smsc() as smsc:
        kannel = install_kannel(world.directory, tmp_path, smsc_port=smsc.port)
        async with kannel.drive():
            assert await smsc.deliver(NUMBER, b"seen at the harbour", coding=GSM7) == 0
            async with world.serve(on_tip=tips) as site:
                await tips.wait()
                (tip,) = await open_tips(world, site)
    assert tip.text == "seen at the harbour"


@pytest.mark.parametrize("refusal", [BusyError, TooManyError])
async def test_kannel_when_it_is_told_to_come_back_then_its_message_comes_and_once(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
) -> None:
    """A full disk or a flood loses nothing of what Kannel acknowledged to the carrier."""
    tips, calls, deliver = Tips(), 0, Arrival.deliver

    async def refuse_twice(arrival: Arrival, messages: Any) -> None:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise refusal
        await deliver(arrival, messages)

    monkeypatch.setattr(Arrival, "deliver", refuse_twice)
    async with open_smsc() as smsc:
        kannel = install_kannel(world.directory, tmp_path, smsc_port=smsc.port)
        async with kannel.drive(), world.serve(on_tip=tips) as site:
            assert await smsc.deliver(NUMBER, b"seen at the harbour", coding=GSM7) == 0
            await tips.wait()
            # A header whose lengths do not hold: the words behind it come all the same.
            damaged = bytes.fromhex("0400034d02")
            assert await smsc.deliver(NUMBER, b"a second time", coding=GSM7, udh=damaged) == 0
            await tips.wait()
            opened = await open_tips(world, site)
    assert [tip.text for tip in opened] == ["a second time", "seen at the harbour"]
    assert calls == 4


def test_kannel_when_set_up_as_shown_then_it_brings_a_message_again_for_months() -> None:
    """smsbox drops what it brought so often in vain, and the carrier was told that it is here."""
    shown = show_block("group = core")
    (times,) = re.findall(r"^http-request-retry = (\d+)$", shown, re.MULTILINE)
    (seconds,) = re.findall(r"^http-queue-delay = (\d+)$", shown, re.MULTILINE)
    assert datetime.timedelta(seconds=int(times) * int(seconds)) > datetime.timedelta(days=90)


async def test_kannel_when_the_carrier_repeats_a_message_then_it_is_one_tip(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A carrier that lost Kannel's acknowledgement brings it as something new; STOP is no copy."""
    taken, deliver = Tips(), Arrival.deliver

    async def deliver_and_tell(arrival: Arrival, messages: Any) -> None:
        await deliver(arrival, messages)
        taken(messages)

    monkeypatch.setattr(Arrival, "deliver", deliver_and_tell)
    async with open_smsc() as smsc:
        kannel = install_kannel(world.directory, tmp_path, smsc_port=smsc.port)
        async with kannel.drive(), world.serve() as site:
            conversations = site.line.store._conversations
            for text in (b"one", b"one", b"two", b"one", b"STOP", b"two", b"two"):
                for sender in (NUMBER, "+525587654321"):
                    assert await smsc.deliver(sender, text, coding=GSM7) == 0
                    await taken.wait()
            assert await smsc.deliver(NUMBER, b"STOP", coding=GSM7) == 0
            await taken.wait()
            opened = await open_tips(world, site)
            ended = conversations.find(parse_sender(NUMBER, "MX"), "city")
    assert [tip.text for tip in opened] == ["one"] * 2 + ["two"] * 4
    assert sorted(list_senders(opened)) == [NUMBER] * 3 + ["+525587654321"] * 3
    assert not ended.continues


def test_traces_when_a_text_stands_in_any_spelling_then_it_is_found(tmp_path: Path) -> None:
    """The search that finds nothing can find something, also of half a text."""
    septets = "Seis puentes, señor"
    for name, secret, content in (
        ("plain", TEXT, TEXT.encode()),
        ("beginning", TEXT, TEXT[:15].encode()),
        ("end", TEXT, TEXT[-15:].encode()),
        ("utf-16", TEXT, TEXT.encode("utf-16-be")),
        ("hex", TEXT, TEXT.encode("utf-16-be").hex().encode()),
        ("base64", TEXT, base64.b64encode(b"xy" + TEXT.encode())),
        ("JSON", TEXT, json.dumps(TEXT).encode()),
        ("address", TEXT, urllib.parse.quote(TEXT).lower().encode()),
        ("septets", septets, pack(f"abc{septets}")),
        ("unpacked", septets, bytes(BASIC.index(character) for character in septets)),
        ("abroad", NUMBER, b"00" + NUMBER[1:].encode()),
        ("at home", NUMBER, b"044 " + NUMBER[3:].encode()),
        ("pdu", NUMBER, b"\x91" + SEMI_OCTETS + b"\x00"),
        ("pdu in hex", NUMBER, SEMI_OCTETS.hex().upper().encode()),
        ("pdu, odd", NUMBER, bytes.fromhex("91255115325476f8")),  # +52 1 55...
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "file").write_bytes(b"before" + content + b"after")
        assert find_traces(secret, folders=(folder,)) != [], name
        assert find_traces("+525587654321", "otro texto entero", folders=(folder,)) == []
    (tmp_path / "number").mkdir()
    (tmp_path / "number" / f"IN_{NUMBER}_00.txt").touch()
    assert find_traces(NUMBER[1:], folders=(tmp_path / "number",)) != []
