"""
argparse's own words, in our catalogue.

Usage lines and usage errors are written by Python's argparse, which looks its words up with gettext
in whatever text domain is current. Here they are marked for our catalogue, and the domain is set.
A test compares this list with the argparse that runs.
"""

from __future__ import annotations

import gettext
from typing import Final

from tipline.language import LOCALE_DIRECTORY, Counted
from tipline.messages import N_, NN_

# Of Python 3.11 to 3.13; what only a programmer can cause is not here.
ARGPARSE: Final[tuple[str, ...]] = (
    N_("usage: "),
    N_("positional arguments"),
    N_("options"),
    N_("subcommands"),
    N_("%(heading)s:"),
    N_(" (default: %(default)s)"),
    N_("show this help message and exit"),
    N_("show program's version number and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("%(prog)s: warning: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("argument '%(argument_name)s' is deprecated"),
    N_("option '%(option)s' is deprecated"),
    N_("command '%(parser_name)s' is deprecated"),
    N_("unrecognized arguments: %s"),
    N_("ambiguous option: %(option)s could match %(matches)s"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
    N_("unknown parser %(parser_name)r (choices: %(choices)s)"),
    N_("can't open '%(filename)s': %(error)s"),
    N_("invalid %(type)s value: %(value)r"),
    N_("expected one argument"),
    N_("expected at most one argument"),
    N_("expected at least one argument"),
    N_("the following arguments are required: %s"),
    N_("one of the arguments %s is required"),
    N_("not allowed with argument %s"),
    N_("unexpected option string: %s"),
    N_("ignored explicit argument %r"),
)

ARGPARSE_PLURALS: Final[tuple[Counted, ...]] = (
    NN_("expected %s argument", "expected %s arguments"),
)


def translate_argparse(language: str) -> None:
    """
    Let argparse find its words in our catalogue.

    The text domain is the process's own, as gettext made it, so only the process's `main` calls
    this; a run with a console of its own leaves it alone.

    Args:
        language: The one chosen. For English nothing needs to be found.
    """
    if language != "en":
        gettext.bindtextdomain("tipline", str(LOCALE_DIRECTORY))
        gettext.textdomain("tipline")
