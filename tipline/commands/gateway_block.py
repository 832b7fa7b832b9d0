"""`tipline gateway block`: take no more of a sender until the epoch ends."""

from __future__ import annotations

import argparse
import asyncio

from tipline.console import Console
from tipline.errors import InstanceError
from tipline.gateway.blocking import BLOCK_OPERATION, parse_any_handle
from tipline.instance import OPERATOR_SOCKET_NAME, RUN_NAME
from tipline.served_line import ask_service


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Block a sender by handle, or end that.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0: it is done, and durable.

    Raises:
        UsageError: `gateway_handle`: these are not four words of a list.
        InstanceError: the line is not served (`gateway_not_served`), or nobody has this handle.
    """
    _ = console.translate
    bits = parse_any_handle(" ".join(options.word))
    path = options.directory / RUN_NAME / OPERATOR_SOCKET_NAME
    if not path.is_socket():
        raise InstanceError("gateway_not_served")
    asyncio.run(ask_service(path, BLOCK_OPERATION, {"bits": bits, "blocked": not options.end}))
    console.say(
        _("this sender is taken again")
        if options.end
        else _("nothing more of this sender is taken until the epoch ends; stored tips stay")
    )
    return 0
