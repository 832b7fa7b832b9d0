"""`tipline desk init`, `open`, `list` and `show`: on the offline workstation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(parts: Commands, translate: Translate) -> None:
    """
    Add the parsers.

    Args:
        parts: Where they are added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    init = parts.add_parser(
        "init",
        help=_("make a vault"),
        description=_("Make a vault for opened tips, and pin the desk root in it."),
    )
    init.add_argument(
        "--root", metavar=_("KEY"), required=True, help=_("the desk root's verifier key")
    )
    _add_vault(init, translate)
    init.set_defaults(run="desk_read.run_init")

    opening = parts.add_parser(
        "open",
        help=_("open a bundle into a vault"),
        # PROMISE: P-10
        description=_(
            "Open the tips of a bundle into a vault. Run it on a machine without network. A tip"
            " gets its place only once all of it is verified. Then its files are looked at again,"
            " in a sandbox, whatever the tip says of them."
        ),
    )
    opening.add_argument("bundle", metavar=_("BUNDLE"), type=Path, help=_("the bundle's file"))
    _add_vault(opening, translate)
    opening.add_argument(
        "-i",
        "--identity",
        metavar=_("FILE"),
        type=Path,
        action="append",
        required=True,
        help=_("a reader's identity file; may be repeated"),
    )
    opening.add_argument(
        "--root",
        metavar=_("KEY"),
        help=_("at first use: make the vault and pin this desk root in it"),
    )
    opening.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("read the passphrase from this file instead of asking"),
    )
    opening.add_argument("--json", action="store_true", help=_("print JSON"))
    opening.set_defaults(run="desk_read.run_open")

    listing = parts.add_parser(
        "list", help=_("list the opened tips"), description=_("List the tips in a vault.")
    )
    _add_vault(listing, translate)
    listing.add_argument("--json", action="store_true", help=_("print JSON"))
    listing.set_defaults(run="desk_read.run_list")

    show = parts.add_parser(
        "show",
        help=_("show a tip"),
        description=_(
            "Show a tip's text and what is known of it. Characters that a terminal would obey are"
            " written out as numbers."
        ),
    )
    show.add_argument("id", metavar=_("ID"), help=_("the tip's id, or how it begins"))
    _add_vault(show, translate)
    show.add_argument("--json", action="store_true", help=_("print JSON"))
    show.set_defaults(run="desk_read.run_show")


def _add_vault(parser: argparse.ArgumentParser, translate: Translate) -> None:
    _ = translate
    parser.add_argument(
        "--vault", metavar=_("DIR"), type=Path, required=True, help=_("the vault's directory")
    )
