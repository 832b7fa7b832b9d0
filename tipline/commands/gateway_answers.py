"""`tipline gateway answers DIR`: make the key to which the desk seals answers by phone."""

from __future__ import annotations

import argparse

from tipline.answer_key import make_answer_key
from tipline.clock import system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.files import check_private


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Make the key, or show the one there is.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        InstanceError: this is no line, or its key is damaged.
        ConfigurationError: its configuration does not hold.
        PermissionsError: others can read it.
    """
    _ = console.translate
    load_configuration(options.directory)  # a key in a directory that is no line helps nobody
    check_private(options.directory)
    recipient = make_answer_key(options.directory, today=system_clock().date())
    console.say(_("give this recipient to the desk: tipline desk keyset --answers"))
    console.print(recipient.format())
    return 0
