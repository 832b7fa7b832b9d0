"""The cases of drawings of Windows inside documents, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.documents import make_word
from tests.metafiles import (
    BOX,
    FACE,
    LINE_TO,
    PLUS_HEAD,
    PLUS_RECTANGLE,
    TELLING,
    TELLING_JPEG,
    make_bits,
    make_comment,
    make_dib,
    make_emf,
    make_plus,
    make_record,
    make_wmf,
    make_word_record,
)
from tests.vectors.cleaning_documents import IMAGE, PICTURE

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

ROWS = b"\1\2\3\x99\1\2\3\x99"
POINTS = struct.pack("<4h", 1, 2, 3, 4)
CORNERS = struct.pack("<4i", 1, 2, 3, 4)
REGION = struct.pack("<4I", 32, 1, 1, 99) + BOX + BOX


def put_in_document(drawing: bytes) -> list[bytes]:
    """Put a drawing into a DOCX: by themselves they are no files that are cleaned."""
    return [make_word(PICTURE, IMAGE, word__media__ana_dot_x=drawing)]


def list_drawings() -> Iterator[Case]:
    """List the cases."""
    for name, rule, drawing in [*_list_emfs(), *_list_bitmaps(), *_list_wmfs()]:
        yield name, rule, put_in_document(drawing)


def make_font(face: bytes = FACE) -> bytes:
    """Make a font whose *face* ends, with a name behind the end, and all that is optional."""
    own = struct.pack("<I5i8B", 1, -12, 0, 0, 0, 400, *bytes(8))
    return make_record(82, own, (face + b"\0\0" + TELLING * 4)[:64], TELLING * 16)


def make_text(text: str, *, number: int = 84, text_at: int = 76, options: int = 0) -> bytes:
    """Make a *text* of EMF, with a distance for each letter and a word that nobody reads."""
    code = "utf-16-le" if number == 84 else "latin-1"
    letters = text.encode(code)
    distances_at = 76 + len(letters) + (-len(letters) % 4) + len(TELLING)
    own = BOX + struct.pack("<I2f2i", 1, 1, 1, 5, 5)
    own += struct.pack("<3I", len(text), text_at, options) + BOX + struct.pack("<I", distances_at)
    letters += bytes(-len(letters) % 4)
    return make_record(number, own, letters, TELLING, bytes(8 * len(text)))


def _list_emfs() -> Iterator[tuple[str, str, bytes]]:
    yield "emf", "stays but for how its head is written", make_emf(LINE_TO)
    yield "emf-many", "more records than an engine takes arguments", make_emf(*[LINE_TO] * 150_000)
    yield "emf-description", "goes", make_emf(LINE_TO, description="Draw\0by Ana\0\0")
    yield "emf-comment", "goes", make_emf(make_comment(TELLING), LINE_TO)
    yield "emf-profile", "goes", make_emf(make_record(122, TELLING), LINE_TO)
    yield "emf-escape", "goes", make_emf(make_record(106, TELLING), LINE_TO)
    yield "emf-behind", "what stands behind the end goes", make_emf(LINE_TO, behind=TELLING)
    dual = make_plus((PLUS_HEAD, 1), (PLUS_RECTANGLE, 0))
    yield "emf-plus-dual", "EMF+ goes where records draw the same", make_emf(dual, LINE_TO)
    alone = make_plus((PLUS_HEAD, 0), (PLUS_RECTANGLE, 0))
    yield "emf-plus-alone", "is refused", make_emf(alone, LINE_TO)
    state = make_plus((PLUS_HEAD, 0), (0x4004, 0))
    yield "emf-plus-state", "goes where it draws nothing", make_emf(state, LINE_TO)
    broken = make_comment(b"EMF+" + struct.pack("<2H2I", 0x4004, 0, 0, 0))
    yield "emf-plus-broken", "its records end", make_emf(broken, LINE_TO)
    yield "emf-unknown", "what may draw is refused", make_emf(make_record(102, TELLING))
    yield "emf-longer", "a record is as long as it is", make_emf(make_record(54, CORNERS))
    yield "emf-without-end", "is refused", make_emf(LINE_TO, end=False)
    yield "emf-cut", "is refused", make_emf(LINE_TO)[:-8]
    yield "emf-length-0", "is refused", make_emf(struct.pack("<2I", 99, 0))
    yield "emf-length-odd", "is refused", make_emf(struct.pack("<2I", 70, 9), bytes(4))
    yield "emf-head", "is refused", make_emf()[:4] + b"\x08\0\0\0" + make_emf()[8:]
    yield "emf-head-cut", "is refused", make_emf()[:60]
    pen = struct.pack("<I4iI", 38, 28, 1, 0, 1, 77) + b"\1\2\3\0"
    yield "emf-pen", "the second width means nothing", make_emf(pen)
    for style in (0, 2):
        brush = make_record(39, struct.pack("<2I", 1, style), b"\1\2\3\0", b"\7\0\0\0")
        yield f"emf-brush-{style}", "only hatched ones have a hatch", make_emf(brush)
        own = struct.pack("<5I3I", 1, 56, 0, 56, 0, 0, 1, style)
        styled = make_record(95, own, b"\1\2\3\0", b"\7\0\0\0", bytes(4), TELLING)
        yield f"emf-styled-pen-{style}", "likewise", make_emf(styled)
    own = struct.pack("<5I3I", 1, 56, 40, 96, 4, 0, 1, 5)
    yield "emf-pen-of-bitmaps", "is refused", make_emf(make_record(95, own, bytes(12), ROWS))
    yield "emf-font", "keeps its face's name alone", make_emf(make_font())
    yield "emf-font-long", "a name may fill its field", make_emf(make_font(b"\1\1" * 32))
    yield "emf-font-cut", "is refused", make_emf(make_record(82, TELLING))
    yield "emf-palette", "colours alone", make_emf(make_record(49, b"\1\0\0\0\0\3\1\0", TELLING))
    for number in (83, 84):
        yield f"emf-text-{number}", "its letters alone", make_emf(make_text("abc", number=number))
    yield "emf-text-twice", "two distances a letter", make_emf(make_text("abc", options=0x2000))
    yield "emf-text-none", "no letters", make_emf(make_text(""))
    yield "emf-text-before", "is refused", make_emf(make_text("abc", text_at=8))
    near = make_text("abc")[:72] + b"\x08\0\0\0" + make_text("abc")[76:]
    yield "emf-text-near", "distances stand behind its fields", make_emf(near)
    yield "emf-short", "a count stands in the record", make_emf(make_record(87, BOX[:8]))
    coloured = make_emf(LINE_TO)[:68] + b"\1\0\0\0" + make_emf(LINE_TO)[72:]
    yield "emf-coloured", "a palette goes", coloured
    yield "emf-text-beyond", "is refused", make_emf(make_text("abc", text_at=2**31))
    own = struct.pack("<2i3I2f", 1, 1, 3, 0x300, 1, 1, 1)
    yield "emf-text-short", "its letters alone", make_emf(make_record(108, own, b"abc", TELLING))
    own = struct.pack("<2i3I2f", 1, 1, 1, 0, 1, 1, 1)
    yield "emf-text-box", "likewise", make_emf(make_record(108, own, BOX, b"a\0", TELLING))
    line = make_record(87, BOX, struct.pack("<I", 2), POINTS, TELLING)
    yield "emf-line", "as many points as it says", make_emf(line)
    yield "emf-line-cut", "is refused", make_emf(make_record(87, BOX, b"\3\0\0\0", POINTS))
    types = make_record(92, BOX, struct.pack("<I", 2), POINTS, b"\6\2\7\7", TELLING)
    yield "emf-typed", "and a byte for each", make_emf(types)
    for number, points in ((8, CORNERS), (91, POINTS)):
        for total in (2, 3):
            own = BOX + struct.pack("<4I", 2, 2, total - 1, 1)
            polygons = make_record(number, own, points, TELLING)
            yield f"emf-polygons-{number}-{total}", "counts agree", make_emf(polygons)
    fill = make_record(71, BOX, struct.pack("<2I", 99, 1), REGION, TELLING)
    yield "emf-region", "its boxes alone", make_emf(fill)
    yield "emf-clip", "likewise", make_emf(make_record(75, b"\x63\0\0\0\5\0\0\0", REGION, TELLING))
    yield "emf-clip-none", "none", make_emf(make_record(75, b"\0\0\0\0\5\0\0\0", TELLING))
    other = make_record(75, b"\x63\0\0\0\5\0\0\0", b"\x21", REGION[1:])
    yield "emf-region-other", "is refused", make_emf(other)
    for way in (0, 2):
        own = BOX + struct.pack("<3I", 2, 1, way) + bytes(32)
        gradient = make_record(118, own, CORNERS[:12], TELLING)
        yield f"emf-gradient-{way}", "its places alone", make_emf(gradient)


def _list_bitmaps() -> Iterator[tuple[str, str, bytes]]:
    yield "dib", "no resolution, nothing between", make_emf(make_bits(make_dib(), ROWS + TELLING))
    yield "dib-upside-down", "stays so", make_emf(make_bits(make_dib(height=-2), ROWS))
    longer = make_dib(head_bytes=124)
    yield "dib-newer", "its head becomes short", make_emf(make_bits(longer, ROWS))
    yield "dib-head", "an unknown one is refused", make_emf(make_bits(b"\x29" + bytes(50), ROWS))
    yield "dib-head-cut", "is refused", make_emf(make_bits(make_dib()[:9], ROWS))
    old = struct.pack("<I4H", 12, 9, 2, 1, 1) + b"\1\2\3\4\5\6"
    yield "dib-old", "its head stays", make_emf(make_bits(old + TELLING, b"\xff" * 8))
    for what, head in (
        ("colours", old[:-1]),
        ("size", struct.pack("<I4H", 12, 0, 2, 1, 1) + bytes(6)),
        ("depth", struct.pack("<I4H", 12, 9, 2, 1, 16)),
    ):
        yield f"dib-old-{what}", "is refused", make_emf(make_bits(head, b"\xff" * 8))
    bits = make_dib(width=33, depth=1)
    yield "dib-bits", "what fills rows up is blank", make_emf(make_bits(bits, b"\xff" * 16))
    yield "dib-cut", "too few rows", make_emf(make_bits(make_dib(height=3), ROWS))
    yield "dib-colours", "too many", make_emf(make_bits(make_dib(depth=1, colours=bytes(12)), ROWS))
    yield "dib-colours-cut", "too few", make_emf(make_bits(make_dib()[:-4], ROWS))
    yield (
        "dib-all-colours",
        "all of them",
        make_emf(make_bits(make_dib(depth=4, colours=b"")[:40] + TELLING * 4, b"\x12\x39\0\0" * 2)),
    )
    yield "dib-depth", "an unknown one is refused", make_emf(make_bits(make_dib(depth=2), ROWS))
    yield "dib-flat", "is refused", make_emf(make_bits(make_dib(width=0), ROWS))
    yield (
        "dib-numbers",
        "colours of a palette",
        make_emf(make_bits(make_dib(colours=b"\1\2\3\4\5\6\7\x08"), ROWS, usage=1)),
    )
    yield "dib-palette", "no colours", make_emf(make_bits(make_dib(), ROWS, usage=2))
    yield "dib-usage", "an unknown one is refused", make_emf(make_bits(make_dib(), ROWS, usage=3))
    deep = make_dib(depth=24, colours=b"")
    yield "dib-deep", "no colours", make_emf(make_bits(deep, b"\1" * 24))
    for depth in (16, 24):
        masks = make_dib(depth=depth, compression=3, colours=TELLING[:12])
        yield f"dib-masks-{depth}", "of 16 and 32 bits", make_emf(make_bits(masks, b"\1" * 24))
    masks = make_dib(width=1, height=1, depth=32, compression=3, head_bytes=108, colours=b"")
    yield "dib-masks-newer", "stand in the head", make_emf(make_bits(masks, b"\1\2\3\4"))
    packed = b"\2\7\0\3\1\2\3\0\0\2\1\1\0\0\0\1"
    for compression, depth in ((1, 8), (2, 4), (1, 4)):
        runs = make_dib(depth=depth, compression=compression)
        record = make_bits(runs, packed + TELLING)
        yield f"dib-runs-{compression}-{depth}", "up to their end", make_emf(record)
    endless = make_bits(make_dib(compression=1), b"\2\7\2\7")
    yield "dib-runs-endless", "are refused", make_emf(endless)
    jpeg = make_dib(depth=0, compression=4, colours=b"")
    yield "dib-jpeg", "is cleaned by its own rules", make_emf(make_bits(jpeg, TELLING_JPEG))
    yield "dib-jpeg-broken", "is refused", make_emf(make_bits(jpeg, TELLING_JPEG[:-2]))
    for number in (93, 94):
        pattern = make_bits(make_dib(), ROWS, number=number)
        yield f"dib-pattern-{number}", "likewise", make_emf(pattern)
    own = BOX + bytes(24) + struct.pack("<4I", 40, 48, 128, 8) + struct.pack("<4I", 0, 0, 3, 2)
    yield "dib-before", "is refused", make_emf(make_record(81, own, make_dib(), ROWS))
    own = BOX + bytes(16) + b"\x29\0\xaa\0" + bytes(36) + struct.pack("<4I", 0, 9, 0, 9) + bytes(4)
    yield "dib-none", "a block without a bitmap", make_emf(make_record(76, own))
    own = BOX + bytes(24) + struct.pack("<4I", 76, 48, 124, 4) + struct.pack("<3I", 0, 0, 1)
    yield "dib-rows", "some of its rows", make_emf(make_record(80, own, make_dib(), ROWS))
    own = BOX + bytes(56) + struct.pack("<5I", 0, 128, 48, 176, 8)
    own += struct.pack("<7I", 0, 0, 0, 184, 48, 232, 8)
    masked = make_record(78, own, make_dib(), ROWS, make_dib(), ROWS)
    yield "dib-mask", "and a second one", make_emf(masked)


def _list_wmfs() -> Iterator[tuple[str, str, bytes]]:
    line = make_word_record(0x0213, b"\1\0\2\0")
    yield "wmf", "stays but for how its head is written", make_wmf(line)
    yield "wmf-placed", "its place and its scale stay", make_wmf(line, is_placed=True)
    yield "wmf-placed-alone", "is refused", make_wmf(is_placed=True)[:30]
    escape = make_word_record(0x0626, b"\x0f\0\x10\0", TELLING)
    yield "wmf-escape", "goes", make_wmf(escape, line)
    yield "wmf-behind", "goes", make_wmf(line, behind=TELLING)
    yield "wmf-cut", "is refused", make_wmf(line)[:-4]
    yield "wmf-end-cut", "is refused", make_wmf(line)[:-6]
    yield "wmf-length-0", "is refused", make_wmf(bytes(2) + make_word_record(0x0213))
    yield "wmf-longer", "is refused", make_wmf(make_word_record(0x0213, TELLING))
    yield "wmf-mode", "a word means nothing", make_wmf(make_word_record(0x0102, b"\1\0An"))
    yield "wmf-unknown", "is refused", make_wmf(make_word_record(0x01F9, TELLING))
    pen = make_word_record(0x02FA, b"\1\0\2\0\7\7\1\2\3\0", TELLING)
    yield "wmf-pen", "its second width means nothing", make_wmf(pen)
    for style in (b"\0\0", b"\2\0"):
        brush = make_word_record(0x02FC, style, b"\1\2\3\0\7\0")
        yield f"wmf-brush-{style[0]}", "only hatched ones have a hatch", make_wmf(brush)
    font = make_word_record(0x02FB, bytes(18), b"Sans\0", TELLING, b"\0")
    yield "wmf-font", "keeps its face's name alone", make_wmf(font)
    yield "wmf-font-cut", "is refused", make_wmf(make_word_record(0x02FB, bytes(16)))
    yield "wmf-points", "their number", make_wmf(make_word_record(0x0324, b"\2\0", POINTS, TELLING))
    polygons = make_word_record(0x0538, b"\2\0\1\0\1\0", POINTS, TELLING)
    yield "wmf-polygons", "their numbers", make_wmf(polygons)
    yield "wmf-polygons-cut", "is refused", make_wmf(make_word_record(0x0538, b"\2\0\1\0"))
    palette = make_word_record(0x00F7, b"\0\3\1\0\1\2\3\4", TELLING)
    yield "wmf-palette", "its colours", make_wmf(palette)
    text = make_word_record(0x0521, b"\3\0abcX\1\0\2\0", TELLING)
    yield "wmf-text", "its letters", make_wmf(text)
    for name, rest in (
        ("distances", b"abcX\1\0\1\0\1\0" + TELLING),
        ("cut", b"abcX\1\0"),
    ):
        placed = make_word_record(0x0A32, b"\1\0\2\0\3\0\0\0", rest)
        yield f"wmf-text-{name}", "its letters, and all distances or none", make_wmf(placed)
    boxed = make_word_record(0x0A32, b"\1\0\2\0\2\0\2\0", POINTS, b"ab")
    yield "wmf-text-box", "in a box", make_wmf(boxed)
    own = struct.pack("<I8h", 0xCC0020, 2, 3, 0, 0, 2, 3, 0, 0)
    shown = make_word_record(0x0B41, own, make_dib(), ROWS, TELLING)
    yield "wmf-bitmap", "is cleaned", make_wmf(shown)
    block = make_word_record(0x0B41, struct.pack("<I9h", 0x42, 2, 3, 0, 0, 7, 2, 3, 0, 0))
    yield "wmf-block", "a block without a bitmap", make_wmf(block)
    own = struct.pack("<I9h", 0xCC0020, 0, 2, 3, 0, 0, 2, 3, 0, 0)
    stretched = make_word_record(0x0F43, own, make_dib(), ROWS)
    yield "wmf-stretched", "likewise", make_wmf(stretched)
    rows = make_word_record(0x0D33, struct.pack("<9h", 0, 1, 0, 0, 0, 2, 3, 0, 0), make_dib(), ROWS)
    yield "wmf-rows", "some of its rows", make_wmf(rows)
