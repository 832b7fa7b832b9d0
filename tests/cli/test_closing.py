"""The transcript of a line's end, day by day, and of a clock that jumped meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.cli.test_operations import OLD, TODAY, YOUNG, add_tips, directory
from tipline.commands import serve as serve_command
from tipline.console import Console

__all__ = ["directory"]  # a fixture
SECONDS = 120
LAST_DAY = 20  # of the tips


def day(count: int) -> str:
    """Name a day from today."""
    return (TODAY + datetime.timedelta(days=count)).isoformat()


def run(days: int, *words: str | Path) -> tuple[int, str, str]:
    """Run a command so many days later, after a new start of the machine."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.cli.shifted", str(days), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "LANGUAGE": "en"},
    )
    return done.returncode, done.stdout, done.stderr


@contextlib.contextmanager
def serve(days: int, line: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Serve a line so many days later; give the process and the source's socket."""
    words = (str(days), "serve", str(line), "--json", "--no-tor")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.cli.shifted", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "LANGUAGE": "en"},
    )
    try:
        assert process.stdout is not None
        yield process, Path(json.loads(process.stdout.readline())["source_socket"])
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def get(socket: Path, path: str) -> tuple[int, str]:
    """Ask the source's side."""

    async def ask() -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(socket))) as session,
            session.get(f"http://line{path}") as response,
        ):
            return response.status, await response.text()

    return asyncio.run(ask())


def read_step(socket: Path) -> str:
    """Tell what the notice says."""
    step: str = json.loads(get(socket, "/notice")[1])["step"]
    return step


def wait_for_step(line: Path, step: str) -> None:
    """Wait until the line has taken a step of its end."""
    deadline = time.monotonic() + SECONDS
    while json.loads((line / "closing").read_text())["step"] != step:
        assert time.monotonic() < deadline, (line / "closing").read_text()
        time.sleep(0.1)


def test_close_when_walked_to_its_end_then_every_day_says_what_is(directory: Path) -> None:
    """
    Announced, stopped, off for too long, confirmed by a person, run out, keys destroyed, closed:
    what each command prints on the way, and what is served and exported afterwards.
    """
    line = directory
    asyncio.run(add_tips(line, {OLD: 2, YOUNG: LAST_DAY}))
    # The tests' clocks count from a start of the machine of their own.
    (line / "slots" / "clock").unlink()

    with serve(0, line):
        code, out, err = run(0, "close", line, "--on", day(2))
        assert (code, err) == (0, "nothing was done; --apply does it\n")
        assert out.splitlines()[:3] == [
            f"From {day(2)} on the line takes no tips.",
            "Tips that are stored now: 2",
            f"The last of them goes on {day(LAST_DAY)}.",
        ]
        plan = json.loads(run(0, "close", line, "--on", day(2), "--json")[1])
        assert f"The log ends on {plan['ends_on']}" in out
        assert "it goes on signing new ones" in out
        last = (datetime.date.fromisoformat(plan["ends_on"]) - TODAY).days
        assert last > LAST_DAY  # a day that the policy gives, whatever is stored
        code, out, err = run(0, "close", line, "--on", day(2), "--apply")
        assert (code, err) == (0, "")
        assert out.endswith(f"It is announced. Until {day(2)} it can be called off.\n")

    with serve(1, line) as (_, socket):
        assert read_step(socket) == "announced"

    with serve(2, line) as (_, socket):
        wait_for_step(line, "intake_stopped")
        assert read_step(socket) == "intake_stopped"
        too_late = "the line has stopped taking tips; that cannot be called off any more"
        assert run(2, "close", line, "--cancel", "--apply") == (
            41,
            "",
            f"tipline: error: {too_late}\n",
        )

    later = last - 1
    with serve(later, line) as (_, socket):
        code, out, err = run(later, "clock", line)
        assert (code, err) == (0, "")
        assert out.splitlines() == [
            f"By this machine's clock it is {day(later)}.",
            f"By what the line has measured it is {day(2)}.",
            (
                "The clock is more than two days ahead, and that waits for a person. What came"
                " before is kept meanwhile; what has come since"
                f" {day(later)} counts by the clock."
            ),
            f"If this machine's clock is right: tipline clock {line} --confirm {day(later)}",
            "If not, set it.",
        ]
        code, out, err = run(later, "purge", line)
        assert (code, err) == (
            0,
            f"the clock jumped to {day(later)} and waits for you: tipline clock DIR\n",
        )
        assert out.startswith(f"Today is {day(2)}.\nNothing would go.\n")
        code, out, err = run(later, "clock", line, "--confirm", day(later - 1))
        assert (code, out) == (41, "")
        assert run(later, "clock", line, "--confirm", day(later)) == (
            0,
            (
                f"By this machine's clock it is {day(later)}.\n"
                f"By what the line has measured it is {day(later)}.\n"
            ),
            "",
        )
        code, out, err = run(later, "purge", line, "--apply")
        assert (code, err) == (0, "")
        told = rf"^sealed_tip of {day(LAST_DAY)}: .*{later - LAST_DAY} days late"
        assert re.search(told, out, re.MULTILINE)

    with serve(later + 1, line) as (process, _):
        wait_for_step(line, "closed")
        assert process.stdout is not None
        # It goes on by itself, with what is left.
        socket = Path(json.loads(process.stdout.readline())["source_socket"])
        assert read_step(socket) == "closed"
        assert "This line is closed" in get(socket, "/en/accountability")[1]
        assert get(socket, "/log/checkpoint")[0] == 200

    keys = {path.name for path in (line / "keys").iterdir()}
    assert not keys & {"service.key", "log.key"}
    later += 2
    assert run(later, "doctor", line)[:2] == (
        0,
        (
            "warning: this line has ended here: its keys are gone, its log and account are left\n"
            "  keep its log: tipline log DIR export OUT\n"
        ),
    )
    over = f"tipline: error: the line in {line} has ended, and its keys are gone\n"
    commands: tuple[tuple[str | Path, ...], ...] = (
        ("purge", line),
        ("hold", "list", line),
        ("close", line, "--cancel"),
        ("close", line, "--on", day(400)),
    )
    for words in commands:
        code, out, err = run(later, *words)
        assert (code, out, err.splitlines(keepends=True)[0]) == (41, "", over)
    output = line.with_name("log")
    code, out, err = run(later, "log", line, "export", output)
    assert (code, err) == (0, "")
    key = re.search(r"Their key: (\S+)", out)
    assert key is not None
    with serve(later, line) as (_, socket):
        assert get(socket, "/log/checkpoint")[1] == (output / "checkpoint").read_text()
    words = ("audit", "verify", output, "--key", key[1], "--today", day(later), "--json")
    code, out, err = run(later, *words)
    # What the machine did is told: it was off, and its clock waited. Nothing else is wrong.
    kinds = {one["kind"] for one in json.loads(out)["findings"]}
    assert {"downtime", "clock"} <= kinds <= {"downtime", "clock", "keyset_expired"}, out


def test_serve_when_told_to_stop_while_the_line_ends_then_keys_go_and_nothing_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes in the moment of the end is not lost: the process ends, its work done."""
    done: list[str] = []
    monkeypatch.setattr(serve_command, "_serve_open", lambda options, console: (True, True))
    monkeypatch.setattr(serve_command, "shut", lambda *args, **more: done.append("shut"))
    monkeypatch.setattr(serve_command, "_serve_closed", lambda *args, **more: done.append("served"))
    monkeypatch.setattr(serve_command, "forbid_core_dumps", lambda: None)
    (tmp_path / "run").mkdir()
    console = Console(translate=str, out=io.StringIO(), err=io.StringIO(), input=io.BytesIO())
    assert serve_command.run(argparse.Namespace(directory=tmp_path), console) == 0
    assert done == ["shut"]
