"""
The commands, one module each, in the order in which `tipline --help` shows them.

A module has `register(commands, translate)`, which adds its parser and sets `run`, and
`run(options, console) -> int`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

from tipline.commands import (
    age,
    audit,
    backup,
    clock,
    close,
    demonstration,
    desk,
    doctor,
    hold,
    init,
    keyset,
    log,
    mail,
    policy,
    purge,
    restore,
    serve,
)
from tipline.language import Translate

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Command(Protocol):
    """What a module in this folder offers."""

    def register(self, commands: Commands, translate: Translate) -> None:
        """Add the command's parser."""
        ...


COMMANDS: tuple[Command, ...] = (
    init,
    policy,
    keyset,
    serve,
    purge,
    hold,
    log,
    backup,
    restore,
    close,
    clock,
    mail,
    doctor,
    demonstration,
    desk,
    audit,
    age,
)
