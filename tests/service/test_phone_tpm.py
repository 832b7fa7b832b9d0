"""The key of an epoch under a TPM: what the line does without it, and whoever has an old copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from retention.errors import SlotError
from retention.policy import EVENTS
from tests.service.epoch_keys import hold_to_lost_key, lose_epoch_keys
from tests.service.phones import call_line, install_webhook, message
from tests.service.test_handover import seal_to_tpm
from tests.unit.retention.swtpm import run_swtpm
from tipline.slots import TCTI_VARIABLE

DAYS = 5  # a TPM is slow, and there is a key for each
PERIODS = {name: dict.fromkeys(events, DAYS) for name, events in EVENTS.items()}


async def test_line_when_its_epoch_key_is_gone_from_a_tpm_then_it_is_loud_and_takes_messages(
    make_world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    As without a TPM: each start says it, the log says it once, who writes has no handle. A copy of
    the slots from before, put back, does not give the key back, and says so of all keys in it; with
    another TPM the line does not begin.
    """
    world = make_world(periods=PERIODS)
    slots = world.directory / "slots" / "slot-file"
    with run_swtpm(tmp_path / "here") as here, run_swtpm(tmp_path / "there") as there:
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        install_webhook(world.directory)
        seal_to_tpm(world.directory)
        async with world.serve() as site, call_line(world) as caller:
            assert await caller.post(message("one")) == 200
            await site.line.store._conversations.handles.wait_empty()
            (first,) = await site.line.store.tips()
            assert first.pseudonym is not None
            before = slots.read_bytes()
            lose_epoch_keys(site.line.store)
        await hold_to_lost_key(world)
        monkeypatch.setenv(TCTI_VARIABLE, there.tcti)
        with pytest.raises(SlotError):
            async with world.serve():
                pass
        monkeypatch.setenv(TCTI_VARIABLE, here.tcti)
        slots.write_bytes(before)
        told: list[Any] = []
        async with world.serve(report=told.append) as site, call_line(world) as caller:
            assert site.line.store._keys.epochs() == set()
            assert await caller.post(message("three", number="c")) == 200
            tips = await site.line.store.tips()
        codes = {getattr(one, "code", one) for one in told}
        assert {"day_key_lost", "record_keys_lost", "epoch_key_lost"} == codes
        assert {tip.pseudonym for tip in tips} == {None}  # the first can be opened no more
