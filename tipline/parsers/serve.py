"""`tipline serve DIR`: run a line until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "serve",
        help=_("run a line"),
        description=_("Run a line until it is told to stop (Ctrl-C, or the system's stop)."),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument(
        "--loopback",
        metavar=_("PORT"),
        type=int,
        help=_("listen on 127.0.0.1 too, for development; 0 takes any free port"),
    )
    parser.add_argument("--no-tor", action="store_true", help=_("do not start tor"))
    parser.add_argument("--json", action="store_true", help=_("tell the addresses to a machine"))
    parser.set_defaults(run="serve.run")
