"""The page's own cleaning, as node runs it: what Python's is held against."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.documents import digest_cleaned
from tipline.cleaning import archive, pdf
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import write_cleaned

DRIVER: Final = Path(__file__).parent / "page_cleaning.mjs"

Answer = dict[str, Any]


class PageCleaning:
    """
    A node process that cleans what it is given, one file after the other.

    Args:
        process: It.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.words = self._read()

    def clean(self, data: bytes, *, out: Path | None = None, is_bare: bool = False) -> Answer:
        """
        Clean bytes.

        Args:
            data: A file.
            out: Where the cleaned file goes.
            is_bare: As in a browser that has no codes of its own, since the page is no safe place.

        Returns:
            `refused`, or `format`, `kinds`, `pieces`, `sha256` and `length`; of archives and
            PDFs there are no pieces, and the last two are of what lies in them, as
            `digest_cleaned`'s.
        """
        return self._ask({"base64": base64.b64encode(data).decode(), "isBare": is_bare}, out)

    def clean_file(self, path: Path, *, out: Path | None = None) -> Answer:
        """
        Clean a file.

        Args:
            path: It.
            out: Where the cleaned file goes.

        Returns:
            As `clean`.
        """
        return self._ask({"path": str(path)}, out)

    def measure(self, data: bytes) -> tuple[float, Answer]:
        """
        Clean bytes, and tell how long a processor was at it.

        Args:
            data: A file.

        Returns:
            Seconds of all its threads, and the answer as `clean` gives it.
        """
        began = self._read_seconds()
        answer = self.clean(data)
        return self._read_seconds() - began, answer

    def _read_seconds(self) -> float:
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def _ask(self, request: Answer, out: Path | None) -> Answer:
        if out is not None:
            request["out"] = str(out)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the page's cleaning ended"  # what it says of that is on stderr
        answer: Answer = json.loads(line)
        return answer


@contextlib.contextmanager
def run_page_cleaning() -> Iterator[PageCleaning]:
    """
    Start the page's cleaning, and end it.

    Yields:
        It. Without node, or without what `npm ci` installs, there is none: an error.
    """
    with subprocess.Popen(
        ["node", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield PageCleaning(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()


def plan_in_python(data: bytes) -> Answer:
    """
    Plan in Python what the page plans, and say it in the same way.

    Args:
        data: A file.

    Returns:
        As `PageCleaning.clean`; of archives and PDFs the digest instead of the pieces.
    """
    try:
        plan = plan_cleaning(io.BytesIO(data))
    except RefusedError as exc:
        return {"refused": exc.reason.value}
    if data.startswith((archive.SIGNATURE, pdf.SIGNATURE)):
        out = io.BytesIO()
        write_cleaned(plan, io.BytesIO(data), out)
        length, sha256 = digest_cleaned(out.getvalue())
        answer: Answer = {"format": plan.format.value, "kinds": [*plan.kinds]}
        return {**answer, "length": length, "sha256": sha256}
    pieces = [
        piece.hex() if isinstance(piece, bytes) else [piece.offset, piece.length_bytes]
        for piece in plan.pieces
    ]
    return {"format": plan.format.value, "kinds": [*plan.kinds], "pieces": pieces}
