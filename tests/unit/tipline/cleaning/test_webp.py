"""WebP: the chunks of pixels stay, everything else goes."""

from __future__ import annotations

import pytest

from tests.holding import clean, refuse
from tests.pictures import ALPH, VP8, VP8L, make_canvas, make_exif, make_webp, riff_chunk
from tipline.cleaning import plan as plan_module
from tipline.cleaning import webp as webp_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.exif import format_orientation
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.srgb import SRGB

ANIM = riff_chunk(b"ANIM", bytes(6))
SIDEWAYS = make_exif([(0x010F, 2, 4, b"Cam\0"), (0x0112, 3, 1, b"\0\6\0\0")])


def make_frame(*chunks: bytes, flags: int = 0) -> bytes:
    """Make a frame of an animation."""
    return riff_chunk(b"ANMF", bytes(15) + bytes([flags]) + b"".join(chunks))


@pytest.mark.parametrize(
    "picture",
    [
        make_webp(VP8),
        make_webp(VP8L),
        make_webp(make_canvas(), VP8L),
        make_webp(make_canvas(0x10), ALPH, VP8),
        make_webp(make_canvas(0x02), ANIM, make_frame(VP8), make_frame(ALPH, VP8, flags=3)),
    ],
    ids=["lossy", "lossless", "extended", "alpha", "animation"],
)
def test_webp_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    picture: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(picture)

    assert (cleaned, plan.format, plan.kinds) == (picture, Format.WEBP, ())


@pytest.mark.parametrize(
    ("flag", "told", "kinds"),
    [
        (0x08, riff_chunk(b"EXIF", make_exif([(0x0132, 2, 4, b"now\0")])), {Kind.TIME}),
        (0x08, riff_chunk(b"EXIF", b"Exif\0\0" + make_exif([(0x013B, 2, 4, b"Ana\0")])),
         {Kind.PERSON}),
        (0x08, riff_chunk(b"EXIF", b"rubbish"), {Kind.OTHER}),
        (0x04, riff_chunk(b"XMP ", b"<x exif:GPSLatitude=''/>"), {Kind.PLACE}),
        (0x04, riff_chunk(b"XMP\0", b"<x/>"), {Kind.OTHER}),
        (0x00, riff_chunk(b"prvt", b"private"), {Kind.OTHER}),
        (0xC1, b"", {Kind.OTHER}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_late", [False, True])
def test_webp_when_a_chunk_says_more_then_it_goes_with_its_flag(
    flag: int, told: bytes, kinds: set[Kind], is_late: bool
) -> None:
    """Every chunk but those of pixels goes, wherever it stands."""
    chunks = (VP8, told) if is_late else (told, VP8)

    cleaned, plan = clean(make_webp(make_canvas(flag), *chunks))

    assert (cleaned, set(plan.kinds)) == (make_webp(make_canvas(), VP8), kinds)


@pytest.mark.parametrize("is_late", [False, True])
def test_webp_when_it_has_a_profile_then_one_of_srgb_stands_behind_the_canvas(
    is_late: bool,
) -> None:
    """Wherever it was told: there decoders look for it."""
    told = riff_chunk(b"ICCP", b"my display")
    chunks = (VP8, told) if is_late else (told, VP8)

    cleaned, plan = clean(make_webp(make_canvas(), *chunks))

    assert plan.kinds == (Kind.PROFILE,)
    assert cleaned == make_webp(make_canvas(0x20), riff_chunk(b"ICCP", SRGB), VP8)


def test_webp_when_it_has_no_canvas_then_a_profile_goes() -> None:
    """No decoder looks for one there."""
    told = riff_chunk(b"ICCP", b"my display")

    cleaned, plan = clean(make_webp(VP8, told))

    assert (cleaned, plan.kinds) == (make_webp(VP8), (Kind.PROFILE,))


@pytest.mark.parametrize(("count", "kind"), [(15, Kind.PLACE), (16, Kind.OTHER)])
def test_webp_when_it_has_much_xmp_then_sixteen_are_looked_into(count: int, kind: Kind) -> None:
    """Half a million of them would take half a minute to search."""
    empty, telling = riff_chunk(b"XMP ", b""), riff_chunk(b"XMP ", b"<x exif:GPSLatitude=''/>")

    _, plan = clean(make_webp(make_canvas(0x04), VP8, *[empty] * count, telling))

    assert (kind in plan.kinds, len(plan.kinds)) == (True, 1 if kind == Kind.OTHER else 2)


def test_webp_when_a_frame_says_more_then_it_goes() -> None:
    """Inside a frame the same is true as outside."""
    frame = make_frame(VP8, riff_chunk(b"EXIF", b"telling"), flags=0xFF)

    cleaned, plan = clean(make_webp(make_canvas(0x02), ANIM, frame))

    assert cleaned == make_webp(make_canvas(0x02), ANIM, make_frame(VP8, flags=3))
    assert plan.kinds == (Kind.OTHER,)


def test_webp_when_it_is_not_upright_then_the_orientation_alone_stays() -> None:
    """It stands behind the pixels, and its flag is set; the first one told holds."""
    told = riff_chunk(b"EXIF", SIDEWAYS)
    other = riff_chunk(b"EXIF", format_orientation(3))

    cleaned, plan = clean(make_webp(make_canvas(0x08), told, VP8, other))

    own = riff_chunk(b"EXIF", format_orientation(6))
    assert (cleaned, plan.kinds) == (make_webp(make_canvas(0x08), VP8, own), (Kind.DEVICE,))


def test_webp_when_the_simple_form_has_exif_then_it_goes_whole() -> None:
    """Without a canvas nobody reads EXIF."""
    cleaned, _ = clean(make_webp(VP8, riff_chunk(b"EXIF", SIDEWAYS)))

    assert cleaned == make_webp(VP8)


@pytest.mark.parametrize("behind", [b"\0\0", make_webp(VP8), b"PK\3\4"])
def test_webp_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """RIFF says where it ends."""
    cleaned, plan = clean(make_webp(VP8L, behind=behind))

    assert (cleaned, plan.kinds) == (make_webp(VP8L), (Kind.TRAILING,))


def test_webp_when_the_last_filling_byte_is_missing_then_it_is_there_afterwards() -> None:
    """Some leave it out of the file, some of the length as well."""
    whole = make_webp(VP8)
    shorter = whole[:4] + (len(whole) - 9).to_bytes(4, "little") + whole[8:-1]

    for picture in (whole[:-1], shorter, shorter + b"\0", whole[:-1] + b"x"):
        assert clean(picture)[0] == whole


@pytest.mark.parametrize("length", range(12, len(make_webp(make_canvas(), VP8, VP8)) - 1))
def test_webp_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(make_webp(make_canvas(), VP8, VP8)[:length]) in (
        Reason.TRUNCATED,
        Reason.MALFORMED,
    )


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (make_webp(), Reason.MALFORMED),
        (b"RIFF\0\0\0\0WEBP", Reason.MALFORMED),
        (b"RIFF\xff\xff\xff\xffWEBP", Reason.TRUNCATED),
        (make_webp(VP8, VP8), Reason.MALFORMED),
        (make_webp(ALPH, VP8), Reason.MALFORMED),
        (make_webp(make_canvas()), Reason.MALFORMED),
        (make_webp(make_canvas(), ALPH, VP8L), Reason.MALFORMED),
        (make_webp(make_canvas(), make_canvas(), VP8), Reason.MALFORMED),
        (make_webp(VP8, make_canvas()), Reason.MALFORMED),
        (make_webp(riff_chunk(b"VP8X", bytes(11)), VP8), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), VP8), Reason.MALFORMED),
        (make_webp(make_canvas(), ANIM, make_frame(VP8)), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), ANIM), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), make_frame(VP8)), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), riff_chunk(b"ANIM", bytes(7)), make_frame(VP8)),
         Reason.MALFORMED),
        (make_webp(make_canvas(0x02), ANIM, make_frame()), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), ANIM, make_frame(VP8, VP8, VP8)), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), ANIM, riff_chunk(b"ANMF", bytes(15))), Reason.MALFORMED),
        (make_webp(make_canvas(0x02), ANIM, make_frame(VP8[:-2])), Reason.TRUNCATED),
        (make_webp(riff_chunk(b"VP8 ", b"")), Reason.MALFORMED),
        (make_webp(VP8, b"EXIF"), Reason.MALFORMED),
        (make_webp(b"VP8 \xff\xff\xff\xff"), Reason.TRUNCATED),
    ],
)  # fmt: skip
def test_webp_when_it_breaks_a_rule_then_it_is_refused(picture: bytes, reason: Reason) -> None:
    """Shapes, order and lengths are the standard's."""
    assert refuse(picture) == reason


@pytest.mark.parametrize("bound", ["pieces", "parts"])
def test_webp_when_there_are_too_many_frames_then_it_is_refused(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor time grows without end."""
    if bound == "pieces":
        monkeypatch.setattr(webp_module, "MAX_PIECES", 20)
    else:
        monkeypatch.setattr(plan_module, "MAX_PARTS", 20)

    assert refuse(make_webp(make_canvas(0x02), ANIM, make_frame(VP8) * 20)) == Reason.TOO_COMPLEX
