"""`tipline keyset DIR FILE`: put a keyset in force that the desk signed."""

from __future__ import annotations

import argparse

from crypto.keyset import MAX_KEYSET_BYTES
from tipline.clock import system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.files import check_private
from tipline.keysets import install_keyset


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Install the keyset.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.
    """
    _ = console.translate
    configuration = load_configuration(options.directory)
    check_private(options.directory)
    with options.file.open("rb") as file:
        untrusted = file.read(MAX_KEYSET_BYTES + 1)
    installed = install_keyset(
        options.directory,
        untrusted,
        root=configuration.root,
        minimum=configuration.keyset_minimum,
        today=system_clock().date(),
    )
    console.print(
        _("Keyset {number} is in force until {valid_until}.").format(
            number=installed.keyset.number, valid_until=installed.keyset.valid_until
        )
    )
    return 0
