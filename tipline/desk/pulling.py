"""
Pulling a bundle from the service, on the desk's networked machine.

Rules:
    1. Over the desk's onion, or from a socket of this very machine for development: never over the
       open network, where who asks and how much comes can be seen.
    2. The file takes its name only when the whole bundle is there and its index is signed by the
       service which the pinned root named. What was cut leaves nothing.
    3. This machine holds no key that opens a tip.
    4. What is verified and synced to this disk is acknowledged, and nothing else: from then on its
       last day at the service is nearer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import urllib.parse
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import BinaryIO, Final

import aiohttp
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError, ProxyTimeoutError

from crypto.bundle import MAX_TIPS, Index, IndexEntry
from crypto.note import Verifier
from tipline.desk.bundlefile import find_broken, read_index
from tipline.desk.keyfiles import check_absent
from tipline.desk.torclient import ONION_SUFFIX
from tipline.errors import BundleError, NetworkError, UsageError
from tipline.files import write_atomically

MAX_BUNDLE_BYTES: Final = 1 << 40  # more than a service's disk holds; an endless answer ends here
CONNECT_LIMIT_SECONDS: Final = 180  # an onion under attack asks for minutes of work first
SILENCE_LIMIT_SECONDS: Final = 180
_READ_LEN: Final = 1 << 20
_BUNDLE_PATH: Final = "/bundle"
_TEXTS_PATH: Final = "/bundle/texts"
_PICKED_UP_PATH: Final = "/picked-up"
_OUTGOING_PATH: Final = "/outgoing"
_ONION = re.compile(r"[a-z2-7]{56}\.onion")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_UNIX_START: Final = "unix:"
UNREACHABLE: Final = (
    aiohttp.ClientError,
    ProxyError,
    ProxyConnectionError,
    ProxyTimeoutError,
    TimeoutError,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """
    Where a bundle comes from.

    Args:
        url: What is asked for over HTTP.
        onion: The desk's onion, or None.
        unix_path: The service's socket on this machine, or None.
    """

    url: str
    onion: str | None = None
    unix_path: str | None = None

    @property
    def picked_up_url(self) -> str:
        """Where it is said what was fetched."""
        return urllib.parse.urljoin(self.url, _PICKED_UP_PATH)

    @property
    def outgoing_url(self) -> str:
        """Where answers are brought."""
        return urllib.parse.urljoin(self.url, _OUTGOING_PATH)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PulledBundle:
    """
    A bundle that was pulled whole.

    Args:
        index: Verified.
        size_bytes: Of the file.
        broken: Ids of tips whose envelope is not the one of the index.
    """

    index: Index
    size_bytes: int
    broken: tuple[str, ...]

    @property
    def sound(self) -> tuple[str, ...]:
        """Ids of the tips that are whole."""
        broken = frozenset(self.broken)
        return tuple(tip.id for tip in self.index.tips if tip.id not in broken)

    @property
    def is_full(self) -> bool:
        """Whether no more tips have room in it, so that there may be others."""
        return len(self.index.tips) == MAX_TIPS


def parse_source(text: str, *, texts_only: bool = False, after: IndexEntry | None = None) -> Source:
    """
    Read where to pull from.

    Args:
        text: `http://ADDRESS.onion`, or `http://127.0.0.1:PORT` or `unix:PATH` on this machine.
        texts_only: Ask for the tips of the size of text alone.
        after: The last tip of a full bundle: ask for those behind it.

    Returns:
        The source.

    Raises:
        UsageError: `pull_url`: neither an onion nor this machine.
    """
    asked = _TEXTS_PATH if texts_only else _BUNDLE_PATH
    if after is not None:
        asked += f"/after/{after.size_bytes}-{after.id}"
    if text.startswith(_UNIX_START):
        path = text.removeprefix(_UNIX_START)
        return Source(url=f"http://desk{asked}", unix_path=path)
    try:
        parts = urllib.parse.urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise UsageError("pull_url") from exc
    if parts.scheme != "http" or parts.path not in ("", "/", _BUNDLE_PATH):
        raise UsageError("pull_url")
    if parts.username or parts.query or parts.fragment:
        raise UsageError("pull_url")
    url = f"http://{parts.netloc.lower()}{asked}"
    if host.endswith(ONION_SUFFIX):
        if not _ONION.fullmatch(host) or port is not None:
            raise UsageError("pull_url")
        return Source(url=url, onion=host)
    if host not in _LOOPBACK:
        raise UsageError("pull_url")
    return Source(url=url)


async def pull_bundle(
    source: Source,
    *,
    out: Path,
    root: Verifier,
    socks: str | None = None,
    on_progress: Callable[[int], None] = lambda count: None,
    judge: Callable[[Index], None] = lambda index: None,
) -> PulledBundle:
    """
    Pull one bundle into a file.

    1. Fetch it under a temporary name beside *out*.
    2. Find its end; verify its index up to *root*; ask *judge*.
    3. Compare every envelope with the index.
    4. Give the file its name.

    Args:
        source: Where from.
        out: Must not exist.
        root: The pinned desk root.
        socks: Where tor takes connections, `HOST:PORT`; needed for an onion.
        on_progress: Told now and then how many bytes are there.
        judge: Is given the verified index, and raises if this machine knows better; then the file
            does not take its name.

    Returns:
        The bundle's index, and which of its tips are broken.

    Raises:
        NetworkError: nobody answers, or with something else than a bundle.
        BundleError: the bundle was cut, or does not follow its format.
        KeysetError: its keyset must not be used.
        ForgedError: the service did not sign its index.
        FileExistsError: something has the name already.
        OSError: the file cannot be written.
    """
    # Said before anything is fetched for nothing.
    check_absent(out)
    with write_atomically(out, replace=False) as file:
        await _fetch(source, file, socks=socks, on_progress=on_progress)
        file.flush()
        index = read_index(file, root=root)
        judge(index)
        broken = find_broken(file, index)
        size_bytes = file.seek(0, os.SEEK_END)
    return PulledBundle(index=index, size_bytes=size_bytes, broken=tuple(broken))


async def acknowledge(source: Source, pulled: PulledBundle, *, socks: str | None = None) -> int:
    """
    Tell the service which tips are safe on this machine's disk.

    Args:
        source: Where they came from.
        pulled: The bundle, whose file has its name.
        socks: Where tor takes connections, `HOST:PORT`; needed for an onion.

    Returns:
        How many were acknowledged: those that are not broken.

    Raises:
        NetworkError: `pull_unacknowledged`: nobody answers, or not as agreed. The bundle is whole,
            and the next pull acknowledges its tips, too.
    """
    tips = pulled.sound
    if not tips:
        return 0
    try:
        async with (
            open_session(source, socks=socks) as session,
            session.post(
                source.picked_up_url,
                data=json.dumps({"tips": tips}).encode(),
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:
                raise NetworkError("pull_unacknowledged")
    except UNREACHABLE as exc:
        raise NetworkError("pull_unacknowledged") from exc
    return len(tips)


async def _fetch(
    source: Source,
    file: BinaryIO,
    *,
    socks: str | None,
    on_progress: Callable[[int], None],
) -> None:
    try:
        async with (
            open_session(source, socks=socks) as session,
            session.get(source.url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise NetworkError("pull_status", status=response.status)
            size_bytes = 0
            async for chunk in response.content.iter_chunked(_READ_LEN):
                size_bytes += len(chunk)
                if size_bytes > MAX_BUNDLE_BYTES:
                    raise BundleError("bundle_format", detail="size")
                file.write(chunk)
                on_progress(size_bytes)
    except aiohttp.ClientPayloadError as exc:
        raise BundleError("bundle_cut") from exc
    except UNREACHABLE as exc:
        raise NetworkError("pull_silent") from exc


@contextlib.asynccontextmanager
async def open_session(
    source: Source, *, socks: str | None
) -> AsyncIterator[aiohttp.ClientSession]:
    """
    Open a session with the desk's side of a line, which tells nothing of this program.

    Args:
        source: Where it is.
        socks: Where tor takes connections, `HOST:PORT`; needed for an onion.

    Yields:
        The session.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=CONNECT_LIMIT_SECONDS, sock_read=SILENCE_LIMIT_SECONDS
    )
    async with aiohttp.ClientSession(
        connector=_make_connector(source, socks=socks),
        timeout=timeout,
        auto_decompress=False,
        # What program asks is nobody's business, not even the service's.
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
        trust_env=False,
    ) as session:
        yield session


def _make_connector(source: Source, *, socks: str | None) -> aiohttp.BaseConnector:
    if source.unix_path is not None:
        return aiohttp.UnixConnector(path=source.unix_path)
    if source.onion is None:
        return aiohttp.TCPConnector()
    if socks is None:
        raise ValueError("an onion needs a tor")
    # rdns: tor itself must see the onion's name; no resolver ever does.
    return ProxyConnector.from_url(f"socks5://{socks}", rdns=True)
