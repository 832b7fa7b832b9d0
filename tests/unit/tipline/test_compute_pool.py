"""Processes beside the line: they answer, can do nothing else, and are made anew."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tipline.compute_pool import ComputePool, ProcessDiedError, RefusedRequestError

PROGRAM = (str(Path(__file__).with_name("computing_for_tests.py")),)


def find_processes() -> list[str]:
    """List the processes of the module that this one has begun."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [
        child
        for child in children
        if PROGRAM[0].encode() in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[ComputePool]:
    """Two processes."""
    made = ComputePool(PROGRAM, size=2, environment={"KEY": "value"})
    yield made
    await made.close()


async def test_ask_when_many_ask_at_once_then_each_gets_its_own_answer(pool: ComputePool) -> None:
    """Also what is longer than any buffer comes back whole."""
    requests = [bytes([number]) * (number * 9973) + b"end" for number in range(1, 60)]
    answers = await asyncio.gather(*(pool.ask(request) for request in requests))
    assert answers == [request[::-1] for request in requests]


async def test_ask_when_two_ask_then_both_processes_compute(pool: ComputePool) -> None:
    """Who waits for less is asked first."""
    pids = await asyncio.gather(*(pool.ask(b"pid") for _ in range(8)))
    assert len(set(pids)) == 2
    assert str(os.getpid()).encode() not in pids


async def test_ask_when_it_is_refused_then_the_code_is_told(pool: ComputePool) -> None:
    """And the process answers on."""
    with pytest.raises(RefusedRequestError) as refused:
        await pool.ask(b"refuse")
    assert refused.value.code == "too_large"
    assert await pool.ask(b"abc") == b"cba"


async def test_ask_when_it_kills_then_it_is_asked_twice_and_others_are_served(
    pool: ComputePool,
) -> None:
    """What kills a process is given up; what waited beside it is computed all the same."""
    died, *served = await asyncio.gather(
        pool.ask(b"die"),
        *(pool.ask(b"x%d" % number) for number in range(20)),
        return_exceptions=True,
    )
    assert isinstance(died, ProcessDiedError)
    assert await pool.ask(b"abc") == b"cba"
    assert all(isinstance(one, bytes | ProcessDiedError) for one in served)


async def test_ask_when_a_process_stands_still_then_it_is_ended_and_another_answers() -> None:
    """Whoever waits does not wait for ever."""
    pool = ComputePool(PROGRAM, size=1, answer_seconds=2)
    await pool.start()
    (process,) = find_processes()
    os.kill(int(process), signal.SIGSTOP)
    assert await pool.ask(b"abc") == b"cba"
    assert process not in find_processes()
    await pool.close()


async def test_process_when_it_begins_then_nothing_of_the_folder_it_stands_in_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beside the reader of a downloads folder is no part of this program."""
    ran = tmp_path / "ran"
    (tmp_path / "dataclasses.py").write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    pool = ComputePool(("-m", "tipline.service.hardener"), size=1)
    await pool.start()
    await pool.close()
    assert not ran.exists()


async def test_ask_when_who_asked_has_gone_then_the_next_gets_its_own_answer(
    pool: ComputePool,
) -> None:
    """An answer that nobody waits for is not handed to somebody else."""
    await pool.start()
    assert len(find_processes()) == 2
    gone = [asyncio.create_task(pool.ask(b"gone" * 100_000)) for _ in range(4)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    assert await pool.ask(b"abc") == b"cba"
    assert await pool.ask(b"def") == b"fed"


async def test_close_when_who_asked_first_has_gone_then_no_process_stays(
    pool: ComputePool,
) -> None:
    """Whoever is cancelled while the processes begin leaves none behind."""
    gone = asyncio.create_task(pool.ask(b"abc"))
    await asyncio.sleep(0.01)
    gone.cancel()
    await pool.close()
    assert not find_processes()


@pytest.mark.parametrize("act", [b"connect", b"write", b"program"])
async def test_process_when_it_would_do_more_than_compute_then_it_cannot(
    pool: ComputePool, act: bytes
) -> None:
    """No connection, no file, no other program."""
    assert await pool.ask(act) == b"PermissionError"


async def test_process_when_it_begins_then_it_leaves_no_core_dump(pool: ComputePool) -> None:
    """Also where the system hands dumps to a program, which looks at no limit but for 1."""
    await pool.start()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    for process in find_processes():
        limits = resource.prlimit(int(process), resource.RLIMIT_CORE)
        assert limits == ((0, 0) if hard == 0 else (1, 1))


async def test_process_when_it_begins_then_it_has_nothing_of_the_lines_environment(
    pool: ComputePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the line was given by its environment stays with it."""
    monkeypatch.setenv("TIPLINE_SECRET", "value")
    environment = (await pool.ask(b"environment")).splitlines()
    # Python itself says how it read what was not said.
    assert environment == [b"KEY=value", b"LC_CTYPE=C.UTF-8"]


async def test_start_when_the_module_is_not_there_then_it_says_so() -> None:
    """A process that ends at once is not begun again for ever."""
    pool = ComputePool(("-m", "tipline.no_such_module"), size=1)
    with pytest.raises(ChildProcessError):
        await pool.start()
    await pool.close()
