"""`tipline age`: seal and open age files, with age's own flags."""

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
        "age",
        help=_("seal and open age files"),
        description=_("Seal and open age files, with the flags of the age program."),
        # PROMISE: P-09, P-10
        epilog=_(
            "`tipline age keygen [-o FILE]` makes a new identity that holds against quantum"
            " computers; `tipline age keygen -y FILE` shows the recipients of the identities in a"
            " file. With -o, what is opened gets its name only once all of it is verified. On"
            " stdout it goes out while it is verified: use it only if the command ends with 0."
        ),
    )
    parser.add_argument(
        "input",
        metavar=_("INPUT"),
        nargs="?",
        default="-",
        help=_("what is sealed or opened; stdin if it is missing or -"),
    )
    parser.add_argument("-d", "--decrypt", action="store_true", help=_("open instead of sealing"))
    parser.add_argument(
        "-o", "--output", metavar=_("FILE"), help=_("where the result goes; stdout if it is -")
    )
    parser.add_argument("-a", "--armor", action="store_true", help=_("write the result as text"))
    parser.add_argument(
        "-r",
        "--recipient",
        metavar=_("RECIPIENT"),
        action="append",
        default=[],
        help=_("seal to this recipient (age1pq1... or age1...); may be repeated"),
    )
    parser.add_argument(
        "-R",
        "--recipients-file",
        metavar=_("FILE"),
        action="append",
        default=[],
        help=_("seal to the recipients in this file, one a line; may be repeated"),
    )
    parser.add_argument(
        "-i",
        "--identity",
        metavar=_("FILE"),
        action="append",
        default=[],
        help=_("open with the identities in this file; may be repeated"),
    )
    parser.add_argument("-p", "--passphrase", action="store_true", help=_("seal with a passphrase"))
    parser.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("take the passphrase from this file instead of asking"),
    )
    parser.add_argument(
        "-y",
        dest="convert",
        metavar=_("FILE"),
        help=_("with keygen: show the recipients of the identities in this file"),
    )
    parser.set_defaults(run="age.run")
