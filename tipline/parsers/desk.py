"""
`tipline desk`: keys and keysets, carrying bundles, reading tips.

Everything here but `pull` and `push` is for the offline workstation and opens no socket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tipline.language import Translate
from tipline.parsers import desk_answer, desk_files, desk_keys, desk_pull, desk_read

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser and those of its parts.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "desk",
        help=_("make keys, carry bundles, read tips"),
        description=_(
            "The desk: make keys and keysets, carry bundles to the offline workstation, read tips."
        ),
    )
    parts = parser.add_subparsers(metavar=_("PART"), required=True, dest="part")
    desk_keys.register(parts, translate)
    desk_pull.register(parts, translate)
    desk_read.register(parts, translate)
    desk_files.register(parts, translate)
    desk_answer.register(parts, translate)
