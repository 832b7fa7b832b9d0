"""
What can be typed to the auditor's verifier: `verify`, `witness`, `keygen`.

The same in the program and in the carried file. What is done stands in `cli.py`, and is only named
here: a help text waits for nothing that works.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Parts = argparse._SubParsersAction[argparse.ArgumentParser]
    Translate = Callable[[str], str]


def register(parts: Parts, translate: Translate) -> None:
    """
    Add the parsers.

    Args:
        parts: Where they are added; each sets `act`, the name of what it does.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    checks = parts.add_parser(
        "verify",
        help=_("check a log, and hold every promise against what happened"),
        description=_(
            "Rebuild a log from its entries, compare it with what was signed, with every tile and"
            " with what was kept from the last time, and hold every promise in it against what"
            " happened. It ends with the code of the gravest finding, or 0."
        ),
    )
    _add_place(checks, _)
    checks.add_argument(
        "--since", metavar=_("FILE"), type=Path, help=_("a checkpoint that was kept")
    )
    checks.add_argument(
        "--keep",
        metavar=_("FILE"),
        type=Path,
        help=_("what is kept between two times: then only what is new is read"),
    )
    checks.add_argument(
        "--keyset-root",
        metavar=_("KEY"),
        help=_("the desk root's verifier key: believe the log and the witnesses that it named"),
    )
    checks.add_argument(
        "--keyset",
        metavar=_("FILE"),
        type=Path,
        help=_("the keyset; without it, the one beside the log"),
    )
    checks.add_argument(
        "--witness", metavar=_("KEY"), action="append", default=[], help=_("a witness's key")
    )
    checks.add_argument(
        "--quorum", metavar=_("N"), type=int, help=_("how many witnesses must have signed")
    )
    checks.add_argument(
        "--annexes",
        metavar=_("DIR"),
        type=Path,
        help=_("annexes that the operator handed over, named YYYY-MM-DD.json"),
    )
    checks.add_argument(
        "--holds",
        metavar=_("FILE"),
        type=Path,
        help=_("texts of holds that the operator handed over, as written by: hold list DIR --json"),
    )
    checks.add_argument("--json", action="store_true", help=_("for a machine"))
    checks.add_argument("--html", metavar=_("FILE"), type=Path, help=_("a page for people"))
    checks.set_defaults(act="verify")

    signs = parts.add_parser(
        "witness",
        help=_("sign what was seen of a log"),
        description=_(
            "Check that a log goes on from what was signed before, sign its checkpoint, and print"
            " the line. The operator adds it: tipline log DIR cosign FILE."
        ),
    )
    _add_place(signs, _)
    signs.add_argument(
        "--witness-key", metavar=_("FILE"), type=Path, required=True, help=_("the witness's key")
    )
    signs.add_argument(
        "--state",
        metavar=_("FILE"),
        type=Path,
        required=True,
        help=_("what was signed before; never lose it, never copy it"),
    )
    signs.add_argument(
        "--first",
        action="store_true",
        help=_("nothing was signed before: begin a new state, once and never again"),
    )
    signs.set_defaults(act="witness")

    makes = parts.add_parser(
        "keygen",
        help=_("make a witness's key"),
        description=_(
            "Make a witness's key. What is printed goes to the desk, which names it in the keyset."
        ),
    )
    makes.add_argument("--name", metavar=_("NAME"), required=True, help=_("the witness's name"))
    makes.add_argument("--out", metavar=_("FILE"), type=Path, required=True, help=_("a new file"))
    makes.set_defaults(act="keygen")


def _add_place(parser: argparse.ArgumentParser, translate: Translate) -> None:
    _ = translate
    parser.add_argument("place", metavar=_("URL|DIR"), help=_("where the log is"))
    parser.add_argument("--key", metavar=_("KEY"), help=_("the log's verifier key"))
    parser.add_argument(
        "--socks", metavar=_("HOST:PORT"), help=_("a SOCKS5 proxy: tor, to reach an onion")
    )
    parser.add_argument(
        "--today", metavar=_("DAY"), help=_("judge as on this day; without it, today in UTC")
    )
