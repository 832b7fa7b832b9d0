"""
Kill a line with phones before one step after the other, start it again, and look.

Run by the test with the counting library loaded, as `purge_driver.py` is.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
from pathlib import Path

from tests.crash.phone_line import Shared, write_line
from tests.crash.phone_scenarios import SCENARIOS, Facts, Scenario
from tests.crash.purge_driver import fork
from tests.crash.stepping import arm, counted
from tipline.service import pseudonyms


async def prepare(scenario: Scenario, directory: Path, facts: Facts, path: Path) -> int:
    """Bring the line to where it is killed, and keep what is known of it."""
    await scenario.prepare(directory, facts)
    await asyncio.to_thread(path.write_text, json.dumps(facts.known))
    return 0


async def run_counted(scenario: Scenario, directory: Path, facts: Facts, kill_at: int) -> int:
    """Run what is killed; its steps are counted from where it begins to the line's end."""
    await scenario.work(directory, facts, lambda: arm(kill_at))
    steps = counted()
    arm(-1)
    return steps


async def check(scenario: Scenario, directory: Path, facts: Facts) -> int:
    """Start again and look."""
    await scenario.check(directory, facts)
    return 0


def main() -> None:
    """Kill at each of the steps asked for; print what happened as JSON."""
    folder, name, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    scenario = SCENARIOS[name]
    pseudonyms.NICENESS = 0  # nobody else is served here: what it waits for is the machine's others
    line, known, tell = folder / name, folder / f"{name}-known", folder / f"{name}-steps"
    facts = Facts(reader=write_line(line).reader, done=Shared(), sent=Shared())
    if fork(lambda: prepare(scenario, line, facts, known)) != 0:
        raise SystemExit("the line cannot be made")
    facts.known = json.loads(known.read_text())

    def run(directory: Path, kill_at: int) -> int:
        shutil.copytree(line, directory)
        facts.done.clear()
        facts.sent.clear()
        return fork(lambda: run_counted(scenario, directory, facts, kill_at), tell)

    def look(directory: Path) -> bool:
        holds = fork(lambda: check(scenario, directory, facts)) == 0
        shutil.rmtree(directory)
        return holds

    directory = folder / f"{name}-counted"
    if run(directory, 0) != 0 or not look(directory):
        raise SystemExit("what is killed does not work")
    steps = int(tell.read_text())
    killed, wrong = 0, []
    for kill_at in range(1, steps + 1, every):
        directory = folder / f"{name}{kill_at}"
        status = run(directory, kill_at)
        killed += status == -signal.SIGKILL
        if not look(directory) or status not in (0, -signal.SIGKILL):
            print(f"step {kill_at}", file=sys.stderr)
            wrong.append(kill_at)
    print(json.dumps({"steps": steps, "killed": killed, "wrong": wrong}))


if __name__ == "__main__":
    main()
