"""`tipline close DIR`: the end of a line announced or called off, or its handover."""

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
        "close",
        help=_("announce the end of a line, or hand it over"),
        description=_(
            "Announce the day on which a line stops taking tips. Without --apply it only shows what"
            " would happen. From that day on the running line does the rest by itself: what is"
            " stored goes on its day, then every key is overwritten, and the log has its last"
            " entry. Log and account stay served."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--on", metavar=_("DAY"), help=_("the first day without tips: YYYY-MM-DD"))
    what.add_argument(
        "--cancel", action="store_true", help=_("call the end off, as long as its day has not come")
    )
    what.add_argument(
        "--hand-over",
        metavar=_("OUT"),
        type=Path,
        help=_("seal all of it to another operator; the line must not be served"),
    )
    what.add_argument(
        "--handed-over",
        metavar=_("OUT"),
        type=Path,
        help=_("the new operator has opened OUT: overwrite all keys here"),
    )
    parser.add_argument(
        "-r",
        "--recipient",
        metavar=_("RECIPIENT"),
        action="append",
        default=[],
        help=_("with --hand-over: the new operator (age1pq1...); may be repeated"),
    )
    parser.add_argument("--apply", action="store_true", help=_("do what is shown"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="close.run")
