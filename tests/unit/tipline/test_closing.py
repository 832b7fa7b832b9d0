"""The end of a line: what its file and its notice say."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from crypto.errors import CryptoError
from retention.log.entry import CloseStep
from tipline.closing import (
    CLOSING_NAME,
    NOTICE_BYTES,
    Closing,
    format_closing,
    format_notice,
    load_closing,
    parse_closing,
    save_closing,
)
from tipline.errors import InstanceError

DAY = datetime.date(2031, 3, 14)


@pytest.mark.parametrize("step", CloseStep)
def test_closing_when_written_and_read_then_it_is_the_same(step: CloseStep, tmp_path: Path) -> None:
    """What was saved is what is loaded, for every step."""
    closing = Closing(step=step, on=DAY)
    save_closing(tmp_path, closing, day=DAY)
    assert load_closing(tmp_path) == closing
    assert parse_closing(format_closing(closing)) == closing


def test_closing_when_there_is_no_file_then_no_end_was_announced(tmp_path: Path) -> None:
    """A line without the file goes on."""
    assert load_closing(tmp_path) is None


GOOD = format_closing(Closing(step=CloseStep.ANNOUNCED, on=DAY))


@pytest.mark.parametrize(
    "untrusted",
    [
        b"",
        b"[]\n",
        GOOD.removesuffix(b"\n"),
        GOOD + b"\n",
        GOOD.replace(b'"v":1', b'"v":2'),
        GOOD.replace(b"announced", b"finished"),
        GOOD.replace(b"2031-03-14", b"2031-02-30"),
        GOOD.replace(b'"2031-03-14"', b"20310314"),
        GOOD.replace(b'"announced"', b'["announced"]'),
        GOOD.replace(b",", b", "),
        GOOD.replace(b"}", b',"by":"x"}'),
        b" " * 2000 + GOOD,
    ],
)
def test_closing_when_in_another_form_then_it_is_refused_by_name(
    untrusted: bytes, tmp_path: Path
) -> None:
    """There is one spelling; everything else is damage, and is named."""
    with pytest.raises(CryptoError):
        parse_closing(untrusted)
    (tmp_path / CLOSING_NAME).write_bytes(untrusted)
    with pytest.raises(InstanceError) as caught:
        load_closing(tmp_path)
    assert caught.value.code == "closing_damaged"


@pytest.mark.parametrize("step", [None, *CloseStep])
def test_notice_when_something_is_set_or_not_then_it_has_one_length(step: CloseStep | None) -> None:
    """The length of the answer tells nothing; what it says is JSON."""
    closing = None if step is None else Closing(step=step, on=DAY)
    notice = format_notice(closing)
    assert len(notice) == NOTICE_BYTES
    assert json.loads(notice) == {
        "v": 1,
        "step": step,
        "on": None if step is None else "2031-03-14",
    }


def test_closing_when_its_day_comes_then_no_tip_is_taken() -> None:
    """An announced end takes tips until its day; any later step takes none, a handover does."""
    before = DAY - datetime.timedelta(days=1)
    announced = Closing(step=CloseStep.ANNOUNCED, on=DAY)
    assert announced.takes_tips(before)
    assert not announced.takes_tips(DAY)
    for step in (CloseStep.INTAKE_STOPPED, CloseStep.KEYS_DESTROYED, CloseStep.CLOSED):
        assert not Closing(step=step, on=DAY).takes_tips(before)
    assert Closing(step=CloseStep.HANDED_OVER, on=DAY).takes_tips(DAY)
