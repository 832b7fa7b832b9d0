"""`tipline restore FILE DIR -i IDENTITY`: a backup or a handover put into place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands

SLOT_ROOTS: Final = ("none", "credential", "tpm")  # as in tipline.toml, "slots.root"


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "restore",
        help=_("put a backup of a line into place"),
        # PROMISE: P-28
        description=_(
            "Put a backup back beside the slot file as it is now. What died since the backup was"
            " made stays dead: nothing opens it, and it is taken out before the line can be served."
            " What is in DIR already (configuration, policy, keyset, keys, log) stays. After a"
            " crash, give the same command again, or call it off."
        ),
    )
    parser.add_argument(
        "file", metavar=_("FILE"), type=Path, nargs="?", help=_("the backup or handover")
    )
    parser.add_argument(
        "directory", metavar=_("DIR"), type=Path, help=_("new, or a line without its database")
    )
    parser.add_argument(
        "-i",
        "--identity",
        metavar=_("FILE"),
        action="append",
        type=Path,
        default=[],
        help=_("open with the identities in this file; may be repeated"),
    )
    parser.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("read the passphrase from this file instead of asking"),
    )
    parser.add_argument(
        "--slots", metavar=_("PATH"), help=_("the directory in which the slot file is by now")
    )
    parser.add_argument(
        "--slot-root",
        metavar=_("ROOT"),
        choices=SLOT_ROOTS,
        help=_(
            "with a handover or --new-slots: what the keys are sealed under here (none, credential,"
            " tpm)"
        ),
    )
    parser.add_argument(
        "--new-slots",
        action="store_true",
        help=_("the slot file is lost, and all that was stored with it: begin a new one"),
    )
    parser.add_argument(
        "--replace", action="store_true", help=_("take the place of a database that opens")
    )
    parser.add_argument(
        "--older-log",
        action="store_true",
        help=_(
            "the log is lost: go on from an older one. Everybody who kept a newer checkpoint will"
            " see two histories, and that cannot be taken back"
        ),
    )
    parser.add_argument(
        "--cancel",
        action="store_true",
        help=_("call off what was begun, as long as the database is not in place"),
    )
    parser.add_argument("--json", action="store_true", help=_("for a machine"))
    parser.set_defaults(run="restore.run")
