"""`tipline init DIR`: make a new line, and say what comes next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate
from tipline.parsers.restore import SLOT_ROOTS

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
        "init",
        help=_("make a new line in a directory"),
        description=_("Make a new line: its directory, its key and its two files to fill in."),
        epilog=_(
            "What is not given is asked for. The policy has no default: fill it in, or give"
            " one that is filled in."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("new or empty"))
    parser.add_argument(
        "--root",
        metavar=_("KEY"),
        help=_("the desk root's verifier key (tipline desk keygen --root)"),
    )
    parser.add_argument("--name", metavar=_("TEXT"), help=_("the line's name as sources read it"))
    parser.add_argument(
        "--emergency", metavar=_("NUMBER"), help=_("whom to call in danger, for example 112")
    )
    parser.add_argument(
        "--policy",
        metavar=_("FILE"),
        type=Path,
        help=_("how long things are kept: a policy.toml that is filled in"),
    )
    parser.add_argument(
        "--slots",
        metavar=_("PATH"),
        help=_("the directory of the slot file, whose keys can die (default: slots, in DIR)"),
    )
    parser.add_argument(
        "--mirror", metavar=_("PATH"), help=_("a directory on a second device, for its mirror")
    )
    parser.add_argument(
        "--slot-root",
        metavar=_("ROOT"),
        choices=SLOT_ROOTS,
        help=_("what they are sealed under, for good: none (if it is missing), credential, tpm"),
    )
    parser.add_argument(
        "--volatile",
        action="store_true",
        help=_("the slot file lies in memory, and is begun anew when it is lost"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="init.run")
