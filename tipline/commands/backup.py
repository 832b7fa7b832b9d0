"""`tipline backup DIR OUT -r RECIPIENT`: one sealed file of a line, while it is served or not."""

from __future__ import annotations

import argparse
import datetime
from typing import Any

from crypto.age.hybrid import HybridRecipient
from tipline.backing_up import hold_copy
from tipline.backup import KIND_BACKUP, Head, list_kept, write_backup
from tipline.configuration import CONFIGURATION_NAME, load_configuration
from tipline.console import Console
from tipline.errors import InstanceError
from tipline.operating import run_operation
from tipline.progress import make_progress


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Write a backup.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        CryptoError: a recipient is not a hybrid one.
        InstanceError: not an instance, or another command makes a backup of it.
        FileError: a file cannot be read or written, or OUT is there already.
    """
    _ = console.translate
    recipients = [HybridRecipient.parse(text) for text in options.recipient]
    if not (options.directory / CONFIGURATION_NAME).is_file():
        raise InstanceError("instance_missing", path=str(options.directory))
    root = load_configuration(options.directory).root.format()

    def operate(name: str) -> dict[str, Any]:
        return run_operation(options.directory, name, {}, console=console)

    with hold_copy(options.directory) as copy:
        begun = operate("backup-begin")
        head = Head(
            kind=KIND_BACKUP,
            made_on=datetime.date.fromisoformat(begun["made_on"]),
            dies_on=datetime.date.fromisoformat(begun["dies_on"]),
            root=root,
            schema=begun["schema"],
        )
        digest = write_backup(
            options.out,
            list(list_kept(options.directory, copy, head=head)),
            recipients=recipients,
            before_named=lambda: operate("backup-end"),
            on_bytes=make_progress(console),
        )
    if options.json:
        console.print_json(
            {
                "made_on": begun["made_on"],
                "dies_on": begun["dies_on"],
                "sha256": digest,
                "size_bytes": options.out.stat().st_size,
            }
        )
    else:
        console.print(
            _("{path} is written. It must not be used, and has to go, from {day} on.").format(
                path=options.out, day=begun["dies_on"]
            )
        )
        console.print(_("SHA-256: {digest}").format(digest=digest))
    return 0
