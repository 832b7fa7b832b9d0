"""
The uploads that are begun and have not arrived, as long as the service runs.

Rules:
1. Text and attachments are counted apart, so that neither takes the other's places.
2. An upload costs its opener nothing until a slice of it is on disk, so it keeps nobody out: when
   every place is taken, the one that was silent longest is forgotten. Its client is told "unknown"
   and begins again.
3. What is on disk makes room, too, once no slice has come for an hour: its client has given up.
4. Each question costs the same, however many uploads there are.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
from collections.abc import Callable, Iterator
from typing import Final

from tipline.service.limits import BusyError
from tipline.service.store import StoredTip

TEXT_BYTES: Final = 64 * 1024  # the rung of a tip of text alone
SILENT_SECONDS: Final = 3600.0  # the page gives up after 15 minutes without a slice
MAX_ARRIVED: Final = 4096  # arrivals while one look into the store lasts, with room to spare


@dataclasses.dataclass(slots=True, kw_only=True, eq=False)
class OpenUpload:
    """
    One upload.

    Args:
        id: As the client chose it.
        size_bytes: Of the whole envelope.
        channel: As the client named it.
        keyset: The number it was sealed to.
        circuit: On which it was opened.
        offset: Bytes held on disk.
        begun_on: The day of its first slice; None as long as nothing is on disk.
        lock: Held while a slice of it is received.
        grown_seconds: When its last slice came, by the monotonic clock.
        doubtful_tip: What it is as a tip, as long as nobody knows whether that is stored.
    """

    id: bytes
    size_bytes: int
    channel: str
    keyset: int
    circuit: str | None
    offset: int = 0
    begun_on: datetime.date | None = None
    lock: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    grown_seconds: float = 0.0
    doubtful_tip: StoredTip | None = None

    @property
    def is_text(self) -> bool:
        """Whether it is a tip of text alone, going by its size."""
        return self.size_bytes == TEXT_BYTES


class OpenUploads:
    """
    All of them.

    Args:
        places: Uploads of text, and uploads with attachments, that may be begun.
        places_per_circuit: The same, of one circuit.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self, *, places: int, places_per_circuit: int, monotonic: Callable[[], float]
    ) -> None:
        self._places = places
        self._places_per_circuit = places_per_circuit
        self._monotonic = monotonic
        self._uploads: dict[bytes, OpenUpload] = {}
        self._count: collections.Counter[bool] = collections.Counter()
        self._count_of_circuit: collections.Counter[tuple[str, bool]] = collections.Counter()
        # Of text and of attachments: those of which nothing is on disk, the longest silent first.
        self._empty: dict[bool, collections.OrderedDict[bytes, OpenUpload]] = {
            False: collections.OrderedDict(),
            True: collections.OrderedDict(),
        }
        # The same of those of which something is.
        self._begun: dict[bool, collections.OrderedDict[bytes, OpenUpload]] = {
            False: collections.OrderedDict(),
            True: collections.OrderedDict(),
        }
        # Their clients may still ask; a request that began before the arrival must not open them
        # anew.
        self._arrived: collections.OrderedDict[bytes, None] = collections.OrderedDict()
        self.held_bytes = 0

    def __iter__(self) -> Iterator[OpenUpload]:
        return iter(tuple(self._uploads.values()))

    def get(self, upload_id: bytes) -> OpenUpload | None:
        """
        Find an upload, which is thereby not silent any more.

        Args:
            upload_id: As the client chose it.

        Returns:
            The upload; None if it is not known.
        """
        upload = self._uploads.get(upload_id)
        if upload is not None and upload.begun_on is None:
            self._empty[upload.is_text].move_to_end(upload_id)
        return upload

    def restore(self, upload: OpenUpload) -> None:
        """
        Take up an upload that a former run left on disk; it has its place already.

        Args:
            upload: With its offset.
        """
        self._insert(upload)

    def open(self, upload: OpenUpload) -> OpenUpload | None:
        """
        Give a new upload its place.

        Args:
            upload: Nothing of it is on disk.

        Returns:
            An upload whose place it got: the caller discards what is on disk of it.

        Raises:
            BusyError: the circuit has its share, or every place is taken by something on disk that
                still grows.
        """
        own = self._count_of_circuit[upload.circuit or "", upload.is_text]
        if upload.circuit is not None and own >= self._places_per_circuit:
            raise BusyError
        silent = None
        is_full = self._count[upload.is_text] >= self._places
        if is_full and not self._forget_longest_silent(is_text=upload.is_text):
            silent = self.take_longest_silent(is_text=upload.is_text)
            if silent is None:
                raise BusyError
        self._insert(upload)
        return silent

    def take_longest_silent(self, *, is_text: bool) -> OpenUpload | None:
        """
        Choose the upload on disk that grew longest ago, to be discarded.

        Args:
            is_text: Of which kind.

        Returns:
            The upload, which is not chosen again; None if each grew within the hour.
        """
        begun = self._begun[is_text]
        quiet = (entry for entry in begun.values() if not entry.lock.locked())
        longest = next(quiet, None)
        if longest is None or self._monotonic() - longest.grown_seconds <= SILENT_SECONDS:
            return None
        return begun.pop(longest.id)

    def grow(self, upload: OpenUpload, *, added_bytes: int, today: datetime.date) -> None:
        """
        Note that a slice of an upload is on disk.

        Args:
            upload: One of these.
            added_bytes: Of the slice.
            today: In UTC.
        """
        upload.begun_on = upload.begun_on or today
        upload.offset += added_bytes
        if self._uploads.get(upload.id) is upload:
            self._empty[upload.is_text].pop(upload.id, None)
            self._note_growth(upload)
            self.held_bytes += added_bytes

    def finish(self, upload_id: bytes) -> None:
        """
        Let an upload's place go because it arrived.

        Args:
            upload_id: As the client chose it.
        """
        self.remove(upload_id)
        self._arrived[upload_id] = None
        if len(self._arrived) > MAX_ARRIVED:
            self._arrived.popitem(last=False)

    def has_arrived(self, upload_id: bytes) -> bool:
        """
        Tell whether an upload was among the last that arrived.

        Args:
            upload_id: As the client chose it.

        Returns:
            True if it was; False says nothing, the store remembers longer.
        """
        return upload_id in self._arrived

    def remove(self, upload_id: bytes) -> OpenUpload | None:
        """
        Let an upload's place go.

        Args:
            upload_id: As the client chose it.

        Returns:
            The upload; None if it was not known.
        """
        upload = self._uploads.pop(upload_id, None)
        if upload is not None:
            self._empty[upload.is_text].pop(upload_id, None)
            self._begun[upload.is_text].pop(upload_id, None)
            self._count[upload.is_text] -= 1
            self.held_bytes -= upload.offset
            if upload.circuit is not None:
                key = (upload.circuit, upload.is_text)
                self._count_of_circuit[key] -= 1
                if not self._count_of_circuit[key]:
                    del self._count_of_circuit[key]
        return upload

    def _insert(self, upload: OpenUpload) -> None:
        self._uploads[upload.id] = upload
        self._count[upload.is_text] += 1
        self.held_bytes += upload.offset
        if upload.begun_on is None:
            self._empty[upload.is_text][upload.id] = upload
        else:
            self._note_growth(upload)
        if upload.circuit is not None:
            self._count_of_circuit[upload.circuit, upload.is_text] += 1

    def _note_growth(self, upload: OpenUpload) -> None:
        upload.grown_seconds = self._monotonic()
        self._begun[upload.is_text][upload.id] = upload
        self._begun[upload.is_text].move_to_end(upload.id)

    def _forget_longest_silent(self, *, is_text: bool) -> bool:
        # One that is receiving a slice is not silent; there are no more of these than places in
        # memory, so this does not look far.
        silent = (entry for entry in self._empty[is_text].values() if not entry.lock.locked())
        longest = next(silent, None)
        if longest is not None:
            self.remove(longest.id)
        return longest is not None
