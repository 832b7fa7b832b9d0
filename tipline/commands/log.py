"""`tipline log DIR ...`: hand the log out, and take in what its witnesses signed."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Final

from crypto.errors import ForgedError, MalformedError
from crypto.keyset import MAX_KEYSET_BYTES
from retention.log.checkpoint import MAX_CHECKPOINT_BYTES
from tipline.clock import system_clock
from tipline.configuration import load_configuration
from tipline.console import Console
from tipline.day_keeper import find_clock_folder
from tipline.errors import InstanceError
from tipline.files import (
    PRIVATE_DIRECTORY_MODE,
    check_private,
    read_quietly,
    write_atomically,
)
from tipline.instance import load_verifiers
from tipline.keysets import KEYSET_NAME, read_witnesses
from tipline.log_database import LOG_NAME
from tipline.log_export import export_log
from tipline.log_store import LogStore
from tipline.operating import run_operation

SIGNATURE_START: Final = "\N{EM DASH} "


def run_export(options: argparse.Namespace, console: Console) -> int:
    """
    Write the log as files.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.
    """
    _, ngettext = console.translate, console.translate_counted
    log = _open(options.directory)
    try:
        keyset = None
        with contextlib.suppress(FileNotFoundError):
            path = options.directory / KEYSET_NAME
            keyset = read_quietly(path, length=MAX_KEYSET_BYTES)
        size = export_log(log, options.output, keyset=keyset)
    finally:
        log.close()
    verifier = log.verifier.format()
    if options.json:
        console.print_json({"directory": str(options.output), "entries": size, "key": verifier})
        return 0
    console.print(
        ngettext("{count} entry is in {path}.", "{count} entries are in {path}.", size).format(
            count=size, path=options.output
        )
    )
    console.print(_("Their key: {verifier}").format(verifier=verifier))
    return 0


def run_annex(options: argparse.Namespace, console: Console) -> int:
    """
    Write the annexes of some days.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.
    """
    ngettext = console.translate_counted
    answer = run_operation(options.directory, "annexes", {"days": options.day}, console=console)
    # Only their owner reads them: they tell how much came on which day.
    options.output.mkdir(mode=PRIVATE_DIRECTORY_MODE, parents=True, exist_ok=True)
    for day, text in answer["annexes"].items():
        with write_atomically(options.output / f"{day}.json") as file:
            file.write(text.encode())
    console.print(
        ngettext(
            "{count} annex is in {path}.", "{count} annexes are in {path}.", len(answer["annexes"])
        ).format(count=len(answer["annexes"]), path=options.output)
    )
    return 0


def run_cosign(options: argparse.Namespace, console: Console) -> int:
    """
    Add what witnesses signed.

    Args:
        options: As parsed.
        console: Where to tell.

    Returns:
        0.

    Raises:
        InstanceError: `cosignature_unknown` or `cosignature_wrong`; then nothing was added.
    """
    ngettext = console.translate_counted
    configuration = load_configuration(options.directory)
    with options.file.open("rb") as file:
        untrusted = file.read(MAX_CHECKPOINT_BYTES)
    witnesses = read_witnesses(
        options.directory, root=configuration.root, minimum=configuration.keyset_minimum
    )
    log = _open(options.directory)
    try:
        lines = _find_lines(untrusted, own=log.verifier.name)
        sizes = log.add_cosignatures(lines, witnesses=witnesses)
    except MalformedError as exc:
        raise InstanceError("cosignature_unknown") from exc
    except ForgedError as exc:
        raise InstanceError("cosignature_wrong") from exc
    finally:
        log.close()
    for size in sizes:
        console.print(
            ngettext(
                "Added to the checkpoint of {count} entry.",
                "Added to the checkpoint of {count} entries.",
                size,
            ).format(count=size)
        )
    return 0


def _open(directory: Path) -> LogStore:
    check_private(directory)
    if not (directory / LOG_NAME).is_file():
        raise InstanceError("log_empty")
    _, verifier = load_verifiers(directory)
    return LogStore(
        directory,
        verifier=verifier,
        today=lambda: system_clock().date(),
        mark_folder=find_clock_folder(directory, load_configuration(directory).slots),
    )


def _find_lines(untrusted: bytes, *, own: str) -> list[str]:
    """Find the lines to add: a witness prints its line alone, or the whole checkpoint with it."""
    try:
        text = untrusted.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("witness") from exc
    lines = [
        line
        for line in text.split("\n")
        if line.startswith(SIGNATURE_START) and not line.startswith(f"{SIGNATURE_START}{own} ")
    ]
    if not lines:
        raise MalformedError("witness")
    return lines
