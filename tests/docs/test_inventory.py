"""The data inventory of the threat model and the database's schema say the same."""

from __future__ import annotations

import re
from pathlib import Path

from sqlite_utils import Database

from tipline.configuration import CONFIGURATION_NAME
from tipline.service.schema import migrate

ROOT = Path(__file__).resolve().parents[2]


def inventory() -> list[tuple[str, str, str, str, str]]:
    """Return the rows of the page's table: table, column, meaning, precision, death."""
    page = (ROOT / "docs" / "threat-model.md").read_text()
    block = re.search(r"<!-- inventory -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    assert block
    return re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+) \| (.+) \| (.+) \|$", block[1], re.MULTILINE)


def columns_of_schema() -> list[tuple[str, str]]:
    database = Database(memory=True)
    migrate(database)
    return [
        (table.name, column.name)
        for table in database.tables
        if not table.name.startswith("sqlite_")
        for column in table.columns
    ]


def test_inventory_when_compared_with_the_schema_then_neither_has_a_line_more() -> None:
    """Nothing is stored that the page does not say, and the page says nothing that is not."""
    assert sorted(row[:2] for row in inventory()) == sorted(columns_of_schema())


def test_inventory_when_read_then_every_time_is_a_day() -> None:
    """INV-06: the columns that hold a time are those that end in `_on`, and hold days."""
    for _, column, _, precision, _ in inventory():
        assert (precision == "a day, UTC") == column.endswith("_on")
        assert not column.endswith("_at")


def test_schema_when_read_then_no_table_counts_its_rows() -> None:
    """INV-06: no table has a rowid or a rising number, which would give the order of arrival."""
    database = Database(memory=True)
    migrate(database)
    tables = [table for table in database.tables if not table.name.startswith("sqlite_")]

    assert len(tables) >= 3
    for table in tables:
        assert "WITHOUT ROWID" in table.schema
        assert "AUTOINCREMENT" not in table.schema.upper()


def test_files_when_an_instance_is_described_then_the_page_names_its_files() -> None:
    """The files of an instance directory stand on the page."""
    page = (ROOT / "docs" / "threat-model.md").read_text()

    for name in (
        CONFIGURATION_NAME,
        "policy.toml",
        "keyset",
        "tipline.db",
        "envelopes/",
        "partial/",
    ):
        assert f"`{name}`" in page
