"""The program starts at once: help waits for no library."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"crypto", "retention", "tipline"}
# Of the standard library, what takes long and no help text needs.
SLOW = {"asyncio", "email", "http", "multiprocessing", "sqlite3", "ssl", "tarfile", "tomllib"}
# Who waits longer notices. Measured were 0.08 to 0.11; with every command's libraries it was 1.0.
LONGEST_SECONDS = 0.25

_LIST_MODULES = """
import contextlib, io, sys
before = set(sys.modules)
from tipline.__main__ import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(sys.argv[1:])
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""


def list_loaded(*words: str) -> set[str]:
    """Run the program with these words; name the packages it loaded."""
    command = [sys.executable, "-c", _LIST_MODULES, *words]
    return set(subprocess.check_output(command, cwd=ROOT, text=True).split())


def find_heavy(loaded: set[str]) -> set[str]:
    """Name what comes from elsewhere, or is slow."""
    return (loaded & SLOW) | (loaded - set(sys.stdlib_module_names) - OURS)


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        ("age", "--help"),
        ("clean", "--help"),
        ("audit", "verify", "--help"),
        ("doctor", "--help"),
        ("hold", "add", "--help"),
        ("serve", "--help"),
        ("serve", "--no-such-option"),
    ],
)
def test_help_when_asked_for_then_no_library_is_loaded(words: tuple[str, ...]) -> None:
    """A help text, a version and a usage error come from the standard library alone."""
    assert find_heavy(list_loaded(*words)) == set()


def measure_processor_seconds(*words: str) -> float:
    """Run the program with these words; tell how long it kept a processor busy."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "tipline", *words], cwd=ROOT, stdout=subprocess.DEVNULL, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("words", [("--help",), ("serve", "--help")])
def test_help_when_asked_for_then_it_comes_at_once(words: tuple[str, ...]) -> None:
    """A help text costs a quarter of a second of a processor at most, at the best of three."""
    assert min(measure_processor_seconds(*words) for _ in range(3)) < LONGEST_SECONDS


def test_search_when_a_command_works_then_its_libraries_are_found() -> None:
    """The search can fail: a command that does something loads what it needs."""
    loaded = list_loaded("desk", "pull", "nowhere", "--out", "nothing", "--root", "none")

    assert {"nacl"} <= find_heavy(loaded)
