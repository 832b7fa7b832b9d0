"""The filter of marks: it may say yes for nothing, and never no for something."""

from __future__ import annotations

import secrets

from tipline.service.mark_filter import MarkFilter


def test_filter_when_a_mark_was_noted_then_it_may_be_there_and_of_others_hardly_any() -> None:
    """No mark that was noted is denied; of those that were not, nearly all are."""
    noted = [secrets.token_bytes(32) for _ in range(20_000)]
    others = [secrets.token_bytes(32) for _ in range(20_000)]
    marks = MarkFilter()
    assert not any(marks.may_have(one) for one in noted)
    for one in noted:
        marks.add(one)
    assert all(marks.may_have(one) for one in noted)
    assert sum(marks.may_have(one) for one in others) < 20
