"""What relates rows: sealed for each alone, gone with its day, told when it is damaged."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.errors import ForgedError
from retention.slot_file import SlotFile
from tests.stored import open_slots
from tipline.service.record_keys import RecordKeys
from tipline.service.relations import Related, Relations

DAY = datetime.date(2031, 6, 12)
ROW_ID = bytes(range(16))
WINDOW = Related(conversation=b"c" * 16, mark=b"m" * 16)
ANSWER = Related(conversation=b"c" * 16)


@pytest.fixture
def slots(tmp_path: Path) -> Iterator[SlotFile]:
    """A slot file."""
    opened = open_slots(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def keys(slots: SlotFile) -> RecordKeys:
    """The keys in it."""
    return RecordKeys(slots)


def test_relation_when_sealed_then_it_opens_with_its_mark_or_without(keys: RecordKeys) -> None:
    """A window has a mark, an answer has none, and neither opens as the other."""
    faults: list[Exception] = []
    relations = Relations(keys, on_fault=faults.append)
    for related, has_mark in ((WINDOW, True), (ANSWER, False)):
        sealed = relations.seal(related, row_id=ROW_ID, dies_on=DAY)
        row = {"row_id": ROW_ID, "dies_on": DAY}
        assert relations.open(sealed, **row, has_mark=has_mark) == related  # type: ignore[arg-type]
        assert faults == []
        assert relations.open(sealed, **row, has_mark=not has_mark) is None  # type: ignore[arg-type]
        assert len(faults) == 1
        faults.clear()


def test_relation_when_its_day_is_over_then_it_is_gone_and_no_key_is_made(keys: RecordKeys) -> None:
    """A key that died is no fault, and none takes its place."""
    faults: list[Exception] = []
    relations = Relations(keys, on_fault=faults.append)
    sealed = relations.seal(WINDOW, row_id=ROW_ID, dies_on=DAY)
    keys.destroy_days([DAY])
    assert relations.open(sealed, row_id=ROW_ID, dies_on=DAY, has_mark=True) == WINDOW
    relations.forget(DAY)
    assert relations.open(sealed, row_id=ROW_ID, dies_on=DAY, has_mark=True) is None
    assert (keys.days(), faults) == (set(), [])


def test_relation_when_it_is_damaged_then_it_is_told_and_relates_nothing(keys: RecordKeys) -> None:
    """One row that rotted keeps no line from starting."""
    faults: list[Exception] = []
    relations = Relations(keys, on_fault=faults.append)
    sealed = bytearray(relations.seal(WINDOW, row_id=ROW_ID, dies_on=DAY))
    sealed[0] ^= 1
    assert relations.open(bytes(sealed), row_id=ROW_ID, dies_on=DAY, has_mark=True) is None
    assert [type(one) for one in faults] == [ForgedError]
