"""JPEG: what a decoder needs stays, everything else goes, what breaks the rules is refused."""

from __future__ import annotations

import pytest

from tests.holding import clean, refuse
from tests.pictures import (
    DHT,
    DQT,
    EOI,
    SOI,
    make_exif,
    make_frame,
    make_jpeg,
    make_scan,
    segment,
)
from tipline.cleaning.errors import Reason
from tipline.cleaning.exif import format_orientation
from tipline.cleaning.jpeg import JFIF, SCAN_END
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.source import WINDOW_BYTES
from tipline.cleaning.srgb import SRGB

CLEAN = make_jpeg()
SIDEWAYS = segment(0xE1, b"Exif\0\0" + format_orientation(6))
ADOBE = segment(0xEE, b"Adobe" + bytes([0, 100, 0, 0, 0, 0, 1]))


def test_jpeg_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte() -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(CLEAN)

    assert (cleaned, plan.format, plan.kinds) == (CLEAN, Format.JPEG, ())


@pytest.mark.parametrize(
    ("head", "kinds"),
    [
        (segment(0xFE, b"by Ana"), {Kind.TEXT}),
        (segment(0xE1, b"Exif\0\0" + make_exif([(0x010F, 2, 4, b"Cam\0")])), {Kind.DEVICE}),
        (segment(0xE1, b"Exif\0\0rubbish"), {Kind.OTHER}),
        (
            segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x exif:GPSLatitude='1'/>"),
            {Kind.PLACE},
        ),
        (segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0 xmpMM:x"), {Kind.ID}),
        (segment(0xE1, b"something else"), {Kind.OTHER}),
        (segment(0xE2, b"ICC_PROFILE\0\x01\x01 of my display"), {Kind.PROFILE}),
        (segment(0xE2, b"MPF\0II*\0"), {Kind.PREVIEW}),
        (segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\x01\x01\1\2\3"), {Kind.PREVIEW}),
        (segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\0\0"), {Kind.OTHER}),
        (segment(0xE0, b"JFXX\0\x10"), {Kind.PREVIEW}),
        (
            segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x50\0\3Ana"),
            {Kind.PERSON},
        ),
        (segment(0xEC, b"Ducky\0\1"), {Kind.OTHER}),
        (segment(0xE5, b"RMETA"), {Kind.OTHER}),
        (segment(0xEE, b"Adobe"), {Kind.OTHER}),
        (b"\xff\x01", {Kind.OTHER}),
        (b"\xff\xd3", {Kind.OTHER}),
        (b"between", {Kind.OTHER}),
        (b"\xff\xff\xff", {Kind.OTHER}),
    ],
)
def test_jpeg_when_a_head_says_more_then_it_goes_and_its_kind_is_told(
    head: bytes, kinds: set[Kind]
) -> None:
    """Every segment but those of a decoder goes, whether it is known or not."""
    heads = [head] if head.startswith(b"\xff\xe0") else [JFIF, head]

    cleaned, plan = clean(make_jpeg(*heads))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


@pytest.mark.parametrize("told", [b"between", b"\xff\x01", b"\xff\xd3"])
def test_jpeg_when_two_things_go_then_both_kinds_are_told(told: bytes) -> None:
    """What has a kind of its own does not hide what has none."""
    cleaned, plan = clean(make_jpeg(JFIF, told, segment(0xFE, b"by Ana")))

    assert (cleaned, set(plan.kinds)) == (CLEAN, {Kind.TEXT, Kind.OTHER})


@pytest.mark.parametrize(
    ("ids", "has_profile"),
    [(b"\1", False), (b"\1\2\3", True), (b"RGB", True), (b"\1\2\3\4", False)],
    ids=["grey", "colours", "red-green-blue", "inks"],
)
def test_jpeg_when_it_has_a_profile_then_one_of_srgb_stands_there_if_it_fits(
    ids: bytes, *, has_profile: bool
) -> None:
    """A profile of three colours is for a picture of three."""
    told = [
        segment(0xE2, b"ICC_PROFILE\0" + part + b" of my display") for part in (b"\1\2", b"\2\2")
    ]
    ours = [segment(0xE2, b"ICC_PROFILE\0\1\1" + SRGB)] if has_profile else []
    picture = {"frame": make_frame(ids=ids), "scans": [make_scan(ids=ids)]}

    cleaned, plan = clean(make_jpeg(*told, JFIF, **picture))  # type: ignore[arg-type]

    assert plan.kinds == (Kind.PROFILE,)
    assert cleaned == make_jpeg(JFIF, *ours, **picture)  # type: ignore[arg-type]


@pytest.mark.parametrize("marker", [*range(0xE3, 0xEE), 0xEF])
def test_jpeg_when_an_application_has_a_segment_then_it_goes(marker: int) -> None:
    """No application's segment is kept for not being known."""
    assert clean(make_jpeg(JFIF, segment(marker, b"telling")))[0] == CLEAN


@pytest.mark.parametrize(
    "behind",
    [b"\0", CLEAN, b"\0\0\0\x18ftypmp42" + bytes(99), b"PK\3\4 a zip", b"%PDF-1.7"],
)
def test_jpeg_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """A second picture, a film, an archive: behind the end there is nothing."""
    cleaned, plan = clean(make_jpeg(behind=behind))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.TRAILING,))


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_jpeg_when_it_is_not_upright_then_the_orientation_alone_stays(
    order: str, orientation: int
) -> None:
    """A picture does not fall over, and the tag that holds it is the same for everybody."""
    value = orientation.to_bytes(2, "big" if order == ">" else "little") + b"\0\0"
    made = make_exif([(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, value)], order=order)

    cleaned, _ = clean(make_jpeg(segment(0xE1, b"Exif\0\0" + made)))

    expected = segment(0xE1, b"Exif\0\0" + format_orientation(orientation))
    assert cleaned == make_jpeg(JFIF, expected)


def test_jpeg_when_two_segments_tell_an_orientation_then_the_first_holds() -> None:
    """As decoders do."""
    other = segment(0xE1, b"Exif\0\0" + format_orientation(3))

    assert clean(make_jpeg(JFIF, SIDEWAYS, other))[0] == make_jpeg(JFIF, SIDEWAYS)


# --- colours ----------------------------------------------------------------------------------


def test_jpeg_when_adobe_names_a_transform_then_it_alone_stays() -> None:
    """Colours stay what they were; Adobe's version and flags become the same for everybody."""
    ids = b"\1\2\3"
    told = segment(0xEE, b"Adobe" + bytes([0, 101, 0x80, 0, 1, 2, 0, 99]))
    own = segment(0xEE, b"Adobe" + bytes([0, 100, 0, 0, 0, 0, 0]))

    cleaned, _ = clean(make_jpeg(told, frame=make_frame(ids=ids), scans=[make_scan(ids=ids)]))

    assert cleaned == make_jpeg(own, frame=make_frame(ids=ids), scans=[make_scan(ids=ids)])


@pytest.mark.parametrize(
    ("ids", "head", "expected"),
    [
        (b"\1\2\3", b"", JFIF),
        (b"\1", b"", JFIF),
        (b"RGB", b"", b""),
        (b"\1\2\3\4", b"", b""),
        (b"RGB", JFIF, JFIF),
        (b"\1\2\3", JFIF + ADOBE, JFIF + ADOBE),
    ],
)
def test_jpeg_when_nothing_names_the_colours_then_no_decoder_reads_them_otherwise(
    ids: bytes, head: bytes, expected: bytes
) -> None:
    """JFIF is written where decoders take the same colours with it as without."""
    frame, scans = make_frame(ids=ids), [make_scan(ids=ids)]

    cleaned, _ = clean(SOI + head + DQT + frame + DHT + b"".join(scans) + EOI)

    assert cleaned == SOI + expected + DQT + frame + DHT + b"".join(scans) + EOI


# --- the coded picture ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "picture",
    [
        make_jpeg(frame=make_frame(marker=0xC1, precision=12)),
        make_jpeg(frame=make_frame(marker=0xC2), scans=[make_scan(), DHT, make_scan()]),
        make_jpeg(JFIF, segment(0xCC, b"\0\x10"), frame=make_frame(marker=0xC9)),
        make_jpeg(JFIF, segment(0xDD, b"\0\1"), scans=[make_scan(data=b"\x0f\xff\xd0\x0f")]),
        make_jpeg(scans=[make_scan(data=b"\xff\x00\xff\xd7\xff\x00\x01")]),
        make_jpeg(scans=[make_scan(), segment(0xDC, b"\0\x08")]),
        make_jpeg(JFIF, segment(0xDB, b"\x10" + bytes(128) + b"\x01" + bytes(64))),
        make_jpeg(scans=[make_scan(data=b"")]),
    ],
    ids=["12-bit", "progressive", "arithmetic", "restarts", "stuffing", "lines", "16-bit", "empty"],
)
def test_jpeg_when_it_is_coded_in_another_way_then_it_stays(picture: bytes) -> None:
    """Every way of coding that is not hierarchical is kept as it is."""
    assert clean(picture)[0] == picture


@pytest.mark.parametrize("shift", range(-3, 4))
def test_jpeg_when_a_marker_lies_across_what_is_searched_at_a_time_then_it_is_found(
    shift: int,
) -> None:
    """The search misses nothing between two windows."""
    data = b"\x0f" * (2 * WINDOW_BYTES + shift)

    cleaned, _ = clean(make_jpeg(scans=[make_scan(data=data)], behind=b"x"))

    assert cleaned == make_jpeg(scans=[make_scan(data=data)])


@pytest.mark.parametrize("count", [1, 2, WINDOW_BYTES, 2 * WINDOW_BYTES + 1])
def test_jpeg_when_fill_stands_before_a_marker_then_it_goes(count: int) -> None:
    """Any number of FF may stand before a marker; the number tells nothing afterwards."""
    cleaned, plan = clean(make_jpeg(scans=[make_scan() + b"\xff" * count]))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.OTHER,))


def test_jpeg_when_all_coded_data_is_fill_then_the_rest_is_kept() -> None:
    """Nothing is kept of a scan that has nothing."""
    empty = make_jpeg(scans=[make_scan(data=b"")])

    assert clean(make_jpeg(scans=[make_scan(data=b"\xff" * 9)]))[0] == empty


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("length", range(3, len(CLEAN)))
def test_jpeg_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(CLEAN[:length]) in (Reason.TRUNCATED, Reason.UNKNOWN)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (make_jpeg(scans=[]), Reason.MALFORMED),
        (SOI + DQT + make_scan() + EOI, Reason.MALFORMED),
        (make_jpeg(frame=make_frame() + make_frame()), Reason.MALFORMED),
        (make_jpeg(frame=segment(0xC0, b"\x08\0\x08\0\x08\x02\1\x11\0")), Reason.MALFORMED),
        (make_jpeg(frame=segment(0xC0, b"\x08\0\x08\0\x08")), Reason.MALFORMED),
        (make_jpeg(frame=segment(0xC0, b"\x08\0\x08\0\x08\x00")), Reason.MALFORMED),
        (make_jpeg(frame=segment(0xC0, b"\x08\0\x08\0\0\x01\1\x11\0")), Reason.MALFORMED),
        (make_jpeg(scans=[segment(0xDA, b"\x01\1\0\0\x3f\0more") + b"\x0f"]), Reason.MALFORMED),
        (make_jpeg(scans=[segment(0xDA, b"\x05" + bytes(13))]), Reason.MALFORMED),
        (make_jpeg(scans=[segment(0xDA, b"")]), Reason.MALFORMED),
        (make_jpeg(segment(0xDB, bytes(65) + b"hidden")), Reason.MALFORMED),
        (make_jpeg(segment(0xDB, b"")), Reason.MALFORMED),
        (make_jpeg(segment(0xDB, b"\x04" + bytes(64))), Reason.MALFORMED),
        (make_jpeg(segment(0xDB, b"\x20" + bytes(64))), Reason.MALFORMED),
        (make_jpeg(segment(0xC4, bytes(17) + b"hidden")), Reason.MALFORMED),
        (make_jpeg(segment(0xC4, b"\x24" + bytes(16))), Reason.MALFORMED),
        (make_jpeg(segment(0xC4, b"\x00\xff" + bytes(15))), Reason.MALFORMED),
        (make_jpeg(segment(0xC4, b"")), Reason.MALFORMED),
        (make_jpeg(segment(0xCC, b"\0")), Reason.MALFORMED),
        (make_jpeg(segment(0xCC, bytes(66))), Reason.MALFORMED),
        (make_jpeg(segment(0xDD, b"\0\1\2")), Reason.MALFORMED),
        (make_jpeg(segment(0xDC, b"\0")), Reason.MALFORMED),
        (make_jpeg(SOI), Reason.MALFORMED),
        (make_jpeg(b"\xff\xfe\0\1"), Reason.MALFORMED),
        (make_jpeg(segment(0xF7, b"JPEG-LS")), Reason.MALFORMED),
        (make_jpeg(segment(0xC8, b"")), Reason.MALFORMED),
        (make_jpeg(segment(0x02, b"")), Reason.MALFORMED),
        (make_jpeg(segment(0xDE, b"")), Reason.UNSUPPORTED),
        (make_jpeg(frame=make_frame(marker=0xC5)), Reason.UNSUPPORTED),
        (make_jpeg(b"\xff\xfe\xff\xff"), Reason.TRUNCATED),
        (make_jpeg(frame=b"\xff\xc0\xff\xff"), Reason.TRUNCATED),
    ],
)
def test_jpeg_when_it_breaks_a_rule_then_it_is_refused(picture: bytes, reason: Reason) -> None:
    """Nothing hides behind a table, and nothing is guessed."""
    assert refuse(picture) == reason


@pytest.mark.parametrize("second", range(0x100))
def test_search_when_a_byte_stands_behind_ff_then_it_ends_the_scan_if_it_is_a_marker(
    second: int,
) -> None:
    """Zero, fill and restarts are a part of coded data; each other byte behind FF ends it."""
    data = b"\n\xff\x00\xff\xd3" + bytes((0xFF, second, 0x80))
    ends_there = None if second in {0x00, *range(0xD0, 0xD8)} else 5
    if second == 0xFF:  # fill, and the first byte of a marker
        ends_there = 6

    found = SCAN_END.search(data, 0, len(data))

    assert (found and found.start()) == ends_there
