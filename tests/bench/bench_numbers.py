"""
What it costs to find a number: run for docs/explanation/handles.md.

    python -m tests.bench.bench_numbers [--senders 1000] [--json]

1. How fast a core of this machine tries numbers against the mark of an open window (BLAKE2b) and,
   while the others do the same, against a pseudonym (Argon2id with 64 MiB); from it, how long a
   country takes. The time of the core is counted, so that what else runs here changes little.
2. With `--senders`: how long the queue of pseudonyms takes for a burst of so many of them,
   and how long a message waits meanwhile until it is durable. Nothing else may run.

A country is taken to have 10^9 numbers in use, as Mexico's plan allows for mobiles. An attacker has
other machines than this; the last column is for 64 such cores, ideally used.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import hashlib
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from crypto.pseudonym import derive_pseudonym
from crypto.secret import Secret
from retention.policy import EVENTS, Policy
from retention.promise import Promises
from tests.stored import open_store
from tipline.gateway.numbers import parse_sender
from tipline.service.handles import HARDENER_ENVIRONMENT

COUNTRY = 10**9
FAST_TRIES, SLOW_TRIES = 500_000, 64
ATTACK_CORES = 64
DAY_SECONDS = 86_400
TODAY = datetime.date(2031, 6, 12)
PROMISES = Promises.of(
    Policy(periods={name: dict.fromkeys(events, 90) for name, events in EVENTS.items()})
)


def measure_marks() -> float:
    """Try numbers against a mark; tell how many in a second of one core's time."""
    key, began = secrets.token_bytes(32), time.process_time()
    for number in range(FAST_TRIES):
        address = b"city\0number:+52%010d" % number
        hashlib.blake2b(address, digest_size=16, key=key).digest()
    return FAST_TRIES / (time.process_time() - began)


def measure_pseudonyms(threads: int) -> float:
    """Try numbers against a pseudonym; tell how many in a second of one core's time."""
    key, salt = Secret(secrets.token_bytes(32)), secrets.token_bytes(16)

    def attempt(number: int) -> None:
        derive_pseudonym(key, salt=salt, channel="city", address=b"number:+52%010d" % number)

    with ThreadPoolExecutor(threads) as executor:
        began = time.process_time()
        list(executor.map(attempt, range(SLOW_TRIES)))
        return SLOW_TRIES / (time.process_time() - began)


async def measure_burst(senders: int) -> tuple[float, list[float]]:
    """Let so many senders write at once; tell when all have a handle, and each one's wait."""
    with tempfile.TemporaryDirectory() as name:
        store = open_store(Path(name), today=lambda: TODAY)
        conversations = store.make_conversations(promises=PROMISES, today=lambda: TODAY)
        await conversations.open()
        envelope, waits = os.urandom(1 << 16), []
        began = time.perf_counter()

        async def write(number: int) -> None:
            start = time.perf_counter()
            sender = parse_sender(f"+5255{10_000_000 + number}", "MX")
            await conversations.add(
                envelope,
                standing=conversations.find(sender, "city"),
                sender=sender,
                gateway="modem",
                provider_id=str(number),
                channel="city",
                keyset=1,
            )
            waits.append(time.perf_counter() - start)

        for start in range(0, senders, 50):
            await asyncio.gather(*map(write, range(start, min(start + 50, senders))))
        await conversations.handles.wait_empty()
        seconds = time.perf_counter() - began
        await conversations.close()
        store.close()
        return seconds, waits


def main() -> None:
    """Run it and print a table."""
    if not HARDENER_ENVIRONMENT.items() <= os.environ.items():
        # Whoever tries numbers takes memory in large pages, as the line does.
        command = [sys.executable, "-m", "tests.bench.bench_numbers", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, **HARDENER_ENVIRONMENT})
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--senders", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    marks, pseudonyms = measure_marks(), measure_pseudonyms(os.cpu_count() or 1)
    found: dict[str, float] = {
        "marks, per second and core": round(marks),
        "a country by marks, minutes of one core": round(COUNTRY / marks / 60),
        "pseudonyms, per second and core": round(pseudonyms, 1),
        "a country by pseudonyms, days of one core": round(COUNTRY / pseudonyms / DAY_SECONDS),
        "a country by pseudonyms, days of 64 cores": round(
            COUNTRY / pseudonyms / ATTACK_CORES / DAY_SECONDS, 1
        ),
    }
    if options.senders:
        seconds, waits = asyncio.run(measure_burst(options.senders))
        found |= {
            "burst, senders": options.senders,
            "burst, seconds until every handle": round(seconds, 1),
            "burst, milliseconds until durable, p50": round(statistics.median(waits) * 1000),
            "burst, milliseconds until durable, p99": round(
                statistics.quantiles(waits, n=100)[98] * 1000
            ),
        }
    if options.json:
        json.dump(found, sys.stdout)
    else:
        for name, value in found.items():
            print(f"{name:45} {value:>12}")


if __name__ == "__main__":
    main()
