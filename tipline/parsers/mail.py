"""`tipline mail DIR`: show the daily mail to the staff, and try its settings."""

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
        "mail",
        help=_("show the daily mail to the staff, or try to send it"),
        description=_(
            "Show the mail that the staff get every day, as it would be sent today. It is always"
            " the same, whether there is something or not."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument(
        "--test", action="store_true", help=_("send it now, to try the settings in tipline.toml")
    )
    parser.set_defaults(run="mail.run")
