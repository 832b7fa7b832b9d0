"""The private network as a whole: started in about nine seconds, ended without a trace."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tipline.errors import NetworkError
from tipline.privatetor.members import Client, PrivateNetwork
from tipline.privatetor.starting import Start

__all__ = ["Client", "PrivateNetwork", "find_program", "run_private_network"]

# Ports are found free and then bound: another program can come between, so it is tried again.
ATTEMPT_LIMIT: Final = 3


@contextlib.contextmanager
def run_private_network(
    *, client_count: int = 1, report: Callable[[str], None] = lambda _: None
) -> Iterator[PrivateNetwork]:
    """
    Run a private network while the block runs.

    Args:
        client_count: At least 1.
        report: Told of each attempt that failed, with the step that it failed at.

    Yields:
        The network, bootstrapped.

    Raises:
        NetworkError: tor is missing, or the network did not start after some attempts.
    """
    tor, tor_gencert = find_program("tor"), find_program("tor-gencert")
    for attempt in range(1, ATTEMPT_LIMIT + 1):
        with contextlib.ExitStack() as stack:
            # Short, because a unix socket's path has at most 107 bytes.
            directory = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="tn-", ignore_cleanup_errors=True)
                )
            )
            start = Start(directory, tor=tor, tor_gencert=tor_gencert, client_count=client_count)
            stack.callback(start.end)
            try:
                network = start.run()
            except NetworkError as error:
                if attempt == ATTEMPT_LIMIT:
                    raise
                report(str(error.facts["stage"]))
                continue
            yield network
            return


def find_program(name: str) -> str:
    """
    Find a program on the search path.

    Args:
        name: Of the program.

    Returns:
        Its path.

    Raises:
        NetworkError: it is not there.
    """
    path = shutil.which(name)
    if path is None:
        raise NetworkError("program_missing", program=name)
    return path
