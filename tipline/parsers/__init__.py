"""
What can be typed: the parsers of the commands, in the order in which `tipline --help` shows them.

A module has `register(commands, translate)`, which adds its parser. What is run stands in
`tipline/commands/`, and is only named here (`run="hold.run_add"`): whoever asks for help, mistypes
an option or completes a word waits for no part of the program that does work.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Protocol

from tipline.language import Translate
from tipline.parsers import (
    age,
    audit,
    backup,
    clean,
    clock,
    close,
    demonstration,
    desk,
    doctor,
    gateway,
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

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Parser(Protocol):
    """What a module in this folder offers."""

    def register(self, commands: Commands, translate: Translate) -> None:
        """Add the command's parser."""
        ...


PARSERS: tuple[Parser, ...] = (
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
    gateway,
    doctor,
    demonstration,
    desk,
    audit,
    clean,
    age,
)
