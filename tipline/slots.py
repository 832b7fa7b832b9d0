"""
A line's slot file: where it lies, made and opened as the configuration says.

    PATH/               0700, "slots" in the instance, or the root of a file system of its own
      slot-file         the secrets that can die; never in a backup
      slot-file.line    whose it is (`slot_owner.py`)
    MIRROR/             the same on a second device

A lost slot file is never begun anew by itself, because everything stored is dead without it. Only
where the operator chose memory (`slots.volatile`) it is: then that death is what was asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import SlotError
from retention.slot import SECRET_BYTES
from retention.slot_disk import FileDisk
from retention.slot_file import SlotFile
from retention.slot_moving import move_slots
from retention.slot_root import CredentialRoot, PlainRoot, SlotRoot
from retention.tpm_root import TpmRoot
from tipline.configuration import SlotRootChoice, SlotSettings
from tipline.errors import ConfigurationError, PermissionsError
from tipline.files import make_private_directory

SLOT_FILE_NAME: Final = "slot-file"
NEW_SLOT_FILE_NAME: Final = "slot-file.restoring"  # no line uses it under this name
CREDENTIALS_VARIABLE: Final = "CREDENTIALS_DIRECTORY"  # systemd.exec(5), "Credentials"
CREDENTIAL_NAME: Final = "tipline-slot-root"
EVERYBODY_MASK: Final = 0o007
TCTI_VARIABLE: Final = "TPM2TOOLS_TCTI"  # tpm2-tools' own: how they reach the TPM


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSlots:
    """
    An opened slot file.

    Args:
        file: The slot file.
        begun_anew: Whether the old one was lost with the memory it lay in: every record that a row
            names is dead.
    """

    file: SlotFile
    begun_anew: bool


def find_slot_folders(directory: Path, settings: SlotSettings) -> tuple[Path, Path | None]:
    """
    Tell where the slot file and its mirror lie.

    Args:
        directory: The instance.
        settings: Of its configuration. Paths that do not begin with / are within the instance.

    Returns:
        The slot file's directory, and the mirror's or None.
    """
    mirror = directory / settings.mirror if settings.mirror else None
    return directory / settings.path, mirror


def settle_path(typed: str, directory: Path) -> str:
    """
    Say for `tipline.toml` which directory a person named.

    Args:
        typed: As it was typed, in the directory in which the person is.
        directory: Of the line; what the configuration names is relative to it.

    Returns:
        The path: relative if it lies in the line's directory, which can be moved, else absolute.
    """
    # Not resolved: a link that the operator set is meant as it stands there.
    folder, line = Path(os.path.abspath(typed)), Path(os.path.abspath(directory))  # noqa: PTH100
    return str(folder.relative_to(line) if folder.is_relative_to(line) else folder)


def create_slots(
    directory: Path,
    settings: SlotSettings,
    *,
    environment: Mapping[str, str],
    random: RandomSource = system_random,
    name: str = SLOT_FILE_NAME,
) -> None:
    """
    Make a line's slot file.

    Args:
        directory: The instance.
        settings: Of its configuration.
        environment: Of the process: systemd names the credentials' directory there.
        random: Where the file's id comes from.
        name: Of the slot file, and of its mirror.

    Raises:
        SlotError: `slot_file_exists`, `slot_file_unsafe`, or the root cannot be made.
        ConfigurationError: `slots_credential`: systemd hands over no such credential.
        PermissionsError: everybody can read the credential.
        OSError: a disk refuses.
    """
    root = load_slot_root(settings, environment=environment, random=random)
    folder, mirror = find_slot_folders(directory, settings)
    folders = [folder] if mirror is None else [folder, mirror]
    for one in folders:
        make_private_directory(one)
    try:
        SlotFile.create(
            folder / name,
            None if mirror is None else mirror / name,
            root,
            random=random,
        )
    except SlotError:
        for one in folders:
            _remove_attempt(one / name)
        raise


def _remove_attempt(file: Path) -> None:
    """Remove what a refused attempt made; never a slot file in which something stands."""
    with contextlib.suppress(OSError):  # something else lies there, or is mounted there
        if file.stat().st_size == 0:
            file.unlink()
            file.parent.rmdir()


def open_slots(
    directory: Path,
    settings: SlotSettings,
    *,
    environment: Mapping[str, str],
    random: RandomSource = system_random,
    name: str = SLOT_FILE_NAME,
) -> OpenedSlots:
    """
    Open a line's slot file.

    Args:
        directory: The instance, locked by the caller.
        settings: Of its configuration.
        environment: Of the process: systemd names the credentials' directory there.
        random: Where places, nonces and the first round of an overwrite come from.
        name: Of the slot file, and of its mirror.

    Returns:
        The slot file; the caller calls `reconcile` before the first `put`.

    Raises:
        SlotError: the file, its mirror or its root does not hold.
        ConfigurationError: `slots_credential`: systemd hands over no such credential.
        PermissionsError: everybody can read the credential.
        OSError: a disk refuses.
    """
    folder, mirror = find_slot_folders(directory, settings)
    path = folder / name
    mirror_path = None if mirror is None else mirror / name
    root = load_slot_root(settings, environment=environment, random=random)
    try:
        return OpenedSlots(file=SlotFile(path, mirror_path, root, random=random), begun_anew=False)
    except SlotError as exc:
        if exc.code != "slot_file_missing" or not settings.volatile:
            raise
    create_slots(directory, settings, environment=environment, random=random, name=name)
    return OpenedSlots(file=SlotFile(path, mirror_path, root, random=random), begun_anew=True)


def check_slots_unused(directory: Path, settings: SlotSettings) -> None:
    """
    Hold that no program has a line's slot file open, whatever directory it came from.

    Args:
        directory: The instance.
        settings: Of its configuration.

    Raises:
        SlotError: `slot_file_in_use`, `slot_file_unsafe`.
        OSError: a disk refuses.
    """
    for folder in find_slot_folders(directory, settings):
        if folder is not None and (folder / SLOT_FILE_NAME).exists():
            FileDisk.open(folder / SLOT_FILE_NAME).close()


def pack_slots(
    directory: Path,
    settings: SlotSettings,
    target: Path,
    *,
    key: Secret,
    environment: Mapping[str, str],
    random: RandomSource = system_random,
) -> None:
    """
    Write a line's slot file once more for another machine, sealed under a key that goes with it.

    Args:
        directory: The instance, locked by the caller; its store is shut.
        settings: Of its configuration.
        target: Where to; nothing has its name.
        key: 32 bytes, used once.
        environment: Of the process: systemd names the credentials' directory there.
        random: Where ids and nonces come from.

    Raises:
        SlotError: the file, its mirror or its root does not hold.
        ConfigurationError: `slots_credential`: systemd hands over no such credential.
        PermissionsError: everybody can read the credential.
        OSError: a disk refuses.
    """
    folder, mirror = find_slot_folders(directory, settings)
    move_slots(
        folder / SLOT_FILE_NAME,
        target,
        mirror=None if mirror is None else mirror / SLOT_FILE_NAME,
        old=load_slot_root(settings, environment=environment, random=random),
        new=CredentialRoot(key, random=random),
        random=random,
    )


def unpack_slots(
    source: Path,
    directory: Path,
    settings: SlotSettings,
    *,
    key: Secret,
    environment: Mapping[str, str],
    random: RandomSource = system_random,
    name: str = SLOT_FILE_NAME,
) -> None:
    """
    Make a line's slot file of what `pack_slots` wrote elsewhere, sealed as this machine seals.

    Args:
        source: What was written; it stays.
        directory: The instance, without a slot file.
        settings: Of its configuration. The mirror is made when the line is opened.
        key: As it was packed under.
        environment: Of the process: systemd names the credentials' directory there.
        random: Where ids and nonces come from.
        name: Of the slot file.

    Raises:
        SlotError: `slot_root_other`: packed under another key; or this machine's root cannot be
            made.
        ConfigurationError: `slots_credential`: systemd hands over no such credential.
        PermissionsError: everybody can read the credential.
        OSError: a disk refuses.
    """
    folder, mirror = find_slot_folders(directory, settings)
    for one in (folder, mirror):
        if one is not None:
            make_private_directory(one)
    move_slots(
        source,
        folder / name,
        old=CredentialRoot(key, random=random),
        new=load_slot_root(settings, environment=environment, random=random),
        random=random,
    )


def load_slot_root(
    settings: SlotSettings, *, environment: Mapping[str, str], random: RandomSource
) -> SlotRoot:
    """
    Load what the slots' secrets are sealed under.

    Args:
        settings: Of the configuration.
        environment: Of the process.
        random: Where nonces come from.

    Returns:
        The root.

    Raises:
        ConfigurationError: `slots_credential`: systemd hands over no such credential.
        PermissionsError: everybody can read the credential.
    """
    if settings.root is SlotRootChoice.CREDENTIAL:
        return CredentialRoot(_read_credential(environment), random=random)
    if settings.root is SlotRootChoice.TPM:
        return TpmRoot(tcti=environment.get(TCTI_VARIABLE, ""), random=random)
    return PlainRoot()


def _read_credential(environment: Mapping[str, str]) -> Secret:
    path = Path(environment.get(CREDENTIALS_VARIABLE, "")) / CREDENTIAL_NAME
    try:
        # systemd may leave the file to root and let the service read it by an access list, which
        # shows as a right of the group. What everybody may read is refused.
        if path.stat().st_mode & EVERYBODY_MASK:
            raise PermissionsError("permissions_open", path=str(path))
        with path.open("rb") as file:
            key = Secret(file.read(SECRET_BYTES + 1))
    except FileNotFoundError as exc:
        raise ConfigurationError("slots_credential", name=CREDENTIAL_NAME) from exc
    if len(key) != SECRET_BYTES:
        raise ConfigurationError("slots_credential", name=CREDENTIAL_NAME)
    return key
