"""
What the disk of the slot file can promise, and what not.

An overwritten key is gone only where an overwrite reaches the block it was in. Looks at what the
kernel says of the file system, of the devices below it and of this machine; changes nothing.

Limitations: what a drive or a host does below what the kernel sees cannot be looked at. A file that
lies inside an ext4 inode (`inline_data`) would be kept in the journal; the slot file is too large
for that from its first byte on, so it is not asked.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tipline.configuration import SlotRootChoice, SlotSettings
from tipline.files import OTHERS_MASK
from tipline.finding import Finding, Level
from tipline.messages import N_
from tipline.slots import SLOT_FILE_NAME, find_slot_folders

KEEPING_OLD_BLOCKS: Final = frozenset({"btrfs", "zfs", "overlay", "bcachefs", "nilfs2", "f2fs"})
NOT_DURABLE: Final = frozenset({"tmpfs", "ramfs"})
OVER_NETWORK: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"})
# How cryptsetup begins the names that it gives to device-mapper (lib/libdevmapper.c,
# dm_prepare_uuid); two of its kinds check what is on the disk and do not encrypt it.
CRYPT_PREFIX: Final = "CRYPT-"
CRYPT_ONLY_CHECKING: Final = ("CRYPT-VERITY-", "CRYPT-INTEGRITY-")
SNAPSHOT_SUFFIXES: Final = ("-real", "-cow")  # LVM's: the hidden halves of a volume with a snapshot
VIRTUAL_PREFIXES: Final = ("vd", "xvd")  # virtio's and Xen's disks
NO_DEVICE: Final = "0:0"

# What was found, and what to do.
TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "slots_old_blocks": (
        N_(
            "the slot file in {path} lies on {kind}, which never writes in place: a key that was"
            " overwritten can still be found"
        ),
        N_("put it on a small ext4 partition of its own: slots.path in tipline.toml"),
    ),
    "slots_journal": (
        N_(
            "the slot file in {path} lies on ext4 with data=journal, which keeps copies of what is"
            " overwritten"
        ),
        N_("mount it with data=ordered"),
    ),
    "slots_network": (
        N_("the slot file in {path} lies on another machine ({kind})"),
        N_("put it on a disk of this machine: slots.path in tipline.toml"),
    ),
    "slots_xfs": (
        N_("the slot file in {path} lies on xfs: after a copy that shares blocks, keys stay in it"),
        N_("never copy it, or put it on ext4"),
    ),
    "slots_in_memory": (
        N_("the slot file in {path} lies in memory: the next start loses every tip not fetched"),
        N_("put it on a disk, or say that it is meant: slots.volatile = true in tipline.toml"),
    ),
    "slots_not_in_memory": (
        N_("slots.volatile is true, but {path} lies on a disk: a lost slot file would be no error"),
        N_("mount a tmpfs there, or set slots.volatile = false"),
    ),
    "slots_clear": (
        N_("keys lie in {path} without encryption: who takes the disk reads what is still kept"),
        N_("put the slot file on an encrypted partition (LUKS), or set slots.root"),
    ),
    "slots_credential_clear": (
        N_(
            "the keys in {path} are sealed under a credential, and this machine has no TPM that"
            " seals it: who takes the disk may have both"
        ),
        N_("put the slot file, or /var/lib/systemd, on an encrypted partition (LUKS)"),
    ),
    "slots_flash": (
        N_(
            "{device} is a flash disk: it can keep old copies of an overwritten key where no"
            " program reaches"
        ),
        N_("set slots.root to tpm where there is one; the log says overwritten, not destroyed"),
    ),
    "slots_virtual": (
        N_("{device} is a virtual disk: what its host keeps of it cannot be seen from here"),
        N_("ask whoever runs the host for no snapshots and no backups, or use a real machine"),
    ),
    "slots_snapshot": (
        N_("there is a snapshot of the volume of {path}: it keeps keys that were overwritten"),
        N_("remove the snapshot, and make none of this volume"),
    ),
    "slots_mirror_beside": (
        N_("the mirror in {path} is on the same device: one broken disk loses both"),
        N_("put it on a second disk: slots.mirror in tipline.toml"),
    ),
    "slots_missing": (
        N_("there is no slot file in {path}"),
        N_("mount the disk it lies on; without it, what is stored can never be opened again"),
    ),
    "slots_half_missing": (
        N_(
            "the directory {path} is missing, where the slot file or its mirror lies: the line does"
            " not start without both"
        ),
        N_("mount the disk it lies on; what was missed there is made up for by itself"),
    ),
    "slots_readable": (N_("others can read {path}"), N_("take the rights away: chmod go= {path}")),
    "slots_no_tpm": (
        N_("slots.root is tpm, but this machine has none"),
        N_("switch it on in the firmware; without its root the slots cannot be opened"),
    ),
    "hibernation": (
        N_("this machine can write its memory, with the keys in it, to the disk (hibernation)"),
        N_("switch it off: systemctl mask hibernate.target hybrid-sleep.target"),
    ),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """
    Where a path lies.

    Args:
        kind: Of the file system; empty if the kernel does not say.
        options: It was mounted with.
    """

    kind: str
    options: frozenset[str]


def examine_storage(
    directory: Path,
    settings: SlotSettings,
    *,
    mounts: Path = Path("/proc/self/mountinfo"),
    system: Path = Path("/sys"),
) -> Iterator[Finding]:
    """
    Look at what the slot file and its mirror lie on.

    Args:
        directory: The instance.
        settings: Of its configuration.
        mounts: What the kernel says of its mounts.
        system: Where the kernel shows its devices.

    Yields:
        What was found.
    """
    folder, mirror = find_slot_folders(directory, settings)
    folders = [folder] if mirror is None else [folder, mirror]
    there = [one for one in folders if (one / SLOT_FILE_NAME).exists()]
    if not there and not settings.volatile:
        yield _wrong("slots_missing", path=str(folder))
    for one in folders:
        if there and not one.is_dir():
            yield _wrong("slots_half_missing", path=str(one))
    mountinfo = mounts.read_text("utf-8")
    for one in there:
        yield from _examine_file(one / SLOT_FILE_NAME)
        yield from _examine_mount(one, find_mount(str(one.resolve()), mountinfo), settings)
        yield from _examine_device(one, settings, system)
    if len(there) == 2 and there[0].stat().st_dev == there[1].stat().st_dev:
        yield _warn("slots_mirror_beside", path=str(there[1]))
    if settings.root is SlotRootChoice.TPM and not _has_tpm(system):
        yield _wrong("slots_no_tpm")
    if _can_hibernate(system / "power"):
        yield _warn("hibernation")


def find_mount(path: str, mountinfo: str) -> Mount:
    """
    Tell on what a path is mounted.

    Args:
        path: Absolute, without links.
        mountinfo: What the kernel says of its mounts (proc(5), "mountinfo").

    Returns:
        The mount.
    """
    best, found = "", Mount(kind="", options=frozenset())
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        mounted = before.split()[4].replace("\\040", " ")
        inside = path == mounted or path.startswith(mounted.rstrip("/") + "/")
        # A later mount on the same place covers the earlier one.
        if inside and len(mounted) >= len(best):
            kind, _, options = after.split(" ", 2)
            best, found = mounted, Mount(kind=kind, options=frozenset(options.split(",")))
    return found


def is_encrypting(identity: str) -> bool:
    """
    Tell whether a device encrypts what is written to it.

    Args:
        identity: Its id in the device mapper; empty if it has none.

    Returns:
        True for LUKS and plain dm-crypt.
    """
    return identity.startswith(CRYPT_PREFIX) and not identity.startswith(CRYPT_ONLY_CHECKING)


def _examine_file(path: Path) -> Iterator[Finding]:
    for one in (path.parent, path):
        if one.stat().st_mode & OTHERS_MASK:
            yield _wrong("slots_readable", path=str(one))


def _examine_mount(path: Path, mount: Mount, settings: SlotSettings) -> Iterator[Finding]:
    kind = mount.kind
    # Under a TPM, whose root is replaced, an old block is of no use.
    if settings.root is not SlotRootChoice.TPM:
        if kind in KEEPING_OLD_BLOCKS:
            yield _warn("slots_old_blocks", path=str(path), kind=kind)
        if "data=journal" in mount.options:
            yield _warn("slots_journal", path=str(path))
    if kind in OVER_NETWORK:
        yield _wrong("slots_network", path=str(path), kind=kind)
    if kind == "xfs":
        yield _warn("slots_xfs", path=str(path))
    if kind in NOT_DURABLE and not settings.volatile:
        yield _wrong("slots_in_memory", path=str(path))
    if kind not in NOT_DURABLE and settings.volatile:
        yield _wrong("slots_not_in_memory", path=str(path))


def _examine_device(path: Path, settings: SlotSettings, system: Path) -> Iterator[Finding]:
    number = path.stat().st_dev
    device = system / "dev" / "block" / f"{os.major(number)}:{os.minor(number)}"
    if not device.exists():
        return  # memory, or a file system that hides its disks
    stack = list(_list_below(device.resolve()))
    identities = [_read(one / "dm" / "uuid") for one in stack]
    if not any(is_encrypting(one) for one in identities):
        if settings.root is SlotRootChoice.NONE:
            yield _warn("slots_clear", path=str(path))
        elif settings.root is SlotRootChoice.CREDENTIAL and not _has_tpm(system):
            yield _warn("slots_credential_clear", path=str(path))
    if any(one.endswith(SNAPSHOT_SUFFIXES) for one in identities):
        yield _wrong("slots_snapshot", path=str(path))
    for disk in stack:
        if any((disk / "slaves").glob("*")):
            continue  # what lies below decides
        if disk.name.startswith(VIRTUAL_PREFIXES):
            yield _warn("slots_virtual", device=disk.name)
        elif _read(disk / "queue" / "rotational") == "0" and (
            settings.root is not SlotRootChoice.TPM
        ):
            yield _warn("slots_flash", device=disk.name)


def _list_below(device: Path) -> Iterator[Path]:
    """List a device and all it lies on; a partition counts as its disk."""
    disk = device.parent if (device / "partition").exists() else device
    yield disk
    for slave in sorted((disk / "slaves").glob("*")):
        yield from _list_below(slave.resolve())


def _has_tpm(system: Path) -> bool:
    return (system / "class" / "tpm" / "tpm0").exists()


def _can_hibernate(power: Path) -> bool:
    can = "disk" in _read(power / "state").split()
    return can and _read(power / "resume") not in ("", NO_DEVICE)


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip() if path.exists() else ""


def _wrong(code: str, **facts: str | int) -> Finding:
    return Finding(level=Level.WRONG, code=code, facts=facts)


def _warn(code: str, **facts: str | int) -> Finding:
    return Finding(level=Level.WARNING, code=code, facts=facts)
