"""The cases of how a PDF is stored: tables, streams, filters, spelling; for the vectors' maker."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence

from tests.pdfs import DRAWN, make_page, make_pdf, make_stream

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

ROOT = b"<< /Type /Catalog /Pages 2 0 R >>"
TREE = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
SEEN = b"1 0 0 rg 20 20 30 30 re f\n"
FLATE = b"/Filter /FlateDecode"
START = b"startxref\n%d\n%%%%EOF\n"


def list_pdf_files() -> Iterator[Case]:
    """List the cases."""
    yield from _list_tables()
    yield from _list_mended()
    yield from _list_lengths()
    yield from _list_filters()
    yield from _list_words()
    yield from _list_bounds()


def _cases(prefix: str, why: str, files: Mapping[str, bytes]) -> Iterator[Case]:
    for name, data in files.items():
        yield f"{prefix}-{name}", why, [data]


def make_packed(
    *,
    widths: tuple[int, int, int] = (1, 2, 1),
    is_sorted: bool = True,
    entries: bytes = b"",
    first: bytes = b"",
) -> bytes:
    """Make a file whose objects lie in a stream, and whose table is one, too."""
    inside = {1: ROOT, 2: TREE, 3: make_page()}
    order = sorted(inside) if is_sorted else sorted(inside, reverse=True)
    head, body = b"", b""
    for number in order:
        head += b"%d %d " % (number, len(body))
        body += inside[number] + b" "
    stream = make_stream(
        head + body,
        b"/Type /ObjStm /N %d /First %d %s" % (len(inside), len(head), first),
        is_deflated=True,
    )
    data, rows = b"%PDF-1.5\n", [(0, 0, 255)]
    rows += [(2, 5, order.index(number)) for number in (1, 2, 3)]
    for number, written in ((4, make_stream(DRAWN)), (5, stream)):
        rows.append((1, len(data), 0))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, written)
    at = len(data)
    rows.append((1, at, 0))
    table = b"".join(
        b"".join(field.to_bytes(width, "big") for field, width in zip(row, widths, strict=True))
        for row in (rows if widths[2] else [(*row[:2], 0) for row in rows])
    )
    columns = sum(widths)
    lines = [table[i : i + columns] for i in range(0, len(table), columns)]
    above, rows_written = bytes(columns), b""
    for line in lines:
        rows_written += b"\2" + bytes(
            (one - other) & 255 for one, other in zip(line, above, strict=True)
        )
        above = line
    written = make_stream(
        rows_written,
        b"/Type /XRef /Size 7 /Root 1 0 R /W [%d %d %d] %s"
        b" /DecodeParms << /Predictor 12 /Columns %d >>" % (*widths, entries, columns),
        is_deflated=True,
    )
    return data + b"6 0 obj\n%s\nendobj\n" % written + START % at


def append_object(pdf: bytes, written: bytes, *, lines: bytes, entries: bytes = b"") -> bytes:
    """Append objects, and a table that says of them what is given."""
    before = int(pdf.split(b"startxref\n")[-1].split(b"\n")[0])
    at = len(pdf) + len(written)
    trailer = b"trailer\n<< /Size 9 /Root 1 0 R /Prev %d %s >>\n" % (before, entries)
    return pdf + written + b"xref\n" + lines + trailer + START % at


def _list_tables() -> Iterator[Case]:
    plain, packed = make_pdf({}), make_packed()
    page = b"3 0 obj\n%s\nendobj\n" % make_page(contents=b"8 0 R")
    shown = b"8 0 obj\n%s\nendobj\n" % make_stream(SEEN)
    line = b"%010d 00000 n \n"
    hybrid = b"3 1\n" + line % len(packed) + b"8 1\n" + line % (len(packed) + len(page))
    short = plain.replace(b" 00000 n \n", b" 00000 n\n").replace(b" 65535 f \n", b" 65535 f\n")
    start = int(plain.split(b"startxref\n")[1].split(b"\n")[0])
    tables = plain.index(b"xref\n0")
    odd = plain[:tables] + plain[tables:].replace(b"\n00000", b"\n ")
    numbered = make_pdf({5: b"7"}).replace(b"5 0 obj", b"5 3 obj")
    numbered = numbered.replace(b" 00000 n \ntrailer", b" 00003 n \ntrailer")
    files = {
        "packed": packed,
        "packed-backwards": make_packed(is_sorted=False),
        "packed-index": make_packed(entries=b"/Index [0 3 3 4]"),
        "packed-narrow": make_packed(widths=(1, 2, 0)),
        "packed-extended": make_packed(first=b"/Extends 9 0 R"),
        "packed-changed": append_object(packed, page + shown, lines=hybrid),
        "hybrid": append_object(
            packed,
            page + shown,
            lines=hybrid,
            entries=b"/XRefStm " + packed.split(b"startxref\n")[1].split(b"\n")[0],
        ),
        "short-lines": short,
        "odd-lines": odd,
        "space-before": plain.replace(b"startxref\n%d" % start, b"startxref\n%d" % (start - 1)),
        "generation": numbered.replace(b"/Contents 4 0 R", b"/Contents 4 0 R /Rotate 5 3 R"),
        "wrong-generation": make_pdf({3: make_page(b"/Rotate 5 3 R"), 5: b"90"}),
        "freed": append_object(
            make_pdf({3: make_page(b"/Rotate 5 0 R"), 5: b"90"}),
            b"",
            lines=b"5 1\n0000000000 00001 f \n",
        ),
        "nowhere": append_object(
            make_pdf({3: make_page(b"/Rotate 5 0 R"), 5: b"90"}), b"", lines=b"5 1\n" + line % 0
        ),
        "far-behind": plain + b"%" + b"x" * 900 + b"\n",
    }
    yield from _cases("table", "is read as its tables say", files)


def _list_mended() -> Iterator[Case]:
    plain, packed = make_pdf({}), make_packed()
    start = plain.split(b"startxref\n")[1].split(b"\n")[0]
    loop = append_object(plain, b"", lines=b"5 1\n%010d 00000 n \n" % 9)
    files = {
        "no-start": plain.replace(b"startxref", b"startxxxx"),
        "wrong-start": plain.replace(b"startxref\n" + start, b"startxref\n7"),
        "wrong-places": plain.replace(b"%PDF-1.4\n", b"%PDF-1.4\n%and more\n"),
        "no-table": plain[: plain.index(b"xref\n0")] + b"trailer\n<< /Root 1 0 R >>\n",
        "no-trailer": plain[: plain.index(b"xref\n0")] + b"\n",
        "packed-no-start": packed.replace(b"startxref", b"startxxxx"),
        "packed-wrong-places": packed.replace(b"%PDF-1.5\n", b"%PDF-1.5\n%and more\n"),
        "twice": plain.replace(b"4 0 obj\n", b"4 0 obj\n%s\nendobj\n4 0 obj\n" % make_stream(SEEN)),
        "loop": loop.replace(b"/Prev %s" % start, b"/Prev %d" % loop.rindex(b"xref\n5")),
        "behind-1024": plain + b"%" + b"x" * 2000 + b"\n",
        "cut": plain[: plain.index(b"endobj\nxref")],
        "cut-in-stream": plain[: plain.index(b" re f")],
        "returns": plain.replace(b"\n", b"\r").replace(b"startxref", b"startxxxx"),
        "lost-bracket": plain.replace(b"/Kids [3 0 R]", b"/Kids [3 0 R").replace(b"xref", b"x"),
        "words": plain.replace(b"/Kids [3 0 R]", b"/Kids [3 0 R what]").replace(b"xref", b"x"),
    }
    yield from _cases("mended", "is looked for where a table is damaged", files)


def _list_lengths() -> Iterator[Case]:
    def draw(length: bytes, *, mark: bytes = b"stream\n", end: bytes = b"\nendstream") -> bytes:
        return make_pdf({4: b"<< %s >>\n%s%s%s" % (length, mark, DRAWN, end), 5: b"27"})

    size = b"/Length %d" % len(DRAWN)
    files = {
        "elsewhere": draw(b"/Length 5 0 R").replace(b"27\nendobj", b"%d\nendobj" % len(DRAWN)),
        "too-long": draw(b"/Length 99"),
        "too-short": draw(b"/Length 9"),
        "missing": draw(b""),
        "negative": draw(b"/Length -4"),
        "no-number": draw(b"/Length /Ana"),
        "of-itself": draw(b"/Length 4 0 R"),
        "beyond": draw(b"/Length 999999999"),
        "no-end": draw(b"/Length 99", end=b""),
        "return": draw(size, mark=b"stream\r"),
        "spaces": draw(size, mark=b"stream  \r\n"),
        "no-line": draw(size, mark=b"stream "),
    }
    yield from _cases("length", "ends where it ends", files)


def _pack_codes(codes: Sequence[int], widths: Sequence[int]) -> bytes:
    bits = "".join(f"{code:0{width}b}" for code, width in zip(codes, widths, strict=True))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _predict(kind: int) -> bytes:
    """Write what is drawn in rows of five bytes, each of which says how it was predicted."""
    data = DRAWN.ljust(-(-len(DRAWN) // 5) * 5)
    out, above = b"", bytes(5)
    for start in range(0, len(data), 5):
        row = data[start : start + 5]
        guesses = []
        for i in range(5):
            left, up = (row[i - 1] if i else 0), above[i]
            corner = above[i - 1] if i else 0
            estimate = left + up - corner
            nearest = min((left, up, corner), key=lambda one: abs(estimate - one))
            guesses.append((0, left, up, (left + up) // 2, nearest)[kind])
        out += bytes([kind]) + bytes(
            (one - guess) & 255 for one, guess in zip(row, guesses, strict=True)
        )
        above = row
    return out


def _list_filters() -> Iterator[Case]:
    deflated = zlib.compress(DRAWN, 9)
    long = zlib.compress(b"%s%%%s\n" % (DRAWN, b"".join(b"%d " % i for i in range(9999))), 1)
    codes = [256, *DRAWN, 257]
    growing = [256, *(b"0 0 m " * 3000)[:400], 257]
    grown = [9] * 255 + [10] * (len(growing) - 255)
    tiff = bytes((one - (DRAWN[i - 1] if i % 9 else 0)) & 255 for i, one in enumerate(DRAWN))
    streams = {
        "behind": (deflated + b"\r\nrubbish", FLATE),
        "line-behind": (deflated + b"\n", FLATE),
        "cut": (deflated[:-6], FLATE),
        "late-cut": (long[:-2000], FLATE),
        "late-break": (long[:17000] + b"\xff" * 40 + long[17040:], FLATE),
        "stored": (zlib.compress(DRAWN, 0), FLATE),
        "lzw": (_pack_codes(codes, [9] * len(codes)), b"/Filter /LZWDecode"),
        "lzw-late": (
            _pack_codes(growing, grown),
            b"/Filter /LZWDecode /DecodeParms << /EarlyChange 1 >>",
        ),
        "base85": (base64.a85encode(DRAWN + bytes(4)) + b"~>", b"/Filter /ASCII85Decode"),
        "hex": (b" ".join(b"%02X" % one for one in DRAWN) + b"2>", b"/Filter /ASCIIHexDecode"),
        "runs": (b"\x05" + DRAWN[:6] + b"\xfe " + bytes([len(DRAWN) - 7]) + DRAWN[6:] + b"\x80",
                 b"/Filter /RunLengthDecode"),
        "two": (deflated.hex().encode() + b">", b"/Filter [/AHx /Fl] /DecodeParms [null null]"),
        "tiff": (
            zlib.compress(tiff),
            FLATE + b" /DecodeParms << /Predictor 2 /Columns 9 >>",
        ),
        **{
            f"predicted-{kind}": (
                zlib.compress(_predict(kind)),
                FLATE + b" /DecodeParms << /Predictor 15 /Columns 5 >>",
            )
            for kind in range(5)
        },
    }  # fmt: skip
    for name, (data, entries) in streams.items():
        yield f"filter-{name}", "is decoded", [make_pdf({4: make_stream(data, entries)})]
    broken = {
        "sum": deflated[:-1] + bytes([deflated[-1] ^ 1]),
        "dictionary": b"\x78\xbb" + deflated[2:],
        "nothing": b"Ana",
    }
    for name, data in broken.items():
        pdf = make_pdf({4: make_stream(data, FLATE)})
        yield f"refused-filter-{name}", "is broken from the beginning", [pdf]


def _list_words() -> Iterator[Case]:
    def page(entries: bytes) -> bytes:
        return make_pdf({3: make_page(entries)})

    files = {
        "numbers": page(b"/CropBox [+0 -.0 007. 0099]"),
        "numbers-odd": page(b"/CropBox [0 0 --9 1e3]"),
        "number-too-large": page(b"/X [9223372036854775808]"),
        "number-large": page(b"/Rotate 9223372036854775807"),
        "name-escaped": page(b"/Ro#74ate 90 /Cr#6fpBox [0 0 9 9]"),
        "name-stray": page(b"/Rotate# 90 /Rotate#4 90"),
        "name-of-zero": page(b"/Ro#00tate 90"),
        "comment": page(b"/Rotate % and so on\n 90"),
        "twice": page(b"/Rotate 0 /Rotate 90"),
        "no-value": page(b"/CropBox [0 0 9 9] /Rotate"),
        "no-name": page(b"7 /Rotate 90 (Ana)"),
        "word": page(b"/Ana Bea /Rotate 90"),
        "null": page(b"/Rotate null"),
        "closed-twice": page(b"/Rotate 90 ] }"),
        "many-errors": page(b"/X [a b c d e f g] /Rotate 90"),
        "string-open": make_pdf({5: b"(Ana"}),
        "no-objects-end": make_pdf({}).replace(b"\nendobj", b""),
        "reference-to-reference": make_pdf({3: make_page(b"/Rotate 5 0 R"), 5: b"6 0 R"}),
        "reference-to-nothing": page(b"/Rotate 99 0 R /CropBox [0 0 9 0 0 R]"),
        "deep": page(b"/X %s1%s /Rotate 90" % (b"[" * 49, b"]" * 49)),
        "too-deep": page(b"/X %s1%s /Rotate 90" % (b"[" * 60, b"]" * 60)),
    }
    for case, name in {"short": b"A#2", "twice": b"A##41", "other": b"A#ZZ"}.items():
        font = b"/Subtype /Type1 /BaseFont /%s /Encoding << /Differences [1 /%s] >>" % (name, name)
        files[f"name-of-a-font-{case}"] = make_pdf(
            {
                3: make_page(resources=b"/Font << /F << %s >> >>" % font),
                4: make_stream(b"BT /F 9 Tf (x) Tj ET"),
            }
        )
    yield from _cases("words", "is read as it is spelled", files)


def _list_bounds() -> Iterator[Case]:
    """What is no stream is bounded, also behind the end of one."""
    numbers = b"1 " * 9
    large = make_pdf({5: make_stream(b"x"), 6: b"[%s]" % numbers, 7: make_stream(b"x")})
    head, _, tail = large.partition(numbers)
    yield "refused-texts", "has too much that is no stream", [head, (numbers, 1_000_000), tail]
    clears = b"\x80\x40\x20\x10\x08\x04\x02\x01\x00"  # eight codes of nine bits that give nothing
    nothing = make_pdf({4: make_stream(clears * 2_000_000, b"/Filter /LZWDecode")})
    parts = _repeat(nothing, clears, 2_000_000)
    yield "refused-clears", "decodes to nothing, and takes time", parts
    inside = zlib.compress(b" " * 4_000_000, 9).hex().encode() + b">"
    between = make_pdf(
        {
            3: make_page(contents=b"[%s]" % (b"4 0 R " * 20)),
            4: make_stream(inside, b"/Filter [/ASCIIHexDecode /FlateDecode /ASCIIHexDecode]"),
        }
    )
    yield "refused-between-filters", "is much between two filters", [between]
    for name, count in (("refused-page-again", 10_600), ("bounds-page-again", 1_000)):
        again = make_pdf(
            {
                2: b"<< /Type /Pages /Kids [%s] /Count 45 >>" % (b"3 0 R " * 45),
                3: make_page(b"/X [[%s]]" % (numbers * count)),
            }
        )
        yield name, "stands in the tree many times", _repeat(again, numbers, count)
    yield from _list_shared()


def _list_shared() -> Iterator[Case]:
    """Lists that many parts of a file have: what is short may be read often."""
    name = b"/Ana "
    long = b"[%s]" % (name * 220_000)
    many = make_pdf({4: make_stream(b"", b"/Filter 5 0 R"), 5: long})
    yield "refused-list-filters", "has more than there are", _repeat(many, name, 220_000)
    for case, entries in {"box": b"/CropBox 5 0 R", "contents": b""}.items():
        contents = b"5 0 R" if case == "contents" else b"4 0 R"
        data = make_pdf({3: make_page(entries, contents=contents), 5: b"[%s]" % (name * 999)})
        yield f"list-{case}", "is none", _repeat(data, name, 999)


def _repeat(data: bytes, unit: bytes, times: int) -> list[Part]:
    """Take apart a file that has something many times in a row."""
    before, _, behind = data.partition(unit * times)
    return [before, (unit, times), behind]
