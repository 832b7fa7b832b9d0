"""`tipline hold`: keep tips beyond their day, by the word of two persons, and let them go again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands

_MAX_HOLD_DAYS: Final = 366  # retention/hold.py; importing that here would cost more than the help


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser and those of its parts.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "hold",
        help=_("keep tips beyond their day, in public"),
        description=_(
            "A hold keeps tips beyond the day on which they would die, for a court or an"
            " investigation. Two persons answer for it. The public log shows that it exists, until"
            " when, and how it ended; not who, why, or over what."
        ),
    )
    parts = parser.add_subparsers(metavar=_("PART"), required=True, dest="part")
    _register_add(parts, translate)
    _register_list(parts, translate)
    _register_release(parts, translate)


def _register_add(parts: Commands, translate: Translate) -> None:
    _ = translate
    parser = parts.add_parser(
        "add",
        help=_("place a hold"),
        # PROMISE: P-24
        description=_(
            "Place a hold. Two different persons and the reason are asked for, one line each; they"
            " stay on this machine, and the log commits to them. A hold ends by itself, at most"
            " {days} days from now, and is never extended: who needs longer places another one."
        ).format(days=_MAX_HOLD_DAYS),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument(
        "--until",
        metavar=_("DAY"),
        required=True,
        help=_("the first day on which it no longer holds, YYYY-MM-DD"),
    )
    covered = parser.add_mutually_exclusive_group(required=True)
    covered.add_argument(
        "--channel",
        metavar=_("CHANNEL"),
        help=_("hold every tip of this channel, those to come, too"),
    )
    covered.add_argument("--tips", metavar=_("ID"), nargs="+", help=_("hold these tips"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="hold.run_add")


def _register_list(parts: Commands, translate: Translate) -> None:
    _ = translate
    parser = parts.add_parser(
        "list",
        help=_("show the holds there are"),
        description=_(
            "Show the holds that last, with who answers for them and why, and the texts of those"
            " that ended as long as they are kept. With --json also what shows an auditor that a"
            " text is the one that the log committed to."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="hold.run_list")


def _register_release(parts: Commands, translate: Translate) -> None:
    _ = translate
    parser = parts.add_parser(
        "release",
        help=_("end a hold before its day"),
        description=_(
            "Show what would go if a hold ended now: what is past its day and not held by another"
            " one. Nothing is changed without --apply."
        ),
    )
    parser.add_argument("directory", metavar=_("DIR"), type=Path, help=_("the line"))
    parser.add_argument("hold", metavar=_("HOLD"), help=_("its id, as `tipline hold list` says"))
    parser.add_argument("--apply", action="store_true", help=_("do what is shown"))
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="hold.run_release")
