"""
Large envelopes and partial uploads, as files. All bytes here are as they are stored: sealed under
their record's own key (`crypto/stored.py`).

`partial/UPLOAD` grows slice by slice. A complete one is linked to `envelopes/fresh/TIP`; at night
every fresh one is copied to `envelopes/TIP`, in random order, because an inode's birth and change
times cannot be set.

Rules:
1. Names are random ids; temporary names begin with a dot.
2. Data is synced before its name, and its name before anybody is told.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Final

from crypto.stored import SEALED_SLICE_BYTES
from tipline.files import (
    PRIVATE_FILE_MODE,
    blur_times,
    create_file,
    make_private_directory,
    read_quietly,
    sync_directory,
    write_all,
)

ENVELOPES_NAME: Final = "envelopes"
FRESH_NAME: Final = "fresh"
PARTIAL_NAME: Final = "partial"
PIECE_BYTES: Final = 1024 * 1024  # of a file that is copied, in memory at a time


class EnvelopeFiles:
    """
    The files of one instance.

    Args:
        directory: The instance.
        today: Tells the day, for the files' times.
    """

    def __init__(self, directory: Path, *, today: Callable[[], datetime.date]) -> None:
        self._today = today
        self._kept = directory / ENVELOPES_NAME
        self._fresh = self._kept / FRESH_NAME
        self._partial = directory / PARTIAL_NAME
        for folder in (self._kept, self._fresh, self._partial):
            make_private_directory(folder)

    def create(self, tip_id: bytes, envelope: bytes) -> None:
        """
        Write a whole envelope.

        Args:
            tip_id: Its name.
            envelope: All of it.
        """
        create_file(self._fresh / tip_id.hex(), envelope, day=self._today())
        self._sync(self._fresh)

    def write_slice(self, upload_id: bytes, data: bytes, *, offset: int) -> None:
        """
        Write a slice of an upload.

        Args:
            upload_id: Its name.
            data: The slice.
            offset: Where it belongs.

        Raises:
            OSError: the disk refuses, or the upload was purged meanwhile.
        """
        path = self._partial / upload_id.hex()
        # Only the first slice makes the file: a later one must not bring back what was purged.
        create = os.O_CREAT if offset == 0 else 0
        descriptor = os.open(path, os.O_WRONLY | create, PRIVATE_FILE_MODE)
        try:
            # What a failed try left behind the offset does not count.
            os.ftruncate(descriptor, offset)
            os.lseek(descriptor, offset, os.SEEK_SET)
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        blur_times(path, day=self._today())
        if offset == 0:
            self._sync(self._partial)

    def partial_len(self, upload_id: bytes) -> int:
        """
        Tell how much of an upload is held.

        Args:
            upload_id: Its name.

        Returns:
            Bytes.
        """
        return (self._partial / upload_id.hex()).stat().st_size

    def link(self, upload_id: bytes, *, tip_id: bytes) -> None:
        """
        Give a complete upload its name as a tip, besides the one it has.

        Args:
            upload_id: The name it has.
            tip_id: The name it gets.
        """
        (self._fresh / tip_id.hex()).hardlink_to(self._partial / upload_id.hex())
        self._sync(self._fresh)

    def remove_partial(self, upload_ids: Iterable[bytes]) -> None:
        """
        Remove the files of uploads, as far as there are any.

        Args:
            upload_ids: Their names.
        """
        for upload_id in upload_ids:
            (self._partial / upload_id.hex()).unlink(missing_ok=True)
        self._sync(self._partial)

    def remove(self, tip_ids: Iterable[bytes]) -> None:
        """
        Remove the files of envelopes, as far as there are any.

        Args:
            tip_ids: Their names.
        """
        touched = set()
        for tip_id in tip_ids:
            for path in self._places(tip_id):
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                    touched.add(path.parent)
        for folder in touched:
            self._sync(folder)

    def find_left(self, record_ids: Iterable[bytes]) -> list[Path]:
        """
        Look whether anything still has the name of a record.

        Args:
            record_ids: Of tips or of uploads.

        Returns:
            What is still there.
        """
        return [
            path
            for record_id in record_ids
            for path in (*self._places(record_id), self._partial / record_id.hex())
            if path.exists()
        ]

    def _places(self, tip_id: bytes) -> tuple[Path, Path, Path]:
        name = tip_id.hex()
        return self._fresh / name, self._kept / f".{name}", self._kept / name

    def read(self, tip_id: bytes, *, offset: int, length: int) -> bytes | None:
        """
        Read a part of an envelope.

        Args:
            tip_id: Its name.
            offset: From its first byte.
            length: At most this many bytes.

        Returns:
            The bytes; None if it is gone.
        """
        # Fresh first: the nightly rewrite makes the kept one before it removes the fresh one.
        for folder in (self._fresh, self._kept):
            with contextlib.suppress(FileNotFoundError):
                return read_quietly(folder / tip_id.hex(), offset=offset, length=length)
        return None

    def link_all(self, folder: Path) -> None:
        """
        Give every whole envelope a second name, under which it stays as long as it is copied.

        Args:
            folder: Where; made here, on the same file system.
        """
        make_private_directory(folder)
        # Kept last: the nightly rewrite moves names from the one to the other.
        for kept in (self._fresh, self._kept):
            for path in kept.iterdir():
                if path != self._fresh and not path.name.startswith("."):
                    # An arrival that failed takes its file back; the copy does not name it either.
                    with contextlib.suppress(FileExistsError, FileNotFoundError):
                        (folder / path.name).hardlink_to(path)

    def rewrite(self) -> None:
        """
        Copy every fresh envelope to a new inode, in random order.

        Raises:
            OSError: some were not copied and stay fresh until the next night; the others were.
        """
        names = [path.name for path in self._fresh.iterdir()]
        secrets.SystemRandom().shuffle(names)
        failures: list[OSError] = []
        for name in names:
            try:
                self._rewrite(name)
            except OSError as exc:
                failures.append(exc)
        if failures:
            raise failures[0]

    def _rewrite(self, name: str) -> None:
        temporary = self._kept / f".{name}"
        try:
            with (self._fresh / name).open("rb") as source, temporary.open("wb") as destination:
                os.fchmod(destination.fileno(), PRIVATE_FILE_MODE)
                shutil.copyfileobj(source, destination, PIECE_BYTES)
                destination.flush()
                os.fsync(destination.fileno())
            blur_times(temporary, day=self._today())
            temporary.rename(self._kept / name)
        finally:
            # On a full disk a part of a copy must not take the room that the next night needs.
            temporary.unlink(missing_ok=True)
        self._sync(self._kept)
        (self._fresh / name).unlink()
        self._sync(self._fresh)

    def reconcile(self, tip_ids: Collection[bytes]) -> None:
        """
        Remove what a crash left: envelopes that no row names, and unfinished copies.

        Args:
            tip_ids: Every tip there is a row of.
        """
        names = {tip_id.hex() for tip_id in tip_ids}
        for folder in (self._kept, self._fresh):
            for path in list(folder.iterdir()):
                if path != self._fresh and path.name not in names:
                    path.unlink()
            self._sync(folder)
        for path in list(self._fresh.iterdir()):
            if (self._kept / path.name).exists():
                path.unlink()
        self._sync(self._fresh)

    def reconcile_partial(self, size_of_upload: Mapping[bytes, int]) -> set[bytes]:
        """
        Remove what a crash left of uploads, and cut each back to whole slices.

        Args:
            size_of_upload: By id, what the file of each upload will have that there is a row of.

        Returns:
            The uploads there is no file of.
        """
        size_of_name = {upload_id.hex(): size for upload_id, size in size_of_upload.items()}
        missing = set(size_of_upload)
        for path in list(self._partial.iterdir()):
            if path.name not in size_of_name:
                path.unlink()
                continue
            missing.discard(bytes.fromhex(path.name))
            # A complete one was never acknowledged: its last slice is asked for again.
            held = min(path.stat().st_size, size_of_name[path.name] - 1)
            os.truncate(path, held - held % SEALED_SLICE_BYTES)
            blur_times(path, day=self._today())
        self._sync(self._partial)
        return missing

    def _sync(self, folder: Path) -> None:
        sync_directory(folder)
        blur_times(folder, day=self._today())
