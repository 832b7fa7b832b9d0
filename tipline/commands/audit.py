"""`tipline audit`: check a line's log without trusting the line."""

from __future__ import annotations

import argparse

from tipline.audit import cli
from tipline.console import Console
from tipline.language import choose_language


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
