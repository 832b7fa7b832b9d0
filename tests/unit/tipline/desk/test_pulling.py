"""Pulling bundles: from a real server, over a real socket."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crypto.bundle import START
from crypto.errors import CryptoError, ForgedError, KeysetError
from crypto.note import Signer
from tipline.commands import desk_pull
from tipline.console import Console
from tipline.desk import pulling
from tipline.desk.pulling import Source, parse_source, pull_bundle
from tipline.desk.torclient import parse_socks
from tipline.errors import BrokenTipsError, BundleError, NetworkError, UsageError
from tipline.parsers import desk_pull as desk_pull_parser

ONION = "a" * 56 + ".onion"


@contextlib.asynccontextmanager
async def serve(answer: bytes) -> AsyncIterator[tuple[Source, list[bytes]]]:
    """A server on a unix socket that gives one fixed answer, and keeps what it was asked."""
    asked: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory() as name:
        path = f"{name}/desk.sock"
        async with await asyncio.start_unix_server(respond, path):
            yield parse_source(f"unix:{path}"), asked


def respond_chunked(bundle: bytes, *, end: bytes = b"0\r\n\r\n") -> bytes:
    """The answer as the service gives it: chunked, since its length is not known before."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    pieces = [bundle[start : start + 100_000] for start in range(0, len(bundle), 100_000)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def names(directory: Path) -> list[str]:
    """What lies in a directory."""
    return sorted(path.name for path in directory.iterdir())


async def test_pull_when_the_bundle_is_whole_then_it_takes_its_name(
    line: Any, tmp_path: Path
) -> None:
    """The file is the bundle, 0600, and progress was told."""
    bundle = line.bundle(line.seal("a"), line.seal("b"))
    told: list[int] = []
    async with serve(respond_chunked(bundle)) as (source, asked):
        pulled = await pull_bundle(
            source, out=tmp_path / "bundle", root=line.root.verifier(), on_progress=told.append
        )

    assert (tmp_path / "bundle").read_bytes() == bundle
    assert (tmp_path / "bundle").stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["bundle"]
    assert (pulled.size_bytes, len(pulled.index.tips), pulled.broken) == (len(bundle), 2, ())
    assert told[-1] == len(bundle)
    assert b"User-Agent" not in asked[0]
    assert asked[0].startswith(b"GET /bundle HTTP/1.1\r\n")


async def test_pull_when_a_tip_is_broken_then_it_is_named_and_the_bundle_kept(
    line: Any, tmp_path: Path
) -> None:
    """One broken tip does not keep the others from being carried."""
    bundle = bytearray(line.bundle(line.seal("a"), line.seal("b")))
    bundle[len(START) + 30_000] ^= 1
    async with serve(respond_chunked(bytes(bundle))) as (source, _asked):
        pulled = await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert pulled.broken == ("0" * 32,)
    assert names(tmp_path) == ["bundle"]


@pytest.mark.parametrize("cut", [1, 100, 60_000])
@pytest.mark.parametrize("end", [b"", b"0\r\n\r\n"])
async def test_pull_when_the_bundle_is_cut_then_nothing_is_left(
    line: Any, tmp_path: Path, cut: int, end: bytes
) -> None:
    """Whether the connection broke or the service stopped: a clear error, and no file."""
    bundle = line.bundle(line.seal("a"))[:-cut]
    async with serve(respond_chunked(bundle, end=end)) as (source, _asked):
        with pytest.raises(BundleError) as caught:
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert caught.value.code == "bundle_cut"
    assert names(tmp_path) == []


async def test_pull_when_the_signature_does_not_hold_then_nothing_is_left(
    line: Any, tmp_path: Path
) -> None:
    """Another service, another root: both are refused before the file has a name."""
    stranger = Signer.generate("tipline-service")
    async with serve(respond_chunked(line.bundle(service=stranger))) as (source, _asked):
        with pytest.raises(ForgedError):
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())
    other = Signer.generate("tipline-root").verifier()
    async with serve(respond_chunked(line.bundle())) as (source, _asked):
        with pytest.raises(KeysetError):
            await pull_bundle(source, out=tmp_path / "bundle", root=other)

    assert names(tmp_path) == []


@pytest.mark.parametrize("status", [301, 404, 500, 503])
async def test_pull_when_the_service_gives_something_else_then_its_status_is_named(
    line: Any, tmp_path: Path, status: int
) -> None:
    """No redirect is followed, and no error page becomes a bundle."""
    answer = (
        b"HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nhi" % status
    )
    async with serve(answer) as (source, _asked):
        with pytest.raises(NetworkError) as caught:
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert caught.value.facts == {"status": status}
    assert names(tmp_path) == []


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Len"])
async def test_pull_when_nobody_answers_as_agreed_then_it_says_so(
    line: Any, tmp_path: Path, answer: bytes
) -> None:
    """A broken answer is the network's fault, not a traceback."""
    async with serve(answer) as (source, _asked):
        with pytest.raises(NetworkError) as caught:
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert caught.value.code == "pull_silent"


async def test_pull_when_nobody_is_there_then_it_says_so(line: Any, tmp_path: Path) -> None:
    """No socket, no port, no tor: the same plain error."""
    sources = (parse_source(f"unix:{tmp_path}/none"), parse_source("http://127.0.0.1:1"))
    for source in (*sources, parse_source(f"http://{ONION}")):
        with pytest.raises(NetworkError) as caught:
            await pull_bundle(
                source,
                out=tmp_path / "bundle",
                root=line.root.verifier(),
                socks="127.0.0.1:1",
            )
        assert caught.value.code == "pull_silent"


async def test_pull_when_an_onion_has_no_tor_then_it_is_never_resolved(
    line: Any, tmp_path: Path
) -> None:
    """An onion's name is given to tor or to nobody."""
    with pytest.raises(ValueError, match="tor"):
        await pull_bundle(
            parse_source(f"http://{ONION}"), out=tmp_path / "bundle", root=line.root.verifier()
        )


async def test_pull_when_the_answer_never_ends_then_it_stops(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bundle has an upper bound, so that a hostile service cannot fill the disk for ever."""
    monkeypatch.setattr(pulling, "MAX_BUNDLE_BYTES", 100_000)
    async with serve(respond_chunked(line.bundle(line.seal("a"), line.seal("b")))) as (source, _):
        with pytest.raises(BundleError) as caught:
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert caught.value.code == "bundle_format"
    assert names(tmp_path) == []


async def test_pull_when_the_name_is_taken_then_nothing_is_asked(line: Any, tmp_path: Path) -> None:
    """An earlier bundle is never overwritten."""
    (tmp_path / "bundle").write_bytes(b"earlier")
    async with serve(respond_chunked(line.bundle())) as (source, asked):
        with pytest.raises(FileExistsError):
            await pull_bundle(source, out=tmp_path / "bundle", root=line.root.verifier())

    assert asked == []
    assert (tmp_path / "bundle").read_bytes() == b"earlier"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (f"http://{ONION}", Source(url=f"http://{ONION}/bundle", onion=ONION)),
        (f"http://{ONION}/", Source(url=f"http://{ONION}/bundle", onion=ONION)),
        (f"http://{ONION.upper()}/bundle", Source(url=f"http://{ONION}/bundle", onion=ONION)),
        ("http://127.0.0.1:8000", Source(url="http://127.0.0.1:8000/bundle")),
        ("http://[::1]:8000", Source(url="http://[::1]:8000/bundle")),
        ("unix:/run/desk.sock", Source(url="http://desk/bundle", unix_path="/run/desk.sock")),
    ],
)
def test_source_when_it_is_an_onion_or_this_machine_then_it_is_taken(
    text: str, source: Source
) -> None:
    """The two kinds of places a bundle comes from."""
    assert parse_source(text) == source


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"http://{ONION}", f"http://{ONION}/bundle/texts"),
        (f"http://{ONION}/bundle", f"http://{ONION}/bundle/texts"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/bundle/texts"),
        ("unix:/run/desk.sock", "http://desk/bundle/texts"),
    ],
)
def test_source_when_texts_alone_are_wanted_then_their_bundle_is_asked_for(
    text: str, url: str
) -> None:
    """The same places give the texts alone."""
    assert parse_source(text, texts_only=True).url == url


async def test_pull_when_the_bundle_is_full_then_the_rest_is_asked_for_by_its_last_tip(
    line: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-15: who pulled a full bundle is told, and the next pull goes on behind its last tip."""
    monkeypatch.setattr(pulling, "MAX_TIPS", 2)
    first, rest = line.bundle(line.seal("a"), line.seal("b")), line.bundle(line.seal("c"))
    err = io.StringIO()

    async def pull(bundle: bytes, *words: str) -> bytes:
        async with serve(respond_chunked(bundle)) as (source, asked):
            root = line.root.verifier().format()
            fixed = ["pull", f"unix:{source.unix_path}", "--root", root, "--json", "--out"]
            parser = argparse.ArgumentParser()
            desk_pull_parser.register(parser.add_subparsers(), str)
            options = parser.parse_args([*fixed, *words])
            console = Console(translate=str, out=io.StringIO(), err=err)
            assert await asyncio.to_thread(desk_pull.run, options, console) == 0
        return asked[0].partition(b" HTTP")[0]

    assert await pull(first, str(tmp_path / "first")) == b"GET /bundle"
    assert f"--after {tmp_path}/first" in err.getvalue()
    err.truncate(0)
    last = b"65536-" + b"1".rjust(32, b"0")
    after = ["--after", str(tmp_path / "first")]
    assert await pull(rest, str(tmp_path / "rest"), *after) == b"GET /bundle/after/" + last
    assert "--after" not in err.getvalue()
    asked = await pull(rest, str(tmp_path / "texts"), *after, "--texts")
    assert asked == b"GET /bundle/texts/after/" + last


async def run_pull(answer: bytes, *words: str | Path) -> None:
    """Run the command against a service that gives this answer."""
    async with serve(answer) as (source, _asked):
        parser = argparse.ArgumentParser()
        desk_pull_parser.register(parser.add_subparsers(), str)
        options = parser.parse_args(["pull", f"unix:{source.unix_path}", *map(str, words)])
        console = Console(translate=str, out=io.StringIO(), err=io.StringIO())
        assert await asyncio.to_thread(desk_pull.run, options, console) == 0


@contextlib.asynccontextmanager
async def serve_acknowledging(
    bundle: bytes, *, status: str = "200 OK"
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A service that gives a bundle, and answers what is acknowledged; both are kept."""
    told: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST /picked-up "):
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            told.append(await reader.readexactly(length))
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        else:
            writer.write(respond_chunked(bundle))
        await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory() as name:
        path = f"{name}/desk.sock"
        async with await asyncio.start_unix_server(respond, path):
            yield f"unix:{path}", told


async def pull_acknowledging(
    line: Any, out: Path, bundle: bytes, *words: str, status: str = "200 OK"
) -> tuple[dict[str, Any], str, list[bytes]]:
    """Run the command; give what it printed, what it said, and what the service was told."""
    async with serve_acknowledging(bundle, status=status) as (place, told):
        parser = argparse.ArgumentParser()
        desk_pull_parser.register(parser.add_subparsers(), str)
        root = line.root.verifier().format()
        fixed = ["pull", place, "--root", root, "--json", "--out", str(out)]
        options = parser.parse_args([*fixed, *words])
        console = Console(translate=str, out=io.StringIO(), err=io.StringIO())
        with contextlib.suppress(BrokenTipsError):
            await asyncio.to_thread(desk_pull.run, options, console)
    assert isinstance(console.out, io.StringIO)
    assert isinstance(console.err, io.StringIO)
    return json.loads(console.out.getvalue()), console.err.getvalue(), told


async def test_pull_when_a_tip_is_broken_then_the_others_alone_are_acknowledged(
    line: Any, tmp_path: Path
) -> None:
    """What this machine does not have whole must stay at the service."""
    bundle = bytearray(line.bundle(line.seal("a"), line.seal("b")))
    bundle[len(START) + 30_000] ^= 1
    printed, _, told = await pull_acknowledging(line, tmp_path / "one", bytes(bundle))
    assert [json.loads(body) for body in told] == [{"tips": ["1".rjust(32, "0")]}]
    assert printed["acknowledged"] == 1


async def test_pull_when_it_must_not_acknowledge_then_the_service_is_told_nothing(
    line: Any, tmp_path: Path
) -> None:
    """A trial pull leaves everything as it was."""
    bundle = line.bundle(line.seal("a"))
    printed, said, told = await pull_acknowledging(
        line, tmp_path / "one", bundle, "--no-acknowledge"
    )
    assert told == []
    assert printed["acknowledged"] is None
    assert "could not be told" not in said


async def test_pull_when_there_is_no_tip_then_nothing_is_acknowledged(
    line: Any, tmp_path: Path
) -> None:
    """An empty bundle has nothing to tell."""
    printed, _, told = await pull_acknowledging(line, tmp_path / "one", line.bundle())
    assert (printed["acknowledged"], told) == (0, [])


async def test_pull_when_the_service_takes_no_acknowledgement_then_the_bundle_stays_and_it_is_said(
    line: Any, tmp_path: Path
) -> None:
    """The bundle is whole; the next pull tells the service."""
    bundle = line.bundle(line.seal("a"))
    printed, said, _ = await pull_acknowledging(
        line, tmp_path / "one", bundle, status="503 Service Unavailable"
    )
    assert printed["acknowledged"] is None
    assert "could not be told" in said
    assert (tmp_path / "one").read_bytes() == bundle


async def test_pull_when_the_bundle_does_not_verify_then_nothing_is_acknowledged(
    line: Any, tmp_path: Path
) -> None:
    """What was changed on the way is not safe here."""
    bundle = bytearray(line.bundle(line.seal("a")))
    bundle[-200] ^= 1
    async with serve_acknowledging(bytes(bundle)) as (place, told):
        parser = argparse.ArgumentParser()
        desk_pull_parser.register(parser.add_subparsers(), str)
        fixed = ["pull", place, "--root", line.root.verifier().format(), "--out"]
        options = parser.parse_args([*fixed, str(tmp_path / "one")])
        console = Console(translate=str, out=io.StringIO(), err=io.StringIO())
        with pytest.raises((CryptoError, BundleError)):
            await asyncio.to_thread(desk_pull.run, options, console)
    assert told == []


async def test_pull_when_it_remembers_then_the_root_is_given_once_and_no_older_keyset_passes(
    line: Any, tmp_path: Path
) -> None:
    """The second pull needs no root; a bundle with an older keyset takes no name."""
    memory, root = tmp_path / "memory", line.root.verifier().format()
    old, new = line.bundle(), line.bundle(note=line.sign_next())
    fixed = ("--memory", memory, "--out")
    await run_pull(respond_chunked(old), *fixed, tmp_path / "one", "--root", root)
    await run_pull(respond_chunked(new), *fixed, tmp_path / "two")
    with pytest.raises(KeysetError) as caught:
        await run_pull(respond_chunked(old), *fixed, tmp_path / "three")

    assert caught.value.code == "keyset_old"
    assert names(tmp_path) == ["memory", "one", "two"]


async def test_pull_when_the_first_bundle_does_not_verify_then_nothing_is_remembered(
    line: Any, tmp_path: Path
) -> None:
    """A root that was mistyped, or a false service, pins nothing."""
    root = Signer.generate("tipline-root").verifier().format()
    words = ("--memory", tmp_path / "memory", "--root", root, "--out", tmp_path / "one")
    with pytest.raises(KeysetError):
        await run_pull(respond_chunked(line.bundle()), *words)
    assert names(tmp_path) == []


async def test_pull_when_neither_root_nor_memory_is_given_then_usage_error(
    line: Any, tmp_path: Path
) -> None:
    """No bundle is taken without something to judge it by."""
    with pytest.raises(UsageError) as caught:
        await run_pull(respond_chunked(line.bundle()), "--out", tmp_path / "one")
    assert caught.value.code == "pull_root"
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        ONION,
        f"https://{ONION}",
        f"http://{ONION}:8080",
        f"http://{ONION[1:]}",
        f"http://{ONION}.example.org",
        f"http://user@{ONION}",
        f"http://{ONION}/other",
        f"http://{ONION}/?q",
        f"http://{ONION}/#f",
        "http://example.org",
        "http://192.0.2.1",
        "http://127.0.0.1.example.org",
        "http://[::1",
        "http://127.0.0.1:x",
        "file:///etc/passwd",
    ],
)
def test_source_when_it_is_anything_else_then_it_is_refused(text: str) -> None:
    """Nothing is ever asked over the open network."""
    with pytest.raises(UsageError) as caught:
        parse_source(text)
    assert caught.value.code == "pull_url"


def test_socks_when_tor_answers_then_its_place_is_read() -> None:
    """tor names where it listens; another answer is refused."""
    assert parse_socks('net/listeners/socks="127.0.0.1:9050"') == "127.0.0.1:9050"
    with pytest.raises(NetworkError):
        parse_socks("net/listeners/socks=")
