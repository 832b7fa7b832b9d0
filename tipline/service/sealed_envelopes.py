"""
Envelopes as they are stored: sealed under their record's own key, opened for the desk.

Each method may run in any thread but the writer's: none touches the database.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Final

from crypto.data_key import DataKey
from crypto.stored import SEALED_SLICE_BYTES, SLICE_BYTES, open_slice, seal_slice, sealed_len
from tipline.service.envelope_files import EnvelopeFiles
from tipline.service.record_keys import KeyUnavailableError, RecordKey, RecordKeys
from tipline.service.store import Arrival, PartialUpload, StoredTip

BLOB_MAX_BYTES: Final = 64 * 1024  # measured: larger ones are faster as files


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FoundKey:
    """
    What the database says of a record's key.

    Args:
        key: As its row says.
        dies_on: The day under whose key it is wrapped.
        wraps: Of each hold it is under: the hold's id, and the data key wrapped under it.
    """

    key: RecordKey
    dies_on: datetime.date
    wraps: Sequence[tuple[bytes, bytes]] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """
    An envelope that was sealed, before its row.

    Args:
        key: What its row will say.
        data_key: The same, opened.
        blob: The sealed bytes; None if they are in a file.
    """

    key: RecordKey
    data_key: DataKey
    blob: bytes | None


class SealedEnvelopes:
    """
    The envelopes of one store.

    Args:
        keys: Their keys.
        files: The larger ones.
    """

    def __init__(self, keys: RecordKeys, files: EnvelopeFiles) -> None:
        self._keys = keys
        self._files = files

    def seal_whole(self, arrival: Arrival, envelope: bytes) -> Sealed:
        """
        Seal an envelope that came whole, under a key of its own.

        Args:
            arrival: What is known of it.
            envelope: All of it.

        Returns:
            What its row needs.

        Raises:
            OSError: the disk refuses, or the slot file does.
        """
        tip = arrival.tip
        key, data_key = self._keys.make(dies_on=tip.dies_on)
        sealed = b"".join(
            seal_slice(
                data_key,
                envelope[start : start + SLICE_BYTES],
                record_id=key.data_id,
                number=number,
            )
            for number, start in enumerate(range(0, len(envelope), SLICE_BYTES))
        )
        if tip.size_bytes <= BLOB_MAX_BYTES:
            return Sealed(key=key, data_key=data_key, blob=sealed)
        self._files.create(tip.id, sealed)
        return Sealed(key=key, data_key=data_key, blob=None)

    def write_slice(
        self, upload: PartialUpload, found: FoundKey | None, data: bytes, *, offset: int
    ) -> RecordKey:
        """
        Seal and write a slice that does not complete its upload.

        Args:
            upload: What is known of it.
            found: Its key; None if there is no row of it yet.
            data: The slice.
            offset: Where in the envelope it belongs.

        Returns:
            What the upload's row says, or will say.

        Raises:
            OSError: the disk refuses, the slot file does, or the upload's key died meanwhile.
        """
        if found is None:
            key, data_key = self._keys.make(dies_on=upload.dies_on)
        else:
            key, data_key = found.key, self.open_key(found)
        self._write(upload.id, key, data_key, data, offset=offset)
        return key

    def write_last_slice(
        self, arrival: Arrival, found: FoundKey, data: bytes, *, offset: int
    ) -> Sealed:
        """
        Seal and write the last slice, and give the file its name as a tip.

        Args:
            arrival: What is known of the tip.
            found: The upload's key.
            data: The slice.
            offset: Where in the envelope it belongs.

        Returns:
            What the tip's row needs: the same data key, wrapped for the tip's last day.

        Raises:
            OSError: the disk refuses, the slot file does, or the upload's key died meanwhile.
        """
        data_key = self.open_key(found)
        key = self._keys.wrap(found.key, data_key, dies_on=arrival.tip.dies_on)
        self._write(arrival.upload_id, key, data_key, data, offset=offset)
        self._files.link(arrival.upload_id, tip_id=arrival.tip.id)
        return Sealed(key=key, data_key=data_key, blob=None)

    def open_part(
        self, tip: StoredTip, found: FoundKey, blob: bytes | None, *, span: range
    ) -> bytes | None:
        """
        Open a part of an envelope.

        Args:
            tip: Whose.
            found: Its key.
            blob: The sealed bytes; None if they are in a file.
            span: Which bytes of the envelope.

        Returns:
            The bytes, fewer if the envelope ends before; None if the file is gone.

        Raises:
            KeyUnavailableError: its key is gone, or cannot be read.
            CryptoError: what is stored is not what was sealed.
        """
        data_key = self.open_key(found)
        end = min(span.stop, tip.size_bytes)
        pieces = []
        for number in range(span.start // SLICE_BYTES, -(-end // SLICE_BYTES)):
            start = number * SLICE_BYTES
            stored = blob
            if stored is None:
                length = sealed_len(min(SLICE_BYTES, tip.size_bytes - start))
                stored = self._files.read(tip.id, offset=number * SEALED_SLICE_BYTES, length=length)
            if stored is None:
                return None
            piece = open_slice(data_key, stored, record_id=found.key.data_id, number=number)
            pieces.append(piece[max(0, span.start - start) : end - start])
        return b"".join(pieces)

    def open_key(self, found: FoundKey) -> DataKey:
        """
        Open a record's data key: by its day, or by a hold once the day is over.

        Args:
            found: What the database says of it.

        Returns:
            The data key.

        Raises:
            KeyUnavailableError: it is gone, or cannot be read.
        """
        try:
            return self._keys.open(found.key, dies_on=found.dies_on)
        except KeyUnavailableError as exc:
            gone = exc
        for hold_id, wrapped in found.wraps:
            held = dataclasses.replace(found.key, wrapped=wrapped)
            try:
                return self._keys.open_held(held, hold_id=hold_id)
            except KeyUnavailableError as exc:
                gone = exc
        raise gone

    def _write(
        self, upload_id: bytes, key: RecordKey, data_key: DataKey, data: bytes, *, offset: int
    ) -> None:
        number = offset // SLICE_BYTES
        sealed = seal_slice(data_key, data, record_id=key.data_id, number=number)
        self._files.write_slice(upload_id, sealed, offset=number * SEALED_SLICE_BYTES)
