"""Tags around sound: found from the outside to the inside, and looked at for kinds."""

from __future__ import annotations

import io

import pytest

from tests.sounds import make_ape, make_id3, make_lyrics, make_old_id3
from tipline.cleaning import soundtags
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind
from tipline.cleaning.soundtags import Tags, find_tags
from tipline.cleaning.source import Source

SOUND = b"sound" * 40
LONGER = b"TAG+" + bytes(223)
LYRICS_OF_OLD = b"LYRICSBEGINla la laLYRICSEND"


def find(data: bytes) -> Tags:
    """Find the tags in *data*."""
    return find_tags(Source(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("before", "kinds"),
    [
        (make_id3((b"TPE1", b"\0Ana"), (b"TIT2", b"\0song")), {Kind.PERSON, Kind.TEXT}),
        (make_id3((b"TYE", b"\x002026"), (b"PIC", b"x"), version=2), {Kind.TIME, Kind.PREVIEW}),
        (make_id3((b"TSSE", b"\0Lavf"), (b"UFID", b"x"), version=4), {Kind.SOFTWARE, Kind.ID}),
        (make_id3((b"TXXX", b"x"), (b"GEOB", b"x")), {Kind.TEXT, Kind.OTHER}),
        (make_id3((b"\0\0\0\0", bytes(90))), {Kind.OTHER}),
        (make_id3((b"TPE1", b"x"), version=4, flags=0x10), {Kind.PERSON}),
        (make_id3() + make_id3((b"TMED", b"x")), {Kind.DEVICE, Kind.OTHER}),
    ],
)  # fmt: skip
def test_tags_when_they_stand_in_front_then_the_sound_begins_behind_them(
    before: bytes, kinds: set[Kind]
) -> None:
    """Every version of ID3, once or more."""
    tags = find(before + SOUND)

    assert (tags.start, tags.end) == (len(before), len(before + SOUND))
    assert tags.kinds == kinds


@pytest.mark.parametrize("version", [3, 4])
def test_tags_when_id3_has_an_extension_then_frames_follow_it(version: int) -> None:
    """Its length is counted in two ways."""
    extension = bytes([0, 0, 0, 6 if version == 3 else 10]) + bytes(6)
    frame = b"TPE1\0\0\0\1\0\0x"
    body = extension + frame
    tag = b"ID3" + bytes([version, 0, 0x40, 0, 0, 0, len(body)]) + body

    assert find(tag + SOUND).kinds == {Kind.PERSON}


@pytest.mark.parametrize(
    ("behind", "kinds"),
    [
        (make_old_id3(b"song"), {Kind.TEXT}),
        (make_old_id3(artist=b"Ana", year=b"2026"), {Kind.PERSON, Kind.TIME}),
        (make_old_id3(), {Kind.OTHER}),
        (LONGER + make_old_id3(year=b"2026"), {Kind.TEXT, Kind.TIME}),
        (make_ape((b"Artist", b"Ana"), (b"Year", b"2026")), {Kind.PERSON, Kind.TIME}),
        (make_ape((b"Title", b"song"), has_header=False), {Kind.TEXT}),
        (make_ape(), {Kind.OTHER}),
        (make_lyrics(), {Kind.TEXT}),
        (LYRICS_OF_OLD, {Kind.TEXT}),
        (make_id3((b"TPE1", b"x"), version=4, flags=0x10), {Kind.PERSON}),
        (make_ape((b"Artist", b"Ana")) + make_lyrics() + make_old_id3(year=b"2026"),
         {Kind.PERSON, Kind.TEXT, Kind.TIME}),
    ],
)  # fmt: skip
def test_tags_when_they_stand_behind_then_the_sound_ends_before_them(
    behind: bytes, kinds: set[Kind]
) -> None:
    """Every kind of tag, alone or in a row."""
    tags = find(SOUND + behind)

    assert (tags.start, tags.end) == (0, len(SOUND))
    assert tags.kinds == kinds


@pytest.mark.parametrize(
    "data",
    [
        SOUND,
        b"",
        b"ID3",
        b"ID3\3\0\0\x80\0\0\0" + SOUND,
        SOUND + b"APETAGEX",
        SOUND + b"3DI\4\0\0\0\0\0\x80",
        b"TAG",
    ],
)
def test_tags_when_there_are_none_then_all_is_sound(data: bytes) -> None:
    """Marks alone are no tags."""
    assert find(data) == Tags(start=0, end=len(data), kinds=frozenset())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"ID3\3\0\0\x7f\x7f\x7f\x7f" + SOUND, Reason.TRUNCATED),
        (make_id3() * soundtags.MAX_TAGS + SOUND, Reason.TOO_COMPLEX),
        (SOUND + make_old_id3() * soundtags.MAX_TAGS, Reason.TOO_COMPLEX),
        (SOUND + make_ape()[-32:-20] + b"\xff\xff\xff\xff" + bytes(16), Reason.MALFORMED),
        (SOUND + make_ape()[-32:-20] + b"\x1f\0\0\0" + bytes(16), Reason.MALFORMED),
        (SOUND + b"LYRICSBEGIN999999LYRICS200", Reason.MALFORMED),
        (SOUND + b"LYRICSBEGIN00001xLYRICS200", Reason.MALFORMED),
        (SOUND + b"LYRICSBEGAN000011LYRICS200", Reason.MALFORMED),
        (SOUND + b"LYRICSBEGANla la laLYRICSEND", Reason.MALFORMED),
        (SOUND + b"3DI\4\0\0\0\0\0\x09", Reason.MALFORMED),
        (SOUND + b"3DI\4\0\0\x7f\0\0\0", Reason.MALFORMED),
    ],
)
def test_tags_when_one_lies_then_the_file_is_refused(data: bytes, reason: Reason) -> None:
    """Lengths lead to marks, and tags have an end."""
    with pytest.raises(RefusedError) as caught:
        find(data)
    assert caught.value.reason == reason
