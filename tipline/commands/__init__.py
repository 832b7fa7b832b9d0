"""
What the commands do, one module each: parse nothing, call, print.

A function that a parser of `tipline/parsers/` names is `(options, console) -> int`. Its module is
imported when it is run, so that a help text waits for no library.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tipline.console import Console

    Run = Callable[[argparse.Namespace, Console], int]


def find_run(name: str) -> Run:
    """
    Find the function of a command.

    Args:
        name: As a parser of ours has it: `hold.run_add` is `run_add` of `tipline/commands/hold.py`.

    Returns:
        The function; its module is imported now.
    """
    module, _, function = name.partition(".")
    run: Run = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    return run
