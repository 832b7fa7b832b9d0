"""A payload as a whole: the tar and its `tip.json` agree, or it is foreign."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from crypto.errors import ForeignError
from crypto.ladder import RUNGS, payload_len_of
from crypto.payload import read_tip_payload
from crypto.tar import Member, open_payload


def make(
    fields: bytes, text: bytes, *files: bytes, originals: dict[str, bytes] | None = None
) -> io.BytesIO:
    """A payload of the profile whose `tip.json` may say anything."""
    members = [("tip.json", fields), ("text.txt", text)]
    members += [(f"files/{n:02}.a", body) for n, body in enumerate(files, start=1)]
    members += [(f"originals/{name}", body) for name, body in (originals or {}).items()]
    stream = open_payload(
        [(Member(name=name, size_bytes=len(body)), body) for name, body in members],
        payload_len=payload_len_of(RUNGS[1]),
    )
    return io.BytesIO(stream.read())


def tip(**fields: Any) -> bytes:
    """`tip.json` with its required fields and those given."""
    return json.dumps({"version": 1, "text": "hé", **fields}).encode()


def attachment(number: int, size: int) -> dict[str, Any]:
    """What `tip.json` says of one file."""
    return {"path": f"files/{number:02}.a", "name": "n", "type": "t", "size_bytes": size}


def cleaned(number: int, size: int, original: int) -> dict[str, Any]:
    """What `tip.json` says of one file whose original was added."""
    return {
        "path": f"files/{number:02}.a",
        "type": "t",
        "size_bytes": size,
        "cleaning": {"state": "clean", "rules": 1},
        "original": {"name": "n", "type": "t", "size_bytes": original},
    }


LISTED = tip(attachments=[attachment(1, 1), cleaned(2, 2, 3)])


def test_payload_when_an_original_was_added_then_the_tip_is_read() -> None:
    """Originals are listed beside their files, and lie behind all of them."""
    read = read_tip_payload(make(LISTED, "hé".encode(), b"a", b"ab", originals={"02.a": b"abc"}))

    assert [member.name for member in read.members[2:]] == [
        "files/01.a", "files/02.a", "originals/02.a",
    ]  # fmt: skip


def test_payload_when_all_agrees_then_the_tip_is_read() -> None:
    """Text, attachments and members that agree make a tip."""
    fields = tip(attachments=[attachment(1, 3), attachment(2, 0)])
    read = read_tip_payload(make(fields, "hé".encode(), b"abc", b""))

    assert read.tip.text == "hé"
    assert [member.name for member in read.members] == [
        "tip.json", "text.txt", "files/01.a", "files/02.a",
    ]  # fmt: skip


def test_payload_when_attachments_are_not_listed_then_it_is_still_a_tip() -> None:
    """The list is optional: files without it are nameless, not lost."""
    assert read_tip_payload(make(tip(), "hé".encode(), b"abc")).tip.attachments == ()


@pytest.mark.parametrize(
    ("detail", "value"),
    [
        ("tip.json", make(b"{}", b"x")),
        ("tip.json", make(b'{"version":1,"text":"x","n":' + b"[" * 99 + b"]" * 99 + b"}", b"x")),
        ("text", make(tip(), b"he")),
        ("text", make(tip(), "hé\n".encode())),
        ("attachments", make(tip(attachments=[attachment(1, 3)]), "hé".encode())),
        ("attachments", make(tip(attachments=[attachment(1, 2)]), "hé".encode(), b"abc")),
        ("attachments", make(tip(attachments=[attachment(1, 3)]), "hé".encode(), b"abc", b"")),
        (
            "attachments",
            make(tip(attachments=[attachment(2, 0), attachment(1, 0)]), "hé".encode(), b"", b""),
        ),
        ("attachments", make(LISTED, "hé".encode(), b"a", b"ab")),
        ("attachments", make(LISTED, "hé".encode(), b"a", b"ab", originals={"02.a": b"abcd"})),
        ("attachments", make(LISTED, "hé".encode(), b"a", b"ab", originals={"02.b": b"abc"})),
        ("attachments", make(LISTED, "hé".encode(), b"a", b"ab", originals={"01.a": b"abc"})),
        (
            "attachments",
            make(LISTED, "hé".encode(), b"a", b"ab", originals={"01.a": b"", "02.a": b"abc"}),
        ),
        ("length", io.BytesIO(b"x")),
    ],
)
def test_payload_when_its_parts_disagree_then_it_is_foreign(detail: str, value: io.BytesIO) -> None:
    """What one reader would see and another not is refused as a whole."""
    with pytest.raises(ForeignError) as caught:
        read_tip_payload(value)

    assert caught.value.detail == detail
