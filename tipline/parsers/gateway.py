"""`tipline gateway`: phones, at the line's own machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

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
        "gateway",
        help=_("look after the gateways of phones"),
        description=_("Look after the gateways by which messages of phones come in."),
    )
    parts = parser.add_subparsers(metavar=_("PART"), required=True, dest="part")
    answers = parts.add_parser(
        "answers",
        help=_("make the key to which the desk seals answers"),
        description=_(
            "Make the line's key for answers by phone, if there is none yet, and print its"
            " recipient. The desk puts it into the keyset (tipline desk keyset --answers). A line"
            " whose keyset does not name it takes no answers."
        ),
    )
    answers.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    answers.set_defaults(run="gateway_answers.run")
