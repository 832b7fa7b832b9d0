"""`tipline desk keygen` and `tipline desk keyset`: the key ceremony."""

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
    keygen = parts.add_parser(
        "keygen",
        help=_("make a key"),
        description=_(
            "Make a reader's identity, protected by a passphrase as age does it; with --reader,"
            " also the key that signs this reader's answers to people who wrote by phone, in"
            " FILE.signing. With --root, --client or --signing, make another of the desk's keys"
            " instead. What may be shown to others is printed."
        ),
    )
    kind = keygen.add_mutually_exclusive_group()
    kind.add_argument(
        "--root", action="store_true", help=_("make the desk root, which signs keysets")
    )
    kind.add_argument(
        "--client",
        action="store_true",
        help=_("make the key with which the networked machine reaches the desk's onion"),
    )
    kind.add_argument(
        "--signing",
        action="store_true",
        help=_("make only the key that signs answers, for a reader who has an identity"),
    )
    keygen.add_argument(
        "--reader",
        metavar=_("ID"),
        help=_("the reader's id in readers.toml: makes the key that signs answers, too"),
    )
    keygen.add_argument(
        "--out", metavar=_("FILE"), type=Path, required=True, help=_("the new file")
    )
    _add_passphrase_file(keygen, translate)
    keygen.add_argument("--json", action="store_true", help=_("print JSON"))
    keygen.set_defaults(run="desk_keys.run_keygen")

    keyset = parts.add_parser(
        "keyset",
        help=_("sign who may open tips"),
        description=_(
            "Sign a keyset: who may open tips, for which channel, from when until when. What"
            " changes is shown first."
        ),
    )
    keyset.add_argument(
        "--root", metavar=_("FILE"), type=Path, required=True, help=_("the desk root's file")
    )
    keyset.add_argument(
        "--readers", metavar=_("FILE"), type=Path, required=True, help=_("who reads what (TOML)")
    )
    keyset.add_argument(
        "--previous",
        metavar=_("FILE"),
        type=Path,
        help=_("the keyset in force until now; without it this is the first one"),
    )
    keyset.add_argument(
        "--service",
        metavar=_("KEY"),
        required=True,
        help=_("the service's verifier key, as `tipline init` printed it"),
    )
    keyset.add_argument(
        "--log",
        metavar=_("KEY"),
        required=True,
        help=_("the log's verifier key, as `tipline init` printed it"),
    )
    onion = keyset.add_mutually_exclusive_group()
    onion.add_argument(
        "--onion",
        metavar=_("ADDRESS"),
        help=_("the source's address, once it is known; left out, that of --previous stays"),
    )
    onion.add_argument(
        "--no-onion", action="store_true", help=_("take the source's address out of the keyset")
    )
    answers = keyset.add_mutually_exclusive_group()
    answers.add_argument(
        "--answers",
        metavar=_("RECIPIENT"),
        help=_("the service's recipient for answers by phone; left out, that of --previous stays"),
    )
    answers.add_argument(
        "--no-answers",
        action="store_true",
        help=_("take that recipient out of the keyset: answers by phone end"),
    )
    keyset.add_argument(
        "--days",
        metavar=_("N"),
        type=int,
        help=_("how many days it lives, today included (31 at most)"),
    )
    keyset.add_argument(
        "--out", metavar=_("FILE"), type=Path, required=True, help=_("the new file")
    )
    keyset.add_argument("--yes", action="store_true", help=_("do not ask before signing"))
    _add_passphrase_file(keyset, translate)
    keyset.add_argument("--json", action="store_true", help=_("print JSON"))
    keyset.set_defaults(run="desk_keys.run_keyset")


def _add_passphrase_file(parser: argparse.ArgumentParser, translate: Translate) -> None:
    _ = translate
    parser.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("read the passphrase from this file instead of asking"),
    )
