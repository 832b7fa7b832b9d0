"""FLAC: STREAMINFO and the sound stay, everything else goes."""

from __future__ import annotations

import random

import pytest

from tests.sounds import (
    STREAMINFO,
    flac_block,
    make_ape,
    make_comments,
    make_flac,
    make_flac_frame,
    make_id3,
    make_old_id3,
    make_streaminfo,
)
from tests.unit.tipline.cleaning.test_ogg import clean, refuse
from tipline.cleaning import flac
from tipline.cleaning import plan as plan_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind

CLEAN = make_flac()
COMMENTS = flac_block(4, bytes(8), is_last=True)


def change(at: int, value: bytes) -> bytes:
    """Change bytes of a clean file."""
    return CLEAN[:at] + value + CLEAN[at + len(value) :]


@pytest.mark.parametrize(
    "sound",
    [
        CLEAN,
        make_flac(frames=[make_flac_frame(number, sample=number) for number in range(9)]),
        make_flac(frames=[make_flac_frame(sync=b"\xff\xf9")]),
        make_flac(behind=bytes(9)),
        make_flac(frames=[make_flac_frame(), b"\xff\xf8" * 9, make_flac_frame(1)]),
    ],
    ids=["one", "frames", "sizes", "zeros", "between"],
)
def test_flac_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    sound: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(sound)

    assert (cleaned, plan.format, plan.kinds) == (sound, Format.FLAC, ())


@pytest.mark.parametrize(
    ("block", "kinds"),
    [
        (flac_block(4, make_comments(b"ARTIST=Ana", program=b"reference")),
         {Kind.PERSON, Kind.SOFTWARE}),
        (flac_block(4, bytes(8)), {Kind.OTHER}),
        (flac_block(6, b"picture"), {Kind.PREVIEW}),
        (flac_block(1, bytes(4000)), {Kind.OTHER}),
        (flac_block(2, b"appl"), {Kind.OTHER}),
        (flac_block(3, bytes(18)), {Kind.OTHER}),
        (flac_block(5, b"cue"), {Kind.OTHER}),
        (flac_block(99, b"?"), {Kind.OTHER}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_last", [False, True])
def test_flac_when_there_are_more_blocks_then_they_go_and_their_kinds_are_told(
    block: bytes, kinds: set[Kind], is_last: bool
) -> None:
    """Of all blocks STREAMINFO stays."""
    last = bytes([block[0] | 0x80]) + block[1:]
    cleaned, plan = clean(make_flac(last) if is_last else make_flac(block, COMMENTS))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize(
    ("before", "behind", "kinds"),
    [
        (make_id3((b"TPE1", b"\0Ana")), b"", {Kind.PERSON}),
        (b"", make_old_id3(b"song"), {Kind.TEXT}),
        (make_id3((b"TDRC", b"\x002026")), make_ape((b"Artist", b"Ana")), {Kind.TIME, Kind.PERSON}),
    ],
)
def test_flac_when_tags_stand_around_it_then_they_go(
    before: bytes, behind: bytes, kinds: set[Kind]
) -> None:
    """What does not belong to the format goes."""
    cleaned, plan = clean(make_flac(before=before, behind=behind))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize("length", range(4, len(CLEAN)))
def test_flac_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(CLEAN[:length]) in (Reason.TRUNCATED, Reason.MALFORMED)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (make_flac(flac_block(0, bytes(34), is_last=True)), Reason.MALFORMED),
        (make_flac(flac_block(127, b"", is_last=True)), Reason.MALFORMED),
        (b"fLaC" + COMMENTS + make_flac_frame(), Reason.MALFORMED),
        (make_flac(info=bytes(33)), Reason.MALFORMED),
        (make_flac(info=STREAMINFO + bytes(1)), Reason.MALFORMED),
        (make_flac(info=make_streaminfo(least=15)), Reason.MALFORMED),
        (make_flac(b"\x81\xff\xff\xff"), Reason.TRUNCATED),
        (make_flac(frames=[]), Reason.MALFORMED),
        (make_flac(frames=[b"junk", make_flac_frame()]), Reason.MALFORMED),
        (make_flac(behind=b"PK\3\4"), Reason.TRUNCATED),
        (CLEAN + CLEAN, Reason.UNSUPPORTED),
        (CLEAN + make_flac(COMMENTS), Reason.UNSUPPORTED),
        (make_flac(frames=[make_flac_frame(), make_flac_frame(1)[:-1]]), Reason.TRUNCATED),
        (change(len(CLEAN) - 1, b"\x55"), Reason.TRUNCATED),
        (change(len(CLEAN) - 6, b"\x55"), Reason.MALFORMED),
        (change(42 + 2, b"\x09"), Reason.MALFORMED),
        (change(42 + 2, b"\x6f"), Reason.MALFORMED),
        (change(42 + 3, b"\xb8"), Reason.MALFORMED),
        (change(42 + 3, b"\x09"), Reason.MALFORMED),
        (change(42 + 3, b"\x06"), Reason.MALFORMED),
        (change(42 + 4, b"\x80"), Reason.MALFORMED),
        (change(42 + 4, b"\xff"), Reason.MALFORMED),
    ],
)
def test_flac_when_it_breaks_a_rule_then_it_is_refused(sound: bytes, reason: Reason) -> None:
    """Blocks, then frames up to the end."""
    assert refuse(sound) == reason


@pytest.mark.parametrize("searched_bytes", [1, 7, 8, 50, 51])
def test_flac_when_a_second_one_lies_between_two_windows_then_it_is_found(
    searched_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it begins."""
    monkeypatch.setattr(flac, "SEARCHED_BYTES", searched_bytes)

    assert refuse(CLEAN + CLEAN) == Reason.UNSUPPORTED


def test_flac_when_much_looks_like_a_last_frame_then_few_are_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Summing up a megabyte for each byte would take forever."""
    tried: list[int] = []
    compute = flac.compute_sum16
    monkeypatch.setattr(
        flac, "compute_sum16", lambda data: tried.append(len(data)) or compute(data)
    )

    reason = refuse(make_flac(frames=[make_flac_frame()[:-4] + b"x"] * 500))

    assert (reason, len(tried)) == (Reason.TRUNCATED, flac.MAX_CANDIDATES)


def test_flac_when_there_are_too_many_blocks_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Empty blocks cannot take forever."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(make_flac(*[flac_block(1, b"")] * 9, COMMENTS)) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("number", "length"), [(b"\x00", 1), (b"\xc2\x80", 2), (b"\xfe" + b"\x80" * 6, 7)]
)
@pytest.mark.parametrize(("codes", "more"), [(0x19, 0), (0x69, 1), (0x7E, 4), (0xFC, 1)])
def test_head_when_its_sum_is_right_then_it_is_measured(
    number: bytes, length: int, codes: int, more: int
) -> None:
    """Numbers have up to seven bytes, sizes and rates up to two each."""
    body = b"\xff\xf8" + bytes([codes, 0x18]) + number + bytes(more)
    head = body + bytes([flac.compute_sum8(body)])

    assert flac.measure_head(head.ljust(16, b"\0")) == 4 + length + more + 1
    assert flac.measure_head((head[:-1] + bytes([head[-1] ^ 1])).ljust(16, b"\0")) == 0
    assert flac.measure_head(head[:9]) == 0


def test_sums_when_a_bit_changes_then_they_change() -> None:
    """One wrong bit is found."""
    data = random.Random(1).randbytes(100)
    whole = data + flac.compute_sum16(data).to_bytes(2, "big")

    assert flac.compute_sum16(whole) == 0
    for place in range(len(whole)):
        wrong = whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :]
        assert flac.compute_sum16(wrong) != 0
