"""`tipline demonstration`: what `script/run` runs."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from tipline.console import Console
from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.commands import Commands


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "demonstration",
        help=_("show a throwaway line, or check the way of a tip"),
        description=_(
            "Show a line that stands in a throwaway directory and is erased at the end. Its keys"
            " are made beside the service: it is not for real tips."
        ),
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Run the demonstration.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.
    """
    from tipline.demonstration.show import show

    asyncio.run(show(console))
    return 0
