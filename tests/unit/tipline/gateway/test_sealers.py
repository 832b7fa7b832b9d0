"""Messages are sealed beside the line, by processes that end with it and are made anew."""

from __future__ import annotations

import asyncio
import datetime
import io
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.came_by import CameBy, Medium
from crypto.errors import RecipientError
from crypto.ladder import TEXT_RUNG
from tipline.gateway.sealers import Sealers
from tipline.gateway.sealing import Sealable
from tipline.service.limits import BusyError

IDENTITIES = [HybridIdentity.generate() for _ in range(8)]


def make_message(text: str = "Hay un bache.", *, readers: int = 8) -> Sealable:
    """Make a message to so many readers."""
    return Sealable(
        text=text,
        came_by=CameBy(
            name="hook",
            medium=Medium.SMS,
            received_at="2026-11-21T10:00:00Z",
            continues=False,
            sender="+525512345678",
            conversation="ab" * 16,
            reply_until=datetime.date(2026, 12, 1),
        ),
        channel="main",
        keyset=1,
        language="es",
        recipients=[one.recipient() for one in IDENTITIES[:readers]],
    )


def find_children(process: int) -> list[int]:
    """List the processes that a process has begun and that compute for it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"tipline.gateway.sealer" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest_asyncio.fixture
async def sealers() -> AsyncIterator[Sealers]:
    """Processes that have begun."""
    made = Sealers()
    await made.start()
    yield made
    await made.close()


async def test_seal_when_messages_come_together_then_each_opens_for_each_reader(
    sealers: Sealers,
) -> None:
    """What comes out is the envelope of the very message, and a reader opens it."""
    texts = [f"Mensaje {number}" for number in range(5)]
    envelopes = await asyncio.gather(*(sealers.seal(make_message(text)) for text in texts))
    for text, envelope in zip(texts, envelopes, strict=True):
        assert len(envelope) == TEXT_RUNG
        opened = io.BytesIO()
        age_file.open_(io.BytesIO(envelope), opened, identities=[IDENTITIES[7]])
        assert text.encode() in opened.getvalue()


async def test_seal_when_the_readers_are_not_those_of_a_tip_then_it_says_so(
    sealers: Sealers,
) -> None:
    """A refusal in the other process is the same error here."""
    with pytest.raises(RecipientError):
        await sealers.seal(make_message(readers=7))


async def test_seal_when_the_processes_were_killed_then_others_seal(sealers: Sealers) -> None:
    """A process that the machine ended costs no message."""
    for child in find_children(os.getpid()):
        os.kill(child, signal.SIGKILL)
    assert len(await sealers.seal(make_message())) == TEXT_RUNG


async def test_seal_when_no_process_can_seal_then_nothing_is_acknowledged(
    sealers: Sealers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits is told to come back."""
    monkeypatch.setattr("tipline.gateway.sealers.pickle.dumps", lambda message: b"no message")
    with pytest.raises(BusyError):
        await sealers.seal(make_message())


async def test_seal_when_the_line_is_told_to_end_then_its_processes_go_on(
    sealers: Sealers,
) -> None:
    """The signals that end a line reach its whole group: what was begun is sealed first."""
    for child in find_children(os.getpid()):
        for ended_by in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(child, ended_by)
    assert len(await sealers.seal(make_message())) == TEXT_RUNG


def test_sealers_when_the_line_is_killed_then_no_process_stays() -> None:
    """However a line ends, nobody is left who holds what it was about to seal."""
    program = (
        "import asyncio, os, sys\n"
        "from tipline.gateway.sealers import Sealers\n"
        "async def main():\n"
        "    await Sealers().start()\n"
        "    print('ready', flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    line = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert line.stdout is not None
    with line.stdout:
        assert line.stdout.readline() == b"ready\n"
        children = find_children(line.pid)
        watched = [os.pidfd_open(child) for child in children]
        line.kill()
        line.wait()
    assert children
    for one in watched:
        assert _has_ended(one)
        os.close(one)


def _has_ended(watched: int) -> bool:
    # A pidfd can be read once its process has ended.

    return bool(select.select([watched], [], [], 20)[0])
