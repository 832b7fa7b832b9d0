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
from tipline.files import make_private_directory, name_file_errors
from tipline.language import Translate

if TYPE_CHECKING:
    from tipline.commands import Commands
    from tipline.demonstration.check import Sent


def register(commands: Commands, translate: Translate) -> None:
    """
    Add the command's parser.

    Args:
        commands: Where it is added.
        translate: Looks a text up in the catalogue.
    """
    _ = translate
    parser = commands.add_parser(
        "demonstration",
        help=_("show a throwaway line, or check the way of a tip"),
        description=_(
            "Show a line that stands in a throwaway directory and is erased at the end. Its keys"
            " are made beside the service: it is not for real tips."
        ),
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help=_(
            "send one tip all the way, over a private Tor network, and compare what the desk opens"
            " with what was sent"
        ),
    )
    parser.add_argument(
        "--text", metavar=_("FILE"), type=Path, help=_("with --check: the text to send")
    )
    parser.add_argument(
        "--file", metavar=_("FILE"), type=Path, help=_("with --check: the file to attach")
    )
    parser.add_argument(
        "--keep",
        metavar=_("DIR"),
        type=Path,
        help=_("with --check: leave there what an independent age tool can open"),
    )
    parser.add_argument("--json", action="store_true", help=_("with --check: print JSON"))
    parser.add_argument(
        "--no-tor", action="store_true", help=_("without --check: stay on this machine")
    )
    parser.set_defaults(run=run)


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
        with name_file_errors():
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
        with name_file_errors():
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
    with name_file_errors():
        if directory.exists() and any(directory.iterdir()):
            raise UsageError("check_keep", path=str(directory))
        make_private_directory(directory)
