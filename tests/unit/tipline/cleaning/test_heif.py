"""HEIC and AVIF: the picture that is shown stays, and nothing that is told about it."""

from __future__ import annotations

import dataclasses

import pytest

from tests.films import HEVC, make_film, make_pictures, sei, unit
from tests.heifs import (
    ALPHA,
    AV1,
    CODED,
    CODED_AV1,
    DEPTH,
    GRID,
    HEVC_IN_COLOURS,
    ISPE,
    NCLX,
    PIXI,
    PROFILE,
    TURN,
    MakeItem,
    link,
    make_heif,
)
from tests.holding import clean, refuse
from tests.pictures import make_exif
from tipline.cleaning import heif as heif_module
from tipline.cleaning import heifitems as items_module
from tipline.cleaning.boxes import format_box, list_named
from tipline.cleaning.errors import Reason
from tipline.cleaning.heifitems import read_lists
from tipline.cleaning.plan import Format, Kind
from tipline.cleaning.srgb import SRGB

UNTOLD = format_box(b"colr", b"nclx\0\2\0\2\0\6\x80")
AVIF = b"avif\0\0\0\0avifmif1miaf"
CAMERA = make_exif([(0x010F, 2, 4, b"Cam\0"), (0x0132, 2, 4, b"now\0")])
ONE = MakeItem(number=1)
TILES = (
    MakeItem(number=5, flags=1, data=unit(b"\x26\1\1")),
    MakeItem(number=6, flags=1, data=unit(b"\x26\1\2")),
)
WHOLE = MakeItem(number=9, data=GRID, kind=b"grid", properties=(2,), method=1)


def list_data(picture: bytes) -> bytes:
    """Take what is in `mdat`."""
    media = list_named(picture, 0, len(picture))[b"mdat"]
    return picture[media.start : media.end]


@pytest.mark.parametrize(
    ("picture", "known"),
    [
        (make_heif(ONE), Format.HEIC),
        (make_heif(ONE, brand=b"mif1\0\0\0\0mif1heic"), Format.HEIC),
        (
            make_heif(
                MakeItem(number=1, kind=b"av01", data=CODED_AV1), properties=[AV1, ISPE], brand=AVIF
            ),
            Format.AVIF,
        ),
    ],
    ids=["heic", "mif1", "avif"],
)
def test_heif_when_it_is_cleaned_then_it_has_three_boxes_and_its_picture(
    picture: bytes, known: Format
) -> None:
    """What is left is `ftyp`, `meta`, `mdat`; what codes the picture tells the format."""
    cleaned, plan = clean(picture)

    assert plan.format == known
    assert list(list_named(cleaned, 0, len(cleaned))) == [b"ftyp", b"meta", b"mdat"]
    assert list_data(cleaned) == list_data(picture)


@pytest.mark.parametrize(
    ("told", "links", "kinds"),
    [
        (MakeItem(number=2, kind=b"Exif", data=bytes(4) + CAMERA), [], {Kind.DEVICE, Kind.TIME}),
        (
            MakeItem(number=2, kind=b"Exif", data=b"\0\0\0\6Exif\0\0" + CAMERA, method=1),
            [link(b"cdsc", 2, 1)],
            {Kind.DEVICE, Kind.TIME},
        ),
        (
            MakeItem(
                number=2,
                kind=b"mime",
                name=b"\0application/rdf+xml\0",
                data=b"<x exif:GPSLatitude='1'/>",
            ),
            [],
            {Kind.PLACE},
        ),
        (MakeItem(number=2, kind=b"mime", name=b"\0text/plain\0", data=b"told"), [], {Kind.OTHER}),
        (MakeItem(number=2, data=b"small"), [link(b"thmb", 2, 1)], {Kind.PREVIEW}),
        (MakeItem(number=2, data=b"second"), [], {Kind.OTHER}),
        (
            MakeItem(number=2, data=b"depth", properties=(0x81, 2, 3)),
            [link(b"auxl", 2, 1)],
            {Kind.OTHER},
        ),
    ],
    ids=["exif", "exif-with-a-prefix", "xmp", "text", "preview", "second", "depth"],
)
def test_heif_when_an_item_is_not_what_is_shown_then_it_goes(
    told: MakeItem, links: list[bytes], kinds: set[Kind]
) -> None:
    """With its data."""
    picture = make_heif(ONE, told, properties=[HEVC, ISPE, DEPTH], links=links)

    cleaned, plan = clean(picture)

    assert (list_data(cleaned), set(plan.kinds)) == (CODED, kinds)
    assert told.data in picture
    assert told.data not in cleaned


def test_heif_when_it_is_a_grid_then_its_tiles_stay_in_their_order() -> None:
    """Numbers are new, what they refer to is the same."""
    cleaned, _ = clean(make_heif(*TILES, WHOLE, links=[link(b"dimg", 9, 6, 5)], primary=9))

    box = list_named(cleaned, 0, len(cleaned))[b"meta"]
    lists = read_lists(cleaned[box.start : box.end])
    assert list_data(cleaned) == TILES[0].data + TILES[1].data + GRID
    assert lists.primary == 3
    assert [(one.source, one.targets) for one in lists.links] == [(3, (2, 1))]
    assert [one.is_hidden for one in lists.items.values()] == [True, True, False]


def test_heif_when_it_is_transparent_then_that_stays() -> None:
    """A second picture by name, a part of the first by what it does."""
    aside = MakeItem(number=2, data=unit(b"\x26\1\3"), properties=(0x81, 2, 3))

    cleaned, _ = clean(
        make_heif(ONE, aside, properties=[HEVC, ISPE, ALPHA], links=[link(b"auxl", 2, 1)])
    )

    assert list_data(cleaned) == CODED + aside.data
    assert ALPHA in cleaned


def test_heif_when_properties_are_told_then_those_that_a_decoder_needs_stay() -> None:
    """Sizes, depth, the standards' colours, a turn; a profile goes, and what nobody knows."""
    described = format_box(b"udes", bytes(4), b"seen at the depot")
    said = MakeItem(number=1, properties=(0x81, 2, 3, 4, 0x85, 0x86, 7))

    cleaned, plan = clean(
        make_heif(said, properties=[HEVC, ISPE, PIXI, NCLX, PROFILE, TURN, described])
    )

    for kept in (HEVC, ISPE, PIXI, NCLX, TURN):
        assert kept in cleaned
    for gone in (b"my display", b"depot"):
        assert gone not in cleaned
    assert plan.kinds == (Kind.PROFILE,)


@pytest.mark.parametrize(
    ("configuration", "more", "has_profile"),
    [
        (HEVC_IN_COLOURS, [PROFILE], True),
        (HEVC_IN_COLOURS, [PROFILE, PROFILE], True),
        (HEVC_IN_COLOURS, [UNTOLD, PROFILE], True),
        (HEVC_IN_COLOURS, [NCLX, PROFILE], False),
        (HEVC, [PROFILE], False),
    ],
    ids=["alone", "twice", "numbers-of-none", "numbers", "grey"],
)
def test_heif_when_it_has_a_profile_then_one_of_srgb_stands_there_if_it_fits(
    configuration: bytes, more: list[bytes], *, has_profile: bool
) -> None:
    """Where the standards' numbers tell the colours they are enough; a grey picture has none."""
    said = MakeItem(number=1, properties=(0x81, 2, *range(3, 3 + len(more))))

    cleaned, plan = clean(make_heif(said, properties=[configuration, ISPE, *more]))

    assert plan.kinds == (Kind.PROFILE,)
    assert cleaned.count(format_box(b"colr", b"prof", SRGB)) == has_profile
    assert b"display" not in cleaned


def test_heif_when_coded_data_tell_then_the_picture_stays_alone() -> None:
    """As in films."""
    told = sei(5, bytes(16) + b"x265", head=b"\x4e\1")

    assert list_data(clean(make_heif(MakeItem(number=1, data=told + CODED)))[0]) == CODED
    metadata = MakeItem(number=1, kind=b"av01", data=b"\x2a\3\4\xb5\0" + CODED_AV1)
    avif = make_heif(metadata, properties=[AV1, ISPE], brand=AVIF)
    assert list_data(clean(avif)[0]) == CODED_AV1


@pytest.mark.parametrize(
    ("behind", "kind"),
    [
        (format_box(b"mpvd", make_film(make_pictures())), Kind.OTHER),
        (b"\xff\xff\xff\xffPHON", Kind.TRAILING),
    ],
    ids=["film", "rubbish"],
)
def test_heif_when_something_lies_behind_then_it_goes(behind: bytes, kind: Kind) -> None:
    """A film of the seconds before, or a maker's own."""
    cleaned, plan = clean(make_heif(ONE, behind=behind))

    assert cleaned == clean(make_heif(ONE))[0]
    assert plan.kinds == (kind,)


@pytest.mark.parametrize("length", range(16, len(make_heif(ONE, MakeItem(number=2)))))
def test_heif_when_it_is_cut_then_it_is_refused(length: int) -> None:
    """No picture that ends too early is taken for a whole one."""
    picture = make_heif(ONE, MakeItem(number=2))

    assert refuse(picture[:length]) in (Reason.TRUNCATED, Reason.MALFORMED)


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (make_heif(ONE, behind=make_film(make_pictures())[24:]), Reason.UNSUPPORTED),
        (make_heif(MakeItem(number=1, protection=1)), Reason.UNSUPPORTED),
        (make_heif(MakeItem(number=1, kind=b"iovl")), Reason.UNSUPPORTED),
        (make_heif(WHOLE, links=[link(b"dimg", 9, 9, 9)], primary=9), Reason.UNSUPPORTED),
        (
            make_heif(
                MakeItem(number=1, properties=(0x81, 0x83)),
                properties=[HEVC, ISPE, format_box(b"xxxx", b"")],
            ),
            Reason.UNSUPPORTED,
        ),
        (make_heif(*TILES, WHOLE, links=[link(b"dimg", 9, 5)], primary=9), Reason.MALFORMED),
        (make_heif(*TILES, WHOLE, links=[link(b"dimg", 9, 5, 8)], primary=9), Reason.MALFORMED),
        (make_heif(*TILES, WHOLE, primary=9), Reason.MALFORMED),
        (make_heif(ONE, primary=2), Reason.MALFORMED),
        (make_heif(MakeItem(number=1, properties=(2,))), Reason.MALFORMED),
        (make_heif(MakeItem(number=1, properties=(0x81, 9))), Reason.MALFORMED),
        (make_heif(MakeItem(number=1, data=unit(b"\x26")[:-1])), Reason.MALFORMED),
        (make_heif(MakeItem(number=1, data=unit(b"\x4c\1"))), Reason.MALFORMED),
        (make_heif(ONE, before=b"\0\0\xff\xfffree"), Reason.TRUNCATED),
        (make_heif(ONE, behind=b"\0\0\xff\xffmdat"), Reason.TRUNCATED),
        (
            make_heif(ONE, MakeItem(number=2, properties=(9,)), links=[link(b"auxl", 2, 1)]),
            Reason.MALFORMED,
        ),
        (
            make_heif(
                *TILES,
                dataclasses.replace(WHOLE, number=8),
                WHOLE,
                links=[link(b"dimg", 8, 5, 6), link(b"dimg", 9, 8, 5)],
                primary=9,
            ),
            Reason.UNSUPPORTED,
        ),
        (make_heif(ONE) + make_heif(ONE)[24:], Reason.MALFORMED),
        (make_heif(ONE).replace(b"iinf\0\0\0\0\0\1", b"iinf\0\0\0\0\xff\xff"), Reason.MALFORMED),
        (make_heif(ONE).replace(b"infe\2", b"infe\1"), Reason.UNSUPPORTED),
    ],
)
def test_heif_when_it_breaks_a_rule_then_it_is_refused(picture: bytes, reason: Reason) -> None:
    """Never half done."""
    assert refuse(picture) == reason


def test_heif_when_an_item_lies_in_the_lists_then_it_is_refused() -> None:
    """What is kept lies in `mdat` or in `idat`: nothing else can be brought in as a picture."""
    picture = make_heif(ONE)
    place = (picture.index(CODED) - 8).to_bytes(4, "big")
    old = picture.index(CODED).to_bytes(4, "big")

    assert refuse(picture.replace(old, place, 1)) == Reason.MALFORMED


def test_heif_when_items_share_data_then_it_cannot_swell() -> None:
    """A thousand tiles of the same bytes would be a thousand times as long."""
    same = make_heif(*TILES, WHOLE, links=[link(b"dimg", 9, *[5] * 2)], primary=9)

    assert list_data(clean(same)[0]) == TILES[0].data + GRID


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (heif_module, "MAX_META_BYTES"),
        (heif_module, "MAX_PARTS"),
        (items_module, "MAX_ITEMS"),
        (items_module, "MAX_EXTENTS"),
    ],
)
def test_heif_when_it_is_beyond_a_bound_then_it_is_refused(
    module: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor time grows without end."""
    monkeypatch.setattr(module, name, 1)

    assert refuse(make_heif(ONE, MakeItem(number=2))) in (Reason.TOO_COMPLEX, Reason.MALFORMED)


def test_heif_when_an_item_has_too_many_properties_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are counted in a byte."""
    monkeypatch.setattr(heif_module, "MAX_USES", 1)

    assert refuse(make_heif(ONE)) == Reason.MALFORMED


def test_heif_when_data_lie_in_another_file_then_it_is_refused() -> None:
    """They are as if they were nowhere."""
    here, elsewhere = b"\0\1\0\0\0\0\0\1", b"\0\1\0\0\0\1\0\1"
    assert here in make_heif(ONE)

    assert refuse(make_heif(ONE).replace(here, elsewhere, 1)) == Reason.UNSUPPORTED


def test_heif_when_places_have_an_odd_width_then_it_is_refused() -> None:
    """Offsets have 4 bytes, or 8, or none."""
    odd = make_heif(ONE).replace(b"iloc\1\0\0\0\x44\0", b"iloc\1\0\0\0\x33\0")

    assert refuse(odd) == Reason.MALFORMED


def test_heif_when_two_ways_of_coding_are_mixed_then_it_is_refused() -> None:
    """A picture is of one format."""
    aside = MakeItem(number=2, kind=b"av01", data=CODED_AV1, properties=(0x84, 2, 3))
    mixed = make_heif(ONE, aside, properties=[HEVC, ISPE, ALPHA, AV1], links=[link(b"auxl", 2, 1)])

    assert refuse(mixed) == Reason.UNSUPPORTED


def test_heif_when_two_items_have_the_same_data_then_they_cannot_be_longer_than_the_file() -> None:
    """Thousands of items of the same bytes would swell."""
    large = MakeItem(number=5, flags=1, data=unit(b"\x26\1" + bytes(3_000)))
    picture = make_heif(large, TILES[1], WHOLE, links=[link(b"dimg", 9, 5, 6)], primary=9)
    at = picture.index(large.data)
    first = at.to_bytes(4, "big") + len(large.data).to_bytes(4, "big")
    second = (at + len(large.data)).to_bytes(4, "big") + len(TILES[1].data).to_bytes(4, "big")
    assert first in picture
    assert second in picture

    assert refuse(picture.replace(second, first)) == Reason.MALFORMED
