"""GIF: images, their control and the loop stay, everything else goes."""

from __future__ import annotations

import pytest

from tests.holding import clean, refuse
from tests.pictures import GIF_CONTROL, GIF_IMAGE, GIF_LOOP, extension, make_gif
from tipline.cleaning import plan as plan_module
from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Format, Kind

CLEAN = make_gif()
LOCAL = GIF_IMAGE[:9] + b"\x80" + bytes(6) + GIF_IMAGE[10:]
PLAIN_TEXT = extension(0x01, bytes(12), b"seen at the depot")


@pytest.mark.parametrize(
    "picture",
    [
        CLEAN,
        CLEAN.replace(b"GIF89a", b"GIF87a"),
        make_gif(LOCAL, flags=0),
        make_gif(GIF_LOOP, GIF_CONTROL, GIF_IMAGE, GIF_CONTROL, LOCAL),
        make_gif(GIF_IMAGE[:10] + b"\2" + (b"\xff" + bytes(255)) * 3 + b"\0"),
    ],
    ids=["plain", "87a", "own-colours", "animation", "parts"],
)
def test_gif_when_it_has_only_what_a_decoder_needs_then_it_stays_byte_for_byte(
    picture: bytes,
) -> None:
    """A clean file is known as one."""
    cleaned, plan = clean(picture)

    assert (cleaned, plan.format, plan.kinds) == (picture, Format.GIF, ())


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        (extension(0xFE, b"by Ana"), {Kind.TEXT}),
        (PLAIN_TEXT, {Kind.TEXT}),
        (GIF_CONTROL + PLAIN_TEXT, {Kind.TEXT}),
        (extension(0xFF, b"XMP DataXMP", b"<x exif:GPSLatitude=''/>"), {Kind.PLACE}),
        (extension(0xFF, b"ICCRGBG1012", b"my display"), {Kind.OTHER}),
        (extension(0xFF, b"NETSCAPE2.0", b"\1\0\0", b"more"), {Kind.OTHER}),
        (extension(0xFF, b"NETSCAPE2.0", b"\2\0\0\0\0"), {Kind.OTHER}),
        (extension(0x77, b"private"), {Kind.OTHER}),
    ],
)
@pytest.mark.parametrize("is_late", [False, True])
def test_gif_when_an_extension_says_more_then_it_goes_and_its_kind_is_told(
    told: bytes, kinds: set[Kind], is_late: bool
) -> None:
    """Every extension but control and loop goes, wherever it stands."""
    cleaned, plan = clean(make_gif(GIF_IMAGE, told) if is_late else make_gif(told, GIF_IMAGE))

    assert (cleaned, set(plan.kinds)) == (CLEAN, kinds)


def test_gif_when_text_stands_before_an_image_then_the_image_keeps_its_own_control() -> None:
    """No image is shown as long as a text would have been."""
    other = extension(0xF9, b"\0\x99\0\0")

    cleaned, _ = clean(make_gif(other, PLAIN_TEXT, GIF_CONTROL, GIF_IMAGE))

    assert cleaned == make_gif(GIF_CONTROL, GIF_IMAGE)


@pytest.mark.parametrize("blocks", [(GIF_CONTROL, GIF_CONTROL, GIF_IMAGE),
                                    (GIF_CONTROL, GIF_IMAGE, GIF_CONTROL)])  # fmt: skip
def test_gif_when_a_control_belongs_to_no_image_then_it_goes(blocks: tuple[bytes, ...]) -> None:
    """One control for each image, and the last one holds."""
    cleaned, plan = clean(make_gif(*blocks))

    assert (cleaned, plan.kinds) == (make_gif(GIF_CONTROL, GIF_IMAGE), (Kind.OTHER,))


@pytest.mark.parametrize("flags", [0x80, 0])
def test_gif_when_it_says_the_pixels_shape_then_it_says_none_afterwards(flags: int) -> None:
    """One byte less that programs differ in."""
    cleaned, plan = clean(make_gif(LOCAL, flags=flags, aspect=49))

    assert (cleaned, plan.kinds) == (make_gif(LOCAL, flags=flags), (Kind.OTHER,))


@pytest.mark.parametrize("behind", [b"\0", CLEAN, b"PK\3\4"])
def test_gif_when_something_lies_behind_the_end_then_it_goes(behind: bytes) -> None:
    """A GIF that is an archive too loses its other half."""
    cleaned, plan = clean(make_gif(behind=behind))

    assert (cleaned, plan.kinds) == (CLEAN, (Kind.TRAILING,))


@pytest.mark.parametrize("length", range(6, len(CLEAN)))
def test_gif_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No file that ends too early is taken for a whole one."""
    assert refuse(CLEAN[:length]) == Reason.TRUNCATED


@pytest.mark.parametrize(
    "picture",
    [
        make_gif(GIF_LOOP),
        make_gif(b"\0", GIF_IMAGE),
        make_gif(GIF_IMAGE[:10] + b"\0\0"),
        make_gif(GIF_IMAGE[:10] + b"\x0c\0"),
        make_gif(extension(0xF9, b"\1\2\0\0\0"), GIF_IMAGE),
        make_gif(extension(0xF9, b"\1\2", b"\0"), GIF_IMAGE),
        make_gif(extension(0xF9), GIF_IMAGE),
    ],
)
def test_gif_when_it_breaks_a_rule_then_it_is_refused(picture: bytes) -> None:
    """Shapes are the standard's."""
    assert refuse(picture) == Reason.MALFORMED


@pytest.mark.parametrize("blocks", [extension(0xFE) * 9, GIF_IMAGE[:11] + b"\1\0" * 9 + b"\0"])
def test_gif_when_there_are_too_many_parts_then_it_is_refused(
    blocks: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither many extensions nor many small blocks take forever."""
    monkeypatch.setattr(plan_module, "MAX_PARTS", 9)

    assert refuse(make_gif(blocks)) == Reason.TOO_COMPLEX
