"""
The sandbox's one program: `view` shows a file as pixels, `check` says what cleaning finds in it,
`clean` besides answers with the cleaned file.

The file is what stands at `/input`, and nothing else of the machine's.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import BinaryIO, Final

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import write_cleaned
from tipline.rendering.answers import (
    CLEANING,
    COUNT,
    DATA,
    END,
    FAILURE,
    LENGTH,
    START,
    FailedError,
    Failure,
    format_word,
)
from tipline.rendering.lockdown import check_sandbox, limit, lock_down

INPUT: Final = Path("/input/file")
HEAD_BYTES: Final = 1024


def main() -> int:
    """
    Do one job.

    Returns:
        0 if an answer was given.
    """
    job, first = sys.argv[1], int(sys.argv[2])
    check_sandbox(prefix=sys.base_prefix)
    # Libraries that write on standard output would mix their words into the answer.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with output, INPUT.open("rb") as untrusted:
        try:
            if job == "view":
                _view(untrusted, output, first=first)
            else:
                _clean(untrusted, output, with_data=job == "clean")
        except FailedError as exc:
            output.write(FAILURE + format_word(exc.failure))
        except MemoryError:
            output.write(FAILURE + format_word(Failure.TOO_LARGE))
    return 0


def _view(untrusted: io.BufferedReader, output: BinaryIO, *, first: int) -> None:
    # What the decoders need is loaded while anything can be loaded.
    from tipline.rendering import documents, images, office

    images.prepare()
    head = untrusted.read(HEAD_BYTES)
    untrusted.seek(0)
    is_office = head.startswith(office.SIGNATURES)
    if is_office:
        limit()
        _start(output)
        untrusted = office.convert_office(INPUT)
        lock_down()
    else:
        lock_down()
        _start(output)
    if is_office or documents.SIGNATURE in head:
        documents.write_document(untrusted, output, first=first)
    else:
        images.write_images(untrusted, output, first=first)


def _start(output: BinaryIO) -> None:
    # At once: whoever waits outside tells by it a sandbox that was made from one that was not.
    output.write(START)
    output.flush()


def _clean(untrusted: io.BufferedReader, output: BinaryIO, *, with_data: bool) -> None:
    lock_down()
    _start(output)
    try:
        plan = plan_cleaning(untrusted)
    except RefusedError as exc:
        output.write(FAILURE + format_word(exc.reason))
        return
    output.write(CLEANING + format_word(plan.format) + format_word(",".join(plan.kinds)))
    if with_data:
        output.write(DATA + LENGTH.pack(plan.length_bytes))
        write_cleaned(plan, untrusted, output)
    output.write(END + COUNT.pack(0))


if __name__ == "__main__":
    sys.exit(main())
