"""
Attachments, cleaned again at the desk: what the source's page said of them is a claim.

Each file is judged by its own bytes, in the sandbox: its parsers meet what strangers made.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from crypto.attachment import CLEAN, CLEANED
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import EXTENSIONS, Format, Kind
from tipline.desk.sandbox import CLEAN_SECONDS, Answer, Job, open_sandbox
from tipline.errors import FileError
from tipline.files import make_private_directory, write_atomically
from tipline.rendering.answers import CLEANING, DATA, FAILURE, LENGTH, FailedError, Failure

# A cleaned file can be longer than the original by what is written anew: an orientation, a header.
MAX_GROWTH_BYTES: Final = 64 << 20
_CLEAN_CLAIMS: Final = frozenset({CLEAN, CLEANED})


class State(enum.StrEnum):
    """What the desk found, as `--json` says it."""

    CLEAN = "clean"
    FOUND = "found"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    What the desk found in one attached file.

    Args:
        path: Its generated name in the tip.
        state: What was found.
        claim: What the tip says of it: `clean`, `cleaned`, `uncleaned` or nothing.
        format: What it is, unless it is refused.
        kinds: What is to be taken out.
        reason: Why it cannot be cleaned: one of `Reason` or `Failure`.
    """

    path: str
    state: State
    claim: str | None = None
    format: Format | None = None
    kinds: tuple[Kind, ...] = ()
    reason: Reason | Failure | None = None

    @property
    def is_belied(self) -> bool:
        """Whether the tip says that the file is clean, and it is not."""
        return self.claim in _CLEAN_CLAIMS and self.state != State.CLEAN

    @property
    def cleaned_path(self) -> str | None:
        """What its cleaned copy is called, or None if there is none."""
        if self.format is None:
            return None
        return str(Path(self.path).with_suffix(f".{EXTENSIONS[self.format]}"))

    def as_fields(self) -> dict[str, Any]:
        """
        Lay it out as it is shown to a machine.

        Returns:
            JSON's types only.
        """
        fields = {
            "file": self.path,
            "state": self.state,
            "claim": self.claim,
            "format": self.format,
            "kinds": list(self.kinds),
            "reason": self.reason,
            "belied": self.is_belied,
        }
        return {name: value for name, value in fields.items() if value is not None}


def probe_sandbox(path: Path) -> None:
    """
    Try whether a file can be judged at all, before anything is begun.

    Args:
        path: Any file.

    Raises:
        SandboxError: this machine has no sandbox.
    """
    job = Job(name="check", path=path, limit_seconds=CLEAN_SECONDS)
    # That it is slow or breaks is this file's own fault, and told of it later.
    with contextlib.suppress(FailedError), open_sandbox(job):
        return


def judge(place: Path, path: str, *, claim: str | None) -> Judgement:
    """
    Look what is in an attached file. Nothing is written.

    Args:
        place: The tip's directory.
        path: The file's generated name.
        claim: What the tip says of it.

    Returns:
        What was found.

    Raises:
        SandboxError: this machine has no sandbox; nothing was opened.
    """
    job = Job(name="check", path=place / path, limit_seconds=CLEAN_SECONDS)
    try:
        with open_sandbox(job) as answer:
            return _take_judgement(answer, path, claim)
    except FailedError as exc:
        return Judgement(path=path, state=State.REFUSED, claim=claim, reason=exc.failure)


def clean(place: Path, path: str, out: Path, *, claim: str | None) -> tuple[Judgement, Path | None]:
    """
    Write the cleaned copy of an attached file.

    Args:
        place: The tip's directory.
        path: The file's generated name.
        out: The directory that takes `files/NN.EXT`; it exists.
        claim: What the tip says of it.

    Returns:
        What was found, and the cleaned copy, unless it was refused.

    Raises:
        SandboxError: this machine has no sandbox; nothing was opened.
        FileError: the copy's name is taken, or it cannot be written.
    """
    job = Job(name="clean", path=place / path, limit_seconds=CLEAN_SECONDS)
    limit_bytes = (place / path).stat().st_size + MAX_GROWTH_BYTES
    try:
        with open_sandbox(job) as answer:
            judgement = _take_judgement(answer, path, claim)
            if judgement.cleaned_path is None:
                return judgement, None
            target = out / judgement.cleaned_path
            make_private_directory(target.parent)
            with _write_new(target) as file:
                _take_data(answer, file, limit_bytes=limit_bytes)
            return judgement, target
    except FailedError as exc:
        return Judgement(path=path, state=State.REFUSED, claim=claim, reason=exc.failure), None


@contextlib.contextmanager
def _write_new(target: Path) -> Iterator[BinaryIO]:
    try:
        with write_atomically(target, replace=False) as file:
            yield file
    except FileExistsError as exc:
        raise FileError("file_exists", path=str(target)) from exc


def _take_judgement(answer: Answer, path: str, claim: str | None) -> Judgement:
    part = answer.read(1)
    if part == FAILURE:
        try:
            reason = parse_reason(_read_word(answer))
        except ValueError as exc:
            raise FailedError(Failure.DIED) from exc
        return Judgement(path=path, state=State.REFUSED, claim=claim, reason=reason)
    if part != CLEANING:
        raise FailedError(Failure.DIED)
    try:
        known = Format(_read_word(answer))
        kinds = tuple(Kind(word) for word in _read_word(answer).split(",") if word)
    except ValueError as exc:
        raise FailedError(Failure.DIED) from exc
    return Judgement(
        path=path,
        state=State.FOUND if kinds else State.CLEAN,
        claim=claim,
        format=known,
        kinds=kinds,
    )


def parse_reason(word: str) -> Reason | Failure:
    """
    Read why a file is not cleaned.

    Args:
        word: Untrusted.

    Returns:
        What it means.

    Raises:
        ValueError: it means nothing here.
    """
    return Reason(word) if word in list(Reason) else Failure(word)


def _take_data(answer: Answer, file: BinaryIO, *, limit_bytes: int) -> None:
    if answer.read(1) != DATA:
        raise FailedError(Failure.DIED)
    (length_bytes,) = LENGTH.unpack(answer.read(LENGTH.size))
    if length_bytes > limit_bytes:
        raise FailedError(Failure.DIED)
    file.writelines(answer.read_pieces(length_bytes))


def _read_word(answer: Answer) -> str:
    (length_bytes,) = answer.read(1)
    # A letter that no word of ours has makes a word that is none of ours.
    return answer.read(length_bytes).decode("ascii", "replace")
