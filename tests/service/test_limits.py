"""Budgets per circuit, places, and the reserve for text."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from tipline.service.limits import MAX_CIRCUITS, BusyError, Place, Places, RequestBudget
from tipline.service.silence import parse_proxy_line

PROXY = "PROXY TCP6 fc00:dead:beef:4dad::{circuit} ::1 41 80\r\n"
BUSY = (503, b'{"error":"busy"}')


async def ask(path: Any, requests: list[bytes], *, circuit: str) -> list[tuple[int, bytes]]:
    """Send requests on one connection of a circuit, one after the other."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(PROXY.format(circuit=circuit).encode())
    answers = []
    try:
        for request in requests:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            answers.append((int(head.split()[1]), await reader.readexactly(length)))
            if b"Connection: close" in head:
                break
    finally:
        writer.close()
        await writer.wait_closed()
    return answers


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def put(size_bytes: int = 65536) -> bytes:
    body = b'{"channel":"city","keyset":1,"size_bytes":%d}' % size_bytes
    head = (
        f"PUT /uploads/{secrets.token_hex(16)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def patch_head(upload_id: str) -> bytes:
    return (
        f"PATCH /uploads/{upload_id} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\n"
        f"Upload-Checksum: sha256 {'A' * 43}=\r\nContent-Length: 65536\r\n\r\n"
    ).encode()


def test_budget_when_spent_then_it_is_earned_back_with_time() -> None:
    """A circuit has its burst, then what it earns a second; others have their own."""
    now = 0.0
    budget = RequestBudget(per_second=2, burst=3, monotonic=lambda: now)
    assert [budget.spend("a") for _ in range(4)] == [True, True, True, False]
    assert budget.spend("b")
    now = 0.5
    assert [budget.spend("a") for _ in range(2)] == [True, False]
    now = 100.0
    assert [budget.spend("a") for _ in range(4)] == [True, True, True, False]


def test_budget_when_there_is_no_circuit_then_there_is_no_limit() -> None:
    """What did not come through tor is the operator's own."""
    budget = RequestBudget(per_second=1, burst=1, monotonic=lambda: 0.0)
    assert all(budget.spend(None) for _ in range(10))


def test_budget_when_circuits_are_many_then_the_longest_silent_is_forgotten() -> None:
    """Memory for circuits is bounded; the one that asked last is kept."""
    budget = RequestBudget(per_second=1, burst=1, monotonic=lambda: 0.0)
    budget.spend("first")
    budget.spend("second")
    assert not budget.spend("first")
    for number in range(MAX_CIRCUITS - 1):
        budget.spend(str(number))
    assert not budget.spend("first")
    assert budget.spend("second")


async def test_places_when_all_bytes_have_come_then_one_more_is_busy_until_one_leaves() -> None:
    """What is being stored is not interrupted for anybody."""
    places = Places(10)
    with places.hold() as first:
        first.count(8)
        with places.hold() as second, pytest.raises(BusyError):
            second.count(8)
    with places.hold() as second:
        second.count(8)


async def test_places_when_full_then_the_slowest_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fast request gets its memory from a slow one; a slow one gets none from a fast one."""
    places = Places(100)
    now = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    ended: list[str] = []
    started: dict[str, Place] = {}

    async def receive(name: str) -> None:
        with places.hold() as place:
            started[name] = place
            try:
                await place.receive(asyncio.Event().wait())  # type: ignore[arg-type]
            except BusyError:
                ended.append(name)

    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(receive(name)) for name in ("drip", "fast", "idle")}
        await asyncio.sleep(0)
        started["drip"].count(10)
        now = 10.0
        started["fast"].count(85)
        started["idle"].count(5)
        with pytest.raises(BusyError):
            started["idle"].count(1)
        started["fast"].count(5)
        await tasks["idle"]
        started["fast"].count(3)
        await tasks["drip"]
        assert ended == ["idle", "drip"]
        for task in tasks.values():
            task.cancel()


async def test_place_when_taken_away_then_bytes_that_still_come_are_not_counted() -> None:
    """A request that was given up takes no memory for good."""
    places = Places(100)
    with places.hold() as slow, places.hold() as fast:
        waiting = asyncio.create_task(slow.receive(asyncio.Event().wait()))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        slow.count(1)
        fast.count(100)
        with pytest.raises(BusyError):
            slow.count(50)
        with pytest.raises(BusyError):
            await waiting
    with places.hold() as next_one:
        next_one.count(100)


async def test_receive_when_it_takes_too_long_then_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A byte now and then is not enough to keep a place."""
    monkeypatch.setattr("tipline.service.limits.RECEIVE_SECONDS", 0.01)
    with Places(1).hold() as place, pytest.raises(BusyError):
        await place.receive(asyncio.Event().wait())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "circuit"),
    [
        (b"PROXY TCP6 fc00:dead:beef:4dad::0:29 ::1 41 80", "fc00:dead:beef:4dad::0:29"),
        (b"PROXY TCP4 127.0.0.1 127.0.0.1 41 80", None),
        (b"PROXY UNKNOWN", None),
        (b"PROXY TCP6 fc00::1", None),
        (b"PROXY TCP6 \xff\xfe ::1 41 80", "\xff\xfe"),
    ],
)
def test_proxy_line_when_read_then_it_names_the_circuit(line: bytes, circuit: str | None) -> None:
    """The circuit is the source address of a TCP6 line; every other line names none."""
    assert parse_proxy_line(line) == circuit


async def test_requests_when_a_circuit_asks_too_often_then_busy_and_others_are_served(
    make_world: Callable[..., Any], page: Any
) -> None:
    """One circuit's flood does not use up another's budget."""
    world = make_world(limits__requests_per_second=1, limits__requests_burst=3)
    async with world.serve(pages={"/": page}, monotonic=lambda: 0.0) as site:
        path = site.line.addresses.source_socket
        answers = await ask(path, [get("/")] * 9, circuit="0:1")
        assert [status for status, _ in answers] == [200, 200, 200, 503]
        assert answers[-1] == BUSY
        assert (await ask(path, [get("/")], circuit="0:2"))[0][0] == 200


async def test_uploads_when_a_circuit_opens_too_many_then_busy(
    make_world: Callable[..., Any],
) -> None:
    """A circuit may begin so many uploads; another circuit still has its own."""
    world = make_world(limits__open_uploads_per_circuit=2)
    async with world.serve() as site:
        path = site.line.addresses.source_socket
        answers = await ask(path, [put()] * 1 + [put(), put()], circuit="0:1")
        assert [status for status, _ in answers] == [200, 200, 503]
        assert (await ask(path, [put()], circuit="0:2"))[0][0] == 200


async def test_uploads_when_attachments_took_every_place_then_text_is_still_taken(
    make_world: Callable[..., Any],
) -> None:
    """Places are counted apart: what is on disk of attachments keeps no text out."""
    world = make_world(limits__open_uploads=1)
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
        await site.put(upload_id, size_bytes=len(envelope))
        assert (await site.patch(upload_id, envelope[: 1 << 20], offset=0))[0] == 200
        assert (await site.put(secrets.token_hex(16), size_bytes=4 << 20))[0] == 503
        assert await site.upload(world.seal()) == (200, {"state": "arrived"})


async def test_disk_when_it_has_no_room_for_attachments_then_text_is_still_taken(
    make_world: Callable[..., Any],
) -> None:
    """The cap for partial bytes and the disk's reserve hold attachments back, and no text."""
    world = make_world(limits__partial_bytes=0, limits__disk_reserve_bytes=1 << 52)
    async with world.serve() as site:
        assert (await site.upload(world.seal(files=(b"x",))))[0] == 503
        assert await site.upload(world.seal()) == (200, {"state": "arrived"})


@pytest.mark.parametrize(
    "settings", [{"limits__partial_bytes": 1 << 20}, {"limits__disk_reserve_bytes": 1 << 52}]
)
async def test_slices_when_the_disk_has_no_room_then_busy_and_the_upload_can_go_on(
    make_world: Callable[..., Any], settings: dict[str, int]
) -> None:
    """Over the cap for partial bytes, or under the disk's reserve, a slice is told to wait."""
    world = make_world(**settings)
    envelope = world.seal(files=(secrets.token_bytes(2_000_000),))
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id, size_bytes=len(envelope))
        answers = [
            await site.patch(upload_id, envelope[offset : offset + (1 << 20)], offset=offset)
            for offset in range(0, 2 << 20, 1 << 20)
        ]
        assert (503, {"error": "busy"}) in answers
        assert (await site.ask(upload_id))[1]["state"] == "open"


async def test_uploads_when_opened_and_never_fed_then_they_keep_nobody_out(
    make_world: Callable[..., Any],
) -> None:
    """However many uploads are opened, the next is opened too: the longest idle one makes room."""
    world = make_world(limits__open_uploads=2)
    async with world.serve() as site:
        ids = [secrets.token_hex(16) for _ in range(3)]
        assert [(await site.put(upload_id))[0] for upload_id in ids] == [200, 200, 200]
        assert [(await site.ask(upload_id))[0] for upload_id in ids] == [404, 200, 200]
        assert await site.upload(world.seal()) == (200, {"state": "arrived"})


async def test_text_when_slow_ones_hold_every_place_then_it_is_still_taken(
    make_world: Callable[..., Any],
) -> None:
    """Requests that send a byte and wait, on however many circuits, do not shut the line."""
    world = make_world(limits__texts_in_memory=2)
    async with world.serve() as site, contextlib.AsyncExitStack() as stack:
        path = site.line.addresses.source_socket
        for circuit in ("0:1", "0:2"):
            upload_id = secrets.token_hex(16)
            assert (await site.put(upload_id))[0] == 200
            _, writer = await asyncio.open_unix_connection(str(path))
            stack.callback(writer.close)
            writer.write(PROXY.format(circuit=circuit).encode() + patch_head(upload_id))
            writer.write(bytes(65_535))
            await writer.drain()
        assert await site.upload(world.seal()) == (200, {"state": "arrived"})


async def test_slices_when_the_disk_fails_then_busy_and_nothing_is_promised(
    world: Any, monkeypatch: Any
) -> None:
    """A full or broken disk is answered "busy"; the tip can be sent again afterwards."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        envelope = world.seal()
        await site.put(upload_id)
        store = site.line.store

        async def fail(*args: object, **kw: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(store, "add_whole", fail)
        assert await site.patch(upload_id, envelope, offset=0) == (503, {"error": "busy"})
        monkeypatch.undo()
        assert await site.patch(upload_id, envelope, offset=0) == (200, {"state": "arrived"})


async def test_slice_when_it_stops_coming_then_its_connection_ends_and_its_place_is_free(
    make_world: Callable[..., Any],
) -> None:
    """A slice that sends nothing for the idle time does not keep a place."""
    world = make_world(limits__idle_seconds=1, limits__texts_in_memory=1)
    envelope = world.seal()
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        reader, writer = await asyncio.open_unix_connection(str(site.line.addresses.source_socket))
        writer.write(patch_head(upload_id))
        async with asyncio.timeout(10):
            answer = await reader.read()
        assert answer.endswith(b'{"error":"busy"}')
        writer.close()
        await writer.wait_closed()
        assert await site.upload(envelope) == (200, {"state": "arrived"})
