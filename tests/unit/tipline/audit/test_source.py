"""Reading a log from a server that wants no good."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto.note import Signer, sign_note
from tipline.audit.errors import UnreachableError
from tipline.audit.findings import Kind
from tipline.audit.notes import LOG, Key
from tipline.audit.source import DirectorySource, HttpSource
from tipline.audit.verify import Trust, verify

Answer = Callable[[socket.socket], object]


@contextlib.contextmanager
def serve(answer: Answer) -> Iterator[int]:
    """Answer each connection in its own thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                answer(connection)

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def say(text: bytes) -> Answer:
    """Take a request, say something, hang up."""

    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return answer


def endless(connection: socket.socket) -> None:
    """Never stop."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(65536))


def drip_body(connection: socket.socket) -> None:
    """A byte now and then."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.05)


def drip_header(connection: socket.socket) -> None:
    """A header's byte now and then."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.05)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (endless, "too_long"),
        (drip_body, "too_slow"),
        (drip_header, "too_slow"),
        (say(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), "status"),
        (say(b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"), "status"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), "no_answer"),
        (say(b"SSH-2.0\r\n"), "no_answer"),
        (say(b""), "no_answer"),
    ],
)
def test_server_when_hostile_then_reading_ends_with_the_reason(answer: Answer, code: str) -> None:
    """No server makes the verifier read for ever, follow it elsewhere, or take half for whole."""
    with serve(answer) as port:
        source = HttpSource(f"http://127.0.0.1:{port}", proxy=None, part_seconds=0.5)
        with pytest.raises(UnreachableError) as caught:
            source.read("checkpoint", max_bytes=1000)
        source.close()

    assert caught.value.code == code


def drip_proxy(connection: socket.socket) -> None:
    """A proxy whose answer names an address that comes a byte now and then."""
    connection.recv(65536)
    connection.sendall(b"\x05\x00")
    connection.recv(65536)
    connection.sendall(b"\x05\x00\x00\x03\xff")
    while True:
        connection.sendall(b"x")
        threading.Event().wait(0.2)


def test_connecting_when_it_drips_then_the_deadline_holds_for_it_too() -> None:
    """A proxy, or a server that begins TLS, has no more time than a part has."""
    with serve(drip_proxy) as port:
        source = HttpSource("http://x.onion", proxy=("127.0.0.1", port), part_seconds=0.5)
        began_at = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            source.read("checkpoint", max_bytes=1000)
    assert caught.value.code == "too_slow"
    assert time.monotonic() - began_at < 10

    def drip_hello(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x3f\xff")  # a long record of a handshake
        while True:
            connection.sendall(b"x")
            threading.Event().wait(0.2)

    with serve(drip_hello) as port:
        source = HttpSource(f"https://127.0.0.1:{port}", proxy=None, part_seconds=0.5)
        began_at = time.monotonic()
        with pytest.raises(UnreachableError) as caught:
            source.read("checkpoint", max_bytes=1000)
    assert caught.value.code == "too_slow"
    assert time.monotonic() - began_at < 10


def test_server_when_the_log_never_ends_then_reading_does() -> None:
    """However good each part is, all of them together have an end."""
    answer = say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    with serve(answer) as port:
        source = HttpSource(f"http://127.0.0.1:{port}", proxy=None, total_seconds=0.5)
        assert source.read("checkpoint", max_bytes=1000) == b"x"

        def read_on() -> None:
            for _ in range(100_000):
                source.read("checkpoint", max_bytes=1000)

        with pytest.raises(UnreachableError) as caught:
            read_on()
        source.close()
    assert caught.value.code in ("no_end", "too_slow")


def test_server_when_entries_are_empty_then_reading_ends_at_once() -> None:
    """A signed size of 2^53 and bundles of nothing do not keep a verifier busy."""
    log = Signer.generate("tipline-log/" + 16 * "0")
    size = 2**53 - 1
    note = sign_note(f"{log.name}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n", log)
    asked: list[str] = []

    class Hostile:
        def read(self, path: str, *, max_bytes: int) -> bytes | None:
            asked.append(path)
            assert len(asked) < 100
            if path == "checkpoint":
                return note
            return bytes(2) * 256 if "entries" in path else bytes(256 * 32)

        def read_keyset(self) -> bytes | None:
            return None

    key = Key.parse(log.verifier().format(), type_=LOG)
    verdict = verify(Hostile(), trust=Trust(log=key), today=datetime.date(2026, 12, 1))

    assert [found.kind for found in verdict.findings] == [Kind.TRUNCATED_TILE]
    assert len(asked) < 9


def test_server_when_it_has_no_such_part_then_none_is_given() -> None:
    """What is not there is not an error; what is there comes whole, below the log."""
    asked = []

    def answer(connection: socket.socket) -> None:
        while request := connection.recv(65536):
            asked.append(request.split()[1].decode())
            found = not asked[-1].endswith("gone")
            body = b"four" if found else b"no"
            status = b"200 OK" if found else b"404 Not Found"
            head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            connection.sendall(head + body)

    with serve(answer) as port:
        source = HttpSource(f"http://127.0.0.1:{port}", proxy=None)
        assert source.read("tile/0/000", max_bytes=4) == b"four"
        assert source.read("gone", max_bytes=4) is None
        assert source.read_keyset() == b"four"
        source.close()
        other = HttpSource(f"http://127.0.0.1:{port}/a/b/", proxy=None)
        assert other.read("checkpoint", max_bytes=4) == b"four"
        other.close()

    assert asked == ["/log/tile/0/000", "/log/gone", "/keyset", "/a/b/checkpoint"]


def proxy(reply: bytes) -> tuple[Answer, list[bytes]]:
    """A SOCKS5 proxy that then is the server."""
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(3))
        connection.sendall(b"\x05\x00")
        asked.append(connection.recv(300))
        connection.sendall(reply)
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    return answer, asked


def test_onion_when_reached_through_a_proxy_then_the_name_is_resolved_there() -> None:
    """The onion's name goes to the proxy as a name, and to no resolver here."""
    name = "a" * 56 + ".onion"
    answer, asked = proxy(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
    with serve(answer) as port:
        source = HttpSource(f"http://{name}", proxy=("127.0.0.1", port))
        assert source.read("checkpoint", max_bytes=2) == b"ok"
        source.close()

    assert asked == [b"\x05\x01\x00", b"\x05\x01\x00\x03\x3e" + name.encode() + b"\x00\x50"]


@pytest.mark.parametrize("reply", [b"\x05\x04\x00\x01" + bytes(6), b"\x04\x00\x00\x01", b"\x05"])
def test_proxy_when_it_refuses_then_that_is_said(reply: bytes) -> None:
    """A proxy that does not reach the onion, or is none, is named."""
    answer, _ = proxy(reply)
    with serve(answer) as port:
        source = HttpSource("http://example.onion", proxy=("127.0.0.1", port), part_seconds=0.3)
        with pytest.raises(UnreachableError):
            source.read("checkpoint", max_bytes=2)


def test_directory_when_a_part_is_no_file_then_it_is_not_read(tmp_path: Path) -> None:
    """A link, a pipe and a part too long are refused; a missing one is None."""
    source = DirectorySource(tmp_path)
    (tmp_path / "real").write_bytes(b"four")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    assert source.read("real", max_bytes=4) == b"four"
    assert source.read("gone", max_bytes=4) is None
    assert source.read("real/below", max_bytes=4) is None
    for path, code in (("link", "unreadable"), ("pipe", "no_file"), (".", "no_file")):
        with pytest.raises(UnreachableError) as caught:
            source.read(path, max_bytes=4)
        assert caught.value.code in (code, "unreadable")
    with pytest.raises(UnreachableError) as too_long:
        source.read("real", max_bytes=3)
    assert too_long.value.code == "too_long"
