"""
Keyset, policy and end of a restored line, where its log knows of newer ones than the backup.

Rules:
1. A file that is there counts; this is of what is missing there and would come from the backup.
   Only a policy with a longer period than the log told last does not: it may be an older one.
2. Of keysets the one with the higher number counts, wherever it lies: a reader who was taken out
   since could open new tips again.
3. The policy and the end are written as the log told them last: a longer period never comes back,
   and a line that stopped takes no tips again.
"""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from crypto.keyset import verify_past_keyset
from crypto.note import Verifier
from crypto.strict import parse_day
from retention.errors import PolicyError
from retention.log.entry import CloseStep, EntryType
from retention.policy import Policy, parse_periods, parse_policy
from tipline.closing import CLOSING_NAME, Closing, save_closing
from tipline.example import format_policy
from tipline.files import save_file
from tipline.instance import POLICY_NAME
from tipline.keysets import HISTORY_NAME, KEYSET_NAME, read_history, remember_number
from tipline.log_database import LOG_NAME
from tipline.restored_log import find_last

NO_KEYSET: Final = 0  # keysets are numbered from 1 on


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Newer:
    """
    What was not taken from a backup, because the log knows of a newer one.

    Args:
        keyset: The number of the keyset that the log told last and that is not here; 0 if it is.
        policy: Whether the policy was written as the log told it.
    """

    keyset: int = NO_KEYSET
    policy: bool = False


def place_newer(directory: Path, folder: Path, *, root: Verifier, day: datetime.date) -> Newer:
    """
    Write what the log knows better than the backup. May be done again.

    Args:
        directory: The instance, with its own log.
        folder: Into which the backup was unpacked. Its keyset must not be taken if `keyset` of what
            is returned is not 0.
        root: The desk root.
        day: For the files' times.

    Returns:
        What.

    Raises:
        InstanceError: the log or the keyset's history is damaged.
        OSError: the disk refuses.
    """
    log = directory / LOG_NAME
    _place_closing(log, directory, day=day)
    return Newer(
        keyset=_find_missing_keyset(log, directory, folder, root=root, day=day),
        policy=place_policy(directory, folder, day=day),
    )


def place_policy(directory: Path, folder: Path, *, day: datetime.date) -> bool:
    """
    Write the policy as the log told it last, if it knows better. May be done again.

    Args:
        directory: The instance, with the log that it will have.
        folder: Into which the backup was unpacked.
        day: For the file's times.

    Returns:
        Whether it was written.

    Raises:
        InstanceError: the log is damaged.
        OSError: the disk refuses.
    """
    last = find_last(directory / LOG_NAME, EntryType.POLICY)
    if last is None:
        return False
    told = parse_periods(dict(last.fields["periods"]))
    is_there = (directory / POLICY_NAME).exists()
    try:
        policy = parse_policy(((directory if is_there else folder) / POLICY_NAME).read_bytes())
    except (FileNotFoundError, PolicyError):
        if is_there:  # a person is writing it
            return False
    else:
        # What a person has written since counts, unless it is longer: that may be an older one.
        if policy == told or (is_there and not _is_longer(policy, told)):
            return False
    text = format_policy(told.periods, translate=lambda text: text)
    save_file(directory / POLICY_NAME, text, day=day)
    return True


def remove_older_keyset(directory: Path, folder: Path, *, root: Verifier) -> None:
    """
    Let go of a keyset that is older than the backup's, and of what it remembers.

    Args:
        directory: The instance.
        folder: Into which the backup was unpacked.
        root: The desk root.
    """
    there, restored = (_read_number(one, root=root) for one in (directory, folder))
    if NO_KEYSET < there < restored:
        if read_history(directory).highest <= restored:
            (directory / HISTORY_NAME).unlink(missing_ok=True)
        (directory / KEYSET_NAME).unlink()


def _read_number(directory: Path, *, root: Verifier) -> int:
    try:
        return verify_past_keyset((directory / KEYSET_NAME).read_bytes(), root=root).number
    except (FileNotFoundError, CryptoError):
        return NO_KEYSET


def _place_closing(log: Path, directory: Path, *, day: datetime.date) -> None:
    last = find_last(log, EntryType.CLOSE)
    if last is not None and not (directory / CLOSING_NAME).exists():
        on = parse_day(last.fields["closes_on"])
        save_closing(directory, Closing(step=CloseStep(last.fields["step"]), on=on), day=day)


def _find_missing_keyset(
    log: Path, directory: Path, folder: Path, *, root: Verifier, day: datetime.date
) -> int:
    last = find_last(log, EntryType.KEYSET)
    if last is None or (directory / KEYSET_NAME).exists():
        return NO_KEYSET
    try:
        restored = verify_past_keyset((folder / KEYSET_NAME).read_bytes(), root=root)
    except (FileNotFoundError, CryptoError):
        restored = None
    number = int(last.fields["number"])
    if restored is not None and (
        restored.number > number
        or (restored.number == number and restored.sha256 == last.fields["sha256"])
    ):
        return NO_KEYSET
    remember_number(directory, number, day=day)
    return number


def _is_longer(policy: Policy, told: Policy) -> bool:
    return any(
        days > told.periods[one][event]
        for one, periods in policy.periods.items()
        for event, days in periods.items()
    )
