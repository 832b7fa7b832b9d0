"""
From a phone to the desk and back to the phone, by the real programs and the commands people give.

Each time: a message comes in, is opened and answered at the desk, the answer and, when asked for,
the status reach the phone. Then every file of the line, of the desk's machine on the network, of
the gateway's program and all logs are searched for number and texts: nothing. The programs are set
up as docs/how-to/phones.md shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import string
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from crypto.came_by import Medium
from tests.providers import Asked, Provider, serve_provider
from tests.service import android
from tests.service.android import make_event, make_payload, make_state
from tests.service.phones import KEY, Caller, open_phone
from tests.service.programs import Kannel, Modem, find_port, make_memory_folder
from tests.service.shown import fill, show_block, show_gateway
from tests.service.smsc import GSM7, Smsc, open_smsc
from tests.service.traces import find_traces, list_files
from tests.service.walked import PATIENCE_SECONDS, Machine, Walked, make_keys
from tipline.clock import system_clock
from tipline.gateway.alphabet import BASIC
from tipline.gateway.notices import make_notice

# Where a program might write that was told nothing.
LOGS = (Path("/var/log"), Path("/var/spool"))
NOTICES = [make_notice(one, language="es", onion=None) for one in (Medium.SMS, Medium.MMS)]

Bring = Callable[[str, str], Coroutine[Any, Any, None]]
Wait = Callable[[], Coroutine[Any, Any, tuple[str, str]]]


def make_word() -> str:
    """Make a word that stands nowhere on this machine."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(14))


class Words:
    """What is said in one conversation, and nowhere else: so it can be looked for everywhere."""

    def __init__(self) -> None:
        self.number = f"+5255{secrets.randbelow(90_000_000) + 10_000_000}"
        self.text = f"Soborno en el muelle {make_word()}, lo vio el señor {make_word()}"
        self.answer = f"Recibido {make_word()}, lo vemos mañana"
        self.unit = make_word()

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must stay nowhere."""
        return (self.number, self.text, self.answer, self.unit)


async def walk(walked: Walked, words: Words, *, bring: Bring, wait: Wait, notice: bool) -> str:
    """Go the whole way; tell which file of answers was pushed."""
    await bring(words.number, words.text)
    if notice:
        to, said = await wait()
        assert to == words.number
        assert said in NOTICES
    (shown,) = await walked.fetch(1)
    tip = shown["tip"]
    assert (tip["text"], tip["gateway"]["sender"]) == (words.text, words.number)
    assert shown["record"]["sealed_by_service"]
    assert len(shown["handle"].split("-")) == 4
    answers = await walked.reply(shown["record"]["id"], words.answer, unit=words.unit)
    assert await walked.push(answers) == ["taken", "taken"]
    assert await wait() == (words.number, words.answer)
    await bring(words.number, "ESTADO")
    to, status = await wait()
    assert to == words.number
    assert words.unit in status
    return answers


async def wait_sent(walked: Walked, answers: str) -> None:
    """Push the same file again until the service says that the answer was handed over."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while "sent" not in await walked.push(answers):
            pass


@contextlib.contextmanager
def watch_logs() -> Iterator[Callable[[], tuple[Path, ...]]]:
    """Know which files of the system's own logs and spools were written since."""

    def look() -> dict[Path, int]:
        found = {}
        for path in list_files(*LOGS):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                found[path] = path.stat().st_mtime_ns
        return found

    before = look()
    yield lambda: tuple(
        path
        for path, changed in look().items()
        if before.get(path) != changed and os.access(path, os.R_OK)
    )


@contextlib.asynccontextmanager
async def search_behind(
    walked: Walked, words: Words, *folders: Path
) -> AsyncIterator[Callable[[], None]]:
    """Search while the line is served, as the caller says, and again when everything has ended."""
    with watch_logs() as written:

        def search() -> None:
            everywhere = (*walked.searched, *folders, *written())
            assert find_traces(*words.secrets, folders=everywhere) == []

        yield search
        search()
    # It can find: the workstation holds number and texts, as a desk has to.
    for secret in words.secrets:
        assert find_traces(secret, folders=(walked.workstation.folder,)) != []


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workstation's keys, made once: passphrases cost seconds."""
    folder = tmp_path_factory.mktemp("keys")
    asyncio.run(make_keys(Machine(folder / "workstation")))
    return folder / "workstation"


@pytest.fixture
def walked(short_path: Path, keys: Path) -> Walked:
    """Three machines without a line."""
    return Walked(short_path, keys=keys)


async def test_modem_when_the_whole_way_is_gone_by_commands_then_nothing_stays(
    walked: Walked,
) -> None:
    """gammu-smsd brings it, the desk answers it, the modem sends that, and no file holds it."""
    words = Words()
    with make_memory_folder() as folder:
        modem = Modem(folder)
        shown = fill(show_gateway("gammu"), {"/run/tipline-phones": str(modem.spool)})
        await walked.set_up(shown, {})
        async with search_behind(walked, words, folder) as search:
            async with modem.drive(), walked.serve():
                answers = await walk(
                    walked, words, bring=modem.bring, wait=modem.wait_sent, notice=True
                )
                await wait_sent(walked, answers)
                search()
            assert list(list_files(modem.spool)) == []


async def test_kannel_when_the_whole_way_is_gone_by_commands_then_nothing_stays(
    walked: Walked, tmp_path: Path
) -> None:
    """A carrier brings it by SMPP, the desk answers it, the carrier gets that, no file holds it."""
    words, port = Words(), find_port()
    async with open_smsc() as smsc, search_behind(walked, words, tmp_path) as search:
        kannel = Kannel(tmp_path, smsc_port=smsc.port, line_port=port)
        shown = fill(show_gateway("kannel"), {"8099": str(port), "13013": str(kannel.send_port)})
        inbound = {"inbound": "inbound-password", "user": "tip", "password": "sendpw"}
        await walked.set_up(shown, {"carrier": inbound})
        async with kannel.drive(), walked.serve():
            answers = await walk(
                walked, words, bring=deliver_to(smsc), wait=take_from(smsc), notice=True
            )
            await wait_sent(walked, answers)
            search()


def deliver_to(smsc: Smsc) -> Bring:
    """Bring messages in the phones' own alphabet."""

    async def bring(number: str, text: str) -> None:
        coded = bytes(BASIC.index(character) for character in text)
        assert await smsc.deliver(number, coded, coding=GSM7) == 0

    return bring


def take_from(smsc: Smsc) -> Wait:
    """Take what the carrier was given to send."""

    async def wait() -> tuple[str, str]:
        sent = await asyncio.wait_for(smsc.submitted.get(), 30)
        return f"+{sent.to.lstrip('+')}", sent.text

    return wait


async def test_webhook_when_the_whole_way_is_gone_by_commands_then_nothing_stays(
    walked: Walked,
) -> None:
    """openssl and curl bring it as the page says, the receiver gets a signed answer."""
    words = Words()
    async with open_phone() as phone, search_behind(walked, words) as search:
        shown = fill(show_gateway("webhook"), {'send_url = ""': f'send_url = "{phone.url}"'})
        await walked.set_up(shown, {"hook": {"signing_key": KEY}})
        async with walked.serve():
            answers = await walk(
                walked, words, bring=call_by_hand(walked), wait=phone.wait, notice=False
            )
            await wait_sent(walked, answers)
            search()


def call_by_hand(walked: Walked) -> Bring:
    """Run the page's lines of a shell, with another number and text."""
    script = show_block("TIME=$(date +%s)")

    async def bring(number: str, text: str) -> None:
        filled = fill(
            script,
            {
                "try-1": secrets.token_hex(8),
                "+525512345678": number,
                "hola": text,
                "/srv/tipline": str(walked.line),
            },
        )
        process = await asyncio.create_subprocess_exec(
            *("sh", "-eu", "-c", filled.replace("curl", "curl --silent")),
            env={**walked.server.environment, "KEY": KEY},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert (process.returncode, output) == (0, b"200\n")

    return bring


async def test_android_when_the_whole_way_is_gone_by_commands_then_nothing_stays(
    walked: Walked,
) -> None:
    """The app's event brings it, with a photo; the desk answers it, and the app's API gets that."""
    words = Words()
    async with serve_provider() as app, search_behind(walked, words) as search:
        app.answer("POST", "/messages", make_state(words.number), status=202)
        shown = fill(show_gateway("capcom6"), {"http://192.168.1.20:8080": app.url})
        secret = {"signing_key": android.KEY, "user": "sms", "password": "pass"}
        await walked.set_up(shown, {"phone": secret})
        async with walked.serve():
            bring, wait = bring_as_the_app(walked), take_from_the_app(app)
            answers = await walk(walked, words, bring=bring, wait=wait, notice=True)
            await wait_sent(walked, answers)
            search()


def bring_as_the_app(walked: Walked) -> Bring:
    """Bring a text as one, and a report as an MMS with a photo."""
    socket = str(walked.line / "run" / "gateway")

    async def bring(number: str, text: str) -> None:
        kind, name = ("mms:downloaded", "body") if " " in text else ("sms:received", "message")
        payload = make_payload(kind, sender=number, phoneNumber=number, **{name: text})
        connector = aiohttp.UnixConnector(path=socket)
        async with aiohttp.ClientSession("http://line.invalid", connector=connector) as session:
            caller = Caller(session=session, clock=system_clock)
            assert await android.post(caller, make_event(kind, payload)) == 200

    return bring


def take_from_the_app(app: Provider) -> Wait:
    """Take what the app was given to send, one after the other."""
    taken: list[Asked] = []

    async def wait() -> tuple[str, str]:
        await app.wait_until(lambda asked: len(asked) > len(taken))
        taken.append(app.asked[len(taken)])
        sent = json.loads(taken[-1].body)
        (to,) = sent["phoneNumbers"]
        return str(to), str(sent["textMessage"]["text"])

    return wait
