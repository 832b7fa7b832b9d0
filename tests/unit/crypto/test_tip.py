"""`tip.json`."""

from __future__ import annotations

import dataclasses
import datetime
import json
from typing import Any

import pytest

from crypto.attachment import Attachment
from crypto.errors import MalformedError, TooLargeError
from crypto.tip import (
    MAX_TEXT_BYTES,
    MAX_TIP_JSON_BYTES,
    Days,
    Tip,
    format_tip,
    parse_tip,
)

ATTACHMENT = Attachment(
    path="files/01.jpg",
    name="bridge.jpg",
    media_type="image/jpeg",
    size_bytes=5,
    modified_at="2026-11-20T10:00:00Z",
    unknown={"future": ["place"]},
)
FULL = Tip(
    text="The bridge is hollow.",
    channel="works",
    keyset=7,
    language="es",
    sealing="browser",
    build="b1",
    sealed_at="2026-11-21T10:00:00.25Z",
    kind="good_deed",
    category="roads",
    place="below the bridge",
    days=Days(from_on=datetime.date(2026, 11, 1), to_on=datetime.date(2026, 11, 2)),
    danger=True,
    reply_wanted=False,
    attachments=(ATTACHMENT,),
    unknown={"reply_key": "abc", "future": {"deep": [1, None, True]}},
)


LISTED = {"path": "files/01.jpg", "name": "", "type": "", "size_bytes": 1}


def write(**fields: Any) -> bytes:
    """The object with its required fields and those given."""
    return json.dumps({"version": 1, "text": "a", **fields}).encode()


def test_tip_when_written_then_it_reads_back_the_same() -> None:
    """Every field survives, known or unknown, in the tip and in its attachments."""
    assert parse_tip(format_tip(FULL)) == FULL


def test_tip_when_written_then_the_table_gives_the_order() -> None:
    """The fields stand in the order of the formats page, the unknown ones last."""
    assert list(json.loads(format_tip(FULL))) == [
        "version", "text", "channel", "keyset", "language", "sealing", "build", "sealed_at",
        "kind", "category", "place", "days", "danger", "reply_wanted", "attachments",
        "reply_key", "future",
    ]  # fmt: skip


def test_tip_when_it_has_only_a_text_then_that_is_enough() -> None:
    """Text is the only required field besides the version."""
    assert format_tip(Tip(text="a")) == b'{"version":1,"text":"a"}'
    assert parse_tip(b'{"text":"a","version":1}') == Tip(text="a")


def test_attachment_when_it_has_no_time_then_none_is_written() -> None:
    """An absent time is absent, not null."""
    attachment = dataclasses.replace(ATTACHMENT, modified_at=None, unknown={})
    written = format_tip(Tip(text="a", attachments=(attachment,)))

    assert b"modified_at" not in written
    assert parse_tip(written).attachments == (attachment,)


@pytest.mark.parametrize("name", ["danger", "reply_wanted"])
def test_flag_when_false_then_it_is_not_absent(name: str) -> None:
    """A no is kept apart from silence."""
    assert getattr(parse_tip(write(**{name: False})), name) is False
    assert getattr(parse_tip(write()), name) is None


@pytest.mark.parametrize(
    "untrusted",
    [
        b"[]",
        b'{"text":"a"}',
        b'{"version":2,"text":"a"}',
        b'{"version":true,"text":"a"}',
        b'{"version":"1","text":"a"}',
        b'{"version":1}',
        b'{"version":1,"text":"a","text":"b"}',
        write(text=""),
        write(text=None),
        write(text=["a"]),
        write(text="a" * (MAX_TEXT_BYTES + 1)),
        write(text="é" * (MAX_TEXT_BYTES // 2 + 1)),
        write(channel=""),
        write(channel="Works"),
        write(channel=None),
        write(channel="a" * 33),
        write(keyset=-1),
        write(keyset=True),
        write(keyset="1"),
        write(keyset=1.5),
        write(keyset=2**53),
        write(language="de"),
        write(language=1),
        write(sealing="server"),
        write(build=1),
        write(build="b" * 501),
        write(sealed_at=1),
        write(sealed_at="2026-11-21T10:00:00"),
        write(sealed_at="2026-11-21 10:00:00Z"),
        write(sealed_at="2026-13-21T10:00:00Z"),
        write(sealed_at="２０２６-11-21T10:00:00Z"),
        write(kind="rumour"),
        write(category="two words"),
        write(place="a" * 501),
        write(days=[]),
        write(days={"from": "2026-11-01"}),
        write(days={"from": "2026-11-01", "to": "2026-11-02", "at": "2026-11-02"}),
        write(days={"from": 1, "to": 2}),
        write(days={"from": "2026-11-02", "to": "2026-11-01"}),
        write(days={"from": "2026-11-31", "to": "2026-12-01"}),
        write(danger="yes"),
        write(danger=1),
        write(attachments={}),
        write(attachments=[1]),
        write(attachments=[{"path": "files/01.jpg"}]),
        *(
            write(attachments=[LISTED | x])
            for x in (
                {"path": 1},
                {"path": "../x"},
                {"path": "files/1.jpg"},
                {"path": "originals/01.jpg"},
                {"name": None},
                {"type": "a" * 501},
                {"size_bytes": -1},
                {"size_bytes": False},
                {"modified_at": "yesterday"},
            )
        ),
        write(
            attachments=[LISTED] * 2
        ),
        write(
            attachments=[
                {"path": f"files/{n % 100:02}.a{n // 100}", "name": "", "type": "", "size_bytes": 1}
                for n in range(100)
            ]
        ),
    ],
)  # fmt: skip
def test_parse_when_a_field_is_off_then_it_is_refused(untrusted: bytes) -> None:
    """Each known field has its type and its bound."""
    with pytest.raises(MalformedError):
        parse_tip(untrusted)


def test_parse_when_too_long_then_it_is_refused() -> None:
    """The object has an upper bound."""
    with pytest.raises(TooLargeError):
        parse_tip(write(other="a" * MAX_TIP_JSON_BYTES))


@pytest.mark.parametrize(
    "tip",
    [
        Tip(text=""),
        Tip(text="\ud800"),
        Tip(text="a", kind="rumour"),
        Tip(text="a", unknown={"text": "b"}),
        Tip(text="a", unknown={"version": 2}),
        Tip(text="a", unknown={"future": 1.5}),
        Tip(text="a", unknown={"kind": "report"}),
    ],
)
def test_format_when_nobody_could_read_it_then_it_is_refused(tip: Tip) -> None:
    """Nobody seals what nobody opens, and no unknown field can stand for a known one."""
    with pytest.raises(MalformedError):
        format_tip(tip)
