"""
A line handed over to another operator: everything goes into one sealed file, then it dies here.

1. `write_handover`: OUT has all that a backup has, and besides the slots, the state of the clock
   and the partial uploads. The slots are sealed anew, under a key that lies in OUT alone: what
   seals them here, a TPM or a credential, stays here, and their new place has its own. The log in
   OUT will say `handed_over`; the one that stays here does not, so that the log never has two
   ends. From then on nobody opens the line here.
2. `cancel_handover`: the line is gone on with here. OUT has to go: it opens what it holds.
3. `end_handover`, when the new operator has opened OUT: it is read and hashed once more, then every
   slot and every key here is overwritten and read back, database and envelopes are removed.

docs/how-to/close-a-line.md.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from crypto.age.hybrid import HybridRecipient
from crypto.randomness import system_random
from crypto.secret import Secret
from retention.log.entry import CloseStep
from retention.policy import Event, RecordClass
from retention.slot import SECRET_BYTES
from tipline.archive import Kept
from tipline.backing_up import hold_copy
from tipline.backup import (
    KIND_HANDOVER,
    SLOTS_NAME,
    TRANSPORT_KEY_NAME,
    Head,
    hash_file,
    list_kept,
    write_backup,
)
from tipline.closing import CLOSING_NAME, Closing, format_closing, load_closing
from tipline.configuration import CONFIGURATION_NAME
from tipline.day_keeper import STATE_NAME
from tipline.errors import FileError, InstanceError
from tipline.files import make_private_directory, save_file, sync_directory
from tipline.instance import (
    HANDING_OVER_NAME,
    VERIFIERS_NAME,
    Instance,
    load_log_signer,
    take_lock,
)
from tipline.log_database import LOG_NAME, copy_log_database
from tipline.log_mark import MARK_NAME
from tipline.log_store import LogStore
from tipline.service.database import DATABASE_NAME
from tipline.service.ending import shut, state_step
from tipline.service.envelope_files import ENVELOPES_NAME, PARTIAL_NAME, EnvelopeFiles
from tipline.service.schema import VERSION
from tipline.slots import SLOT_FILE_NAME, find_slot_folders, pack_slots


def write_handover(
    instance: Instance,
    out: Path,
    *,
    recipients: Sequence[HybridRecipient],
    today: datetime.date,
    environment: Mapping[str, str],
    on_bytes: Callable[[int], None] = lambda count: None,
) -> str:
    """
    Seal everything that a line has to its new operator.

    Args:
        instance: Opened, and so locked. Its store was opened and shut before: nothing waits in the
            database's WAL.
        out: The file; nothing has its name.
        recipients: The new operator.
        today: By the clock that is trusted.
        environment: Of the process, for the slot file's root.
        on_bytes: Told how many bytes were read.

    Returns:
        SHA-256 of the file, as read back.

    Raises:
        InstanceError: `handover_ending`.
        SlotError: the slot file or its root does not hold.
        FileError: OUT is there already.
        OSError: a disk refuses.
    """
    directory = instance.directory
    check_handover(directory)
    if out.exists() or out.is_symlink():
        raise FileError("file_exists", path=str(out))
    head = Head(
        kind=KIND_HANDOVER,
        made_on=today,
        dies_on=instance.policy.dies_on(RecordClass.BACKUP, {Event.MADE: today}),
        root=instance.configuration.root.format(),
        schema=VERSION,
    )
    closing = Closing(step=CloseStep.HANDED_OVER, on=today)
    with hold_copy(directory) as copy:
        if copy.exists():
            shutil.rmtree(copy)  # of a backup that was cut short
        make_private_directory(copy)
        shutil.copyfile(directory / DATABASE_NAME, copy / DATABASE_NAME)
        EnvelopeFiles(directory, today=lambda: today).link_all(copy / ENVELOPES_NAME)
        _copy_log(directory, copy / LOG_NAME, closing=closing, today=today)
        key = Secret(system_random(SECRET_BYTES))
        make_private_directory(copy / SLOTS_NAME)
        pack_slots(
            directory,
            instance.configuration.slots,
            copy / SLOTS_NAME / SLOT_FILE_NAME,
            key=key,
            environment=environment,
        )
        digest = write_backup(
            out,
            list(_list_all(instance, copy, head=head, closing=closing, key=key)),
            recipients=recipients,
            # Before OUT has its name: there is never a second one of a line that goes on here.
            before_named=lambda: _mark(directory, "", today=today),
            on_bytes=on_bytes,
        )
        _mark(directory, digest, today=today)
    return digest


def check_handover(directory: Path) -> None:
    """
    Hold that a line may be handed over: what was announced to everybody is not undone by it.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `handover_ending`: its end was announced.
    """
    closing = load_closing(directory)
    if closing is not None and closing.step not in (CloseStep.CANCELLED, CloseStep.HANDED_OVER):
        raise InstanceError("handover_ending", day=closing.on.isoformat())


def cancel_handover(directory: Path) -> None:
    """
    Go on with a line here. Whoever has the file that was written has to let it go.

    Args:
        directory: The instance.

    Raises:
        InstanceError: `handover_none`: none was begun; `line_ended`: it has ended here, or begun to
            end, and OUT is all there is; or the line is in use.
    """
    with _lock(directory):
        _read_mark(directory)
        # Written before the first key is overwritten.
        if (directory / VERIFIERS_NAME).exists():
            raise InstanceError("line_ended", path=str(directory))
        (directory / HANDING_OVER_NAME).unlink()
        sync_directory(directory)


def end_handover(
    directory: Path, out: Path, *, day: datetime.date, environment: Mapping[str, str]
) -> None:
    """
    Destroy what a line has here, when its new operator has opened OUT. May be done again.

    Args:
        directory: The instance.
        out: The file that was written; it is read and hashed once more.
        day: For the files' times.
        environment: Of the process, for the slot file's root.

    Raises:
        InstanceError: `handover_none`: none was begun; `handover_other`: OUT is not what was
            written, and nothing was done.
        SlotError: a slot is left, or may be.
        OSError: the disk refuses; nothing may be said to be gone.
    """
    with _lock(directory):
        digest = _read_mark(directory)
        with out.open("rb") as file:
            if hash_file(file) != digest:
                raise InstanceError("handover_other", path=str(out))
        shut(directory, day=day, environment=environment, step=CloseStep.HANDED_OVER)


def _list_all(
    instance: Instance, copy: Path, *, head: Head, closing: Closing, key: Secret
) -> Iterator[Kept]:
    directory = instance.directory
    kept = list_kept(directory, copy, head=head)
    yield next(kept)  # the head is first
    # Second: it is never written to a disk, and has to be found again after a crash.
    yield Kept(name=TRANSPORT_KEY_NAME, content=key.reveal())
    yield Kept(name=CLOSING_NAME, content=format_closing(closing))
    yield from (one for one in kept if one.name != CLOSING_NAME)
    for path in sorted((directory / PARTIAL_NAME).iterdir()):
        yield Kept(name=f"{PARTIAL_NAME}/{path.name}", path=path)
    folder, _ = find_slot_folders(directory, instance.configuration.slots)
    for name in (STATE_NAME, MARK_NAME):
        if (folder / name).exists():
            yield Kept(name=f"{SLOTS_NAME}/{name}", path=folder / name)
    name = f"{SLOTS_NAME}/{SLOT_FILE_NAME}"
    yield Kept(name=name, path=copy / name)


def _copy_log(directory: Path, path: Path, *, closing: Closing, today: datetime.date) -> None:
    """Copy the log, and let the copy say that somebody else goes on with it."""
    copy_log_database(directory, path)
    verifier = load_log_signer(directory).verifier()
    # What was shown is remembered beside the real slot file, and goes along; not beside the copy.
    log = LogStore(path.parent, verifier=verifier, today=lambda: today, mark_folder=path.parent)
    with contextlib.closing(log):
        log.queue(state_step(CloseStep.HANDED_OVER, closing, on=today))


def _mark(directory: Path, digest: str, *, today: datetime.date) -> None:
    save_file(directory / HANDING_OVER_NAME, digest.encode("ascii"), day=today)


def _read_mark(directory: Path) -> str:
    try:
        return (directory / HANDING_OVER_NAME).read_text("ascii")
    except FileNotFoundError as exc:
        raise InstanceError("handover_none", path=str(directory)) from exc


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[None]:
    if not (directory / CONFIGURATION_NAME).is_file():
        raise InstanceError("instance_missing", path=str(directory))
    lock = take_lock(directory)
    try:
        yield
    finally:
        os.close(lock)
