"""`tipline clock DIR`: which day it is for a line, and a person's word on it."""

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
        "clock",
        help=_("say which day it is for a line, and confirm it"),
        description=_(
            "Say which day it is for a line: by this machine's clock, and by what the line has"
            " measured, by which things die. If the two are far apart, look at a clock of your own"
            " and confirm the right day."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument(
        "--confirm",
        metavar=_("DAY"),
        help=_("trust this machine's clock from now on, because it is this day (YYYY-MM-DD)"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="clock.run")
