"""`tipline purge DIR`: what goes, and why; with `--apply` it goes."""

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
        "purge",
        help=_("show what goes by its day, or let it go"),
        description=_(
            "Show what a purge would do now: each record whose day has come, with the reason, and"
            " how many die on which day. Nothing is changed without --apply. A running line purges"
            " by itself every night and at its start; this is for looking, and for not waiting."
            " It works while the line is served."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("--apply", action="store_true", help=_("do what is shown"))
    parser.add_argument(
        "--early",
        metavar=_("ID"),
        nargs="+",
        help=_("let these tips go before their day, and none of their neighbours"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="purge.run")
