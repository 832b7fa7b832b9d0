"""
A bundle as a file: what was carried, still untrusted.

Rules:
    1. The end is looked for first: a bundle that was cut is refused before anything else of it is
       read.
    2. An envelope is read through a window that cannot reach beyond it, and is hashed while it is
       read: what was hashed is what was opened, even if the stick changes its bytes in between.
"""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO, Final, cast

from crypto.bundle import START, TRAILER_LEN, Index, IndexEntry, parse_trailer, verify_index
from crypto.errors import MalformedError, TooLargeError
from crypto.note import Verifier
from tipline.errors import BundleError

_READ_LEN: Final = 1 << 20


def read_index(untrusted: BinaryIO, *, root: Verifier, seen: int = 0) -> Index:
    """
    Find and verify a bundle's index.

    Args:
        untrusted: The bundle, seekable.
        root: The pinned desk root.
        seen: The highest keyset number seen before, 0 if none.

    Returns:
        The index.

    Raises:
        BundleError: `bundle_cut`: its end is missing; or `bundle_format`.
        KeysetError: the keyset inside must not be used.
        ForgedError: the service did not sign the index.
    """
    bundle_len = untrusted.seek(0, io.SEEK_END)
    untrusted.seek(0)
    if untrusted.read(len(START)) != START:
        raise BundleError("bundle_format", detail="first line")
    untrusted.seek(max(0, bundle_len - TRAILER_LEN))
    try:
        index_len = parse_trailer(untrusted.read())
    except (MalformedError, TooLargeError) as exc:
        raise BundleError("bundle_cut") from exc
    index_start = bundle_len - TRAILER_LEN - index_len
    if index_start < len(START):
        raise BundleError("bundle_cut")
    untrusted.seek(index_start)
    try:
        return verify_index(
            untrusted.read(index_len), root=root, envelopes_end=index_start, seen=seen
        )
    except (MalformedError, TooLargeError) as exc:
        raise BundleError("bundle_format", detail=exc.detail) from exc


class EnvelopeReader(io.RawIOBase):
    """
    One envelope of a bundle, hashed while it is read.

    Args:
        untrusted: The bundle, seekable; nothing else reads from it meanwhile.
        entry: Where the envelope stands.
    """

    def __init__(self, untrusted: BinaryIO, entry: IndexEntry) -> None:
        super().__init__()
        untrusted.seek(entry.offset)
        # Every file has readinto, but the type BinaryIO does not say so.
        self._source = cast(io.BufferedIOBase, untrusted)
        self._left = entry.size_bytes
        self._hash = hashlib.sha256()
        self._expected = entry.sha256

    def readable(self) -> bool:
        """
        Tell that this is a stream to read from.

        Returns:
            True.
        """
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # typeshed's buffer type is private
        """
        Read on.

        Args:
            buffer: Takes the bytes.

        Returns:
            How many, 0 at the envelope's end.
        """
        view = memoryview(buffer).cast("B")[: self._left]
        read_len = self._source.readinto(view) if view else 0
        self._hash.update(view[:read_len])
        self._left -= read_len
        return read_len

    def holds(self) -> bool:
        """
        Read what is left and compare the hash.

        Returns:
            Whether the envelope is the one of the index.
        """
        buffer = bytearray(_READ_LEN)
        while self.readinto(buffer):
            pass
        return self._hash.hexdigest() == self._expected


def find_broken(untrusted: BinaryIO, index: Index) -> list[str]:
    """
    Compare every envelope with the index, without opening any.

    Args:
        untrusted: The bundle, seekable.
        index: Verified.

    Returns:
        The ids of the tips that were changed or cut.
    """
    return [tip.id for tip in index.tips if not EnvelopeReader(untrusted, tip).holds()]
