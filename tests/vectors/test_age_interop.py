"""
Files of npm `age-encryption` open here, and files from here open there.

One node process does all the cases of a direction. `npm ci` installs the package; where it is
missing, these tests fail.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from crypto.age.armor import ArmorWriter, open_either
from crypto.age.file import Identity, Recipient, open_, seal
from crypto.age.hybrid import HybridIdentity
from crypto.age.scrypt import ScryptIdentity, ScryptRecipient
from crypto.age.x25519 import X25519Identity
from crypto.secret import Secret

ROOT = Path(__file__).resolve().parents[2]
CHUNK = 65536
MIB = 1024 * 1024

GROUP_BYTES = 256 * MIB  # files that lie there at once
MAX_BYTES = 64 * MIB + 1


def sizes_around(chunk_counts: Iterable[int]) -> list[int]:
    """Nothing, one byte, and one byte less, none and one more than so many chunks."""
    return sorted({0, 1} | {CHUNK * count + step for count in chunk_counts for step in (-1, 0, 1)})


# Every boundary up to 3 MiB, and some of those beyond.
SIZES = sizes_around((*range(1, 49), 63, 64, 65, 127, 128, 255, 256, 512, 1024))
EVERY_SIZE = sizes_around(range(1, 1025))
OVER_SIZES = pytest.mark.parametrize(
    "sizes",
    [
        pytest.param(SIZES, id="some boundaries"),
        pytest.param(EVERY_SIZE, id="every boundary", marks=pytest.mark.long),
    ],
)

HYBRID = HybridIdentity(Secret(hashlib.sha256(b"interop hybrid").digest()))
OTHER_HYBRID = HybridIdentity(Secret(hashlib.sha256(b"interop other").digest()))
CLASSIC = X25519Identity(Secret(hashlib.sha256(b"interop classic").digest()))
PASSPHRASE = "correct horse, battería"
WORK_FACTOR = 10

KINDS: dict[str, tuple[Sequence[Recipient], Sequence[Identity]]] = {
    "hybrid": ([HYBRID.recipient()], [HYBRID]),
    "eighth of eight": ([OTHER_HYBRID.recipient()] * 7 + [HYBRID.recipient()], [HYBRID]),
    "classic": ([CLASSIC.recipient()], [CLASSIC]),
    "passphrase": (
        [ScryptRecipient(Secret(PASSPHRASE.encode()), work_factor=WORK_FACTOR)],
        [ScryptIdentity(Secret(PASSPHRASE.encode()))],
    ),
}


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    """A directory in memory, if it has the room of a group and the plain file."""
    memory = Path("/dev/shm")
    base = memory if memory.is_dir() and shutil.disk_usage(memory).free > 2 * GROUP_BYTES else None
    with tempfile.TemporaryDirectory(dir=base) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def plain() -> bytes:
    return random.Random(2026).randbytes(MAX_BYTES)


def in_groups(sizes: Iterable[int]) -> Iterator[list[int]]:
    group: list[int] = []
    for size in sizes:
        if group and sum(group) + size > GROUP_BYTES:
            yield group
            group = []
        group.append(size)
    yield group


def run_node(jobs: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    result = subprocess.run(
        ["node", "tests/vectors/interop.mjs"],
        cwd=ROOT,
        input=json.dumps(jobs),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    answers: list[dict[str, str]] = json.loads(result.stdout)
    assert len(answers) == len(jobs)
    return answers


def node_keys(kind: str, *, verb: str) -> dict[str, Any]:
    recipients, identities = KINDS[kind]
    if kind == "passphrase":
        return {"passphrase": PASSPHRASE, "work_factor": WORK_FACTOR, verb: []}
    if verb == "recipients":
        return {verb: [recipient.format() for recipient in recipients]}  # type: ignore[attr-defined]
    return {verb: [key.format().reveal().decode() for key in identities]}  # type: ignore[attr-defined]


def hash_of(value: bytes | memoryview) -> str:
    return hashlib.sha256(value).hexdigest()


def open_here(path: Path, identities: Sequence[Identity]) -> str:
    opened = io.BytesIO()
    with path.open("rb") as source:
        open_(open_either(source), opened, identities=identities)
    return hash_of(opened.getbuffer())


@OVER_SIZES
def test_open_when_npm_sealed_to_a_hybrid_recipient_then_every_size_is_the_same(
    directory: Path, plain: bytes, sizes: list[int]
) -> None:
    """What the browser's library seals, this module opens, around the boundaries of chunks."""
    (directory / "plain").write_bytes(plain)
    keys = node_keys("hybrid", verb="recipients")
    for group in in_groups(sizes):
        jobs = [
            {
                "verb": "seal",
                "source": str(directory / "plain"),
                "destination": str(directory / f"sealed-{size}"),
                "size": size,
                **keys,
            }
            for size in group
        ]
        run_node(jobs)
        for size in group:
            path = directory / f"sealed-{size}"
            assert open_here(path, [HYBRID]) == hash_of(memoryview(plain)[:size]), size
            path.unlink()


@OVER_SIZES
def test_seal_when_npm_opens_then_every_size_is_the_same(
    directory: Path, plain: bytes, sizes: list[int]
) -> None:
    """What this module seals, the browser's library opens, around the boundaries of chunks."""
    keys = node_keys("hybrid", verb="identities")
    for group in in_groups(sizes):
        jobs = []
        for size in group:
            path = directory / f"here-{size}"
            with path.open("wb") as sealed:
                seal(io.BytesIO(plain[:size]), sealed, recipients=[HYBRID.recipient()])
            jobs.append({"verb": "open", "source": str(path), **keys})
        answers = run_node(jobs)
        for size, answer in zip(group, answers, strict=True):
            assert answer["sha256"] == hash_of(memoryview(plain)[:size]), size
            (directory / f"here-{size}").unlink()


def test_kinds_when_they_go_both_ways_then_they_are_the_same(directory: Path, plain: bytes) -> None:
    """Every kind of recipient, armored or not, opens on the other side."""
    size = CHUNK + 1
    (directory / "short").write_bytes(plain[:size])
    jobs: list[dict[str, Any]] = []
    for kind, (recipients, _) in KINDS.items():
        for armored in (False, True):
            name = f"{kind}-{armored}"
            with (directory / f"{name}-here").open("wb") as sealed:
                if armored:
                    armor = ArmorWriter(sealed)
                    seal(io.BytesIO(plain[:size]), armor, recipients=recipients)
                    armor.close()
                else:
                    seal(io.BytesIO(plain[:size]), sealed, recipients=recipients)
            common = {"armored": armored, "size": size}
            jobs.append(
                common
                | {"verb": "open", "source": str(directory / f"{name}-here")}
                | node_keys(kind, verb="identities")
            )
            jobs.append(
                common
                | {"verb": "seal", "source": str(directory / "short")}
                | {"destination": str(directory / f"{name}-there")}
                | node_keys(kind, verb="recipients")
            )

    answers = run_node(jobs)

    expected = hash_of(plain[:size])
    assert [answer["sha256"] for answer in answers if answer] == [expected] * (2 * len(KINDS))
    for kind, (_, identities) in KINDS.items():
        for armored in (False, True):
            assert open_here(directory / f"{kind}-{armored}-there", identities) == expected
