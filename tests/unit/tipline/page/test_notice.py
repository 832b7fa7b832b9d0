"""The page reads the notice of the end as Python writes it."""

from __future__ import annotations

import datetime

import pytest

from retention.log.entry import CloseStep
from tests.unit.tipline.page.conftest import call_page
from tipline.closing import Closing, format_notice

DAY = datetime.date(2031, 3, 14)


def test_notice_when_written_by_the_service_then_the_page_reads_the_same() -> None:
    """Every step, and none, means the same on both sides; so does whether tips are taken."""
    written = [format_notice(Closing(step=step, on=DAY)).decode() for step in CloseStep]
    read = call_page("notice.ts", *(("parseNotice", [text]) for text in written))
    assert [answer["value"] for answer in read] == [
        {"step": str(step), "on": "2031-03-14"} for step in CloseStep
    ]
    takes = call_page("notice.ts", *(("takesTips", [answer["value"]]) for answer in read))
    before = DAY - datetime.timedelta(days=1)
    assert [answer["value"] for answer in takes] == [
        Closing(step=step, on=DAY).takes_tips(before) for step in CloseStep
    ]
    assert "value" not in call_page("notice.ts", ("parseNotice", [format_notice(None).decode()]))[0]


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        "null",
        "[]",
        '{"v":1}',
        '{"v":2,"step":"closed","on":"2031-03-14"}',
        '{"v":1,"step":"gone","on":"2031-03-14"}',
        '{"v":1,"step":"closed","on":"2031-02-30"}',
        '{"v":1,"step":"closed","on":7}',
        '{"v":1,"step":["closed"],"on":"2031-03-14"}',
    ],
)
def test_notice_when_it_is_none_then_the_page_goes_on(untrusted: str) -> None:
    """What is not a notice says nothing, and stops nobody from writing."""
    assert call_page("notice.ts", ("parseNotice", [untrusted])) == [{}]
