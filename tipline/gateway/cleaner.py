"""
The process that cleans one file of a stranger's: `python -m tipline.gateway.cleaner`.

Rules:
1. A file comes on stdin and goes on stdout; nothing of it touches a disk.
2. Before its first byte is looked at, this process gives up every right but to compute
   (`tipline/seccomp.py`) and bounds its memory and its time. Where the kernel does not take that,
   it looks at nothing.
3. What cannot be cleaned is not given back: its sender's copy is sealed as it is, and marked.
4. It writes one line of JSON (`state`, and `format`, `found` or `reason`), then the cleaned file.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from typing import Any, BinaryIO, Final

from crypto.attachment import CLEAN, CLEANED, UNCLEANED
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import write_cleaned
from tipline.core_dumps import forbid_core_dumps
from tipline.seccomp import allow_computing

MEMORY_BYTES: Final = 1 << 30  # a PDF of 20 MB takes about ten times as much
CPU_SECONDS: Final = 60


def clean(source: BinaryIO, destination: BinaryIO) -> None:
    """
    Clean one file.

    Args:
        source: Untrusted. All of it is read into memory.
        destination: Takes the line of JSON and the cleaned file.
    """
    untrusted = io.BytesIO(source.read())
    cleaned = io.BytesIO()
    try:
        plan = plan_cleaning(untrusted)
        write_cleaned(plan, untrusted, cleaned)
    except RefusedError as exc:
        _write_line(destination, {"state": UNCLEANED, "reason": exc.reason.value})
        return
    found = [kind.value for kind in plan.kinds]
    head: dict[str, Any] = {"state": CLEANED if found else CLEAN, "format": plan.format.value}
    _write_line(destination, {**head, "found": found} if found else head)
    destination.write(cleaned.getbuffer())


def _write_line(destination: BinaryIO, head: dict[str, Any]) -> None:
    destination.write(json.dumps(head).encode("ascii") + b"\n")


def main() -> None:
    """
    Clean what comes on stdin.

    Raises:
        OSError: the kernel does not take the filter.
    """
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
    ):
        resource.setrlimit(what, (most, most))
    forbid_core_dumps()
    allow_computing()
    clean(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
