"""Rows go once: what is gone already is not told again."""

from __future__ import annotations

from sqlite_utils import Database

from tipline.service.rows import Rows
from tipline.service.schema import migrate


def test_rows_when_deleted_again_then_only_those_that_went_are_told() -> None:
    """A commit that was said to have failed may have been made: the next try counts nothing."""
    database = Database(memory=True)
    migrate(database)
    days = {"arrived_on": "2031-03-01", "dies_on": "2031-03-03"}
    database["answers"].insert_all([{"id": name, **days} for name in (b"a", b"b", b"c")])
    rows = Rows(database)
    assert rows.delete("answers", [b"a", b"b", b"none such"]) == {b"a", b"b"}
    assert rows.delete("answers", [b"a", b"c"]) == {b"c"}
    assert rows.delete("answers", [b"a", b"c"]) == set()
