"""
The directory that is a tip-line: made, opened by one program at a time, private to its owner.

    DIR/                0700
      tipline.toml      configuration         policy.toml    periods
      keyset            the current keyset    keyset-history
      keys/             service.key (signs bundles), log.key, desk-onion.key
      tor/              the dedicated tor     run/           sockets, lock
      tipline.db        envelopes/            partial/
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from crypto.errors import MalformedError
from crypto.note import Signer, Verifier
from crypto.randomness import RandomSource, system_random
from crypto.secret import Secret
from retention.errors import PolicyError
from retention.log.checkpoint import make_log_name
from retention.policy import Periods, Policy, parse_policy
from tipline.configuration import (
    CONFIGURATION_NAME,
    Configuration,
    load_configuration,
    parse_configuration,
)
from tipline.errors import ConfigurationError, InstanceError
from tipline.example import format_configuration, format_policy
from tipline.files import (
    PRIVATE_FILE_MODE,
    blur_times,
    check_private,
    create_file,
    make_private_directory,
    sync_directory,
)
from tipline.keysets import KeysetWatch
from tipline.language import Translate
from tipline.service.sqlite_store import SqliteStore
from tipline.slot_owner import note_owner
from tipline.slots import create_slots, open_slots

POLICY_NAME: Final = "policy.toml"
KEYS_NAME: Final = "keys"
SERVICE_KEY_NAME: Final = "service.key"
LOG_KEY_NAME: Final = "log.key"
RUN_NAME: Final = "run"
OPERATOR_SOCKET_NAME: Final = "operator.sock"  # in it, as long as the line is served
SOURCE_SOCKET_NAME: Final = "source.sock"  # the same
DESK_SOCKET_NAME: Final = "desk.sock"  # the same
LOCK_NAME: Final = "lock"
HANDING_OVER_NAME: Final = "handing-over"  # the hash of the file that was written
VERIFIERS_NAME: Final = "verifiers"  # of a closed line, whose keys are gone
RESTORING_NAME: Final = "restoring"  # a backup that is being put into place
TOR_NAME: Final = "tor"
SERVICE_SIGNER_NAME: Final = "tipline-service"  # formats.md, "Signed notes"
MAX_KEY_BYTES: Final = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """
    An opened instance. Nobody else can open it until it is closed.

    Args:
        directory: Where it lies.
        configuration: What the operator wrote.
        policy: How long things are kept.
        signer: Signs bundles.
        lock: The descriptor that holds the lock.
    """

    directory: Path
    configuration: Configuration
    policy: Policy
    signer: Signer
    lock: int

    @classmethod
    def open(cls, directory: Path) -> Self:
        """
        Open an instance and keep everybody else out.

        Args:
            directory: As `init_instance` made it.

        Returns:
            The instance, locked.

        Raises:
            InstanceError: not an instance, or in use.
            PermissionsError: others can read it.
            ConfigurationError: the configuration does not hold.
            PolicyError: the policy does not hold.
        """
        if not (directory / CONFIGURATION_NAME).is_file():
            raise InstanceError("instance_missing", path=str(directory))
        check_private(directory)
        if (directory / RESTORING_NAME).exists():
            raise InstanceError("restore_unfinished", path=str(directory))
        if (directory / VERIFIERS_NAME).exists():
            raise InstanceError("line_ended", path=str(directory))
        if (directory / HANDING_OVER_NAME).exists():
            raise InstanceError("line_handed_over", path=str(directory))
        lock = take_lock(directory)
        try:
            return cls(
                directory=directory,
                configuration=load_configuration(directory),
                policy=load_policy(directory),
                signer=load_signer(directory),
                lock=lock,
            )
        except BaseException:
            os.close(lock)
            raise

    def close(self) -> None:
        """Let others in."""
        os.close(self.lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def watch_keyset(self) -> KeysetWatch:
        """
        Watch the instance's keyset.

        Returns:
            A watch that has not read it yet.
        """
        return KeysetWatch(
            self.directory,
            root=self.configuration.root,
            minimum=self.configuration.keyset_minimum,
        )


def init_instance(
    directory: Path,
    *,
    settings: Mapping[str, object],
    periods: Periods | None,
    translate: Translate,
    today: datetime.date,
    random: RandomSource = system_random,
) -> Signer:
    """
    Make a new instance.

    Args:
        directory: Must not exist, or be empty.
        settings: Values for keys of the configuration that replace the example's: at least `root`,
            and `line.name.LANGUAGE` and `line.emergency.LANGUAGE` for each language.
        periods: For each class of record the days from each of its events; if None, the policy is
            written without any, and has to be filled in before the line can be served.
        translate: For the comments in the two files.
        today: In UTC.
        random: Where the service's and the log's key come from.

    Returns:
        The service's signer: its verifier belongs into the keyset, as does that of the log's
        (`load_log_signer`).

    Raises:
        InstanceError: something is there already.
        ConfigurationError: a setting does not hold.
        SlotError: the slot file cannot be made where and as the settings say.
    """
    if directory.exists() and any(directory.iterdir()):
        raise InstanceError("instance_exists", path=str(directory))
    log_signer = Signer.generate(make_log_name(_read_root(settings)), random=random)
    configuration = format_configuration(settings, translate=translate)
    policy = format_policy(periods, translate=translate)
    slots = parse_configuration(configuration).slots
    make_private_directory(directory)
    # First: it alone can fail for what was asked for, and the next try finds an empty directory.
    create_slots(directory, slots, environment=os.environ)
    note_owner(directory, slots, day=today)
    for name in (KEYS_NAME, RUN_NAME, TOR_NAME):
        make_private_directory(directory / name)
    signer = Signer.generate(SERVICE_SIGNER_NAME, random=random)
    create_file(
        directory / KEYS_NAME / SERVICE_KEY_NAME, signer.format().reveal() + b"\n", day=today
    )
    create_file(
        directory / KEYS_NAME / LOG_KEY_NAME, log_signer.format().reveal() + b"\n", day=today
    )
    create_file(directory / POLICY_NAME, policy, day=today)
    with contextlib.closing(
        SqliteStore(
            directory,
            slots=open_slots(directory, slots, environment=os.environ).file,
            today=lambda: today,
        )
    ):
        pass
    # Last: a directory without it is not an instance, so a crash leaves none that looks complete.
    create_file(directory / CONFIGURATION_NAME, configuration, day=today)
    for folder in (directory / KEYS_NAME, directory / TOR_NAME, directory / RUN_NAME, directory):
        sync_directory(folder)
        blur_times(folder, day=today)
    return signer


def take_lock(directory: Path) -> int:
    """
    Keep every other program out of an instance.

    Args:
        directory: The instance.

    Returns:
        A descriptor; closing it, or the end of the process, lets others in.

    Raises:
        InstanceError: another program is in it.
    """
    make_private_directory(directory / RUN_NAME)
    path = directory / RUN_NAME / LOCK_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        os.close(descriptor)
        raise InstanceError("instance_in_use", path=str(directory)) from exc
    return descriptor


def load_policy(directory: Path) -> Policy:
    """
    Read an instance's policy.

    Args:
        directory: The instance.

    Returns:
        The policy, complete.

    Raises:
        PolicyError: there is none, or it does not hold.
    """
    try:
        return parse_policy((directory / POLICY_NAME).read_bytes())
    except FileNotFoundError as exc:
        raise PolicyError("policy_missing", path=str(directory)) from exc


def load_signer(directory: Path) -> Signer:
    """
    Read the key that signs bundles.

    Args:
        directory: The instance.

    Returns:
        The signer.

    Raises:
        InstanceError: there is none, or it is damaged.
        PermissionsError: others can read it.
    """
    return _load_key(directory / KEYS_NAME / SERVICE_KEY_NAME)


def load_log_signer(directory: Path) -> Signer:
    """
    Read the key that signs the log's checkpoints.

    Args:
        directory: The instance.

    Returns:
        The signer.

    Raises:
        InstanceError: there is none, or it is damaged.
        PermissionsError: others can read it.
    """
    return _load_key(directory / KEYS_NAME / LOG_KEY_NAME)


def load_verifiers(directory: Path) -> tuple[Verifier, Verifier]:
    """
    Read the public halves of a line's keys, which stay when the line has ended.

    Args:
        directory: The instance.

    Returns:
        The service's, and the log's.

    Raises:
        InstanceError: they are missing or damaged.
        PermissionsError: others can read the keys.
    """
    path = directory / VERIFIERS_NAME
    if not path.exists():
        return load_signer(directory).verifier(), load_log_signer(directory).verifier()
    try:
        service, log = path.read_text("ascii").splitlines()
        return Verifier.parse(service), Verifier.parse(log)
    except (ValueError, MalformedError) as exc:
        raise InstanceError("instance_key", path=str(path)) from exc


def _load_key(path: Path) -> Signer:
    try:
        check_private(path)
        with path.open("rb") as file:
            return Signer.parse(Secret(file.read(MAX_KEY_BYTES).removesuffix(b"\n")))
    except (FileNotFoundError, MalformedError) as exc:
        raise InstanceError("instance_key", path=str(path)) from exc


def _read_root(settings: Mapping[str, object]) -> Verifier:
    try:
        return Verifier.parse(str(settings["root"]))
    except MalformedError as exc:
        raise ConfigurationError("configuration_wrong_value", key="root") from exc
