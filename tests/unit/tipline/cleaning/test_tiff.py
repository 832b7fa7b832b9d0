"""TIFF: a directory for each page, its pixels, and nothing else."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageSequence

from tests.holding import clean, refuse
from tests.tiffs import GREY, JPEG, JPEG_PART, PIXELS, Entries, make_directory, make_tiff
from tipline.cleaning import plan as plan_module
from tipline.cleaning import tiff, tiffentries
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.srgb import SRGB

CANARY = b"Benita Sandoval-Quiroga"
TOLD: Entries = {**GREY, 315: (2, CANARY + b"\0")}
SMALLER: Entries = {254: (4, [1])}


def read_frames(data: bytes) -> list[tuple[str, tuple[int, int], bytes]]:
    """Decode all pages by Pillow."""
    with Image.open(io.BytesIO(data)) as image:
        return [(page.mode, page.size, page.tobytes()) for page in ImageSequence.Iterator(image)]


def make_image(mode: str) -> Image.Image:
    """Make a picture that is not the same everywhere."""
    grey = Image.radial_gradient("L").resize((37, 29))
    if mode in ("I;16", "F"):
        return grey.convert("I").convert(mode)
    return Image.merge("RGB", [grey, grey.rotate(90), grey.rotate(180)]).convert(mode)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"compression": "tiff_lzw"}),
        ("RGB", {"compression": "tiff_adobe_deflate", "tiffinfo": {317: 2}}),
        ("RGB", {"compression": "packbits"}),
        ("RGB", {"compression": "jpeg"}),
        ("RGBA", {"compression": "tiff_lzw"}),
        ("CMYK", {}),
        ("CMYK", {"compression": "jpeg"}),
        ("LAB", {}),
        ("YCbCr", {"compression": "jpeg"}),
        ("P", {}),
        ("L", {"compression": "jpeg"}),
        ("LA", {}),
        ("1", {"compression": "group3"}),
        ("1", {"compression": "group4"}),
        ("I;16", {"compression": "tiff_deflate"}),
        ("F", {}),
    ],
)
def test_tiff_when_pillow_made_it_then_its_pixels_are_the_same_and_its_artist_is_gone(
    mode: str, options: dict[str, Any]
) -> None:
    """Whatever way pixels are coded in, an independent decoder sees the same."""
    told = {**options.pop("tiffinfo", {}), 315: CANARY.decode(), 306: "2026:03:04 05:06:07"}
    made = io.BytesIO()
    image = make_image("RGB" if mode == "LAB" else mode)
    if mode == "LAB":
        image = Image.merge("LAB", image.split())
    image.save(made, "TIFF", tiffinfo=told, dpi=(300, 300), **options)

    cleaned, plan = clean(made.getvalue())

    assert plan.format == Format.TIFF
    assert {Kind.PERSON, Kind.TIME} <= {*plan.kinds}
    assert CANARY in made.getvalue()
    assert CANARY not in cleaned
    assert read_frames(cleaned) == read_frames(made.getvalue())


def test_tiff_when_it_has_pages_then_they_stay_in_their_order() -> None:
    """A fax of three pages has three afterwards."""
    made = io.BytesIO()
    pages = [make_image("L").rotate(angle) for angle in (0, 90, 180)]
    pages[0].save(made, "TIFF", save_all=True, append_images=pages[1:])

    cleaned, _ = clean(made.getvalue())

    assert len(read_frames(cleaned)) == 3
    assert read_frames(cleaned) == read_frames(made.getvalue())


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_when_bytes_are_in_either_order_then_what_is_told_goes(order: str) -> None:
    """Deep pixels are written in the file's order, so it stays."""
    cleaned, plan = clean(make_tiff((TOLD, [PIXELS]), order=order))

    assert (cleaned, plan.kinds) == (make_tiff(order=order), (Kind.PERSON,))


@pytest.mark.parametrize("data", [make_tiff((TOLD, [PIXELS])), make_tiff((JPEG, [JPEG_PART]))])
def test_tiff_when_it_is_cut_anywhere_then_it_is_refused(data: bytes) -> None:
    """Pixels stand last here, so that every byte is needed."""
    reasons = {refuse(data[:length]) for length in range(4, len(data))}

    assert reasons == {Reason.TRUNCATED}


def test_tiff_when_any_byte_is_damaged_then_it_is_refused_or_what_comes_out_is_clean() -> None:
    """No damage leads to anything else."""
    data = make_tiff((TOLD, [PIXELS]), ({**GREY, **SMALLER}, [PIXELS]), (JPEG, [JPEG_PART]))
    outcomes = set()
    for place in range(4, len(data)):
        for value in (0, 1, 0x7F, 0xFF):
            damaged = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                plan = clean(damaged)[1]
            except RefusedError as exc:
                outcomes.add(exc.reason.value)
            else:
                outcomes.add(plan.format.value)

    assert {"tiff", "malformed", "truncated", "unsupported"} <= outcomes


def test_tiff_when_a_page_names_one_before_then_it_is_refused() -> None:
    """A chain that is a circle has no end."""
    assert refuse(make_tiff(last=8)) == Reason.MALFORMED


def test_tiff_when_it_has_more_directories_than_any_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bound of directories holds, for pages and for those below."""
    monkeypatch.setattr(tiffentries, "MAX_DIRECTORIES", 3)
    smaller = ({**GREY, **SMALLER}, [PIXELS])

    clean(make_tiff((GREY, [PIXELS]), smaller, smaller))
    assert refuse(make_tiff((GREY, [PIXELS]), *[smaller] * 3)) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("module", "name", "bound"),
    [
        (tiffentries, "MAX_ALL_ENTRIES", 18),
        (tiffentries, "MAX_REGIONS", 5),
        (tiff, "MAX_WRITTEN_BYTES", 240),
        (tiff, "MAX_PARTS_OF_PIXELS", 2),
        (plan_module, "MAX_PIECES", 2),
    ],
)
def test_tiff_when_a_bound_is_passed_then_it_is_refused(
    module: object, name: str, bound: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page less is cleaned, one more is too complex."""
    apart = [({**GREY, 259: (3, [5])}, [PIXELS]), ({**GREY, **SMALLER}, [b"between"])]
    pages = [apart[0], apart[1], apart[0], apart[0]]
    if name != "MAX_PIECES":
        pages = [apart[0]] * 3
    clean(make_tiff(*pages))
    monkeypatch.setattr(module, name, bound)

    assert refuse(make_tiff(*pages)) == Reason.TOO_COMPLEX


def test_tiff_when_directories_below_are_many_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What waits to be read is bounded."""
    many: Entries = {**GREY, 0x014A: (4, [2**31] * 9)}
    clean(make_tiff((many, [PIXELS])))
    monkeypatch.setattr(tiff, "MAX_DIRECTORIES", 8)

    assert refuse(make_tiff((many, [PIXELS]))) == Reason.TOO_COMPLEX


def test_tiff_when_the_largest_values_go_then_no_more_is_looked_at_than_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A word behind the bound is not found, and goes all the same."""
    told: Entries = {**GREY, 700: (1, bytes(64) + b"exif:GPSLatitude")}
    data = make_tiff((told, [PIXELS]))
    assert clean(data)[1].kinds == (Kind.PLACE,)
    monkeypatch.setattr(tiff, "MAX_LOOKED_AT_BYTES", 64)

    cleaned, plan = clean(data)
    assert (cleaned, plan.kinds) == (make_tiff(), (Kind.OTHER,))


def test_tiff_when_a_strip_says_more_than_its_rows_then_what_is_behind_them_goes() -> None:
    """A length that covers what is told takes nothing of it along."""
    cleaned, plan = clean(make_tiff((GREY, [PIXELS + CANARY])))

    assert (cleaned, plan.kinds) == (make_tiff(), (Kind.TRAILING,))


@pytest.mark.parametrize("tag", [34675, 301, 318, 319])
def test_tiff_when_a_page_has_a_displays_colours_then_it_is_called_srgb(tag: int) -> None:
    """By our profile, if it has red, green and blue; a grey one has nothing in its place."""
    page: Entries = {**GREY, 258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3])}
    told = (7, CANARY)

    cleaned, plan = clean(make_tiff(({**page, tag: told}, [bytes(48)])))

    assert plan.kinds == (Kind.PROFILE,)
    assert cleaned == make_tiff(({**page, 34675: (7, SRGB)}, [bytes(48)]))
    assert clean(make_tiff(({**GREY, tag: told}, [PIXELS])))[0] == make_tiff()


def test_tiff_when_a_coded_strip_covers_what_goes_then_it_is_refused() -> None:
    """Nothing that is said leaves as pixels, also of a directory below."""
    below = make_directory({0xA430: (2, CANARY + b"\0")}, 0, order="<")
    lzw: Entries = {**GREY, 259: (3, [5]), 279: (4, [16 + len(below)]), 0x8769: (4, [0])}
    at = len(make_tiff((lzw, [PIXELS])))
    lzw = {**lzw, 0x8769: (4, [at])}
    below = make_directory({0xA430: (2, CANARY + b"\0")}, at, order="<")

    assert refuse(make_tiff((lzw, [PIXELS])) + below) == Reason.MALFORMED


def test_tiff_when_a_number_does_not_fit_its_type_then_it_is_refused() -> None:
    """A colour of 32 bits is none."""
    page: Entries = {**GREY, 262: (3, [3]), 320: (4, [2**16] * 768)}

    assert refuse(make_tiff((page, [PIXELS]))) == Reason.MALFORMED


def test_tiff_when_it_would_be_longer_than_its_numbers_then_it_is_refused() -> None:
    """Places have 32 bits."""

    class Sparse(io.BytesIO):
        """A head, and nothing for eight gigabytes."""

        def seek(self, offset: int, whence: int = 0, /) -> int:
            return 2**33 if whence == io.SEEK_END else super().seek(offset, whence)

    coded: Entries = {**GREY, 259: (3, [5]), 278: (4, [2]), 273: (4, [200, 2**32 - 100])}
    fits = make_tiff(({**coded, 279: (4, [2**31, 2**31 - 300])}, []))
    beyond = make_tiff(({**coded, 279: (4, [2**31, 2**31])}, []))

    assert plan_cleaning(Sparse(fits)).length_bytes < 2**32
    with pytest.raises(RefusedError) as caught:
        plan_cleaning(Sparse(beyond))
    assert caught.value.reason == Reason.TOO_COMPLEX
