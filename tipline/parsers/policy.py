"""`tipline policy`: what a policy means, and what a change of it would do."""

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
        "policy",
        help=_("say what a policy means"),
        description=_("How long things are kept: what a policy means, and what a change does."),
    )
    parts = parser.add_subparsers(metavar=_("PART"), required=True, dest="part")
    check = parts.add_parser(
        "check",
        help=_("explain a policy, and warn"),
        description=_(
            "Explain a policy in words and as a table, and warn where a period defeats what it is"
            " for. Nothing is changed. The exit code is 0 if the policy can be used, warnings or"
            " not, and 31 if it cannot."
        ),
    )
    check.add_argument("file", metavar=_("FILE"), type=Path, help=_("a policy.toml"))
    check.add_argument(
        "--line",
        metavar=_("DIR"),
        type=Path,
        help=_("count what the policy would do to what this line stores today"),
    )
    check.add_argument("--json", action="store_true", help=_("for a machine"))
    check.set_defaults(run="policy.run")
