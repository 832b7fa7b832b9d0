"""The page and the Python side build the same payload: ladder, tar, tip.json."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from crypto.attachment import Attachment, Cleaning, Original
from crypto.errors import CryptoError
from crypto.ladder import MAX_ENVELOPE_BYTES, RUNGS, choose_rung, payload_len_of
from crypto.tar import Member, format_header, measure_payload, open_payload
from crypto.tip import parse_tip
from tests.unit.tipline.page.conftest import call_page


def test_page_knows_the_same_ladder() -> None:
    """Every rung holds the same payload on both sides."""
    answers = call_page("ladder.ts", *(("payloadBytesOf", [rung]) for rung in RUNGS))
    assert [answer["value"] for answer in answers] == [payload_len_of(rung) for rung in RUNGS]


def test_page_chooses_the_same_rung_around_every_boundary() -> None:
    """One byte less, exactly full, one byte more: with and without attachment."""
    sizes = [
        size + step
        for size in map(payload_len_of, RUNGS)
        for step in (-1, 0, 1)
        if size + step <= payload_len_of(MAX_ENVELOPE_BYTES)
    ]
    cases = [(size, attached) for size in sizes for attached in (False, True)]
    answers = call_page(
        "ladder.ts",
        *(("chooseRung", [size, {"hasAttachments": attached}]) for size, attached in cases),
    )
    assert [answer["value"] for answer in answers] == [
        choose_rung(size, has_attachments=attached) for size, attached in cases
    ]


def test_page_finds_no_rung_above_the_ladder() -> None:
    """What no envelope holds is not squeezed into one."""
    too_many = payload_len_of(MAX_ENVELOPE_BYTES) + 1
    assert call_page("ladder.ts", ("chooseRung", [too_many, {"hasAttachments": True}])) == [{}]
    with pytest.raises(CryptoError):
        choose_rung(too_many, has_attachments=True)


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 8**11 - 1])
def test_page_writes_the_same_header(size: int) -> None:
    """Byte for byte, up to the largest size that the field holds."""
    (answer,) = call_page("tar.ts", ("encodeHeader", ["files/01.jpg", size]))
    expected = format_header(Member(name="files/01.jpg", size_bytes=size))
    assert bytes.fromhex(answer["value"]["hex"]) == expected


def test_page_writes_the_same_payload() -> None:
    """Members, their padding, the end marker and the zeros up to the rung."""
    contents = {
        "tip.json": b"{}",
        "text.txt": b"x" * 512,
        "files/01.jpg": os.urandom(1_100_000),
        "files/02.bin": b"",
    }
    rung = choose_rung(measure_payload([*map(len, contents.values())]), has_attachments=True)
    members = [{"name": name, "content": {"blob": data.hex()}} for name, data in contents.items()]
    (answer,) = call_page("tar.ts", ("readPayload", [members, payload_len_of(rung)]))
    expected = open_payload(
        [(Member(name=name, size_bytes=len(data)), data) for name, data in contents.items()],
        payload_len=payload_len_of(rung),
    ).read()
    assert bytes.fromhex(answer["value"]["hex"]) == expected


DRAFT: dict[str, Any] = {
    "keyset": 3,
    "channel": "works",
    "leaveOut": [],
    "language": "pt",
    "text": "Ação: a ponte treme. 🌉",
    "files": [],
}


def made(*attachments: dict[str, Any]) -> dict[str, Any]:
    """What is known when a tip is made, beside what the source wrote."""
    return {
        "attachments": attachments,
        "build": "b" * 64,
        "sealedAt": {"date": "2031-03-14T15:09:26.535Z"},
    }


def attach(**facts: Any) -> dict[str, Any]:
    """A file that was looked at, as it is sealed."""
    return {
        "extension": "jpg",
        "type": "image/jpeg",
        "content": {"blob": b"light".hex()},
        "cleaning": {"state": "clean", "rules": 1},
        **facts,
    }


def original(**facts: Any) -> dict[str, Any]:
    """The untouched original of a file, as the device has it."""
    return {"original": {"file": "", "name": "a.jpg", "type": "", "lastModified": 0, **facts}}


def test_page_writes_a_tip_that_python_reads() -> None:
    """Every field arrives as it was written, the text twice as the same bytes."""
    draft = {
        **DRAFT,
        "kind": "good_deed",
        "category": "money",
        "place": "Rua do Porto",
        "days": {"from": "2031-03-01", "to": "2031-03-09"},
        "danger": True,
    }
    cleaned = attach(
        cleaning={"state": "cleaned", "rules": 1, "found": ["place", "device"]},
        **original(
            file=b"all of it".hex(),
            name="Foto à noite.JPEG",
            type="image/jpeg",
            lastModified=1_900_000_000_123,
        ),
    )
    uncleaned = attach(
        extension="bin", cleaning={"state": "uncleaned", "rules": 1, "reason": "unknown"}
    )
    (answer,) = call_page("tip.ts", ("makeMembers", [draft, made(attach(), cleaned, uncleaned)]))
    members = {
        member["name"]: bytes.fromhex(member["content"]["hex"]) for member in answer["value"]
    }
    assert list(members) == [
        "tip.json", "text.txt", "files/01.jpg", "files/02.jpg", "files/03.bin", "originals/02.jpg",
    ]  # fmt: skip
    tip = parse_tip(members["tip.json"])
    assert tip.text == DRAFT["text"]
    assert members["text.txt"] == DRAFT["text"].encode()
    assert (tip.channel, tip.keyset, tip.language, tip.sealing) == ("works", 3, "pt", "browser")
    assert (tip.kind, tip.category, tip.place, tip.danger) == (
        "good_deed",
        "money",
        "Rua do Porto",
        True,
    )
    assert tip.sealed_at == "2031-03-14T15:09:26.535Z"
    assert tip.attachments == (
        Attachment(
            path="files/01.jpg",
            media_type="image/jpeg",
            size_bytes=5,
            cleaning=Cleaning(state="clean", rules=1),
        ),
        Attachment(
            path="files/02.jpg",
            media_type="image/jpeg",
            size_bytes=5,
            cleaning=Cleaning(state="cleaned", rules=1, found=("place", "device")),
            original=Original(
                name="Foto à noite.JPEG",
                media_type="image/jpeg",
                size_bytes=9,
                modified_at="2030-03-17T17:46:40.123Z",
            ),
        ),
        Attachment(
            path="files/03.bin",
            media_type="image/jpeg",
            size_bytes=5,
            cleaning=Cleaning(state="uncleaned", rules=1, reason="unknown"),
        ),
    )


def test_page_leaves_out_fields_that_the_source_left_empty() -> None:
    """What was not said is not there: not even an empty field."""
    (answer,) = call_page("tip.ts", ("makeMembers", [DRAFT, made()]))
    tip = json.loads(bytes.fromhex(answer["value"][0]["content"]["hex"]))
    assert not {"kind", "category", "place", "days", "danger", "reply_wanted"} & set(tip)


ODD: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "first and last day": ({"days": {"from": "0001-01-01", "to": "9999-12-31"}}, []),
    "the day that counts as zero": ({"days": {"from": "1970-01-01", "to": "1970-01-01"}}, []),
    "half a character in the text": ({"text": "a\ud800"}, []),
    "half a character in the place": ({"place": "a\ud800"}, []),
    "half a character in a name": ({}, [attach(**original(name="a\ud800.jpg"))]),
    "a name cut in the middle of a character": ({}, [attach(**original(name="a" * 499 + "🌉"))]),
    "a long type": ({}, [attach(**original(type="a/" + "b" * 499))]),
    "a long place": ({"place": "b" * 501}, []),
    "text of which tip.json holds just less than a mebibyte": ({"text": "\x01" * 174_000}, []),
    "99 long names": ({}, [attach(**original(name="\x01" * 255))] * 99),
}


@pytest.mark.parametrize("case", ODD)
def test_page_writes_nothing_that_python_does_not_read(case: str) -> None:
    """Whatever the form and the device can give is inside the format, so the desk shows it."""
    change, attachments = ODD[case]
    (answer,) = call_page("tip.ts", ("makeMembers", [{**DRAFT, **change}, made(*attachments)]))
    parse_tip(bytes.fromhex(answer["value"][0]["content"]["hex"]))


@pytest.mark.parametrize(
    ("milliseconds", "written"),
    [
        (-62_135_596_800_001, None),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, None),
        (8_640_000_000_000_001, None),
    ],
)
def test_page_leaves_out_a_time_that_python_does_not_read(
    milliseconds: int, written: str | None
) -> None:
    """A device whose clock is far off takes nothing from the tip but that time."""
    attachment = attach(**original(lastModified=milliseconds))
    (answer,) = call_page("tip.ts", ("makeMembers", [DRAFT, made(attachment)]))
    tip = parse_tip(bytes.fromhex(answer["value"][0]["content"]["hex"]))
    assert [file.original and file.original.modified_at for file in tip.attachments] == [written]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": " \n\t"}, "no_text"),
        ({"text": "é" * 131_073}, "text_too_long"),
        ({"text": "\x01" * 180_000}, "text_too_long"),  # six bytes each in tip.json
        ({"days": {"from": "12025-01-01", "to": "12025-01-01"}}, "days"),
        ({"days": {"from": "12025-01-01", "to": "2025-01-01"}}, "days"),
        ({"days": {"from": "0000-01-01", "to": "2025-01-01"}}, "days"),
        ({"days": {"from": "2025-02-28", "to": "2025-02-31"}}, "days"),
        ({"days": {"from": "2025-02-02", "to": "2025-02-01"}}, "days"),
        ({"days": {"from": "3 May", "to": "3 May"}}, "days"),
    ],
)
def test_page_refuses_a_draft_outside_its_bounds(change: dict[str, Any], reason: str) -> None:
    """Each bound has its own reason, and its own words on the page."""
    answers = call_page("tip.ts", ("makeMembers", [{**DRAFT, **change}, made()]))
    assert answers == [{"error": reason}]


def test_page_refuses_more_files_than_names_of_two_digits() -> None:
    """A hundredth file has no name."""
    answers = call_page("tip.ts", ("makeMembers", [DRAFT, made(*[attach()] * 100)]))
    assert answers == [{"error": "too_many_files"}]


@pytest.mark.parametrize(
    "recipients",
    [
        ["age1pq1x"] * 7,
        ["age1pq1x"] * 9,
        ["age1pq1x"] * 7 + ["age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsf9d3dk"],
        [],
    ],
)
def test_page_seals_to_eight_hybrid_recipients_and_nothing_else(recipients: list[str]) -> None:
    """The library would take a classic recipient beside hybrid ones; the page does not."""
    made = {"recipients": recipients, "rungBytes": 65536}
    (answer,) = call_page("envelope.ts", ("seal", [[], made]))
    assert "a tip takes eight hybrid recipients" in answer["error"]
