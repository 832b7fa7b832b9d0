"""Bringing an outgoing bundle to the service: over a real socket."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import io
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import OutgoingError
from crypto.note import Signer
from crypto.outgoing import SealedItem, sign_outgoing
from tipline.commands import desk_push
from tipline.commands.desk_push import describe_outcome
from tipline.console import Console
from tipline.desk.pulling import Source, parse_source
from tipline.desk.pushing import MAX_ANSWER_BYTES, Outcome, PushedItem, push_bundle
from tipline.errors import AnswerError, NetworkError
from tipline.service.answer_outcomes import Outcome as ServiceOutcome

ID = "ab" * 16
OTHER_ID = "cd" * 16
SIGNER = Signer.generate("tipline-reader/ana")


def make_note(*ids: str) -> bytes:
    """A bundle with these answers."""
    items = [SealedItem(id=bytes.fromhex(one), sealed=b"sealed") for one in ids]
    today = datetime.date(2026, 11, 21)
    return sign_outgoing(items, reader="ana", number=1, today=today, signer=SIGNER)


@contextlib.asynccontextmanager
async def serve(status: int, body: bytes) -> AsyncIterator[tuple[Source, list[bytes]]]:
    """A server on a unix socket that gives one fixed answer, and keeps what it was asked."""
    asked: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        asked.append(head + await reader.readexactly(length))
        told = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(told.encode() + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    with tempfile.TemporaryDirectory() as name:
        path = f"{name}/desk.sock"
        async with await asyncio.start_unix_server(respond, path):
            yield parse_source(f"unix:{path}"), asked


def answer(*items: tuple[str, str], **changes: Any) -> bytes:
    """What the service says."""
    said = [{"id": one, "outcome": outcome} for one, outcome in items]
    return json.dumps({"state": "taken", "items": said, **changes}).encode()


async def test_push_when_the_service_answers_then_each_outcome_is_told() -> None:
    """The note goes as it is, and each answer's fate comes back by its id."""
    said = answer((OTHER_ID, "window_closed"), (ID, "taken"))
    note = make_note(ID, OTHER_ID)
    async with serve(200, said) as (source, asked):
        pushed = await push_bundle(source, note)

    assert pushed == (
        PushedItem(id=ID, outcome=Outcome.TAKEN),
        PushedItem(id=OTHER_ID, outcome=Outcome.WINDOW_CLOSED),
    )
    assert asked[0].startswith(b"POST /outgoing HTTP/1.1\r\n")
    assert asked[0].endswith(b"\r\n\r\n" + note)
    assert b"User-Agent" not in asked[0]


@pytest.mark.parametrize(
    ("status", "reason"),
    [(409, "keyset"), (409, "phones"), (422, "refused"), (409, "\x1b[2J")],
)
async def test_push_when_the_service_takes_nothing_then_its_reason_is_told(
    status: int, reason: str
) -> None:
    """The reason is one of a few words of ours; anything else is not repeated."""
    async with serve(status, json.dumps({"error": reason}).encode()) as (source, _):
        with pytest.raises(AnswerError) as caught:
            await push_bundle(source, make_note(ID))
    assert caught.value.code == f"answers_{reason if reason.isalpha() else 'refused'}"
    assert caught.value.facts == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (404, b"{}"),
        (302, b""),
        (200, b""),
        (200, b"{}"),
        (200, answer((ID, "other"))),
        (200, answer((ID[:-2], "taken"))),
        (200, answer((ID, "taken"), state="done")),
        (200, answer((ID, "taken"), extra=1)),
        (409, b"{}"),
        (200, bytes(MAX_ANSWER_BYTES + 1)),
    ],
)
async def test_push_when_the_answer_is_not_as_agreed_then_that_is_said(
    status: int, body: bytes
) -> None:
    """Nothing is taken for a success that is none."""
    async with serve(status, body) as (source, _):
        with pytest.raises(NetworkError):
            await push_bundle(source, make_note(ID))


@pytest.mark.parametrize(
    "items",
    [
        [],
        [(ID, "taken")],
        [(ID, "taken"), (ID, "taken")],
        [(ID, "taken"), ("ef" * 16, "taken")],
        [(ID, "taken"), (OTHER_ID, "taken"), ("ef" * 16, "taken")],
        [(ID, "taken"), (OTHER_ID, "taken"), (ID, "refused")],
    ],
)
async def test_push_when_the_service_leaves_an_answer_out_then_it_is_no_success(
    items: list[tuple[str, str]],
) -> None:
    """Each answer of the bundle is spoken of once, and nothing else is."""
    async with serve(200, answer(*items)) as (source, _):
        with pytest.raises(NetworkError):
            await push_bundle(source, make_note(ID, OTHER_ID))


async def test_push_when_the_file_is_no_bundle_then_it_is_not_brought() -> None:
    """Nothing else leaves the desk this way."""
    async with serve(200, answer()) as (source, asked):
        with pytest.raises(OutgoingError):
            await push_bundle(source, b"note")
    assert asked == []


async def test_push_when_nobody_listens_then_that_is_said(tmp_path: Path) -> None:
    """A socket that is not there."""
    with pytest.raises(NetworkError) as caught:
        await push_bundle(parse_source(f"unix:{tmp_path}/none"), make_note(ID))
    assert caught.value.code == "pull_silent"


def test_outcome_when_the_service_has_it_then_the_desk_has_words_for_it() -> None:
    """Both sides know the same outcomes, and each has words of its own."""
    assert {one.value for one in Outcome} == {one.value for one in ServiceOutcome}
    assert len({describe_outcome(one, translate=str) for one in Outcome}) == len(Outcome)


def run_command(
    source: Source, tmp_path: Path, *ids: str, **changes: Any
) -> tuple[int | AnswerError, str, str]:
    """The command, with what it printed and said."""
    bundle = tmp_path / "answers"
    bundle.write_bytes(make_note(*ids))
    out, err = io.StringIO(), io.StringIO()
    console = Console(translate=str, out=out, err=err, input=io.BytesIO())
    given = {
        "bundle": bundle, "url": f"unix:{source.unix_path}", "client_key": None,
        "tor_control": None, "socks": None, "json": False,
    }  # fmt: skip
    try:
        return (
            desk_push.run(argparse.Namespace(**(given | changes)), console),
            out.getvalue(),
            err.getvalue(),
        )
    except AnswerError as exc:
        return exc, out.getvalue(), err.getvalue()


async def test_command_when_all_were_taken_then_it_says_so(tmp_path: Path) -> None:
    """One line for each answer."""
    async with serve(200, answer((ID, "taken"))) as (source, _):
        code, out, _err = await asyncio.to_thread(run_command, source, tmp_path, ID)
    assert code == 0
    assert out.startswith(f"{ID}: taken")


async def test_command_when_it_is_brought_again_then_what_was_sent_is_no_failure(
    tmp_path: Path,
) -> None:
    """A file to which an answer was added holds those that went before."""
    async with serve(200, answer((ID, "sent"), (OTHER_ID, "taken"))) as (source, _):
        code, _out, _err = await asyncio.to_thread(run_command, source, tmp_path, ID, OTHER_ID)
    assert code == 0
    async with serve(200, answer((ID, "gateway_refused"))) as (source, _):
        code, _out, _err = await asyncio.to_thread(run_command, source, tmp_path, ID)
    assert isinstance(code, AnswerError)


async def test_command_when_one_was_not_taken_then_it_fails_and_names_it(tmp_path: Path) -> None:
    """The exit code says it too, and JSON carries the same."""
    said = answer((ID, "taken"), (OTHER_ID, "not_reader"))
    async with serve(200, said) as (source, _):
        code, out, _err = await asyncio.to_thread(
            run_command, source, tmp_path, ID, OTHER_ID, json=True
        )
    assert isinstance(code, AnswerError)
    assert (code.code, code.facts, code.exit_code) == ("answers_not_taken", {"count": 1}, 52)
    assert [one["outcome"] for one in json.loads(out)["items"]] == ["taken", "not_reader"]


async def test_command_when_a_newer_file_was_brought_before_then_it_says_what_to_write_again(
    tmp_path: Path,
) -> None:
    """What never was taken has words of its own, beside what became of the others."""
    async with serve(200, answer((ID, "gateway_refused"), (OTHER_ID, "older"))) as (source, _):
        code, out, _err = await asyncio.to_thread(run_command, source, tmp_path, ID, OTHER_ID)
    assert isinstance(code, AnswerError)
    assert (code.code, code.facts) == ("answers_older", {"count": 1})
    assert "the gateway refused it" in out
    assert "write it again" in out


async def test_command_when_a_status_was_taken_then_nobody_expects_it_to_be_sent(
    tmp_path: Path,
) -> None:
    """A status goes to who asks: the words say so, since the carrying machine cannot tell them."""
    async with serve(200, answer((ID, "taken"))) as (source, _):
        _code, out, _err = await asyncio.to_thread(run_command, source, tmp_path, ID)
    assert "a status when that phone asks" in out
