"""
The vault: the offline workstation's directory of opened tips.

    DIR/            0700
      root          the pinned desk root's verifier key
      seen          the highest keyset number seen, and that keyset's hash
      keyset        that keyset
      tips/ID/      a tip's files, exactly as age and tar would unpack them
      foreign/ID/   payload.tar of what opened but is not in our format, never unpacked
      records/ID.json   what the service and the desk know of it, beside the files
      records/ID.files.json   what the desk found in its files, see `judgements`
      opening/      what is being opened; emptied when an opening begins and when it ends
      lock

Rules:
    1. What bundles are judged by is pinned, and remembered: see `pinned`.
    2. A tip appears under its name whole or not at all.
    3. Nothing is overwritten.

The vault is not encrypted: whoever has the unlocked workstation or its bare disk reads it. The
disk must be encrypted; docs/how-to/read-tips.md says so first.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from crypto.errors import CryptoError
from crypto.note import Verifier
from crypto.strict import format_json, parse_json_object
from tipline.desk.keyfiles import read_limited
from tipline.desk.pinned import Pinned
from tipline.errors import VaultError
from tipline.files import check_private, make_private_directory, save_file, sync_directory

RECORD_VERSION: Final = 1
MAX_RECORD_BYTES: Final = 1 << 20
_FOLDERS: Final = ("tips", "foreign", "records", "opening")
_TIP_ID = re.compile(r"[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    What is known of an opened tip besides its files.

    Args:
        id: The tip's id.
        state: `opened`, or `foreign`: in quarantine.
        arrived_on: The day on which the service took it.
        dies_on: The day on which the service destroys its copy.
        channel: The channel's id.
        size_bytes: Of the envelope.
        sealed_by_service: Whether the service itself sealed it.
        keyset: Number of the keyset the client named.
        opened_on: The day on which the desk opened it.
        claimed_sealing: What the tip says of its own sealing, or None. Anybody can claim it.
        faults: Of a foreign one: pairs of a member's name, untrusted, and a fixed word.
        pseudonym: Of a phone's sender in its epoch, 32 hex digits; None if there is none.
    """

    id: str
    state: str
    arrived_on: str
    dies_on: str
    channel: str
    size_bytes: int
    sealed_by_service: bool
    keyset: int
    opened_on: str
    claimed_sealing: str | None
    faults: tuple[tuple[str, str], ...]
    pseudonym: str | None = None

    def as_fields(self) -> dict[str, Any]:
        """
        Lay the record out as it is stored and shown.

        Returns:
            JSON's types only.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields["faults"] = [{"member": name, "reason": reason} for name, reason in self.faults]
        return fields


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """
    An opened vault. Made by `init_vault` or `open_vault`.

    Args:
        directory: The vault's directory.
        pinned: What bundles are judged by.
    """

    directory: Path
    pinned: Pinned

    @classmethod
    def init(cls, directory: Path, *, root: Verifier) -> Self:
        """
        Make a new vault and pin the desk root.

        Args:
            directory: Must not exist, or be empty.
            root: The desk root.

        Returns:
            The vault.

        Raises:
            VaultError: `vault_exists`.
        """
        if directory.exists() and any(directory.iterdir()):
            raise VaultError("vault_exists", path=str(directory))
        make_private_directory(directory)
        for name in _FOLDERS:
            make_private_directory(directory / name)
        return cls(directory=directory, pinned=Pinned.init(directory, root=root))

    @classmethod
    def open(cls, directory: Path) -> Self:
        """
        Open a vault.

        Args:
            directory: An existing vault.

        Returns:
            The vault.

        Raises:
            VaultError: `vault_missing` or `vault_damaged`.
            PermissionsError: others can read it.
        """
        if not Pinned.is_in(directory):
            raise VaultError("vault_missing", path=str(directory))
        check_private(directory)
        try:
            pinned = Pinned.open(directory)
        except CryptoError as exc:
            raise VaultError("vault_damaged", path=str(directory)) from exc
        return cls(directory=directory, pinned=pinned)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """
        Keep a second process from opening tips into this vault at the same time.

        What an interrupted opening left behind holds plaintext and is removed.

        Yields:
            Nothing.

        Raises:
            VaultError: `vault_in_use`.
        """
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise VaultError("vault_in_use", path=str(self.directory)) from exc
            # Before, for what a crash left; after, for what a full disk or Ctrl-C left.
            self._empty_opening()
            try:
                yield
            finally:
                self._empty_opening()
        finally:
            os.close(descriptor)

    def _empty_opening(self) -> None:
        for left in (self.directory / "opening").iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()

    def place_of(self, tip_id: str) -> Path | None:
        """
        Find an opened tip's files.

        Args:
            tip_id: The tip's id; anything else is not found.

        Returns:
            Its directory under `tips` or `foreign`, or None.
        """
        if not _TIP_ID.fullmatch(tip_id):
            return None
        for folder in ("tips", "foreign"):
            place = self.directory / folder / tip_id
            if place.is_dir():
                return place
        return None

    def release(self, made: Path, record: Record, *, today: datetime.date) -> Path:
        """
        Give an opened tip its name: whole, and beside its record.

        Args:
            made: Its complete directory under `opening`, synced.
            record: What is known of it.
            today: In UTC.

        Returns:
            Its place.
        """
        folder = self.directory / ("tips" if record.state == "opened" else "foreign")
        # The record first: a tip without one would be a tip nobody knows the day of.
        fields = {"version": RECORD_VERSION, **record.as_fields()}
        save_file(
            self.directory / "records" / f"{record.id}.json", format_json(fields) + b"\n", day=today
        )
        made.rename(folder / record.id)
        sync_directory(folder)
        return folder / record.id

    def read_record(self, tip_id: str) -> Record:
        """
        Read what is known of a tip.

        Args:
            tip_id: Of an opened tip.

        Returns:
            Its record.

        Raises:
            VaultError: `vault_no_tip`, or `vault_damaged`.
        """
        if self.place_of(tip_id) is None:
            raise VaultError("vault_no_tip", path=str(self.directory))
        path = self.directory / "records" / f"{tip_id}.json"
        try:
            fields = parse_json_object(
                read_limited(path, max_bytes=MAX_RECORD_BYTES), max_bytes=MAX_RECORD_BYTES
            )
            return _parse_record(fields)
        except (CryptoError, FileNotFoundError, KeyError, TypeError) as exc:
            raise VaultError("vault_damaged", path=str(path)) from exc

    def find(self, start: str) -> tuple[Path, Record]:
        """
        Find a tip by its id or how it begins.

        Args:
            start: As a person typed it.

        Returns:
            Its directory and its record.

        Raises:
            VaultError: `vault_no_tip`, `vault_two_tips`, or `vault_damaged`.
        """
        matching = [record for record in self.list_records() if record.id.startswith(start)]
        if not start or not matching:
            raise VaultError("vault_no_tip", path=str(self.directory))
        if len(matching) > 1:
            raise VaultError("vault_two_tips", count=len(matching))
        place = self.place_of(matching[0].id)
        if place is None:
            raise VaultError("vault_no_tip", path=str(self.directory))
        return place, matching[0]

    def list_records(self) -> list[Record]:
        """
        List the opened tips.

        Returns:
            Their records, by day of arrival, then by id: the desk has no finer order.

        Raises:
            VaultError: `vault_damaged`.
        """
        ids = sorted(
            place.name
            for folder in ("tips", "foreign")
            for place in (self.directory / folder).iterdir()
            if _TIP_ID.fullmatch(place.name)
        )
        return sorted((self.read_record(tip_id) for tip_id in ids), key=lambda r: r.arrived_on)


def _parse_record(fields: Mapping[str, Any]) -> Record:
    if fields["version"] != RECORD_VERSION:
        raise KeyError("version")
    # A record of before there were phones has no pseudonym.
    fields = {"pseudonym": None, **fields}
    values = {field.name: fields[field.name] for field in dataclasses.fields(Record)}
    values["faults"] = tuple((fault["member"], fault["reason"]) for fault in fields["faults"])
    return Record(**values)
