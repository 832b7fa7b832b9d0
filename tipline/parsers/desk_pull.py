"""`tipline desk pull`: on the desk's networked machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.parsers import Commands


def register(parts: Commands, translate: Translate) -> None:
    """
    Add the parser.

    Args:
        parts: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = parts.add_parser(
        "pull",
        help=_("fetch a bundle from the service"),
        # PROMISE: P-10
        description=_(
            "Fetch one signed bundle with every tip the service holds, over the desk's onion. The"
            " file takes its name only when all of it is there and verified. Then the service is"
            " told which tips are on this disk: it keeps them only as long as its policy says for"
            " what was picked up, so carry the file to the workstation within these days."
        ),
    )
    add_way(parser, translate)
    parser.add_argument(
        "--out", metavar=_("FILE"), type=Path, required=True, help=_("the new file")
    )
    parser.add_argument(
        "--root",
        metavar=_("KEY"),
        help=_("the desk root's verifier key; with --memory the first time only"),
    )
    parser.add_argument(
        "--memory",
        metavar=_("DIR"),
        type=Path,
        help=_("remember here the desk root and the newest keyset; an older one is then refused"),
    )
    parser.add_argument(
        "--texts",
        action="store_true",
        help=_("only the tips of the size of text alone; they wait for nothing larger"),
    )
    parser.add_argument(
        "--after",
        metavar=_("FILE"),
        type=Path,
        help=_("a bundle that was full: fetch what had no room in it"),
    )
    parser.add_argument(
        "--no-acknowledge",
        action="store_true",
        help=_("do not tell the service what is here now; its tips keep their former last day"),
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
    parser.set_defaults(run="desk_pull.run")


def add_way(parser: argparse.ArgumentParser, translate: Translate) -> None:
    """
    Add what says where the service is and how it is reached.

    Args:
        parser: Of a command for the networked machine.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser.add_argument(
        "url",
        metavar=_("URL"),
        help=_("http://ADDRESS.onion; on the server itself also unix:PATH"),
    )
    parser.add_argument(
        "--client-key",
        metavar=_("FILE"),
        type=Path,
        help=_("the key that `tipline desk keygen --client` made; needed for an onion"),
    )
    parser.add_argument(
        "--tor-control",
        metavar=_("SOCKET"),
        type=Path,
        help=_("use a tor that runs already, by its control socket"),
    )
    parser.add_argument(
        "--socks",
        metavar=_("HOST:PORT"),
        help=_("with --tor-control: where that tor takes connections"),
    )
    parser.add_argument(
        "--tor", metavar=_("PROGRAM"), default="tor", help=_("the tor to start (default: tor)")
    )
