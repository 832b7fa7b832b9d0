"""
A modem of our own, driven by gammu-smsd: its spool is read, and wiped behind each message.

    SPOOL/inbox         gammu-smsd writes, one file for each message (`InboxFormat = detail`)
    SPOOL/outbox        we write; gammu-smsd sends, and removes
    SPOOL/error         gammu-smsd puts here what it could not send

gammu-smsd names each file after the number, whatever it is told, and writes texts in clear. So:

Rules:
1. The spool lies in memory (tmpfs), or it is not touched: what stood in it never reaches a disk.
2. A file is overwritten and removed as soon as its message is durable, and not before.
3. A file that grows is left until it does not: the program may still be writing it.
4. A file that cannot be read stays where it is, and is told once: it may be somebody's message.
   The others are read first.
5. Senders take turns, as the files' names tell them apart. Whoever sent too much waits, and nobody
   else: after the first of their files that is refused, their others are left for the next look.
   A part for which there is no place keeps nobody's whole message waiting.
6. What the network brings twice has the same number, words and second at the carrier: it is one
   message, whatever its file is called.
7. An answer that is not sent yet is taken back when its receiver ends the conversation, and when
   the line stops. What a crash left in outbox and error is wiped before anything else is done: the
   line still has the answer, and sends it again.

Limitations: gammu-smsd removes a message from the modem when it lies in the spool. A power cut
between that moment and our next look, which is less than two seconds, loses it. Its own log names
each sender: `logfile = /dev/null`.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NoReturn

from crypto.errors import CryptoError
from tipline.clock import Clock
from tipline.doctor_storage import find_mount
from tipline.errors import GatewayError
from tipline.files import PRIVATE_FILE_MODE, overwrite_file
from tipline.gateway.adapter import Deliver, RawRequest, Received
from tipline.gateway.incoming import Incoming, MediaReference, Medium
from tipline.gateway.smsbackup import MAX_BACKUP_BYTES, Section, parse_backup
from tipline.gateway.turns import CrowdedError, TooManyError
from tipline.service.limits import BusyError

LOOK_SECONDS: Final = 0.5  # between two looks at the inbox
SEND_SECONDS: Final = 180.0  # a modem without a network tries for two minutes
MAX_FILES: Final = 100  # taken in one look; those that are refused are not counted
MOUNTS: Final = Path("/proc/self/mountinfo")
IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})
FOLDERS: Final = ("inbox", "outbox", "error")  # of the spool

_ADDRESS = re.compile(r"\+?[0-9]{2,20}")
# IN, day, time, a serial number of that second, the sender, the number of the part.
_INBOX_NAME = re.compile(r"IN[0-9]{8}_[0-9]{6}_[0-9]{2}_(.*)_[0-9]{2}\.[a-z0-9]+")

# As `send` names an answer, and what it hides behind until it is whole, or while it is wiped.
_OUTBOX_NAME = re.compile(r"OUTC[0-9]{8}_[0-9]{6}_00_(\+?[0-9]{2,20})_[0-9a-f]{16}\.txt")
_HIDDEN_NAME = re.compile(r"\.[0-9a-f]{16}")

Seen = tuple[int, int, int]  # inode, time of the last change, size


class Gammu:
    """
    A modem of our own.

    Args:
        name: As the operator named it.
        spool: The folder with inbox, outbox and error, in memory.
        clock: Tells the time.
        monotonic: A clock that never steps back, in seconds.
        sleep: Waits between two looks.
    """

    medium: Final = Medium.SMS
    can_send: Final = True

    def __init__(
        self,
        name: str,
        *,
        spool: Path,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name: Final = name
        self._spool = spool
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._seen: dict[str, Seen] = {}
        self._unreadable: set[Seen] = set()
        self._lock = threading.Lock()  # of the outbox: who puts, and who takes back
        self._held: set[str] = set()  # the files of answers that are being sent
        self._taken_back: set[str] = set()  # of these
        self._is_swept = False

    def receive(self, request: RawRequest) -> Received:
        """
        Refuse: a modem calls nobody.

        Args:
            request: Untrusted.

        Raises:
            GatewayError: `gateway_signature`.
        """
        self._refuse()

    async def run(self, deliver: Deliver) -> None:
        """
        Read the inbox, until cancelled.

        Args:
            deliver: Returns when all that it was given is durable.

        Raises:
            GatewayError: `gateway_spool`: the spool does not lie in memory; `gateway_malformed`: a
                file cannot be read. It stays, and is told once.
            OSError: the spool is not there.
        """
        await asyncio.to_thread(self._prepare)
        while True:
            unreadable_len = len(self._unreadable)
            failure = await self._look(deliver)
            if len(self._unreadable) > unreadable_len:
                raise GatewayError("gateway_malformed", gateway=self.name)
            if failure is not None:
                raise failure
            await self._sleep(LOOK_SECONDS)

    def check(self) -> None:
        """
        Refuse a spool that must not be used, before the line is served.

        Raises:
            GatewayError: `gateway_spool`: it does not lie in memory; `gateway_spool_missing`: it
                is not there, or one of its folders is not.
        """
        for folder in (self._spool, *(self._spool / name for name in FOLDERS)):
            if not folder.is_dir():
                raise GatewayError("gateway_spool_missing", gateway=self.name, path=str(folder))
        self._check_spool()

    async def send(self, to: str, text: str) -> None:
        """
        Put an answer into the outbox, and wait until it is gone.

        Args:
            to: A number in E.164, or a short code.
            text: What is to be read on the phone.

        Raises:
            GatewayError: `gateway_spool`; `gateway_refused`: no number, or the modem failed;
                `gateway_unreachable`: it is not sent yet, and was taken back.
        """
        if not _ADDRESS.fullmatch(to):
            raise GatewayError("gateway_refused", gateway=self.name, status=0)
        now = f"{self._clock():%Y%m%d_%H%M%S}"
        # gammu-smsd takes the number from the file's name; there is no other way.
        name = f"OUTC{now}_00_{to}_{secrets.token_hex(8)}.txt"
        self._held.add(name)  # before anything is awaited: from here on it can be taken back
        try:
            await asyncio.to_thread(self._prepare)
            await asyncio.to_thread(self._put, name, text)
            await self._wait_sent(name)
        except OSError:
            raise GatewayError("gateway_unreachable", gateway=self.name) from None
        except asyncio.CancelledError:
            # The line stops. The answer's row says that it was not sent, and so it must not be.
            self._taken_back.add(name)
            self._wipe_answers(lambda found: found == name)
            raise
        finally:
            self._held.remove(name)
            self._taken_back.discard(name)

    async def take_back(self, to: str) -> None:
        """
        Take back what waits to be sent to a number.

        Args:
            to: As for `send`.

        Raises:
            OSError: the spool cannot be written.
        """
        self._taken_back |= {name for name in self._held if name_receiver(name) == to}
        await asyncio.to_thread(self._wipe_answers, lambda name: name_receiver(name) == to)

    async def fetch(self, reference: MediaReference, *, limit_bytes: int) -> bytes:
        """
        Refuse: a modem's messages have no files.

        Args:
            reference: Of the message.
            limit_bytes: Not used.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    async def forget(self, reference: MediaReference) -> None:
        """
        Refuse: a modem's messages have no files.

        Args:
            reference: Of the message.

        Raises:
            GatewayError: `gateway_refused`.
        """
        raise GatewayError("gateway_refused", gateway=self.name, status=0)

    async def _look(self, deliver: Deliver) -> OSError | None:
        """Take what is complete; give the failure of a file that could not be opened."""
        failure = None
        waiting: set[str] = set()  # senders who are told to wait, each by its refused file
        taken_len = 0
        for path, seen in await asyncio.to_thread(self._list_complete):
            sender = name_sender(path.name)
            if sender in waiting:
                continue
            if taken_len == MAX_FILES:
                break  # what came meanwhile is to have its turn
            try:
                messages = await asyncio.to_thread(self._read, path, seen)
            except (CryptoError, ValueError):
                self._unreadable.add(seen)
                continue
            except OSError as exc:
                failure = exc  # of this file: the others are read first
                continue
            try:
                await deliver(messages)
            except TooManyError:
                waiting.add(sender)  # it stays in the spool, and is looked at again
                continue
            except CrowdedError:
                if any(message.part is not None for message in messages):
                    continue  # parts have few places: a message that is whole needs none of them
                break  # it is the same for all of them
            except BusyError:
                break  # the same
            await asyncio.to_thread(overwrite_file, path)
            taken_len += 1
        return failure

    def _read(self, path: Path, seen: Seen) -> list[Incoming]:
        if not path.is_file():
            raise ValueError("no file")  # a folder, or a pipe, which would hold us up
        with path.open("rb") as file:
            data = file.read(MAX_BACKUP_BYTES + 1)
        sections = parse_backup(data)
        # A file that is read again after a crash is the same message; another one of the same words
        # in the same second is another file, if the network does not say when it took them.
        file_id = _hash(f"{path.name}\n{seen}\n", data.hex())
        now = self._clock()
        if _is_complete(sections):
            sections.sort(key=_number_of)
            whole = "".join(section.text for section in sections)
            first = dataclasses.replace(sections[0], text=whole, part=None)
            return [self._make(first, _name_message(sections) or file_id, now)]
        return [
            self._make(section, _name_message([section]) or f"{file_id}-{index}", now)
            for index, section in enumerate(sections)
        ]

    def _make(self, section: Section, provider_id: str, now: datetime.datetime) -> Incoming:
        return Incoming(
            gateway=self.name,
            medium=Medium.SMS,
            provider_id=provider_id,
            sender=section.sender,
            text=section.text,
            received_at=now,
            part=section.part,
        )

    def _list_complete(self) -> list[tuple[Path, Seen]]:
        complete, now = [], {}
        for path in sorted((self._spool / "inbox").iterdir()):
            status = path.lstat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            now[path.name] = seen
            if self._seen.get(path.name) == seen and seen not in self._unreadable:
                complete.append((path, seen))
        self._seen = now
        return _take_turns(complete)

    def _prepare(self) -> None:
        self._check_spool()
        with self._lock:
            if not self._is_swept:
                # Nothing of this run is there yet: whoever puts a file comes here first.
                for path in self._list_answers():
                    _wipe(path)
                self._is_swept = True

    def _put(self, name: str, text: str) -> None:
        outbox = self._spool / "outbox"
        # Under another name until it is whole: gammu-smsd takes what begins with OUT.
        partial = outbox / f".{secrets.token_hex(8)}"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-16"))  # its mark of order tells gammu-smsd what it is
            with self._lock:
                if name not in self._taken_back:
                    partial.rename(outbox / name)
        finally:
            overwrite_file(partial)

    async def _wait_sent(self, name: str) -> None:
        waiting, failed = self._spool / "outbox" / name, self._spool / "error" / name
        until = self._monotonic() + SEND_SECONDS
        while self._monotonic() < until:
            # In this order: what failed stands in error before it is gone from outbox, and what
            # was taken back is noted before it goes.
            if not waiting.exists():
                if name in self._taken_back:
                    break
                if not failed.exists():
                    return
                await asyncio.to_thread(_wipe, failed)
                raise GatewayError("gateway_refused", gateway=self.name, status=0)
            await self._sleep(LOOK_SECONDS)
        await asyncio.to_thread(self._wipe_answers, lambda found: found == name)
        raise GatewayError("gateway_unreachable", gateway=self.name)

    def _wipe_answers(self, is_meant: Callable[[str], bool]) -> None:
        with self._lock:
            for path in self._list_answers():
                if is_meant(path.name):
                    _wipe(path)

    def _list_answers(self) -> list[Path]:
        folders = [self._spool / name for name in ("outbox", "error")]
        return [
            path
            for folder in folders
            if folder.is_dir()
            for path in folder.iterdir()
            if _OUTBOX_NAME.fullmatch(path.name) or _HIDDEN_NAME.fullmatch(path.name)
        ]

    def _check_spool(self) -> None:
        if not is_in_memory(self._spool):
            raise GatewayError("gateway_spool", gateway=self.name, path=str(self._spool))

    def _refuse(self) -> NoReturn:
        raise GatewayError("gateway_signature", gateway=self.name)


def is_in_memory(path: Path, *, mounts: Path = MOUNTS) -> bool:
    """
    Tell whether what is written below a path stays in memory.

    Args:
        path: Absolute.
        mounts: What the kernel says of its mounts.

    Returns:
        Whether.
    """
    return find_mount(str(path.resolve()), mounts.read_text("utf-8")).kind in IN_MEMORY


def name_sender(file_name: str) -> str:
    """
    Tell one sender's files from another's, without reading them.

    Args:
        file_name: As gammu-smsd named it; untrusted.

    Returns:
        What stands there for the sender; the whole name if it is none of gammu-smsd's.
    """
    named = _INBOX_NAME.fullmatch(file_name)
    return file_name if named is None else named[1]


def name_receiver(file_name: str) -> str:
    """
    Tell to whom an answer goes.

    Args:
        file_name: As `Gammu.send` named it.

    Returns:
        The number; empty if it is none of these.
    """
    named = _OUTBOX_NAME.fullmatch(file_name)
    return "" if named is None else named[1]


def _wipe(path: Path) -> None:
    # Out of gammu-smsd's sight first: it must not send what is half overwritten.
    hidden = path.with_name(f".{secrets.token_hex(8)}")
    try:
        path.rename(hidden)
    except FileNotFoundError:
        return  # gammu-smsd was faster
    overwrite_file(hidden)


def _take_turns(files: list[tuple[Path, Seen]]) -> list[tuple[Path, Seen]]:
    """Put each sender's first file before anybody's second; they come sorted by their times."""
    counts: collections.Counter[str] = collections.Counter()
    placed = []
    for path, seen in files:
        sender = name_sender(path.name)
        placed.append((counts[sender], (path, seen)))
        counts[sender] += 1
    return [file for _, file in sorted(placed, key=lambda one: one[0])]


def _is_complete(sections: list[Section]) -> bool:
    """Tell whether the parts of a message are all in one file."""
    parts = [section.part for section in sections]
    if parts == [None]:
        return True
    first = parts[0]
    return (
        first is not None
        and all(
            part is not None and (part.reference, part.of) == (first.reference, first.of)
            for part in parts
        )
        and sorted(_number_of(section) for section in sections) == list(range(1, first.of + 1))
        and len({section.sender for section in sections}) == 1
    )


def _name_message(sections: list[Section]) -> str:
    """Name a message by what each copy of it has; empty if that could be another one's, too."""
    told = []
    for section in sections:
        # Two who withhold their numbers may write the same, and words that are none say nothing.
        if not (section.sent and section.text and _ADDRESS.fullmatch(section.sender)):
            return ""
        part = section.part
        told += [section.sent, section.sender, section.text]
        told += [] if part is None else [part.reference, str(part.number), str(part.of)]
    return _hash(*told)


def _hash(*told: str) -> str:
    written = "\n".join(one.encode("utf-16-be", "surrogatepass").hex() for one in told)
    return hashlib.sha256(written.encode()).hexdigest()[:32]


def _number_of(section: Section) -> int:
    return 0 if section.part is None else section.part.number
