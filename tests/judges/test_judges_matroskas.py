"""Cleaned WebMs and Matroskas before two judges and their decoders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges.corpus import Verdict, compare, judge
from tests.judges.judge import find_residues, find_survivors, read_tags
from tests.judges.matroskas import make_matroskas

TOLD = {"place", "device", "time", "person", "software", "text", "id"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files that tell on whoever made them."""
    return make_matroskas(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def verdicts(made: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    """What the judges say of each."""
    return judge(made, tmp_path_factory.mktemp("cleaned"))


def test_judges_when_matroskas_are_made_then_each_of_them_tells(verdicts: list[Verdict]) -> None:
    """The judges have something to look for."""
    assert [verdict.reason for verdict in verdicts] == [None] * 6
    assert [verdict.name for verdict in verdicts] == ["webm"] * 4 + ["mkv"] * 2
    assert min(verdict.had for verdict in verdicts) > 5
    for verdict in verdicts:
        assert set(verdict.kinds) >= TOLD | ({"embedded"} if verdict.name == "mkv" else set())


def test_judges_when_a_matroska_is_cleaned_then_exiftool_finds_structure_alone(
    verdicts: list[Verdict],
) -> None:
    """No tag is left that is not on the written list."""
    assert {verdict.path: verdict.residues for verdict in verdicts if verdict.residues} == {}


def test_judges_when_a_matroska_is_cleaned_then_no_value_of_a_tag_is_in_its_bytes(
    verdicts: list[Verdict],
) -> None:
    """What the tags held is nowhere."""
    assert {verdict.path: verdict.survivors for verdict in verdicts if verdict.survivors} == {}


def test_judges_when_a_matroska_is_cleaned_then_its_frames_are_the_same(
    verdicts: list[Verdict],
) -> None:
    """Other decoders see and hear what they did before."""
    assert {verdict.path: verdict.pixels for verdict in verdicts if verdict.pixels != "same"} == {}


def test_judges_when_no_matroska_was_cleaned_then_both_find_it(made: list[Path]) -> None:
    """A file as it was: many tags, and their values."""
    for path, tags in zip(made, read_tags(made), strict=True):
        assert len(find_residues(tags)) > 5
        assert "Lumenwerk" in find_survivors(tags, path.read_bytes())


def test_judges_when_frames_of_matroskas_differ_then_it_is_noticed(made: list[Path]) -> None:
    """Two films are not the same for being films."""
    browser, _, voice, _, screen, _ = (path.read_bytes() for path in made)

    assert compare(browser, browser) == "same"
    assert compare(browser, screen) == "different"
    assert compare(browser, voice) == "different"
    assert compare(browser[:40], voice) == "unreadable"
