"""
Cleaned pictures before two judges and a decoder.

The pictures are made here and labelled as cameras and editors do. With
`TIPLINE_CLEANING_CORPUS=DIR` the real files in DIR are judged besides.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.judges.corpus import Verdict, compare, judge
from tests.judges.judge import find_residues, find_survivors, read_tags
from tests.judges.made import make_all

MADE_LEN = 28
CORPUS = os.environ.get("TIPLINE_CLEANING_CORPUS")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures that tell on whoever made them."""
    folder = tmp_path_factory.mktemp("made") / "pictures"
    folder.mkdir()
    return make_all(folder)


@pytest.fixture(scope="module")
def verdicts(made: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    """What the judges say of each, and of the real files if there are any."""
    real = sorted(path for path in Path(CORPUS).rglob("*") if path.is_file()) if CORPUS else []
    return judge([*made, *real], tmp_path_factory.mktemp("cleaned"))


def test_judges_when_pictures_are_made_then_each_of_them_tells(verdicts: list[Verdict]) -> None:
    """The judges have something to look for."""
    made = verdicts[:MADE_LEN]

    assert [verdict.reason for verdict in made] == [None] * MADE_LEN
    assert min(verdict.had for verdict in made) > 10
    for verdict in made:
        assert {"place", "device", "time", "person", "software", "id"} <= set(verdict.kinds)


def test_judges_when_a_file_is_cleaned_then_exiftool_finds_structure_alone(
    verdicts: list[Verdict],
) -> None:
    """No tag is left that is not on the written list."""
    assert {verdict.path: verdict.residues for verdict in verdicts if verdict.residues} == {}


def test_judges_when_a_file_is_cleaned_then_no_value_of_a_tag_is_in_its_bytes(
    verdicts: list[Verdict],
) -> None:
    """What the tags held is nowhere, in no encoding, and in no compressed stream."""
    assert {verdict.path: verdict.survivors for verdict in verdicts if verdict.survivors} == {}


def test_judges_when_a_file_is_cleaned_then_its_pixels_are_the_same(
    verdicts: list[Verdict],
) -> None:
    """Another decoder opens it, and sees what it saw before, the same way up."""
    cleaned = [verdict for verdict in verdicts if verdict.reason is None]

    assert {verdict.path for verdict in cleaned if verdict.pixels == "different"} == set()
    assert {verdict.pixels for verdict in cleaned[:MADE_LEN]} == {"same"}


# --- the judges can find something ------------------------------------------------------------


def test_judges_when_nothing_was_cleaned_then_both_find_it(made: list[Path]) -> None:
    """A file as it was: many tags, and their values."""
    for path, tags in zip(made, read_tags(made), strict=True):
        assert len(find_residues(tags)) > 10
        survivors = find_survivors(tags, path.read_bytes())
        assert {"Lumenwerk", "Benita Sandoval-Quiroga", "PE7-00418823"} <= survivors


def test_judges_when_pixels_or_orientation_differ_then_it_is_noticed(made: list[Path]) -> None:
    """Two pictures are not the same for being pictures."""
    one, other = made[0].read_bytes(), made[3].read_bytes()
    tag = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00"
    turned = one.replace(tag + b"\x06", tag + b"\x08")

    assert turned != one
    assert compare(one, one) == "same"
    assert compare(one, other) == "different"
    assert compare(one, turned) == "different"
    assert compare(b"no picture", other) == "unreadable"
