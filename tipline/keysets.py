"""
The keyset of an instance: installed, remembered, in force.

Rules:
1. What lies in the directory is verified against the pinned root each time it is read.
2. The highest number ever installed is remembered (INV-07), and written before the keyset itself:
   after a crash between the two an older keyset is refused rather than taken.
3. A superseded number stays in force on the day of its end and the day after: a source may have
   loaded the page before. Days, since nothing here knows an hour.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from crypto.cosignature import WitnessVerifier
from crypto.errors import CryptoError, KeysetError
from crypto.keyset import MAX_KEYSET_BYTES, verify_keyset, verify_past_keyset
from crypto.keyset_fields import Keyset
from crypto.note import Verifier
from crypto.strict import format_json, parse_day, parse_integer, parse_json_object
from tipline.errors import InstanceError
from tipline.files import blur_times, overwrite_file, read_quietly, save_file

KEYSET_NAME: Final = "keyset"
HISTORY_NAME: Final = "keyset-history"
MAX_HISTORY_BYTES: Final = 64 * 1024
GRACE_DAYS: Final = 1  # formats.md, "superseded for more than a day"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeysetHistory:
    """
    What is remembered of keysets that came before.

    Args:
        highest: The highest number ever installed; 0 before the first.
        superseded: On which day a number was superseded, as long as that matters.
        witnesses: Whom the last keyset named that went, as long as no other is installed.
    """

    highest: int = 0
    superseded: Mapping[int, datetime.date] = dataclasses.field(default_factory=dict)
    witnesses: tuple[WitnessVerifier, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InstalledKeyset:
    """
    The verified keyset of an instance.

    Args:
        note: Its bytes, as signed.
        keyset: What they say.
        history: What came before.
    """

    note: bytes
    keyset: Keyset
    history: KeysetHistory

    def is_in_force(self, number: int, *, today: datetime.date) -> bool:
        """
        Tell whether a tip sealed to a keyset is taken.

        Args:
            number: The keyset the client names.
            today: In UTC.

        Returns:
            True for the current one within its days, and for one superseded at most a day ago.
        """
        if not self.keyset.valid_from <= today <= self.keyset.valid_until:
            return False
        if number == self.keyset.number:
            return True
        ended_on = self.history.superseded.get(number)
        return ended_on is not None and (today - ended_on).days <= GRACE_DAYS


def read_history(directory: Path) -> KeysetHistory:
    """
    Read what is remembered of earlier keysets.

    Args:
        directory: The instance.

    Returns:
        The history; an empty one before the first keyset.

    Raises:
        InstanceError: the file is damaged.
    """
    try:
        untrusted = read_quietly(directory / HISTORY_NAME, length=MAX_HISTORY_BYTES + 1)
    except FileNotFoundError:
        return KeysetHistory()
    try:
        return _parse_history(parse_json_object(untrusted, max_bytes=MAX_HISTORY_BYTES))
    except (CryptoError, KeyError, TypeError, AttributeError) as exc:
        raise InstanceError("instance_history", path=str(directory / HISTORY_NAME)) from exc


def read_keyset(directory: Path, *, root: Verifier, minimum: int) -> InstalledKeyset:
    """
    Read and verify the keyset of an instance.

    Args:
        directory: The instance.
        root: The pinned desk root.
        minimum: The lowest number accepted.

    Returns:
        The keyset; it may have expired, which the page then says.

    Raises:
        InstanceError: there is none.
        KeysetError: it must not be used: see its reason.
    """
    try:
        # A running line reads it when a request comes.
        untrusted = read_quietly(directory / KEYSET_NAME, length=MAX_KEYSET_BYTES + 1)
    except FileNotFoundError as exc:
        raise InstanceError("instance_no_keyset", path=str(directory)) from exc
    history = read_history(directory)
    keyset = verify_past_keyset(untrusted, root=root)
    seen = max(minimum, history.highest)
    if keyset.number < seen:
        raise KeysetError("keyset_old", number=keyset.number, seen=seen)
    return InstalledKeyset(note=untrusted, keyset=keyset, history=history)


def install_keyset(
    directory: Path, untrusted: bytes, *, root: Verifier, minimum: int, today: datetime.date
) -> InstalledKeyset:
    """
    Put a keyset in force.

    Args:
        directory: The instance.
        untrusted: The note, as it came from the desk.
        root: The pinned desk root.
        minimum: The lowest number accepted.
        today: In UTC.

    Returns:
        The keyset, verified and on disk.

    Raises:
        KeysetError: it must not be used: see its reason; `keyset_forked` if another one of its
            number is installed, which every vault has seen.
    """
    history = read_history(directory)
    keyset = verify_keyset(untrusted, root=root, today=today, seen=max(minimum, history.highest))
    if keyset.number == history.highest:
        _check_same(directory, untrusted, number=keyset.number, root=root)
    superseded = {
        number: ended_on
        for number, ended_on in history.superseded.items()
        if (today - ended_on).days <= GRACE_DAYS
    }
    if 0 < history.highest < keyset.number:
        superseded[history.highest] = today
    history = KeysetHistory(highest=keyset.number, superseded=superseded)
    save_file(directory / HISTORY_NAME, _format_history(history), day=today)
    save_file(directory / KEYSET_NAME, untrusted, day=today)
    return InstalledKeyset(note=untrusted, keyset=keyset, history=history)


def read_highest(directory: Path, *, root: Verifier, minimum: int) -> tuple[int, bool]:
    """
    Tell how high a keyset's number has to be, whether one is there or not.

    Args:
        directory: The instance.
        root: The pinned desk root.
        minimum: The lowest number accepted.

    Returns:
        The number, and whether a keyset is there. One that was there once may be gone: its period
        is over, and the desk signed no other.

    Raises:
        InstanceError: there never was one.
        KeysetError: it must not be used: see its reason.
    """
    try:
        return max(minimum, read_keyset(directory, root=root, minimum=minimum).keyset.number), True
    except InstanceError as exc:
        highest = read_history(directory).highest
        if exc.code != "instance_no_keyset" or highest == 0:
            raise
        return max(minimum, highest), False


def read_witnesses(directory: Path, *, root: Verifier, minimum: int) -> tuple[WitnessVerifier, ...]:
    """
    Tell whose lines are taken under the log's checkpoints.

    Args:
        directory: The instance.
        root: The pinned desk root.
        minimum: The lowest number accepted.

    Returns:
        The witnesses whom the keyset names; if its period is over and the desk signed no other, as
        at the end of a line, those whom it named.

    Raises:
        InstanceError: there never was one.
        KeysetError: it must not be used: see its reason.
    """
    try:
        return read_keyset(directory, root=root, minimum=minimum).keyset.witnesses
    except InstanceError as exc:
        history = read_history(directory)
        if exc.code != "instance_no_keyset" or history.highest == 0:
            raise
        return history.witnesses


def remember_number(directory: Path, number: int, *, day: datetime.date) -> None:
    """
    Remember that a keyset was in force which is not here.

    Args:
        directory: The instance.
        number: Of that keyset; nothing is done if a higher one is remembered.
        day: For the file's times.

    Raises:
        InstanceError: `instance_history`: what is remembered is damaged.
    """
    history = read_history(directory)
    if history.highest < number:
        history = dataclasses.replace(history, highest=number)
        save_file(directory / HISTORY_NAME, _format_history(history), day=day)


class KeysetWatch:
    """
    The keyset as a running service sees it: a newly installed one is found without a restart.

    Args:
        directory: The instance.
        root: The pinned desk root.
        minimum: The lowest number accepted.
    """

    def __init__(self, directory: Path, *, root: Verifier, minimum: int) -> None:
        self._directory = directory
        self._root = root
        self._minimum = minimum
        self._stamp: tuple[int, int, int] | None = None
        self._installed: InstalledKeyset | None = None

    def read(self) -> InstalledKeyset:
        """
        Give the keyset, read again if its file changed.

        Returns:
            The keyset; it may have expired.

        Raises:
            InstanceError: there is none.
            KeysetError: it must not be used: see its reason.
        """
        stamp = None
        with contextlib.suppress(FileNotFoundError):
            # Its modification time is a day's, and an inode is given again after some renames; the
            # time of its last change cannot be set by anybody.
            status = (self._directory / KEYSET_NAME).stat()
            stamp = (status.st_ino, status.st_ctime_ns, status.st_size)
        if self._installed is None or stamp is None or stamp != self._stamp:
            self._installed = None
            self._installed = read_keyset(self._directory, root=self._root, minimum=self._minimum)
            self._stamp = stamp
        return self._installed

    def end(self, installed: InstalledKeyset, *, day: datetime.date) -> None:
        """
        Overwrite and remove a keyset; another that was installed since stays. Its witnesses are
        remembered: they sign the last checkpoints of a line that is running out.

        Args:
            installed: As it was read.
            day: For the directory's times.

        Raises:
            FileError: something else was read back.
            InstanceError: `instance_history`: what is remembered is damaged.
            OSError: the disk refuses.
        """
        path = self._directory / KEYSET_NAME
        if path.read_bytes() == installed.note:
            history = dataclasses.replace(
                read_history(self._directory), witnesses=installed.keyset.witnesses
            )
            save_file(self._directory / HISTORY_NAME, _format_history(history), day=day)
            overwrite_file(path)
            blur_times(self._directory, day=day)


def _check_same(directory: Path, untrusted: bytes, *, number: int, root: Verifier) -> None:
    try:
        installed = read_quietly(directory / KEYSET_NAME, length=MAX_KEYSET_BYTES + 1)
        installed_number = verify_past_keyset(installed, root=root).number
    except (FileNotFoundError, CryptoError):
        # After a crash none may lie there, and what does not verify was shown to nobody.
        return
    if installed_number == number and installed != untrusted:
        raise KeysetError("keyset_forked", number=number)


def _parse_history(value: Mapping[str, Any]) -> KeysetHistory:
    return KeysetHistory(
        highest=parse_integer(str(value["highest"])),
        superseded={
            parse_integer(number): parse_day(day) for number, day in value["superseded"].items()
        },
        witnesses=tuple(WitnessVerifier.parse(one) for one in value.get("witnesses", ())),
    )


def _format_history(history: KeysetHistory) -> bytes:
    superseded = {str(number): day.isoformat() for number, day in history.superseded.items()}
    fields: dict[str, Any] = {"highest": history.highest, "superseded": superseded}
    if history.witnesses:
        fields["witnesses"] = [one.format() for one in history.witnesses]
    return format_json(fields) + b"\n"
