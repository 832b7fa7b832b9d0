"""`tipline desk reply`, `status` and `push`: answers to people who wrote by phone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.language import LANGUAGES, Translate
from tipline.parsers.desk_pull import add_way

if TYPE_CHECKING:
    from tipline.parsers import Commands

STAGES = ("received", "review", "closed")


def register(parts: Commands, translate: Translate) -> None:
    """
    Add the parsers.

    Args:
        parts: Where they are added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    reply = parts.add_parser(
        "reply",
        help=_("answer somebody who wrote by phone"),
        # PROMISE: P-32
        description=_(
            "Write an answer into an outgoing bundle, sealed to the service, which sends it to the"
            " phone. The text comes from a file or from stdin. It is refused when the last day for"
            " an answer is over: then the number is gone."
        ),
    )
    reply.add_argument(
        "--text",
        metavar=_("FILE"),
        type=Path,
        help=_("the answer, plain text in UTF-8; without it, it is read from stdin"),
    )
    _add_common(reply, translate)
    reply.set_defaults(run="desk_answer.run_reply")

    status = parts.add_parser(
        "status",
        help=_("say where a matter stands, for somebody who asks by phone"),
        # PROMISE: P-32
        description=_(
            "Write a status into an outgoing bundle. The service keeps it sealed, and sends it in"
            " one message to whoever asks from that phone with ESTADO or STATUS; never unasked."
        ),
    )
    status.add_argument("--set", choices=STAGES, required=True, help=_("where the matter stands"))
    status.add_argument(
        "--unit", metavar=_("NAME"), help=_("who has it now, as the source may read it")
    )
    status.add_argument(
        "--by", metavar=_("DAY"), help=_("the day by which an answer is to be expected")
    )
    status.add_argument(
        "--language",
        choices=LANGUAGES,
        help=_("of the status; without it, the language of the tip"),
    )
    _add_common(status, translate)
    status.set_defaults(run="desk_answer.run_status")

    push = parts.add_parser(
        "push",
        help=_("bring answers to the service"),
        description=_(
            "Bring an outgoing bundle to the service over the desk's onion, and say what became of"
            " each answer. It may be done again: what was taken is not taken twice."
        ),
    )
    push.add_argument("bundle", metavar=_("FILE"), type=Path, help=_("the outgoing bundle"))
    add_way(push, translate)
    push.add_argument("--json", action="store_true", help=_("print JSON"))
    push.set_defaults(run="desk_push.run")


def _add_common(parser: argparse.ArgumentParser, translate: Translate) -> None:
    _ = translate
    parser.add_argument("id", metavar=_("ID"), help=_("the tip's id, or how it begins"))
    parser.add_argument(
        "--vault", metavar=_("DIR"), type=Path, required=True, help=_("the vault's directory")
    )
    parser.add_argument(
        "--signing",
        metavar=_("FILE"),
        type=Path,
        required=True,
        help=_("the file of the key that signs this reader's answers"),
    )
    parser.add_argument(
        "--out",
        metavar=_("FILE"),
        type=Path,
        required=True,
        help=_("the outgoing bundle; one that this key signed gets one answer more"),
    )
    parser.add_argument(
        "--passphrase-file",
        metavar=_("FILE"),
        type=Path,
        help=_("read the passphrase from this file instead of asking"),
    )
    parser.add_argument("--json", action="store_true", help=_("print JSON"))
