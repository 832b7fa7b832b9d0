"""
Answers by phone, the whole way: a message comes in, the desk reads and answers it, the phone rings.

The desk's part is the desk's own: the bundle is pulled into a vault, the answer is written there,
and brought back over the desk's side.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.note import Signer
from crypto.outgoing import ItemKind
from crypto.tip import Tip, parse_tip
from tests.service.phones import (
    NUMBER,
    Caller,
    Phone,
    call_line,
    install_gateways,
    install_webhook,
    make_gateway,
    message,
    open_phone,
)
from tests.service.programs import Modem, find_port, make_memory_folder
from tests.service.test_conversations import give
from tests.service.test_phone_programs import Tips
from tests.service.traces import find_traces
from tipline.answer_key import load_answer_key, make_answer_key
from tipline.desk.answering import write_answer
from tipline.desk.opening import open_bundle
from tipline.desk.pulling import parse_source, pull_bundle
from tipline.desk.pushing import Outcome, push_bundle
from tipline.desk.vault import Vault
from tipline.errors import AnswerError, InstanceError

TEXT = "El puente Núñez esta hueco"
ANSWER = "Recibido, lo vemos mañana"
STATUS = "En revision. Lo tiene: Obras."
SIGNER = Signer.generate("tipline-reader/office")


def let_answer(world: Any) -> None:
    """Name in the keyset who answers, and what answers are sealed to."""
    answers = make_answer_key(world.directory, today=world.clock.today)
    world.install(world.sign(signing=SIGNER.verifier(), answers=answers))


class Desk:
    """The desk: a vault on a workstation, and the way to the line."""

    def __init__(self, world: Any, site: Any, folder: Path) -> None:
        self.world = world
        self.vault = Vault.init(folder / "vault", root=world.root.verifier())
        self.source = parse_source(f"unix:{site.line.addresses.desk_socket}")
        self.folder = folder
        self.count = 0
        self.conversations = site.line.store._conversations

    async def pull(self) -> list[tuple[str, Tip]]:
        """Pull a bundle and open it; every tip of the vault, by id."""
        async with asyncio.timeout(30):
            await self.conversations.handles.wait_empty()
        self.count += 1
        out = self.folder / f"bundle-{self.count}"
        await pull_bundle(self.source, out=out, root=self.world.root.verifier())
        with out.open("rb") as file:
            open_bundle(
                file,
                vault=Vault.open(self.vault.directory),
                identities=[self.world.reader],
                today=self.world.clock.today,
            )
        self.vault = Vault.open(self.vault.directory)
        records = self.vault.list_records()
        return [(record.id, self.read(record.id)) for record in records]

    def read(self, tip_id: str) -> Tip:
        """Read a tip of the vault."""
        place = self.vault.place_of(tip_id)
        assert place is not None
        return parse_tip((place / "tip.json").read_bytes())

    async def answer(self, tip_id: str, text: str, **changes: Any) -> list[Outcome]:
        """Answer one tip, and bring it."""
        self.count += 1
        out = self.folder / f"answers-{self.count}"
        given: dict[str, Any] = {"kind": ItemKind.ANSWER, "signer": SIGNER}
        given |= {"today": self.world.clock.today, **changes}
        write_answer(
            self.vault,
            tip_id,
            came_by=self.read(tip_id).gateway,
            channel="city",
            text=text,
            out=out,
            **given,
        )
        return [one.outcome for one in await push_bundle(self.source, out.read_bytes())]


@contextlib.asynccontextmanager
async def open_line_with_phone(
    world: Any, tmp_path: Path
) -> AsyncIterator[tuple[Desk, Phone, Caller, Any]]:
    """A line behind a webhook, its desk, and the phone side."""
    async with open_phone() as phone:
        install_webhook(world.directory, send_url=phone.url)
        let_answer(world)
        async with world.serve() as site, call_line(world) as caller:
            yield Desk(world, site, tmp_path), phone, caller, site


async def test_answer_when_the_desk_gives_one_then_the_modem_sends_it_and_nothing_stays(
    world: Any, tmp_path: Path
) -> None:
    """From the modem to the vault and back to the modem; then no file holds number or texts."""
    tips = Tips()
    with make_memory_folder() as folder:
        modem = Modem(folder)
        install_gateways(world.directory, modem=make_gateway("gammu", spool=str(modem.spool)))
        let_answer(world)
        async with modem.drive(), world.serve(on_tip=tips) as site:
            await modem.bring(NUMBER, TEXT)
            await tips.wait()
            desk = Desk(world, site, tmp_path)
            ((tip_id, tip),) = await desk.pull()
            assert tip.text == TEXT
            assert await desk.answer(tip_id, ANSWER) == [Outcome.TAKEN]
            assert await modem.wait_sent() == (NUMBER, ANSWER)
            assert await desk.answer(tip_id, STATUS, kind=ItemKind.STATUS) == [Outcome.TAKEN]
            await modem.bring(NUMBER, "ESTADO")
            assert await modem.wait_sent() == (NUMBER, STATUS)
            served = (world.directory,)
            assert find_traces(NUMBER[1:], TEXT, ANSWER, STATUS, folders=served) == []
        assert [path for path in modem.spool.rglob("*") if path.is_file()] == []
        folders = (world.directory, modem.spool, modem.log)
        assert find_traces(NUMBER[1:], TEXT, ANSWER, STATUS, folders=folders) == []
    assert find_traces(TEXT, ANSWER, folders=(tmp_path,)) != []  # the vault holds them: it can find


async def test_answer_when_it_is_sent_then_it_waits_no_more(world: Any, tmp_path: Path) -> None:
    """An answer goes once, in the order of the desk, and what waited is gone."""
    async with open_line_with_phone(world, tmp_path) as (desk, phone, caller, _):
        assert await caller.post(message(TEXT)) == 200
        ((tip_id, _),) = await desk.pull()
        assert await desk.answer(tip_id, ANSWER) == [Outcome.TAKEN]
        assert await phone.wait() == (NUMBER, ANSWER)
        async with asyncio.timeout(30):
            while await desk.conversations.outbox.answers():  # noqa: ASYNC110  # nobody is told
                await asyncio.sleep(0.01)
        assert phone.got.empty()


async def test_answer_when_the_gateway_is_silent_then_it_waits_sealed_and_goes_after_a_restart(
    world: Any, tmp_path: Path
) -> None:
    """Nothing of a waiting answer is in clear, in a fault neither; a new start sends it once."""
    async with open_phone() as phone:
        install_webhook(world.directory, send_url=f"http://127.0.0.1:{find_port()}/")
        let_answer(world)
        told: list[Any] = []
        async with (
            world.serve(report=told.append) as site,
            call_line(world) as caller,
        ):
            desk = Desk(world, site, tmp_path)
            assert await caller.post(message(TEXT)) == 200
            ((tip_id, _),) = await desk.pull()
            assert await desk.answer(tip_id, ANSWER) == [Outcome.TAKEN]
            assert await desk.answer(tip_id, STATUS, kind=ItemKind.STATUS) == [Outcome.TAKEN]
            assert len(await desk.conversations.outbox.answers()) == 1
            secrets = (NUMBER[1:], TEXT, ANSWER, STATUS)
            assert find_traces(*secrets, folders=(world.directory,)) == []
        assert find_traces(*secrets, folders=(world.directory,)) == []
        for secret in secrets:
            assert secret not in repr(told)
        install_webhook(world.directory, send_url=phone.url)
        async with world.serve() as site:
            assert await phone.wait() == (NUMBER, ANSWER)
            conversations = site.line.store._conversations
            async with asyncio.timeout(30):
                while await conversations.outbox.answers():  # noqa: ASYNC110  # nobody is told
                    await asyncio.sleep(0.01)
        assert phone.got.empty()


async def test_status_when_asked_for_then_it_is_told_and_never_unasked(
    world: Any, tmp_path: Path
) -> None:
    """The desk's words go out when somebody asks, in any of the languages; asking is no tip."""
    async with open_line_with_phone(world, tmp_path) as (desk, phone, caller, site):
        assert await caller.post(message("status", number="q0", sender="+525587654321")) == 200
        assert (await phone.wait())[0] == "+525587654321"  # that nothing is open there
        assert await caller.post(message(TEXT)) == 200
        assert await caller.post(message("estado", number="q1")) == 200
        assert await phone.wait() == (NUMBER, "Recibido.")
        ((tip_id, _),) = await desk.pull()
        assert await desk.answer(tip_id, STATUS, kind=ItemKind.STATUS) == [Outcome.TAKEN]
        await asyncio.sleep(0.2)
        assert phone.got.empty()
        assert await caller.post(message("¿Estado?", number="q2")) == 200
        assert await phone.wait() == (NUMBER, STATUS)
        assert len(await site.line.store.tips()) == 1


@pytest.mark.parametrize("word", ["STOP", "Baja", "parar"])
async def test_stop_when_ordered_then_number_status_and_answers_are_gone_and_the_tip_stays(
    world: Any, tmp_path: Path, word: str
) -> None:
    """The end takes effect at once: the desk is told, nothing is sent, and a new message begins."""
    async with open_line_with_phone(world, tmp_path) as (desk, phone, caller, site):
        conversations = desk.conversations
        assert await caller.post(message(TEXT)) == 200
        ((tip_id, tip),) = await desk.pull()
        assert tip.gateway is not None
        assert tip.gateway.conversation is not None
        conversation = bytes.fromhex(tip.gateway.conversation)
        assert await desk.answer(tip_id, STATUS, kind=ItemKind.STATUS) == [Outcome.TAKEN]
        # Taken behind the back of what sends.
        assert await give(conversations, conversation, "waits") == Outcome.TAKEN

        assert await caller.post(message(word, number="stop")) == 200

        assert await conversations.read_sender(conversation) is None
        assert await conversations.outbox.read_status(conversation) is None
        assert await conversations.outbox.answers() == []
        assert await desk.answer(tip_id, ANSWER) == [Outcome.WINDOW_CLOSED]
        assert len(await site.line.store.tips()) == 1
        assert phone.got.empty()

        assert await caller.post(message("otra cosa", number="a2")) == 200
        again = dict(await desk.pull())
        (later,) = [one.gateway for one in again.values() if one.text == "otra cosa"]
        assert later is not None
        assert not later.continues
        assert later.conversation != tip.gateway.conversation


async def test_stop_when_parts_of_a_message_wait_then_they_go_and_become_no_tip(
    world: Any, tmp_path: Path
) -> None:
    """Half a message of somebody who ended it brings the number back neither now nor later."""
    async with open_line_with_phone(world, tmp_path) as (desk, _, caller, site):
        part = {"reference": "r", "number": 1, "of": 2}
        assert await caller.post(message("half of it", number="p1", part=part)) == 200
        other = {"sender": "+525587654321", "part": part}
        assert await caller.post(message("another half", number="p2", **other)) == 200
        assert await caller.post(message("stop", number="stop")) == 200
        assert len(await desk.conversations.outbox.parts()) == 1
        whole = {"reference": "r", "number": 2, "of": 2}
        assert await caller.post(message(" and more", number="p3", part=whole)) == 200
        assert await site.line.store.tips() == []


async def test_answer_when_its_window_is_over_then_the_service_takes_it_no_more(
    world: Any, tmp_path: Path
) -> None:
    """On its last day an answer goes; after it the desk refuses, and else the service does."""
    async with open_line_with_phone(world, tmp_path) as (desk, phone, caller, _):
        assert await caller.post(message(TEXT)) == 200
        ((tip_id, tip),) = await desk.pull()
        assert tip.gateway is not None
        assert tip.gateway.reply_until is not None
        days = (tip.gateway.reply_until - world.clock.today).days
        world.clock.now += datetime.timedelta(days=days)
        let_answer(world)
        await desk.pull()
        assert await desk.answer(tip_id, ANSWER) == [Outcome.TAKEN]
        assert await phone.wait() == (NUMBER, ANSWER)

        slow = world.clock.today
        world.clock.now += datetime.timedelta(days=1)
        with pytest.raises(AnswerError):
            await desk.answer(tip_id, ANSWER)
        assert await desk.answer(tip_id, ANSWER, today=slow) == [Outcome.WINDOW_CLOSED]
        assert phone.got.empty()


async def test_desk_when_the_line_has_no_phones_then_it_is_told(world: Any, tmp_path: Path) -> None:
    """A line without `gateways.toml` takes no answers, and says so."""
    let_answer(world)
    async with world.serve() as site:
        async with site.desk.post("/outgoing", data=b"x") as response:
            assert (response.status, await response.json()) == (409, {"error": "phones"})
        async with site.desk.post("/other", data=b"x") as response:
            assert response.status == 404
        async with site.source.post("/outgoing", data=b"x") as response:
            assert response.status in (404, 405)


async def test_desk_when_it_brings_too_much_or_half_then_nothing_is_read(
    world: Any, tmp_path: Path
) -> None:
    """A body is bounded before it is read as anything."""
    async with open_line_with_phone(world, tmp_path) as (*_, site):
        async with site.desk.post("/outgoing", data=io.BytesIO(bytes(1 << 21))) as response:
            assert response.status == 422
        async with site.desk.post("/outgoing", data=b"") as response:
            assert (response.status, await response.read()) == (422, b'{"error":"refused"}')


def test_key_for_answers_when_made_twice_then_it_is_one(world: Any) -> None:
    """The key is made once; a damaged one is said to be, and not replaced."""
    day = world.clock.today
    assert load_answer_key(world.directory) is None
    recipient = make_answer_key(world.directory, today=day)
    assert make_answer_key(world.directory, today=day) == recipient
    path = world.directory / "keys" / "answers.key"
    assert path.stat().st_mode & 0o777 == 0o600
    two = path.read_bytes() + HybridIdentity.generate().format().reveal() + b"\n"
    for content in (b"", b"x", two):
        path.write_bytes(content)
        with pytest.raises(InstanceError) as caught:
            make_answer_key(world.directory, today=day)
        assert caught.value.code == "instance_key"
