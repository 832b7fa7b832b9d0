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


def list_pdf_parts() -> Iterator[Case]:
    """List the cases."""
    yield from _list_fonts()


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
