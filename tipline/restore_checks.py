"""
What speaks against putting a backup into a directory. Looks, and changes nothing.

Rules:
1. The directory is a line, or empty, or new: a name typed wrong must not lock anybody out.
2. A line that has ended, or is being handed over, gets no key back.
3. What can be told by the backup's head is told before anything is written; the rest before
   anything is put into its place.
4. A log is gone on from only where it is known to be the newest, or a person takes the consequence.
5. A slot file that another program or another line uses is not touched: the keys of what this
   backup does not name would be destroyed.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from crypto.errors import MalformedError
from retention.log.entry import CloseStep, EntryType
from tipline.backing_up import PARTIAL_RESTORING_NAME
from tipline.backup import KIND_HANDOVER, SINGLE_NAMES, Head
from tipline.clock import BootClock, Clock
from tipline.configuration import (
    CONFIGURATION_NAME,
    Configuration,
    SlotRootChoice,
    SlotSettings,
    load_configuration,
    parse_configuration,
)
from tipline.day_keeper import find_clock_folder, tell_time
from tipline.errors import InstanceError
from tipline.instance import (
    HANDING_OVER_NAME,
    KEYS_NAME,
    LOG_KEY_NAME,
    POLICY_NAME,
    RESTORING_NAME,
    RUN_NAME,
    SERVICE_KEY_NAME,
    TOR_NAME,
    VERIFIERS_NAME,
    load_log_signer,
    load_signer,
)
from tipline.log_database import LOG_FILES, LOG_NAME
from tipline.log_mark import check_length, read_mark
from tipline.restored_log import compare_logs, count_entries, find_last
from tipline.service.database import DATABASE_NAME, INDEX_NAME, JOURNAL_NAME, WAL_NAME
from tipline.service.envelope_files import ENVELOPES_NAME, PARTIAL_NAME
from tipline.service.restored_rows import count_lost_holds, list_tips
from tipline.slot_owner import find_other_owner, has_lost_its_database
from tipline.slots import (
    NEW_SLOT_FILE_NAME,
    SLOT_FILE_NAME,
    check_slots_unused,
    find_slot_folders,
)
from tipline.unpacking import read_head

# What a line's directory may still have when its configuration is lost.
_REMNANTS: Final = frozenset(
    {
        *SINGLE_NAMES,
        HANDING_OVER_NAME,
        VERIFIERS_NAME,
        *LOG_FILES,
        DATABASE_NAME,
        WAL_NAME,
        JOURNAL_NAME,
        INDEX_NAME,
        KEYS_NAME,
        TOR_NAME,
        RUN_NAME,
        ENVELOPES_NAME,
        PARTIAL_NAME,
        RESTORING_NAME,
        PARTIAL_RESTORING_NAME,
        "slots",
        "mirror",
        "lost+found",  # where the directory is a file system of its own
    }
)


# What every line has, and so every backup.
_MEMBERS: Final = (
    CONFIGURATION_NAME,
    POLICY_NAME,
    f"{KEYS_NAME}/{SERVICE_KEY_NAME}",
    f"{KEYS_NAME}/{LOG_KEY_NAME}",
    LOG_NAME,
    DATABASE_NAME,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """
    How a backup is to be put back.

    Args:
        slots: Where the slot file is by now; None: where the configuration says.
        slot_root: What a slot file that is made here is sealed under; None: what the configuration
            says.
        new_slots: Begin with a new slot file: the old one is lost, and all that was stored with it.
        replace: Put it in the place of a database that opens.
        older_log: Go on from a log of which more was shown, or may have been.
    """

    slots: str | None = None
    slot_root: SlotRootChoice | None = None
    new_slots: bool = False
    replace: bool = False
    older_log: bool = False

    def makes_slots(self, head: Head) -> bool:
        """Tell whether a slot file is made when this backup is put back."""
        return self.new_slots or head.kind == KIND_HANDOVER


def check_directory(directory: Path) -> None:
    """
    Hold that a backup may be put into a directory at all.

    Args:
        directory: New, empty, or a line's.

    Raises:
        InstanceError: `restore_directory`, `line_ended`, `line_handed_over`.
    """
    if not directory.exists():
        return
    names = {path.name for path in directory.iterdir()} if directory.is_dir() else {""}
    # What was begun by us may have left a name that no line has.
    is_ours = not names.isdisjoint({CONFIGURATION_NAME, RESTORING_NAME})
    if not is_ours and not names <= _REMNANTS:
        raise InstanceError("restore_directory", path=str(directory))
    if HANDING_OVER_NAME in names and VERIFIERS_NAME not in names:
        raise InstanceError("line_handed_over", path=str(directory))
    last = find_last(directory / LOG_NAME, EntryType.CLOSE) if LOG_NAME in names else None
    steps = (CloseStep.KEYS_DESTROYED, CloseStep.CLOSED)
    if VERIFIERS_NAME in names or (last is not None and last.fields["step"] in steps):
        raise InstanceError("line_ended", path=str(directory))


def load_wished_configuration(directory: Path, folder: Path, wishes: Wishes) -> Configuration:
    """
    Load the configuration that a restored line will have.

    Args:
        directory: Of the line; the one that is there counts.
        folder: Into which the backup was unpacked.
        wishes: What is changed in it.

    Returns:
        The configuration.

    Raises:
        ConfigurationError: it does not hold.
    """
    there = (directory / CONFIGURATION_NAME).is_file()
    configuration = load_configuration(directory if there else folder)
    slots = configuration.slots
    if wishes.slots is not None:
        slots = dataclasses.replace(slots, path=wishes.slots)
    if wishes.slot_root is not None:
        slots = dataclasses.replace(slots, root=wishes.slot_root)
    return dataclasses.replace(configuration, slots=slots)


def word_wished_configuration(directory: Path, folder: Path, wishes: Wishes) -> bytes | None:
    """
    Write down the configuration that a restored line will have.

    Args:
        directory: Of the line; the one that is there counts.
        folder: Into which the backup was unpacked.
        wishes: What is changed in it.

    Returns:
        The file; None if nothing is changed.

    Raises:
        ConfigurationError: it does not hold.
        InstanceError: `restore_configuration`: it is written in a way that cannot be changed here.
    """
    changes = {"path": wishes.slots, "root": wishes.slot_root}
    there = (directory / CONFIGURATION_NAME).is_file()
    path = (directory if there else folder) / CONFIGURATION_NAME
    content = path.read_bytes()
    before, section, changed = content.decode().partition("[slots]")
    for name, value in changes.items():
        if value is not None:
            line = f"{name} = {json.dumps(value)}"
            changed = re.sub(rf"(?m)^{name}\s*=.*$", lambda _, line=line: line, changed, count=1)  # type: ignore[misc]
    wished = (before + section + changed).encode()
    if parse_configuration(wished) != load_wished_configuration(directory, folder, wishes):
        raise InstanceError("restore_configuration", path=str(path))
    return None if wished == content else wished


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """
    The checks of one restore.

    Args:
        directory: Of the line.
        wishes: How.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.
        has_made_slots: Whether this very restore may have made a slot file already.
    """

    directory: Path
    wishes: Wishes
    clock: Clock
    boot_clock: BootClock
    has_made_slots: bool = False

    def check_head(self, head: Head) -> None:
        """
        Hold a backup's head against the line that is there, if one is.

        Args:
            head: Of the backup, of which nothing was written yet.

        Raises:
            InstanceError: it must not be put back here.
            SlotError: `slot_file_in_use`.
        """
        if (self.directory / CONFIGURATION_NAME).is_file():
            self._check(
                head, load_wished_configuration(self.directory, self.directory, self.wishes)
            )

    def check_age(self, head: Head, folder: Path) -> None:
        """
        Hold that a backup may still be used.

        Args:
            head: Of the backup.
            folder: Into which it was unpacked.

        Raises:
            InstanceError: `backup_expired`, `backup_ahead`.
        """
        configuration = load_wished_configuration(self.directory, folder, self.wishes)
        self._check_age(head, configuration.slots)

    def check_unpacked(self, folder: Path) -> Head:
        """
        Hold all of a backup against what is there.

        Args:
            folder: Into which it was unpacked.

        Raises:
            MalformedError: something is missing that every backup has, or cannot be read.
            InstanceError: it must not be put back here, or not as it is wished.
            SlotError: `slot_file_in_use`.
        """
        head = read_head(folder)
        if not all((folder / name).is_file() for name in _MEMBERS):
            raise MalformedError("backup member")
        tips = list_tips(folder / DATABASE_NAME)
        if tips is None:
            raise MalformedError("backup database")
        try:
            count_entries(folder / LOG_NAME)
        except InstanceError as exc:
            raise MalformedError("backup log") from exc
        configuration = load_wished_configuration(self.directory, folder, self.wishes)
        self._check(head, configuration)
        self._check_log(head, folder, find_clock_folder(self.directory, configuration.slots))
        for name, load in ((SERVICE_KEY_NAME, load_signer), (LOG_KEY_NAME, load_log_signer)):
            load(self.directory if (self.directory / KEYS_NAME / name).exists() else folder)
        word_wished_configuration(self.directory, folder, self.wishes)
        try:
            self._check_replaced(folder / DATABASE_NAME, tips)
        finally:
            # Beside a database with a WAL, whoever looks makes one; and nobody else is here.
            (self.directory / INDEX_NAME).unlink(missing_ok=True)
        return head

    def _check_replaced(self, restored: Path, tips: set[bytes]) -> None:
        path = self.directory / DATABASE_NAME
        there = list_tips(path)
        if there is None:
            return
        # What a hold keeps beyond its day opens by the hold alone, and a hold is ended by the word
        # of two persons, not by an option of a command.
        ended = count_lost_holds(path, restored)
        if ended:
            raise InstanceError("restore_holds", path=str(self.directory), count=ended)
        if not self.wishes.replace:
            newer = len(there - tips)
            raise InstanceError("restore_database_opens", path=str(self.directory), count=newer)

    def _check(self, head: Head, configuration: Configuration) -> None:
        if configuration.root.format() != head.root:
            raise InstanceError("restore_other_line", path=str(self.directory))
        self._check_age(head, configuration.slots)
        self._check_slots(head, configuration.slots)

    def _check_age(self, head: Head, slots: SlotSettings) -> None:
        # By the day to which a clock may have jumped, that waits for a person after days without
        # power: a backup that is over must not come back because nobody said yet which day it is.
        today = self._latest_day(slots)
        if head.made_on > today:
            raise InstanceError(
                "backup_ahead", made_on=head.made_on.isoformat(), today=today.isoformat()
            )
        if today >= head.dies_on:
            raise InstanceError(
                "backup_expired", made_on=head.made_on.isoformat(), dies_on=head.dies_on.isoformat()
            )

    def _latest_day(self, slots: SlotSettings) -> datetime.date:
        folder = find_clock_folder(self.directory, slots)
        return tell_time(folder, clock=self.clock, boot_clock=self.boot_clock).latest_day

    def _check_slots(self, head: Head, slots: SlotSettings) -> None:
        folders = [one for one in find_slot_folders(self.directory, slots) if one is not None]
        is_there = any((one / SLOT_FILE_NAME).exists() for one in folders)
        makes_slots = self.wishes.makes_slots(head)
        if self.wishes.slot_root is not None and not makes_slots:
            raise InstanceError("restore_slot_root", path=str(folders[0]))
        if is_there == makes_slots:
            code = "restore_slots_there" if is_there else "restore_slots_missing"
            raise InstanceError(code, path=str(folders[0]))
        if makes_slots:
            self._check_left_slots(folders)
            return
        check_slots_unused(self.directory, slots)
        for folder in folders:
            other = find_other_owner(folder, self.directory)
            if other is not None and not has_lost_its_database(other):
                raise InstanceError("slots_of_another", path=str(folder), line=str(other))

    def _check_left_slots(self, folders: Iterable[Path]) -> None:
        for folder in folders:
            left = folder / NEW_SLOT_FILE_NAME
            if left.exists() and not self.has_made_slots:
                raise InstanceError("restore_slots_left", path=str(left))

    def _check_log(self, head: Head, folder: Path, clock_folder: Path) -> None:
        is_there = (self.directory / LOG_NAME).exists()
        log = (self.directory if is_there else folder) / LOG_NAME
        if is_there:
            compare_logs(log, folder / LOG_NAME)
        # How far a log that is taken over was shown comes with its slots.
        if self.wishes.older_log or head.kind == KIND_HANDOVER:
            return
        if read_mark(clock_folder) is None:
            # Nothing here knows how far the log was shown since: a person has to. One that is there
            # may be of an old copy of the disk.
            # Beside the slot file of a line that was never served nothing tells, and nothing was
            # shown.
            count = count_entries(log)
            if count or not is_there or self.wishes.new_slots:
                raise InstanceError("restore_log_unknown", count=count)
        check_length(clock_folder, log)
