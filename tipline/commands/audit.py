"""`tipline audit`: check a line's log without trusting the line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.audit import cli
from tipline.audit.carry import save_carried
from tipline.console import Console
from tipline.language import Translate, choose_language

if TYPE_CHECKING:
    from tipline.commands import Commands


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
    parser.set_defaults(run=run)
    parts = parser.add_subparsers(metavar=_("ACTION"), required=True)
    cli.register(parts, translate)
    carries = parts.add_parser(
        "carry",
        help=_("write the verifier as one file"),
        description=_(
            "Write the verifier as one file, which needs Python and PyNaCl and nothing else:"
            " python3 FILE verify ... Its hash is printed, to be compared."
        ),
    )
    carries.add_argument("file", metavar=_("FILE"), type=Path, help=_("a new file"))
    carries.set_defaults(act=run_carry)


def run_carry(options: argparse.Namespace, talk: cli.Talk) -> int:
    """
    Write the one file.

    Args:
        options: As parsed.
        talk: Where to tell.

    Returns:
        0.
    """
    talk.out.write(f"{save_carried(options.file)}\n")
    return 0


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Run one of the auditor's commands.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0, or the code of the gravest finding or of the error.
    """
    talk = cli.Talk(
        translate=console.translate,
        language=choose_language(),
        out=console.out,
        err=console.err,
    )
    return cli.act(options, talk)
