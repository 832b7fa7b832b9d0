"""Keys, drafts and payloads that the tests of the formats share, all from fixed bytes."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.keyset_fields import Category, Channel, ChannelReader, KeysetDraft, Reader
from crypto.ladder import TEXT_RUNG, payload_len_of
from crypto.note import Signer
from crypto.randomness import RandomSource
from crypto.secret import Secret
from crypto.tar import Member, open_payload

DAY = datetime.date(2026, 11, 21)
NAMES = {"en": "Public works", "es": "Obras públicas", "pt": "Obras públicas"}


def make_random(seed: bytes) -> RandomSource:
    """Bytes that are the same in every run, and different in every call."""
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(seed + count.to_bytes(8, "big")).digest(length)

    return draw


def make_identity(number: int) -> HybridIdentity:
    """One of a row of fixed readers."""
    return HybridIdentity(Secret(hashlib.sha256(b"reader %d" % number).digest()))


def make_draft(*, reader_count: int = 2, **changes: Any) -> KeysetDraft:
    """A draft with one channel, read by everybody; all but the first can be left out."""
    readers = tuple(
        Reader(
            id=f"reader-{number}",
            name=f"Reader {number}",
            unit="Investigations",
            since_on=datetime.date(2026, 1, 1),
            recipient=make_identity(number).recipient(),
            signing=None
            if number
            else Signer(name="tipline-reader/reader-0", seed=Secret(bytes(32))).verifier(),
        )
        for number in range(reader_count)
    )
    entries = tuple(
        ChannelReader(
            reader=reader.id,
            from_on=datetime.date(2026, 1, 1),
            until_on=None,
            optional=number > 0,
        )
        for number, reader in enumerate(readers)
    )
    channel = Channel(
        id="works",
        names=NAMES,
        categories=(Category(id="roads", names=NAMES),),
        readers=entries,
    )
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY + datetime.timedelta(days=30),
        service=Signer(name="tipline-service", seed=Secret(bytes(32))).verifier(),
        log=Signer(name="tipline-log/" + 16 * "0", seed=Secret(bytes(32))).verifier(),
        witnesses=(),
        quorum=0,
        onion="a" * 56 + ".onion",
        answers=make_identity(1000).recipient(),
        readers=readers,
        channels=(channel,),
    )
    return dataclasses.replace(draft, **changes)


def make_text_payload(text: bytes = b"hello") -> bytes:
    """The smallest payload: a text alone, on its rung."""
    fields = b'{"version":1,"text":"%s"}' % text
    members = [
        (Member(name="tip.json", size_bytes=len(fields)), fields),
        (Member(name="text.txt", size_bytes=len(text)), text),
    ]
    return open_payload(members, payload_len=payload_len_of(TEXT_RUNG)).read()


@pytest.fixture(scope="session")
def day() -> datetime.date:
    """The day on which everything here happens."""
    return DAY


@pytest.fixture(scope="session")
def random_from() -> Callable[[bytes], RandomSource]:
    """Make a source of fixed bytes."""
    return make_random


@pytest.fixture(scope="session")
def identity() -> Callable[[int], HybridIdentity]:
    """Make one of a row of fixed readers."""
    return make_identity


@pytest.fixture(scope="session")
def draft() -> Callable[..., KeysetDraft]:
    """Make a draft of a keyset."""
    return make_draft


@pytest.fixture(scope="session")
def root() -> Signer:
    """The desk root."""
    return Signer(name="tipline-root", seed=Secret(bytes(range(32))))


@pytest.fixture(scope="session")
def service() -> Signer:
    """The service."""
    return Signer(name="tipline-service", seed=Secret(bytes(32)))


@pytest.fixture(scope="session")
def text_payload() -> Callable[..., bytes]:
    """Make the smallest payload."""
    return make_text_payload


class ShortReads(io.RawIOBase):
    """A stream that gives a few bytes at a time and knows only `read`, as some do."""

    def __init__(self, value: bytes) -> None:
        super().__init__()
        self._value = io.BytesIO(value)

    def read(self, size: int = -1, /) -> bytes:
        return self._value.read(min(size, 7) if size >= 0 else 7)


@pytest.fixture(scope="session")
def short_reads() -> Callable[[bytes], ShortReads]:
    """Make a stream that gives a few bytes at a time."""
    return ShortReads
