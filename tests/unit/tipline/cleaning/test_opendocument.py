"""OpenDocument: what is shown stays, what tells goes."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.documents import PNG, TELLING_JPEG, make_content, make_open_document, read_members
from tests.holding import refuse
from tests.pictures import make_jpeg
from tests.vectors.cleaning_open_documents import (
    DRAWN,
    FORMULA,
    OBJECT,
    PICTURE,
    list_open_documents,
)
from tipline.cleaning import opendocument as opendocument_module
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, Plan, write_cleaned


def clean(data: bytes) -> tuple[bytes, Plan]:
    """Clean *data*, and hold that what comes out is clean."""
    source, cleaned, again = io.BytesIO(data), io.BytesIO(), io.BytesIO()
    plan = plan_cleaning(source)
    write_cleaned(plan, source, cleaned)
    second = plan_cleaning(cleaned)
    assert second.kinds == ()
    write_cleaned(second, cleaned, again)
    assert again.getvalue() == cleaned.getvalue()
    assert zipfile.ZipFile(cleaned).testzip() is None
    return cleaned.getvalue(), plan


def read(data: bytes) -> dict[str, str]:
    """Clean *data*, and read the members of what comes out."""
    return read_members(clean(data)[0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("text", Format.ODT), ("spreadsheet", Format.ODS), ("presentation", Format.ODP)],
)
def test_open_document_when_it_is_cleaned_then_its_content_alone_stays(
    kind: str, expected: Format
) -> None:
    """Who, when and by which program goes."""
    cleaned, plan = clean(make_open_document("<text:p>seen</text:p>", kind=kind))
    members = read_members(cleaned)

    assert plan.format == expected
    assert plan.kinds == (Kind.DEVICE, Kind.TIME, Kind.PERSON, Kind.SOFTWARE)
    assert list(members) == ["mimetype", "content.xml", "META-INF/manifest.xml"]
    assert "<text:p>seen</text:p>" in members["content.xml"]
    assert cleaned[30:38] == b"mimetype"


def test_open_document_when_it_is_a_template_then_it_is_a_document() -> None:
    """The kind of its content is the same."""
    mimetype = "application/vnd.oasis.opendocument.text-template\n"

    _, plan = clean(make_open_document("", members={"mimetype": mimetype}))

    assert plan.format == Format.ODT


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ("<text:tracked-changes>a</text:tracked-changes>", ""),
        ("<text:p>a<text:change/>b</text:p>", "<text:p>ab</text:p>"),
        ("<text:p>a<office:annotation>b</office:annotation></text:p>", "<text:p>a</text:p>"),
        ("<text:p>a<text:creator>b</text:creator></text:p>", "<text:p>ab</text:p>"),
        ("<text:p>a<text:date text:date-value='1'>b</text:date></text:p>", "<text:p>ab</text:p>"),
        ("<text:p><text:a xlink:href='file:///a'>b</text:a></text:p>", "<text:p>b</text:p>"),
        ("<text:p><text:a>b</text:a></text:p>", "<text:p>b</text:p>"),
        ('<text:p><text:a xlink:href="#a">b</text:a></text:p>',
         '<text:p><text:a xlink:href="#bookmark1">b</text:a></text:p>'),
        ('<draw:image xlink:href="#a"/>', ""),
        ('<draw:image xlink:href="https://a/"/>', ""),
        ('<draw:image xlink:href="content.xml"/>', ""),
        ('<draw:plugin xlink:href="a.mp4"/>', ""),
        ('<draw:frame draw:name="Ana"/>', "<draw:frame/>"),
        ('<text:bibliography-mark text:url="file:///a" text:annote="b" text:custom1="c"/>',
         "<text:bibliography-mark/>"),
        ('<text:bibliography-mark text:note="a" text:identifier="b"/>',
         '<text:bibliography-mark text:identifier="b"/>'),
        ('<draw:enhanced-geometry draw:type="a" draw:engine="b" draw:data="c"/>',
         '<draw:enhanced-geometry draw:type="a"/>'),
        ('<style:page-layout-properties style:paper-tray-name="HP 4"/>',
         "<style:page-layout-properties/>"),
        ('<text:bibliography-mark text:url="https://a/"/>',
         '<text:bibliography-mark text:url="https://a/"/>'),
        ('<table:table table:name="A" table:protection-key="b"/>', '<table:table table:name="A"/>'),
        ("<table:table table:name=\"'file:///a'#A\"/>", ""),
        ('<table:table-cell table:formula="of:=\'file:///a\'#A.A1" office:value="1"/>',
         '<table:table-cell office:value="1"/>'),
    ],
)  # fmt: skip
def test_open_document_when_it_has_more_than_content_then_only_what_is_listed_stays(
    tags: str, kept: str
) -> None:
    """Changes are accepted, fields are text, addresses of files go."""
    content = read(make_open_document(f"{tags}<text:p>end</text:p>"))["content.xml"]

    assert f"<office:text>{kept}<text:p>end</text:p></office:text>" in content


def test_open_document_when_a_list_goes_on_then_it_still_does() -> None:
    """Or its numbers would begin again; what the program numbered it with goes."""
    lists = '<text:list xml:id="list98"/><text:list xml:id="list7" text:continue-list="list98"/>'

    cleaned, plan = clean(make_open_document(lists))

    assert (
        '<text:list xml:id="list1"/><text:list text:continue-list="list1" xml:id="list2"/>'
        in read_members(cleaned)["content.xml"]
    )
    assert Kind.ID in plan.kinds


@pytest.mark.parametrize(
    "path",
    [
        "['file:///ana/x.ods'#$S.A1:A5]",
        "DDE(&quot;soffice&quot;;&quot;ana.ods&quot;;&quot;a&quot;)",
        "HYPERLINK(&quot;/papers/ana/x&quot;)",
        "HYPERLINK(&quot;../ana.ods&quot;)",
        "HYPERLINK(&quot;~/ana.ods&quot;)",
        "HYPERLINK(&quot;c:/ana.ods&quot;)",
        "['/papers/ana/x.ods'.A1]",
    ],
)
@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        ('<table:table-cell table:formula="of:={path}"/>', "<table:table-cell/>"),
        ('<table:content-validation table:name="a" table:condition="of:is({path})"/>',
         '<table:content-validation table:name="a"/>'),
        ('<table:database-range table:target-range-address="{path}"/>', ""),
        ('<table:named-expression table:expression="{path}"/>', ""),
        ('<chart:series chart:values-cell-range-address="{path}"/>', "<chart:series/>"),
        ('<text:variable-set text:formula="ooow:{path}">1</text:variable-set>',
         "<text:variable-set>1</text:variable-set>"),
        ('<style:style style:name="a"><style:map style:condition="{path}"/></style:style>',
         '<style:style style:name="a"/>'),
    ],
)  # fmt: skip
def test_open_document_when_a_formula_names_a_file_then_it_goes(
    tags: str, kept: str, path: str
) -> None:
    """Wherever a formula or a range of cells can stand."""
    body = tags.replace("{path}", path) + "<text:p/>"

    content = read(make_open_document(body, kind="spreadsheet"))["content.xml"]

    assert f"<office:spreadsheet>{kept}<text:p/></office:spreadsheet>" in content


@pytest.mark.parametrize(
    "formula",
    [
        "of:=[.A1]&amp;&quot;/&quot;&amp;[.B1]",
        "of:=&quot;/100&quot;",
        "of:=[$'A B'.B2:.B3]/2",
        "of:=&quot;//&quot;",
    ],
)
def test_open_document_when_a_formula_has_a_slash_alone_then_it_stays(formula: str) -> None:
    """It is no path."""
    tags = f'<table:table-cell table:formula="{formula}"/>'

    assert tags in read(make_open_document(tags, kind="spreadsheet"))["content.xml"]


@pytest.mark.parametrize(
    ("kind", "tags", "kept"),
    [
        ("text", '<text:bookmark text:name="Ana b"/><text:a xlink:href="#An%61%20b">c</text:a>',
         '<text:bookmark text:name="bookmark1"/><text:a xlink:href="#bookmark1">c</text:a>'),
        ("text", '<text:a xlink:href="#%E4">c</text:a><text:bookmark text:name="%E4"/>',
         '<text:a xlink:href="#bookmark1">c</text:a><text:bookmark text:name="bookmark1"/>'),
        ("text", '<text:a xlink:href="#a|outline">c</text:a>',
         '<text:a xlink:href="#a|outline">c</text:a>'),
        ("text", '<text:a xlink:href="#a|region">c</text:a><text:section text:name="a"/>',
         '<text:a xlink:href="#section1|region">c</text:a><text:section text:name="section1"/>'),
        ("text", '<text:reference-mark text:name="CSL {&quot;id&quot;:1}"/>',
         '<text:reference-mark text:name="reference1"/>'),
        ("text", '<text:reference-mark-end text:name="a"/><text:reference-ref text:ref-name="a"/>',
         ('<text:reference-mark-end text:name="reference1"/>'
          '<text:reference-ref text:ref-name="reference1"/>')),
        ("text", '<text:note text:id="a"/><text:note-ref text:ref-name="a">1</text:note-ref>',
         '<text:note text:id="note1"/><text:note-ref text:ref-name="note1">1</text:note-ref>'),
        ("spreadsheet", '<text:a xlink:href="#A.A1">c</text:a>',
         '<text:a xlink:href="#A.A1">c</text:a>'),
        ("presentation", '<text:a xlink:href="#Ana">c</text:a><draw:page draw:name="Ana"/>',
         '<text:a xlink:href="#slide1">c</text:a><draw:page draw:name="slide1"/>'),
    ],
)  # fmt: skip
def test_open_document_when_a_place_has_a_name_then_it_is_a_number_and_links_lead_there(
    kind: str, tags: str, kept: str
) -> None:
    """Citing programs keep accounts and papers in such names."""
    content = read(make_open_document(tags, kind=kind))["content.xml"]

    assert f"<office:{kind}>{kept}</office:{kind}>" in content


def test_open_document_when_a_picture_tells_then_it_is_cleaned_and_renamed() -> None:
    """By the rules of its own format."""
    cleaned, plan = clean(make_open_document(PICTURE, members={"Pictures/Ana.x": TELLING_JPEG}))

    with zipfile.ZipFile(io.BytesIO(cleaned)) as archive:
        assert archive.read("Pictures/image1.jpg") == make_jpeg()
        assert b"image/jpeg" in archive.read("META-INF/manifest.xml")
    assert Kind.TEXT in plan.kinds


def test_open_document_when_an_object_is_shown_then_it_stays_under_another_name() -> None:
    """With what it shows itself; its stand-in only if it can be cleaned."""
    inner = make_content(
        "<chart:chart/>" + PICTURE.replace("Pictures", "../Pictures"), kind="chart"
    )
    members = read(
        make_open_document(
            OBJECT + OBJECT.replace("Ana", "Bea"),
            members={
                "Ana/content.xml": inner,
                "Bea/content.xml": FORMULA,
                "Pictures/Ana.x": PNG,
                "ObjectReplacements/Ana": DRAWN,
                "ObjectReplacements/Bea": PNG,
            },
        )
    )

    assert 'xlink:href="../Pictures/image2.png"' in members["Object 1/content.xml"]
    assert '<math:mi mathvariant="italic">x</math:mi>' in members["Object 2/content.xml"]
    assert [*members] == [
        "mimetype",
        "content.xml",
        "Object 1/content.xml",
        "Object 2/content.xml",
        "Pictures/image1.png",
        "Pictures/image2.png",
        "META-INF/manifest.xml",
    ]


def test_open_document_when_it_cannot_be_cleaned_then_it_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the reason."""
    shown = make_open_document(PICTURE, members={"Pictures/Ana.x": DRAWN})
    assert refuse(shown) == Reason.UNSUPPORTED
    locked = {"META-INF/manifest.xml": "<encryption-data/>"}
    assert refuse(make_open_document("", members=locked)) == Reason.ENCRYPTED
    macro = {"Basic/Standard/Module1.xml": "<a/>"}
    assert refuse(make_open_document("", members=macro)) == Reason.MACROS
    clean(make_open_document("", members={"Basic/Standard/script-lb.xml": "<a/>"}))
    assert refuse(make_open_document("", kind="graphics")) == Reason.UNKNOWN
    assert refuse(make_open_document("", members={"mimetype": "a" * 257})) == Reason.UNKNOWN
    assert refuse(make_open_document("", members={"content.xml": "<a/>"})) == Reason.MALFORMED
    monkeypatch.setattr(opendocument_module, "MAX_OBJECTS", 1)
    objects = make_open_document(OBJECT, members={"Ana/content.xml": FORMULA})
    assert refuse(objects) == Reason.TOO_COMPLEX


@pytest.mark.parametrize("case", [*list_open_documents()], ids=lambda case: case[0])
def test_open_document_when_it_is_cleaned_then_no_name_of_a_person_is_left(
    case: tuple[str, str, list[bytes]],
) -> None:
    """The cases are full of them."""
    try:
        members = read(b"".join(case[2]))
    except RefusedError:
        return
    assert "ana" not in "".join([*members, *members.values()]).lower()
