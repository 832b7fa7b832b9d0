"""
Makes `formats_own.json`, our own vectors of the formats: valid inputs, and inputs with one defect.

Run `python -m tests.vectors.make_format_vectors` to make them anew. They are committed, and a test
reads them and never this module: so a change of a format shows as a vector that no longer holds.
All randomness is fixed, so that making them again gives the same bytes.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from crypto.age.hybrid import HybridIdentity
from crypto.bundle import START, IndexEntry, format_index
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Category, Channel, ChannelReader, KeysetDraft, Reader
from crypto.ladder import RUNGS, TEXT_RUNG, payload_len_of
from crypto.note import Signer, sign_note
from crypto.randomness import RandomSource
from crypto.tar import Member, format_header
from crypto.tip import Tip, format_tip

FILE = Path(__file__).parent / "formats_own.json"
DAY = datetime.date(2026, 11, 21)
SOURCE = "made by make_format_vectors.py; docs/reference/formats.md, "


def make_random(label: bytes) -> RandomSource:
    """Bytes that are the same in every run."""
    count = 0

    def draw(length: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(label + count.to_bytes(8, "big")).digest(length)

    return draw


ROOT = Signer.generate("tipline-root", random=make_random(b"root"))
SERVICE = Signer.generate("tipline-service", random=make_random(b"service"))
LOG = Signer.generate("tipline-log/" + 16 * "0", random=make_random(b"log"))
READER = Signer.generate("tipline-reader/newsroom", random=make_random(b"signing"))
STRANGER = Signer.generate("tipline-root", random=make_random(b"stranger"))


def make_keyset(signer: Signer) -> bytes:
    """The valid keyset: one channel, one reader."""
    names = {"en": "Public works", "es": "Obras públicas", "pt": "Obras públicas"}
    identity = HybridIdentity.generate(random=make_random(b"reader"))
    reader = Reader(
        id="newsroom",
        name="Newsroom",
        unit="Investigations",
        since_on=datetime.date(2026, 1, 1),
        recipient=identity.recipient(),
        signing=READER.verifier(),
    )
    entry = ChannelReader(reader="newsroom", from_on=DAY, until_on=None, optional=False)
    channel = Channel(
        id="works", names=names, categories=(Category(id="roads", names=names),), readers=(entry,)
    )
    draft = KeysetDraft(
        valid_from=DAY,
        valid_until=DAY + datetime.timedelta(days=30),
        service=SERVICE.verifier(),
        log=LOG.verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        answers=HybridIdentity.generate(random=make_random(b"answers")).recipient(),
        readers=(reader,),
        channels=(channel,),
    )
    return sign_keyset(draft, signer=signer, today=DAY, random=make_random(b"fill"))


def make_keyset_vectors() -> list[dict[str, Any]]:
    """Keysets, judged on a day against the pinned root."""
    note = make_keyset(ROOT)
    text = note.decode().split("\n\n")[0] + "\n"

    def vector(name: str, defect: str, expect: str, value: bytes, **more: Any) -> dict[str, Any]:
        return {
            "format": "keyset",
            "name": name,
            "source": SOURCE + "Keyset",
            "defect": defect,
            "root": ROOT.verifier().format(),
            "today": DAY.isoformat(),
            "seen": 0,
            "input": base64.b64encode(value).decode(),
            "expect": expect,
            **more,
        }

    expired = (DAY + datetime.timedelta(days=31)).isoformat()
    early = (DAY - datetime.timedelta(days=1)).isoformat()
    long = text.replace('"valid_until":"2026-12-21"', '"valid_until":"2026-12-22"')
    return [
        vector("valid", "none", "success", note),
        vector("last day", "none: the last day counts", "success", note, today="2026-12-21"),
        vector("expired", "the day after the last", "keyset_expired", note, today=expired),
        vector("early", "the day before the first", "keyset_early", note, today=early),
        vector("old", "a newer one was seen", "keyset_old", note, seen=2),
        vector("other root", "signed by another", "keyset_unsigned", make_keyset(STRANGER)),
        vector("changed", "one letter", "keyset_unsigned", note.replace(b"Newsroom", b"newsroom")),
        vector("too long", "32 days", "keyset_too_long", sign_note(long, ROOT)),
        vector(
            "spelling",
            "a space after a colon",
            "keyset_malformed",
            sign_note(text.replace('"number":', '"number": '), ROOT),
        ),
        vector(
            "answers",
            "no field `answers`",
            "keyset_malformed",
            sign_note(re.sub(r'"answers":"[^"]*",', "", text), ROOT),
        ),
        vector(
            "signing",
            "a reader's signing key of another name",
            "keyset_malformed",
            sign_note(text.replace(READER.verifier().format(), ROOT.verifier().format()), ROOT),
        ),
        vector("second line", "signed twice", "keyset_malformed", note + note.split(b"\n\n")[1]),
    ]


def make_payload_vectors() -> list[dict[str, Any]]:
    """Payloads of the text's rung, given without their trailing zeros."""
    fields, text = format_tip(Tip(text="Señal\n")), "Señal\n".encode()

    def member(name: str, body: bytes) -> bytes:
        header = format_header(Member(name=name, size_bytes=len(body)))
        return header + body + bytes(-len(body) % 512)

    def vector(name: str, defect: str, expect: str, value: bytes) -> dict[str, Any]:
        return {
            "format": "payload",
            "name": name,
            "source": SOURCE + "Payload",
            "defect": defect,
            "input": base64.b64encode(value.rstrip(b"\0")).decode(),
            "length": payload_len_of(TEXT_RUNG),
            "expect": expect,
        }

    tip, body = member("tip.json", fields), member("text.txt", text)
    file = member("files/01.a", b"a")
    other = member("text.txt", b"Senal\n")
    mode = bytearray(tip)
    mode[106] ^= 1  # the last digit of the mode
    mode[148:155] = b"%06o\0" % (sum(mode[:148]) + 8 * 32 + sum(mode[156:512]))
    slack = bytearray(tip)
    slack[-1] = 1
    return [
        vector("valid", "none", "success", tip + body),
        vector("order", "text.txt first", "order", body + tip),
        vector("missing", "no text.txt", "missing", tip),
        vector("twice", "text.txt twice", "duplicate", tip + body + body),
        vector("mode", "mode 0601", "header", bytes(mode) + body),
        vector("slack", "a byte behind tip.json's end", "padding", bytes(slack) + body),
        vector("padding", "a byte in the padding", "padding", tip + body + bytes(5000) + b"\x01"),
        vector("second", "a second archive", "second archive", tip + body + bytes(1024) + tip),
        vector("text", "text.txt is not the text", "text", tip + other),
        vector("attachment", "a file on the text's rung", "length", tip + body + file),
    ]  # fmt: skip


def make_attachment_vectors() -> list[dict[str, Any]]:
    """Payloads of the smallest rung with files: what `tip.json` says of them, and what is there."""
    cleaned = {
        "path": "files/01.jpg",
        "type": "image/jpeg",
        "size_bytes": 4,
        "cleaning": {"state": "cleaned", "rules": 1, "found": ["place", "device"]},
        "original": {
            "name": "b.jpg",
            "type": "image/jpeg",
            "size_bytes": 5,
            "modified_at": "2026-11-20T10:00:00Z",
        },
    }
    bare = {name: cleaned[name] for name in ("path", "type", "size_bytes")}
    state = {"cleaning": {"state": "clean", "rules": 1}}

    def vector(
        name: str, defect: str, expect: str, listed: dict[str, Any], *, with_original: bool = False
    ) -> dict[str, Any]:
        fields = {"version": 1, "text": "a", "attachments": [listed]}
        members = [
            ("tip.json", json.dumps(fields, separators=(",", ":")).encode()),
            ("text.txt", b"a"),
            ("files/01.jpg", b"part"),
            *([("originals/01.jpg", b"whole")] if with_original else []),
        ]
        value = b"".join(
            format_header(Member(name=member, size_bytes=len(body)))
            + body
            + bytes(-len(body) % 512)
            for member, body in members
        )
        return {
            "format": "payload",
            "name": name,
            "source": SOURCE + "Attachments",
            "defect": defect,
            "input": base64.b64encode(value.rstrip(b"\0")).decode(),
            "length": payload_len_of(RUNGS[1]),
            "expect": expect,
        }

    def say(**cleaning: Any) -> dict[str, Any]:
        return bare | {"cleaning": {"rules": 1, **cleaning}}

    return [
        vector("cleaned", "none: its original is there", "success", cleaned, with_original=True),
        vector("clean", "none: nothing was found", "success", bare | state),
        vector(
            "uncleaned",
            "none: it could not be cleaned",
            "success",
            say(state="uncleaned", reason="unknown"),
        ),
        vector("first version", "none: a name and no cleaning", "success", bare | {"name": "b"}),
        vector("named", "a name beside cleaning", "tip.json", bare | state | {"name": "b"}),
        vector("silent", "neither name nor cleaning", "tip.json", bare),
        vector("no kinds", "cleaned of nothing", "tip.json", say(state="cleaned", found=[])),
        vector("no reason", "uncleaned for no reason", "tip.json", say(state="uncleaned")),
        vector("lost original", "an original that is not there", "attachments", cleaned),
        vector(
            "stray original",
            "an original that is not listed",
            "attachments",
            bare | state,
            with_original=True,
        ),
    ]


def make_index_vectors() -> list[dict[str, Any]]:
    """Indexes of bundles with one text tip."""
    keyset = make_keyset(ROOT)
    entry = IndexEntry(
        id="0123456789abcdef" * 2,
        arrived_on=DAY,
        dies_on=DAY + datetime.timedelta(days=90),
        channel="works",
        size_bytes=TEXT_RUNG,
        sealed_by_service=False,
        keyset=1,
        offset=len(START),
        sha256=hashlib.sha256(b"envelope").hexdigest(),
    )

    def vector(name: str, defect: str, expect: str, value: bytes, **more: Any) -> dict[str, Any]:
        return {
            "format": "index",
            "name": name,
            "source": SOURCE + "Bundle",
            "defect": defect,
            "root": ROOT.verifier().format(),
            "envelopes_end": len(START) + TEXT_RUNG,
            "input": base64.b64encode(value).decode(),
            "expect": expect,
            **more,
        }

    def index(signer: Signer, made_on: datetime.date = DAY) -> bytes:
        return format_index([entry], made_on=made_on, keyset_note=keyset, signer=signer)

    late = index(SERVICE, DAY + datetime.timedelta(days=31))
    return [
        vector("valid", "none", "success", index(SERVICE)),
        vector("stranger", "signed by another", "forged", index(STRANGER)),
        vector("late", "its keyset had expired", "keyset_expired", late),
        vector("gap", "no envelope", "malformed", index(SERVICE), envelopes_end=len(START)),
    ]  # fmt: skip


def make_vectors() -> list[dict[str, Any]]:
    """All of them."""
    return [
        *make_keyset_vectors(),
        *make_payload_vectors(),
        *make_attachment_vectors(),
        *make_index_vectors(),
    ]


if __name__ == "__main__":
    FILE.write_text(json.dumps(make_vectors(), indent=1, ensure_ascii=False) + "\n")
