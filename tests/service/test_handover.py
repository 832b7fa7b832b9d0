"""A line handed over: the same onion, root, log and promises there, and nothing left here."""

from __future__ import annotations

import asyncio
import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from retention.errors import SlotError
from retention.log.entry import CloseStep, EntryType
from retention.slot import SlotKind
from retention.slot_root import Method
from tests.service.test_operator import send, stored
from tests.unit.retention.swtpm import run_swtpm
from tipline.begun_restore import cancel_restore
from tipline.closing import Closing, load_closing, save_closing
from tipline.configuration import SlotRootChoice, load_configuration
from tipline.errors import InstanceError
from tipline.handover import cancel_handover, end_handover, write_handover
from tipline.instance import Instance, load_log_signer
from tipline.restore import restore
from tipline.restore_checks import Wishes
from tipline.restored_slots import Making, note_making
from tipline.slots import TCTI_VARIABLE, create_slots, open_slots

ONION = "tor/onion/hs_ed25519_secret_key"


async def test_handover_when_opened_by_the_new_operator_then_the_line_is_the_same(
    world: Any, short_path: Path, tmp_path: Path
) -> None:
    """
    Onion, root, log and every last day are the same there; here every key is overwritten, and only
    after the file was hashed again; in between nobody opens the line here.
    """
    async with world.serve() as site:
        ids = await send(world, site, 3)
        before = {tip.id: tip for tip in await site.line.store.tips()}
        checkpoint = site.line.log.read_checkpoint()
    here = world.directory
    (here / "tor/onion").mkdir(mode=0o700)
    (here / ONION).write_bytes(os.urandom(96))
    onion, log_key = (here / ONION).read_bytes(), (here / "keys/log.key").read_bytes()
    verifier = load_log_signer(here).verifier().format()
    identity, out = HybridIdentity.generate(), tmp_path / "out.age"
    with Instance.open(here) as instance:
        digest = write_handover(
            instance,
            out,
            recipients=[identity.recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
    assert len(digest) == 64
    with pytest.raises(InstanceError, match="line_handed_over"):
        Instance.open(here)
    slots = (here / "slots" / "slot-file").read_bytes()
    world.directory = short_path / "there"
    with out.open("rb") as source:
        done = await asyncio.to_thread(
            restore,
            source,
            world.directory,
            identities=[identity],
            wishes=Wishes(),
            environment=os.environ,
            clock=world.clock,
            boot_clock=world.clock.boot,
        )
    assert (done.kept, dict(done.dead)) == (3, {})
    async with world.serve() as site:
        assert await stored(site) == set(ids)
        assert {tip.id: tip for tip in await site.line.store.tips()} == before
        assert site.line.log.read_checkpoint() == checkpoint
        assert site.line.log.verifier.format() == verifier
        assert [(one.type, one.fields["step"]) for one in site.line.log.read_queue()] == [
            (EntryType.CLOSE, CloseStep.HANDED_OVER)
        ]
        assert (await site.upload(world.seal()))[0] == 200
        async with site.source.get("/notice") as response:
            assert (await response.json())["step"] == "handed_over"
    assert (world.directory / ONION).read_bytes() == onion

    wrong = tmp_path / "wrong.age"
    wrong.write_bytes(out.read_bytes()[:-1])
    with pytest.raises(InstanceError, match="handover_other"):
        end_handover(here, wrong, day=world.clock.today, environment=os.environ)
    assert (here / "slots" / "slot-file").read_bytes() == slots
    for _ in range(2):  # a crash in between: done again
        end_handover(here, out, day=world.clock.today, environment=os.environ)
    everything = b"".join(path.read_bytes() for path in here.rglob("*") if path.is_file())
    secrets = [
        slots[start + 42 : start + 74]
        for start in range(0, len(slots), 4096)
        if slots[start + 9 : start + 10] in (b"\x01", b"\x02")
    ]
    assert len(secrets) > 90
    assert not [one for one in (onion, log_key.strip(), *secrets) if one in everything]
    closing = load_closing(here)
    assert closing is not None
    assert closing.step is CloseStep.HANDED_OVER


async def test_handover_when_called_off_then_the_line_goes_on_here(
    world: Any, tmp_path: Path
) -> None:
    """Its log says nothing of it: it never had two ends."""
    async with world.serve() as site:
        ids = await send(world, site, 1)
    identity = HybridIdentity.generate()
    with pytest.raises(InstanceError, match="handover_none"):
        cancel_handover(world.directory)
    with Instance.open(world.directory) as instance:
        write_handover(
            instance,
            tmp_path / "out.age",
            recipients=[identity.recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
    cancel_handover(world.directory)
    async with world.serve() as site:
        assert await stored(site) == set(ids)
        assert site.line.log.read_queue() == []


async def test_handover_when_it_has_ended_here_then_it_is_not_called_off(
    world: Any, tmp_path: Path
) -> None:
    """
    Once a key was overwritten the file is all there is: nobody is told to let it go, whether the
    end was finished or a crash cut it short.
    """
    async with world.serve():
        pass
    here, out = world.directory, tmp_path / "out.age"
    with Instance.open(here) as instance:
        write_handover(
            instance,
            out,
            recipients=[HybridIdentity.generate().recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
    end_handover(here, out, day=world.clock.today, environment=os.environ)
    with pytest.raises(InstanceError, match="line_ended"):
        cancel_handover(here)
    assert (here / "handing-over").exists()
    wrong = tmp_path / "photos"
    wrong.mkdir()
    with pytest.raises(InstanceError, match="instance_missing"):
        cancel_handover(wrong)
    with pytest.raises(InstanceError, match="instance_missing"):
        end_handover(wrong, out, day=world.clock.today, environment=os.environ)
    assert not list(wrong.iterdir())


@pytest.mark.parametrize("step", [CloseStep.ANNOUNCED, CloseStep.INTAKE_STOPPED])
async def test_handover_when_the_end_was_announced_then_it_is_refused(
    world: Any, tmp_path: Path, step: CloseStep
) -> None:
    """A line that says that it ends does not take tips again because somebody else has it."""
    closing = Closing(step=step, on=world.clock.today + datetime.timedelta(days=3))
    save_closing(world.directory, closing, day=world.clock.today)
    with (
        Instance.open(world.directory) as instance,
        pytest.raises(InstanceError, match="handover_ending") as caught,
    ):
        write_handover(
            instance,
            tmp_path / "out.age",
            recipients=[HybridIdentity.generate().recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
    assert caught.value.facts == {"day": closing.on.isoformat()}
    assert not (world.directory / "handing-over").exists()


def seal_to_tpm(directory: Path) -> None:
    """Make the line's slot file anew, sealed by this machine's TPM."""
    path = directory / "tipline.toml"
    path.write_text(path.read_text().replace('root = "none"', 'root = "tpm"'))
    (directory / "slots" / "slot-file").unlink(missing_ok=True)
    create_slots(directory, load_configuration(directory).slots, environment=os.environ)


@pytest.mark.parametrize("slot_root", [None, SlotRootChoice.NONE])
async def test_handover_when_the_keys_are_sealed_to_this_machine_then_another_takes_it_over(
    world: Any,
    short_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    slot_root: SlotRootChoice | None,
) -> None:
    """
    What seals the keys stays where it is: the new machine's own TPM seals them there, or nothing
    does, if its operator says so. On the way they are under a key that is in the sealed file alone,
    also after a crash at the new place.
    """
    with run_swtpm(tmp_path / "tpm-here") as here, run_swtpm(tmp_path / "tpm-there") as there:
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        seal_to_tpm(world.directory)
        async with world.serve() as site:
            ids = await send(world, site, 2)
        old = world.directory
        identity, out = HybridIdentity.generate(), tmp_path / "out.age"
        with Instance.open(old) as instance:
            write_handover(
                instance,
                out,
                recipients=[identity.recipient()],
                today=world.clock.today,
                environment=os.environ,
            )
        assert not (old / "run" / "backup").exists()
        monkeypatch.setenv(TCTI_VARIABLE, "swtpm:port=1")  # a machine whose TPM does not answer
        world.directory = short_path / "there"

        def take_over(wishes: Wishes) -> None:
            with out.open("rb") as source:
                restore(
                    source,
                    world.directory,
                    identities=[identity],
                    wishes=wishes,
                    environment=os.environ,
                    clock=world.clock,
                    boot_clock=world.clock.boot,
                )

        with pytest.raises(SlotError, match="slot_tpm"):
            await asyncio.to_thread(take_over, Wishes())
        monkeypatch.setenv(TCTI_VARIABLE, there.tcti)
        await asyncio.to_thread(take_over, Wishes(slot_root=slot_root))
        left = {path.name for path in world.directory.rglob("*")}
        assert not left & {"transport-key", "restoring", "restoring.partial"}
        settings = load_configuration(world.directory).slots
        assert settings.root is (slot_root or SlotRootChoice.TPM)
        async with world.serve() as site:
            assert await stored(site) == set(ids)
        opened = open_slots(world.directory, settings, environment=os.environ)
        destroyed = Method.DESTROYED if slot_root is None else Method.OVERWRITTEN
        assert opened.file.method(SlotKind.DAY) is destroyed
        opened.file.close()
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        end_handover(old, out, day=world.clock.today, environment=os.environ)


@pytest.mark.parametrize("name", ["slot-file.restoring", "slot-file.restoring.moving"])
async def test_handover_when_its_restore_is_called_off_then_no_slot_stays(
    world: Any, short_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nobody would purge what lies there; the same file makes it again."""
    async with world.serve() as site:
        ids = await send(world, site, 1)
    identity, out = HybridIdentity.generate(), tmp_path / "out.age"
    with Instance.open(world.directory) as instance:
        write_handover(
            instance,
            out,
            recipients=[identity.recipient()],
            today=world.clock.today,
            environment=os.environ,
        )
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

    def stop(folder: Path, step: Making, **rest: Any) -> None:
        if step is Making.MADE:
            raise KeyboardInterrupt
        note_making(folder, step, **rest)

    with monkeypatch.context() as patch:
        patch.setattr("tipline.restored_slots.note_making", stop)
        with pytest.raises(KeyboardInterrupt):
            take_over()
    made = world.directory / "slots" / name
    (world.directory / "slots" / "slot-file.restoring").rename(made)
    descriptor = os.open(made, os.O_RDONLY)
    assert any(os.pread(descriptor, 1 << 24, 0))
    cancel_restore(world.directory)
    assert not any(os.pread(descriptor, 1 << 24, 0))
    os.close(descriptor)
    assert not list((world.directory / "slots").iterdir())
    await asyncio.to_thread(take_over)
    async with world.serve() as site:
        assert await stored(site) == set(ids)
