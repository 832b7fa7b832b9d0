"""
The shipped worker against a service that lies, loses and stumbles.

The worker is the built file itself, run in node; the service follows a script of answers.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import hashlib
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from crypto.age.hybrid import HybridIdentity
from crypto.envelope import HEADER_LEN, check_envelope_head
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from tipline.closing import format_notice

ROOT_DIRECTORY = Path(__file__).parents[4]
DRIVER = ROOT_DIRECTORY / "tipline/page/node-driver.mjs"
STATIC = ROOT_DIRECTORY / "tipline/static"
ROOT = Signer.generate("tipline-root")
NAMES = dict.fromkeys(("en", "es", "pt"), "Works")
SLICE_BYTES = 1024 * 1024
TEXT_BYTES = 65536

# Each answer 503 takes longer than the page has patience.
SLOW_CLOCK = """
const { fetch, Date } = globalThis;
const { now } = Date;
let late = 0;
Date.now = () => now() + late;
globalThis.fetch = async (...request) => {
  const response = await fetch(...request);
  if (response.status === 503) late += 16 * 60_000;
  return response;
};
"""

LOSE = "lose"  # the connection, with no answer
Reaction = Callable[["Stumbling", str], "tuple[int, dict[str, Any]] | str | None"]


@pytest.fixture(scope="module")
def worker() -> Path:
    """The built worker."""
    subprocess.run(["node", ROOT_DIRECTORY / "tipline/page/build.mjs"], check=True)
    (path,) = STATIC.glob("worker-*.js")
    return path


def make_keyset() -> bytes:
    """A keyset of today's."""
    today = datetime.datetime.now(datetime.UTC).date()
    reader = Reader(
        id="a",
        name="A",
        unit="U",
        since_on=today,
        recipient=HybridIdentity.generate().recipient(),
    )
    entry = ChannelReader(reader="a", from_on=today, until_on=None, optional=False)
    return sign_keyset(
        KeysetDraft(
            valid_from=today,
            valid_until=today + datetime.timedelta(days=1),
            service=Signer.generate("tipline-service").verifier(),
            log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
            witnesses=(),
            quorum=0,
            onion=None,
            readers=(reader,),
            channels=(Channel(id="works", names=NAMES, categories=(), readers=(entry,)),),
        ),
        signer=ROOT,
        today=today,
    )


@dataclasses.dataclass(kw_only=True)
class Stumbling:
    """
    A service that keeps the protocol but for what its script says.

    Attributes:
        react: Told each request before it is answered: another answer, `LOSE`, or None. What it
            answers is said after the request was carried out only if `is_late`.
        asked: The requests so far.
        uploads: What was stored, by upload.
    """

    react: Reaction
    is_late: bool = False
    asked: list[str] = dataclasses.field(default_factory=list)
    uploads: dict[str, bytearray] = dataclasses.field(default_factory=dict)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    arrived: list[str] = dataclasses.field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path == "/keyset":
            return web.Response(body=KEYSET)
        if request.path == "/notice":
            return web.Response(body=format_notice(None))
        upload = request.path.rsplit("/", 1)[1]
        self.asked.append(request.method)
        said = None if self.is_late else self.react(self, upload)
        if said is None:
            true_answer = self.carry_out(request, upload, body)
            said = (self.react(self, upload) if self.is_late else None) or true_answer
        if said == LOSE:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, fields = said
        return web.json_response(fields, status=status)

    def carry_out(
        self, request: web.Request, upload: str, body: bytes
    ) -> tuple[int, dict[str, Any]]:
        if request.method == "PUT":
            self.sizes[upload] = json.loads(body)["size_bytes"]
            self.uploads.setdefault(upload, bytearray())
        if upload in self.arrived:
            return 200, {"state": "arrived"}
        if upload not in self.uploads:
            return 404, {"error": "unknown"}
        stored = self.uploads[upload]
        if request.method == "PATCH":
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            assert request.headers["Upload-Checksum"] == f"sha256 {digest}"
            assert len(body) <= SLICE_BYTES
            if int(request.headers["Upload-Offset"]) != len(stored):
                return 409, {"error": "offset", "offset": len(stored)}
            stored += body
            if len(stored) == self.sizes[upload]:
                check_envelope_head(bytes(stored[:HEADER_LEN]), size_bytes=len(stored))
                self.arrived.append(upload)
                return 200, {"state": "arrived"}
        return 200, {"state": "open", "offset": len(stored)}


KEYSET = make_keyset()


@contextlib.asynccontextmanager
async def serve(service: Stumbling) -> AsyncIterator[str]:
    """Serve it on loopback."""
    application = web.Application(client_max_size=4 * SLICE_BYTES)
    application.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def send(
    service: Stumbling, worker: Path, tmp_path: Path, *, file_bytes: int = 0, before: str = ""
) -> dict[str, Any]:
    """Run the worker, after a script that runs before it, until it says how it ended."""
    (tmp_path / "before.mjs").write_text(before)
    text = tmp_path / "text"
    text.write_text("words")
    arguments = []
    if file_bytes:
        (tmp_path / "file.bin").write_bytes(b"x" * file_bytes)
        arguments = ["--file", str(tmp_path / "file.bin"), "--uncleaned"]
    async with serve(service) as url:
        process = await asyncio.create_subprocess_exec(
            *("node", "--import", str(tmp_path / "before.mjs"), str(DRIVER)),
            *("--worker", str(worker), "--base-url", url),
            *("--root", ROOT.verifier().format(), "--channel", "works", "--text", str(text)),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(60):
            out, _ = await process.communicate()
    result: dict[str, Any] = json.loads(out)
    assert (process.returncode == 0) == (result["state"] == "arrived")
    return result


def once(method: str, said: Any, *, at: int = 1, times: int = 1) -> Reaction:
    """Say something else to the `at`-th request of this method, and to as many after it."""

    def react(service: Stumbling, _upload: str) -> Any:
        count = service.asked.count(method)
        is_due = service.asked[-1] == method and at <= count < at + times
        return said if is_due else None

    return react


BUSY = (503, {"error": "busy"})
SURVIVED: dict[str, tuple[Reaction, bool]] = {
    "nothing wrong": (once("PUT", None, times=0), False),
    "opening lost on the way": (once("PUT", LOSE, times=3), False),
    "opening's answer lost": (once("PUT", LOSE), True),
    "busy at the opening": (once("PUT", BUSY), False),
    "slice lost on the way": (once("PATCH", LOSE, at=2, times=3), False),
    "slice's answer lost": (once("PATCH", LOSE, at=2, times=3), True),
    "last answer lost": (once("PATCH", LOSE, at=4, times=3), True),
    "busy at a slice": (once("PATCH", BUSY, at=2), False),
    "busy at the last slice": (once("PATCH", BUSY, at=4, times=2), False),
    "checksum wrong on the way": (once("PATCH", (460, {"error": "checksum"}), at=2), False),
    "question lost, too": (
        lambda service, upload: (
            once("PATCH", LOSE, at=2)(service, upload)
            or once("GET", LOSE, times=3)(service, upload)
        ),
        False,
    ),
    "an answer of another program": (once("PATCH", (502, {"oops": 1}), at=2), False),
    "a full answer that says too little": (once("PATCH", (200, {"state": "open"}), at=2), True),
}


@pytest.mark.parametrize("case", SURVIVED)
async def test_upload_arrives_once_whatever_is_lost(
    case: str, worker: Path, tmp_path: Path
) -> None:
    """What can be repaired is repaired: the service holds one whole envelope."""
    react, is_late = SURVIVED[case]
    service = Stumbling(react=react, is_late=is_late)
    result = await send(service, worker, tmp_path, file_bytes=3 * SLICE_BYTES)
    assert result == {"state": "arrived"}
    assert len(service.arrived) == 1
    assert len(service.uploads) == 1


async def test_upload_when_an_earlier_slice_was_lost_seals_anew_under_another_name(
    worker: Path, tmp_path: Path
) -> None:
    """A stream that cannot be wound back is made anew; the old upload is left, incomplete."""

    def react(service: Stumbling, upload: str) -> Any:
        if service.asked.count("PATCH") == 3 and service.asked[-1] == "PATCH":
            service.uploads[upload].clear()
        return None

    service = Stumbling(react=react)
    result = await send(service, worker, tmp_path, file_bytes=3 * SLICE_BYTES)
    assert result == {"state": "arrived"}
    assert len(service.uploads) == 2
    assert len(service.arrived) == 1
    first, second = service.uploads.values()
    assert bytes(first[:4096]) != bytes(second[:4096])


@pytest.mark.parametrize(
    ("is_late", "at", "result"),
    [
        (True, 4, {"state": "arrived"}),
        (False, 4, {"state": "arrived"}),
        (False, 2, {"state": "failed", "reason": "connection"}),
    ],
)
async def test_upload_when_all_was_sent_and_503_is_the_answer_is_not_called_failed(
    is_late: bool, at: int, result: dict[str, Any], worker: Path, tmp_path: Path
) -> None:
    """After the last slice, and not before it, "busy" is no proof that nothing has arrived."""
    service = Stumbling(react=once("PATCH", BUSY, at=at), is_late=is_late)
    answer = await send(service, worker, tmp_path, file_bytes=3 * SLICE_BYTES, before=SLOW_CLOCK)
    assert answer == result
    assert len(service.arrived) == (1 if result["state"] == "arrived" else 0)


FINAL: dict[str, tuple[Reaction, str]] = {
    "refused at the opening": (once("PUT", (422, {"error": "refused"}), times=99), "refused"),
    "refused at a slice": (once("PATCH", (422, {"error": "refused"}), times=99), "refused"),
    "readers changed": (once("PUT", (409, {"error": "keyset"}), times=99), "keyset"),
    "forgotten again and again": (
        once("PATCH", (404, {"error": "unknown"}), times=99),
        "connection",
    ),
}


@pytest.mark.parametrize("case", FINAL)
async def test_upload_when_it_cannot_arrive_says_so_with_the_reason(
    case: str, worker: Path, tmp_path: Path
) -> None:
    """A clear refusal ends the upload, and nothing else is tried."""
    react, reason = FINAL[case]
    service = Stumbling(react=react)
    result = await send(service, worker, tmp_path)
    assert result == {"state": "failed", "reason": reason}
    assert service.arrived == []


async def test_envelope_of_a_text_is_the_smallest_and_fits_the_check_without_keys(
    worker: Path, tmp_path: Path
) -> None:
    """64 KiB exactly, eight hybrid stanzas."""
    service = Stumbling(react=once("PUT", None, times=0))
    assert await send(service, worker, tmp_path) == {"state": "arrived"}
    (envelope,) = service.uploads.values()
    assert len(envelope) == TEXT_BYTES
    check_envelope_head(bytes(envelope[:HEADER_LEN]), size_bytes=TEXT_BYTES)
    assert service.asked == ["PUT", "PATCH"]


# What a page sees whose address the browser does not count as secure, such as an onion in Chromium.
NO_SUBTLE = """
Object.defineProperty(globalThis.crypto, "subtle", { value: undefined });
if (globalThis.crypto.subtle !== undefined) throw new Error("still there");
"""


async def test_envelope_without_crypto_subtle_is_sealed_all_the_same(
    worker: Path, tmp_path: Path
) -> None:
    """Sealing needs nothing of the browser's own ciphers, which are missing outside TLS."""
    service = Stumbling(react=once("PUT", None, times=0))
    result = await send(service, worker, tmp_path, file_bytes=300_000, before=NO_SUBTLE)
    assert result == {"state": "arrived"}
    (envelope,) = service.uploads.values()
    check_envelope_head(bytes(envelope[:HEADER_LEN]), size_bytes=len(envelope))
