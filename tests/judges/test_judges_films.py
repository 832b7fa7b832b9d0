"""Cleaned films, voice notes and HEICs before two judges and their decoders."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges.corpus import Verdict, compare, judge
from tests.judges.films import make_films, make_heifs
from tests.judges.judge import find_residues, find_survivors, read_tags

MADE_LEN = 7


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files that tell on whoever made them."""
    folder = tmp_path_factory.mktemp("made")
    return [*make_films(folder), *make_heifs(folder)]


@pytest.fixture(scope="module")
def verdicts(made: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    """What the judges say of each."""
    return judge(made, tmp_path_factory.mktemp("cleaned"))


def test_judges_when_films_are_made_then_each_of_them_tells(verdicts: list[Verdict]) -> None:
    """The judges have something to look for."""
    assert [verdict.reason for verdict in verdicts] == [None] * MADE_LEN
    assert [verdict.name for verdict in verdicts] == [
        *("mp4", "mov", "3gp", "m4a", "m4a", "heic", "avif")
    ]
    assert min(verdict.had for verdict in verdicts) > 5
    for verdict in verdicts:
        assert {"place", "device", "time", "person"} <= set(verdict.kinds)


def test_judges_when_a_film_is_cleaned_then_exiftool_finds_structure_alone(
    verdicts: list[Verdict],
) -> None:
    """No tag is left that is not on the written list."""
    assert {verdict.path: verdict.residues for verdict in verdicts if verdict.residues} == {}


def test_judges_when_a_film_is_cleaned_then_no_value_of_a_tag_is_in_its_bytes(
    verdicts: list[Verdict],
) -> None:
    """What the tags held is nowhere."""
    assert {verdict.path: verdict.survivors for verdict in verdicts if verdict.survivors} == {}


def test_judges_when_a_film_is_cleaned_then_its_frames_are_the_same(
    verdicts: list[Verdict],
) -> None:
    """Other decoders see and hear what they did before."""
    assert {verdict.path: verdict.pixels for verdict in verdicts if verdict.pixels != "same"} == {}


def test_judges_when_no_film_was_cleaned_then_both_find_it(made: list[Path]) -> None:
    """A file as it was: many tags, and their values."""
    for path, tags in zip(made, read_tags(made), strict=True):
        assert len(find_residues(tags)) > 5
        assert "Lumenwerk" in find_survivors(tags, path.read_bytes())


def test_judges_when_frames_differ_then_it_is_noticed(made: list[Path]) -> None:
    """Two films are not the same for being films."""
    phone, camera, _, note, lossless, heic, avif = (path.read_bytes() for path in made)

    assert compare(phone, phone) == "same"
    assert compare(phone, camera) == "different"
    assert compare(note, lossless) == "different"
    assert compare(heic, avif) == "different"
    assert compare(b"\0\0\0\x08ftypno film", phone) == "unreadable"
    assert compare(b"\0\0\0\x08ftypheic", heic) == "unreadable"
