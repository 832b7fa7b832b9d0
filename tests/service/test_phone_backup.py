"""A line with phones, backed up and put back: nothing that died of a sender comes back."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from crypto.age.file import open_
from crypto.age.hybrid import HybridIdentity
from retention.errors import SlotError
from retention.log.entry import EntryType
from retention.policy import EVENTS
from retention.slot import SlotKind
from tests.service.epoch_keys import hold_to_lost_key, lose_epoch_keys
from tests.service.phones import NUMBER, call_line, install_webhook, message, open_tips
from tests.service.test_backup import Backups
from tests.service.test_conversations import give
from tests.service.test_handover import seal_to_tpm
from tests.service.test_operator import later
from tests.unit.retention.swtpm import run_swtpm
from tipline.configuration import load_configuration
from tipline.doctor import examine
from tipline.gateway.numbers import parse_sender
from tipline.gateway.settings import GATEWAYS_NAME
from tipline.handover import end_handover, write_handover
from tipline.instance import Instance
from tipline.restore import restore
from tipline.restore_checks import Wishes
from tipline.service.answer_outcomes import Outcome
from tipline.slots import TCTI_VARIABLE, open_slots

EPOCH_DAYS = 90  # of the line in conftest.py
SENDER = parse_sender(NUMBER, "MX")


@pytest.fixture
def backups(world: Any, tmp_path: Path) -> Backups:
    """Of the line of the test."""
    return Backups(world, tmp_path)


def known(site: Any) -> Any:
    """The conversations of a running line."""
    return site.line.store._conversations


def look(world: Any) -> set[str]:
    """Tell what the doctor finds."""
    return {one.code for one in examine(world.directory, clock=world.clock)}


async def test_restore_when_nothing_died_then_the_conversation_goes_on(
    world: Any, backups: Backups
) -> None:
    """Settings, secrets, windows, handles and marks of messages come back."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        conversation = known(site).find(SENDER, "city").conversation
        out = await backups.make(site)
        (before,) = await site.line.store.tips()
    backups.lose_database()
    (world.directory / GATEWAYS_NAME).unlink()
    done = await backups.put_back(out)
    assert (done.kept, dict(done.dead)) == (1, {})
    async with world.serve() as site, call_line(world) as caller:
        assert await site.line.store.tips() == [before]
        assert before.pseudonym is not None
        standing = known(site).find(SENDER, "city")
        assert (standing.conversation, standing.continues) == (conversation, True)
        assert await caller.post(message("one")) == 200  # its provider repeats it
        assert await caller.post(message("two", number="a2")) == 200
        await known(site).handles.wait_empty()
        tips = await site.line.store.tips()
        assert [tip.pseudonym for tip in tips] == [before.pseudonym] * 2
        assert [tip.text for tip in await open_tips(world, site)] == ["one", "two"]


async def test_restore_when_a_sender_ended_it_since_then_the_number_does_not_come_back(
    world: Any, backups: Backups
) -> None:
    """STOP after the backup: its row is in there, its secret is nowhere."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        conversation = known(site).find(SENDER, "city").conversation
        out = await backups.make(site)
        assert await caller.post(message("STOP", number="a2")) == 200
    backups.lose_database()
    done = await backups.put_back(out)
    assert done.dead == {"raw_number": 1}
    async with world.serve() as site:
        assert await known(site).read_sender(conversation) is None
        assert not known(site).find(SENDER, "city").continues
        assert len(await site.line.store.tips()) == 1


async def test_restore_when_the_epoch_ended_since_then_no_tip_has_a_handle_and_another_begins(
    world: Any, backups: Backups
) -> None:
    """The pseudonyms of an epoch whose key is gone are taken out before anything is served."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        out = await backups.make(site)
        (before,) = await site.line.store.tips()
        slots = site.line.store._slots
        (ended,) = slots.find(SlotKind.EPOCH)
        slots.destroy([(0, SlotKind.EPOCH, ended)])
    backups.lose_database()
    await backups.put_back(out)
    assert before.pseudonym is not None
    assert before.pseudonym not in (world.directory / "tipline.db").read_bytes()
    async with world.serve() as site, call_line(world) as caller:
        assert [tip.pseudonym for tip in await site.line.store.tips()] == [None]
        (fresh,) = site.line.store._slots.find(SlotKind.EPOCH)
        assert fresh != ended
        assert await caller.post(message("two", number="a2")) == 200
        await known(site).handles.wait_empty()
        assert known(site).find(SENDER, "city").continues


async def test_line_when_its_epoch_key_is_missing_then_it_is_loud_and_takes_messages(
    world: Any,
) -> None:
    """Each start says it, the log says it once, and who writes is taken without a handle."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        lose_epoch_keys(site.line.store)
    assert "keys_lost" not in look(world)
    await hold_to_lost_key(world)
    assert "keys_lost" in look(world)
    later(world, EPOCH_DAYS)
    assert "keys_lost" not in look(world)


async def test_backup_when_made_then_no_key_of_epoch_number_or_day_is_in_it(
    world: Any, backups: Backups
) -> None:
    """Nor is a number or a text; so with the backup alone no number can be tried."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("seen at the harbour")) == 200
        await known(site).handles.wait_empty()
        (tip,) = await site.line.store.tips()
        slots = site.line.store._slots
        secrets = [
            slots.get(0, kind, label).reveal()
            for kind in (SlotKind.EPOCH, SlotKind.DAY)
            for label in slots.find(kind)
        ]
        rows = site.line.store._database.execute("SELECT slot, data_id FROM windows").fetchall()
        secrets += [slots.get(slot, SlotKind.RECORD, label).reveal() for slot, label in rows]
        out = await backups.make(site)
    opened = io.BytesIO()
    with out.open("rb") as source:
        open_(source, opened, identities=[backups.identity])
    content = opened.getvalue()
    opened.seek(0)
    with tarfile.open(fileobj=opened) as archive:
        names = archive.getnames()
    assert [name for name in names if "slot" in name] == []
    assert len(secrets) > 90
    for secret in (*secrets, NUMBER[1:].encode(), b"seen at the harbour"):
        assert secret not in content
    assert tip.pseudonym is not None
    assert tip.pseudonym in content  # so what is looked for would be found


async def test_restore_when_the_machine_is_gone_then_what_cannot_be_opened_is_said(
    world: Any, backups: Backups, short_path: Path
) -> None:
    """Without its slot file a line has no window, no handle and no tip; and it takes messages."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        await known(site).handles.wait_empty()
        part = {"reference": "r", "number": 1, "of": 2}
        assert await caller.post(message("half", number="p1", part=part)) == 200
        (before,) = await site.line.store.tips()
        standing = known(site).find(SENDER, "city")
        assert await give(known(site), standing.conversation, "waits") is Outcome.TAKEN
        (epoch,) = site.line.store._keys.epochs()
        out = await backups.make(site)
    world.directory = short_path / "there"
    done = await backups.put_back(out, new_slots=True, older_log=True)
    assert done.kept == 0
    assert {"raw_number": 1, "reply": 1, "sealed_tip": 1}.items() <= done.dead.items()
    assert done.dead["gateway_message"] >= 1
    assert before.pseudonym is not None
    for path in world.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert before.pseudonym not in content
            assert epoch not in content
    async with world.serve() as site, call_line(world) as caller:
        waiting = [one.type for one in site.line.log.read_queue()]
        assert waiting.count(EntryType.LOST_KEYS) == 1
        assert not known(site).find(SENDER, "city").continues
        assert await known(site).outbox.answers() == []
        assert await caller.post(message("two", number="a2")) == 200
        await known(site).handles.wait_empty()
        assert [tip.text for tip in await open_tips(world, site)] == ["two"]
        (tip,) = await site.line.store.tips()
        assert tip.pseudonym not in (None, before.pseudonym)


@pytest.mark.parametrize("table", ["windows", "outgoing", "parts"])
@pytest.mark.parametrize("is_let_go", [True, False])
async def test_line_when_it_stopped_while_something_was_let_go_then_no_key_is_said_to_be_lost(
    world: Any, table: str, is_let_go: bool
) -> None:
    """A crash in the middle of STOP or of sending is told from a secret that somebody took."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("one")) == 200
        part = {"reference": "r", "number": 1, "of": 2}
        assert await caller.post(message("half", number="p1", part=part)) == 200
        standing = known(site).find(SENDER, "city")
        assert await give(known(site), standing.conversation, "waits") is Outcome.TAKEN
        store = site.line.store
        ids = [row[0] for row in store._database.execute(f"SELECT id FROM {table}").fetchall()]
        assert len(ids) == 1
        rows = known(site)._rows
        act = rows.let_go if is_let_go else rows.list_keys
        keys = await store._writer.call(lambda: act(table, ids))
        store._keys.destroy(keys)
    told: list[Any] = []
    async with world.serve(report=told.append) as site:
        waiting = [one.type for one in site.line.log.read_queue()]
    codes = [getattr(one, "code", one) for one in told]
    assert codes == ([] if is_let_go else ["record_keys_lost"])
    assert (EntryType.LOST_KEYS in waiting) is not is_let_go


async def test_handover_when_the_keys_are_in_a_tpm_then_senders_are_known_there_and_nowhere_else(
    make_world: Any, short_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A conversation, its handle and the marks of messages go on under the new machine's TPM; here the
    key of the epoch opens no more. When the epoch ends there, an old copy of the slots has no key
    of it either, and the log says so: destroyed.
    """
    days = 5  # a TPM is slow, and there is a key for each
    world = make_world(
        periods={
            record_class: dict.fromkeys(events, days) for record_class, events in EVENTS.items()
        }
    )
    with run_swtpm(tmp_path / "tpm-here") as here, run_swtpm(tmp_path / "tpm-there") as there:
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        install_webhook(world.directory)
        seal_to_tpm(world.directory)
        async with world.serve() as site, call_line(world) as caller:
            assert await caller.post(message("one")) == 200
            await known(site).handles.wait_empty()
            conversation = known(site).find(SENDER, "city").conversation
            (before,) = await site.line.store.tips()
            (epoch,) = site.line.store._keys.epochs()
        old, out, identity = world.directory, tmp_path / "out.age", HybridIdentity.generate()
        with Instance.open(old) as instance:
            write_handover(
                instance,
                out,
                recipients=[identity.recipient()],
                today=world.clock.today,
                environment=os.environ,
            )
        monkeypatch.setenv(TCTI_VARIABLE, there.tcti)
        world.directory = short_path / "there"

        def take_over() -> None:
            with out.open("rb") as source:
                restore(
                    source,
                    world.directory,
                    identities=[identity],
                    wishes=Wishes(),
                    environment=os.environ,
                    clock=world.clock,
                    boot_clock=world.clock.boot,
                )

        await asyncio.to_thread(take_over)
        async with world.serve() as site, call_line(world) as caller:
            assert await caller.post(message("one")) == 200  # its provider repeats it
            assert await caller.post(message("two", number="a2")) == 200
            await known(site).handles.wait_empty()
            tips = await site.line.store.tips()
            assert [tip.pseudonym for tip in tips] == [before.pseudonym] * 2
            assert known(site).find(SENDER, "city").conversation == conversation
            assert site.line.store._keys.epochs() == {epoch}
        slots = world.directory / "slots" / "slot-file"
        copy = slots.read_bytes()
        later(world, days)
        async with world.serve() as site:
            (told,) = site.line.log.list_statements(EntryType.EPOCH)
            assert told.fields["method"] == "destroyed"
            assert epoch not in site.line.store._keys.epochs()
        slots.write_bytes(copy)
        settings = load_configuration(world.directory).slots
        with pytest.raises(SlotError):
            open_slots(world.directory, settings, environment=os.environ)
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        end_handover(old, out, day=world.clock.today, environment=os.environ)
        opened = open_slots(old, load_configuration(old).slots, environment=os.environ)
        assert list(opened.file.find(SlotKind.EPOCH)) == []
        opened.file.close()
