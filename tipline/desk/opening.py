"""
Opening a bundle into the vault, on a machine without network.

1. The bundle's end is there; its index is signed by the service which the keyset names, which the
   pinned root signed; the keyset was in force on the day the bundle was made, and is not older than
   the newest one seen.
2. Each envelope has the shape of a tip, opens with one of the identities, and is the one of the
   index: all of it is read before anything of it gets a name.
3. The payload is judged as a whole. If it fits the profile, its files are written below a temporary
   directory, under the profile's own names only (INV-09).
4. Then, and only then, the directory is renamed to its place (INV-04).

A payload that does not fit is kept whole and apart, and each member that breaks the rules is named.
A tip that is broken, or larger than the disk has room for, is named and left; the others are
opened.
"""

from __future__ import annotations

import dataclasses
import datetime
import errno
import io
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from crypto.age import file as age_file
from crypto.age.file import Identity
from crypto.bundle import Index, IndexEntry
from crypto.envelope import HEADER_LEN, check_envelope_head
from crypto.errors import CryptoError, ForeignError, ForgedError, NoMatchError
from crypto.payload import TipPayload, read_tip_payload
from crypto.tar import PlacedMember, find_faults
from tipline.desk.bundlefile import EnvelopeReader, read_index
from tipline.desk.vault import Record, Vault
from tipline.files import PRIVATE_DIRECTORY_MODE, make_private_directory, sync_directory

_BUFFER_LEN: Final = 1 << 14  # small: larger reads go past the buffer, without a copy
_COPY_LEN: Final = 1 << 24  # the kernel copies; a call now and then lets Ctrl-C through
# What the system says when there is no room for one file; a smaller one may still fit.
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
# As tar sets it: the profile's members all say 0.
_MEMBER_TIME_NS: Final = (0, 0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TipOutcome:
    """
    What became of one tip of a bundle.

    Args:
        id: The tip's id.
        state: `opened`, `foreign`, `already`, `not_for_you` or `broken`.
        faults: Of a foreign one: pairs of a member's name, untrusted, and a fixed word.
        code: Of a broken one: the error's code.
        detail: Of a broken one: the error's detail, a fixed word.
    """

    id: str
    state: str
    faults: tuple[tuple[str, str], ...] = ()
    code: str = ""
    detail: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BundleOutcome:
    """
    What became of a bundle.

    Args:
        made_on: The day on which the service made it.
        keyset: The number of the keyset in force on that day.
        tips: In the bundle's order.
    """

    made_on: datetime.date
    keyset: int
    tips: tuple[TipOutcome, ...]

    def ids(self, state: str) -> list[str]:
        """
        List the tips of one outcome.

        Args:
            state: See `TipOutcome`.

        Returns:
            Their ids, in the bundle's order.
        """
        return [tip.id for tip in self.tips if tip.state == state]


def open_bundle(
    untrusted: BinaryIO,
    *,
    vault: Vault,
    identities: Sequence[Identity],
    today: datetime.date,
    on_tip: Callable[[TipOutcome], None] = lambda outcome: None,
) -> BundleOutcome:
    """
    Open the tips of a bundle into the vault.

    Args:
        untrusted: The bundle, seekable.
        vault: Where the tips go.
        identities: Each is tried on each tip.
        today: In UTC, for the record.
        on_tip: Called after each tip.

    Returns:
        What became of each tip.

    Raises:
        BundleError: the bundle is cut or does not follow its format.
        KeysetError: its keyset must not be used.
        ForgedError: the service did not sign its index.
        VaultError: another process opens tips into this vault.
        OSError: the vault cannot be written, for another reason than the size of one tip.
    """
    with vault.lock():
        index = read_index(untrusted, root=vault.pinned.root, seen=vault.pinned.seen)
        vault.pinned.check_keyset(index.keyset)
        vault.pinned.remember_keyset(index.keyset, index.keyset_note, today=today)
        outcomes = []
        for entry in index.tips:
            if vault.place_of(entry.id) is not None:
                outcome = TipOutcome(id=entry.id, state="already")
            else:
                opening = _Opening(vault=vault, identities=identities, today=today, entry=entry)
                outcome = _open_one(untrusted, opening)
            outcomes.append(outcome)
            on_tip(outcome)
    return _conclude(index, outcomes)


def _conclude(index: Index, outcomes: Sequence[TipOutcome]) -> BundleOutcome:
    return BundleOutcome(made_on=index.made_on, keyset=index.keyset.number, tips=tuple(outcomes))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Opening:
    """The one tip being opened."""

    vault: Vault
    identities: Sequence[Identity]
    today: datetime.date
    entry: IndexEntry

    @property
    def payload_path(self) -> Path:
        return self.vault.directory / "opening" / "payload.tar"

    @property
    def made_path(self) -> Path:
        return self.vault.directory / "opening" / self.entry.id


def _open_one(untrusted: BinaryIO, opening: _Opening) -> TipOutcome:
    entry = opening.entry
    try:
        with _make_private_file(opening.payload_path) as payload:
            _open_envelope(untrusted, payload, opening=opening)
            payload.flush()
            try:
                tip = read_tip_payload(payload)
            except ForeignError as error:
                faults = find_faults(payload)
                named = tuple((fault.untrusted_name, fault.reason) for fault in faults)
                # What tar allows and only `tip.json` contradicts is nobody's single member's fault.
                os.fsync(payload.fileno())
                return _keep_foreign(opening, faults=named or (("", error.detail),))
            _write_members(payload, tip, made=opening.made_path)
        _release(opening, state="opened", claimed_sealing=tip.tip.sealing)
        return TipOutcome(id=entry.id, state="opened")
    except NoMatchError:
        return TipOutcome(id=entry.id, state="not_for_you")
    except CryptoError as error:
        return TipOutcome(id=entry.id, state="broken", code=error.code, detail=error.detail)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        shutil.rmtree(opening.made_path, ignore_errors=True)
        return TipOutcome(id=entry.id, state="broken", code="no_room")
    finally:
        opening.payload_path.unlink(missing_ok=True)


def _open_envelope(untrusted: BinaryIO, payload: BinaryIO, *, opening: _Opening) -> None:
    untrusted.seek(opening.entry.offset)
    head = untrusted.read(HEADER_LEN)
    envelope = EnvelopeReader(untrusted, opening.entry)
    try:
        check_envelope_head(head, size_bytes=opening.entry.size_bytes)
        age_file.open_(
            io.BufferedReader(envelope, _BUFFER_LEN), payload, identities=opening.identities
        )
    except CryptoError as error:
        # Whatever went wrong: if the bytes are not those the service signed, that is the reason.
        if not envelope.holds():
            raise ForgedError("bundle") from error
        raise
    if not envelope.holds():
        raise ForgedError("bundle")


def _keep_foreign(opening: _Opening, *, faults: tuple[tuple[str, str], ...]) -> TipOutcome:
    made = opening.made_path
    _make_fresh_directory(made)
    opening.payload_path.rename(made / "payload.tar")
    sync_directory(made)
    _release(opening, state="foreign", claimed_sealing=None, faults=faults)
    return TipOutcome(id=opening.entry.id, state="foreign", faults=faults)


def _write_members(payload: BinaryIO, tip: TipPayload, *, made: Path) -> None:
    _make_fresh_directory(made)
    for member in tip.members:
        # The profile's names are at most one folder deep and hold neither dots nor slashes besides.
        folder, _, name = member.name.rpartition("/")
        make_private_directory(made / folder)
        with _make_private_file(made / folder / name) as file:
            _copy_member(payload, file, member)
        os.utime(made / folder / name, ns=_MEMBER_TIME_NS)
    for directory in {(made / member.name).parent for member in tip.members}:
        sync_directory(directory)


def _copy_member(payload: BinaryIO, file: BinaryIO, member: PlacedMember) -> None:
    offset, end = member.offset, member.offset + member.size_bytes
    while offset < end:
        copied = os.sendfile(file.fileno(), payload.fileno(), offset, min(end - offset, _COPY_LEN))
        if copied == 0:
            raise ForeignError("size")
        offset += copied
    os.fsync(file.fileno())


def _release(
    opening: _Opening,
    *,
    state: str,
    claimed_sealing: str | None,
    faults: tuple[tuple[str, str], ...] = (),
) -> None:
    entry = opening.entry
    record = Record(
        id=entry.id,
        state=state,
        arrived_on=entry.arrived_on.isoformat(),
        dies_on=entry.dies_on.isoformat(),
        channel=entry.channel,
        size_bytes=entry.size_bytes,
        sealed_by_service=entry.sealed_by_service,
        keyset=entry.keyset,
        opened_on=opening.today.isoformat(),
        claimed_sealing=claimed_sealing,
        faults=faults,
        pseudonym=entry.pseudonym,
    )
    opening.vault.release(opening.made_path, record, today=opening.today)


def _make_fresh_directory(path: Path) -> None:
    # Refused if anything has the name: a link there would lead every member out of the vault.
    path.mkdir(mode=PRIVATE_DIRECTORY_MODE)


def _make_private_file(path: Path) -> BinaryIO:
    # O_EXCL and O_NOFOLLOW: this never writes through something that is already there.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    return open(descriptor, "w+b")  # noqa: PTH123  # a descriptor has no path
