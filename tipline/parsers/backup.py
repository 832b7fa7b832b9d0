"""`tipline backup DIR OUT -r RECIPIENT`: one sealed file of a line, while it is served or not."""

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
        "backup",
        help=_("write a sealed backup of a line"),
        description=_(
            "Write one sealed file of a line, while it is served or not. It has no keys of what is"
            " stored: those lie in the slot file alone, so what dies on the line dies in every"
            " backup. It is of use only beside that slot file."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("out", metavar=_("OUT"), type=Path, help=_("the file; must not exist"))
    parser.add_argument(
        "-r",
        "--recipient",
        metavar=_("RECIPIENT"),
        action="append",
        required=True,
        help=_("seal to this recipient (age1pq1...); may be repeated"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="backup.run")
