"""`tipline audit`: check a line's log without trusting the line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.audit.parsers import register as register_verifier
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
        "audit",
        help=_("check a line's log without trusting the line"),
        description=_(
            "Check a line's log: what was promised, and what was reported as done. It needs nothing"
            " from the line but what the line serves to everybody."
        ),
    )
    parser.set_defaults(run="audit.run")
    parts = parser.add_subparsers(metavar=_("ACTION"), required=True)
    register_verifier(parts, translate)
    carries = parts.add_parser(
        "carry",
        help=_("write the verifier as one file"),
        description=_(
            "Write the verifier as one file, which needs Python and PyNaCl and nothing else:"
            " python3 FILE verify ... Its hash is printed, to be compared."
        ),
    )
    carries.add_argument("file", metavar=_("FILE"), type=Path, help=_("a new file"))
    carries.set_defaults(act="carry")
