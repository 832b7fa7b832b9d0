"""What is refused, and that nothing of it stays."""

from __future__ import annotations

import base64
import contextlib
import datetime
import hashlib
import io
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age.file import seal
from crypto.age.hybrid import HybridIdentity
from crypto.age.x25519 import X25519Identity
from crypto.note import Signer

REFUSED = (422, {"error": "refused"})


def stored_files(directory: Path) -> list[Path]:
    return [
        path
        for folder in ("partial", "envelopes")
        for path in (directory / folder).rglob("*")
        if path.is_file()
    ]


def seal_to(recipients: list[Any], *, size: int = 65536) -> bytes:
    """Make an age file that is cut or filled to a size."""
    sealed = io.BytesIO()
    seal(io.BytesIO(b"\0" * 40_000), sealed, recipients=recipients)
    return sealed.getvalue()[:size].ljust(size, b"\0")


def hybrids(count: int) -> list[Any]:
    return [HybridIdentity.generate().recipient() for _ in range(count)]


def short_stanza(envelope: bytes) -> bytes:
    """Take a byte out of the first stanza and put one behind the file."""
    return envelope[:100] + envelope[101:] + b"\0"


BAD: dict[str, Callable[[bytes], bytes]] = {
    "plaintext": lambda envelope: b"I saw it at the harbour".ljust(65536, b" "),
    "zeros": lambda envelope: bytes(65536),
    "other version": lambda envelope: envelope.replace(b"/v1\n", b"/v2\n", 1),
    "armored": lambda envelope: b"-----BEGIN AGE ENCRYPTED FILE-----\n" + envelope[35:],
    "seven recipients": lambda envelope: seal_to(hybrids(7)),
    "nine recipients": lambda envelope: seal_to(hybrids(9)),
    "classic recipients": lambda envelope: seal_to(
        [X25519Identity.generate().recipient() for _ in range(8)]
    ),
    "short stanza": short_stanza,
    "upper case stanza": lambda envelope: envelope.replace(b"-> mlkem", b"-> MLKEM", 1),
}


@pytest.mark.parametrize("name", BAD)
async def test_upload_when_not_an_envelope_then_refused_and_nothing_stays(
    world: Any, name: str
) -> None:
    """What is not an envelope of eight hybrid recipients gets one refusal and leaves nothing."""
    envelope = BAD[name](world.seal())
    assert len(envelope) == 65536
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        assert await site.patch(upload_id, envelope, offset=0) == REFUSED
        assert await site.ask(upload_id) == (404, {"error": "unknown"})
        assert await site.line.store.tips() == []
    assert stored_files(world.directory) == []
    with contextlib.closing(sqlite3.connect(world.directory / "tipline.db")) as database:
        for table in ("tips", "envelopes", "uploads", "answers"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


async def test_upload_when_large_and_not_an_envelope_then_refused_at_its_first_slice(
    world: Any,
) -> None:
    """A large upload is checked before anything of it is on disk."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id, size_bytes=4 << 20)
        assert await site.patch(upload_id, bytes(1 << 20), offset=0) == REFUSED
    assert stored_files(world.directory) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"size_bytes": 65535},
        {"size_bytes": 0},
        {"size_bytes": -65536},
        {"size_bytes": 5 << 30},
        {"size_bytes": "65536"},
        {"size_bytes": True},
        {"channel": "nowhere"},
        {"channel": 7},
        {"keyset": "1"},
        {"keyset": None},
        {"more": 1},
    ],
)
async def test_opening_when_a_field_is_wrong_then_refused(
    world: Any, fields: dict[str, Any]
) -> None:
    """A size off the ladder, an unknown channel or a field of another type gets the one refusal."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        assert await site.put(upload_id, **fields) == REFUSED
        assert await site.ask(upload_id) == (404, {"error": "unknown"})


async def test_opening_when_repeated_with_other_fields_then_refused(world: Any) -> None:
    """An upload cannot change its size under way."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        assert await site.put(upload_id, size_bytes=1 << 20) == REFUSED
        assert await site.ask(upload_id) == (404, {"error": "unknown"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Offset": "zero"},
        {"Upload-Offset": "+0"},
        {"Upload-Offset": "00"},
        {"Upload-Checksum": "md5 AAAA"},
        {"Upload-Checksum": "sha256 AAAA"},
        {"Upload-Checksum": "sha256 !!!"},
    ],
)
async def test_slice_when_a_header_is_malformed_then_refused(
    world: Any, headers: dict[str, str]
) -> None:
    """A header that is not spelled as agreed gets the one refusal."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        assert await site.patch(upload_id, world.seal(), offset=0, headers=headers) == REFUSED
        assert await site.ask(upload_id) == (404, {"error": "unknown"})


@pytest.mark.parametrize("length", [0, 1, 65535, 65537, 1 << 20])
async def test_slice_when_of_another_length_then_refused(world: Any, length: int) -> None:
    """A slice is whole: shorter and longer ones are refused."""
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        assert await site.patch(upload_id, bytes(length), offset=0) == REFUSED


@pytest.mark.parametrize("length", [65536, (1 << 20) - 1])
async def test_slice_when_not_whole_though_its_head_is_right_then_refused(
    world: Any, length: int
) -> None:
    """Every slice but the last has exactly 1 MiB, so that an upload stands at whole slices."""
    envelope = world.seal(files=(secrets.token_bytes(3_000_000),))
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id, size_bytes=len(envelope))
        assert await site.patch(upload_id, envelope[:length], offset=0) == REFUSED
    assert stored_files(world.directory) == []


async def test_refusals_when_compared_then_all_are_the_same_bytes(world: Any) -> None:
    """INV-10: what was wrong cannot be told from the refusal."""
    answers = set()
    async with world.serve() as site:
        for data in (bytes(65536), BAD["classic recipients"](b""), b"x"):
            upload_id = secrets.token_hex(16)
            await site.put(upload_id)
            headers = {"Upload-Offset": "0", "Upload-Checksum": "nothing"} if data == b"x" else None
            async with site.source.patch(
                f"/uploads/{upload_id}",
                data=data,
                headers=headers or _headers(data),
            ) as response:
                answers.add(
                    (response.status, tuple(response.headers.items()), await response.read())
                )
    assert len(answers) == 1


def _headers(data: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return {"Upload-Offset": "0", "Upload-Checksum": f"sha256 {digest}"}


async def test_slice_when_its_checksum_differs_then_460_and_it_can_be_sent_again(
    world: Any,
) -> None:
    """Bytes that changed on the way are not stored, and the upload goes on."""
    envelope = world.seal()
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id)
        changed = envelope[:-1] + bytes([envelope[-1] ^ 1])
        good = {"Upload-Checksum": _headers(envelope)["Upload-Checksum"]}
        assert await site.patch(upload_id, changed, offset=0, headers=good) == (
            460,
            {"error": "checksum"},
        )
        assert await site.ask(upload_id) == (200, {"state": "open", "offset": 0})
        assert await site.patch(upload_id, envelope, offset=0) == (200, {"state": "arrived"})


async def test_slice_when_sent_again_then_409_with_the_offset(world: Any) -> None:
    """A slice that a browser silently sends again is not stored twice."""
    envelope = world.seal(files=(secrets.token_bytes(3_000_000),))
    async with world.serve() as site:
        upload_id = secrets.token_hex(16)
        await site.put(upload_id, size_bytes=len(envelope))
        first = envelope[: 1 << 20]
        assert (await site.patch(upload_id, first, offset=0))[0] == 200
        assert await site.patch(upload_id, first, offset=0) == (
            409,
            {"error": "offset", "offset": 1 << 20},
        )
        assert await site.patch(upload_id, first, offset=2 << 20) == (
            409,
            {"error": "offset", "offset": 1 << 20},
        )


@pytest.mark.parametrize("upload_id", ["", "0" * 31, "0" * 33, "G" * 32, "A" * 32, "../" * 8])
async def test_id_when_not_32_hex_digits_then_unknown(world: Any, upload_id: str) -> None:
    """An upload's id is 32 lower-case hex digits and nothing else."""
    async with world.serve() as site:
        assert (await site.ask(upload_id))[0] == 404


async def test_upload_when_unopened_then_unknown(world: Any) -> None:
    """A slice of an upload that was never opened is not taken."""
    async with world.serve() as site:
        assert await site.patch(secrets.token_hex(16), world.seal(), offset=0) == (
            404,
            {"error": "unknown"},
        )


async def test_opening_when_the_keyset_is_unknown_then_409(world: Any) -> None:
    """A keyset that this line never had in force is named as the reason."""
    async with world.serve() as site:
        assert await site.put(secrets.token_hex(16), keyset=2) == (409, {"error": "keyset"})


async def test_opening_when_the_keyset_expired_then_409_and_the_note_is_still_served(
    world: Any,
) -> None:
    """After the last day nothing is taken; the page gets the note, to say that nobody reads."""
    world.clock.now += datetime.timedelta(days=31)
    async with world.serve() as site:
        assert await site.put(secrets.token_hex(16)) == (409, {"error": "keyset"})
        async with site.source.get("/keyset") as response:
            assert await response.read() == world.note
        async with site.desk.get("/bundle") as response:
            assert response.status == 409


async def test_opening_when_superseded_then_taken_until_the_next_day_ends(world: Any) -> None:
    """A page that was loaded before a new keyset came can still send, for a day."""
    world.install(world.sign())
    day = datetime.timedelta(days=1)
    async with world.serve() as site:
        assert (await site.put(secrets.token_hex(16), keyset=1))[0] == 200
        world.clock.now += day
        assert (await site.put(secrets.token_hex(16), keyset=1))[0] == 200
        world.clock.now += day
        assert (await site.put(secrets.token_hex(16), keyset=1))[0] == 409
        assert (await site.put(secrets.token_hex(16), keyset=2))[0] == 200


async def test_keyset_when_installed_under_way_then_the_running_line_takes_it(
    world: Any,
) -> None:
    """A running line takes up a new keyset without a restart."""
    async with world.serve() as site:
        async with site.source.get("/keyset") as response:
            before = await response.read()
        world.install(world.sign())
        async with site.source.get("/keyset") as response:
            after = await response.read()
        assert (await site.put(secrets.token_hex(16), keyset=2))[0] == 200
    assert before != after == world.note


async def test_keyset_when_its_inode_is_given_again_then_the_running_line_still_takes_it(
    world: Any,
) -> None:
    """However many keysets are installed between two requests, the newest is served."""
    async with world.serve() as site:
        inode = (world.directory / "keyset").stat().st_ino
        async with site.source.get("/keyset") as response:
            assert await response.read() == world.note
        for _ in range(12):
            world.install(world.sign())
            if (world.directory / "keyset").stat().st_ino == inode:
                break
        async with site.source.get("/keyset") as response:
            assert await response.read() == world.note


@pytest.mark.parametrize("defect", ["forged", "other root", "older", "missing"])
async def test_keyset_when_it_must_not_be_used_then_nothing_is_served_or_taken(
    world: Any, defect: str
) -> None:
    """An unsigned, foreign, older or missing keyset is neither shown nor used."""
    path = world.directory / "keyset"
    first = path.read_bytes()
    if defect == "older":
        world.install(world.sign())
        path.unlink()
        path.write_bytes(first)
    elif defect == "missing":
        path.unlink()
    else:
        path.unlink()
        other = world.sign(root=Signer.generate("tipline-root"))
        path.write_bytes(other if defect == "other root" else first.replace(b"City", b"Town"))
    async with world.serve() as site:
        async with site.source.get("/keyset") as response:
            assert response.status == 409
        assert await site.put(secrets.token_hex(16)) == (409, {"error": "keyset"})
