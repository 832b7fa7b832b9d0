"""Cleaned sounds before two judges and a decoder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges.corpus import Verdict, compare, judge
from tests.judges.judge import find_residues, find_survivors, read_tags
from tests.judges.sounds import make_sounds

MADE_LEN = 10
NAMES = ["ogg"] * 5 + ["flac"] + ["wav"] * 2 + ["mp3"] * 2
SPEEX = 3  # whose comments exiftool does not read


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sounds that tell on whoever made them."""
    folder = tmp_path_factory.mktemp("made") / "sounds"
    folder.mkdir()
    return make_sounds(folder)


@pytest.fixture(scope="module")
def verdicts(made: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    """What the judges say of each."""
    return judge(made, tmp_path_factory.mktemp("cleaned"))


def test_judges_when_sounds_are_made_then_each_of_them_tells(verdicts: list[Verdict]) -> None:
    """The judges have something to look for."""
    assert [(verdict.name, verdict.reason) for verdict in verdicts] == [
        (name, None) for name in NAMES
    ]
    for verdict in verdicts:
        assert {"time", "person", "software", "text"} <= set(verdict.kinds)


def test_judges_when_a_sound_is_cleaned_then_exiftool_finds_structure_alone(
    verdicts: list[Verdict],
) -> None:
    """No tag is left that is not on the written list."""
    assert {verdict.path: verdict.residues for verdict in verdicts if verdict.residues} == {}


def test_judges_when_a_sound_is_cleaned_then_no_value_of_a_tag_is_in_its_bytes(
    verdicts: list[Verdict],
) -> None:
    """What the tags held is nowhere."""
    assert {verdict.path: verdict.survivors for verdict in verdicts if verdict.survivors} == {}


def test_judges_when_a_sound_is_cleaned_then_its_samples_are_the_same(
    verdicts: list[Verdict],
) -> None:
    """Another decoder hears what it did before."""
    assert {verdict.path: verdict.pixels for verdict in verdicts if verdict.pixels != "same"} == {}


def test_judges_when_no_sound_was_cleaned_then_both_find_it(made: list[Path]) -> None:
    """A file as it was: tags, and their values."""
    for number, (path, tags) in enumerate(zip(made, read_tags(made), strict=True)):
        assert b"Sandoval" in path.read_bytes()
        if number != SPEEX:
            assert find_residues(tags)
            assert "Benita Sandoval-Quiroga" in find_survivors(tags, path.read_bytes())


def test_judges_when_samples_differ_then_it_is_noticed(made: list[Path]) -> None:
    """Two sounds are not the same for being sounds."""
    note, vorbis, song = (made[number].read_bytes() for number in (0, 2, 8))
    shorter = song[: len(song) // 2]

    assert compare(note, note) == "same"
    assert compare(note, vorbis) == "different"
    assert compare(song, shorter) == "different"
    assert compare(b"OggS and no sound", note) == "unreadable"
    assert compare(b"ID3", note) == "unreadable"
