"""
What a purge costs, by what dies and by what is stored, and how long arrivals wait meanwhile.

Run it with `python -m tests.bench.bench_purge [--due 10000] [--stored 10000 --stored 1000000]
[--blob-bytes 1024] [--directory DIR]`; it prints figures and passes no judgement. Each line is
filled with real keys in a real slot file, then served; a client in a process of its own sends texts
of 64 KiB one after the other, first alone, then while the purge runs.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import secrets
import sys
import tempfile
import time
from pathlib import Path

from crypto.stored import seal_slice
from retention.policy import Event, RecordClass
from retention.promise import Promises
from tests.bench.bench_store import send_tips
from tests.bench.served import TODAY, describe, seal_text
from tipline.demonstration.line import make_line
from tipline.instance import Instance
from tipline.service.serve import open_line
from tipline.service.sqlite_store import SqliteStore
from tipline.service.store import Arrival, StoredTip
from tipline.slots import open_slots

FILLED_TOGETHER = 500  # records in one transaction
PURGED_ON = TODAY + datetime.timedelta(days=1)


def make_arrival(number: int, *, due: int, period_days: int) -> Arrival:
    """Make a record: the first ones are due, the others die later, within their period."""
    days = 1 if number < due else 2 + number % (period_days - 1)
    dies_on = TODAY + datetime.timedelta(days=days)
    return Arrival(
        upload_id=secrets.token_bytes(16),
        answer_dies_on=dies_on,
        tip=StoredTip(
            id=secrets.token_bytes(16),
            arrived_on=dies_on - datetime.timedelta(days=period_days),
            dies_on=dies_on,
            size_bytes=65536,
            channel="everything",
            sealed_by_service=False,
            keyset=1,
        ),
    )


def fill(directory: Path, *, stored: int, due: int, blob_bytes: int) -> None:
    """Store records without their uploads: keys and rows as they always are."""
    with Instance.open(directory) as instance:
        slots = open_slots(directory, instance.configuration.slots, environment={}).file
        store = SqliteStore(directory, slots=slots, today=lambda: TODAY)
        period_days = instance.policy.periods[RecordClass.SEALED_TIP][Event.ARRIVED]
    envelope = secrets.token_bytes(blob_bytes)

    def add(first: int) -> None:
        for number in range(first, min(first + FILLED_TOGETHER, stored)):
            arrival = make_arrival(number, due=due, period_days=period_days)
            key, data_key = store._keys.make(dies_on=arrival.tip.dies_on)
            sealed = seal_slice(data_key, envelope, record_id=key.data_id, number=0)
            store._rows.add_arrival(arrival, key, sealed)
            # The answer to its upload dies within days: it is gone long before its tip.
            store._rows.delete("answers", [arrival.upload_id])

    async def add_all() -> None:
        for first in range(0, stored, FILLED_TOGETHER):
            await store._writer.call(lambda first=first: add(first))  # type: ignore[misc]

    asyncio.run(add_all())
    store.close()


async def send(socket: Path, envelope: Path, stop: Path) -> None:
    """Send texts until told to stop; print how long each was under way."""
    data, times = await asyncio.to_thread(envelope.read_bytes), []
    while not await asyncio.to_thread(stop.exists):
        _, whole = await send_tips(socket, data, 1)
        times += whole
    print(json.dumps(times))


async def measure_client(socket: Path, folder: Path, until: asyncio.Event) -> list[float]:
    """Run the client in a process of its own until the event."""
    stop = folder / secrets.token_hex(4)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "tests.bench.bench_purge",
            "--client",
            str(socket),
            str(folder / "text"),
            str(stop),
        ),
        stdout=asyncio.subprocess.PIPE,
    )
    await until.wait()
    stop.touch()
    output, _ = await process.communicate()
    times: list[float] = json.loads(output)
    return times


async def measure(directory: Path, folder: Path) -> None:
    """Serve, send alone, then purge while sending."""
    with Instance.open(directory) as instance:
        promises = Promises.of(instance.policy)
        async with open_line(instance, pages={}) as line:
            store, socket = line.store, line.addresses.source_socket
            ended = asyncio.Event()
            alone = asyncio.create_task(measure_client(socket, folder, ended))
            await asyncio.sleep(8)  # the client's own start, and some hundred texts
            ended.set()
            print(f"  arrivals alone:        {describe(await alone)}")
            ended = asyncio.Event()
            beside = asyncio.create_task(measure_client(socket, folder, ended))
            await asyncio.sleep(3)  # for the client to send before the purge begins
            began, processor = time.perf_counter(), time.process_time()
            report = await store.purge_due(promises=promises, today=PURGED_ON)
            seconds, processor = time.perf_counter() - began, time.process_time() - processor
            ended.set()
            times = await beside
            assert not report.failures, report.failures
            print(f"  arrivals and a purge:  {describe(times)}")
            print(
                f"  purged {report.count} tips in {seconds:.1f} s, {processor:.1f} s of processor"
            )


def main() -> None:
    """Fill, serve and purge a throwaway line of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, help="where the lines are made")
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--stored", type=int, action="append")
    parser.add_argument("--blob-bytes", type=int, default=1024)
    parser.add_argument("--client", nargs=3, type=Path)
    options = parser.parse_args()
    if options.client:
        asyncio.run(send(*options.client))
        return
    for stored in options.stored or [options.due, 100 * options.due]:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as name:
            folder = Path(name)
            line = make_line(folder, today=TODAY, translate=lambda text: text)
            (folder / "text").write_bytes(seal_text(line.instance))
            began = time.perf_counter()
            fill(line.instance, stored=stored, due=options.due, blob_bytes=options.blob_bytes)
            print(f"{stored} stored, filled in {time.perf_counter() - began:.0f} s")
            asyncio.run(measure(line.instance, folder))


if __name__ == "__main__":
    main()
