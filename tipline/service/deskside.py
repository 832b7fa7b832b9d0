"""
The desk's side: one bundle, of everything there is or of the texts alone, streamed and signed.

Rules:
    1. The texts alone are a bundle of their own: what else was sent, and how much, costs it nothing
       but the look into the list of tips.
    2. The smallest stand first, so that texts are opened first at the workstation, too.
    3. A bundle holds no more tips than its index can name: otherwise a flood of small envelopes
       would make every bundle one that the desk must refuse. The desk asks for the rest.

Fetching changes nothing: tips stay until their day. Only when the desk says that it has them
(`picking_up.py`) that day comes nearer. Who may ask is decided by tor (client authorisation) and by
the socket's rights.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Callable
from typing import Final

from aiohttp import HttpVersion11, web
from multidict import CIMultiDict

from crypto.bundle import MAX_TIPS, START, IndexEntry, format_index, format_trailer
from crypto.errors import KeysetError
from crypto.ladder import TEXT_RUNG
from crypto.note import Signer
from tipline.errors import InstanceError
from tipline.keysets import InstalledKeyset, KeysetWatch
from tipline.service.answer_side import NO_PHONES, OUTGOING_PATH, AnswerSide
from tipline.service.answers import (
    COMMON_HEADERS,
    NOT_IN_FORCE,
    UNKNOWN,
    WRITTEN,
    Reply,
)
from tipline.service.logside import LOG_PATH, LogSide
from tipline.service.picking_up import PICKED_UP_PATH, PickUp, respond_to_pick_up
from tipline.service.store import Store, StoredTip

PIECE_BYTES: Final = 1024 * 1024  # of an envelope, in memory at a time
_PATH = re.compile(
    r"/bundle(?P<texts>/texts)?(/after/(?P<size>[1-9][0-9]{0,9})-(?P<id>[0-9a-f]{32}))?"
)


class DeskSide:
    """
    Answers the desk.

    Args:
        store: Where the tips lie.
        keysets: The keyset that goes into the bundle.
        signer: The service.
        today: Tells the day.
        pick_up: Notes which tips the desk has.
        log: What `/log/` gives.
        holds_back: Tells of a tip whether its sender's pseudonym is still being computed: it comes
            with the next bundle, so that no desk has a tip without it.
        answers: Takes answers for phones; None for a line without phones.
    """

    def __init__(
        self,
        *,
        store: Store,
        keysets: KeysetWatch,
        signer: Signer,
        today: Callable[[], datetime.date],
        pick_up: PickUp,
        log: LogSide,
        holds_back: Callable[[bytes], bool] = lambda tip_id: False,
        answers: AnswerSide | None = None,
    ) -> None:
        self._store = store
        self._pick_up = pick_up
        self._log = log
        self._holds_back = holds_back
        self._answers = answers
        self._keysets = keysets
        self._signer = signer
        self._today = today

    async def respond(self, request: web.BaseRequest) -> Reply:
        """
        Answer one request.

        Args:
            request: Untrusted, though the desk's own machine.

        Returns:
            What to hand to aiohttp.

        Raises:
            ConnectionError: an envelope went away while it was sent; the bundle is cut, which the
                desk notices.
        """
        if request.method == "POST":
            return await self._respond_to_post(request)
        if request.rel_url.raw_path.startswith(LOG_PATH) and request.method == "GET":
            return self._log.choose(request.rel_url.raw_path).reply(request)
        asked = _PATH.fullmatch(request.rel_url.raw_path)
        if asked is None or request.method != "GET":
            return UNKNOWN.reply(request)
        installed = self._read_keyset()
        if installed is None or request.version < HttpVersion11:
            return NOT_IN_FORCE.reply(request)
        await self._stream(request, installed, await self._list(asked))
        return WRITTEN

    async def _respond_to_post(self, request: web.BaseRequest) -> Reply:
        path = request.rel_url.raw_path
        if path == PICKED_UP_PATH:
            return await respond_to_pick_up(request, self._pick_up)
        if path != OUTGOING_PATH:
            return UNKNOWN.reply(request)
        if self._answers is None:
            return NO_PHONES.closing_reply()
        return await self._answers.respond(request)

    def _read_keyset(self) -> InstalledKeyset | None:
        try:
            installed = self._keysets.read()
        except (KeysetError, InstanceError):
            return None
        in_force = installed.is_in_force(installed.keyset.number, today=self._today())
        return installed if in_force else None

    async def _list(self, asked: re.Match[str]) -> list[StoredTip]:
        tips = [tip for tip in await self._store.tips() if not self._holds_back(tip.id)]
        if asked["texts"]:
            tips = [tip for tip in tips if tip.size_bytes == TEXT_RUNG]
        if asked["id"]:
            last = int(asked["size"]), bytes.fromhex(asked["id"])
            tips = [tip for tip in tips if _place_of(tip) > last]
        return sorted(tips, key=_place_of)

    async def _stream(
        self, request: web.BaseRequest, installed: InstalledKeyset, tips: list[StoredTip]
    ) -> None:
        writer = request.writer
        writer.enable_chunking()
        headers = CIMultiDict(COMMON_HEADERS)
        headers["Content-Type"] = "application/octet-stream"
        headers["Transfer-Encoding"] = "chunked"
        headers["Connection"] = "close"
        await writer.write_headers("HTTP/1.1 200 OK", headers)
        await writer.write(START)
        entries: list[IndexEntry] = []
        offset = len(START)
        for tip in tips:
            if len(entries) == MAX_TIPS:
                break
            digest = await self._stream_envelope(request, tip)
            if digest is None:
                continue
            entries.append(_make_entry(tip, offset=offset, sha256=digest))
            offset += tip.size_bytes
        index = format_index(
            entries, made_on=self._today(), keyset_note=installed.note, signer=self._signer
        )
        await writer.write(index)
        await writer.write_eof(format_trailer(len(index)))

    async def _stream_envelope(self, request: web.BaseRequest, tip: StoredTip) -> str | None:
        digest = hashlib.sha256()
        for start in range(0, tip.size_bytes, PIECE_BYTES):
            length = min(PIECE_BYTES, tip.size_bytes - start)
            piece = await self._store.read_envelope(tip, offset=start, length=length)
            if piece is None and start == 0:
                return None  # purged since the list was made
            if piece is None or len(piece) != length:
                raise ConnectionResetError
            digest.update(piece)
            await request.writer.write(piece)
        return digest.hexdigest()


def _place_of(tip: StoredTip) -> tuple[int, bytes]:
    return tip.size_bytes, tip.id


def _make_entry(tip: StoredTip, *, offset: int, sha256: str) -> IndexEntry:
    return IndexEntry(
        id=tip.id.hex(),
        arrived_on=tip.arrived_on,
        dies_on=tip.dies_on,
        channel=tip.channel,
        size_bytes=tip.size_bytes,
        sealed_by_service=tip.sealed_by_service,
        keyset=tip.keyset,
        offset=offset,
        sha256=sha256,
        pseudonym=None if tip.pseudonym is None else tip.pseudonym.hex(),
    )
