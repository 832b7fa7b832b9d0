"""
`tipline clean FILE...`: take out of files what they say besides their content.

The original is only read. The cleaned file appears under a free name, whole or not at all; its
times are the same for every file, and only its owner reads it. What is no ordinary file, as a
folder among `*`, is named and counts as refused; the others are cleaned.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import enum
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import EXTENSIONS, Format, Kind, Plan, Writable, write_cleaned
from tipline.cleaning.words import KIND_WORDS, REASON_WORDS, REMAINS
from tipline.console import Console
from tipline.errors import FileError, NotCleanError
from tipline.files import NO_DAY, blur_times, leave_nothing_when_stopped, write_atomically
from tipline.messages import N_
from tipline.plain import make_printable_line
from tipline.progress import make_progress


class State(enum.StrEnum):
    """What became of a file, as `--json` says it."""

    CLEAN = "clean"  # --check found nothing
    FOUND = "found"  # --check found something
    CLEANED = "cleaned"
    REFUSED = "refused"


class NoFile(enum.StrEnum):
    """Why something is refused that has no bytes of its own."""

    NO_FILE = "no-file"


_NO_FILE_WORDS: Final = N_("it is a directory, or something else that is no ordinary file")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """
    What became of one file.

    Args:
        path: As it was given.
        state: What became of it.
        format: What it is, unless it is refused.
        kinds: What was found.
        cleaned: Where the cleaned file is.
        reason: Why it is refused.
    """

    path: Path
    state: State
    format: Format | None = None
    kinds: tuple[Kind, ...] = ()
    cleaned: Path | None = None
    reason: Reason | NoFile | None = None


@leave_nothing_when_stopped()
def run(options: argparse.Namespace, console: Console) -> int:
    """
    Clean files, or say what is in them.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        NotCleanError: a file was refused, or `--check` found something.
        FileError: a file cannot be read or written, or the name is taken; the ones before are done.
    """
    _ = console.translate
    results = []
    if options.out is not None:
        # Says so at once, and by its own name, if it is not a directory.
        os.scandir(options.out).close()
    for path in options.files:
        result = _clean(
            path, check=options.check, directory=options.out, tell=make_progress(console)
        )
        results.append(result)
        if options.json:
            console.print_json(_list_facts(result))
        else:
            console.print(_describe(result, console))
    if not options.json and any(result.state != State.REFUSED for result in results):
        console.say(_(REMAINS))
    left = [result for result in results if result.state in (State.FOUND, State.REFUSED)]
    if left:
        raise NotCleanError("files_found" if options.check else "files_refused", count=len(left))
    return 0


class _Watched:
    """A file that is written, and how much of it is."""

    def __init__(self, destination: Writable, tell: Callable[[int], None]) -> None:
        self._destination = destination
        self._tell = tell

    def write(self, data: bytes | memoryview, /) -> None:
        self._destination.write(data)
        self._tell(len(data))


def _clean(
    path: Path, *, check: bool, directory: Path | None, tell: Callable[[int], None]
) -> Result:
    if path.exists() and not path.is_file():
        return Result(path=path, state=State.REFUSED, reason=NoFile.NO_FILE)
    with path.open("rb") as source, _name_failing_read(path):
        try:
            before = _take_mark(source)
            plan = plan_cleaning(source)
            if check:
                _refuse_changed(source, before, path)
                state = State.FOUND if plan.kinds else State.CLEAN
                return Result(path=path, state=state, format=plan.format, kinds=plan.kinds)
            target = _choose_target(path, plan, directory)
            try:
                with write_atomically(target, replace=False) as destination:
                    write_cleaned(plan, source, _Watched(destination, tell))
                    # Else what was planned of one file is taken from the places of another.
                    _refuse_changed(source, before, path)
            except FileExistsError as exc:
                raise FileError("file_exists", path=str(target)) from exc
        except RefusedError as exc:
            return Result(path=path, state=State.REFUSED, reason=exc.reason)
    blur_times(target, day=NO_DAY)
    return Result(
        path=path, state=State.CLEANED, format=plan.format, kinds=plan.kinds, cleaned=target
    )


def _take_mark(source: BinaryIO) -> tuple[int, int, int]:
    status = os.fstat(source.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _refuse_changed(source: BinaryIO, before: tuple[int, int, int], path: Path) -> None:
    if _take_mark(source) != before:
        raise FileError("file_changed", path=str(path))


@contextlib.contextmanager
def _name_failing_read(path: Path) -> Iterator[None]:
    # A descriptor has no name: of many files on a damaged stick one has to know which it is.
    try:
        yield
    except OSError as exc:
        if exc.filename is None:
            exc.filename = str(path)
        raise


def _choose_target(path: Path, plan: Plan, directory: Path | None) -> Path:
    extension = EXTENSIONS[plan.format]
    if directory is not None:
        return directory / f"{path.stem}.{extension}"
    return path.with_name(f"{path.stem}.clean.{extension}")


def _list_facts(result: Result) -> dict[str, object]:
    facts = {
        "file": str(result.path),
        "state": result.state,
        "format": result.format,
        "kinds": list(result.kinds),
        "cleaned": result.cleaned and str(result.cleaned),
        "reason": result.reason,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _describe(result: Result, console: Console) -> str:
    _ = console.translate
    path = make_printable_line(str(result.path))
    if result.reason is not None:
        words = _NO_FILE_WORDS
        if isinstance(result.reason, Reason):
            words = REASON_WORDS[result.reason]
        return _("{path}: refused: {reason}").format(path=path, reason=_(words))
    kinds = ", ".join(_(KIND_WORDS[kind]) for kind in result.kinds) or _("nothing")
    if result.cleaned is None:
        return _("{path}: found: {kinds}").format(path=path, kinds=kinds)
    return _("{path}: cleaned into {cleaned}; taken out: {kinds}").format(
        path=path, cleaned=make_printable_line(str(result.cleaned)), kinds=kinds
    )
