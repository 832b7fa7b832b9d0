"""A line handed over: the same onion, root, log and promises there, and nothing left here."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from retention.log.entry import CloseStep, EntryType
from tests.service.test_operator import send, stored
from tipline.closing import load_closing
from tipline.errors import InstanceError
from tipline.handover import cancel_handover, end_handover, write_handover
from tipline.instance import Instance, load_log_signer
from tipline.restore import Wishes, restore

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
            instance, out, recipients=[identity.recipient()], today=world.clock.today
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
        )
    cancel_handover(world.directory)
    async with world.serve() as site:
        assert await stored(site) == set(ids)
        assert site.line.log.read_queue() == []
