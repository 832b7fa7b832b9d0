"""What the desk is given, and that a flood of large envelopes does not delay the texts."""

from __future__ import annotations

import datetime
import secrets
from typing import Any

import pytest

from crypto.bundle import START, TRAILER_LEN, Index, parse_trailer, verify_index
from tipline.service import deskside
from tipline.service.store import Arrival, StoredTip

TEXT_BYTES = 65536
HOSTILE_BYTES = 64 * 1024 * 1024
HOSTILE_COUNT = 4
DAY = datetime.date(2031, 3, 14)


def read_index(bundle: bytes, world: Any) -> Index:
    """Verify a bundle as the desk does."""
    index_len = parse_trailer(bundle[-TRAILER_LEN:])
    end = len(bundle) - TRAILER_LEN - index_len
    note = bundle[end:-TRAILER_LEN]
    return verify_index(note, root=world.root.verifier(), envelopes_end=end)


def envelopes_of(bundle: bytes, index: Index) -> list[bytes]:
    """Cut a bundle's envelopes out."""
    return [bundle[tip.offset : tip.offset + tip.size_bytes] for tip in index.tips]


async def store_rubbish(site: Any, count: int) -> None:
    """Put large envelopes into the store, as somebody sends who wants to delay others."""
    for _ in range(count):
        tip = StoredTip(
            id=secrets.token_bytes(16),
            arrived_on=DAY,
            dies_on=DAY + datetime.timedelta(days=90),
            size_bytes=HOSTILE_BYTES,
            channel="city",
            sealed_by_service=False,
            keyset=1,
        )
        arrival = Arrival(upload_id=secrets.token_bytes(16), answer_dies_on=DAY, tip=tip)
        await site.line.store.add_whole(arrival, bytes(HOSTILE_BYTES))


async def test_texts_when_large_envelopes_were_sent_then_none_is_read_and_every_text_comes(
    world: Any, monkeypatch: Any
) -> None:
    """R-15: fetching the texts costs what the texts are, however much else lies on the disk."""
    texts = {world.seal(text) for text in ("one", "two", "three")}
    read_bytes: list[int] = []
    async with world.serve() as site:
        for envelope in texts:
            await site.upload(envelope)
        await site.upload(world.seal("with a photo", files=(secrets.token_bytes(2_000_000),)))
        await store_rubbish(site, HOSTILE_COUNT)
        read_envelope = site.line.store.read_envelope

        async def count(tip: StoredTip, *, offset: int, length: int) -> bytes | None:
            read_bytes.append(length)
            piece: bytes | None = await read_envelope(tip, offset=offset, length=length)
            return piece

        monkeypatch.setattr(site.line.store, "read_envelope", count)
        bundle = await site.fetch_bundle("/bundle/texts")

    index = read_index(bundle, world)
    assert set(envelopes_of(bundle, index)) == texts
    assert read_bytes == [TEXT_BYTES] * len(texts)
    # Besides the texts: the index, which holds the keyset.
    assert len(bundle) < len(texts) * TEXT_BYTES + 64 * 1024


async def test_texts_when_there_are_none_then_the_bundle_is_empty_and_whole(world: Any) -> None:
    """A pull that brings nothing is no error; it is signed like any other."""
    async with world.serve() as site:
        await site.upload(world.seal(files=(secrets.token_bytes(1000),)))
        bundle = await site.fetch_bundle("/bundle/texts")
    assert bundle.startswith(START)
    assert read_index(bundle, world).tips == ()


async def test_bundle_when_sizes_differ_then_the_smaller_stand_first(world: Any) -> None:
    """Texts are the first to be opened at the workstation; nothing is left out for that."""
    large = world.seal("photo", files=(secrets.token_bytes(2_000_000),))
    small = world.seal("picture", files=(secrets.token_bytes(100_000),))
    async with world.serve() as site:
        for envelope in (large, world.seal("one"), small, world.seal("two"), large[:-1] + b"\0"):
            await site.upload(envelope)
        index = read_index(await site.fetch_bundle(), world)
    sizes = [tip.size_bytes for tip in index.tips]
    assert sizes == [TEXT_BYTES, TEXT_BYTES, 1 << 18, 1 << 22, 1 << 22]
    # Within a size the order is that of the random ids, which says nothing of the arrival.
    assert [tip.id for tip in index.tips] == [
        tip.id for tip in sorted(index.tips, key=lambda tip: (tip.size_bytes, tip.id))
    ]


@pytest.mark.parametrize(("path", "count"), [("/bundle", 5), ("/bundle/texts", 4)])
async def test_bundle_when_there_are_more_than_it_may_hold_then_the_rest_comes_behind(
    world: Any, monkeypatch: Any, path: str, count: int
) -> None:
    """R-15: a flood of small envelopes makes no bundle that the desk must refuse."""
    monkeypatch.setattr(deskside, "MAX_TIPS", 2)
    seen: list[str] = []
    async with world.serve() as site:
        for text in ("one", "two", "three", "four"):
            await site.upload(world.seal(text))
        await site.upload(world.seal("photo", files=(secrets.token_bytes(1000),)))
        asked = path
        for held in (2, 2, count - 4):
            index = read_index(await site.fetch_bundle(asked), world)
            assert len(index.tips) == held
            seen += [tip.id for tip in index.tips]
            asked = f"{path}/after/{TEXT_BYTES}-{seen[-1]}"
        stored = [tip.id.hex() for tip in await site.line.store.tips()]
    assert len(set(seen)) == count
    assert set(seen) <= set(stored)


async def test_bundle_when_a_listed_tip_is_purged_then_another_takes_its_place(
    world: Any, monkeypatch: Any
) -> None:
    """A bundle that is not full has everything: the desk asks for no more."""
    monkeypatch.setattr(deskside, "MAX_TIPS", 2)
    async with world.serve() as site:
        for text in ("one", "two", "three"):
            await site.upload(world.seal(text))
        store = site.line.store
        gone = (await store.tips())[0]
        read_envelope = store.read_envelope

        async def read_others(tip: StoredTip, *, offset: int, length: int) -> bytes | None:
            if tip == gone:
                return None
            piece: bytes | None = await read_envelope(tip, offset=offset, length=length)
            return piece

        monkeypatch.setattr(store, "read_envelope", read_others)
        index = read_index(await site.fetch_bundle(), world)
    assert len(index.tips) == 2
    assert gone.id.hex() not in [tip.id for tip in index.tips]


@pytest.mark.parametrize(
    "path",
    [
        "/bundle/",
        "/bundle/texts/",
        "/bundle/text",
        "/bundle/after/",
        "/bundle/after/65536",
        f"/bundle/after/65536-{'A' * 32}",
        f"/bundle/after/-1-{'a' * 32}",
        f"/bundle/after/65536-{'a' * 32}/",
        f"/bundle/after/65536-{'a' * 32}/texts",
    ],
)
async def test_desk_when_another_path_is_asked_then_404(world: Any, path: str) -> None:
    """There are two bundles and the rest of each, and nothing else."""
    async with world.serve() as site, site.desk.get(path) as response:
        assert response.status == 404
