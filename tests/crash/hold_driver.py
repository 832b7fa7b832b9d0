"""
Kill the placing and the release of a hold before one step after the other, go on, and look.

Run by the test with the counting library loaded, as `purge_driver.py` is.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.crash.held_line import (
    DOUBLE,
    LATE,
    SINGLE,
    YOUNG,
    add_hold,
    list_hold_keys,
    list_open,
    list_steps,
    operate,
)
from tests.crash.stepping import arm, counted

Scenario = tuple[Callable[[Path], None], Callable[[Path], None]]


def fork(work: Callable[[], object], tell: Path | None = None) -> int:
    """Run *work* in a process of its own; return its status: 0, 1, or minus its signal."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            told = work()
            if tell is not None:
                tell.write_text(str(told))
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def count(work: Callable[[], object], *, kill_at: int) -> int:
    """Run *work* and count its steps."""
    arm(kill_at)
    work()
    steps = counted()
    arm(-1)
    return steps


def place(directory: Path) -> None:
    """Place a hold."""
    add_hold(directory, SINGLE)


def check_placed(directory: Path) -> None:
    """It is there wholly, in the log too, or not at all; and another one can be placed."""
    listed = {hold["hold"]: hold for hold in operate(directory, "hold-list", days=0)["holds"]}
    assert len(listed) <= 1
    assert list_hold_keys(directory) == set(listed)
    assert list_steps(directory) == {hold: ["placed"] for hold in listed}
    for hold in listed.values():
        assert hold["words"]["reason"] == "an order"
        assert hold["count"] == 1
    again = add_hold(directory, SINGLE)
    operate(directory, "purge", days=LATE)
    assert asyncio.run(list_open(directory, LATE)) == {SINGLE}
    assert list_hold_keys(directory) == {*listed, again}


def find_first(directory: Path) -> str:
    """Find the hold that is released: the one over two tips."""
    holds = operate(directory, "hold-list", days=LATE)["holds"]
    return str(max(holds, key=lambda hold: int(hold["count"]))["hold"])


def release(directory: Path, first: str) -> None:
    """Release it."""
    operate(directory, "hold-release", days=LATE, hold=first)


def check_released(directory: Path, first: str) -> None:
    """Released again if that was lost: what it alone held is gone, and nothing else."""
    alive = asyncio.run(list_open(directory, LATE))
    assert {DOUBLE, YOUNG} <= alive, "something died that is held, or whose day is far"
    if first in {hold["hold"] for hold in operate(directory, "hold-list", days=LATE)["holds"]}:
        release(directory, first)
    assert asyncio.run(list_open(directory, LATE)) == {DOUBLE, YOUNG}
    listed = operate(directory, "hold-list", days=LATE)
    (second,) = (hold["hold"] for hold in listed["holds"])
    (ended,) = listed["ended"]
    assert json.loads(ended["text"])["hold"] == first
    assert list_hold_keys(directory) == {second}
    assert list_steps(directory) == {first: ["placed", "released"], second: ["placed"]}


def make_scenario(name: str, line: Path) -> Scenario:
    """Choose what is killed, and what must be so afterwards."""
    if name == "place":
        return place, check_placed
    first = find_first(line)
    return (lambda line: release(line, first)), (lambda line: check_released(line, first))


def main() -> None:
    """Kill at each of the steps asked for; print what happened as JSON."""
    folder, name, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    line = folder / name
    work, check = make_scenario(name, line)
    tell, directory = folder / "steps", folder / "counted"
    shutil.copytree(line, directory)
    if fork(lambda: count(lambda: work(directory), kill_at=0), tell) != 0:
        raise SystemExit("the operation itself does not work")
    if fork(lambda: check(directory)) != 0:
        raise SystemExit("the operation itself does not reach its end")
    shutil.rmtree(directory)
    steps = int(tell.read_text())
    killed, wrong = 0, []
    for kill_at in range(1, steps + 1, every):
        directory = folder / f"{name}{kill_at}"
        shutil.copytree(line, directory)
        status = fork(
            lambda directory=directory, at=kill_at: count(  # type: ignore[misc]
                lambda: work(directory), kill_at=at
            )
        )
        killed += status == -signal.SIGKILL
        if status == 1 or fork(lambda directory=directory: check(directory)) != 0:  # type: ignore[misc]
            wrong.append(kill_at)
        shutil.rmtree(directory)
    print(json.dumps({"steps": steps, "killed": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
