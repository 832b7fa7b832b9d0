"""
Reading a log's parts, from a directory or over HTTP.

Rules:
    1. A part is asked for with the most bytes it may have; one byte more is refused. So no server
       can make a verifier read for ever.
    2. A part has to be there within `PART_SECONDS`, from the first step of connecting on and
       however slowly its bytes drip; all parts together within `TOTAL_SECONDS`.
    3. No redirect is followed: the auditor named one place.
    4. In a directory nothing but a regular file is read: no link, no pipe, no device.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import stat
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Final, Protocol

from tipline.audit import socks
from tipline.audit.errors import InputError, UnreachableError

STEP_SECONDS: Final = 60.0  # an onion answers in a few; a circuit may have to be built anew
PART_SECONDS: Final = 300.0  # 4 MiB at 14 KiB a second
TOTAL_SECONDS: Final = 6 * 3600.0  # a night: ten years of a log over a slow onion are an hour
READ_BYTES: Final = 64 << 10
ATTEMPTS: Final = 3  # circuits break
LOG_PATH: Final = "log"
KEYSET_PATH: Final = "keyset"
MAX_KEYSET_BYTES: Final = 256 << 10


class Source(Protocol):
    """Where a log lies."""

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """
        Read a part.

        Args:
            path: Below the log.
            max_bytes: The most it may have.

        Returns:
            Its bytes, or None if it is not there.

        Raises:
            UnreachableError: it cannot be read, or is longer.
        """
        ...

    def read_keyset(self) -> bytes | None:
        """
        Read the keyset beside the log.

        Returns:
            The note, or None if it is not there.

        Raises:
            UnreachableError: it cannot be read, or is longer than a keyset may be.
        """
        ...


class DirectorySource:
    """
    A log that was exported, or fetched by other means.

    Args:
        directory: It, or the folder above its `log`.
    """

    def __init__(self, directory: Path) -> None:
        inner = directory / LOG_PATH
        self._directory = inner if (inner / "checkpoint").exists() else directory

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """Read a part; see `Source.read`."""
        try:
            # Not to block on a pipe somebody put there; what is no file is refused just below.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(self._directory / path, flags)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UnreachableError("no_file", path=path)
                value = file.read(max_bytes + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise UnreachableError("unreadable", path=path) from exc
        if len(value) > max_bytes:
            raise UnreachableError("too_long", path=path)
        return value

    def read_keyset(self) -> bytes | None:
        """Read the keyset; see `Source.read_keyset`."""
        # An export has it in its folder; a copy of all that is served, above its `log`.
        note = self.read(KEYSET_PATH, max_bytes=MAX_KEYSET_BYTES)
        if note is None:
            note = self.read(f"../{KEYSET_PATH}", max_bytes=MAX_KEYSET_BYTES)
        return note


class HttpSource:
    """
    A log that is served.

    Args:
        url: `http:` or `https:`; without a path the log is at `/log`.
        proxy: Host and port of a SOCKS5 proxy, or None.
        part_seconds: How long a part may take.
        total_seconds: How long all of them may take.

    Raises:
        InputError: *url* is not such an address, or an onion is to be reached without a proxy.
    """

    def __init__(
        self,
        url: str,
        *,
        proxy: tuple[str, int] | None,
        part_seconds: float = PART_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        try:
            parts = urllib.parse.urlsplit(url)
            self._port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as exc:
            raise InputError("url") from exc
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise InputError("url")
        if parts.username is not None or not url.isascii():
            raise InputError("url")
        if parts.hostname.endswith(".onion") and proxy is None:
            # Asking an ordinary resolver would tell it who is being audited.
            raise InputError("onion_needs_socks")
        self._host = parts.hostname
        self._secure = parts.scheme == "https"
        self._base = parts.path.rstrip("/") or f"/{LOG_PATH}"
        self._proxy = proxy
        self._part_seconds = part_seconds
        self._ends_at = time.monotonic() + total_seconds
        self._opened: socket.socket | None = None
        self._connection: http.client.HTTPConnection | None = None

    def read(self, path: str, *, max_bytes: int) -> bytes | None:
        """Read a part; see `Source.read`."""
        return self._read(f"{self._base}/{path}", max_bytes=max_bytes)

    def read_keyset(self) -> bytes | None:
        """Read the keyset; see `Source.read_keyset`."""
        above = self._base.rpartition("/")[0]
        return self._read(f"{above}/{KEYSET_PATH}", max_bytes=MAX_KEYSET_BYTES)

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _read(self, path: str, *, max_bytes: int) -> bytes | None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask(path, max_bytes=max_bytes)
            except (OSError, http.client.HTTPException) as exc:
                self.close()
                if attempt == ATTEMPTS:
                    raise UnreachableError("no_answer", path=path) from exc
            except BaseException:
                self.close()
                raise
        raise AssertionError("unreachable")

    def _ask(self, path: str, *, max_bytes: int) -> bytes | None:
        seconds = min(self._part_seconds, self._ends_at - time.monotonic())
        if seconds <= 0:
            raise UnreachableError("no_end", path=path)
        late = threading.Event()
        # A time-out of each step alone would let a server drip a byte a minute, in a header too.
        timer = threading.Timer(seconds, self._hang_up, (late,))
        timer.daemon = True
        timer.start()
        try:
            if self._connection is None:
                self._connection = self._connect(seconds)
            self._connection.request("GET", path, headers={"Accept-Encoding": "identity"})
            answer = self._connection.getresponse()
            with contextlib.closing(answer):
                value = _read_body(answer, max_bytes=max_bytes, path=path)
        except (OSError, http.client.HTTPException, UnreachableError) as exc:
            if late.is_set():
                raise UnreachableError("too_slow", path=path) from exc
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise UnreachableError("too_slow", path=path)
        if answer.will_close:
            self.close()
        if answer.status == http.client.NOT_FOUND:
            return None
        if answer.status != http.client.OK:
            raise UnreachableError("status", status=answer.status, path=path)
        return value

    def _hang_up(self, late: threading.Event) -> None:
        late.set()
        opened = self._opened
        if opened is not None:
            with contextlib.suppress(OSError):  # it has ended by itself
                opened.shutdown(socket.SHUT_RDWR)

    def _note_opened(self, opened: socket.socket) -> None:
        self._opened = opened

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        step_seconds = min(STEP_SECONDS, seconds)
        connection = http.client.HTTPConnection(self._host, self._port, timeout=step_seconds)
        if self._proxy is not None:
            plain = socks.connect(
                self._host,
                self._port,
                proxy=self._proxy,
                timeout_seconds=step_seconds,
                note=self._note_opened,
            )
        else:
            plain = socket.create_connection((self._host, self._port), timeout=step_seconds)
            self._note_opened(plain)
        connection.sock = plain
        if self._secure:
            with contextlib.ExitStack() as stack:
                stack.callback(plain.close)
                context = ssl.create_default_context()
                secured = context.wrap_socket(
                    plain, server_hostname=self._host, do_handshake_on_connect=False
                )
                stack.pop_all()
                stack.callback(secured.close)
                self._note_opened(secured)
                secured.do_handshake()
                connection.sock = secured
                stack.pop_all()
        return connection


def _read_body(answer: http.client.HTTPResponse, *, max_bytes: int, path: str) -> bytes:
    value = bytearray()
    while part := answer.read1(READ_BYTES):
        value += part
        if len(value) > max_bytes:
            raise UnreachableError("too_long", path=path)
    if answer.length:  # fewer bytes came than were promised
        raise http.client.IncompleteRead(bytes(value))
    return bytes(value)


def open_source(place: str, *, proxy: tuple[str, int] | None) -> Source:
    """
    Choose how to read a log.

    Args:
        place: A URL or a directory.
        proxy: Host and port of a SOCKS5 proxy, or None.

    Returns:
        The source.

    Raises:
        InputError: the place is neither.
    """
    if "://" in place:
        return HttpSource(place, proxy=proxy)
    directory = Path(place)
    if not directory.is_dir():
        raise InputError("place", place=place)
    return DirectorySource(directory)
