"""Films and voice notes: written anew from what decodes them, and nothing else is in them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.films import (
    FRAME,
    M4A,
    MOV,
    MP42,
    NEXT_PICTURE,
    PHONE,
    PICTURE,
    SIDEWAYS,
    MakeTrack,
    make_esds,
    make_film,
    make_pictures,
    make_sound,
    make_visual,
    make_voice,
    sei,
    unit,
)
from tests.holding import clean, refuse
from tipline.cleaning import boxes as boxes_module
from tipline.cleaning import descriptions as descriptions_module
from tipline.cleaning import mediadata as mediadata_module
from tipline.cleaning import movie as movie_module
from tipline.cleaning import samples as samples_module
from tipline.cleaning import tracks as tracks_module
from tipline.cleaning.boxes import format_box, list_named
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind

UDTA = format_box(
    b"udta", format_box(b"\xa9xyz", b"+19.4326-099.1332/"), format_box(b"\xa9mak", b"Lumenwerk")
)
PLACES = MakeTrack(
    [b"19.4326077", b"19.4326078"],
    format_box(b"gpmd", bytes(8)),
    handler=b"meta",
    chunks=[1, 1],
    number=2,
)


def list_samples(film: bytes) -> bytes:
    """Take what is in `mdat`."""
    media = list_named(film, 0, len(film))[b"mdat"]
    return film[media.start : media.end]


@pytest.mark.parametrize(
    ("film", "known"),
    [
        (make_film(make_pictures(), make_voice(number=2)), Format.MP4),
        (make_film(make_pictures(), brand=MOV), Format.MOV),
        (make_film(make_pictures(), brand=b""), Format.MOV),
        (make_film(make_pictures(), brand=PHONE), Format.PHONE_VIDEO),
        (make_film(make_voice(), brand=M4A), Format.M4A),
        (make_film(make_voice(), brand=MP42), Format.M4A),
    ],
    ids=["mp4", "mov", "no-brand", "3gp", "m4a", "sound-alone"],
)
def test_movie_when_it_is_cleaned_then_it_has_three_boxes_and_its_samples(
    film: bytes, known: Format
) -> None:
    """What is left is `ftyp`, `moov`, `mdat`, and in it the samples in their order."""
    cleaned, plan = clean(film)

    assert plan.format == known
    assert list(list_named(cleaned, 0, len(cleaned))) == [b"ftyp", b"moov", b"mdat"]
    assert list_samples(cleaned) == list_samples(film)


def test_movie_when_it_tells_then_nothing_of_it_is_left() -> None:
    """Places, makers, names and times are nowhere in the bytes."""
    pictures = MakeTrack(
        [PICTURE],
        make_visual(name=b"\x04x264", vendor=b"FFMP"),
        name=b"Lumenwerk Video\0",
        at=3_800_000_000,
        language=0x15C7,
        more=UDTA,
    )
    film = make_film(pictures, at=3_800_000_001, more=UDTA, before=format_box(b"uuid", b"Ana" * 9))

    cleaned, plan = clean(film)

    for told in (b"19.4326", b"Lumenwerk", b"x264", b"FFMP", b"Ana", b"\x15\xc7", b"udta"):
        assert told in film
        assert told not in cleaned
    for at in (3_800_000_000, 3_800_000_001):
        assert struct.pack(">I", at) not in cleaned
    assert {Kind.PLACE, Kind.DEVICE, Kind.TIME, Kind.SOFTWARE} <= set(plan.kinds)


def test_movie_when_a_track_is_of_places_then_its_samples_go_too() -> None:
    """What no kept sample is, is not in the cleaned file."""
    film = make_film(make_pictures(chunks=[1, 1]), PLACES, gap=b"left over")

    cleaned, plan = clean(film)

    assert list_samples(cleaned) == PICTURE + NEXT_PICTURE
    assert plan.kinds == (Kind.PLACE,)


def test_movie_when_pictures_are_turned_then_they_stay_turned() -> None:
    """Of the matrix a quarter turn stays, with the place that follows from it."""
    cleaned, _ = clean(make_film(make_pictures(matrix=SIDEWAYS)))

    assert SIDEWAYS in cleaned


def test_movie_when_the_matrix_says_more_than_a_turn_then_it_is_upright() -> None:
    """Nine numbers hold no message."""
    odd = struct.pack(">9i", 0x10000, 0, 7, 0, 0x10000, 7, 0x1234, 0x5678, 0x40000000)

    cleaned, _ = clean(make_film(make_pictures(matrix=odd)))

    assert cleaned == clean(make_film(make_pictures()))[0]


def test_movie_when_an_encoder_wrote_its_settings_then_pictures_stay_alone() -> None:
    """The unit goes, the lengths are true afterwards."""
    told = sei(5, bytes(16) + b"x264 - core 164 options")

    cleaned, plan = clean(make_film(make_pictures(told + PICTURE, told + NEXT_PICTURE)))

    assert list_samples(cleaned) == PICTURE + NEXT_PICTURE
    assert plan.kinds == (Kind.SOFTWARE,)


def test_movie_when_a_frame_begins_with_fill_then_it_is_zero_in_its_place() -> None:
    """The frame is as long as before, and says nothing."""
    filled = b"\xdc\x00" + b"Lavc60.3" + b"\x35\x38"

    cleaned, _ = clean(make_film(make_voice(filled, FRAME)))

    kept = list_samples(cleaned)
    assert len(kept) == len(filled + FRAME)
    assert kept.endswith(FRAME)
    assert b"Lavc" not in kept


def test_movie_when_chunks_lie_backwards_then_each_track_keeps_its_own() -> None:
    """Samples keep their order in the file; each chunk is told its new place."""
    both = make_film(make_pictures(chunks=[1, 1]), is_late=True)
    offsets = struct.pack(">2I", 0x20, 0x20 + len(PICTURE))
    assert offsets in both
    swapped = both.replace(offsets, offsets[4:] + offsets[:4])
    swapped = swapped.replace(
        struct.pack(">2I", len(PICTURE), len(NEXT_PICTURE)),
        struct.pack(">2I", len(NEXT_PICTURE), len(PICTURE)),
    )

    cleaned, _ = clean(swapped)

    media = list_named(cleaned, 0, len(cleaned))[b"mdat"].start
    places = struct.pack(">2I", media + len(PICTURE), media)
    assert list_samples(cleaned) == PICTURE + NEXT_PICTURE
    assert places in cleaned


@pytest.mark.parametrize("length", range(12, len(make_film(make_pictures(), is_late=True)), 7))
def test_movie_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No film that ends too early is taken for a whole one."""
    assert refuse(make_film(make_pictures(), is_late=True)[:length]) in (
        Reason.TRUNCATED,
        Reason.MALFORMED,
    )


@pytest.mark.parametrize("edits", [[(20_000, 0)], [(18_000, 0)], [(500, -1), (19_000, 500)]])
def test_movie_when_a_list_shows_nearly_all_then_it_stays(edits: list[tuple[int, int]]) -> None:
    """A coder's delay and what a key picture needs are no secret."""
    cleaned, _ = clean(make_film(make_pictures(edits=edits, delta=10_000)))

    assert b"".join(struct.pack(">Iii", *edit, 0x10000) for edit in edits) in cleaned


@pytest.mark.parametrize(
    "edits", [[(17_000, 0)], [(10_000, 5_000)], [(15_000, 0), (15_000, 5_000)]]
)
def test_movie_when_a_list_cuts_something_out_then_it_is_refused(
    edits: list[tuple[int, int]],
) -> None:
    """It would still be in the file."""
    assert refuse(make_film(make_pictures(edits=edits, delta=10_000))) == Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("film", "reason"),
    [
        (make_film(make_pictures(), more=format_box(b"cmov", b"")), Reason.UNSUPPORTED),
        (make_film(make_pictures(), behind=format_box(b"moof", b"")), Reason.MALFORMED),
        (make_film(MakeTrack([PICTURE], make_visual(b"encv"))), Reason.UNSUPPORTED),
        (make_film(MakeTrack([b"\xff\xd8"], make_visual(b"jpeg"))), Reason.UNSUPPORTED),
        (make_film(make_pictures()).replace(b"url \0\0\0\1", b"url \0\0\0\0"), Reason.UNSUPPORTED),
        (make_film(make_pictures(tables=[format_box(b"saiz", b"")])), Reason.UNSUPPORTED),
        (make_film(make_pictures()) * 2, Reason.MALFORMED),
        (make_film(PLACES), Reason.MALFORMED),
        (make_film(make_pictures(unit(b"\x65")[:-1], PICTURE)), Reason.MALFORMED),
        (make_film(make_pictures(unit(b"\x0c\xff"))), Reason.MALFORMED),
        (MP42 + format_box(b"mdat", b"x"), Reason.MALFORMED),
        (
            make_film(MakeTrack([PICTURE], make_visual(b"avc1", format_box(b"pasp", bytes(8))))),
            Reason.MALFORMED,
        ),
        *(
            (
                make_film(make_pictures(edits=[(200, 0)])).replace(
                    head + bytes(12) + b"\0\0\x03\xe8", head + bytes(16)
                ),
                Reason.MALFORMED,
            )
            for head in (b"mvhd", b"mdhd")
        ),
    ],
)
def test_movie_when_it_breaks_a_rule_then_it_is_refused(film: bytes, reason: Reason) -> None:
    """Never half done."""
    assert refuse(film) == reason


@pytest.mark.parametrize(
    ("name", "numbers", "reason"),
    [
        (b"stco", (0, 1, 4), Reason.MALFORMED),
        (b"stco", (0, 1, 0x7FFFFFFF), Reason.TRUNCATED),
        (b"stco", (0, 0xFFFFFFFF), Reason.MALFORMED),
        (b"stsz", (0, 0, 0xFFFFFFFF), Reason.MALFORMED),
        (b"stsz", (0, 0xFFFFFFFF, 2), Reason.TRUNCATED),
        (b"stsz", (0, 0, 3, 7, 7, 7), Reason.MALFORMED),
        (b"stts", (0, 1, 3, 100), Reason.MALFORMED),
        (b"stts", (0, 2, 2, 100, 0, 100), Reason.MALFORMED),
        (b"stsc", (0, 1, 2, 2, 1), Reason.MALFORMED),
        (b"stsc", (0, 1, 1, 2, 2), Reason.MALFORMED),
        (b"stsc", (0, 1, 1, 0, 1), Reason.MALFORMED),
        (b"stsc", (0, 1, 1, 0xFFFFFFFF, 1), Reason.MALFORMED),
        (b"stsc", (0, 0), Reason.MALFORMED),
        (b"stsc", (0, 1, 1, 1, 1), Reason.MALFORMED),
        (b"co64", (0, 1, 0xFFFFFFFF, 0), Reason.MALFORMED),
        (b"stss", (0, 1, 3), Reason.MALFORMED),
        (b"stss", (0, 2, 2, 1), Reason.MALFORMED),
        (b"ctts", (0, 1, 3, 0), Reason.MALFORMED),
    ],
)
def test_movie_when_its_tables_are_not_true_then_it_is_refused(
    name: bytes, numbers: tuple[int, ...], reason: Reason
) -> None:
    """Nothing is made as long as a table claims, and no sample lies outside `mdat`."""
    table = format_box(name, struct.pack(f">{len(numbers)}I", *numbers))

    assert refuse(make_film(make_pictures(tables=[table]))) == reason


@pytest.mark.parametrize("count", [4, 5])
def test_movie_when_plain_sound_is_counted_in_packets_then_none_is_halved(count: int) -> None:
    """QuickTime counts samples; here two of them are four bytes."""
    entry = make_sound(b"twos", version=1, more=struct.pack(">4I", 2, 2, 4, 2))
    sizes = format_box(b"stsz", struct.pack(">3I", 0, 1, count))
    sound = MakeTrack([b"ab"] * count, entry, handler=b"soun", tables=[sizes], delta=1)
    film = make_film(sound, brand=MOV)

    if count % 2:
        assert refuse(film) == Reason.MALFORMED
    else:
        assert list_samples(clean(film)[0]) == b"ab" * count


def test_movie_when_a_sample_must_be_read_whole_then_it_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MPEG-4's texts may stand anywhere in it."""
    monkeypatch.setattr(samples_module, "MAX_WHOLE_BYTES", 8)
    entry = make_visual(b"mp4v", make_esds(kind=0x20, config=b"\0\0\1\xb0\1"))

    clean(make_film(MakeTrack([b"\0\0\1\xb6pict"], entry)))
    assert refuse(make_film(MakeTrack([b"\0\0\1\xb6picture"], entry))) == Reason.TOO_COMPLEX


def test_movie_when_a_track_has_pictures_of_chapters_then_they_go() -> None:
    """They show the film a second time."""
    chapters = format_box(b"tref", format_box(b"chap", b"\0\0\0\2"))
    film = make_film(make_pictures(more=chapters), make_pictures(unit(b"\x65small"), number=2))

    cleaned, plan = clean(film)

    assert b"small" not in cleaned
    assert plan.kinds == (Kind.PREVIEW,)


def test_movie_when_it_is_longer_than_32_bits_can_say_then_its_offsets_have_64(
    tmp_path: Path,
) -> None:
    """Five gigabytes, of which nearly all is a hole; a few bytes of them are read."""
    half = 2_684_354_560
    sizes = format_box(b"stsz", struct.pack(">5I", 0, 0, 2, half, half))
    times = format_box(b"stts", struct.pack(">4I", 0, 1, 2, 100))
    chunks = format_box(b"stsc", struct.pack(">5I", 0, 1, 1, 1, 1))
    path = tmp_path / "film.mp4"
    start = len(MP42) + 16
    offsets = format_box(b"co64", struct.pack(">2I2Q", 0, 2, start, start + half))
    track = MakeTrack([], make_visual(), chunks=[], tables=[times, chunks, sizes, offsets])
    head = struct.pack(">5I", 0, 0, 0, 1000, 200) + bytes(80)
    moov = format_box(b"moov", format_box(b"mvhd", head), track.format([], mhlr=bytes(4)))
    with path.open("wb") as file:
        file.write(MP42 + b"\0\0\0\1mdat" + (16 + 2 * half).to_bytes(8, "big"))
        for _ in range(2):
            file.write((half - 4).to_bytes(4, "big") + b"\x65")
            file.seek(half - 5, 1)
        file.write(moov)
    with path.open("rb") as file:
        plan = plan_cleaning(file)

    front = plan.pieces[0]
    assert isinstance(front, bytes)
    first = len(front)
    assert front.endswith(b"\0\0\0\1mdat" + (16 + 2 * half).to_bytes(8, "big"))
    assert struct.pack(">2I2Q", 0, 2, first, first + half) in front
    assert plan.length_bytes == len(front) + 2 * half


def test_movie_when_two_tracks_share_bytes_then_it_is_refused() -> None:
    """Each sample has a place of its own: so the cleaned file is never longer than its samples."""
    same = format_box(b"stco", struct.pack(">3I", 0, 1, 0x20))
    film = make_film(
        make_pictures(tables=[same]), make_pictures(tables=[same], number=2), is_late=True
    )

    assert refuse(film) == Reason.MALFORMED


@pytest.mark.parametrize("version", [0, 1])
def test_movie_when_sound_is_described_in_an_older_way_then_it_stays(version: int) -> None:
    """QuickTime's sound, with what its decoder needs in `wave`."""
    wave = format_box(b"wave", make_esds(), format_box(b"mine", b"Lumenwerk"), bytes(8))
    entry = make_sound(b"mp4a", wave, version=version, more=bytes(16 * version))
    film = make_film(MakeTrack([FRAME], entry, handler=b"soun"), brand=MOV)

    cleaned, _ = clean(film)

    assert b"wave" in cleaned
    assert b"Lumenwerk" not in cleaned


def test_movie_when_a_track_has_too_many_descriptions_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A cut film has as many as it has sources."""
    monkeypatch.setattr(descriptions_module, "MAX_DESCRIPTIONS", 1)
    two = MakeTrack([PICTURE], make_visual(), make_visual())

    clean(make_film(make_pictures()))
    assert refuse(make_film(two)) == Reason.MALFORMED


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (movie_module, "MAX_HEAD_BYTES"),
        (movie_module, "MAX_TRACKS"),
        (movie_module, "MAX_PARTS"),
        (boxes_module, "MAX_CHILDREN"),
        (mediadata_module, "MAX_FILTERED"),
        (tracks_module, "MAX_EDITS"),
    ],
)
def test_movie_when_it_is_beyond_a_bound_then_it_is_refused(
    module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor time grows without end."""
    monkeypatch.setattr(module, name, 1)
    film = make_film(make_pictures(edits=[(100, -1), (200, 0)]), make_voice(number=2))

    assert refuse(film) == Reason.TOO_COMPLEX
