"""`tipline clean FILE...`: take out of files what they say besides their content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.cleaning.plan import Format
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
        "clean",
        help=_("take place, device, time and author out of files"),
        description=_(
            "Take out of files what they say besides their content: place, device, time, author,"
            " previews. The cleaned file NAME.clean.EXT is written beside the original, which is"
            " not touched. Formats: {formats}. A file that cannot be cleaned completely is refused,"
            " and PDF also where the packages for a desk are missing."
        ).format(formats=", ".join(Format).upper()),
        epilog=_(
            "The exit code says whether anything remains. 0: of every file there is a clean one;"
            " with --check: every file is clean as it is. 49: a file was refused, so all that it"
            " says remains; with --check: there is something to take out of a file, or it was"
            " refused. 46: a file cannot be read or written or its name is taken: the files before"
            " it are done. A directory is named, passed over and counted as refused. It needs no"
            " network."
        ),
    )
    parser.add_argument(
        "files", metavar=_("FILE"), type=Path, nargs="+", help=_("known by its bytes, not its name")
    )
    parser.add_argument(
        "--check", action="store_true", help=_("only say what is found, and write nothing")
    )
    parser.add_argument(
        "--out",
        metavar=_("DIR"),
        type=Path,
        help=_("write NAME.EXT into this directory instead, which must exist"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine: one line per file"))
    parser.set_defaults(run="clean.run")
