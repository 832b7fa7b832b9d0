"""Passing over samples: what is passed over, nothing of it goes."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.films import (
    AAC,
    MP42,
    MakeTrack,
    make_esds,
    make_film,
    make_sound,
    make_visual,
    sei,
    unit,
)
from tests.holding import clean
from tipline.cleaning import mediadata
from tipline.cleaning.codecs import Config
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import Kind
from tipline.cleaning.samples import choose_look
from tipline.cleaning.skimming import choose_skim
from tipline.cleaning.source import Source
from tipline.cleaning.window import Window

UNITS = Config(name=b"avcC", content=b"", length_bytes=4)
FRAMES = Config(name=b"esds", content=b"", has_fills=True)
PICTURE = unit(b"\x65picture")
HEVC_PICTURE = unit(b"\x26\x01picture")


def list_changed(config: Config, samples: Sequence[bytes], *, is_hevc: bool) -> list[int]:
    """List the samples of which something goes; one that is not whole is one of them."""
    found: set[Kind] = set()
    source = Window(Source(io.BytesIO(b"".join(samples))))
    look = choose_look(source, config, is_hevc=is_hevc, is_av1=False, found=found)
    assert look is not None
    changed = []
    for number, (end, sample) in enumerate(
        zip(itertools.accumulate(map(len, samples)), samples, strict=True)
    ):
        try:
            if look(end - len(sample), len(sample)) is not None:
                changed.append(number)
        except RefusedError:
            changed.append(number)
    assert changed or not found
    return changed


def skim(config: Config, samples: Sequence[bytes], *, is_hevc: bool) -> list[int]:
    """List the samples that are to be looked into."""
    chosen = choose_skim(config, is_hevc=is_hevc)
    assert chosen is not None
    return list(chosen(b"".join(samples), [*map(len, samples)]))


contents = st.binary(max_size=5) | st.builds(
    bytes.__add__, st.sampled_from((b"\x65", b"\x26\x01", b"\x26\x09", b"\x06")), st.binary()
)
units = st.lists(st.builds(unit, contents), max_size=3).map(b"".join)
pictures = st.lists(units | units.map(lambda sample: sample[:-1]) | st.binary(max_size=9))


@given(samples=pictures, is_hevc=st.booleans())
@example(samples=[PICTURE, PICTURE + sei(5, b"x264"), unit(b"\x65")], is_hevc=False)
@example(samples=[HEVC_PICTURE, unit(b"\x26\x09layer"), unit(b"\x27\x01"), b""], is_hevc=True)
def test_units_when_they_are_passed_over_then_nothing_of_them_goes(
    samples: list[bytes], is_hevc: bool
) -> None:
    """Whatever units lie in a sample, and however they are cut."""
    looked_at = skim(UNITS, samples, is_hevc=is_hevc)

    assert set(list_changed(UNITS, samples, is_hevc=is_hevc)) <= set(looked_at)
    assert looked_at == sorted(set(looked_at))


@given(samples=st.lists(st.binary(max_size=6)))
@example(samples=[b"\x21", b"\xdd\x04text", b"\x21\x80"])
@example(samples=[b"\x21", b"", b"\xc2\xff\xff"])
def test_frames_when_they_are_passed_over_then_nothing_of_them_goes(samples: list[bytes]) -> None:
    """Also beside frames of no bytes, which have no first one."""
    looked_at = skim(FRAMES, samples, is_hevc=False)

    assert set(list_changed(FRAMES, samples, is_hevc=False)) <= set(looked_at)


@pytest.mark.parametrize(
    ("config", "plain", "telling", "is_hevc"),
    [
        (UNITS, PICTURE, sei(5, b"x264") + PICTURE, False),
        (UNITS, HEVC_PICTURE, sei(5, b"x265", head=b"\x4e\x01") + HEVC_PICTURE, True),
        (FRAMES, b"\x21\x00\x49", b"\xdd\x04Lavc", False),
    ],
)
def test_samples_when_they_are_plain_then_they_are_passed_over(
    config: Config, plain: bytes, telling: bytes, is_hevc: bool
) -> None:
    """Of a thousand samples one is looked into: the one that tells something."""
    samples = [plain] * 700 + [telling] + [plain] * 300

    assert skim(config, samples, is_hevc=is_hevc) == [700]
    assert list_changed(config, samples, is_hevc=is_hevc) == [700]


@pytest.mark.parametrize("at_once", [1, 2, 1_024])
@pytest.mark.parametrize("window_bytes", [20, 64, 256 * 1024])
def test_film_when_its_samples_are_passed_over_then_it_is_cleaned_as_if_they_were_not(
    at_once: int, window_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many samples are looked at together, and with some too long for that."""
    pictures = [PICTURE, sei(5, b"x264") + PICTURE, PICTURE, unit(b"\x41" + bytes(80)), PICTURE]
    frames = [b"\x21\x00\x49", b"\xdd\x04Lavc", b"\x21"]
    sound = make_sound(b"mp4a", make_esds(config=AAC))
    film = make_film(
        MakeTrack(pictures, make_visual(), chunks=[2, 3]),
        MakeTrack(frames, sound, handler=b"soun", number=2),
        brand=MP42,
    )
    monkeypatch.setattr(mediadata, "SKIMMED_BYTES", 0)
    expected = clean(film)
    assert b"x26" not in expected[0]

    monkeypatch.setattr(mediadata, "SKIMMED_BYTES", 16 * 1024)
    monkeypatch.setattr(mediadata, "SKIMMED_AT_ONCE", at_once)
    monkeypatch.setattr(mediadata, "WINDOW_BYTES", window_bytes)

    assert clean(film) == expected
