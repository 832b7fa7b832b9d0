"""MP3: the frames and their sound stay, everything else goes or becomes zeros."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.sounds import (
    MP3_HEAD,
    MP3_ROOM_BYTES,
    make_ape,
    make_contents,
    make_flac,
    make_id3,
    make_mp3,
    make_mp3_frame,
    make_old_id3,
)
from tests.unit.tipline.cleaning.test_ogg import clean, refuse
from tipline.cleaning import mp3
from tipline.cleaning import plan as plan_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind

SILENT = make_mp3_frame()
CLEAN = make_mp3()
FULL = make_mp3_frame(b"\x55" * MP3_ROOM_BYTES, bits=(8 * MP3_ROOM_BYTES, 0))
OTHER = b"\xff\xfb\x14\xc0"  # of another rate


def seal(contents: bytes) -> bytes:
    """Take a table of contents as it is written."""
    return clean(make_mp3(contents, SILENT))[0][: len(contents)]


@pytest.mark.parametrize(
    "sound",
    [
        CLEAN,
        SILENT,
        make_mp3(FULL, FULL),
        make_mp3(FULL, make_mp3_frame(b"x", begin=9, bits=(72, 8))),
        make_mp3(make_mp3_frame(b"x" * 10, bits=(40, 40)), SILENT),
        make_mp3(*[make_mp3_frame(bytes(99), head=b"\xff\xf3\x34\xc0")[:72]] * 3),
        make_mp3(*[make_mp3_frame(bytes(99), head=b"\xff\xe3\x28\xc0")[:144]] * 3),
        make_mp3(*[SILENT] * 500),
    ],
    ids=["silent", "one", "full", "reservoir", "granules", "version-2", "version-2.5", "many"],
)
def test_mp3_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    sound: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(sound)

    assert (cleaned, plan.format, plan.kinds) == (sound, Format.MP3, ())


@pytest.mark.parametrize(
    ("before", "behind", "kinds"),
    [
        (make_id3((b"TPE1", b"\0Ana")), b"", {Kind.PERSON}),
        (b"", make_old_id3(b"song"), {Kind.TEXT}),
        (make_id3((b"TDRC", b"\x002026")), make_ape((b"Artist", b"Ana")), {Kind.TIME, Kind.PERSON}),
        (make_id3((b"TPE1", b"x")) + bytes(99), b"", {Kind.PERSON, Kind.OTHER}),
        (b"", b"anything", {Kind.TRAILING}),
        (b"", SILENT[:99], {Kind.TRAILING}),
        (b"", MP3_HEAD, {Kind.TRAILING}),
        (b"", b"\xff\xfb\x08\xc0" + bytes(200), {Kind.TRAILING}),
        (b"", b"PK\3\4" + make_old_id3(b"song"), {Kind.TRAILING, Kind.TEXT}),
    ],
)
def test_mp3_when_something_stands_around_the_frames_then_it_goes(
    before: bytes, behind: bytes, kinds: set[Kind]
) -> None:
    """Tags, filling, other files, a frame that was cut off."""
    cleaned, plan = clean(make_mp3(before=before, behind=behind))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize(
    "between",
    [b"junk", b"\xff\xfb" * 9, bytes(9000), make_id3((b"TPE1", b"x")),
     b"\xff\xfb\x08\xc0", make_mp3_frame(head=OTHER)[:96]],
)  # fmt: skip
def test_mp3_when_something_stands_between_frames_then_it_goes(between: bytes) -> None:
    """Decoders look for the next frame, too."""
    cleaned, plan = clean(make_mp3(SILENT, SILENT, between, SILENT, SILENT))

    assert (cleaned, plan.kinds) == (SILENT * 4, (Kind.OTHER,))


@pytest.mark.parametrize("place", [9, 10, 100, MP3_ROOM_BYTES - 9])
def test_mp3_when_a_program_fills_frames_with_its_name_then_it_becomes_zeros(place: int) -> None:
    """What no sound takes says nothing."""
    frame = make_mp3_frame(b"x" * 9 + bytes(place - 9) + b"LAME3.98r", bits=(72, 0))

    cleaned, plan = clean(make_mp3(frame, frame))

    assert (cleaned, plan.kinds) == (make_mp3_frame(b"x" * 9, bits=(72, 0)) * 2, (Kind.SOFTWARE,))


def test_mp3_when_filling_lies_before_the_sound_of_the_next_frame_then_that_stays() -> None:
    """The sound of a frame may begin in frames before it."""
    told = make_mp3_frame(b"ab" + b"U" * 100 + b"sound" * 4 + b"!", bits=(8, 8))
    last = make_mp3_frame(b"cd" + b"U" * 9, begin=21, bits=(160, 24))

    cleaned, plan = clean(make_mp3(told, last))

    first = make_mp3_frame(b"ab" + bytes(100) + b"sound" * 4 + b"!", bits=(8, 8))
    assert plan.kinds == (Kind.SOFTWARE,)
    assert cleaned == make_mp3(first, make_mp3_frame(b"cd", begin=21, bits=(160, 24)))


def test_mp3_when_sound_begins_several_frames_back_then_all_of_it_stays() -> None:
    """Small frames: the reservoir reaches over many of them."""
    rooms = [bytes([65 + number]) * MP3_ROOM_BYTES for number in range(4)]
    begins = [0] + [number * MP3_ROOM_BYTES - 10 for number in (1, 2, 3)]
    bits = [(0, 0), (0, 0), (0, 0), (8 * 300 - 3, 0)]
    frames = [
        make_mp3_frame(room, begin=begin, bits=part)
        for room, begin, part in zip(rooms, begins, bits, strict=True)
    ]

    cleaned, _ = clean(make_mp3(*frames))

    kept = b"".join(cleaned[144 * number + 21 : 144 * (number + 1)] for number in range(4))
    everything = b"".join(rooms)
    assert kept == bytes(10) + everything[10:310] + bytes(len(everything) - 310)


@pytest.mark.parametrize("mark", [b"Xing", b"Info"])
@pytest.mark.parametrize("program", [b"LAME3.98r", b"Lavf58.29", b"Lavc58.54"])
def test_contents_when_a_program_tells_its_name_then_it_has_none(
    mark: bytes, program: bytes
) -> None:
    """Frames, bytes, table and samples stay."""
    cleaned, plan = clean(make_mp3(make_contents(mark=mark, program=program), SILENT))

    frame = bytearray(make_contents(mark=mark, program=b"Lavf\0\0\0\0\0", told=b"\0"))
    assert plan.kinds == (Kind.SOFTWARE,)
    assert cleaned[len(frame) :] == SILENT
    assert cleaned[21 + 120 + 34 : 21 + 120 + 36] != bytes(2)  # the sum
    frame[21 + 120 + 34 : 21 + 120 + 36] = cleaned[21 + 120 + 34 : 21 + 120 + 36]
    assert cleaned[: len(frame)] == frame


@pytest.mark.parametrize("flags", range(16))
def test_contents_when_fields_are_missing_then_the_others_stay(flags: int) -> None:
    """Each field is there or not."""
    cleaned = seal(make_contents(flags=flags))

    lengths = {1: 4, 2: 4, 4: 100, 8: 4}
    at = 29 + sum(length for flag, length in lengths.items() if flags & flag)
    assert cleaned[25:29] == flags.to_bytes(4, "big")
    assert cleaned[at : at + 9] == b"Lavf\0\0\0\0\0"
    assert cleaned[at + 21 : at + 24] == b"\x24\x05\x10"
    assert not any(cleaned[at + 36 :])


@pytest.mark.parametrize("program", [b"", b"GOGO3.1aa"])
def test_contents_when_players_do_not_know_the_program_then_all_it_added_goes(
    program: bytes,
) -> None:
    """No samples are cut that were not cut before."""
    cleaned = seal(make_contents(program=program))

    assert cleaned == make_contents(program=b"", told=b"\0")


def test_contents_when_it_is_vbri_then_the_table_stays() -> None:
    """Fraunhofer's table."""
    table = b"VBRI\0\1\x0d\xb1\0\x64\0\0\2\x80\0\0\0\2\0\3\0\1\0\2\0\1" + b"aabbcc"
    frame = (b"\xff\xfb\x58\xc0" + bytes(32) + table).ljust(288, b"U")

    cleaned, plan = clean(make_mp3(frame, SILENT))

    expected = b"\xff\xfb\x58\xc0" + bytes(32) + table[:8] + bytes(2) + table[10:]
    assert (cleaned, plan.kinds) == (expected.ljust(288, b"\0") + SILENT, (Kind.SOFTWARE,))


def test_contents_when_a_table_is_longer_than_its_frame_then_it_is_sound() -> None:
    """What cannot be a table is cleaned as any frame."""
    lying = b"VBRI" + bytes(14) + b"\xff\xff\0\1\xff\xff\0\1"
    frame = (b"\xff\xfb\x58\xc0" + bytes(32) + lying).ljust(288, b"U")

    cleaned, _ = clean(make_mp3(frame, SILENT))

    assert cleaned[: len(frame)] == (frame[:4] + bytes(284))


def test_mp3_when_a_flac_stands_behind_an_id3_then_it_is_one() -> None:
    """Some programs write ID3 there."""
    cleaned, plan = clean(make_flac(before=make_id3((b"TPE1", b"x"))))

    assert (cleaned, plan.format, plan.kinds) == (make_flac(), Format.FLAC, (Kind.PERSON,))


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (make_id3(), Reason.MALFORMED),
        (make_id3() + b"nothing" * 99, Reason.MALFORMED),
        (SILENT + b"x", Reason.MALFORMED),
        (SILENT[:-1], Reason.MALFORMED),
        (b"\xff\xfb\x08\xc0" + bytes(999), Reason.UNSUPPORTED),
        (SILENT + SILENT[:-128] + b"TAG" + bytes(125) + b"behind", Reason.MALFORMED),
        (b"\xff\xfb\xf8\xc0" + bytes(999), Reason.UNKNOWN),
        (b"\xff\xfb\x1c\xc0" + bytes(999), Reason.UNKNOWN),
        (b"\xff\xf9\x50\x80" + bytes(999), Reason.UNKNOWN),
        (b"\xff\xeb\x18\xc0" + bytes(999), Reason.UNKNOWN),
    ],
)
def test_mp3_when_it_breaks_a_rule_then_it_is_refused(sound: bytes, reason: Reason) -> None:
    """Frames of layer III, of which the first is not alone."""
    assert refuse(sound) == reason


def test_mp3_when_much_looks_like_a_frame_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Looking for a frame does not take forever."""
    monkeypatch.setattr(mp3, "MAX_CANDIDATES", 9)
    few, many = (make_mp3(SILENT, SILENT, OTHER * count, SILENT, SILENT) for count in (8, 9))

    assert clean(few)[0] == SILENT * 4
    assert refuse(many) == Reason.TOO_COMPLEX


def test_mp3_when_there_are_too_many_frames_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames are counted."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(make_mp3(*[SILENT] * 10)) == Reason.TOO_COMPLEX


def hash_sound(path: Path) -> str:
    """Decode a file by another program, and sum its samples up."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "hash", "-"]
    return subprocess.check_output(command, text=True)


def test_mp3_when_filling_becomes_zeros_then_another_decoder_hears_the_same(
    tmp_path: Path,
) -> None:
    """Noise and silence in turn, so that the reservoir is used; each sample is the same."""
    original, cleaned_path = tmp_path / "original.mp3", tmp_path / "cleaned.mp3"
    samples = b"".join(
        random.Random(part).randbytes(8000) if part % 2 else bytes(24_000) for part in range(20)
    )
    encode = ["ffmpeg", "-v", "error", "-f", "s16le", "-ar", "32000", "-ac", "1", "-i", "-"]
    subprocess.run([*encode, "-b:a", "64k", original], input=samples, check=True)

    cleaned, plan = clean(original.read_bytes())
    cleaned_path.write_bytes(cleaned)

    assert Kind.SOFTWARE in plan.kinds
    assert cleaned.count(b"Lav") == 1  # the mark
    assert hash_sound(cleaned_path) == hash_sound(original)
