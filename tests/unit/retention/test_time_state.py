"""What is kept of the time, on disk."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from crypto.errors import CryptoError
from retention.time_state import MAX_STATE_BYTES, Jump, TimeState, format_state, parse_state

STATE = TimeState(
    mark=datetime.datetime(2031, 3, 14, 15, tzinfo=datetime.UTC),
    boot="5e55ba9b-ed25-4a25-9c25-000000000001",
    started_at=datetime.datetime(2031, 3, 13, 9, 12, 44, tzinfo=datetime.UTC),
)
JUMPED = TimeState(
    mark=STATE.mark,
    boot=STATE.boot,
    started_at=STATE.started_at,
    jump=Jump(ahead=datetime.timedelta(days=365), since=datetime.date(2032, 3, 13)),
    behind=True,
    confirmed=True,
)


@pytest.mark.parametrize("state", [STATE, JUMPED])
def test_state_when_written_then_it_reads_back_and_knows_no_minute(state: TimeState) -> None:
    """A state is the same after a round trip; its mark is a whole hour."""
    written = format_state(state)
    assert parse_state(written) == state
    assert b'"mark":"2031-03-14T15"' in written


def change(**fields: Any) -> bytes:
    tree = json.loads(format_state(JUMPED))
    tree |= fields
    return json.dumps(tree, separators=(",", ":")).encode() + b"\n"


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"\0" * 200,
        b"{}\n",
        b" " * (MAX_STATE_BYTES + 1),
        format_state(STATE)[:-1],
        format_state(STATE)[:100],
        change(version=2),
        change(extra=1),
        change(mark="2031-03-14"),
        change(mark=7),
        change(boot="../x"),
        change(boot=None),
        change(started_at="2031-03-14T09"),
        change(behind=1),
        change(behind="no"),
        change(confirmed=1),
        change(jump=7),
        change(jump={"ahead_seconds": 0, "since": "2032-03-13"}),
        change(jump={"ahead_seconds": True, "since": "2032-03-13"}),
        change(jump={"ahead_seconds": 2**52, "since": "2032-03-13"}),
        change(jump={"ahead_seconds": 7, "since": "13.3.2032"}),
        change(jump={"ahead_seconds": 7}),
    ],
)
def test_state_when_damaged_then_refused(untrusted: bytes) -> None:
    """Whatever is not what we write is refused, and nothing is made of it."""
    with pytest.raises(CryptoError):
        parse_state(untrusted)
