"""`tipline keyset DIR FILE`: put a keyset in force that the desk signed."""

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
        "keyset",
        help=_("put a keyset in force"),
        description=_(
            "Verify a keyset and put it in force. A running line takes it up by itself; tips sealed"
            " to the one before are taken until the end of the next day."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("file", metavar=_("FILE"), type=Path, help=_("as the desk signed it"))
    parser.set_defaults(run="keyset.run")
