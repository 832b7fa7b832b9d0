"""
What is wrong with a line, and what to do.

Looks and changes nothing; it can be run while the line is served. A finding is wrong (the line does
not do what it should) or a warning (it does, but not for long, or not on this machine).
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from crypto.keyset import verify_keyset
from retention.errors import RetentionError
from retention.log.entry import EntryType
from retention.policy import Event, RecordClass
from retention.timekeeping import TOLERANCE
from tipline.account import parse_account
from tipline.clock import BootClock, Clock, system_boot_clock
from tipline.configuration import (
    CONFIGURATION_NAME,
    Configuration,
    OnionSettings,
    load_configuration,
)
from tipline.day_keeper import find_clock_folder, tell_time
from tipline.doctor_holds import HOLD_TEXTS, examine_holds
from tipline.doctor_phones import PHONE_TEXTS, examine_phones
from tipline.doctor_storage import (
    KEEPING_OLD_BLOCKS,
    NOT_DURABLE,
    OVER_NETWORK,
    examine_storage,
    find_mount,
    is_encrypting,
)
from tipline.doctor_storage import TEXTS as STORAGE_TEXTS
from tipline.errors import ConfigurationError, InstanceError, TiplineError
from tipline.files import OTHERS_MASK, name_file_errors
from tipline.finding import Finding, Level
from tipline.instance import (
    HANDING_OVER_NAME,
    KEYS_NAME,
    OPERATOR_SOCKET_NAME,
    RUN_NAME,
    TOR_NAME,
    VERIFIERS_NAME,
    load_log_signer,
    load_policy,
    load_signer,
)
from tipline.keysets import read_keyset
from tipline.laid_copy import COPY_NAME, has_left_copy
from tipline.language import Text
from tipline.log_database import LOG_NAME
from tipline.log_store import LogStore
from tipline.messages import N_, NN_
from tipline.onion.control import parse_version
from tipline.onion.services import SERVICE_DIRECTORY_NAME
from tipline.onion.torrc import NO_OTHER_CONFIGURATION, format_path
from tipline.service.listening import MAX_SOCKET_PATH_BYTES
from tipline.service.pages import load_pages

EXPIRY_WARNING_DAYS: Final = 10  # time to meet, to sign and to carry a stick
MINIMUM_TOR: Final = (0, 4, 9, 11)  # before it, a rendezvous point could stand in for the service
TOR_SECONDS: Final = 20
SPACE_WARNING_FACTOR: Final = 2

# What was found, and what to do.
TEXTS: Final[Mapping[str, tuple[Text, Text]]] = {
    "readable": (
        N_("others can read {path}"),
        N_("take the rights away: chmod go= {path}"),
    ),
    "keyset_soon": (
        N_("the keyset expires on {valid_until}; after that nobody can send a tip"),
        N_("have the desk sign a new one now, and install it: tipline keyset DIR FILE"),
    ),
    "keyset_service": (
        N_("the keyset names another service key, so the desk refuses what it fetches here"),
        N_("give the desk this key, and have a keyset signed with it: {verifier}"),
    ),
    "keyset_log": (
        N_("the keyset names another log key, so auditors refuse this line's log"),
        N_("give the desk this key, and have a keyset signed with it: {verifier}"),
    ),
    "keyset_onion": (
        N_("the keyset names the onion {named}, but this line has {own}"),
        N_("compare the two with the desk; one of them is wrong"),
    ),
    "tor_missing": (N_("there is no {program}"), N_("install tor 0.4.9.11 or later")),
    "tor_old": (
        N_("tor is version {version}; before 0.4.9.11 another could stand in for the service"),
        N_("install tor 0.4.9.11 or later"),
    ),
    "tor_pow": (
        N_("this tor was built without proof of work, the defence against floods"),
        N_('install a tor whose "tor --list-modules" says "pow: yes"'),
    ),
    "tor_test_lines": (
        N_("tor has test lines (onion.test_only_torrc_lines): it may not be in the real network"),
        N_("empty that list in tipline.toml"),
    ),
    "tips_waiting": (
        NN_(
            "the oldest tip that no desk has fetched has waited for {weeks} week; your limit is"
            " {limit}",
            "the oldest tip that no desk has fetched has waited for {weeks} weeks; your limit is"
            " {limit}",
            by="weeks",
        ),
        N_("ask the desk to fetch: tipline desk pull"),
    ),
    "keys_lost": (
        N_("keys were lost on {day}, before their day; senders by phone may have no handle"),
        N_("nothing brings them back; look why: was the slot file lost, or an older one put back?"),
    ),
    "desk_clients": (
        N_("no machine of the desk can fetch tips over Tor: desk.clients is empty"),
        N_(
            "make a key on the desk's machine (tipline desk keygen --client) and"
            " add it to tipline.toml"
        ),
    ),
    "disk_full": (
        N_("{free_mib} MiB are free; only text is taken"),
        N_("make room, or lower limits.disk_reserve_bytes"),
    ),
    "disk_soon": (N_("{free_mib} MiB are free; soon only text is taken"), N_("make room")),
    "file_system_old_blocks": (
        N_("the file system {kind} keeps old blocks: what is removed can be found for long"),
        N_("put the line on ext4 or xfs, on an encrypted disk"),
    ),
    "file_system_lost": (
        N_("the file system {kind} is lost at the next start of the machine"),
        N_("put the line on a disk"),
    ),
    "file_system_network": (
        N_("the file system {kind} is on another machine"),
        N_("put the line on a disk of this machine"),
    ),
    "swap": (
        N_("this machine swaps to {path}: what is kept in memory only can reach the disk"),
        N_("switch it off (swapoff -a, and /etc/fstab), or encrypt it with a key made at start"),
    ),
    "clock_waits": (
        N_("the clock says {clock}, but by what was measured it is {today}: a jump that waits"),
        N_("if the clock is right, confirm it: tipline clock DIR --confirm {clock}; else set it"),
    ),
    "clock_back": (
        N_("the clock says {clock}, but by what was measured it is {today} already"),
        N_("set the clock; or, if it is right, confirm it: tipline clock DIR --confirm {clock}"),
    ),
    "clock_ahead": (
        NN_(
            "the clock is {hours} hour ahead of what was measured, by which things die",
            "the clock is {hours} hours ahead of what was measured, by which things die",
            by="hours",
        ),
        N_("if it is right, confirm it: tipline clock DIR --confirm {clock}; else set it"),
    ),
    "line_over": (
        N_("this line has ended here: its keys are gone, its log and account are left"),
        N_("keep its log: tipline log DIR export OUT"),
    ),
    "line_leaving": (
        N_("this line is being handed over: it cannot be started here"),
        N_(
            "if the new operator runs it: tipline close DIR --handed-over OUT --apply; if nobody"
            " has opened OUT: tipline close DIR --cancel --apply"
        ),
    ),
    "copy_left": (
        N_("a backup that was cut short left a copy of the database in {path}"),
        N_("the next night takes it away, or at once: tipline purge DIR --apply"),
    ),
    "path_long": (
        N_("the path {path} is longer than {limit} bytes, which a socket cannot have"),
        N_("move the line into a directory with a shorter path"),
    ),
    **HOLD_TEXTS,
    **PHONE_TEXTS,
    **STORAGE_TEXTS,
}


def examine(
    directory: Path, *, clock: Clock, boot_clock: BootClock = system_boot_clock
) -> list[Finding]:
    """
    Look at a line.

    Args:
        directory: The instance.
        clock: The clock that can be set.
        boot_clock: The clock that cannot.

    Returns:
        What was found, the gravest first.
    """
    if not (directory / CONFIGURATION_NAME).is_file():
        return [_fail(InstanceError("instance_missing", path=str(directory)))]
    if (directory / VERIFIERS_NAME).exists():
        # Nothing can be wrong with keys, clock or disk any more: there is nothing left to lose.
        return [*_examine_rights(directory), *_examine_path(directory), _warn("line_over")]
    today = clock().date()
    found = [
        *_examine_parts(directory, today),
        *_examine_rights(directory),
        *_examine_file_system(directory, Path("/proc/self/mountinfo")),
        *_examine_swap(Path("/proc/swaps"), Path("/sys/block")),
        *_examine_clock(directory, clock, boot_clock),
        *_examine_path(directory),
        *_examine_left(directory),
    ]
    return sorted(found, key=lambda finding: finding.level is Level.WARNING)


def _examine_parts(directory: Path, today: datetime.date) -> Iterator[Finding]:
    for load in (load_policy, load_signer, _load_page):
        try:
            load(directory)
        except (TiplineError, RetentionError) as exc:
            yield _fail(exc)
    try:
        configuration = load_configuration(directory)
    except TiplineError as exc:
        yield _fail(exc)
        return
    yield from _examine_keyset(directory, configuration, today)
    yield from _examine_tor(configuration.onion)
    if not configuration.desk_clients:
        yield _warn("desk_clients")
    yield from _examine_space(directory, configuration.limits.disk_reserve_bytes)
    yield from _examine_log(directory, today, limit=configuration.desk_waiting_weeks)
    yield from examine_storage(directory, configuration.slots)


def _examine_keyset(
    directory: Path, configuration: Configuration, today: datetime.date
) -> Iterator[Finding]:
    try:
        installed = read_keyset(
            directory, root=configuration.root, minimum=configuration.keyset_minimum
        )
        keyset = installed.keyset
        verify_keyset(installed.note, root=configuration.root, today=today)
        verifier = load_signer(directory).verifier()
        log = load_log_signer(directory).verifier()
    except (TiplineError, CryptoError) as exc:
        yield _fail(exc)
        yield from examine_phones(directory, keyset=None, today=today)
        return
    yield from examine_phones(directory, keyset=keyset, today=today)
    if (keyset.valid_until - today).days < EXPIRY_WARNING_DAYS:
        yield _warn("keyset_soon", valid_until=keyset.valid_until.isoformat())
    if keyset.service != verifier:
        yield _wrong("keyset_service", verifier=verifier.format())
    if keyset.log != log:
        yield _wrong("keyset_log", verifier=log.format())
    hostname = directory / TOR_NAME / SERVICE_DIRECTORY_NAME / "hostname"
    if keyset.onion is not None and hostname.exists():
        own = hostname.read_text("ascii").strip()
        if keyset.onion != own:
            yield _wrong("keyset_onion", named=keyset.onion, own=own)


def _examine_tor(settings: OnionSettings) -> Iterator[Finding]:
    if settings.test_only_torrc_lines:
        yield _warn("tor_test_lines")
    if shutil.which(settings.tor) is None:
        yield _wrong("tor_missing", program=settings.tor)
        return
    version = parse_version(_run(settings.tor, "--version"))
    if version < MINIMUM_TOR:
        yield _wrong("tor_old", version=".".join(str(number) for number in version))
    if "pow: yes" not in _run(settings.tor, "--list-modules"):
        yield _wrong("tor_pow")


def _examine_log(directory: Path, today: datetime.date, *, limit: int) -> Iterator[Finding]:
    if not (directory / LOG_NAME).is_file():
        return
    try:
        # A disk that cannot be written to is a finding among the others.
        with name_file_errors(directory):
            verifier = load_log_signer(directory).verifier()
            folder = find_clock_folder(directory, load_configuration(directory).slots)
            with contextlib.closing(
                LogStore(directory, verifier=verifier, today=lambda: today, mark_folder=folder)
            ) as log:
                written = log.read_account()
                holds = log.list_statements(EntryType.HOLD)
                losses = log.list_statements(EntryType.LOST_KEYS)
            # What everybody is told: so it is of the last batch, and in whole weeks.
            weeks = 0 if written is None else parse_account(written).waiting_weeks
    except (TiplineError, CryptoError) as exc:
        yield _fail(exc)
        return
    if weeks >= limit:
        yield _warn("tips_waiting", weeks=weeks, limit=limit)
    yield from examine_holds(holds, today=today)
    if losses:
        yield from _examine_loss(directory, losses[-1].about, today)


def _examine_loss(
    directory: Path, lost_on: datetime.date, today: datetime.date
) -> Iterator[Finding]:
    with contextlib.suppress(RetentionError):  # a policy that does not hold is named by itself
        periods = load_policy(directory).periods
        # As long as an epoch may last: its key may be one of them, and is not made again.
        if (today - lost_on).days < periods[RecordClass.PSEUDONYM_EPOCH][Event.BEGUN]:
            yield _warn("keys_lost", day=lost_on.isoformat())


def _examine_space(directory: Path, reserve_bytes: int) -> Iterator[Finding]:
    disk = os.statvfs(directory)
    free_bytes = disk.f_bavail * disk.f_frsize
    if free_bytes < reserve_bytes:
        yield _wrong("disk_full", free_mib=free_bytes >> 20)
    elif free_bytes < SPACE_WARNING_FACTOR * reserve_bytes:
        yield _warn("disk_soon", free_mib=free_bytes >> 20)


def _examine_rights(directory: Path) -> Iterator[Finding]:
    # tor makes its own files inside a directory that is private; only what others can reach counts.
    for path in (directory, directory / KEYS_NAME, directory / TOR_NAME, directory / RUN_NAME):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & OTHERS_MASK:
            yield _wrong("readable", path=str(path))


def _examine_file_system(directory: Path, mounts: Path) -> Iterator[Finding]:
    kind = find_mount(str(directory.resolve()), mounts.read_text("utf-8")).kind
    if kind in NOT_DURABLE:
        yield _wrong("file_system_lost", kind=kind)
    elif kind in OVER_NETWORK:
        yield _wrong("file_system_network", kind=kind)
    elif kind in KEEPING_OLD_BLOCKS:
        yield _warn("file_system_old_blocks", kind=kind)


def _examine_swap(swaps: Path, blocks: Path) -> Iterator[Finding]:
    for line in swaps.read_text("utf-8").splitlines()[1:]:
        path = line.split()[0]
        device = blocks / path.removeprefix("/dev/")
        if not (path.startswith("/dev/") and (_stays_in_memory(device) or _is_encrypted(device))):
            yield _warn("swap", path=path)


def _stays_in_memory(device: Path) -> bool:
    # zram compresses in memory, unless it was given a disk to write to.
    backing = device / "backing_dev"
    return device.name.startswith("zram") and (
        not backing.exists() or backing.read_text("ascii").strip() == "none"
    )


def _is_encrypted(device: Path) -> bool:
    uuid = device / "dm" / "uuid"
    kind = uuid.read_text("utf-8") if uuid.exists() else ""
    if is_encrypting(kind):
        return True
    # A logical volume or an array is as good as the worst of what it lies on.
    below = [device.parent / slave.name for slave in (device / "slaves").glob("*")]
    return bool(below) and all(_is_encrypted(slave) for slave in below)


def _examine_clock(directory: Path, clock: Clock, boot_clock: BootClock) -> Iterator[Finding]:
    try:
        folder = find_clock_folder(directory, load_configuration(directory).slots)
        time = tell_time(folder, clock=clock, boot_clock=boot_clock)
    except ConfigurationError:
        return  # named by itself
    except InstanceError as exc:
        yield _fail(exc)
        return
    days = {"clock": time.wall_day.isoformat(), "today": time.today.isoformat()}
    if time.waiting is not None:
        yield _wrong("clock_waits", **days)
    elif time.lead < -TOLERANCE:
        yield _wrong("clock_back", **days)
    elif time.lead > TOLERANCE:
        hours = round(time.lead.total_seconds() / 3600)
        yield _warn("clock_ahead", clock=days["clock"], hours=hours)


def _examine_path(directory: Path) -> Iterator[Finding]:
    path = directory.resolve() / RUN_NAME / OPERATOR_SOCKET_NAME  # the longest
    if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        yield _wrong("path_long", path=str(path), limit=MAX_SOCKET_PATH_BYTES)
    try:
        format_path(directory.resolve())
    except InstanceError as exc:
        yield _fail(exc)


def _examine_left(directory: Path) -> Iterator[Finding]:
    if (directory / HANDING_OVER_NAME).exists():
        yield _warn("line_leaving")
    if has_left_copy(directory):
        yield _warn("copy_left", path=str(directory / COPY_NAME))


def _load_page(directory: Path) -> None:
    with contextlib.suppress(ConfigurationError):  # named by itself
        load_pages(configuration=load_configuration(directory))


def _run(program: str, option: str) -> str:
    done = subprocess.run(
        [program, *NO_OTHER_CONFIGURATION, option],
        capture_output=True,
        text=True,
        timeout=TOR_SECONDS,
        check=False,
    )
    return done.stdout


def _wrong(code: str, **facts: str | int) -> Finding:
    return Finding(level=Level.WRONG, code=code, facts=facts)


def _warn(code: str, **facts: str | int) -> Finding:
    return Finding(level=Level.WARNING, code=code, facts=facts)


def _fail(error: TiplineError | RetentionError | CryptoError) -> Finding:
    detail = getattr(error, "detail", "")
    return Finding(level=Level.WRONG, code=error.code, facts={"detail": detail, **error.facts})
