"""`tipline log DIR ...`: hand the log out, and take in what its witnesses signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parsers.

    Args:
        commands: Where they are added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "log",
        help=_("hand the log out, or take in what a witness signed"),
        description=_(
            "The log says what this line promised and what it reports as done. A running line"
            " serves it; this hands it out as files, and adds the lines of witnesses to it."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    actions = parser.add_subparsers(metavar=_("ACTION"), required=True)
    export = actions.add_parser(
        "export",
        help=_("write the log as files"),
        description=_(
            "Write the log as files, under the names under which it is served. Whoever has them can"
            " check them without this machine: tipline audit verify."
        ),
    )
    export.add_argument("output", metavar=_("OUT"), type=Path, help=_("a folder"))
    export.add_argument("--json", action="store_true", help=_("for a machine"))
    export.set_defaults(run="log.run_export")
    annex = actions.add_parser(
        "annex",
        help=_("hand a day's exact counts to the auditor"),
        description=_(
            "Write the annexes of some days: how much arrived, went and is stored. They are for the"
            " auditor alone. The log has their hash; tipline audit verify --annexes compares it."
        ),
    )
    annex.add_argument("output", metavar=_("OUT"), type=Path, help=_("a folder"))
    annex.add_argument(
        "--day",
        metavar=_("DAY"),
        action="append",
        required=True,
        help=_("the day (YYYY-MM-DD); may be given several times"),
    )
    annex.set_defaults(run="log.run_annex")
    cosign = actions.add_parser(
        "cosign",
        help=_("add what a witness signed"),
        description=_(
            "Add the line of a witness to the checkpoint that it signs. The keyset in force must"
            " name the witness."
        ),
    )
    cosign.add_argument(
        "file", metavar=_("FILE"), type=Path, help=_("with the witness's line, as it was printed")
    )
    cosign.set_defaults(run="log.run_cosign")
