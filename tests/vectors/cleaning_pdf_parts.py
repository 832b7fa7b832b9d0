"""The cases of what hides in the parts of a PDF, behind what draws; for the vectors' maker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.pdfs import make_page, make_pdf, make_stream
from tests.vectors.cleaning_pdfs import make_index, make_sfnt

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

_TYPE1 = (
    b"%!PS\n/eexec (Ana) def /Notice <416e61> def /Author(((A)n\\)a)) << /T {(Ana % Ana)}"
    b" % Ana eexec\n/QWERTY+Ana def /XUID [1 2 3] def"
    b" currentfile eexec\n\x80(\n000\ncleartomark\n% Ana"
)
_TRUETYPE = make_sfnt({b"OS/2": b"\0\4" + bytes(94) + b"Ana", b"post": b"\0\3" + bytes(33)})
_COMPACT = b"\1\0\4\1" + b"".join(
    make_index(item) for item in (b"Ana", b"\xf8\x1b\1" * 40 + b"\x1c\0\7" * 9 + b"\x0d", b"by Ana")
)
_LONG = (b"7" * 400, b"3" * 400)
_IMAGE = b"/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 "
_JBIG2 = b"".join(
    bytes([0, 0, 0, number, kind, 0, 1, 0, 0, 0, len(data)]) + data
    for number, (kind, data) in enumerate(
        ((48, bytes(19) + b"Ana"), (38, b"region"), (50, b"\0\0\0\1Ana"), (49, b"Ana"))
    )
)


def list_pdf_parts() -> Iterator[Case]:
    """List the cases."""
    yield from _list_fonts()
    yield from _list_images()
    yield (
        "numbers",
        "what only looks like a number is none",
        [make_pdf({4: make_stream(b"2026-11-21 w +49-30-555 w %s w .%s w [1-2] 0 d" % _LONG)})],
    )


def _list_images() -> Iterator[Case]:
    grey = b"/ColorSpace /DeviceGray"
    palette = b"/ColorSpace [/Indexed %s %s %s]"
    inks = b"[/DeviceN [/A /B] /DeviceGray 7 0 R]"
    for name, entries, data in (
        ("runs", grey + b" /Filter /RunLengthDecode", b"\1ab\xffc\x80Ana"),
        ("runs-cut", grey + b" /Filter /RunLengthDecode", b"\3ab"),
        ("table", palette % (b"/DeviceRGB", b"1", b"<010203040506416e61>"), b"\0\1\0\1"),
        ("table-stream", palette % (b"/DeviceGray", b"1", b"6 0 R"), b"\0\1\0\1"),
        ("table-inks", palette % (inks, b"1", b"(abcdAna)"), b"\0\1\0\1"),
        ("table-lab", palette % (b"[/Lab << >>]", b"0", b"(abcAna)"), b"\0\0\0\0"),
        ("table-odd", palette % (b"/DeviceCMYK", b"0.5", b"6 0 R"), b"\0\0\0\0"),
        ("jbig2", grey + b" /Filter /JBIG2Decode", _JBIG2),
        ("jpeg2000", b"/Filter /JPXDecode", _make_jpeg2000(b"\xff\x64\0\5Ana\xff\x55\0\5Ana")),
        ("jpeg2000-unknown", b"/Filter /JPXDecode", _make_jpeg2000(b"\xff\x65\0\5Ana")),
    ):
        yield (
            f"image-{name}",
            "what lies behind what is drawn goes",
            [
                make_pdf(
                    {
                        3: make_page(resources=b"/XObject << /I 5 0 R >>"),
                        4: make_stream(b"/I Do"),
                        5: make_stream(data, _IMAGE + entries),
                        6: make_stream(b"\0\xffAna"),
                        7: b"<< /FunctionType 2 /Domain [0 1] /N 1 >>",
                    }
                )
            ],
        )


def _make_box(name: bytes, data: bytes) -> bytes:
    return (8 + len(data)).to_bytes(4, "big") + name + data


def _make_jpeg2000(markers: bytes) -> bytes:
    size = b"\0\x29\0\0" + bytes(36) + b"\1\7\1\1"
    stream = b"\xff\x4f\xff\x51" + size[:41] + markers
    stream += b"\xff\x90\0\x0a\0\0\0\0\0\x0f\0\1\xff\x93x\xff\xd9"
    head = b"".join(
        _make_box(name, data)
        for name, data in (
            (b"ihdr", b"\0\0\0\2\0\0\0\2\0\1\7\7\0\0Ana"),
            (b"bpcc", b"\7Ana"),
            (b"colr", b"\1\0\0\0\0\0\x11"),
            (b"pclr", b"\0\2\2\7\x0fabcdefAna"),
            (b"cdef", b"\0\1\0\0\0\0\0\1Ana"),
        )
    )
    return b"".join(
        _make_box(name, data)
        for name, data in (
            (b"jP  ", b"\r\n\x87\n"),
            (b"ftyp", b"jp2 \0\0\0\0jp2 Ana"),
            (b"jP  ", b"Ana"),
            (b"jp2h", head),
            (b"jp2c", stream),
        )
    )


def _list_fonts() -> Iterator[Case]:
    for name, key, data, why in (
        ("type1", b"FontFile", _TYPE1, "texts of any form are blank"),
        ("type1-endless", b"FontFile", b"%!PS\n" + b"/Notice(" * 99, "is refused at once"),
        ("truetype", b"FontFile2", _TRUETYPE, "what lies behind a table goes"),
        ("compact", b"FontFile3", _COMPACT, "what is named often is blank once"),
    ):
        yield (
            f"font-{name}",
            why,
            [
                make_pdf(
                    {
                        3: make_page(resources=b"/Font << /F 5 0 R >>"),
                        4: make_stream(b"BT /F 9 Tf (a) Tj ET"),
                        5: b"<< /Type /Font /Subtype /Type1 /FontDescriptor 6 0 R >>",
                        6: b"<< /Type /FontDescriptor /FontName /Ana /%s 7 0 R >>" % key,
                        7: make_stream(data),
                    }
                )
            ],
        )
