"""The field `gateway` of `tip.json`."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from crypto.came_by import MAX_PARTS, CameBy, Medium, lay_out_came_by, parse_came_by
from crypto.errors import MalformedError
from crypto.tip import Tip, format_tip, parse_tip

FULL = CameBy(
    name="modem-1",
    medium=Medium.SMS,
    received_at="2026-11-21T10:00:00Z",
    continues=True,
    sender="+525512345678",
    conversation="0f" * 16,
    reply_until=datetime.date(2026, 11, 28),
    answer_until="2026-11-22T10:00:00Z",
    missing_parts=(2, 255),
    missing_files=1,
)
LEAST: dict[str, Any] = {
    "name": "desk",
    "medium": "walk_in",
    "received_at": "2026-11-21T10:00:00Z",
    "continues": False,
}


def test_field_when_laid_out_then_it_reads_back_the_same() -> None:
    """Everything that is said of a message's way survives."""
    assert parse_came_by(lay_out_came_by(FULL), "gateway") == FULL


def test_field_when_nobody_said_a_number_then_it_stays_absent() -> None:
    """Somebody who came in person has no number, no conversation and no empty fields for them."""
    came_by = parse_came_by(LEAST, "gateway")
    assert (came_by.sender, came_by.conversation, came_by.reply_until) == (None, None, None)
    assert lay_out_came_by(came_by) == LEAST


def test_field_when_it_stands_in_a_tip_then_the_tip_reads_back_the_same() -> None:
    """A tip keeps the field."""
    tip = Tip(text="The bridge is hollow.", sealing="gateway", gateway=FULL)
    assert parse_tip(format_tip(tip)) == tip


def test_field_when_it_is_shown_then_it_hides_the_sender() -> None:
    """No `repr` that reaches an error tells who wrote."""
    assert "525512345678" not in repr(FULL)


@pytest.mark.parametrize(
    "defect",
    [
        {"name": "Modem"},
        {"name": ""},
        {"name": "x" * 33},
        {"medium": "fax"},
        {"medium": None},
        {"received_at": "2026-11-21"},
        {"continues": 1},
        {"sender": None},
        {"sender": "x" * 501},
        {"conversation": "0F" * 16, "reply_until": "2026-11-28"},
        {"conversation": "0f" * 15, "reply_until": "2026-11-28"},
        {"conversation": "0f" * 16},
        {"reply_until": "2026-11-28"},
        {"conversation": "0f" * 16, "reply_until": "28.11.2026"},
        {"answer_until": "2026-11-22T10:00:00Z"},
        {
            "conversation": "0f" * 16,
            "reply_until": "2026-11-28",
            "answer_until": "2026-11-22",
        },
        {"missing_parts": []},
        {"missing_parts": 2},
        {"missing_parts": [2, 1]},
        {"missing_parts": [1, 1]},
        {"missing_parts": [0]},
        {"missing_parts": [MAX_PARTS + 1]},
        {"missing_parts": [1] * (MAX_PARTS + 1)},
        {"missing_parts": [True]},
        {"missing_files": 0},
        {"missing_files": True},
        {"missing_files": [1]},
        {"number": "+525512345678"},
    ],
)
def test_field_when_it_is_not_in_its_form_then_it_is_refused(defect: dict[str, Any]) -> None:
    """Each defect alone is refused."""
    with pytest.raises(MalformedError):
        parse_came_by({**LEAST, **defect}, "gateway")


@pytest.mark.parametrize("missing", sorted(LEAST))
def test_field_when_a_part_is_missing_then_it_is_refused(missing: str) -> None:
    """What is always said must be there."""
    with pytest.raises(MalformedError):
        parse_came_by({name: LEAST[name] for name in LEAST if name != missing}, "gateway")
