"""The borders of what a picture may be, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.pictures import (
    ALPH,
    DHT,
    DQT,
    EOI,
    GIF_CONTROL,
    GIF_IMAGE,
    PIXELS,
    SOI,
    VP8,
    VP8L,
    chunk,
    extension,
    make_canvas,
    make_exif,
    make_frame,
    make_gif,
    make_header,
    make_jpeg,
    make_png,
    make_scan,
    make_webp,
    riff_chunk,
    segment,
)
from tipline.cleaning.exif import MAX_DIRECTORIES, MAX_ENTRIES, format_orientation
from tipline.cleaning.jpeg import JFIF
from tipline.cleaning.labels import MAX_DATASETS, MAX_RESOURCES
from tipline.cleaning.plan import MAX_PARTS, MAX_PIECES

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

COMMENT = segment(0xFE, b"by Ana")
PHOTOSHOP = b"Photoshop 3.0\0"
HEADS = {
    "exif": b"Exif\0\0" + format_orientation(6),
    "jfif": b"JFIF\0" + bytes(9),
    "jfxx": b"JFXX\0\x10",
    "xmp": b"http://ns.adobe.com/xap/1.0/\0exif:GPSLatitude",
    "more-xmp": b"http://ns.adobe.com/xmp/extension/\0exif:GPSLatitude",
    "profile": b"ICC_PROFILE\0\1\1display",
    "pictures": b"MPF\0II*\0",
    "resources": PHOTOSHOP + b"8BIM\x04\x09\0\0\0\0\0\0",
    "adobe": b"Adobe" + bytes(6) + b"\1",
}


def list_picture_borders() -> Iterator[Case]:
    """List the cases of all formats."""
    for name, listed in (
        ("jpeg", _list_jpegs()),
        ("exif", _list_exifs()),
        ("iptc", _list_iptcs()),
        ("png", _list_pngs()),
        ("webp", _list_webps()),
        ("gif", _list_gifs()),
    ):
        for case, rule, parts in listed:
            yield f"{name}-{case}", rule, parts


def _fold(data: bytes, unit: bytes, times: int) -> list[Part]:
    """Say a part that is there many times once."""
    before, folded, behind = data.partition(unit * times)
    return [before, (unit, times), behind] if folded else [data]


def _list_jpegs() -> Iterator[Case]:
    for name, head in HEADS.items():
        for marker in (0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xEF):
            yield (
                f"{name}-in-{marker:02x}",
                "a label counts in its own segment alone",
                [make_jpeg(JFIF, segment(marker, head))],
            )
    yield "comment-empty", "goes", [make_jpeg(JFIF, segment(0xFE, b""))]
    yield "length-1", "a length counts itself", [make_jpeg(JFIF, b"\xff\xfe\0\1")]
    yield "one-byte-behind", "goes", [make_jpeg(behind=b"x")]
    wordless = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>")
    yield "comment-and-wordless", "two kinds", [make_jpeg(JFIF, COMMENT, wordless)]
    yield "comment-and-unknown", "two kinds", [make_jpeg(JFIF, COMMENT, segment(0xE7, b"x"))]
    pair = segment(0xDD, b"\0\0") + COMMENT
    yield "pieces", "are too many", _fold(make_jpeg(JFIF, pair * MAX_PIECES), pair, MAX_PIECES)
    yield "comment-and-fill", "two kinds", [make_jpeg(COMMENT, scans=[make_scan() + b"\xff"])]
    for marker in (0x01, 0xD0, 0xD7):
        mark = bytes([0xFF, marker])
        yield f"alone-{marker:02x}", "goes between segments", [make_jpeg(COMMENT, JFIF, mark)]
        scan = make_scan(data=b"\x0f" + mark + b"\x0f")
        yield f"inside-{marker:02x}", "restarts alone are data", [make_jpeg(scans=[scan])]
    for marker in (0xC8, 0xD8, 0xF0, 0xBF):
        yield f"marker-{marker:02x}", "is refused", [make_jpeg(JFIF, segment(marker, b""))]
    for marker in (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF, 0xDF):
        yield f"marker-{marker:02x}", "is refused", [make_jpeg(JFIF, segment(marker, b""))]
    for marker in (0xC2, 0xC3, 0xC9, 0xCA, 0xCB):
        yield f"frame-{marker:02x}", "stays", [make_jpeg(frame=make_frame(marker=marker))]
    tables = {
        "db": (b"\x03" + b"\1" * 64, b"\x13" + b"\1" * 128, b"\x04" + b"\1" * 64, b"", bytes(64),
               b"\x20" + b"\1" * 128, bytes(66), bytes(130)),
        "c4": (bytes(17), b"\x13" + bytes(16), b"\x04" + bytes(16), b"\x20" + bytes(16), b"",
               bytes(16), bytes(34), b"\0\2" + bytes(16), b"\0\1" + bytes(16)),
        "cc": (b"", b"\0", bytes(2), bytes(64), bytes(66)),
        "dd": (b"", b"\1", b"\1\2", b"\1\2\3"),
        "dc": (b"", b"\1", b"\1\2", b"\1\2\3"),
    }  # fmt: skip
    for code, contents in tables.items():
        for number, content in enumerate(contents):
            made = segment(int(code, 16), content)
            yield f"table-{code}-{number}", "is exactly its tables", [make_jpeg(JFIF, made)]
    frame = struct.pack(">BHHB", 8, 8, 8, 1) + b"\1\x11\0"
    for name, content in {
        "no-components": struct.pack(">BHHB", 8, 8, 8, 0),
        "no-width": struct.pack(">BHHB", 8, 8, 0, 1) + b"\1\x11\0",
        "no-height": struct.pack(">BHHB", 8, 0, 8, 1) + b"\1\x11\0",
        "short": frame[:-1],
        "long": frame + b"\0",
        "cut": frame[:5],
    }.items():
        yield (
            f"frame-{name}",
            "is exactly its components",
            [make_jpeg(frame=segment(0xC0, content))],
        )
    for name, content in {
        "empty": b"",
        "no-components": bytes(4),
        "one": b"\1\1\0\0\x3f\0",
        "four": b"\4" + bytes(11),
        "five": b"\5" + bytes(13),
        "short": b"\1\1\0\0\x3f",
        "long": b"\1\1\0\0\x3f\0\0",
    }.items():
        yield (
            f"scan-{name}",
            "is exactly its components",
            [make_jpeg(scans=[segment(0xDA, content) + b"\x0f"])],
        )
    yield "scan-without-data", "stays", [make_jpeg(scans=[make_scan(data=b""), make_scan()])]
    yield "scan-of-fill", "the fill goes", [make_jpeg(scans=[make_scan(data=b"\xff\xff")])]
    yield "scan-before-frame", "is refused", [SOI + JFIF + DQT + make_scan() + make_frame() + EOI]
    yield (
        "two-components",
        "no JFIF for two",
        [SOI + DQT + make_frame(ids=b"\1\2") + DHT + make_scan(ids=b"\1\2") + EOI],
    )
    yield "adobe-11-bytes", "goes", [make_jpeg(JFIF, segment(0xEE, b"Adobe" + bytes(6)))]
    yield "jfif-14-bytes", "is written anew", [make_jpeg(segment(0xE0, b"JFIF\0" + bytes(9)))]
    yield "jfif-15-bytes", "has a thumbnail", [make_jpeg(segment(0xE0, b"JFIF\0" + bytes(10)))]


def _list_exifs() -> Iterator[Case]:
    def put(exif: bytes) -> list[bytes]:
        return [make_jpeg(JFIF, segment(0xE1, b"Exif\0\0" + exif))]

    def chain(count: int) -> bytes:
        """Make directories that each name the next."""
        made = b"MM\0*\0\0\0\x08"
        for number in range(1, count + 1):
            following = len(made) + 18 if number < count else len(made)
            entry = struct.pack(">HHII", 0x8769, 4, 1, following)
            made += b"\0\1" + entry + bytes(4)
        return made

    for value in (0, 1, 8, 9):
        made = make_exif([(0x0112, 3, 1, bytes([0, value, 0, 0]))])
        yield f"orientation-{value}", "is 1 to 8", put(made)
    twice = make_exif([(0x0112, 3, 1, bytes([0, one, 0, 0])) for one in (6, 1)])
    yield "orientation-two-tags", "the last one holds", put(twice)
    for kind, told in {1: b"\6\0\0\0", 4: b"\0\0\0\6", 5: b"\6\6\0\6"}.items():
        made = make_exif([(0x0112, kind, 1, told)])
        yield f"orientation-of-type-{kind}", "is a number of one, two or four bytes", put(made)
    yield "orientation-long", "is 1 to 8", put(make_exif([(0x0112, 4, 1, b"\0\6\0\0")]))
    for length in (4, 7, 8, 9):
        yield f"{length}-bytes", "what cannot be read goes", put(format_orientation(6)[:length])
    for mark in (b"II\0*", b"MM*\0", b"IM\0*"):
        yield f"order-{mark.hex()}", "is one of two", put(mark + format_orientation(6)[4:])
    yield "cut", "an entry too few", put(format_orientation(6)[:21])
    yield "no-next", "no number behind the entries", put(format_orientation(6)[:22])
    yield "half-next", "half a number behind the entries", put(format_orientation(6)[:22] + b"\0\1")
    for tag, name in ((0x8825, "gps"), (0xA005, "interoperability"), (0x8769, "exif")):
        below = struct.pack(">HHHII", 1, 7, 2, 1, 0) + bytes(4)
        made = make_exif([(tag, 4, 1, struct.pack(">I", 26))]) + below
        yield f"below-{name}", "tags count in their directory", put(made)
    for tag in (0x0110, 0x7777):
        made = format_orientation(6)[:22] + struct.pack(">IHHHII", 26, 1, tag, 2, 1, 0) + bytes(4)
        yield f"preview-{tag:04x}", "a second directory is a preview's", put(made)
    for count in (MAX_DIRECTORIES, MAX_DIRECTORIES + 1):
        yield f"directories-{count}", "so many are read", put(chain(count))
    for count in (MAX_ENTRIES, MAX_ENTRIES + 1):
        (whole,) = put(make_exif([(0x010F, 2, 1, b"C\0\0\0")] * count))
        entry = struct.pack(">HHI", 0x010F, 2, 1) + b"C\0\0\0"
        yield f"entries-{count}", "so many are read", _fold(whole, entry, count)


def _list_iptcs() -> Iterator[Case]:
    def put(*resources: bytes) -> list[bytes]:
        return [make_jpeg(JFIF, segment(0xED, PHOTOSHOP + b"".join(resources)))]

    def resource(number: int, content: bytes, name: bytes = b"") -> bytes:
        named = bytes([len(name)]) + name
        head = b"8BIM" + number.to_bytes(2, "big") + named + bytes(len(named) % 2)
        return head + len(content).to_bytes(4, "big") + content + bytes(len(content) % 2)

    def dataset(number: int, content: bytes, record: int = 2) -> bytes:
        return bytes([0x1C, record, number]) + len(content).to_bytes(2, "big") + content

    author, city = dataset(80, b"Ana"), dataset(90, b"Lima")
    yield "author", "a person", put(resource(0x0404, author))
    yield "two", "each has its kind", put(resource(0x0404, author + city))
    yield "first-record", "says nothing of its own", put(resource(0x0404, dataset(80, b"", 1)))
    yield "unknown", "is other", put(resource(0x0404, dataset(250, b"x")))
    yield "empty-last", "counts", put(resource(0x0404, dataset(80, b"")))
    yield "cut", "the head of a dataset", put(resource(0x0404, author + city[:4]))
    yield "another-mark", "ends it", put(resource(0x0404, author + b"\x1d" + city[1:]))
    yield "long", "ends it", put(resource(0x0404, b"\x1c\2\x50\x80\x04\0\0\0\3Ana" + city))
    for length in range(4):
        made = resource(0x0404, author, b"name"[:length])
        yield f"name-{length}", "is filled up", put(made, resource(0x0404, city))
    for number in (0x0409, 0x040A, 0x040C):
        yield f"resource-{number:04x}", "has its kind", put(resource(number, b"x"))
    yield "nothing", "is other", put()
    yield "cut-head", "is other", put(b"8BIM\4\4")
    yield "short-head", "is other", put(b"8BIM\4\4\0")
    yield "cut-content", "what there is counts", put(resource(0x0404, author)[:-1])
    yield "other-mark", "ends it", put(resource(0x0404, author), b"8BIX" + resource(1, b"")[4:])
    for count in (MAX_RESOURCES - 1, MAX_RESOURCES):
        (whole,) = put(resource(1, b"") * count, resource(0x0404, author))
        yield f"resources-{count}", "so many are read", _fold(whole, resource(1, b""), count)
    for count in (MAX_DATASETS - 1, MAX_DATASETS):
        (whole,) = put(resource(0x0404, dataset(80, b"") * count + city))
        yield f"datasets-{count}", "so many are read", _fold(whole, dataset(80, b""), count)


def _list_pngs() -> Iterator[Case]:
    for name, header in {
        "no-width": make_header(width=0),
        "no-height": make_header(height=0),
        "widest": make_header(width=2**31 - 1),
        "too-wide": make_header(width=2**31),
        "highest": make_header(height=2**31 - 1),
        "too-high": make_header(height=2**31),
        "depth": make_header(depth=3),
        "depth-of-colours": make_header(depth=4, colour=2),
        "colour": make_header(colour=5),
        "grey-and-alpha": make_header(colour=4),
        "alpha": make_header(colour=6, depth=16),
    }.items():
        yield f"header-{name}", "as the standard allows", [make_png(header=header)]
    for place, name in ((10, "compression"), (11, "filtering"), (12, "interlace")):
        for value in (1, 2):
            content = bytearray(struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0))
            content[place] = value
            made = make_png(header=chunk(b"IHDR", bytes(content)))
            yield f"{name}-{value}", "as the standard allows", [made]
    for length in (0, 3, 4, 768, 771):
        made = make_png(chunk(b"PLTE", bytes(length)), header=make_header(colour=3))
        yield f"palette-{length}", "up to 256 colours of three bytes", [made]
    for colour, lengths in {0: (1, 2, 3), 2: (2, 6, 7), 3: (0, 256, 257), 4: (0, 2)}.items():
        for length in lengths:
            palette = [chunk(b"PLTE", bytes(3))] if colour == 3 else []
            made = make_png(
                *palette, chunk(b"tRNS", bytes(length)), header=make_header(colour=colour)
            )
            yield f"transparency-{colour}-{length}", "as the colours ask for", [made]
    for kind in ("gAMA", "cHRM", "sRGB", "cICP", "acTL", "fcTL"):
        for length in (0, 1, 4, 8, 26, 32):
            made = make_png(chunk(kind.encode(), bytes(length)))
            yield f"{kind}-{length}", "has one length", [made]
    for value in (45454, 45455, 45470, 55556, 100000, 45456):
        made = make_png(chunk(b"gAMA", value.to_bytes(4, "big")))
        yield f"gamma-{value}", "those that many share stay", [made]
    for name, values in {
        "p3": (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
        "adobe": (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000),
        "white": (31271, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    }.items():
        made = make_png(chunk(b"cHRM", struct.pack(">8I", *values)))
        yield f"primaries-{name}", "those that many share stay", [made]
    control = chunk(b"fcTL", bytes(26))
    for length in (3, 4):
        pixels = PIXELS + control + chunk(b"fdAT", bytes(length))
        yield f"frame-{length}", "begins with its number", [make_png(pixels=pixels)]
    frame = chunk(b"fdAT", bytes(5))
    yield "frame-without-control", "is refused", [make_png(pixels=PIXELS + frame)]
    yield "frame-before-pixels", "is refused", [make_png(control, frame)]
    yield "header-twice", "is refused", [make_png(make_header())]
    yield "header-late", "is refused", [make_png(header=chunk(b"tEXt") + make_header())]
    yield "twice", "is refused", [make_png(chunk(b"sRGB", b"\0") * 2)]
    yield "name", "has letters alone", [make_png(chunk(b"te1t"))]
    yield "end-with-content", "is refused", [make_png()[:-12] + chunk(b"IEND", b"x")]
    yield (
        "palette-late",
        "is refused",
        [make_png(header=make_header(colour=3), pixels=PIXELS + chunk(b"PLTE", bytes(3)))],
    )
    yield "one-byte-behind", "goes", [make_png(behind=b"x")]
    yield "text-like-xmp", "is text", [make_png(chunk(b"iTXt", b"XML:com.adobe.xml\0exif:GPS"))]
    yield "xmp-as-text", "is text", [make_png(chunk(b"tEXt", b"XML:com.adobe.xmp\0exif:GPS"))]
    yield (
        "orientation-twice",
        "the last one holds",
        [make_png(*(chunk(b"eXIf", format_orientation(one)) for one in (6, 3)))],
    )
    yield "text-and-rest", "two kinds", [make_png(chunk(b"tEXt", b"Ana"), behind=b"x")]


def _list_webps() -> Iterator[Case]:
    anim = riff_chunk(b"ANIM", bytes(6))
    animated = make_canvas(0x02)
    frame = riff_chunk(b"ANMF", bytes(16) + VP8)
    for name, chunks in {
        "no-frames": (animated, anim),
        "one-frame": (animated, anim, frame),
        "no-anim": (animated, frame),
        "anim-late": (animated, frame, anim),
        "picture-and-frame": (animated, anim, frame, VP8),
        "not-said": (make_canvas(), anim, frame),
        "anim-of-5": (animated, riff_chunk(b"ANIM", bytes(5)), frame),
        "anim-of-7": (animated, riff_chunk(b"ANIM", bytes(7)), frame),
        "frame-of-15": (animated, anim, riff_chunk(b"ANMF", bytes(15))),
        "frame-of-two": (animated, anim, riff_chunk(b"ANMF", bytes(16) + VP8 + VP8)),
        "frame-of-three": (animated, anim, riff_chunk(b"ANMF", bytes(16) + ALPH + VP8 + ALPH)),
        "frame-of-alpha": (animated, anim, riff_chunk(b"ANMF", bytes(16) + ALPH + VP8)),
        "frame-cut": (animated, anim, riff_chunk(b"ANMF", bytes(16) + VP8[:-2])),
        "alpha-alone": (make_canvas(0x10), ALPH),
        "alpha-late": (make_canvas(0x10), VP8, ALPH),
        "alpha-lossless": (make_canvas(0x10), ALPH, VP8L),
        "alpha-uncanvassed": (ALPH, VP8),
        "canvas-twice": (make_canvas(), make_canvas(), VP8),
        "canvas-of-9": (riff_chunk(b"VP8X", bytes(9)), VP8),
        "canvas-of-11": (riff_chunk(b"VP8X", bytes(11)), VP8),
        "canvas-alone": (make_canvas(),),
        "empty-picture": (riff_chunk(b"VP8 ", b""),),
        "even-picture": (riff_chunk(b"VP8 ", b"code"),),
        "cut-head": (VP8, b"EXIF\0\0\0"),
        "orientation-uncanvassed": (VP8, riff_chunk(b"EXIF", format_orientation(6))),
        "orientation-twice": (
            make_canvas(),
            *(riff_chunk(b"EXIF", format_orientation(one)) for one in (6, 3)),
            VP8,
        ),
        "orientation-upright-first": (
            make_canvas(),
            *(riff_chunk(b"EXIF", format_orientation(one)) for one in (1, 3)),
            VP8,
        ),
        "two-kinds": (make_canvas(), VP8, riff_chunk(b"ICCP", b"x"), riff_chunk(b"x   ", b"x")),
    }.items():
        yield name, "a picture or an animation, and nothing else", [make_webp(*chunks)]
    for length in (0, 3, 4, 5):
        made = b"RIFF" + length.to_bytes(4, "little") + b"WEBP" + VP8
        yield f"length-{length}", "counts what follows it", [made]
    odd = make_webp(riff_chunk(b"VP8 ", b"coded")[:-1])
    yield "odd-length", "some leave the filling out", [odd]
    yield "odd-length-filled", "and write it", [odd + b"\0"]
    yield "odd-length-and-more", "the rest goes", [odd + b"\0x"]
    yield "cut-by-two", "is refused", [make_webp(VP8)[:-2]]


def _list_gifs() -> Iterator[Case]:
    for size in (0, 1, 11, 12):
        image = b"," + bytes(4) + b"\1\0\1\0\0" + bytes([size]) + b"\2\x44\1\0"
        yield f"code-size-{size}", "is 1 to 11", [make_gif(image)]
    block = b"\1x"
    image = b"," + bytes(4) + b"\1\0\1\0\0\2" + block * MAX_PARTS + b"\0"
    yield "parts", "are too many", _fold(make_gif(image), block, MAX_PARTS)
    local = b"," + bytes(4) + b"\1\0\1\0\x81" + bytes(12) + b"\2\2\x44\1\0"
    yield "one-byte-behind", "goes", [make_gif(behind=b"x")]
    yield "own-colours", "stay", [make_gif(local)]
    yield "no-colours", "stays", [make_gif(flags=0)]
    yield "no-colours-shaped", "the pixels' shape goes", [make_gif(flags=0, aspect=1)]
    yield "colours-cut", "is refused", [make_gif()[:18]]
    yield "screen-cut", "is refused", [make_gif()[:12]]
    text = extension(0x01, bytes(12), b"x")
    comment = extension(0xFE, b"by Ana")
    loop = extension(0xFF, b"NETSCAPE2.0", b"\1\0\0")
    for name, blocks in {
        "control-comment-image": (GIF_CONTROL, comment, GIF_IMAGE),
        "control-text-image": (GIF_CONTROL, text, GIF_IMAGE),
        "control-text-trailer": (GIF_IMAGE, GIF_CONTROL, text),
        "comment-and-control": (comment, GIF_IMAGE, GIF_CONTROL),
        "comment-and-two-controls": (comment, GIF_CONTROL, GIF_CONTROL, GIF_IMAGE),
        "comment-and-unknown": (comment, extension(0x99, b"x"), GIF_IMAGE),
        "comment-empty": (extension(0xFE), GIF_IMAGE),
        "control-short": (extension(0xF9, bytes(3)), GIF_IMAGE),
        "control-of-two": (extension(0xF9, b"\1", b"\1\2"), GIF_IMAGE),
        "control-empty": (extension(0xF9), GIF_IMAGE),
        "loop-twice": (loop, loop, GIF_IMAGE),
        "loop-late": (GIF_IMAGE, loop),
        "loop-of-two-bytes": (extension(0xFF, b"NETSCAPE2.0", b"\1\0"), GIF_IMAGE),
        "loop-of-another-id": (extension(0xFF, b"NETSCAPE2.0", b"\2\0\0"), GIF_IMAGE),
        "loop-of-another": (extension(0xFF, b"ANIMEXTS1.0", b"\1\0\0"), GIF_IMAGE),
        "xmp-as-comment": (extension(0xFE, b"XMP DataXMP", b"exif:GPS"), GIF_IMAGE),
        "xmp-cut": (extension(0xFF, b"XMP DataXM", b"exif:GPS"), GIF_IMAGE),
    }.items():
        yield name, "extensions go but for two", [make_gif(*blocks)]
    yield (
        "xmp-far",
        "64 KiB of it are looked at",
        [
            make_gif()[:19] + b"\x21\xff\x0bXMP DataXMP",
            (b"\xff" + bytes(255), 300),
            b"\x08exif:GPS\0" + GIF_IMAGE + b";",
        ],
    )
