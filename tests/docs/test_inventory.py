"""The data inventory of the threat model and the database's schema say the same."""

from __future__ import annotations

import datetime
import re
import shutil
import tempfile
from pathlib import Path

from sqlite_utils import Database

from crypto.age.hybrid import HybridIdentity
from crypto.data_key import WRAPPED_BYTES
from crypto.keyset import sign_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from retention.log.entry import CloseStep
from retention.policy import EVENTS
from tipline.closing import Closing, save_closing
from tipline.instance import Instance, init_instance
from tipline.keysets import install_keyset
from tipline.language import LANGUAGES
from tipline.service.schema import migrate
from tipline.service.serve import open_line

TODAY = datetime.date(2031, 3, 14)
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


def sign_example_keyset(root: Signer, *, service: Signer) -> bytes:
    """Sign a keyset of one reader and one channel."""
    reader = Reader(
        id="office",
        name="Office",
        unit="Unit",
        since_on=TODAY,
        recipient=HybridIdentity.generate().recipient(),
    )
    entry = ChannelReader(reader="office", from_on=TODAY, until_on=None, optional=False)
    names = dict.fromkeys(LANGUAGES, "City")
    draft = KeysetDraft(
        valid_from=TODAY,
        valid_until=TODAY,
        service=service.verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        readers=(reader,),
        channels=(Channel(id="city", names=names, categories=(), readers=(entry,)),),
    )
    return sign_keyset(draft, signer=root, today=TODAY)


def test_inventory_when_compared_with_the_schema_then_neither_has_a_line_more() -> None:
    """Nothing is stored that the page does not say, and the page says nothing that is not."""
    assert sorted(row[:2] for row in inventory()) == sorted(columns_of_schema())


def test_inventory_when_read_then_every_time_is_a_day() -> None:
    """INV-06: the columns that hold a time are those that end in `_on`, and hold days."""
    for _, column, _, precision, _ in inventory():
        assert (precision == "a day, UTC") == column.endswith("_on")
        assert not column.endswith("_at")


def test_schema_when_read_then_no_table_counts_its_rows() -> None:
    """INV-06: no table has a rising number, which would give the order of arrival."""
    database = Database(memory=True)
    migrate(database)
    tables = [table for table in database.tables if not table.name.startswith("sqlite_")]

    assert len(tables) >= 3
    for table in tables:
        # Of envelopes the number is drawn: see tests/unit/tipline/service/test_envelope_rows.py.
        assert "WITHOUT ROWID" in table.schema or table.name == "envelopes"
        assert "AUTOINCREMENT" not in table.schema.upper()


async def test_files_when_a_line_is_made_and_served_then_the_page_names_each() -> None:
    """Every file and folder that an instance directory has stands on the page, and no other."""
    short = Path(tempfile.mkdtemp(prefix="line-"))
    try:
        directory = short / "line"
        root = Signer.generate("tipline-root")
        texts = {
            f"line.{part}.{language}": "x"
            for part in ("name", "emergency")
            for language in LANGUAGES
        }
        service = init_instance(
            directory,
            settings={"root": root.verifier().format(), **texts},
            periods={name: dict.fromkeys(events, 2) for name, events in EVENTS.items()},
            translate=lambda text: text,
            today=TODAY,
        )
        install_keyset(
            directory,
            sign_example_keyset(root, service=service),
            root=root.verifier(),
            minimum=1,
            today=TODAY,
        )
        closing = Closing(step=CloseStep.ANNOUNCED, on=TODAY + datetime.timedelta(days=30))
        save_closing(directory, closing, day=TODAY)
        with Instance.open(directory) as instance:
            async with open_line(instance, pages={}):
                found = {path.name for path in directory.iterdir()}
    finally:
        shutil.rmtree(short)

    page = (ROOT / "docs" / "threat-model.md").read_text()
    block = re.search(r"<!-- files -->\n(.*?)<!-- end -->", page, flags=re.DOTALL)
    assert block
    assert found == set(re.findall(r"^\| `([\w.-]+)` \|", block[1], re.MULTILINE))


def test_inventory_when_a_wrapped_key_is_named_then_its_length_is_the_codes() -> None:
    """What is said of a row's bytes is what lies there."""
    page = (ROOT / "docs" / "threat-model.md").read_text()
    rows = [line for line in page.splitlines() if "| `wrapped` |" in line]
    told = {int(found) for line in rows for found in re.findall(r"([0-9]+) bytes", line)}
    assert told == {WRAPPED_BYTES}
