"""The cases of colour profiles in pictures of all formats, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.heifs import (
    ALPHA,
    AV1,
    CODED_AV1,
    GREY_AV1,
    GRID,
    HEVC_IN_COLOURS,
    ISPE,
    PROFILE,
    TURN,
    MakeItem,
    link,
    make_heif,
)
from tests.pictures import (
    ALPH,
    VP8,
    VP8L,
    chunk,
    make_canvas,
    make_frame,
    make_header,
    make_jpeg,
    make_png,
    make_scan,
    make_webp,
    riff_chunk,
    segment,
)
from tests.tiffs import GREY, PIXELS, Entries, make_tiff
from tipline.cleaning.boxes import format_box
from tipline.cleaning.exif import format_orientation
from tipline.cleaning.jpeg import JFIF
from tipline.cleaning.srgb import SRGB

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

MINE = b"of my display"
SIDEWAYS = format_orientation(6)
RGB: Entries = {**GREY, 258: (3, [8, 8, 8]), 262: (3, [2]), 277: (3, [3])}
CHRM = {
    "srgb": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    "p3": struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
}


def list_profiles() -> Iterator[Case]:
    """List the cases."""
    for name, rule, data in (
        *_list_jpegs(),
        *_list_pngs(),
        *_list_webps(),
        *_list_tiffs(),
        *_list_heifs(),
    ):
        yield name, rule, [data]


def _list_jpegs() -> Iterator[tuple[str, str, bytes]]:
    def make(*before: bytes, ids: bytes = b"\1\2\3") -> bytes:
        return make_jpeg(JFIF, *before, frame=make_frame(ids=ids), scans=[make_scan(ids=ids)])

    def profile(content: bytes, part: bytes = b"\1\1") -> bytes:
        return segment(0xE2, b"ICC_PROFILE\0" + part + content)

    yield "jpeg", "becomes one of sRGB", make(profile(MINE))
    yield "jpeg-parts", "become one", make(profile(MINE, b"\1\2"), profile(MINE, b"\2\2"))
    yield "jpeg-broken", "is one all the same", make(segment(0xE2, b"ICC_PROFILE\0"))
    yield "jpeg-ours", "stays byte for byte", make(profile(SRGB))
    yield "jpeg-ours-twice", "stays once", make(profile(SRGB), profile(SRGB))
    yield "jpeg-ours-and-more", "is another", make(profile(SRGB + b"\0"))
    yield "jpeg-ours-as-second", "is another", make(profile(SRGB, b"\2\2"))
    yield "jpeg-ours-and-another", "stays alone", make(profile(SRGB), profile(MINE))
    turned = segment(0xE1, b"Exif\0\0" + SIDEWAYS)
    yield "jpeg-turned", "stands behind EXIF", make(profile(MINE), turned)
    yield "jpeg-turned-ours", "stays byte for byte", make(turned, profile(SRGB))
    for content, name in ((MINE, "another"), (SRGB, "ours")):
        for ids in (b"\1", b"\1\2", b"\1\2\3\4"):
            yield f"jpeg-{len(ids)}-{name}", "goes", make(profile(content), ids=ids)
    yield "jpeg-red-green-blue", "becomes one of sRGB", make(profile(MINE), ids=b"RGB")


def _list_pngs() -> Iterator[tuple[str, str, bytes]]:
    profile = chunk(b"iCCP", b"display\0\0rubbish")
    gamma = {
        name: chunk(b"gAMA", value.to_bytes(4, "big"))
        for name, value in (("shared", 45455), ("own", 45001))
    }
    primaries = {name: chunk(b"cHRM", content) for name, content in CHRM.items()}
    palette = chunk(b"PLTE", bytes(6))
    for colour in (0, 2, 3, 4, 6):
        yield (
            f"png-{colour}",
            "becomes sRGB where there are colours",
            make_png(profile, *[palette][: colour == 3], header=make_header(colour=colour)),
        )
    turned = chunk(b"eXIf", SIDEWAYS)
    for name, chunks in {
        "turned": (turned, profile),
        "named": (chunk(b"sRGB", b"\1"), profile),
        "numbered": (chunk(b"cICP", b"\x0c\x0d\0\1"), profile),
        "told": (gamma["shared"], primaries["p3"], profile),
        "told-half": (gamma["shared"], profile),
        "told-other-half": (primaries["srgb"], profile),
        "own-gamma": (gamma["own"], primaries["p3"]),
        "own-primaries": (gamma["shared"], chunk(b"cHRM", bytes(32))),
    }.items():
        yield (
            f"png-{name}",
            "sRGB stands there if nothing that is kept tells the colours",
            make_png(*chunks, header=make_header(colour=2)),
        )
    yield (
        "png-grey-own-gamma",
        "goes",
        make_png(gamma["own"], header=make_header(colour=4)),
    )


def _list_webps() -> Iterator[tuple[str, str, bytes]]:
    profile, ours = riff_chunk(b"ICCP", MINE), riff_chunk(b"ICCP", SRGB)
    turned = riff_chunk(b"EXIF", SIDEWAYS)
    animation = (riff_chunk(b"ANIM", bytes(6)), riff_chunk(b"ANMF", bytes(16) + VP8))
    for name, chunks in {
        "replaced": (make_canvas(0x20), profile, VP8),
        "late": (make_canvas(0x20), VP8, profile),
        "twice": (make_canvas(0x20), profile, ours, VP8),
        "unflagged": (make_canvas(), profile, VP8),
        "flag-alone": (make_canvas(0x20), VP8),
        "uncanvassed": (profile, VP8),
        "ours": (make_canvas(0x20), ours, VP8L),
        "ours-late": (make_canvas(0x20), VP8L, ours),
        "ours-and-more": (make_canvas(0x20), riff_chunk(b"ICCP", SRGB + b"\0"), VP8L),
        "ours-uncanvassed": (ours, VP8),
        "turned": (make_canvas(0x28), profile, ALPH, VP8, turned),
        "animation": (make_canvas(0x22), profile, *animation),
    }.items():
        yield f"webp-{name}", "behind the canvas it becomes one of sRGB", make_webp(*chunks)


def _list_tiffs() -> Iterator[tuple[str, str, bytes]]:
    mine, ours = {34675: (7, MINE)}, {34675: (7, SRGB)}
    for order in "<>":
        name = "little" if order == "<" else "big"
        yield (
            f"tiff-{name}",
            "becomes one of sRGB",
            make_tiff(({**RGB, **mine}, [bytes(48)]), order=order),
        )
        yield (
            f"tiff-{name}-ours",
            "stays byte for byte",
            make_tiff(({**RGB, **ours}, [bytes(48)]), order=order),
        )
    yield "tiff-bytes", "has one type", make_tiff(({**RGB, 34675: (1, SRGB)}, [bytes(48)]))
    for tag in (301, 318, 319):
        yield (
            f"tiff-{tag}",
            "what says a display's colours becomes sRGB",
            make_tiff(({**RGB, tag: (5, [1, 3] * 2)}, [bytes(48)])),
        )
    palette: Entries = {**GREY, 262: (3, [3]), 320: (3, [*range(768)])}
    for name, page, pixels in (
        ("palette", palette, PIXELS),
        ("luma", {**RGB, 262: (3, [6]), 530: (3, [1, 1])}, bytes(48)),
        ("inks", {**GREY, 262: (3, [5]), 258: (3, [8] * 4), 277: (3, [4])}, bytes(64)),
        ("lab", {**RGB, 262: (3, [8])}, bytes(48)),
        ("grey", GREY, PIXELS),
    ):
        for content, told in (("another", mine), ("ours", ours)):
            yield (
                f"tiff-{name}-{content}",
                "stays where there are red, green and blue",
                make_tiff(({**page, **told}, [pixels])),
            )
    yield (
        "tiff-pages",
        "each has its own",
        make_tiff(({**RGB, **mine}, [bytes(48)]), (RGB, [bytes(48)])),
    )
    small: Entries = {**GREY, 254: (4, [1]), **ours}
    yield "tiff-preview", "goes with it", make_tiff((GREY, [PIXELS]), (small, [PIXELS]))


def _list_heifs() -> Iterator[tuple[str, str, bytes]]:
    def make(*more: bytes, item: MakeItem | None = None, hevc: bytes = HEVC_IN_COLOURS) -> bytes:
        said = MakeItem(number=1, properties=(0x81, 2, *range(3, 3 + len(more))))
        return make_heif(item or said, properties=[hevc, ISPE, *more])

    ours = format_box(b"colr", b"prof", SRGB)
    p3 = format_box(b"colr", b"nclx\0\x0c\0\x0d\0\6\x80")
    unspecified = format_box(b"colr", b"nclx\0\2\0\2\0\6\x80")
    grey = HEVC_IN_COLOURS[:24] + b"\xfc" + HEVC_IN_COLOURS[25:]
    for name, more in {
        "replaced": (PROFILE,),
        "restricted": (format_box(b"colr", b"rICC", MINE),),
        "before-a-turn": (PROFILE, TURN),
        "ours": (ours,),
        "ours-and-more": (format_box(b"colr", b"prof", SRGB, b"\0"),),
        "ours-restricted": (format_box(b"colr", b"rICC", SRGB),),
        "twice": (PROFILE, ours),
        "told": (p3, PROFILE),
        "told-later": (ours, p3),
        "untold": (unspecified, PROFILE),
    }.items():
        yield f"heif-{name}", "one of sRGB, if no numbers tell the colours", make(*more)
    yield "heif-grey", "goes", make(PROFILE, hevc=grey)
    yield "heif-grey-ours", "goes", make(ours, hevc=grey)
    essential = MakeItem(number=1, properties=(0x81, 2, 0x83))
    yield "heif-essential", "must be known as before", make(PROFILE, item=essential)
    again = MakeItem(number=1, properties=(0x81, 2, 3, 3))
    yield "heif-named-twice", "stays once", make(PROFILE, item=again)
    aside = MakeItem(number=2, properties=(0x81, 2, 3, 4), flags=1)
    yield (
        "heif-alpha",
        "has no colours",
        make_heif(
            MakeItem(number=1, properties=(0x81, 2, 4)),
            aside,
            properties=[HEVC_IN_COLOURS, ISPE, ALPHA, PROFILE],
            links=[link(b"auxl", 2, 1)],
        ),
    )
    for name, hevc in (("grid", HEVC_IN_COLOURS), ("grey-grid", grey)):
        tiles = [MakeItem(number=one, flags=1, properties=(0x81, 2, 3)) for one in (1, 2)]
        whole = MakeItem(number=9, data=GRID, kind=b"grid", properties=(2, 4), method=1)
        yield (
            f"heif-{name}",
            "and its tiles are of one kind",
            make_heif(
                *tiles,
                whole,
                properties=[hevc, ISPE, PROFILE, ours],
                links=[link(b"dimg", 9, 1, 2)],
                primary=9,
            ),
        )
    for name, av1 in (("avif", AV1), ("avif-grey", GREY_AV1)):
        item = MakeItem(number=1, kind=b"av01", data=CODED_AV1, properties=(0x81, 2, 3))
        yield (
            f"heif-{name}",
            "the same",
            make_heif(item, properties=[av1, ISPE, PROFILE], brand=b"avif\0\0\0\0avifmif1miaf"),
        )
