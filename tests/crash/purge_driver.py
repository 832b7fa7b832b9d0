"""
Kill a purge before one step after the other, run it again, and look.

Run by the test with the counting library loaded. Each run is a process of its own, forked before
any thread is started: its imports cost once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.crash.purged_line import (
    check_bytes,
    check_nothing_early,
    check_nothing_left,
    load_secrets,
    open_line,
    purge,
)
from tests.crash.stepping import arm, counted

Work = Callable[[], Coroutine[Any, Any, int]]


def fork(work: Work, tell: Path | None = None) -> int:
    """Run *work* in a process of its own; return its status: 0, 1, or minus its signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            told = asyncio.run(work())
            if tell is not None:
                tell.write_text(str(told))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def mark(name: str) -> None:
    """Leave a mark in what strace writes: the removal of what is not there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"/steps-{name}")  # noqa: PTH108  # the call itself is meant


async def purge_counted(directory: Path, *, kill_at: int) -> int:
    """Run the purge; its steps are counted from its start to the store's end."""
    store = open_line(directory)
    mark("begin")
    arm(kill_at)
    await purge(store)
    store.close()
    steps = counted()
    arm(-1)
    mark("end")
    return steps


async def purge_again(directory: Path) -> int:
    """Start again after the kill: nothing died early; purge; nothing is left."""
    store = open_line(directory)
    await check_nothing_early(store)
    await purge(store)
    await check_nothing_early(store)
    await check_nothing_left(store)
    store.close()
    return 0


def count_steps(line: Path, folder: Path) -> int:
    """Run the purge once without killing it, and check its end."""
    directory, tell = folder / "counted", folder / "steps"
    shutil.copytree(line, directory)
    if fork(lambda: purge_counted(directory, kill_at=0), tell) != 0:
        raise SystemExit("the purge itself does not work")
    check_bytes(directory, load_secrets(folder / "secrets.json"))
    shutil.rmtree(directory)
    return int(tell.read_text())


def main() -> None:
    """Kill at each of the steps asked for; print what happened as JSON."""
    folder = Path(sys.argv[1])
    every = int(sys.argv[2])
    line, secrets = folder / "line", load_secrets(folder / "secrets.json")
    steps = count_steps(line, folder)
    if every == 0:
        print(json.dumps({"steps": steps}))
        return
    killed, wrong = 0, []
    for kill_at in range(1, steps + 1, every):
        directory = folder / f"line{kill_at}"
        shutil.copytree(line, directory)
        status = fork(lambda directory=directory, at=kill_at: purge_counted(directory, kill_at=at))  # type: ignore[misc]
        killed += status == -signal.SIGKILL
        if status == 1 or fork(lambda directory=directory: purge_again(directory)) != 0:  # type: ignore[misc]
            wrong.append(kill_at)
        else:
            try:
                check_bytes(directory, secrets)
            except AssertionError as exc:
                print(f"step {kill_at}: {exc}", file=sys.stderr)
                wrong.append(kill_at)
        shutil.rmtree(directory)
    print(json.dumps({"steps": steps, "killed": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
