"""
Copying a tip's files out of the vault.

Rules:
    1. Into a directory that did not exist before; nothing is overwritten, nothing is followed.
    2. Under the generated names: a real name is a source's word, and may be made to harm.
    3. What is exported of a file is its copy that was cleaned here, whatever the tip says of it.
    4. What cannot be cleaned, and untouched originals, stay in the vault unless they are asked for.
       Then they stand apart, in a folder whose name says so.
    5. So does `tip.json` as it came: it has names and times of the source's device. In its place
       stands one with what the source said, and nothing of that.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Final

from crypto.tip import Tip, format_tip
from tipline.desk.judging import Judgement, clean, probe_sandbox
from tipline.files import (
    NO_DAY,
    blur_times,
    make_private_directory,
    sync_directory,
    write_atomically,
)

FILES: Final = "files"  # the folder of attached files, in a payload and in what is exported
ORIGINALS: Final = "originals"  # the folder of untouched originals in a payload
UNTOUCHED: Final = "untouched"  # the folder of all that is exported as it came
FIELDS: Final = "tip.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """
    What became of an export.

    Args:
        written: The new files, in order of their names.
        judgements: What was found in each attached file.
        untouched: The names, in the tip, of what is not cleaned: left in the vault, or copied into
            the folder `UNTOUCHED`.
    """

    written: tuple[Path, ...]
    judgements: tuple[Judgement, ...]
    untouched: tuple[str, ...]


def export_tip(place: Path, tip: Tip | None, out: Path, *, with_untouched: bool) -> Export:
    """
    Copy a tip's files, cleaned.

    Args:
        place: The tip's directory in the vault.
        tip: Its fields; None if it is in quarantine.
        out: Must not exist.
        with_untouched: Whether what is not cleaned is copied, too.

    Returns:
        What was written and what was not.

    Raises:
        FileExistsError: *out* exists.
        SandboxError: this machine has no sandbox to clean in; nothing was written.
        FileError: a file cannot be written.
        OSError: it cannot be written.
    """
    names = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())
    attached = [name for name in names if name.startswith(f"{FILES}/")]
    if attached:
        probe_sandbox(place / attached[0])
    claims = list_claims(tip)
    out.mkdir(mode=0o700)
    written, judgements, untouched = [], [], []
    for name in names:
        if name in attached:
            judgement, cleaned = clean(place, name, out, claim=claims.get(name))
            judgements.append(judgement)
            if cleaned is not None:
                written.append(cleaned)
                continue
        elif tip is not None and name == FIELDS:
            written.append(_write_said(tip, out))
            if with_untouched:
                written.append(_copy(name, place, out / UNTOUCHED))
            continue
        elif tip is not None and not name.startswith(f"{ORIGINALS}/"):
            written.append(_copy(name, place, out))
            continue
        untouched.append(name)
        if with_untouched:
            written.append(_copy(name, place, out / UNTOUCHED))
    for path in written:
        # As `tipline clean` does: when it was exported is nobody's business.
        blur_times(path, day=NO_DAY)
    for directory in {path.parent for path in written}:
        sync_directory(directory)
    return Export(
        written=tuple(sorted(written)), judgements=tuple(judgements), untouched=tuple(untouched)
    )


def list_claims(tip: Tip | None) -> dict[str, str]:
    """
    List what a tip says of its files' cleaning.

    Args:
        tip: Its fields, or None.

    Returns:
        For each file of which it says anything: one of the fixed words.
    """
    attachments = () if tip is None else tip.attachments
    return {one.path: one.cleaning.state for one in attachments if one.cleaning is not None}


def _write_said(tip: Tip, out: Path) -> Path:
    # What is said of each file is said by the desk. A field that this version does not know may
    # hold anything.
    said = dataclasses.replace(tip, attachments=(), sealed_at=None, build=None, unknown={})
    target = out / FIELDS
    with write_atomically(target, replace=False) as writing:
        # ASCII only, so that no direction mark of a stranger's turns it round in an editor.
        writing.write(json.dumps(json.loads(format_tip(said))).encode())
    return target


def _copy(name: str, place: Path, out: Path) -> Path:
    target = out / name
    for directory in (out, target.parent):
        make_private_directory(directory)
    with (place / name).open("rb") as reading, write_atomically(target, replace=False) as writing:
        shutil.copyfileobj(reading, writing, 1 << 20)
    return target
