"""`tipline doctor DIR`: what is wrong with a line, and what to do."""

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
        "doctor",
        help=_("say what is wrong with a line, and what to do"),
        description=_(
            "Look at a line and change nothing. The exit code is 0 if nothing is wrong, warnings or"
            " not, and 49 if something is."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="doctor.run")
