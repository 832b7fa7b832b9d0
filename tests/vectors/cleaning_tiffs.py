"""The cases of TIFF, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.pictures import DQT, EOI, SOI, make_frame, make_scan, segment
from tests.tiffs import (
    GREY,
    JPEG,
    JPEG_PART,
    JPEG_TABLES,
    PIXELS,
    Entries,
    make_directory,
    make_tiff,
)
from tipline.cleaning.tiff import MAX_BELOW
from tipline.cleaning.tiffentries import MAX_ENTRIES
from tipline.cleaning.tiffpages import MAX_PARTS_OF_PIXELS

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

RGB: Entries = {**GREY, 258: (3, [8, 8, 8]), 262: (3, [2]), 277: (3, [3])}
RGB_PIXELS = bytes(48)
SUBSAMPLED: Entries = {**RGB, 262: (3, [6]), 530: (3, [2, 2])}
TOLD: Entries = {
    270: (2, b"seen at the depot\0"),
    271: (2, b"Cam\0"),
    305: (2, b"App\0"),
    306: (2, b"2026:03:04 05:06:07\0"),
    315: (2, b"Ana\0"),
    700: (1, b"<x xmpMM:DocumentID='1' exif:GPSLatitude='2'/>"),
    33723: (7, b"\x1c\x02\x50\0\3Ana"),
    34377: (7, b"8BIM\x04\x09\0\0\0\0\0\0"),
    34675: (7, b"a display of its own"),
    50000: (7, b"private"),
}


def list_tiffs() -> Iterator[Case]:
    """List the cases."""
    yield from _list_kept()
    yield from _list_gone()
    yield from _list_jpegs()
    for name, rule, data in _list_refused():
        yield name, rule, [data]


def _list_kept() -> Iterator[Case]:
    yield "clean", "stays byte for byte", [make_tiff()]
    yield "big-endian", "the order of bytes stays", [make_tiff(order=">")]
    more: Entries = {
        **RGB, 258: (3, [8] * 4), 266: (3, [2]), 274: (3, [6]), 277: (3, [4]), 284: (3, [2]),
        338: (3, [2]), 339: (3, [2] * 4),
    }  # fmt: skip
    for order in "<>":
        yield (
            f"all-{'little' if order == '<' else 'big'}",
            "what a decoder needs stays",
            [make_tiff((more, [PIXELS] * 4), order=order)],
        )
    palette: Entries = {**GREY, 262: (3, [3]), 320: (3, [*range(768)])}
    yield "palette", "stays", [make_tiff((palette, [PIXELS]))]
    lzw: Entries = {**GREY, 259: (3, [5]), 317: (3, [2])}
    yield "predictor", "stays where pixels are compressed so", [make_tiff((lzw, [b"lzw!"]))]
    yield (
        "predictor-of-nothing",
        "goes",
        [make_tiff(({**lzw, 259: (3, [32773])}, [b"bits"]))],
    )
    for compression, options in ((3, 292), (4, 293)):
        fax: Entries = {**GREY, 258: (3, [1]), 259: (3, [compression]), options: (4, [2])}
        yield f"fax-{compression}", "its options stay", [make_tiff((fax, [b"fax!"]))]
    tiles: Entries = {
        **{tag: value for tag, value in GREY.items() if tag != 278},
        322: (4, [16]),
        323: (4, [16]),
        256: (4, [20]),
    }
    yield "tiles", "stay", [make_tiff((tiles, [bytes(256)] * 2))]
    yield "strips", "stay", [make_tiff(({**GREY, 278: (4, [3])}, [bytes(12), bytes(4)]))]
    yield "pages", "stay in their order", [make_tiff((GREY, [PIXELS]), (RGB, [RGB_PIXELS]))]
    yield "colours-apart", "stay", [make_tiff((SUBSAMPLED, [bytes(24)]))]
    told: Entries = {**SUBSAMPLED, 529: (5, [1, 3] * 3), 531: (3, [2]), 532: (5, [0, 1] * 6)}
    yield "colours-told", "stay", [make_tiff((told, [bytes(24)]))]
    inks: Entries = {**GREY, 262: (3, [5]), 332: (3, [2])}
    yield "inks", "stay", [make_tiff((inks, [PIXELS]))]


def _list_gone() -> Iterator[Case]:
    for tag, value in TOLD.items():
        yield f"tag-{tag}", "goes", [make_tiff(({**GREY, tag: value}, [PIXELS]))]
    yield "told", "all of it goes", [make_tiff(({**GREY, **TOLD}, [PIXELS]), order=">")]
    density: Entries = {**GREY, 282: (5, [300, 1]), 283: (5, [300, 1]), 296: (3, [2])}
    yield "resolution", "goes", [make_tiff((density, [PIXELS]))]
    usual: Entries = {**GREY, 266: (3, [1]), 274: (3, [1]), 284: (3, [1])}
    yield "usual", "what is so anyway goes", [make_tiff((usual, [PIXELS]))]
    page: Entries = {**GREY, 254: (4, [2])}
    yield "page-of-many", "is a whole one", [make_tiff((page, [PIXELS]))]
    kindless = {tag: value for tag, value in GREY.items() if tag != 254}
    yield "of-no-kind", "is a whole one", [make_tiff((kindless, [PIXELS]))]
    short: Entries = {**GREY, 256: (3, [4]), 257: (3, [4]), 278: (3, [99])}
    yield "short", "numbers have one type", [make_tiff((short, [PIXELS]))]
    yield "gap", "goes", [make_tiff(between=b"between")]
    yield "behind", "goes", [make_tiff(behind=b"behind")]
    yield "behind-strip", "goes", [make_tiff((GREY, [PIXELS + b"behind"]))]
    yield "no-lengths", "plain pixels need none", [_without_lengths(GREY)]
    for tag, number in ((254, 1), (255, 2)):
        small: Entries = {**GREY, tag: (4, [number]), 305: (2, b"App\0")}
        yield (
            f"preview-{tag}",
            "a page that is smaller goes",
            [make_tiff((GREY, [PIXELS]), (small, [PIXELS]))],
        )
    yield "exif", "goes with what it names", [_nest(0x8769, {0x9003: (2, b"2026:03:04\0")})]
    yield "gps", "goes", [_nest(0x8825, {1: (2, b"N\0"), 29: (2, b"2026:03:04\0")})]
    yield "interoperability", "goes", [_nest(0xA005, {1: (2, b"R98\0")})]
    yield "smaller-below", "goes", [_nest(0x014A, {254: (4, [1])})]
    yield "below-nowhere", "goes", [make_tiff(({**GREY, 0x8769: (4, [2**31])}, [PIXELS]))]
    yield "below-itself", "ends", [make_tiff(({**GREY, 0x8769: (4, [8])}, [PIXELS]))]
    yield (
        "value-nowhere",
        "of what goes",
        [make_tiff().replace(struct.pack("<HHI", 278, 4, 1), struct.pack("<HHI", 305, 2, 2**31))],
    )


def _nest(tag: int, entries: Entries) -> bytes:
    """Make a TIFF with a directory below, behind the pixels."""
    at = len(make_tiff(({**GREY, tag: (4, [0])}, [PIXELS])))
    return make_tiff(({**GREY, tag: (4, [at])}, [PIXELS])) + make_directory(entries, at, order="<")


def _list_jpegs() -> Iterator[Case]:
    yield "jpeg", "stays, with its tables", [make_tiff((JPEG, [JPEG_PART]))]
    whole = SOI + DQT + JPEG_TABLES[2 + len(DQT) : -2] + make_frame() + make_scan() + EOI
    alone = {tag: value for tag, value in JPEG.items() if tag != 347}
    yield "jpeg-whole", "stays", [make_tiff((alone, [whole]))]
    for name, extra in (("comment", segment(0xFE, b"by Ana")), ("exif", segment(0xE1, b"Exif"))):
        part = SOI + extra + make_frame() + extra + make_scan() + EOI
        yield f"jpeg-{name}", "goes from strips", [make_tiff((JPEG, [part]))]
        tables = SOI + extra + JPEG_TABLES[2:]
        yield (
            f"jpeg-tables-{name}",
            "goes from tables",
            [make_tiff(({**JPEG, 347: (7, tables)}, [JPEG_PART]))],
        )
    yield "jpeg-behind", "goes", [make_tiff((JPEG, [JPEG_PART + b"behind"]))]
    head = SOI + make_frame() + make_scan(data=b"")
    big = [head, (b"\x0f", 70_000), EOI]
    made = make_tiff((JPEG, [head + b"\x0f" * 70_000 + EOI]))
    start = made.index(head)
    yield "jpeg-large", "windows", [made[:start], *big]
    for name, part in {
        "no-start": b"xx" + JPEG_PART[2:],
        "no-end": JPEG_PART[:-2],
        "cut": JPEG_PART[:6],
        "short-segment": SOI + b"\xff\xdb\0\1" + EOI,
        "stray": SOI + b"stray" + JPEG_PART[2:],
        "fill": JPEG_PART[:-2] + b"\xff" + EOI,
        "no-scan": SOI + make_frame() + EOI,
        "no-frame": SOI + make_scan() + EOI,
        "two-frames": SOI + make_frame() + JPEG_PART[2:],
        "hierarchical": SOI + segment(0xDE, b"") + JPEG_PART[2:],
        "behind-table": SOI + segment(0xDB, bytes(65) + b"hidden") + JPEG_PART[2:],
        "two-bytes": SOI,
    }.items():
        yield f"jpeg-{name}", "is refused", [make_tiff((JPEG, [part]))]
    for name, kind, tables in (
        ("frame", 7, SOI + make_frame() + EOI),
        ("scan", 7, SOI + make_scan() + EOI),
        ("text", 2, JPEG_TABLES),
        ("inline", 7, SOI),
    ):
        yield (
            f"jpeg-tables-{name}",
            "is refused",
            [make_tiff(({**JPEG, 347: (kind, tables)}, [JPEG_PART]))],
        )


def _list_refused() -> Iterator[tuple[str, str, bytes]]:
    yield "bigtiff", "is refused", b"II+\0\x08\0\0\0" + bytes(16)
    yield "bigtiff-big", "is refused", b"MM\0+\0\x08\0\0" + bytes(16)
    yield "head-alone", "is refused", b"II*\0"
    yield "no-page", "is refused", b"II*\0\0\0\0\0"
    yield "empty-page", "is refused", b"II*\0\x08\0\0\0" + bytes(6)
    yield "page-nowhere", "is refused", b"II*\0\xff\0\0\0"
    yield "cut", "is refused", make_tiff()[:-1]
    yield "cut-directory", "is refused", make_tiff()[:60]
    yield "cycle", "is refused", make_tiff(last=8)
    yield "next-nowhere", "is refused", make_tiff(last=2**32 - 1)
    yield "dng", "is refused", make_tiff(({**GREY, 0xC612: (1, b"\1\4\0\0")}, [PIXELS]))
    yield "only-preview", "is refused", make_tiff(({**GREY, 254: (4, [1])}, [PIXELS]))
    yield "mask", "is refused", make_tiff((GREY, [PIXELS]), ({**GREY, 254: (4, [4])}, [PIXELS]))
    yield "mask-colours", "is refused", make_tiff(({**GREY, 262: (3, [4])}, [PIXELS]))
    yield "picture-below", "is refused", _nest(0x014A, {254: (4, [0])})
    yield (
        "many-below",
        "is refused",
        make_tiff(({**GREY, 0x014A: (4, [1] * (MAX_BELOW + 1))}, [PIXELS])),
    )
    yield "below-of-text", "is refused", make_tiff(({**GREY, 0x014A: (2, b"abc\0")}, [PIXELS]))
    yield "below-of-none", "is refused", make_tiff(({**GREY, 0x014A: (4, [])}, [PIXELS]))
    for tag, kind, values in (
        (259, 3, [6]), (259, 3, [34712]), (262, 3, [32803]), (258, 3, [17]), (256, 4, [0]),
        (256, 2, [4]), (256, 4, [4, 4]), (257, 4, [2**31]), (277, 3, [0]), (277, 3, [65]),
        (258, 3, [8, 8]), (284, 3, [3]), (266, 3, [3]), (274, 3, [9]), (338, 3, [3]),
        (338, 3, [0, 0]), (339, 3, [7]), (339, 3, [0]), (278, 4, [0]), (278, 4, [1]),
        (279, 4, [15]), (279, 4, [16, 16]), (273, 4, [2**31]), (273, 4, [0]), (273, 4, []),
    ):  # fmt: skip
        name = f"tag-{tag}-{kind}-{'-'.join(map(str, values))}"
        yield name, "is refused", make_tiff(({**GREY, tag: (kind, values)}, [PIXELS]))
    for tag in (256, 257, 262):
        left = {known: value for known, value in GREY.items() if known != tag}
        yield f"without-{tag}", "is refused", make_tiff((left, [PIXELS]))
    for tag, colours, values in (
        (320, 3, [0] * 767), (529, 6, [1]), (530, 6, [3, 1]), (530, 6, [2]), (531, 6, [3]),
        (332, 5, [3]),
    ):  # fmt: skip
        page: Entries = {**GREY, 262: (3, [colours]), tag: (3, values)}
        yield f"colours-{tag}-{len(values)}", "is refused", make_tiff((page, [PIXELS]))
    yield "palette-without", "is refused", make_tiff(({**GREY, 262: (3, [3])}, [PIXELS]))
    yield "depths", "of one depth", make_tiff(({**RGB, 258: (3, [8, 8, 4])}, [RGB_PIXELS]))
    yield (
        "subsampled-deep",
        "is refused",
        make_tiff(({**SUBSAMPLED, 258: (3, [16] * 3)}, [RGB_PIXELS])),
    )
    yield "fax-options", "is refused", make_tiff(({**GREY, 259: (3, [4]), 293: (4, [1])}, [b"x"]))
    yield "predictor-4", "is refused", make_tiff(({**GREY, 259: (3, [5]), 317: (3, [4])}, [b"x"]))
    yield "empty-strip", "is refused", make_tiff(({**GREY, 259: (3, [5])}, [b""]))
    turned = make_tiff(({**GREY, 274: (3, [6]), 275: (3, [6])}, [PIXELS]))
    twice = turned.replace(struct.pack("<HHI", 275, 3, 1), struct.pack("<HHI", 274, 3, 1))
    yield "twice", "a tag stands once", twice
    lzw: Entries = {**GREY, 259: (3, [5])}
    at = len(make_tiff((lzw, [b"x" * 16]))) - 16
    over: Entries = {**lzw, 278: (4, [2]), 273: (4, [at + 24, at + 30]), 279: (4, [8, 8])}
    yield "overlap", "pixels are pixels", make_tiff((over, [])) + bytes(64)
    hidden: Entries = {**lzw, 305: (2, b"an App\0"), 273: (4, [8]), 279: (4, [60])}
    yield "strip-over-directory", "is refused", make_tiff((hidden, [])) + bytes(64)
    plain: Entries = {**lzw, 305: (2, b"an App\0\0"), 279: (4, [16])}
    whole = make_tiff(({**plain, 273: (4, [0])}, []))
    covering: Entries = {**plain, 273: (4, [len(whole) - 8])}
    yield "strip-over-value", "is refused", make_tiff((covering, [])) + bytes(64)
    yield "lzw-lengthless", "is refused", _without_lengths({**GREY, 259: (3, [5])})
    tall: Entries = {**GREY, 257: (4, [MAX_PARTS_OF_PIXELS + 1]), 278: (4, [1])}
    yield "many-strips", "is refused", make_tiff((tall, [PIXELS]))
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", MAX_ENTRIES + 1)
    yield "many-entries", "is refused", head + bytes(12 * MAX_ENTRIES + 16)


def _without_lengths(page: Entries) -> bytes:
    return make_tiff((page, [PIXELS])).replace(
        struct.pack("<HH", 279, 4), struct.pack("<HH", 280, 4)
    )
