"""
Taking envelopes in: the upload protocol of docs/reference/formats.md.

Rules:
1. Nothing is durable before the envelope's head was checked; a bad upload leaves nothing.
2. One refusal, always the same bytes, whatever was wrong (INV-10).
3. "Arrived" is said only after the store promised it (INV-05). When a try to store fails, whether
   it failed is looked up before anything else is done with the upload: a retry would write into the
   file of a tip that is stored.
4. What was begun and has nothing on disk lives in memory alone, and makes room for others.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import hashlib
import hmac
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from crypto.envelope import check_envelope_head
from crypto.errors import CryptoError, KeysetError
from crypto.ladder import is_rung
from crypto.randomness import RandomSource, system_random
from crypto.strict import decode_padded_base64, parse_integer, parse_json_object
from retention.policy import Event, RecordClass, find_tip_class
from retention.promise import Promises
from tipline.configuration import Limits
from tipline.errors import InstanceError
from tipline.keysets import InstalledKeyset, KeysetWatch
from tipline.service.answers import (
    ARRIVED,
    BUSY,
    NOT_IN_FORCE,
    REFUSED,
    UNKNOWN,
    WRONG_CHECKSUM,
    WRONG_METHOD,
    Answer,
    make_offset_answer,
    make_open_answer,
)
from tipline.service.limits import BusyError, Place, Places
from tipline.service.open_uploads import TEXT_BYTES, OpenUpload, OpenUploads
from tipline.service.silence import Faults
from tipline.service.store import Arrival, PartialUpload, Store, StoredTip

SLICE_BYTES: Final = 1024 * 1024  # formats.md, "Upload"
MAX_OPENING_BYTES: Final = 1024  # of the JSON that opens an upload; ours has 80
ID_BYTES: Final = 16
FLOOR_PART: Final = 4  # of the disk's reserve: what no tip may use, not even one of text
MAX_FLOOR_BYTES: Final = 256 * 1024 * 1024  # a purge's WAL has 40 MiB between two checkpoints
MIN_REUSABLE_BYTES: Final = 1024 * 1024
CHECKSUM_START: Final = "sha256 "
UPLOADS_PATH: Final = "/uploads/"
_ID = re.compile(r"[0-9a-f]{32}")


class _RefusedError(Exception):
    """The upload is refused and nothing of it stays."""


class Intake:
    """
    The uploads of one instance.

    Args:
        store: Where tips go.
        keysets: Which keyset is in force.
        promises: How long things are kept.
        limits: Of the configuration.
        directory: The instance, to measure its disk.
        today: Tells the day.
        takes_tips: Tells whether the line still takes tips: not after its end.
        on_tip: Told of each tip after it is durable.
        faults: Where a disk's failures are remembered.
        random: Where tips' ids come from.
        monotonic: A clock that never steps back, in seconds.
    """

    def __init__(
        self,
        *,
        store: Store,
        keysets: KeysetWatch,
        promises: Promises,
        limits: Limits,
        directory: Path,
        today: Callable[[], datetime.date],
        takes_tips: Callable[[], bool],
        on_tip: Callable[[StoredTip], None],
        faults: Faults,
        random: RandomSource = system_random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._keysets = keysets
        self._promises = promises
        self._limits = limits
        self._directory = directory
        self._today = today
        self._takes_tips = takes_tips
        self._on_tip = on_tip
        self._faults = faults
        self._random = random
        self._uploads = OpenUploads(
            places=limits.open_uploads,
            places_per_circuit=limits.open_uploads_per_circuit,
            monotonic=monotonic,
        )
        self._slices = Places(limits.slices_in_memory * SLICE_BYTES)
        self._texts = Places(limits.texts_in_memory * TEXT_BYTES)
        self._receiving = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def load(self) -> None:
        """Take up the uploads that a former run left on disk."""
        for upload, offset in (await self._store.partial_uploads()).values():
            self._uploads.restore(
                OpenUpload(
                    id=upload.id,
                    size_bytes=upload.size_bytes,
                    channel=upload.channel,
                    keyset=upload.keyset,
                    circuit=None,
                    offset=offset,
                    begun_on=upload.begun_on,
                )
            )

    def forget(self, upload_id: bytes) -> None:
        """
        Drop an upload that was purged.

        Args:
            upload_id: Its id.
        """
        self._uploads.remove(upload_id)

    async def wait_idle(self, *, limit_seconds: float) -> None:
        """
        Wait until no slice is being received, for a stop that cuts nobody off.

        Args:
            limit_seconds: A slice that comes more slowly than this is cut off; its client asks
                later and goes on.
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), limit_seconds)

    @contextlib.contextmanager
    def _receive(self, upload: OpenUpload) -> Iterator[Place]:
        places = self._texts if upload.is_text else self._slices
        with places.hold() as place:
            self._receiving += 1
            self._idle.clear()
            try:
                yield place
            finally:
                self._receiving -= 1
                if self._receiving == 0:
                    self._idle.set()

    async def respond(self, request: web.BaseRequest, *, circuit: str | None) -> Answer:
        """
        Answer a request below `/uploads/`.

        Args:
            request: Untrusted.
            circuit: As tor named it.

        Returns:
            The answer.
        """
        untrusted_id = request.rel_url.raw_path.removeprefix(UPLOADS_PATH)
        if not _ID.fullmatch(untrusted_id):
            return UNKNOWN
        upload_id = bytes.fromhex(untrusted_id)
        try:
            return await self._choose(request, upload_id, circuit)
        except _RefusedError:
            await self._drop(upload_id)
            return REFUSED
        except BusyError:
            return BUSY
        except (OSError, sqlite3.Error) as exc:
            if isinstance(exc, ConnectionError):
                raise
            # The disk, not the client: nothing was promised, and trying again may help.
            self._faults.add(exc)
            return BUSY

    async def _choose(
        self, request: web.BaseRequest, upload_id: bytes, circuit: str | None
    ) -> Answer:
        if not self._takes_tips() and request.method in ("PUT", "PATCH", "GET"):
            return await self._tell_closed(request.method, upload_id)
        if request.method == "PUT":
            return await self._open(request, upload_id, circuit)
        if request.method == "PATCH":
            return await self._append(request, upload_id)
        if request.method == "GET":
            return await self._tell(upload_id)
        return WRONG_METHOD

    async def _tell_closed(self, method: str, upload_id: bytes) -> Answer:
        # As if nobody read any more: a page that is told so looks again, and finds the notice.
        await self._end_doubt(upload_id)
        if await self._store.remembers(upload_id):
            return ARRIVED
        return NOT_IN_FORCE if method == "PUT" else UNKNOWN

    async def _tell(self, upload_id: bytes) -> Answer:
        await self._end_doubt(upload_id)
        upload = self._uploads.get(upload_id)
        if upload is not None:
            return make_open_answer(upload.offset)
        return ARRIVED if await self._store.remembers(upload_id) else UNKNOWN

    async def _open(
        self, request: web.BaseRequest, upload_id: bytes, circuit: str | None
    ) -> Answer:
        opening = _parse_opening(await self._read(request, max_bytes=MAX_OPENING_BYTES))
        await self._end_doubt(upload_id)
        remembered = await self._store.remembers(upload_id)
        # From here on nothing waits: what is known now is true until the upload is open.
        if remembered or self._uploads.has_arrived(upload_id):
            return ARRIVED
        known = self._uploads.get(upload_id)
        if known is not None:
            if (known.channel, known.keyset, known.size_bytes) != opening:
                raise _RefusedError
            return make_open_answer(known.offset)
        channel, number, size_bytes = opening
        installed = self._read_keyset()
        if installed is None or not installed.is_in_force(number, today=self._today()):
            return NOT_IN_FORCE
        if channel not in [entry.id for entry in installed.keyset.channels]:
            # A channel of a superseded keyset may be gone: a new page shows today's.
            if number != installed.keyset.number:
                return NOT_IN_FORCE
            raise _RefusedError
        if not is_rung(size_bytes):
            raise _RefusedError
        silent = self._uploads.open(
            OpenUpload(
                id=upload_id,
                size_bytes=size_bytes,
                channel=channel,
                keyset=number,
                circuit=circuit,
            )
        )
        if silent is not None:
            await self._drop(silent.id)
        return make_open_answer(0)

    async def _append(self, request: web.BaseRequest, upload_id: bytes) -> Answer:
        upload = self._uploads.get(upload_id)
        if upload is None:
            return ARRIVED if await self._store.remembers(upload_id) else UNKNOWN
        async with upload.lock:
            # While this request waited, another may have completed or refused the upload.
            if self._uploads.get(upload_id) is not upload:
                return ARRIVED if await self._store.remembers(upload_id) else UNKNOWN
            if await self._has_arrived(upload):
                return ARRIVED
            offset, checksum = _parse_slice_headers(request)
            if offset != upload.offset:
                return make_offset_answer(upload.offset)
            slice_len = min(SLICE_BYTES, upload.size_bytes - offset)
            if request.content_length != slice_len:
                raise _RefusedError
            if not upload.is_text:
                await self._make_room(slice_len)
            elif not await self.has_room_for_text():
                raise BusyError
            with self._receive(upload) as place:
                reading = self._read(request, max_bytes=slice_len, count=place.count)
                data = await place.receive(reading)
                digest = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
                if not hmac.compare_digest(digest, checksum):
                    return WRONG_CHECKSUM
                if offset == 0:
                    _check_head(data, size_bytes=upload.size_bytes)
                return await self._store_slice(upload, data)

    async def _store_slice(self, upload: OpenUpload, data: bytes) -> Answer:
        today = self._today()
        begun_on = upload.begun_on or today
        if upload.offset + len(data) < upload.size_bytes:
            partial = PartialUpload(
                id=upload.id,
                begun_on=begun_on,
                dies_on=self._promises.dies_on(RecordClass.PARTIAL_UPLOAD, {Event.BEGUN: begun_on}),
                size_bytes=upload.size_bytes,
                channel=upload.channel,
                keyset=upload.keyset,
            )
            await self._store.add_slice(partial, data, offset=upload.offset)
            self._uploads.grow(upload, added_bytes=len(data), today=today)
            return make_open_answer(upload.offset)
        arrival = self._make_arrival(upload, today)
        upload.doubtful_tip = arrival.tip
        try:
            if upload.offset == 0:
                await self._store.add_whole(arrival, data)
            else:
                await self._store.complete(arrival, data, offset=upload.offset)
        except (OSError, sqlite3.Error) as exc:
            # What failed may have come after the commit.
            if not await self._has_arrived(upload):
                raise
            self._faults.add(exc)
            return ARRIVED
        self._uploads.finish(upload.id)
        self._on_tip(arrival.tip)
        return ARRIVED

    async def _has_arrived(self, upload: OpenUpload) -> bool:
        """Whoever calls holds the upload's lock."""
        if upload.doubtful_tip is None:
            return False
        tip, arrived = upload.doubtful_tip, await self._store.remembers(upload.id)
        upload.doubtful_tip = None
        if arrived:
            await self._tidy(upload.id)
            self._uploads.finish(upload.id)
            self._on_tip(tip)
        return arrived

    async def _end_doubt(self, upload_id: bytes) -> None:
        upload = self._uploads.get(upload_id)
        if upload is None or upload.doubtful_tip is None:
            return
        async with upload.lock:
            if self._uploads.get(upload_id) is upload:
                await self._has_arrived(upload)

    def _make_arrival(self, upload: OpenUpload, today: datetime.date) -> Arrival:
        return Arrival(
            upload_id=upload.id,
            answer_dies_on=self._promises.dies_on(
                RecordClass.UPLOAD_ANSWER, {Event.ARRIVED: today}
            ),
            tip=StoredTip(
                id=self._random(ID_BYTES),
                arrived_on=today,
                dies_on=self._promises.dies_on(
                    find_tip_class(upload.size_bytes), {Event.ARRIVED: today}
                ),
                size_bytes=upload.size_bytes,
                channel=upload.channel,
                sealed_by_service=False,
                keyset=upload.keyset,
            ),
        )

    async def _drop(self, upload_id: bytes) -> None:
        upload = self._uploads.get(upload_id)
        if upload is None:
            return
        # A slice that is being received would bring back what is discarded.
        async with upload.lock:
            if self._uploads.get(upload_id) is not upload:
                return
            if upload.begun_on is not None:
                await self._store.discard_upload(upload_id)
            self._uploads.remove(upload_id)

    async def _tidy(self, upload_id: bytes) -> None:
        try:
            await self._store.discard_upload(upload_id)
        except (OSError, sqlite3.Error) as exc:
            # The tip has arrived all the same; the next start removes what is left of its upload.
            self._faults.add(exc)

    async def _read(
        self,
        request: web.BaseRequest,
        *,
        max_bytes: int,
        count: Callable[[int], None] = lambda piece_len: None,
    ) -> bytes:
        data = bytearray()
        while True:
            try:
                async with asyncio.timeout(self._limits.idle_seconds):
                    piece = await request.content.readany()
            except TimeoutError as exc:
                # aiohttp ends the connection, since the rest of the body does not come.
                raise BusyError from exc
            except web.RequestPayloadError as exc:
                raise _RefusedError from exc
            if not piece:
                return bytes(data)
            data += piece
            if len(data) > max_bytes:
                raise _RefusedError
            count(len(piece))

    def _read_keyset(self) -> InstalledKeyset | None:
        try:
            return self._keysets.read()
        except (KeysetError, InstanceError):
            # The page says why, from /keyset; here the answer is that it is not in force.
            return None

    async def _make_room(self, slice_len: int) -> None:
        while not self._has_room(slice_len):
            silent = self._uploads.take_longest_silent(is_text=False)
            if silent is None:
                raise BusyError
            await self._drop(silent.id)

    def _has_room(self, slice_len: int) -> bool:
        return (
            self._uploads.held_bytes + slice_len <= self._limits.partial_bytes
            and self._measure_free() >= self._limits.disk_reserve_bytes
        )

    async def has_room_for_text(self) -> bool:
        """
        Keep a part of the reserve even from text: a purge that cannot write cannot purge.

        Returns:
            Whether a text may be stored.
        """
        floor = min(self._limits.disk_reserve_bytes // FLOOR_PART, MAX_FLOOR_BYTES)
        free = self._measure_free()
        if free >= floor:
            return True
        # What dies makes room inside the database long before its file gets smaller.
        return free >= floor // 2 and await self._store.reusable_bytes() >= MIN_REUSABLE_BYTES

    def _measure_free(self) -> int:
        disk = os.statvfs(self._directory)
        return disk.f_bavail * disk.f_frsize


def _parse_opening(untrusted: bytes) -> tuple[str, int, int]:
    try:
        value: dict[str, Any] = parse_json_object(untrusted, max_bytes=MAX_OPENING_BYTES)
    except CryptoError as exc:
        raise _RefusedError from exc
    if set(value) != {"channel", "keyset", "size_bytes"}:
        raise _RefusedError
    if type(value["channel"]) is not str:
        raise _RefusedError
    if type(value["keyset"]) is not int or type(value["size_bytes"]) is not int:
        raise _RefusedError
    return value["channel"], value["keyset"], value["size_bytes"]


def _parse_slice_headers(request: web.BaseRequest) -> tuple[int, bytes]:
    try:
        offset = parse_integer(request.headers.get("Upload-Offset", ""))
        untrusted_checksum = request.headers.get("Upload-Checksum", "")
        if not untrusted_checksum.startswith(CHECKSUM_START):
            raise _RefusedError
        checksum = decode_padded_base64(untrusted_checksum.removeprefix(CHECKSUM_START))
    except CryptoError as exc:
        raise _RefusedError from exc
    if len(checksum) != hashlib.sha256().digest_size:
        raise _RefusedError
    return offset, checksum


def _check_head(data: bytes, *, size_bytes: int) -> None:
    try:
        check_envelope_head(data, size_bytes=size_bytes)
    except CryptoError as exc:
        raise _RefusedError from exc
