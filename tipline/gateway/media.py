"""
Pictures and recordings that belong to a message: fetched, cleaned, and removed at the provider.

Rules:
1. They are held in memory only, so many at once, and each no longer than `MAX_FILE_BYTES`.
2. Each is cleaned by the same rules as everywhere, in a process of its own that can do nothing but
   compute (`cleaner.py`): what strangers send is read beside no key and no other message.
3. What cannot be cleaned is sealed as it is, and marked so: whoever sent it from a phone cannot be
   asked first. The readers' programs show the mark, and clean again.
4. A text does not wait long for a file: what cannot be fetched in a few attempts, or in time, is
   counted.
5. The provider is asked to remove its copy after the tip is durable, and only then.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import io
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from crypto.attachment import CLEAN, CLEANED, UNCLEANED, Cleaning
from crypto.envelope import AttachedFile
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import EXTENSIONS, Format, Kind
from tipline.cleaning.rules import NUMBER
from tipline.errors import GatewayError
from tipline.gateway.adapter import Adapter, Remover
from tipline.gateway.incoming import MAX_MEDIA, MediaReference

MAX_FILE_BYTES: Final = 20 * 1024 * 1024  # Telegram gives no more to a bot; an MMS has 5 MB
MAX_MESSAGE_BYTES: Final = 40 * 1024 * 1024  # of all files of a message: an envelope of 64 MiB
MESSAGES_AT_ONCE: Final = 2  # each takes up to five times its files' size: fetched, cleaned, sealed
ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 1.0  # between attempts; a provider waits 10 to 15 seconds for our answer
LONGEST_PAUSE_SECONDS: Final = 60.0  # if the provider names one
CLEANING_SECONDS: Final = 60.0
COLLECTING_SECONDS: Final = 20.0  # all files of a message: who brings it waits no longer
MAX_HEAD_BYTES: Final = 4096  # of the line that says what became of a file

UNKNOWN_EXTENSION: Final = "bin"
UNKNOWN_TYPE: Final = "application/octet-stream"
# What a cleaned file is; by the format that was found, never by what the provider said.
MEDIA_TYPES: Final = {
    Format.JPEG: "image/jpeg",
    Format.PNG: "image/png",
    Format.WEBP: "image/webp",
    Format.GIF: "image/gif",
    Format.TIFF: "image/tiff",
    Format.HEIC: "image/heic",
    Format.AVIF: "image/avif",
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    Format.ODT: "application/vnd.oasis.opendocument.text",
    Format.ODS: "application/vnd.oasis.opendocument.spreadsheet",
    Format.ODP: "application/vnd.oasis.opendocument.presentation",
    Format.TXT: "text/plain",
    Format.CSV: "text/csv",
    Format.OGG: "audio/ogg",
    Format.FLAC: "audio/flac",
    Format.WAV: "audio/wav",
    Format.MP3: "audio/mpeg",
    Format.PDF: "application/pdf",
    Format.M4A: "audio/mp4",
    Format.MP4: "video/mp4",
    Format.MOV: "video/quicktime",
    Format.PHONE_VIDEO: "video/3gpp",
    Format.WEBM: "video/webm",
    Format.MKV: "video/matroska",
}

Clean = Callable[[bytes], Awaitable[AttachedFile]]
Pause = Callable[[float], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """
    What belongs to a message, in memory.

    Args:
        files: Cleaned where they can be.
        fetched: Where the provider still has them.
        missing_len: How many could not be fetched.
    """

    files: tuple[AttachedFile, ...] = dataclasses.field(default=(), repr=False)
    fetched: tuple[MediaReference, ...] = ()
    missing_len: int = 0


class MediaCollector:
    """
    Fetches what belongs to messages, so many messages at a time.

    Args:
        clean: Cleans one file.
        sleep: Waits between attempts.
    """

    def __init__(self, *, clean: Clean | None = None, sleep: Pause = asyncio.sleep) -> None:
        self._clean = clean or clean_file
        self._sleep = sleep
        self._places = asyncio.Semaphore(MESSAGES_AT_ONCE)

    @contextlib.asynccontextmanager
    async def hold_place(self) -> AsyncIterator[None]:
        """
        Hold a place for a message with files, until it is sealed and its files are let go.

        Yields:
            When it is its turn.
        """
        async with self._places:
            yield

    async def collect(self, adapter: Adapter, references: Sequence[MediaReference]) -> Collected:
        """
        Fetch and clean what belongs to a message. The caller holds a place.

        Args:
            adapter: Of the gateway that it came by.
            references: Untrusted.

        Returns:
            The files, and how many are missing.
        """
        files: list[AttachedFile] = []
        fetched: list[MediaReference] = []
        left_bytes = MAX_MESSAGE_BYTES
        # What is there when the time is over is sealed; the rest is counted.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(COLLECTING_SECONDS):
                for reference in references[:MAX_MEDIA]:
                    limit_bytes = min(left_bytes, MAX_FILE_BYTES)
                    data = await self._fetch(adapter, reference, limit_bytes)
                    if data is None:
                        continue
                    left_bytes -= len(data)
                    files.append(await self._clean(data))
                    fetched.append(reference)
        return Collected(
            files=tuple(files), fetched=tuple(fetched), missing_len=len(references) - len(files)
        )

    async def forget(self, adapter: Adapter, references: Sequence[MediaReference]) -> int:
        """
        Have the provider remove its copies, after the tip is durable.

        Args:
            adapter: Of the gateway that it came by.
            references: As `collect` fetched them.

        Returns:
            How many it may still have.
        """
        kept_len = 0
        for reference in references:
            if not await self._try(functools.partial(adapter.forget, reference)):
                kept_len += 1
        return kept_len

    async def forget_message(self, remover: Remover, provider_id: str) -> bool:
        """
        Have the provider remove a message, after the tip is durable.

        Args:
            remover: Of the gateway that it came by.
            provider_id: Of the message.

        Returns:
            Whether it said so.
        """
        return await self._try(functools.partial(remover.forget_message, provider_id))

    async def _fetch(
        self, adapter: Adapter, reference: MediaReference, limit_bytes: int
    ) -> bytes | None:
        data: list[bytes] = []

        async def fetch() -> None:
            data.append(await adapter.fetch(reference, limit_bytes=limit_bytes))

        if limit_bytes <= 0 or not await self._try(fetch):
            return None
        return data[0] or None  # an empty file says nothing, and cannot be told from a lost one

    async def _try(self, act: Callable[[], Awaitable[None]]) -> bool:
        pause_seconds = PAUSE_SECONDS
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._sleep(pause_seconds)
            try:
                await act()
            except GatewayError as exc:
                if exc.code != "gateway_unreachable":
                    return False  # it will say the same again
                told_seconds = float(exc.facts.get("wait_seconds", 0))
                pause_seconds = min(max(PAUSE_SECONDS, told_seconds), LONGEST_PAUSE_SECONDS)
            else:
                return True
        return False


async def clean_file(untrusted: bytes) -> AttachedFile:
    """
    Clean one file, in a process that can do nothing but compute.

    Args:
        untrusted: The file.

    Returns:
        The cleaned file; or the file as it is, marked with the reason, if it cannot be cleaned.

    Raises:
        OSError: no process can be started.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        "tipline.gateway.cleaner",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a traceback could hold words of the file
        env={},
        cwd="/",
    )
    try:
        async with asyncio.timeout(CLEANING_SECONDS):
            out, _ = await process.communicate(untrusted)
    except TimeoutError:
        return _leave(untrusted, Reason.TOO_COMPLEX)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        return _leave(untrusted, Reason.TOO_COMPLEX)  # its bounds ended it
    return _read_answer(untrusted, out)


def _read_answer(untrusted: bytes, out: bytes) -> AttachedFile:
    # What computes there has read a stranger's file: its answer is held to be of that form.
    line, newline, cleaned = out.partition(b"\n")
    if not newline or len(line) > MAX_HEAD_BYTES:
        return _leave(untrusted, Reason.MALFORMED)
    try:
        head = json.loads(line)
        if head["state"] == UNCLEANED:
            return _leave(untrusted, Reason(head["reason"]))
        known = Format(head["format"])
        found = tuple(Kind(kind).value for kind in head.get("found", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return _leave(untrusted, Reason.MALFORMED)
    state = CLEANED if found else CLEAN
    if not cleaned or head["state"] != state or len(set(found)) != len(found):
        return _leave(untrusted, Reason.MALFORMED)
    return AttachedFile(
        extension=EXTENSIONS[known],
        size_bytes=len(cleaned),
        source=io.BytesIO(cleaned),
        media_type=MEDIA_TYPES[known],
        cleaning=Cleaning(state=state, rules=NUMBER, found=found),
    )


def _leave(untrusted: bytes, reason: Reason) -> AttachedFile:
    return AttachedFile(
        extension=UNKNOWN_EXTENSION,
        size_bytes=len(untrusted),
        source=io.BytesIO(untrusted),
        media_type=UNKNOWN_TYPE,
        cleaning=Cleaning(state=UNCLEANED, rules=NUMBER, reason=reason.value),
    )
