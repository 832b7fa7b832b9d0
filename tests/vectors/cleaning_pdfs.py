"""The cases of PDF, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.pdfs import DRAWN, append_version, make_page, make_pdf, make_stream
from tests.pictures import make_jpeg, segment
from tipline.cleaning.jpeg import JFIF
from tipline.cleaning.pdf_rules import PDF_RULES

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

INFO = b"<< /Author (Ana) /Creator (Word) /CreationDate (D:2026) /Title (Depot) /Mood (low) >>"
XMP = make_stream(b"<x xmpMM:DocumentID='1' dc:creator='Ana'/>", b"/Type /Metadata /Subtype /XML")
IMAGE = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8"
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]"
TYPE1 = (
    b"%!PS-AdobeFont-1.0: Ana 001.001\n%%CreationDate: today\n/FontInfo 2 dict dup begin\n"
    b"/Notice (by Ana) readonly def\n/UniqueID 5020931 def\nend\ncurrentfile eexec\n\x80\x81"
)
TELLING_JPEG = make_jpeg(JFIF, segment(0xFE, b"by Ana"))


def make_sfnt(tables: dict[bytes, bytes]) -> bytes:
    """Make a font of tables."""
    head, body = struct.pack(">4sHHHH", b"\0\1\0\0", len(tables), 0, 0, 0), b""
    for name, content in tables.items():
        at = 12 + 16 * len(tables) + len(body)
        head += struct.pack(">4sIII", name, 7, at, len(content))
        body += content
    return head + body


def make_index(*items: bytes) -> bytes:
    """Make an index of a compact font."""
    if not items:
        return b"\0\0"
    ends = [1]
    for item in items:
        ends.append(ends[-1] + len(item))
    return struct.pack(">HB", len(items), 1) + bytes(ends) + b"".join(items)


# A notice that is the first string of its own, and a number of identity.
COMPACT = (
    b"\1\0\4\1"
    + make_index(b"Ana")
    + make_index(b"\xf8\x1b\1" + b"\x1d\0\1\2\3\x0d")
    + make_index(b"by Ana", b"glyph")
    + make_index()
)


def list_pdfs() -> Iterator[Case]:
    """List the cases of PDF."""
    yield from _list_documents()
    yield from _list_contents()
    yield from _list_annotations()
    yield from _list_drawn()
    yield from _list_fonts()
    yield from _list_refused()


def _list_documents() -> Iterator[Case]:
    yield "plain", "is written anew", [make_pdf({})]
    yield "info", "goes", [make_pdf({5: INFO}, trailer=b"/Info 5 0 R")]
    yield "id", "goes", [make_pdf({}, trailer=b"/ID [<01> <02>]")]
    yield "xmp", "goes, its words are its kinds", [make_pdf({5: XMP}, root=b"/Metadata 5 0 R")]
    yield (
        "version",
        "an earlier version goes",
        [append_version(make_pdf({4: make_stream(b"(Ana) Tj")}), 4, make_stream(DRAWN))],
    )
    yield "behind", "what lies behind the end goes", [make_pdf({}, behind=b"Ana")]
    yield (
        "unused",
        "what nothing draws goes",
        [make_pdf({5: make_stream(b"(Ana) Tj")})],
    )
    yield (
        "files",
        "embedded files go",
        [
            make_pdf(
                {
                    5: b"<< /Names [(a) << /F (ana.doc) /EF << /F 6 0 R >> >>] >>",
                    6: make_stream(b"x"),
                },
                root=b"/Names << /EmbeddedFiles 5 0 R >>",
            )
        ],
    )
    yield (
        "actions",
        "scripts, bookmarks and structure go",
        [
            make_pdf(
                {5: b"<< /Title (Ana) >>"},
                root=b"/OpenAction << /S /JavaScript /JS (x) >> /Outlines 5 0 R /Lang (es)"
                b" /StructTreeRoot << /Alt (Ana) >>",
            )
        ],
    )
    yield (
        "page",
        "what a page says besides goes",
        [make_pdf({3: make_page(b"/LastModified (D:2026) /PieceInfo << >> /Thumb 4 0 R /Ana 1")})],
    )
    yield (
        "inherited",
        "what a page has from above is its own",
        [
            make_pdf(
                {
                    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Rotate 90 /MediaBox [0 0 9 9.50]"
                    b" /Resources << /ExtGState << /Ana << /CA .5 >> >> >> >>",
                    3: b"<< /Type /Page /Parent 2 0 R /Contents [4 0 R 5 0 R] >>",
                    5: make_stream(b"/Ana gs 0 0 1 1 re f", is_deflated=True),
                }
            )
        ],
    )
    yield (
        "no-size",
        "a page without a size has the usual one",
        [make_pdf({3: b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"})],
    )
    yield (
        "size-of-five",
        "what is no rectangle is no size",
        [make_pdf({3: make_page(b"/CropBox [0 0 (x) 9]").replace(b"[0 0 100", b"[0 0 7 100")})],
    )
    yield (
        "name-of-bytes",
        "a name need not be a text",
        [
            make_pdf(
                {
                    3: make_page(resources=b"/ExtGState << /A\x95 << /CA .5 >> >>"),
                    4: make_stream(b"/A\x95 gs 0 0 1 1 re f"),
                }
            )
        ],
    )
    yield (
        "layers",
        "layers that are shown lose their marks",
        [
            make_pdf(
                {
                    3: make_page(resources=b"/Properties << /L 5 0 R >>"),
                    4: make_stream(b"/OC /L BDC\n" + DRAWN + b"EMC"),
                    5: b"<< /Type /OCG /Name (Ana) >>",
                },
                root=b"/OCProperties << /OCGs [5 0 R] /D << /Order [5 0 R] >> >>",
            )
        ],
    )


def _list_contents() -> Iterator[Case]:
    contents = {
        "comment": b"% Ana\n0 0 1 1 re % Ana\nf",
        "operands": b"(Ana) << /A (Ana) >> 1 0 0 rg /Ana 0 0 1 1 re f",
        "operators": b"Ana BX 1 2 Ana2 EX 0 0 1 1 re f",
        "missing": b"1 0 rg 0 0 1 1 re f",
        "marked": b"/Span << /ActualText (Ana) /N << >> >> BDC 0 0 1 1 re f EMC /P MP",
        "strings": b"BT (a\\(b\\\nc\\101(d)) Tj <4 1 4> Tj [(a) -3 <42> /Ana] TJ ( Ana",
        "colours": b"/DeviceRGB cs 1 0 0 sc /Ana cs 1 /Ana scn /Perceptual ri /Ana ri 0 0 1 1 re f",
        "missing-font": b"BT /Ana 9 Tf (a) Tj ET",
        "inline": b"BI /W 2 /H 2 /CS /G /BPC 8 /Ana (Ana) ID \1EI\2\nEI Q 0 0 1 1 re f",
        "inline-jpeg": b"BI /W 8 /H 8 /CS /G /BPC 8 /F /DCT ID " + TELLING_JPEG + b"\nEI",
        "inline-hex": b"BI /Width 1 /H 1 /CS /Ana /BPC 8 /F [/AHx] ID ff>\nEI",
    }
    for name, drawn in contents.items():
        yield f"content-{name}", "only what draws stays", [make_pdf({4: make_stream(drawn)})]
    yield (
        "inline-text",
        "a text in an image's head is refused",
        [make_pdf({4: make_stream(b"BI /W 1 /H 1 /D (Ana) ID x\nEI")})],
    )
    yield (
        "inline-endless",
        "is refused",
        [make_pdf({4: make_stream(b"BI /W 1 /H 1 /F /AHx ID xx")})],
    )


def _list_annotations() -> Iterator[Case]:
    seen = make_stream(DRAWN, FORM + b" /Metadata 9 0 R")
    annotations = {
        "link": b"<< /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (x?u=ana) >> >>",
        "comment": b"<< /Subtype /Text /Rect [0 0 9 9] /T (Ana) /M (D:2026) /Contents (no) >>",
        "stamp": b"<< /Subtype /Stamp /Rect [9 9 18 18] /AP << /N 6 0 R >> /T (Ana) >>",
        "hidden": b"<< /Subtype /Stamp /F 2 /Rect [9 9 18 18] /AP << /N 6 0 R >> >>",
        "window": b"<< /Subtype /Popup /F 4 /Rect [9 9 18 18] /AP << /N 6 0 R >> >>",
        "attached": b"<< /Subtype /FileAttachment /Rect [0 0 9 9] /FS << /F (ana.doc) >> >>",
    }
    for name, annotation in annotations.items():
        yield (
            f"annotation-{name}",
            "what is seen is drawn, the rest goes",
            [make_pdf({3: make_page(b"/Annots [5 0 R]"), 5: annotation, 6: seen, 9: XMP})],
        )
    drawn = {
        **{
            kind: b"/Subtype /%s /IC [0] /C [0] /QuadPoints [9 18 18 18 9 9 18 9]" % kind.encode()
            for kind in PDF_RULES["drawn_notes"]
        },
        "state": b"/Subtype /Stamp /AP << /N << /On 6 0 R >> >> /AS /Off",
        "state-missing": b"/Subtype /Stamp /AP << /N << /On 6 0 R >> >>",
        "flag": b"/Subtype /Stamp /F 1 /AP << /N 6 0 R >>",
    }
    for name, entries in drawn.items():
        note = b"<< %s /Rect [9 9 18 18] >>" % entries
        files = {f"refused-note-{name}": note}
        if name in ("Square", "state"):
            files[f"note-hidden-{name}"] = b"<< /F 2 %s >>" % note[3:-3]
            files[f"note-not-on-screens-{name}"] = b"<< /F 32 %s >>" % note[3:-3]
        for case, annotation in files.items():
            yield (
                case,
                "what viewers draw by themselves is refused unless it is hidden",
                [make_pdf({3: make_page(b"/Annots [5 0 R]"), 5: annotation, 6: seen, 9: XMP})],
            )
    field = b"/Subtype /Widget /Rect [9 9 18 18] /AP << /N 6 0 R >> /F 4"
    for name, value in {
        "text": b"/FT /Tx /T (name) /V (Ana)",
        "signature": b"/FT /Sig /T (s) /V << /Type /Sig /Name (Ana) /M (D:2026) >>",
    }.items():
        yield (
            f"field-{name}",
            "what was filled in is drawn",
            [
                make_pdf(
                    {
                        3: make_page(b"/Annots [5 0 R]"),
                        5: b"<< %s %s >>" % (field, value),
                        6: make_stream(DRAWN, FORM),
                    },
                    root=b"/AcroForm << /Fields [5 0 R] >>",
                )
            ],
        )


def _list_drawn() -> Iterator[Case]:
    def show(resources: bytes, drawn: bytes, **objects: bytes) -> list[Part]:
        numbered = {int(name[1:]): body for name, body in objects.items()}
        return [make_pdf({3: make_page(resources=resources), 4: make_stream(drawn), **numbered})]

    images = {
        "jpeg": (TELLING_JPEG, b"/Filter /DCTDecode /ColorSpace /DeviceGray /OPI << /F (x) >>"),
        "jpeg-in-hex": (
            TELLING_JPEG.hex().encode() + b">",
            b"/Filter [/ASCIIHexDecode /DCTDecode] /DecodeParms [null << /ColorTransform 0 >>]",
        ),
        "plain": (b"\x55" * 64, b"/ColorSpace /DeviceGray /Metadata 9 0 R /Name /Ana"),
        "profile": (b"\x55" * 64, b"/ColorSpace [/ICCBased 6 0 R] /Intent /Ana"),
        "indexed": (b"\0" * 64, b"/ColorSpace [/Indexed /DeviceRGB 0 <010203>] /Decode [0 1]"),
        "runs": (b"\xc1\0\x80", b"/Filter /RunLengthDecode /ColorSpace /DeviceGray"),
        "fax": (b"\0\1", b"/Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 8 /Ana (x) >>"),
    }
    for name, (data, entries) in images.items():
        yield (
            f"image-{name}",
            "what a decoder needs stays",
            show(
                b"/XObject << /Ana 5 0 R /Bea 5 0 R >>",
                b"/Ana Do /Missing Do",
                _5=make_stream(data, IMAGE + b" " + entries),
                _6=make_stream(b"Anas screen", b"/N 1 /Alternate /DeviceGray"),
                _9=XMP,
            ),
        )
    yield (
        "image-deflated",
        "what lies behind a zlib stream goes",
        show(
            b"/XObject << /A 5 0 R >>",
            b"/A Do",
            _5=make_stream(
                # Stored, not compressed: the same from every zlib.
                b"\x78\x01\x01\1\0\xfe\xff\x55\0\x56\0\x56" + b"Ana",
                b"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8"
                b" /ColorSpace /DeviceGray /Filter /FlateDecode",
            ),
        ),
    )
    yield (
        "image-jbig2",
        "of its segments comments go",
        show(
            b"/XObject << /A 5 0 R >>",
            b"/A Do",
            _5=make_stream(
                b"\0\0\0\0\x30\0\1\0\0\0\x13" + bytes(19) + b"\0\0\0\1\x3e\0\1\0\0\0\3Ana",
                IMAGE + b" /Filter /JBIG2Decode",
            ),
        ),
    )
    yield (
        "form",
        "draws with its own resources, or with those of the page",
        show(
            b"/XObject << /A 5 0 R /B 6 0 R >> /ExtGState << /G << /ca 0.5 /Ana (x) >> >>",
            b"/A Do /B Do",
            _5=make_stream(b"/G gs /A Do", FORM + b" /LastModified (D:2026) /Ref << >>"),
            _6=make_stream(
                b"/A Do",
                FORM + b" /Resources << /XObject << /A 5 0 R >> >> /Group << /S /Transparency >>",
            ),
        ),
    )
    yield (
        "pattern",
        "shadings and functions stay",
        show(
            b"/Pattern << /P 5 0 R >> /Shading << /S << /ShadingType 2 /ColorSpace /DeviceGray"
            b" /Coords [0 0 9 9] /Function 6 0 R >> >>",
            b"/Pattern cs /P scn 0 0 9 9 re f /S sh",
            _5=make_stream(
                b"0 0 1 1 re f",
                b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 9 /YStep 9"
                b" /Resources << >>",
            ),
            _6=make_stream(
                b"{ % Ana\n 2 exch sub }", b"/FunctionType 4 /Domain [0 1] /Range [0 1]"
            ),
        ),
    )
    yield (
        "inks",
        "lose the names that are their own",
        show(
            b"/ColorSpace << /A [/Separation /Anas#20ink /DeviceGray 5 0 R]"
            b" /B [/DeviceN [/Cyan /Other] /DeviceGray 5 0 R << /Ana 1 >>] /C [/Lab 6 0 R] >>",
            b"/A cs 1 scn /B cs 1 1 scn /C cs 0 0 0 sc 0 0 9 9 re f",
            _5=b"<< /FunctionType 2 /Domain [0 1] /N 1 >>",
            _6=b"<< /WhitePoint [0.9 1 1.1] /Ana (x) >>",
        ),
    )
    yield (
        "colours-broken",
        "what lacks a part goes with all that it refers to",
        show(
            b"/ColorSpace << /A [/Separation /X /Ana 5 0 R] /B [/Indexed [/CalGray 6 0 R] 1]"
            b" /C [/Separation /X /DeviceGray /Y] >> /ExtGState << /D << /Font [7 0 R (x)] >> >>",
            b"/A cs /B cs /C cs /D gs 0 0 9 9 re f",
            _5=b"<< /FunctionType 2 /Domain [0 1] /N 1 >>",
            _6=b"<< /WhitePoint [0.9 1 1.1] >>",
            _7=b"<< /Type /Font /Subtype /Type1 /BaseFont /Ana >>",
        ),
    )
    yield (
        "cycle",
        "a form in itself ends",
        show(
            b"/XObject << /A 5 0 R >>",
            b"/A Do",
            _5=make_stream(b"/A Do", FORM + b" /Resources << /XObject << /A 5 0 R >> >>"),
        ),
    )


def _list_fonts() -> Iterator[Case]:
    def show(*objects: bytes) -> list[Part]:
        numbered = dict(enumerate(objects, 5))
        drawn = make_stream(b"BT /F 9 Tf (a) Tj ET")
        return [make_pdf({3: make_page(resources=b"/Font << /F 5 0 R >>"), 4: drawn, **numbered})]

    simple = (
        b"<< /Type /Font /Subtype /%s /BaseFont /QWERTY+Ana /FirstChar 97 /LastChar 97"
        b" /Widths [500] /FontDescriptor 6 0 R /Name /F /Encoding << /BaseEncoding /WinAnsiEncoding"
        b" /Differences [97 /a] >> /ToUnicode 8 0 R >>"
    )
    descriptor = (
        b"<< /Type /FontDescriptor /FontName /QWERTY+Ana /Flags 32 /FontBBox [0 0 9 9]"
        b" /CharSet (/a) /FontFamily (Ana) /%s 7 0 R >>"
    )
    codes = make_stream(
        b"%!PS-Adobe\n%%Title: (Ana)\n/CIDSystemInfo << /Ordering (Ana) >> def\n"
        b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfchar <61> <0061> endbfchar\n"
        b"1 beginbfrange <62> <63> [<0062> <0063>] endbfrange"
    )
    tables = make_sfnt(
        {b"name": b"by Ana", b"head": bytes(range(54)), b"glyf": b"12345", b"FFTM": b"day"}
    )
    for name, kind, key, data, entries in (
        ("type1", b"Type1", b"FontFile", TYPE1, b"/Length1 9"),
        ("truetype", b"TrueType", b"FontFile2", tables, b"/Length1 9"),
        ("compact", b"Type1", b"FontFile3", COMPACT, b"/Subtype /Type1C"),
    ):
        yield (
            f"font-{name}",
            "what draws stays, what tells of its making goes",
            show(simple % kind, descriptor % key, make_stream(data, entries), codes),
        )
    yield (
        "font-many",
        "codes of two bytes",
        show(
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Ana /Encoding 8 0 R"
            b" /DescendantFonts [6 0 R] >>",
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Ana /CIDToGIDMap /Identity"
            b" /CIDSystemInfo << /Registry (Ana) /Ordering (Anas) /Supplement 7 >>"
            b" /W [1 [500 600] 3 4 500] /DW 1000 >>",
            b"null",
            make_stream(
                b"/H usecmap /WMode 1 def 1 begincidrange <0000> <00ff> 0 endcidrange",
                b"/Type /CMap /CMapName /Ana",
            ),
        ),
    )
    yield (
        "font-drawn",
        "letters are drawn as pages are",
        show(
            b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0]"
            b" /CharProcs << /a 6 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97"
            b" /LastChar 97 /Widths [9] /Resources << /XObject << /Ana 7 0 R /Bea 7 0 R >> >> >>",
            make_stream(b"9 0 d0 /Ana Do % Ana"),
            make_stream(b"\xff", b"/Subtype /Image /Width 1 /Height 1 /ImageMask true"),
        ),
    )


def _list_refused() -> Iterator[Case]:
    refused = {
        "signature-alone": b"%PDF-1.7\n",
        "with-a-jpeg": b"%PDF-1.7\n" + make_jpeg(),
        "text": b"%PDF-1.7\nno objects at all",
        "no-pages": make_pdf({2: b"<< /Type /Pages /Kids [] /Count 0 >>"}),
        "portfolio": make_pdf({}, root=b"/Collection << >>"),
        "xfa": make_pdf({}, root=b"/AcroForm << /Fields [] /XFA 4 0 R >>"),
        "film": make_pdf({3: make_page(b"/Annots [<< /Subtype /RichMedia /Rect [0 0 9 9] >>]")}),
        "hidden-layer": make_pdf(
            {5: b"<< /Type /OCG /Name (x) >>"},
            root=b"/OCProperties << /OCGs [5 0 R] /D << /OFF [5 0 R] >> >>",
        ),
        "layer-hidden-by-use": make_pdf(
            {5: b"<< /Type /OCG /Name (x) /Usage << /View << /ViewState /OFF >> >> >>"},
            root=b"/OCProperties << /OCGs [5 0 R] /D << >> >>",
        ),
        "external": make_pdf({4: b"<< /F (ana.txt) /Length 0 >>\nstream\n\nendstream"}),
        "unknown-filter": make_pdf({4: make_stream(b"x", b"/Filter /Ana")}),
        "broken-stream": make_pdf({4: make_stream(b"xyz", b"/Filter /FlateDecode")}),
        "function": make_pdf(
            {
                3: make_page(resources=b"/Shading << /S << /Function 5 0 R >> >>"),
                4: make_stream(b"/S sh"),
                5: make_stream(b"{ (Ana) }", b"/FunctionType 4"),
            }
        ),
        "encrypted-by-nothing": make_pdf({}, trailer=b"/Encrypt << >>"),
        "encrypted-by-others": make_pdf({}, trailer=b"/Encrypt << /Filter /Adobe.PubSec /V 4 >>"),
        "encrypted": make_pdf(
            {
                5: b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>"
                % (b"00" * 32, b"11" * 32)
            },
            trailer=b"/Encrypt 5 0 R /ID [<01> <02>]",
        ),
    }
    for name, data in refused.items():
        yield f"refused-{name}", "is refused", [data]
