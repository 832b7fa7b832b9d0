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
    typing = parts.add_parser(
        "type",
        help=_("type in what somebody says, by telephone or in person"),
        description=_(
            "Type in what somebody says, by telephone or in person, at a line that is being served."
            " What is to be read out first is shown. The text is taken from the keyboard, or from"
            " what is piped in, sealed for the readers, and kept nowhere else. The readers see that"
            " somebody typed it in."
        ),
    )
    typing.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    typing.add_argument(
        "gateway", metavar=_("NAME"), help=_("the gateway of kind operator in gateways.toml")
    )
    typing.add_argument("--in-person", action="store_true", help=_("whoever speaks is here"))
    typing.add_argument(
        "--ask-number",
        action="store_true",
        help=_("take a number first, on a line of its own; only the readers see it"),
    )
    typing.set_defaults(run="gateway_type.run")
    trying = parts.add_parser(
        "test",
        help=_("show what would be stored of a message, byte by byte, and what goes when"),
        description=_(
            "Let a gateway's real adapter take a message that nobody wrote, at a line that is made"
            " for it and removed afterwards, with this line's secrets and policy. Nothing goes out."
            " Show every row that was stored, what the readers open, and what goes when. Number and"
            " text are searched for in every file."
        ),
    )
    trying.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    trying.add_argument("gateway", metavar=_("NAME"), help=_("the gateway in gateways.toml"))
    trying.add_argument("--json", action="store_true", help=_("for a machine"))
    trying.set_defaults(run="gateway_test.run")
    block = parts.add_parser(
        "block",
        help=_("take no more of a sender until the epoch ends"),
        description=_(
            "Take no more of a sender until the epoch ends, at a line that is being served. The"
            " desk tells the handle; nobody needs to know the number. The sender is not told: what"
            " comes is acknowledged to the gateway and not kept. Tips that are stored stay."
        ),
    )
    block.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    block.add_argument("word", metavar=_("WORD"), nargs="+", help=_("the four words of the handle"))
    block.add_argument("--end", action="store_true", help=_("take this sender again"))
    block.set_defaults(run="gateway_block.run")
