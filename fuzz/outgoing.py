"""
Feeds broken outgoing bundles to the service's reader: `python -m fuzz.outgoing [--seconds N]`.

Half of the cases are signed anew after the damage, as a reader's own broken program would sign
them, and half of the items are sealed anew. Whatever comes, the reader refuses it with an error of
its own, or gives a bundle within its bounds, whose items open or are refused.
"""

from __future__ import annotations

import datetime
import io
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from crypto.age import file as age_file
from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError, OutgoingError
from crypto.fields import MAX_ITEMS
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, Keyset, KeysetDraft, Reader
from crypto.note import Signer, sign_note
from crypto.outgoing import (
    ID_BYTES,
    ITEM_BYTES,
    MAX_ANSWER_CHARACTERS,
    ItemKind,
    OutgoingItem,
    SealedItem,
    open_item,
    seal_item,
    sign_outgoing,
    verify_outgoing,
)
from crypto.randomness import RandomSource
from fuzz.cleaning import damage
from fuzz.running import run_cases, run_program

DAY: Final = datetime.date(2031, 3, 14)
SIGNER: Final = Signer.generate("tipline-reader/ana")
ANSWERS: Final = HybridIdentity.generate()
ID: Final = bytes(range(ID_BYTES))


def make_keyset() -> Keyset:
    """
    Make a keyset in which one reader answers.

    Returns:
        The keyset.
    """
    root = Signer.generate("tipline-root")
    reader = Reader(
        id="ana",
        name="Ana",
        unit="U",
        since_on=DAY,
        recipient=HybridIdentity.generate().recipient(),
        signing=SIGNER.verifier(),
    )
    entry = ChannelReader(reader="ana", from_on=DAY, until_on=None, optional=False)
    names = dict.fromkeys(("en", "es", "pt"), "Name")
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY,
        service=Signer.generate("tipline-service").verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        answers=ANSWERS.recipient(),
        readers=(reader,),
        channels=(Channel(id="works", names=names, categories=(), readers=(entry,)),),
    )
    note = sign_keyset(draft, signer=root, today=DAY)
    return verify_keyset(note, root=root.verifier(), today=DAY)


KEYSET: Final = make_keyset()


def read_seeds(folder: Path | None) -> list[bytes]:
    """
    Make bundles as a desk does.

    Args:
        folder: Of further ones.

    Returns:
        Their bytes.
    """
    seeds = []
    for count in (1, 3):
        items = [
            seal_item(
                OutgoingItem(
                    id=bytes([number]) * ID_BYTES,
                    kind=kind,
                    reader="ana",
                    expires_on=DAY,
                    conversation=ID,
                    text="¿Dónde? €\n" * 9,
                ),
                answers=ANSWERS.recipient(),
            )
            for number, kind in zip(range(count), (*ItemKind, ItemKind.ANSWER), strict=False)
        ]
        seeds.append(sign_outgoing(items, reader="ana", number=7, today=DAY, signer=SIGNER))
    return seeds + ([] if folder is None else [path.read_bytes() for path in folder.iterdir()])


def make_plain() -> bytes:
    """
    Write an item as it stands inside its seal.

    Returns:
        Its bytes, with their padding.
    """
    item = OutgoingItem(
        id=ID,
        kind=ItemKind.STATUS,
        reader="ana",
        expires_on=DAY,
        conversation=ID,
        text="Recibido.\n",
    )
    sealed = seal_item(item, answers=ANSWERS.recipient())
    opened = io.BytesIO()
    age_file.open_(io.BytesIO(sealed.sealed), opened, identities=[ANSWERS])
    return opened.getvalue()


def make_cases(seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    """
    Make broken bundles, without end.

    Args:
        seeds: Whole ones.
        chance: Decides.

    Yields:
        Bundles.
    """
    draw: RandomSource = chance.randbytes
    plain = make_plain()
    while True:
        seed, other = chance.choice(seeds), chance.choice(seeds)
        match chance.randrange(4):
            case 0:
                yield damage(seed, other, chance)
            case 1:
                text = damage(seed.rpartition(b"\n\n")[0] + b"\n", other, chance)
                try:
                    yield sign_note(text.decode("utf-8", "replace"), SIGNER)
                except (ValueError, UnicodeError):
                    yield text
            case _:
                broken = io.BytesIO(damage(plain, seed, chance)[: 2 * ITEM_BYTES])
                sealed = io.BytesIO()
                recipients = [ANSWERS.recipient()]
                age_file.seal(broken, sealed, recipients=recipients, random=draw)
                item = SealedItem(id=ID, sealed=sealed.getvalue())
                try:
                    yield sign_outgoing([item], reader="ana", number=7, today=DAY, signer=SIGNER)
                except CryptoError:
                    yield sealed.getvalue()


def check(case: bytes) -> bool:
    """
    Hold what holds for any bundle.

    Args:
        case: Its bytes.

    Returns:
        Whether one of its items was opened.

    Raises:
        AssertionError: it does not hold.
    """
    try:
        outgoing = verify_outgoing(case, keyset=KEYSET, today=DAY)
    except OutgoingError:
        return False
    assert 1 <= len(outgoing.items) <= MAX_ITEMS, "too many items"
    opened = 0
    for sealed in outgoing.items:
        try:
            item = open_item(sealed, identity=ANSWERS)
        except CryptoError:
            continue
        assert item.id == sealed.id, "another item's name"
        assert len(item.conversation) == ID_BYTES, "a conversation of another length"
        assert 1 <= len(item.text) <= MAX_ANSWER_CHARACTERS, "a text out of bounds"
        assert item.text.strip(), "a text of nothing"
        opened += 1
    return opened > 0


def run(
    seeds: list[bytes], *, seed: int, seconds: float = float("inf"), cases: float = float("inf")
) -> tuple[int, int]:
    """
    Check cases until time or number is used up.

    Args:
        seeds: What is damaged.
        seed: Of chance.
        seconds: At most so long.
        cases: At most so many.

    Returns:
        How many cases there were, and of how many an item was opened.
    """
    chance = random.Random(seed)  # not a secret
    return run_cases(make_cases(seeds, chance), check, seconds=seconds, count=cases)


if __name__ == "__main__":
    run_program("fuzz.outgoing", run, read_seeds, taken="opened")
