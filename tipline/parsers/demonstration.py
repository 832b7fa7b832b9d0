"""`tipline demonstration`: what `script/run` runs."""

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
        "demonstration",
        help=_("show a throwaway line, or check the way of a tip"),
        description=_(
            "Show a line that stands in a throwaway directory and is erased at the end. Its keys"
            " are made beside the service: it is not for real tips."
        ),
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=_(
            "send one tip all the way, over a private Tor network, and compare what the desk opens"
            " with what was sent"
        ),
    )
    parser.add_argument(
        "--text", metavar=_("FILE"), type=Path, help=_("with --check: the text to send")
    )
    parser.add_argument(
        "--file", metavar=_("FILE"), type=Path, help=_("with --check: the file to attach")
    )
    parser.add_argument(
        "--keep",
        metavar=_("DIR"),
        type=Path,
        help=_("with --check: leave there what an independent age tool can open"),
    )
    parser.add_argument("--json", action="store_true", help=_("with --check: print JSON"))
    parser.add_argument(
        "--no-tor", action="store_true", help=_("without --check: stay on this machine")
    )
    parser.set_defaults(run="demonstration.run")
