"""What the service says and keeps of whoever calls it: nothing."""

from __future__ import annotations

import asyncio
import gzip
import logging
import secrets
from pathlib import Path
from typing import Any

import pytest

from tipline.service.silence import Faults

CANARY = "canary-7f3a91"
PROXY = b"PROXY TCP6 fc00:dead:beef:4dad::0:29 ::1 41 80\r\n"
KNOWN_HEADERS = {
    "Cache-Control",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cross-Origin-Resource-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
}
C = CANARY.encode()
MALFORMED = {
    "no http": C + b"\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + C + b"\r\n\r\n",
    "method": b"C\x00" + C + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    "version": b"GET /" + C + b" HTTP/9.9\r\nHost: x\r\n\r\n",
    "spaces in path": b"GET /a " + C + b" b HTTP/1.1\r\nHost: x\r\n\r\n",
    "nul in path": b"GET /\x00" + C + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "header without colon": b"GET / HTTP/1.1\r\nHost: x\r\n" + C + b"\r\n\r\n",
    "header name": b"GET / HTTP/1.1\r\nHost: x\r\nA B: " + C + b"\r\n\r\n",
    "header with nul": b"GET / HTTP/1.1\r\nHost: x\r\nX: \x00" + C + b"\r\n\r\n",
    "folded header": b"GET / HTTP/1.1\r\nX: a\r\n " + C + b"\x00\r\n\r\n",
    "long line": b"GET /" + C * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nUser-Agent: " + C * 1000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\n"
    + b"".join(b"X-%d: %s\r\n" % (number, C) for number in range(300))
    + b"\r\n",
    "length": b"PUT /uploads/" + C + b" HTTP/1.1\r\nContent-Length: " + C + b"\r\n\r\n",
    "negative length": b"PUT /" + C + b" HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\nX: "
    + C
    + b"\r\n\r\n",
    "length and chunks": b"PUT /"
    + C
    + b" HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "encoding": b"PUT / HTTP/1.1\r\nTransfer-Encoding: " + C + b"\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: " + C + b"\x01\r\n\r\n",
    "proxy line from nobody": b"PROXY " + C * 20 + b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "endless proxy line": b"PROXY " + C * 2000,
    "proxy line twice": PROXY + PROXY + b"GET /" + C + b" HTTP/1.1\r\nHost: x\r\n\r\n",
}
# Well-formed, but nothing of ours.
FOREIGN = {
    "path": b"GET /" + C + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: " + C + b"\r\n\r\n",
    "query": b"GET /?" + C + b" HTTP/1.1\r\nHost: x\r\nReferer: " + C + b"\r\n\r\n",
    "cookie": b"GET /uploads/" + C + b" HTTP/1.1\r\nHost: x\r\nCookie: " + C + b"\r\n\r\n",
    "version 0.9": b"GET /" + C + b"\r\n\r\n",
    "trace": b"TRACE / HTTP/1.1\r\nHost: x\r\nX: " + C + b"\r\n\r\n",
    "connect": b"CONNECT " + C + b":80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute": b"GET http://" + C + b"/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "upgrade": b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: " + C + b"\r\n\r\n",
    "expect": b"PUT /uploads/" + b"0" * 32 + b" HTTP/1.1\r\nHost: x\r\nExpect: " + C + b"\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "body": b"PUT /uploads/"
    + b"0" * 32
    + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n"
    + C[:13],
}


async def exchange(path: Path, sent: bytes, *, size: int | None = None, answers: int = 1) -> bytes:
    """Send bytes, dripped in pieces if asked, and read as many answers as are expected."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    for start in range(0, len(sent), size or len(sent)):
        writer.write(sent[start : start + (size or len(sent))])
        await writer.drain()
    received = b""
    try:
        async with asyncio.timeout(10):
            for _ in range(answers):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
                received += head + await reader.readexactly(length)
    finally:
        writer.close()
        await writer.wait_closed()
    return received


def header_names(answer: bytes) -> set[str]:
    head = answer.partition(b"\r\n\r\n")[0].decode("ascii")
    return {line.partition(":")[0] for line in head.split("\r\n")[1:]}


@pytest.mark.parametrize("name", MALFORMED)
async def test_answer_when_the_request_is_malformed_then_constant_and_unlogged(
    world: Any, caplog: Any, capfd: Any, name: str
) -> None:
    """Every malformed request gets the same bytes or none, and leaves no word in any log."""
    caplog.set_level(logging.DEBUG)
    async with world.serve() as site:
        caplog.clear()
        answer = await exchange(site.line.addresses.source_socket, MALFORMED[name])
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert answer.endswith(b'\r\n\r\n{"error":"malformed"}')
    assert header_names(answer) <= KNOWN_HEADERS
    assert CANARY not in caplog.text
    assert [record for record in caplog.records if record.name.startswith("aiohttp")] == []
    assert CANARY not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", FOREIGN)
async def test_answer_when_the_request_is_foreign_then_it_tells_and_keeps_nothing(
    world: Any, caplog: Any, capfd: Any, name: str
) -> None:
    """A well-formed request for what is not here is answered without its words, time or server."""
    caplog.set_level(logging.DEBUG)
    async with world.serve() as site:
        caplog.clear()
        answer = await exchange(site.line.addresses.source_socket, FOREIGN[name])
    assert answer.startswith(b"HTTP/1.1 4")
    assert header_names(answer) <= KNOWN_HEADERS
    assert CANARY.encode() not in answer
    assert CANARY not in caplog.text
    assert CANARY not in "".join(capfd.readouterr())
    for path in world.directory.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()


async def test_answers_when_malformed_then_all_are_the_same_bytes(world: Any) -> None:
    """No malformed request can be told from another by its answer."""
    async with world.serve() as site:
        answers = {
            await exchange(site.line.addresses.source_socket, sent) for sent in MALFORMED.values()
        }
    assert len(answers) == 1


async def test_slice_when_compressed_then_nothing_of_it_is_inflated(world: Any) -> None:
    """What is counted is what came: a slice that would grow when inflated is refused."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        packed = gzip.compress(bytes(65_536))
        answer = await site.patch(upload_id, packed, offset=0, headers={"Content-Encoding": "gzip"})
        assert answer == (422, {"error": "refused"})
        # Taken as the bytes they are: of the right length, they fail as an envelope, not as gzip.
        await site.put(upload_id)
        padded = packed + bytes(65_536 - len(packed))
        answer = await site.patch(upload_id, padded, offset=0, headers={"Content-Encoding": "gzip"})
        assert answer == (422, {"error": "refused"})
        envelope = world.seal()
        await site.put(upload_id)
        answer = await site.patch(
            upload_id, envelope, offset=0, headers={"Content-Encoding": "gzip"}
        )
        assert answer == (200, {"state": "arrived"})


async def test_request_when_it_expects_a_go_ahead_then_it_is_refused_before_its_body(
    world: Any,
) -> None:
    """No interim answer is ever given, so none can tell how far a request was read."""
    async with world.serve() as site:
        reader, writer = await asyncio.open_unix_connection(str(site.line.addresses.source_socket))
        writer.write(
            f"PUT /uploads/{secrets.token_hex(16)} HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 50\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        async with asyncio.timeout(10):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 417 ")


async def test_fault_when_our_code_fails_then_only_its_place_is_kept(
    world: Any, caplog: Any, capfd: Any, monkeypatch: Any
) -> None:
    """An unforeseen error of ours is answered in constant words, unlogged, told later by line."""

    def fail(request: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("tipline.service.source._circuit_of", fail)
    caplog.set_level(logging.DEBUG)
    faults = Faults()
    monkeypatch.setattr("tipline.service.serve.Faults", lambda: faults)
    async with world.serve() as site:
        answer = await exchange(
            site.line.addresses.source_socket, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        )
    assert answer.endswith(b'\r\n\r\n{"error":"fault"}')
    assert CANARY not in caplog.text + "".join(capfd.readouterr())
    (place,) = faults.take()
    assert place.startswith("ValueError test_silence.py:")


@pytest.mark.parametrize("size", [None, 1, 7])
async def test_proxy_line_when_dripped_then_requests_behind_it_are_answered(
    world: Any, page: Any, size: int | None
) -> None:
    """The PROXY line is taken off in pieces of any size, and pipelined requests follow it."""
    request = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with world.serve(pages={"/": page}) as site:
        answer = await exchange(
            site.line.addresses.source_socket, PROXY + request + last, size=size, answers=2
        )
    assert answer.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("line", [b"", b"PROXY UNKNOWN\r\n"])
async def test_proxy_line_when_missing_or_unknown_then_the_request_is_answered(
    world: Any, page: Any, line: bytes
) -> None:
    """A connection without a circuit is answered too: it is the operator's own."""
    async with world.serve(pages={"/": page}) as site:
        answer = await exchange(
            site.line.addresses.source_socket,
            line + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_proxy_line_when_not_from_tor_then_it_is_malformed(world: Any, page: Any) -> None:
    """On the loopback listener anybody could write a PROXY line, so none is taken."""
    async with world.serve(pages={"/": page}, loopback_port=0) as site:
        port = int(site.line.addresses.loopback.rpartition(":")[2].strip("/"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(PROXY + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readline()) == b"HTTP/1.1 400 Bad Request\r\n"
        writer.close()
        await writer.wait_closed()


async def test_page_when_served_then_neither_server_nor_time_is_told(world: Any, page: Any) -> None:
    """A page's answer names no software and no time, in each of its encodings."""
    async with world.serve(pages={"/": page}) as site:
        for encoding in ("identity", "gzip", "br", "gzip, br"):
            async with site.source.get("/", headers={"Accept-Encoding": encoding}) as response:
                assert await response.text() == "<!doctype html><title>.</title>"
                assert not {"Server", "Date", "Set-Cookie"} & set(response.headers)


async def test_requests_when_served_then_nothing_of_them_is_in_the_directory(world: Any) -> None:
    """No header, path or body of a request that stored nothing reaches the instance's files."""
    async with world.serve() as site:
        for sent in (*MALFORMED.values(), *FOREIGN.values()):
            await exchange(site.line.addresses.source_socket, sent)
    for path in world.directory.rglob("*"):
        assert CANARY not in path.name
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes()
