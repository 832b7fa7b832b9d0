"""The cases of a PDF's annotations, forms and tree of pages, for `make_cleaning_vectors`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

from tests.pdfs import DRAWN, make_page, make_pdf, make_stream
from tipline.cleaning.pdf_writer import PdfWriter, format_dictionary, format_stream

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 90 30]"
SEEN = make_stream(DRAWN, FORM)
STAMP = b"<< /Subtype /Stamp /Rect [10 20 40 30] /AP << /N 6 0 R >> %s >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /%s >>"
SHARED = b"/DR << /Font << /F 8 0 R >> /ExtGState << /G << /ca 0.5 >> >> >>"


def list_pdf_forms() -> Iterator[Case]:
    """List the cases."""
    yield from _list_placed()
    yield from _list_filled()
    yield from _list_buttons()
    yield from _list_trees()
    yield from _list_again()


def _list_placed() -> Iterator[Case]:
    placed = {
        "matrix": (b"", FORM + b" /Matrix [0.5 0.25 -1 2 3.125 -7]", b""),
        "turned-page": (b"/F 4", FORM, b"/Rotate 90"),
        "upright": (b"/F 20", FORM, b"/Rotate 90"),
        "upside-down": (b"/F 20", FORM, b"/Rotate 180"),
        "upright-again": (b"/F 20", FORM + b" /Matrix [1 0 0 1 5 5]", b"/Rotate 270"),
        "box-of-nothing": (b"", FORM.replace(b"90 30", b"0 30"), b""),
        "box-backwards": (b"", FORM.replace(b"[0 0 90 30]", b"[90 30 0 0]"), b""),
        "box-missing": (b"", b"/Type /XObject /Subtype /Form", b""),
        "tie-of-digits": (b"", FORM.replace(b"90 30", b"64 192"), b""),
        "not-on-screens": (b"/F 32", FORM, b""),
        "unknown-to-all": (b"/F 1", FORM, b""),
    }
    for name, (entries, form, page) in placed.items():
        note = STAMP.replace(b"/Stamp", b"/Text") if name == "unknown-to-all" else STAMP
        yield (
            f"placed-{name}",
            "an appearance is fitted into its rectangle",
            [
                make_pdf(
                    {
                        3: make_page(b"/Annots [5 0 R] " + page),
                        5: note % entries,
                        6: make_stream(DRAWN, form),
                    }
                )
            ],
        )
    states = {
        "chosen": b"<< /N << /On 6 0 R /Off 7 0 R >> >> /AS /On",
        "not-chosen": b"<< /N << /On 6 0 R /Off 7 0 R >> >>",
        "unknown": b"<< /N << /On 6 0 R >> >> /AS /Ana",
    }
    for name, appearance in states.items():
        annotation = STAMP.replace(b"<< /N 6 0 R >>", appearance) % b""
        if name != "chosen":
            # Viewers show nothing else for a kind that they do not draw by themselves.
            annotation = annotation.replace(b"/Stamp", b"/Text")
        objects = {5: annotation, 6: SEEN, 7: make_stream(b"1 w", FORM)}
        yield (
            f"state-{name}",
            "the state that an annotation is in is drawn",
            [make_pdf({3: make_page(b"/Annots [5 0 R]"), **objects})],
        )
    yield (
        "flags-too-large",
        "is refused",
        [make_pdf({3: make_page(b"/Annots [5 0 R]"), 5: STAMP % b"/F 2147483648", 6: SEEN})],
    )
    resources = b"/XObject << /Fxo1 7 0 R /Fxo3 7 0 R >>"
    yield (
        "names-taken",
        "what is drawn has a name of its own",
        [
            make_pdf(
                {
                    3: make_page(b"/Annots [%s %s]" % (STAMP % b"", STAMP % b"")),
                    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << %s >> >>" % resources,
                    4: make_stream(b"/Fxo1 Do /Fxo3 Do"),
                    6: SEEN,
                    7: make_stream(b"1 w", FORM),
                }
            ).replace(b" /Resources <<  >>", b"", 1)
        ],
    )
    yield (
        "window-beside-a-field",
        "a field without a number has the form's resources",
        [
            make_pdf(
                {
                    3: make_page(
                        b"/Annots [<< /Subtype /Widget /FT /Tx /Rect [9 9 99 39] /AP << /N 6 0 R >>"
                        b" >> << /Subtype /Popup /Rect [0 0 9 9] >>]"
                    ),
                    6: make_stream(b"/F 9 Tf /G gs", FORM + b" /Resources << >>"),
                    8: FONT % b"WinAnsiEncoding",
                },
                root=b"/AcroForm << /Fields [] %s >>" % SHARED,
            )
        ],
    )


def _fill(field: bytes, *, form: bytes = b"", encoding: bytes = b"WinAnsiEncoding") -> bytes:
    """Make a file with a field that asks to be drawn, and two above it."""
    return make_pdf(
        {
            3: make_page(b"/Annots [5 0 R]"),
            5: b"<< /Subtype /Widget /Rect [9 9 99 39] /T (a) /F 4 /Parent 9 0 R %s >>" % field,
            6: make_stream(b"1 w /Tx BMC % old\n (old) Tj EMC 2 w", FORM + b" /Resources << >>"),
            7: SEEN,
            8: FONT % encoding,
            9: b"<< /Kids [5 0 R] /V (above) /DA (/F 7 Tf) /T (b) /Parent 10 0 R >>",
            10: b"<< /Kids [9 0 R] /FT /Tx >>",
        },
        root=b"/AcroForm << /Fields [10 0 R] /NeedAppearances true %s %s >>" % (SHARED, form),
    )


def _list_filled() -> Iterator[Case]:
    choices = b"/FT /Ch /Opt [(one) [(2) (two)] (three) (four)]"
    fields = {
        "plain": b"/V (Ana)",
        "above": b"",
        "letters": b"/V (a\\351\\200\\222\\)b)",
        "utf16": b"/V <feff00e920ac0141d83dde00>",
        "utf8": b"/V <efbbbfc3a9>",
        "number": b"/V 5",
        "look": b"/V (Ana) /DA (1 0 0 rg /F 12.5 Tf)",
        "look-without-size": b"/V (Ana) /DA (/F 0 Tf 0 g)",
        "look-of-another": b"/V (Ana) /DA (/Missing 9 Tf)",
        "look-of-nothing": b"/V (Ana) /DA (0 g)",
        "drawn-before": b"/V (Ana) /AP << /N 6 0 R >>",
        "drawn-before-without-marks": b"/V (Ana) /AP << /N 7 0 R >>",
        "drawn-before-in-a-state": b"/V (Ana) /AS /On /AP << /N << /On 6 0 R >> >>",
        "password": b"/V (Ana) /Ff 8192",
        "list": choices + b" /V (two) /Rect [9 9 99 200]",
        "list-first": choices + b" /V (one) /Rect [9 9 99 200]",
        "list-last": choices + b" /V (four) /DA (/F 11 Tf)",
        "list-of-others": choices + b" /V (five)",
        "combo": choices + b" /Ff 131072 /V (two)",
        "signature": b"/FT /Sig",
    }
    for name, field in fields.items():
        yield f"filled-{name}", "what was filled in is drawn", [_fill(field)]
    for encoding in (b"MacRomanEncoding", b"StandardEncoding"):
        yield (
            f"filled-in-{encoding.decode()}",
            "letters have the codes of their font",
            [_fill(b"/V (a\\351\\200)", encoding=encoding)],
        )
    yield (
        "filled-not-asked-for",
        "what has no picture is not drawn if the form does not ask for it",
        [_fill(b"/V (Ana)").replace(b"/NeedAppearances true", b"/NeedAppearances false")],
    )
    yield (
        "filled-broken-picture",
        "is refused",
        [
            make_pdf(
                {
                    3: make_page(b"/Annots [5 0 R]"),
                    5: b"<< /Subtype /Widget /Rect [9 9 99 39] /FT /Tx /AP << /N 6 0 R >> >>",
                    6: make_stream(b"Ana", FORM + b" /Filter /FlateDecode"),
                },
                root=b"/AcroForm << /Fields [5 0 R] /NeedAppearances true >>",
            )
        ],
    )


def _list_buttons() -> Iterator[Case]:
    states = b"/AP << /N << /Off 7 0 R /Yes 6 0 R >> >>"
    boxes = {
        "ticked": b"/V /Yes",
        "ticked-by-another-word": b"/V /On",
        "not-ticked": b"/V /Off /AS /Yes",
        "without-value": b"/AS /Yes",
        "pushed": b"/V /Yes /Ff 65536",
    }
    for name, entries in boxes.items():
        yield (
            f"box-{name}",
            "a box has the picture of its value",
            [
                make_pdf(
                    {
                        3: make_page(b"/Annots [5 0 R]"),
                        5: b"<< /Subtype /Widget /FT /Btn /T (a) /Rect [9 9 18 18] %s %s >>"
                        % (states, entries),
                        6: SEEN,
                        7: make_stream(b"1 w", FORM),
                    },
                    root=b"/AcroForm << /Fields [5 0 R] /NeedAppearances true >>",
                )
            ],
        )
    button = b"<< /Subtype /Widget /Parent 5 0 R /Rect [9 9 18 18] /AP << /N << /%s 6 0 R >> >> >>"
    for name, entries in {"many": b"", "many-in-a-group": b"/Parent 10 0 R"}.items():
        chosen = b"<< /FT /Btn /Ff 32768 /T (a) /V /Bea /Kids [8 0 R 9 0 R] %s >>" % entries
        yield (
            f"box-one-of-{name}",
            "of buttons the one that was chosen is drawn",
            [
                make_pdf(
                    {
                        3: make_page(b"/Annots [8 0 R 9 0 R]"),
                        5: chosen,
                        6: SEEN,
                        8: button % b"Ana",
                        9: button % b"Bea",
                        10: b"<< /T (group) /Kids [5 0 R] >>",
                    },
                    root=b"/AcroForm << /Fields [10 0 R 5 0 R] /NeedAppearances true >>",
                )
            ],
        )


def _list_trees() -> Iterator[Case]:
    def grow(kids: bytes, *, count: int, entries: bytes = b"", **objects: bytes) -> list[Part]:
        numbered = {int(name[1:]): body for name, body in objects.items()}
        tree = b"<< /Type /Pages /Kids [%s] /Count %d %s >>" % (kids, count, entries)
        return [make_pdf({2: tree, **numbered})]

    node = b"<< /Kids [3 0 R] /MediaBox [0 0 9 9] /Rotate 90 >>"
    bare = b"<< /Type /Page /Contents 4 0 R >>"
    trees: dict[str, Sequence[Part]] = {
        "page-twice": grow(b"3 0 R 3 0 R", count=2),
        "page-in-place": grow(b"<< /Contents 4 0 R >>", count=1),
        "nothing": grow(b"3 0 R null 7", count=3),
        "nothing-counted": grow(b"3 0 R null", count=0),
        "in-itself": grow(b"3 0 R 2 0 R", count=2),
        "node-in-place": grow(node, count=1, _3=bare),
        "node-with-a-hole": grow(b"5 0 R null", count=2, _3=bare, _5=node),
        "no-kids": [make_pdf({2: b"<< /Type /Pages /Kids 3 0 R /Count 1 >>"})],
        "size-that-is-none": grow(b"3 0 R", count=1, _3=bare[:-2] + b"/MediaBox [1 2] >>"),
    }
    for name, parts in trees.items():
        yield f"tree-{name}", "pages are found as viewers find them", parts
    yield (
        "tree-begins-below",
        "a catalogue that names a page means its tree",
        [make_pdf({1: b"<< /Type /Catalog /Pages 3 0 R >>"})],
    )


def _list_again() -> Iterator[Case]:
    def write(behind: bytes) -> bytes:
        writer = PdfWriter()
        page = {
            "Type": b"/Page", "Parent": b"2 0 R", "MediaBox": b"[0 0 9 9]",
            "Contents": b"4 0 R", "Resources": b"<< >>",
        }  # fmt: skip
        stored = zlib.compress(b"1 w\n", 0) + behind
        for body in (
            format_dictionary({"Type": b"/Catalog", "Pages": b"2 0 R"}),
            format_dictionary({"Type": b"/Pages", "Count": b"1", "Kids": b"[3 0 R]"}),
            format_dictionary(page),
            format_stream({"Filter": b"/FlateDecode"}, stored),
        ):
            writer.put(writer.reserve(), body)
        return writer.build(root=1)

    yield "again", "what was cleaned stays, whatever compressed it", [write(b"")]
    yield "again-with-more", "what lies behind a stream's end goes", [write(b"Ana")]
