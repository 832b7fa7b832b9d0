"""PDF: a new file of what draws the pages; bounded, and refused where that cannot be told."""

from __future__ import annotations

import io
import sys
import zlib

import pikepdf
import pikepdf.settings
import pytest

from tests.holding import refuse
from tests.pdfs import DRAWN, make_page, make_pdf, make_stream, read_objects
from tipline.cleaning import pdf as pdf_module
from tipline.cleaning import pdf_document, pdf_filters, pdf_images, pdf_writer
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Kind, Plan, Range, write_cleaned


def clean(data: bytes) -> tuple[bytes, Plan]:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned = io.BytesIO(data), io.BytesIO()
    plan = plan_cleaning(source)
    write_cleaned(plan, source, cleaned)
    again = plan_cleaning(cleaned)
    assert source.getvalue() == data
    assert again.kinds == ()
    assert again.pieces == (Range(offset=0, length_bytes=len(cleaned.getvalue())),)
    return cleaned.getvalue(), plan


def read_drawn(cleaned: bytes) -> bytes:
    """Read all that draws."""
    return b"".join(stream for _, stream in read_objects(cleaned).values())


def swell(count: int, unit: bytes = b" " * 1024 * 1024) -> bytes:
    """Deflate so many megabytes."""
    deflater = zlib.compressobj(9)
    return b"".join(deflater.compress(unit) for _ in range(count)) + deflater.flush()


def make_deflated(data: bytes, entries: bytes = b"") -> bytes:
    """Make a stream of what is deflated already."""
    return make_stream(data, entries + b" /Filter /FlateDecode")


def test_pdf_when_its_secret_stands_in_every_place_then_it_is_nowhere_afterwards() -> None:
    """A canary in each place that can hold text, but for what is drawn and for names of fonts."""
    canary = b"Xochitl"
    contents = (
        b"% Xochitl\n/Xochitl << /Xochitl (Xochitl) >> BDC (Xochitl) q /Xochitl gs EMC Q Xochitl"
        b" BI /W 1 /H 1 /CS /G /BPC 8 /Xochitl (Xochitl) ID x\nEI"
    )
    document = make_pdf(
        {
            3: make_page(
                b"/Xochitl (Xochitl) /PieceInfo << /Xochitl (Xochitl) >> /Metadata 6 0 R"
                b" /Annots [<< /Subtype /Text /Rect [0 0 9 9] /Contents (Xochitl) >>]",
                resources=b"/ExtGState << /Xochitl << /CA 1 /Xochitl (Xochitl) >> >>"
                b" /XObject << /Unused 5 0 R >>",
            ),
            4: make_stream(contents, b"/Xochitl (Xochitl)"),
            5: make_stream(b"(Xochitl) Tj", b"/Subtype /Form /BBox [0 0 9 9]"),
            6: make_stream(b"Xochitl", b"/Type /Metadata"),
        },
        root=b"/Lang (Xochitl) /Xochitl (Xochitl) /PageLabels << /P (Xochitl) >>",
        trailer=b"/Info << /Author (Xochitl) /Xochitl (Xochitl) >> /ID [(Xochitl) (Xochitl)]",
        behind=b"Xochitl",
    )

    cleaned, plan = clean(document)

    assert canary not in cleaned
    assert all(canary not in part for pair in read_objects(cleaned).values() for part in pair)
    assert {Kind.PERSON, Kind.ID, Kind.HISTORY, Kind.TRAILING} <= set(plan.kinds)


def test_pdf_when_it_has_objects_in_streams_and_one_password_for_nobody_then_it_is_cleaned() -> (
    None
):
    """The newer ways of writing, and an encryption that everybody opens, are read as well."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(make_pdf({}))) as document:
        document.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            encryption=pikepdf.Encryption(owner="x", user=""),
            linearize=True,
        )

    assert clean(out.getvalue())[0] == clean(make_pdf({}))[0]


def test_pdf_when_a_password_is_asked_then_it_is_refused() -> None:
    """Whoever sends it can open it, and we cannot."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(make_pdf({}))) as document:
        document.save(out, encryption=pikepdf.Encryption(owner="x", user="y"))

    assert refuse(out.getvalue()) == Reason.ENCRYPTED


def test_pdf_when_its_table_of_objects_is_wrong_then_it_is_read_as_viewers_do() -> None:
    """Many programs count wrongly; what a viewer shows is what is copied."""
    broken = make_pdf({}).replace(b"startxref\n", b"startxref\n9")

    assert clean(broken)[0] == clean(make_pdf({}))[0]


def test_pdf_when_a_picture_holds_what_ends_a_version_then_it_is_none() -> None:
    """Bytes of pixels are no earlier version of the file."""
    end = b"startxref 9 %%EOF"
    image = b"/Subtype /Image /Width 17 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    runs = bytes([len(end) - 1]) + end + b"\x80"

    cleaned, plan = clean(
        make_pdf(
            {
                3: make_page(resources=b"/XObject << /A 5 0 R >>"),
                4: make_stream(b"/A Do"),
                5: make_stream(runs, image + b" /Filter /RunLengthDecode"),
            }
        )
    )

    assert runs in cleaned
    assert Kind.HISTORY not in plan.kinds


def test_pdf_when_a_layer_depends_on_others_then_it_is_refused() -> None:
    """What is shown when something else is not cannot be told from the page alone."""
    layer = b"<< /Type /OCMD /OCGs [5 0 R] /P /AllOff >>"
    marked = {
        3: make_page(resources=b"/Properties << /L 6 0 R >>"),
        4: make_stream(b"/OC /L BDC " + DRAWN + b"EMC"),
        5: b"<< /Type /OCG /Name (x) >>",
    }

    assert refuse(make_pdf({**marked, 6: layer})) == Reason.UNSUPPORTED
    clean(make_pdf({**marked, 6: layer.replace(b"AllOff", b"AnyOn")}))


@pytest.mark.parametrize(
    "state",
    [
        b"/D << /BaseState /OFF /ON [5 0 R] >>",
        b"/D << /OFF [5 0 R] >>",
    ],
)
def test_pdf_when_layers_are_hidden_then_it_is_refused(state: bytes) -> None:
    """Whoever sends it has not seen them."""
    layer = b"<< /Type /OCG /Name (x) >>"
    document = make_pdf({5: layer}, root=b"/OCProperties << /OCGs [5 0 R] %s >>" % state)

    assert refuse(document) == Reason.UNSUPPORTED


@pytest.mark.parametrize(
    "state",
    [
        b"/D << >>",
        b"/D << /BaseState /ON /Order [5 0 R] >>",
        b"/D << /AS [<< /Event /View /OCGs [5 0 R] >>] >>",
    ],
)
def test_pdf_when_a_layer_is_for_paper_alone_then_it_is_refused(state: bytes) -> None:
    """Not all viewers ask when its use is to be looked at; those that are shown are kept."""
    usage = b"<< /Type /OCG /Name (x) /Usage << /View << /ViewState /OFF >> >> >>"
    document = make_pdf({5: usage}, root=b"/OCProperties << /OCGs [5 0 R] %s >>" % state)
    shown = document.replace(b"/ViewState /OFF", b"/ViewState /ON ")

    assert refuse(document) == Reason.UNSUPPORTED
    assert clean(shown)[0] == clean(make_pdf({}))[0]


def test_pdf_when_it_is_longer_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is held in memory, so it has a length."""
    monkeypatch.setattr(pdf_module, "MAX_PDF_BYTES", 100)

    assert refuse(make_pdf({})) == Reason.TOO_COMPLEX


def test_pdf_when_pikepdf_is_not_installed_then_it_is_refused_as_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who only sends need not install what the desk needs."""
    monkeypatch.setitem(sys.modules, "tipline.cleaning.pdf_document", None)
    monkeypatch.delattr("tipline.cleaning.pdf_document")

    assert refuse(make_pdf({})) == Reason.UNKNOWN


def test_pdf_when_it_was_cleaned_then_the_limits_of_the_process_are_as_before() -> None:
    """The bounds of qpdf are everybody's: ours hold only meanwhile, after a refusal too."""
    before = pikepdf.settings.set_qpdf_limits(parser_max_nesting=77, flate_max_memory=7_777)
    try:
        clean(make_pdf({}))
        refuse(b"%PDF-1.7\n")
        limits = pikepdf.settings.get_qpdf_limits()
    finally:
        pikepdf.settings.set_qpdf_limits(**before)  # type: ignore[arg-type]  # as it came

    assert (limits["parser_max_nesting"], limits["flate_max_memory"]) == (77, 7_777)


def test_pdf_when_it_is_damaged_then_nothing_is_said_of_it(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What qpdf has to say of a file goes into no log and onto no screen."""
    tree = b"<< /Type /Pages /Kids [null 3 0 R] /Count 2 >>"

    clean(make_pdf({2: tree}))

    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "document",
    [
        make_pdf({4: make_deflated(swell(80))}),
        make_pdf(
            {4: make_stream(zlib.compress(swell(80)), b"/Filter [/FlateDecode /FlateDecode]")}
        ),
        make_pdf({4: make_stream(b"q", b"/Filter [" + b"/AHx " * 9 + b"]")}),
        make_pdf(
            {
                3: make_page(resources=b"/ExtGState << /A << /D 5 0 R >> >>"),
                4: make_stream(b"/A gs"),
                5: b"[5 0 R]",
            }
        ),
        make_pdf(
            {
                3: make_page(resources=b"/ColorSpace << /A 5 0 R >>"),
                4: make_stream(b"/A cs"),
                5: b"[/Indexed 5 0 R 1 (abc)]",
            }
        ),
    ],
    ids=["bomb", "bomb-in-bomb", "filters", "numbers-in-themselves", "colours-likewise"],
)
def test_pdf_when_it_swells_then_it_is_refused(document: bytes) -> None:
    """A few kilobytes that become gigabytes, or that never end."""
    assert refuse(document) == Reason.TOO_COMPLEX


def test_pdf_when_it_has_too_many_words_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A megabyte of nothing but words takes longer than one of text."""
    document = make_pdf({4: make_deflated(swell(1, b"q " * 20_000))})
    clean(document)
    monkeypatch.setattr("tipline.cleaning.pdf_tokens.TOKEN_BYTES", 4096)

    assert refuse(document) == Reason.TOO_COMPLEX


def make_packed(packed: bytes, entries: bytes) -> bytes:
    """Make a file whose page lies in a stream of objects."""
    stream = make_stream(packed, b"/Type /ObjStm /N 1 " + entries)
    body, offsets = b"%PDF-1.5\n", {}
    for number, one in {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        4: make_stream(DRAWN),
        5: stream,
    }.items():
        offsets[number] = len(body)
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    offsets[6] = len(body)
    table = bytes(7) + b"".join(
        b"\2\0\0\0\5\0\0" if number == 3 else b"\1%s\0\0" % offsets[number].to_bytes(4, "big")
        for number in range(1, 7)
    )
    entries = b"/Type /XRef /Size 7 /W [1 4 2] /Root 1 0 R"
    body += b"6 0 obj\n%s\nendobj\n" % make_stream(table, entries)
    return body + b"startxref\n%d\n%%%%EOF\n" % offsets[6]


def test_pdf_when_its_objects_swell_then_it_is_refused_before_qpdf_reads_them() -> None:
    """A number takes a hundred times its bytes in memory: sixty kilobytes became gigabytes."""
    page = b"3 0 " + make_page()
    swollen = b"3 0 " + make_page(b"/X [" + b"0 " * 20_000_000 + b"]")
    deflated = b"/First 4 /Filter /FlateDecode"

    assert clean(make_packed(page, b"/First 4"))[0] == clean(make_pdf({}))[0]
    assert clean(make_packed(zlib.compress(page), deflated))[0] == clean(make_pdf({}))[0]
    bomb = zlib.compress(swollen)
    for entries in (deflated, b"/F#69rst 4 /Filter /FlateDecode", b"/X (stream\n) " + deflated):
        assert refuse(make_packed(bomb, entries)) == Reason.TOO_COMPLEX
    coded = b"/First 4 /Filter [/ASCIIHexDecode /FlateDecode]"
    assert refuse(make_packed(bomb.hex().encode(), coded)) == Reason.UNSUPPORTED


def test_pdf_when_it_has_more_text_than_the_bound_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What lies outside of streams is read into objects, too."""
    monkeypatch.setattr(pdf_document, "MAX_OBJECT_BYTES", 800)
    text = b"[" + b"0 " * 400 + b"]"

    clean(make_pdf({4: make_stream(b"q " * 1_000)}))
    assert refuse(make_pdf({3: make_page(b"/X " + text)})) == Reason.TOO_COMPLEX
    # Behind the end of a stream as before its beginning.
    assert refuse(make_pdf({5: text, 6: make_stream(b"q")})) == Reason.TOO_COMPLEX


def test_pdf_when_its_pixels_swell_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels are only measured, and that has an end, too."""
    image = b"/Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    document = make_pdf(
        {
            3: make_page(resources=b"/XObject << /A 5 0 R >>"),
            4: make_stream(b"/A Do"),
            5: make_deflated(swell(3), image),
        }
    )
    clean(document)
    monkeypatch.setattr("tipline.cleaning.pdf_copy.MAX_PIXELS_BYTES", 1024 * 1024)

    assert pdf_images.MAX_PIXELS_BYTES > 1024 * 1024
    assert refuse(document) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("module", "bound", "value"),
    [
        (pdf_document, "MAX_PAGES", 1),
        (pdf_document, "MAX_ANNOTATIONS", 1),
        (pdf_document, "MAX_PAGE_ANNOTATIONS", 1),
        (pdf_writer, "MAX_OBJECTS", 5),
        (pdf_writer, "MAX_WRITTEN_BYTES", 300),
    ],
)
def test_pdf_when_it_has_too_many_parts_then_it_is_refused(
    module: object, bound: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, notes, objects and bytes have their bounds."""
    note = b"<< /Subtype /Text /Rect [0 0 9 9] >>"
    document = make_pdf(
        {
            2: b"<< /Type /Pages /Kids [3 0 R 5 0 R] /Count 2 >>",
            3: make_page(b"/Annots [%s %s]" % (note, note)),
            5: make_page(),
        }
    )
    clean(document)
    monkeypatch.setattr(module, bound, value)

    assert refuse(document) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("flags", "is_drawn"),
    [(b"/Ff 0", True), (b"/Ff 8192", False), (b"/Parent 6 0 R", False), (b"/Parent 7 0 R", True)],
)
def test_pdf_when_a_field_is_for_a_password_then_it_is_not_drawn(
    flags: bytes, *, is_drawn: bool
) -> None:
    """Its flag may stand above it."""
    field = b"<< /Subtype /Widget /Rect [9 9 90 30] /FT /Tx /T (a) /V (hidden) %s /F 4" % flags
    form = b"/DR << /Font << /F 8 0 R >> >> /DA (/F 9 Tf) /NeedAppearances true"

    cleaned, _ = clean(
        make_pdf(
            {
                3: make_page(b"/Annots [5 0 R]"),
                5: field + b" /DA (/F 9 Tf) >>",
                6: b"<< /Ff 8192 >>",
                7: b"<< /T (above) >>",
                8: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            },
            root=b"/AcroForm << /Fields [5 0 R] %s >>" % form,
        )
    )

    assert (b"hidden" in read_drawn(cleaned)) == is_drawn


def test_pdf_when_fields_stand_above_each_other_in_a_ring_then_it_is_refused() -> None:
    """Nobody waits for its end."""
    field = b"<< /Subtype /Widget /Rect [9 9 90 30] /FT /Tx /Parent 6 0 R >>"
    ring = {5: field, 6: b"<< /Parent 6 0 R >>"}

    assert refuse(make_pdf({3: make_page(b"/Annots [5 0 R]"), **ring})) == Reason.TOO_COMPLEX


def test_pdf_when_a_note_has_a_window_then_the_window_is_not_drawn() -> None:
    """Viewers do not show its picture either."""
    window = b"<< /Subtype %s /Rect [9 9 18 18] /AP << /N 6 0 R >> /F 4 >>"
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]"

    def draw(name: bytes) -> bytes:
        objects = {5: window % name, 6: make_stream(b"1 2 3 4 re f", form)}
        return read_drawn(clean(make_pdf({3: make_page(b"/Annots [5 0 R]"), **objects}))[0])

    assert b"1 2 3 4 re" in draw(b"/Stamp")
    assert b"1 2 3 4 re" not in draw(b"/Popup")


def test_pdf_when_a_window_stands_beside_a_field_without_a_number_then_the_field_is_drawn() -> None:
    """The field stays a part of the file: the font of the form is found for it."""
    field = (
        b"<< /Subtype /Widget /Rect [9 9 90 30] /FT /Tx /V (seen) /F 4 /AP << /N 6 0 R >> >>"
        b" << /Subtype /Popup /Rect [9 9 18 18] >>"
    )
    form = make_stream(b"/F 9 Tf", b"/Subtype /Form /BBox [0 0 9 9] /Resources << >>")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    shared = b"/AcroForm << /Fields [] /DR << /Font << /F 8 0 R >> >> >>"

    cleaned, _ = clean(
        make_pdf({3: make_page(b"/Annots [%s]" % field), 6: form, 8: font}, root=shared)
    )

    assert b"/BaseFont /Helvetica" in cleaned


def test_pdf_when_the_flags_of_a_note_are_no_number_of_32_bits_then_it_is_refused() -> None:
    """One that is larger than qpdf takes is no reason to fall over."""
    note = b"<< /Subtype /Stamp /Rect [9 9 18 18] /AP << /N 6 0 R >> /F %d >>"
    form = make_stream(b"1 2 3 4 re f", b"/Subtype /Form /BBox [0 0 9 9]")

    def make(flags: int) -> bytes:
        return make_pdf({3: make_page(b"/Annots [%s]" % (note % flags)), 6: form})

    clean(make(2**31 - 1))

    assert refuse(make(2**31)) == Reason.MALFORMED


@pytest.mark.parametrize("is_long", [False, True])
def test_pdf_when_many_fields_have_much_in_common_then_it_is_refused(*, is_long: bool) -> None:
    """Each is given what all have, and each button looks at all: that takes as long as both."""
    count = 2_100 if is_long else 1_000
    button = b"<< /Subtype /Widget /Parent 5 0 R /Rect [0 0 9 9] >>"
    objects = dict.fromkeys(range(6, 6 + count), button)
    kids = b" ".join(b"%d 0 R" % number for number in objects)
    objects[5] = b"<< /FT /Btn /Ff 32768 /Kids [%s] >>" % kids
    buttons = make_pdf({3: make_page(b"/Annots [%s]" % kids), **objects})
    names = b" ".join(b"/F%d 8 0 R" % number for number in range(count))
    form = b"/AcroForm << /Fields [] /DR << /Font << %s >> >> >>" % names
    field = b"<< /Subtype /Widget /T (a) /Rect [0 0 9 9] >> " * count
    fields = make_pdf({3: make_page(b"/Annots [%s]" % field), 8: b"<< >>"}, root=form)

    if is_long:
        assert [refuse(buttons), refuse(fields)] == [Reason.TOO_COMPLEX] * 2
    else:
        clean(buttons)
        clean(fields)


def test_budget_when_it_is_used_up_then_it_refuses() -> None:
    """To the last byte, and not one more."""
    budget = pdf_filters.Budget(2)
    budget.spend(2)

    with pytest.raises(RefusedError):
        budget.spend(1)
