"""The `tipline` command: parse, run one command, turn its error into a text and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from collections.abc import Sequence

from crypto.errors import CryptoError
from retention.errors import RetentionError
from tipline import __version__
from tipline.commands import find_run
from tipline.console import Console
from tipline.errors import TiplineError
from tipline.hints import HINTS
from tipline.language import Translate, choose_language, make_translations
from tipline.messages import ERRORS
from tipline.parsers import PARSERS
from tipline.usage import translate_argparse


def make_parser(translate: Translate) -> argparse.ArgumentParser:
    """
    Build the parser of all commands.

    Args:
        translate: Looks a text up in the catalogue.

    Returns:
        A parser whose result has `run`, the name of the chosen command's function.
    """
    _ = translate
    parser = argparse.ArgumentParser(
        prog="tipline",
        description=_("A confidential tip-line: sealed in the browser, read offline."),
        epilog=_("Begin with: tipline init DIR"),
    )
    parser.add_argument(
        "--version",
        action="version",
        version=f"tipline {__version__}",
        help=_("show program's version number and exit"),
    )
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True, dest="command")
    for part in PARSERS:
        part.register(commands, translate)
    return parser


def report_error(error: CryptoError | RetentionError | TiplineError, *, console: Console) -> int:
    """
    Say what went wrong and what to do.

    Args:
        error: One of ours.
        console: Where to say it.

    Returns:
        The exit code.
    """
    _ = console.translate
    facts = {"detail": getattr(error, "detail", ""), **error.facts}
    said = console.fill(ERRORS[error.code], facts)
    console.say(_("tipline: error: {text}").format(text=said))
    if error.code in HINTS:
        hint = console.fill(HINTS[error.code], facts)
        console.say(_("tipline: hint: {text}").format(text=hint))
    return error.exit_code


def main(arguments: Sequence[str] | None = None, *, console: Console | None = None) -> int:
    """
    Run one command.

    Args:
        arguments: Without the program's name; those of the process if None.
        console: The streams and the language; those of the process if None.

    Returns:
        The exit code: 0 done, 1 unforeseen, 2 usage, 10 and above one per class of error,
        130 interrupted.
    """
    if console is None:
        for stream in (sys.stdout, sys.stderr):
            # A tip may hold what this terminal cannot write: it is shown spelled out, not lost.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        language = choose_language()
        translate_argparse(language)
        words = make_translations(language)
        console = Console(
            translate=words.gettext, translate_counted=words.ngettext, language=language
        )
    options = make_parser(console.translate).parse_args(arguments)
    # Not above: it brings the database's library, and a help text ends in the line before.
    from tipline.files import name_file_errors

    try:
        # Here, for all of them: no command ends in a traceback when a disk refuses.
        with name_file_errors(getattr(options, "directory", None)):
            return find_run(options.run)(options, console)
    except (CryptoError, RetentionError, TiplineError) as error:
        return report_error(error, console=console)
    except BrokenPipeError:
        # The reader went away (`| head`): point stdout elsewhere so that Python's exit stays quiet.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
