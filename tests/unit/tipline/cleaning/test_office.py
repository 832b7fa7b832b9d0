"""Documents of Office: what is shown stays, what tells goes."""

from __future__ import annotations

import io
import re
import zipfile

import pytest

from tests.documents import (
    DRAWING,
    FIRST_DAY,
    PNG,
    RELATIONS,
    TELLING_JPEG,
    WORD,
    make_archive,
    make_container,
    make_package,
    make_relations,
    make_sheet,
    make_slides,
    make_word,
    read_members,
)
from tests.holding import refuse
from tests.pictures import make_jpeg
from tests.vectors.cleaning_documents import IMAGE, OBJECT, PICTURE, VML, Case, list_documents
from tipline.cleaning import document_markup as document_markup_module
from tipline.cleaning import markup as markup_module
from tipline.cleaning import office as office_module
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, Plan, Range, write_cleaned

TEXT = "<w:p><w:r><w:t>seen</w:t></w:r></w:p>"


def clean(data: bytes) -> tuple[bytes, Plan]:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned, again = io.BytesIO(data), io.BytesIO(), io.BytesIO()
    plan = plan_cleaning(source)
    write_cleaned(plan, source, cleaned)
    assert plan.length_bytes == len(cleaned.getvalue())
    second = plan_cleaning(cleaned)
    assert second.kinds == ()
    write_cleaned(second, cleaned, again)
    assert again.getvalue() == cleaned.getvalue()
    assert zipfile.ZipFile(cleaned).testzip() is None
    return cleaned.getvalue(), plan


def read(data: bytes) -> dict[str, str]:
    """Clean *data*, and read the members of what comes out."""
    return read_members(clean(data)[0])


def test_word_when_it_is_cleaned_then_its_text_alone_stays() -> None:
    """Properties, names of parts, numbers of relations and times are the same for everybody."""
    cleaned, plan = clean(make_word(TEXT))
    members = read_members(cleaned)

    assert plan.format == Format.DOCX
    assert plan.kinds == (Kind.TIME, Kind.PERSON)
    assert list(members) == ["[Content_Types].xml", "_rels/.rels", "word/document.xml"]
    assert "<w:t>seen</w:t>" in members["word/document.xml"]
    assert b"Ana" not in cleaned
    with zipfile.ZipFile(io.BytesIO(cleaned)) as archive:
        assert {info.date_time for info in archive.infolist()} == {FIRST_DAY}


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ('<w:ins w:author="Ana"><w:r><w:t>a</w:t></w:r></w:ins>', "<w:r><w:t>a</w:t></w:r>"),
        ('<w:del w:author="Ana"><w:r><w:delText>a</w:delText></w:r></w:del>', ""),
        ("<w:moveFrom><w:r><w:t>a</w:t></w:r></w:moveFrom>", ""),
        ("<w:r><w:rPr><w:rPrChange><w:b/></w:rPrChange><w:i/></w:rPr></w:r>",
         "<w:r><w:rPr><w:i/></w:rPr></w:r>"),
        ('<w:r w:rsidR="00A1"/>', "<w:r/>"),
        ("<w:smartTag><w:smartTagPr/><w:r/></w:smartTag>", "<w:r/>"),
        ("<w:sdt><w:sdtPr><w:tag/></w:sdtPr><w:sdtContent><w:r/></w:sdtContent></w:sdt>",
         "<w:sdt><w:sdtContent><w:r/></w:sdtContent></w:sdt>"),
        ("<w:r>a<w:t>b</w:t>c</w:r>", "<w:r><w:t>b</w:t></w:r>"),
        ("<w:r><w:t></w:t></w:r>", "<w:r><w:t/></w:r>"),
        ("<w:r><w:instrText>INCLUDEPICTURE x</w:instrText></w:r>", "<w:r/>"),
        ("<w:r><w:instrText> PAGE </w:instrText></w:r>",
         "<w:r><w:instrText> PAGE </w:instrText></w:r>"),
        ('<w:fldSimple w:instr="FILENAME"><w:r/></w:fldSimple>', "<w:r/>"),
        ('<w:hyperlink r:id="none"><w:r/></w:hyperlink>', "<w:hyperlink><w:r/></w:hyperlink>"),
        ('<w:footerReference r:id="none"/>', ""),
        ('<b:p xmlns:b="urn:b"><w:r/></b:p>', ""),
    ],
)  # fmt: skip
def test_word_when_it_has_more_than_text_then_only_what_is_listed_stays(
    tags: str, kept: str
) -> None:
    """Changes are accepted, ids and unknown elements go."""
    assert (
        f"<w:body><w:p>{kept}</w:p></w:body>".replace("<w:p></w:p>", "<w:p/>")
        in read(make_word(f"<w:p>{tags}</w:p>"))["word/document.xml"]
    )


def test_word_when_prefixes_are_others_then_they_are_ours_afterwards() -> None:
    """How a program writes tells nothing."""
    one = make_archive(make_package("word/document.xml", f'<w:document xmlns:w="{WORD}"/>'))
    other = make_archive(make_package("word/x.xml", f"<document xmlns='{WORD}'></document>"))

    assert clean(one)[0] == clean(other)[0]


def test_word_when_a_picture_tells_then_it_is_cleaned_and_renamed() -> None:
    """By the rules of its own format."""
    cleaned, plan = clean(make_word(PICTURE, IMAGE, word__media__ana_dot_x=TELLING_JPEG))

    with zipfile.ZipFile(io.BytesIO(cleaned)) as archive:
        assert archive.read("word/media/image1.jpg") == make_jpeg()
    assert Kind.TEXT in plan.kinds


def test_word_when_a_picture_is_clean_then_its_bytes_are_not_copied() -> None:
    """It stays where it is."""
    _, plan = clean(make_word(PICTURE, IMAGE, word__media__ana_dot_x=PNG))

    assert any(isinstance(piece, Range) and piece.length_bytes == len(PNG) for piece in plan.pieces)


def test_word_when_a_picture_cannot_be_cleaned_then_it_is_refused() -> None:
    """It is a part of what is shown, also where it stands for a file inside the file."""
    drawn = b"\1\0\0\0 EMF"

    assert refuse(make_word(PICTURE, IMAGE, word__media__ana_dot_x=drawn)) == Reason.UNSUPPORTED
    stands_in = make_word(OBJECT, IMAGE, spaces=VML, word__media__ana_dot_x=drawn)
    assert refuse(stands_in) == Reason.UNSUPPORTED


@pytest.mark.parametrize(
    ("address", "is_kept"),
    [
        ("https://example.org/", True),
        ("mailto:a@example.org", True),
        ("#here", True),
        ("file:///C:/a", False),
        ("C:\\a", False),
        ("a.docx", False),
        ("//server/a", False),
        ("https://a\\b", False),
    ],
)
def test_word_when_a_link_leads_to_a_file_then_it_goes(address: str, is_kept: bool) -> None:
    """Its text stays."""
    members = read(
        make_word('<w:hyperlink r:id="a"><w:r/></w:hyperlink>', ("a", "hyperlink", address))
    )

    assert ("word/_rels/document.xml.rels" in members) == is_kept


@pytest.mark.parametrize("kind", ["vbaProject", "attachedToolbars"])
def test_word_when_it_holds_programs_then_it_is_refused(kind: str) -> None:
    """They could do anything, and tell on their author."""
    assert refuse(make_word(TEXT, ("a", kind, "a.bin"), word__a_dot_bin=b"x")) == Reason.MACROS


def test_word_when_its_types_name_programs_then_it_is_refused() -> None:
    """Whether they can be reached or not."""
    package = make_package("word/document.xml", f'<w:document xmlns:w="{WORD}"/>')
    types = '<Types><Override ContentType="application/vnd.ms-word.document.macroEnabled"/></Types>'

    assert refuse(make_archive({**package, "[Content_Types].xml": types})) == Reason.MACROS


def test_word_when_parts_lead_in_a_circle_then_each_is_written_once() -> None:
    """A part that leads to itself, and back to the main part."""
    notes = f'<w:footnotes xmlns:w="{WORD}"/>'
    members = read(
        make_word(
            TEXT,
            ("a", "footnotes", "notes.xml"),
            word__notes_dot_xml=notes,
            word___rels__notes_dot_xml_dot_rels=make_relations(
                ("a", "footnotes", "notes.xml"), ("b", "officeDocument", "document.xml")
            ),
        )
    )

    assert list(members).count("word/footnotes.xml") == 1


def test_word_when_a_part_is_two_things_then_it_is_refused() -> None:
    """A part has the first element that its relation asks for."""
    assert refuse(make_word(TEXT, ("a", "styles", "document.xml"))) == Reason.MALFORMED


def test_word_when_two_relations_have_a_name_then_it_is_refused() -> None:
    """One could be shown, and the other cleaned."""
    twice = (("a", "hyperlink", "https://a/"), ("a", "hyperlink", "https://b/"))

    assert refuse(make_word(TEXT, *twice)) == Reason.MALFORMED


@pytest.mark.parametrize(
    ("target", "is_found"),
    [
        ("/word/a.xml", True),
        ("a.xml", True),
        ("./A.XML", True),
        ("../word/%61.xml", True),
        ("../../../word/a.xml", True),
        ("b.xml", False),
    ],
)
def test_word_when_a_target_is_written_otherwise_then_it_is_the_same_part(
    target: str, is_found: bool
) -> None:
    """Relative or not, in any case."""
    styles = f'<w:styles xmlns:w="{WORD}"/>'
    members = read(make_word(TEXT, ("a", "styles", target), word__a_dot_xml=styles))

    assert ("word/styles.xml" in members) == is_found


def test_sheet_when_formulas_lead_to_other_files_then_their_values_stay() -> None:
    """And those that share such a formula."""
    rows = (
        '<row><c r="A1"><f t="shared" ref="A1:A2" si="0">[1]B!A1</f><v>1</v></c>'
        '<c r="A2"><f t="shared" si="0"/><v>2</v></c><c r="A3"><f>A1+1</f><v>2</v></c></row>'
    )
    sheet = read(make_sheet(rows))["xl/worksheets/sheet1.xml"]

    assert '<c r="A1"><v>1</v></c><c r="A2"><v>2</v></c>' in sheet
    assert "<f>A1+1</f>" in sheet


def test_sheet_when_a_text_is_shown_nowhere_then_it_goes() -> None:
    """What was in a cell once is not in the file."""
    strings = (
        '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>old</t>'
        "</si><si><t>shown</t></si></sst>"
    )
    rows = '<row><c r="A1" t="s"><v>1</v></c><c r="A2"><v>0</v></c></row>'
    members = read(make_sheet(rows, xl__shared_dot_xml=strings))

    assert "<si><t/></si><si><t>shown</t></si>" in members["xl/sharedStrings.xml"]


def test_slides_when_shapes_have_names_and_descriptions_then_they_go() -> None:
    """What a program wrote beside what is shown."""
    cleaned, plan = clean(make_slides("seen"))
    members = read_members(cleaned)

    assert plan.format == Format.PPTX
    assert "<a:t>seen</a:t>" in members["ppt/slides/slide1.xml"]
    assert "ana" not in "".join(members.values()).lower()


def test_office_when_there_is_too_much_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements, depth and parts are bounded, over all parts."""
    with monkeypatch.context() as patch:
        patch.setattr(document_markup_module, "MAX_ELEMENTS", 5)
        clean(make_word(TEXT))
        assert refuse(make_word(TEXT + TEXT)) == Reason.TOO_COMPLEX
    with monkeypatch.context() as patch:
        patch.setattr(markup_module, "MAX_DEPTH", 4)
        assert refuse(make_word(TEXT)) == Reason.TOO_COMPLEX
    with monkeypatch.context() as patch:
        patch.setattr(office_module, "MAX_PARTS", 1)
        assert refuse(make_sheet("")) == Reason.TOO_COMPLEX


def test_office_when_it_is_no_document_then_it_is_refused() -> None:
    """An archive, an empty package, one without a main part."""
    assert refuse(make_archive({"a": "b"})) == Reason.UNKNOWN
    types = {"[Content_Types].xml": "<Types/>"}
    assert refuse(make_archive(types)) == Reason.UNKNOWN
    lost = {**types, "_rels/.rels": make_relations(("a", "officeDocument", "x.xml"))}
    assert refuse(make_archive(lost)) == Reason.MALFORMED
    unnamed = {**types, "_rels/.rels": f"<a><Relationship Type='{RELATIONS}/x'/></a>"}
    assert refuse(make_archive(unnamed)) == Reason.MALFORMED


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make_container("EncryptedPackage"), Reason.ENCRYPTED),
        (make_container("WordDocument"), Reason.UNKNOWN),
        (make_container("EncryptedPackage")[:40], Reason.UNKNOWN),
        (make_container("EncryptedPackage").replace(b"\x09", b"\xff"), Reason.UNKNOWN),
    ],
)
def test_office_when_it_lies_in_a_container_then_it_is_locked_or_unknown(
    data: bytes, reason: Reason
) -> None:
    """A password is told from a document of older years."""
    assert refuse(data) == reason


@pytest.mark.parametrize("case", [*list_documents()], ids=lambda case: case[0])
def test_office_when_it_is_cleaned_then_no_name_of_a_person_is_left(
    case: Case,
) -> None:
    """The cases are full of them."""
    parts = [(part, 1) if isinstance(part, bytes) else part for part in case[2]]
    try:
        members = read(b"".join(data * times for data, times in parts))
    except RefusedError:
        return
    assert "ana" not in "".join([*members, *members.values()]).lower()


def get_case(name: str) -> bytes:
    """Give the case of the vectors that has a name."""
    return next(b"".join(map(_whole, parts)) for key, _, parts in list_documents() if key == name)


def _whole(part: bytes | tuple[bytes, int]) -> bytes:
    return part if isinstance(part, bytes) else part[0] * part[1]


def test_field_when_programs_write_the_day_into_it_then_the_day_and_its_id_go() -> None:
    """PowerPoint puts the day of the last change into every layout; numbers of slides stay."""
    cleaned, plan = clean(get_case("pptx-dates"))

    slide = read_members(cleaned)["ppt/slides/slide1.xml"]
    assert Kind.TIME in plan.kinds
    assert "4/30/2013" not in slide
    assert "5BCAD085" not in slide
    assert "<a:t>1</a:t></a:fld>" in slide


def test_bookmark_when_its_name_is_a_clock_then_a_number_leads_there() -> None:
    """From fields, links and other parts; that of a file inside the file goes."""
    members = read(get_case("bookmarks"))

    whole = "".join(members.values())
    assert "Ana" not in whole
    assert "3590" not in whole
    assert "_MON_" not in whole
    for used in ("TOC \\o &quot;1-3&quot; \\b _b1 ", 'w:anchor="_b2"', " PAGEREF _b2 \\h ",
                 ' HYPERLINK \\l "_b1" ', ' XE "word" \\r _b3 ', 'w:id="0" w:name="_b2"',
                 'w:id="2" w:name="_b1"', 'w:id="3" w:name="_b4"', 'Target="#_b4"'):  # fmt: skip
        assert used in whole
    assert 'w:name="_b1"' in members["word/footnotes.xml"]


def test_chart_when_it_names_workbooks_then_places_in_its_own_stay() -> None:
    """On a Mac and on a PC Office writes names and paths of others."""
    chart = read(get_case("charts"))["word/charts/chart1.xml"]

    assert "<c:f>Sheet1!$A$1</c:f>" in chart
    assert chart.count("<c:f/>") == 3
    assert "ana" not in chart.lower()


def test_diagram_when_its_ids_are_random_then_they_are_numbers_that_still_fit() -> None:
    """They link the copies of a document; zero leads to nothing."""
    data = read(get_case("diagrams"))["word/diagrams/data1.xml"]

    assert '<dgm:pt modelId="1"/><dgm:pt modelId="2"><dgm:prSet presAssocID="1"/>' in data
    assert 'destId="2" modelId="3" parTransId="0" sibTransId="4" srcId="1"' in data


def test_text_when_it_has_characters_that_nobody_sees_then_they_go() -> None:
    """Copies are marked with them for one reader; what is typeset or what scripts need stays."""
    cleaned, plan = clean(get_case("unseen"))

    document = read_members(cleaned)["word/document.xml"]
    assert Kind.TEXT in plan.kinds
    assert "<w:t>seen so\u00adft \u0915\u200d</w:t><w:t/>" in document


def test_row_when_a_change_took_it_out_then_it_goes_with_its_picture() -> None:
    """A table of such rows goes, too; a cell stays, and is empty."""
    members = read(get_case("changes-rows"))

    document = members["word/document.xml"]
    assert document.endswith(
        "<w:body><w:tbl><w:tblPr/><w:tr><w:trPr/><w:tc><w:tcPr/><w:p/></w:tc><w:tc><w:p><w:r><w:t>"
        "seen</w:t></w:r></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"
    )
    assert not any("media" in name for name in members)


def test_formula_when_it_names_another_file_in_any_way_then_it_goes() -> None:
    """As Office on a Mac, LibreOffice and people write them; what is of the same workbook stays."""
    sheet = read(get_case("paths"))["xl/worksheets/sheet1.xml"]

    assert "ana" not in sheet.lower()
    assert re.findall("<f>(.*?)</f>", sheet) == [
        'HYPERLINK("https://example.org/a","t")',
        "Table1[[#This Row],[a]]*'My One'!A1/'Two'!B1&amp;\"/\"",
    ]
    assert sheet.count("<v>1</v>") == 7
    assert '<hyperlinks><hyperlink location="One!A1" ref="A2"/></hyperlinks>' in sheet
    assert "paperSize" not in sheet


def test_name_when_it_is_hidden_and_holds_a_value_then_it_goes() -> None:
    """Programs leave who and when in them; hidden places, and values that people named, stay."""
    workbook = read(get_case("names"))["xl/workbook.xml"]

    assert re.findall('name="([^"]*)"', workbook) == ["One", "_xlnm._FilterDatabase", "Tax"]


def test_formula_when_it_uses_a_name_that_goes_then_its_value_stays() -> None:
    """Else it is an error when it is worked out again; names of functions are none."""
    sheet = read(get_case("names-lost"))["xl/worksheets/sheet1.xml"]

    assert re.findall("<f>(.*?)</f>", sheet) == ["Extra+1", "_xlfn.SUM(1)"]
    assert re.findall("<v>(.*?)</v>", sheet) == ["3", "2", "1"]


def test_number_when_programs_draw_it_by_lot_then_it_counts_from_one() -> None:
    """Axes of charts, drawings and sheets: what leads to them still does."""
    chart = read(get_case("charts"))["word/charts/chart1.xml"]
    drawn = PICTURE.replace("<a:graphic ", '<wp:inline><wp:docPr id="1957104362"/><a:graphic ')
    drawn = drawn.replace("</a:graphic>", "</a:graphic></wp:inline>")
    space = DRAWING.replace("/main", "/wordprocessingDrawing")
    members = read(
        make_word(drawn, IMAGE, spaces=f' xmlns:wp="{space}"', word__media__ana_dot_x=PNG)
    )

    assert chart.count('<c:axId val="1"/>') == 2
    assert '<wp:docPr id="1"/>' in members["word/document.xml"]
