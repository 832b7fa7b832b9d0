"""The program starts at once: help waits for no library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS = {"crypto", "retention", "tipline"}
# Of the standard library, what takes long and no help text needs.
SLOW = {"asyncio", "email", "http", "multiprocessing", "sqlite3", "ssl", "tarfile", "tomllib"}

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


def test_search_when_a_command_works_then_its_libraries_are_found() -> None:
    """The search can fail: a command that does something loads what it needs."""
    loaded = list_loaded("desk", "pull", "nowhere", "--out", "nothing", "--root", "none")

    assert {"nacl"} <= find_heavy(loaded)
