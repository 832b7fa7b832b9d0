"""
The vault: the offline workstation's directory of opened tips.

    DIR/            0700
      root          the pinned desk root's verifier key
      seen          the highest keyset number seen, and that keyset's hash
      keyset        that keyset
      tips/ID/      a tip's files, exactly as age and tar would unpack them
      foreign/ID/   payload.tar of what opened but is not in our format, never unpacked
      records/ID.json   what the service and the desk know of it, beside the files
      opening/      what is being opened; emptied when an opening begins and when it ends
      lock

Rules:
    1. The root is pinned once. A keyset older than the newest seen is refused, and so is another
       keyset of the same number: two of one number mean that the root signed behind the desk's
       back.
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

from crypto.errors import CryptoError, KeysetError, MalformedError
from crypto.keyset import MAX_KEYSET_BYTES, verify_past_keyset
from crypto.keyset_fields import Keyset
from crypto.note import Verifier
from crypto.strict import format_json, parse_json_object
from tipline.desk.keyfiles import read_limited, write_new
from tipline.errors import VaultError
from tipline.files import check_private, make_private_directory, save_file, sync_directory

RECORD_VERSION: Final = 1
MAX_RECORD_BYTES: Final = 1 << 20
MAX_SMALL_BYTES: Final = 4096
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
        root: The pinned desk root.
        seen: The highest keyset number seen, 0 if none.
        seen_sha256: Of that keyset's note, empty if none.
    """

    directory: Path
    root: Verifier
    seen: int
    seen_sha256: str

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
        write_new(directory / "root", f"{root.format()}\n".encode())
        return cls(directory=directory, root=root, seen=0, seen_sha256="")

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
        if not (directory / "root").is_file():
            raise VaultError("vault_missing", path=str(directory))
        check_private(directory)
        try:
            line = read_limited(directory / "root", max_bytes=MAX_SMALL_BYTES).decode("utf-8")
            root = Verifier.parse(line.removesuffix("\n"))
            seen, seen_sha256 = _read_seen(directory / "seen")
        except (CryptoError, UnicodeDecodeError) as exc:
            raise VaultError("vault_damaged", path=str(directory)) from exc
        return cls(directory=directory, root=root, seen=seen, seen_sha256=seen_sha256)

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

    def check_keyset(self, keyset: Keyset) -> None:
        """
        Refuse a keyset that contradicts what was seen.

        Args:
            keyset: Verified.

        Raises:
            KeysetError: `keyset_old`, or `keyset_forked`: another one of the same number was seen.
        """
        if keyset.number < self.seen:
            raise KeysetError("keyset_old", number=keyset.number, seen=self.seen)
        if keyset.number == self.seen and keyset.sha256 != self.seen_sha256:
            raise KeysetError("keyset_forked", number=keyset.number)

    def remember_keyset(self, keyset: Keyset, note: bytes, *, today: datetime.date) -> None:
        """
        Remember the newest keyset seen.

        Args:
            keyset: Verified and checked.
            note: Its whole note.
            today: In UTC.
        """
        fields = {"number": keyset.number, "sha256": keyset.sha256}
        save_file(self.directory / "keyset", note, day=today)
        save_file(self.directory / "seen", format_json(fields) + b"\n", day=today)

    def read_keyset(self) -> Keyset | None:
        """
        Read the newest keyset seen, for the names of its channels.

        Returns:
            The keyset, which may have expired; None if none was seen yet.

        Raises:
            KeysetError: the file was changed.
            OSError: it cannot be read.
        """
        if self.seen == 0:
            return None
        note = read_limited(self.directory / "keyset", max_bytes=MAX_KEYSET_BYTES)
        return verify_past_keyset(note, root=self.root)

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


def _read_seen(path: Path) -> tuple[int, str]:
    if not path.exists():
        return 0, ""
    fields = parse_json_object(
        read_limited(path, max_bytes=MAX_SMALL_BYTES), max_bytes=MAX_SMALL_BYTES
    )
    number, sha256 = fields.get("number"), fields.get("sha256")
    if not isinstance(number, int) or not isinstance(sha256, str):
        raise MalformedError("seen")
    return number, sha256


def _parse_record(fields: Mapping[str, Any]) -> Record:
    if fields["version"] != RECORD_VERSION:
        raise KeyError("version")
    values = {field.name: fields[field.name] for field in dataclasses.fields(Record)}
    values["faults"] = tuple((fault["member"], fault["reason"]) for fault in fields["faults"])
    return Record(**values)
