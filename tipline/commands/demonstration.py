"""`tipline demonstration`: what `script/run` runs."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tipline.console import Console
from tipline.errors import UsageError
from tipline.files import make_private_directory

if TYPE_CHECKING:
    from tipline.demonstration.check import Sent


def run(options: argparse.Namespace, console: Console) -> int:
    """
    Run the demonstration or the check.

    Args:
        options: As parsed.
        console: Where it reads and writes.

    Returns:
        0.

    Raises:
        UsageError: options that do not go together, or a text that is none.
        FileError: a file cannot be read or written.
        CheckError: what was opened is not what was sent.
        TiplineError: a part could not be started.
    """
    if options.check:
        if options.no_tor:
            raise UsageError("check_no_tor")
        _check(options, console)
        return 0
    if options.text or options.file or options.keep or options.json:
        raise UsageError("check_only")
    from tipline.demonstration.show import show

    asyncio.run(show(console, with_tor=not options.no_tor))
    return 0


def _check(options: argparse.Namespace, console: Console) -> None:
    from tipline.demonstration.check import check_way
    from tipline.demonstration.timeline import Timeline

    # Ended from outside, it ends like Ctrl-C: no process and no directory stays behind.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    timeline = Timeline(console, as_json=options.json)
    with _find_sent(options) as sent:
        if options.keep is not None:
            _prepare_keep(options.keep)
        check_way(
            sent,
            keep_directory=options.keep,
            timeline=timeline,
            translate=console.translate,
        )


@contextlib.contextmanager
def _find_sent(options: argparse.Namespace) -> Iterator[Sent]:
    from tipline.demonstration.check import Sent
    from tipline.demonstration.directory import make_throwaway_directory
    from tipline.demonstration.sample import write_file, write_text

    with make_throwaway_directory() as directory:
        sent = Sent(
            text=options.text or write_text(directory), file=options.file or write_file(directory)
        )
        text = sent.text.read_bytes()
        with sent.file.open("rb"):
            pass
        try:
            is_empty = not text.decode("utf-8").strip()
        except UnicodeDecodeError as exc:
            raise UsageError("check_text", path=str(sent.text)) from exc
        if is_empty:
            raise UsageError("check_text", path=str(sent.text))
        yield sent


def _prepare_keep(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        raise UsageError("check_keep", path=str(directory))
    make_private_directory(directory)
