"""The cases of documents, for `make_cleaning_vectors`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
)

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

PARAGRAPH = "<w:p><w:r><w:t>seen</w:t></w:r></w:p>"
COMPATIBLE = ' xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
SHAPE = ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
LATER = ' xmlns:w99="urn:later"'
VML = ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
PICTURE = (
    f'<w:p><w:r><w:drawing><a:graphic xmlns:a="{DRAWING}"><a:graphicData uri="x"><a:blip '
    'r:embed="rId9"/></a:graphicData></a:graphic></w:drawing></w:r></w:p>'
)
TAKEN_ROW = (
    '<w:tr><w:trPr><w:del w:author="Ana" w:date="2026-03-04T05:06:07Z"/></w:trPr><w:tc><w:p><w:r>'
    f"<w:t>row</w:t></w:r></w:p>{PICTURE}</w:tc></w:tr>"
)
OBJECT = (
    '<w:p><w:r><w:object><v:shape id="Ana" style="width:9pt"><v:imagedata r:id="rId9" '
    'o:title="Ana"/></v:shape><o:OLEObject r:id="rId8"/></w:object></w:r></w:p>'
)
IMAGE = ("rId9", "image", "media/ana.x")

BOOKMARKS = (
    '<w:p><w:fldSimple w:instr=" TOC \\o &quot;1-3&quot; \\b Ana "><w:r><w:t>1</w:t></w:r>'
    '</w:fldSimple><w:hyperlink w:anchor="_Toc359077851"><w:r><w:t>one</w:t></w:r></w:hyperlink>'
    "<w:r>"
    "<w:instrText> PAGEREF _Toc359077851 \\h </w:instrText></w:r><w:r><w:instrText> HYPERLINK \\l "
    '"ANA" </w:instrText></w:r><w:r><w:instrText> XE "word" \\r Ana_2 </w:instrText></w:r><w:r>'
    "<w:instrText> PAGE </w:instrText></w:r><w:r><w:instrText></w:instrText></w:r></w:p>"
    '<w:p><w:bookmarkStart w:id="0" w:name="_Toc359077851"/><w:bookmarkEnd w:id="0"/>'
    '<w:bookmarkStart w:id="1" w:name="_MON_1452939821"/><w:bookmarkEnd w:id="1"/>'
    '<w:bookmarkStart w:id="2" w:name="Ana"/><w:bookmarkEnd w:id="2"/><w:bookmarkStart w:id="3" '
    'w:name="_Ref359077852"/><w:bookmarkEnd w:id="3"/><w:hyperlink r:id="a"><w:r>'
    "<w:t>two</w:t></w:r>"
    "</w:hyperlink></w:p>"
)
FIELDS = (
    '<a:fld id="{5BCAD085-E8A6-8845-BD4E-CB4CCA059FC4}" type="datetimeFigureOut">'
    '<a:rPr lang="en-US"/>'
    '<a:t>4/30/2013</a:t></a:fld><a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"'
    "><a:t>1</a:t></a:fld>"
)
CHART = (
    f'<w:p><w:r><w:drawing><a:graphic xmlns:a="{DRAWING}"><a:graphicData uri="x"><c:chart '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="rId3"/></a:graphicData>'
    "</a:graphic></w:drawing></w:r></w:p>"
)
LEADING = (
    "'/Papers/ana/[Ana.xlsx]One'!A1",
    "[Ana.xlsx]One!A1",
    "'/Papers/ana/b.xlsx'!Sums",
    'HYPERLINK("/papers/ana/b.ods","t")',
    'HYPERLINK("smb://ana/b","t")',
    'HYPERLINK("https://example.org/a","t")',
    "Table1[[#This Row],[a]]*'My One'!A1/'Two'!B1&amp;\"/\"",
)
DGM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
DIAGRAM = (
    f'<w:p><w:r><w:drawing><a:graphic xmlns:a="{DRAWING}"><a:graphicData uri="x"><dgm:relIds '
    f'xmlns:dgm="{DGM}" r:dm="rId3"/></a:graphicData></a:graphic></w:drawing></w:r></w:p>'
)
DIAGRAM_DATA = (
    f'<dgm:dataModel xmlns:dgm="{DGM}"><dgm:ptLst><dgm:pt modelId="{{AF}}"/>'
    '<dgm:pt modelId="{BF}">'
    '<dgm:prSet presAssocID="{AF}"/></dgm:pt></dgm:ptLst><dgm:cxnLst><dgm:cxn modelId="{CF}" '
    'srcId="{AF}" destId="{BF}" parTransId="0" sibTransId="{DF}"/></dgm:cxnLst></dgm:dataModel>'
)


def make_chart(*places: str, axis: int) -> str:
    """Make a chart of values that stand in *places* of workbooks, with an *axis*."""
    values = "".join(
        f"<c:val><c:numRef><c:f>{place}</c:f><c:numCache><c:pt idx='0'><c:v>1</c:v></c:pt>"
        "</c:numCache></c:numRef></c:val>"
        for place in places
    )
    return (
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart>'
        f"<c:plotArea><c:barChart><c:ser>{values}</c:ser><c:axId val='{axis}'/>"
        f"</c:barChart><c:catAx><c:axId val='{axis}'/></c:catAx></c:plotArea></c:chart>"
        "</c:chartSpace>"
    )


def wrap(xml: str) -> bytes:
    """Make a DOCX whose main part is exactly so."""
    return make_archive(make_package("word/document.xml", xml))


def list_documents() -> Iterator[Case]:
    """List the cases of Office's documents."""
    yield from _list_words()
    yield from _list_sheets()
    yield from _list_broken()


def _list_words() -> Iterator[Case]:
    yield "docx", "properties and times go", [make_word(PARAGRAPH)]
    yield (
        "changes",
        "they are accepted, and nobody made them",
        [
            make_word(
                '<w:p w:rsidR="00A1"><w:pPr><w:pPrChange w:author="Ana" w:id="1"><w:pPr/>'
                '</w:pPrChange></w:pPr><w:ins w:author="Ana" w:date="2026-03-04T05:06:07Z"><w:r>'
                '<w:t>in</w:t></w:r></w:ins><w:del w:author="Ana"><w:r><w:delText>out</w:delText>'
                "</w:r></w:del><w:moveFrom><w:r><w:t>from</w:t></w:r></w:moveFrom><w:moveTo><w:r>"
                "<w:t>to</w:t></w:r></w:moveTo></w:p>"
            )
        ],
    )
    yield (
        "changes-rows",
        "rows that were taken out go, and tables of them; cells that were are empty",
        [
            make_word(
                f"<w:tbl>{TAKEN_ROW}</w:tbl><w:tbl><w:tblPr/>{TAKEN_ROW}<w:tr><w:trPr><w:ins "
                'w:author="Ana"/></w:trPr><w:tc><w:tcPr><w:cellDel w:author="Ana"/></w:tcPr><w:p>'
                "<w:r><w:t>cell</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>seen</w:t></w:r></w:p></w:tc>"
                "</w:tr></w:tbl>",
                IMAGE,
                word__media__ana_dot_x=TELLING_JPEG,
            )
        ],
    )
    yield (
        "comments",
        "they go, and where they were",
        [
            make_word(
                '<w:p><w:commentRangeStart w:id="0"/><w:r><w:t>seen</w:t></w:r><w:commentRangeEnd '
                'w:id="0"/><w:r><w:commentReference w:id="0"/></w:r></w:p>',
                ("rId3", "comments", "comments.xml"),
                word__comments_dot_xml="<w:comments/>",
            )
        ],
    )
    yield (
        "styles",
        "parts get names of our own, and what is in no list goes",
        [
            make_word(
                PARAGRAPH,
                ("x", "styles", "/word/Ana.xml"),
                ("y", "webSettings", "web.xml"),
                word__Ana_dot_xml=f'<w:styles xmlns:w="{WORD}"><w:style w:styleId="A"><w:name '
                'w:val="A"/><w:rsid w:val="00A1"/></w:style></w:styles>',
                word__web_dot_xml="<w:webSettings/>",
            )
        ],
    )
    yield (
        "places",
        "places that a program left while it was used go",
        [
            make_word(
                '<w:p><w:bookmarkStart w:id="0" w:name="_GoBack"/><w:bookmarkEnd w:id="0"/>'
                '<w:bookmarkStart w:id="1" w:name="_Hlk129"/><w:bookmarkEnd w:id="1"/>'
                '<w:bookmarkStart w:id="2" w:name="_Toc1"/><w:bookmarkEnd w:id="2"/></w:p>'
            )
        ],
    )
    yield (
        "unseen",
        "characters that nobody sees go from texts, soft hyphens and joiners of scripts stay",
        [
            make_word(
                "<w:p><w:r><w:t>se\u200be\u2060n\U000e0041\ufeff so\u00adft \u0915\u200d\u200c"
                "</w:t><w:t>\u200b</w:t></w:r></w:p>"
            )
        ],
    )
    yield (
        "bookmarks",
        "names that are clocks or are of people become numbers, and what leads there follows",
        [
            make_word(
                BOOKMARKS,
                ("a", "hyperlink", "#_Ref359077852"),
                ("b", "footnotes", "notes.xml"),
                word__notes_dot_xml=f'<w:footnotes xmlns:w="{WORD}"><w:footnote><w:p>'
                "<w:bookmarkStart "
                'w:id="9" w:name="Ana"/></w:p></w:footnote></w:footnotes>',
            )
        ],
    )
    yield (
        "charts",
        "names and paths of workbooks go",
        [
            make_word(
                CHART,
                ("rId3", "chart", "charts/a.xml"),
                word__charts__a_dot_xml=make_chart(
                    "Sheet1!$A$1",
                    "[Ana.xlsx]Sheet1!$A$1",
                    "'/Papers/ana/[Ana.xlsx]Sheet 1'!$A$1",
                    "'https://example.org/ana/b.xlsx'!Sums",
                    axis=1873921034,
                ),
            )
        ],
    )
    yield (
        "diagrams",
        "random ids become numbers",
        [
            make_word(
                DIAGRAM,
                ("rId3", "diagramData", "d/a.xml"),
                word__d__a_dot_xml=DIAGRAM_DATA,
            )
        ],
    )
    yield (
        "links",
        "those to the web stay, those to files go",
        [
            make_word(
                '<w:p><w:hyperlink r:id="a"><w:r><w:t>web</w:t></w:r></w:hyperlink>'
                '<w:hyperlink r:id="b"><w:r><w:t>file</w:t></w:r></w:hyperlink></w:p>',
                ("b", "hyperlink", "file:///C:/Papers/ana/plan.docx"),
                ("a", "hyperlink", "https://example.org/?a=1&amp;b=2"),
                ("c", "attachedTemplate", "file:///C:/Papers/ana/t.dotm"),
            )
        ],
    )
    yield (
        "fields",
        "those that say where the file was go, their results stay",
        [
            make_word(
                '<w:p><w:fldSimple w:instr=" FILENAME \\p "><w:r><w:t>plan</w:t></w:r>'
                '</w:fldSimple><w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
                "<w:r><w:instrText> AUTHOR </w:instrText></w:r><w:r><w:instrText> TOC \\o "
                '"1-3" </w:instrText></w:r></w:p>'
            )
        ],
    )
    yield (
        "alternatives",
        "the first that needs known namespaces alone",
        [
            make_word(
                '<mc:AlternateContent><mc:Choice Requires="w99"><w:p/></mc:Choice><mc:Choice '
                'Requires="wps"><w:p><w:r><w:t>a</w:t></w:r></w:p></mc:Choice><mc:Fallback><w:p>'
                "<w:r><w:t>b</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"
                '<mc:AlternateContent><mc:Choice Requires="w99"><w:p/></mc:Choice><mc:Fallback>'
                "<w:p><w:r><w:t>c</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>",
                spaces=COMPATIBLE + SHAPE + LATER,
            )
        ],
    )
    yield (
        "picture",
        "it is cleaned by its own rules",
        [make_word(PICTURE, IMAGE, word__media__ana_dot_x=TELLING_JPEG)],
    )
    yield (
        "picture-missing",
        "what shows it goes",
        [make_word(PICTURE, ("rId9", "image", "NULL"))],
    )
    yield (
        "object",
        "a file inside the file goes, its picture stays",
        [
            make_word(
                OBJECT,
                IMAGE,
                ("rId8", "oleObject", "embeddings/a.bin"),
                spaces=VML,
                word__media__ana_dot_x=PNG,
                word__embeddings__a_dot_bin=b"\xd0\xcf\x11\xe0",
            )
        ],
    )
    yield (
        "object-drawn",
        "a picture of it that cannot be cleaned: what a reader sees would be gone",
        [make_word(OBJECT, IMAGE, spaces=VML, word__media__ana_dot_x=b"\1\0\0\0 EMF")],
    )
    yield (
        "hidden",
        "text stays where text belongs, and nowhere else",
        [
            make_word(
                '<w:p>a<!-- b --><w:r>c<?d e?><w:t xml:space="preserve"><![CDATA[f & ]]>&lt;&#65;'
                '&#x42;\r\ng</w:t><w:unknown>h</w:unknown></w:r><x:y xmlns:x="urn:ana" z="i">j'
                "</x:y></w:p>"
            )
        ],
    )
    utf16 = f'<?xml version="1.0" encoding="UTF-16"?><w:document xmlns:w="{WORD}"/>'
    yield (
        "utf-16",
        "it is UTF-8 afterwards",
        [
            make_archive(
                make_package("word/document.xml", utf16)
                | {"word/document.xml": utf16.encode("utf-16")}
            )
        ],
    )
    yield (
        "strict",
        "the other addresses of the same format",
        [wrap('<d:document xmlns:d="http://purl.oclc.org/ooxml/wordprocessingml/main"/>')],
    )
    yield "pptx", "names and descriptions go", [make_slides("seen")]
    yield (
        "pptx-dates",
        "the day of the last change goes from fields that programs write anew, and their ids",
        [make_slides(f"seen</a:t></a:r>{FIELDS}<a:r><a:t>too")],
    )


def _list_sheets() -> Iterator[Case]:
    yield (
        "xlsx",
        "values and formulas stay, names of people go",
        [
            make_sheet(
                '<row r="1" spans="1:1"><c r="A1" s="0" cm="1"><f>SUM(1,2)</f><v>3</v></c></row>',
                workbook='<customWorkbookViews><customWorkbookView name="Ana"/>'
                "</customWorkbookViews>",
            )
        ],
    )
    yield (
        "formulas",
        "those that lead to other files go, their values stay",
        [
            make_sheet(
                '<row><c r="A1"><f>[1]Two!A1</f><v>1</v></c><c r="A2"><f t="shared" ref="A2:A3" '
                'si="4">\'C:\\ana\\[b.xlsx]C\'!A1</f><v>2</v></c><c r="A3"><f t="shared" '
                'si="4"/><v>3</v></c><c r="A4"><f t="shared" si="5"/><v>4</v></c></row>',
                workbook='<definedNames><definedName name="a">[2]Two!A1</definedName>'
                '<definedName name="b">One!$A$1</definedName></definedNames>',
            )
        ],
    )
    yield (
        "paths",
        "names and paths of other files go in every way of writing, addresses of the web stay",
        [
            make_sheet(
                "<row>"
                + "".join(f"<c r='A{row}'><f>{f}</f><v>1</v></c>" for row, f in enumerate(LEADING))
                + "</row>",
                around='<hyperlinks><hyperlink ref="A1" location="\'C:\\ana\\b\'!A1"/><hyperlink '
                'ref="A2" location="One!A1"/></hyperlinks><pageSetup paperSize="258"/>',
            )
        ],
    )
    yield (
        "names",
        "hidden ones that hold a value go, those of places stay",
        [
            make_sheet(
                "",
                workbook='<definedNames><definedName name="HTML_Name" hidden="1">"Ana"'
                '</definedName><definedName name="IQ_DATE" hidden="true">42170.61'
                "</definedName><definedName "
                'name="_xlnm._FilterDatabase" hidden="1">One!$A$1:$B$2</definedName><definedName '
                'name="Tax">0.2</definedName></definedNames>',
            )
        ],
    )
    yield (
        "names-lost",
        "formulas that name what goes go, their values stay",
        [
            make_sheet(
                '<row><c r="A1"><f>2*ext+1</f><v>3</v></c><c r="A2"><f>Extra+1</f><v>2</v></c><c '
                'r="A3"><f>_xlfn.SUM(1)</f><v>1</v></c></row>',
                workbook='<definedNames><definedName name="Ext">[1]S!$A$1</definedName>'
                '<definedName name="Extra">1</definedName><definedName name="_xlfn.SUM" '
                'hidden="1">#NAME?</definedName></definedNames>',
            )
        ],
    )
    yield (
        "strings",
        "those that no cell shows go",
        [
            make_sheet(
                '<row><c r="A1" t="s"><v>2</v></c><c r="B1"><v>1</v></c></row>',
                xl__shared_dot_xml='<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/'
                '2006/main" count="3"><si><t>old</t></si><si><r><t>gone</t></r></si><si><t>shown'
                "</t></si></sst>",
            )
        ],
    )
    yield (
        "protection",
        "sums of passwords, printers and notes go",
        [
            make_sheet(
                "",
                around='<sheetProtection password="CC1A" sheet="1"/><pageSetup orientation='
                '"landscape" horizontalDpi="600" r:id="rId1"/><legacyDrawing r:id="rId2"/>',
                xl__worksheets___rels__a_dot_xml_dot_rels=make_relations(
                    ("rId1", "printerSettings", "../p.bin"), ("rId2", "vmlDrawing", "../v.vml")
                ),
                xl__p_dot_bin=b"HP",
            )
        ],
    )


def _list_broken() -> Iterator[Case]:
    document = f'<w:document xmlns:w="{WORD}"/>'
    package = make_package("word/document.xml", document)
    whole = make_archive(package)
    yield "other-document", "parts of other documents", [make_word("<w:altChunk/>")]
    yield (
        "drawn",
        "a picture that cannot be cleaned",
        [make_word(PICTURE, IMAGE, word__media__ana_dot_x=b"\1\0\0\0 EMF")],
    )
    yield "doctype", "no entities of its own", [wrap("<!DOCTYPE w [<!ENTITY a 'b'>]>" + document)]
    yield "entity", "only those that XML has", [wrap(document[:-2] + ">&a;</w:document>")]
    yield "unclosed", "every element ends", [wrap(document[:-2] + ">")]
    yield "crossed", "and in its order", [make_word("<w:p><w:r></w:p></w:r>")]
    yield "two-roots", "one root", [wrap(document + document)]
    yield "twice", "no attribute twice", [make_word('<w:p w:rsidR="1" w:rsidR="2"/>')]
    yield "control", "no character that XML forbids", [make_word("&#1;")]
    yield (
        "latin",
        "no other encoding",
        [make_archive({**package, "word/document.xml": document.encode()[:-2] + b">\xe9<"})],
    )
    yield "another-root", "the main part says what it is", [wrap(f'<w:styles xmlns:w="{WORD}"/>')]
    yield (
        "macros",
        "programs are refused",
        [
            make_word(
                PARAGRAPH, ("rId4", "vbaProject", "vba.bin"), word__vba_dot_bin=b"\xd0\xcf\x11\xe0"
            )
        ],
    )
    yield "locked", "a container with a password", [make_container("EncryptedPackage")]
    yield "older", "another container", [make_container("WordDocument")]
    yield "older-cut", "one that ends in its head", [make_container("EncryptedPackage")[:40]]
    yield "zip", "an archive of something", [make_archive({"a.txt": "seen"})]
    yield "zip-empty", "its end alone", [b"PK\3\4" + b"PK\5\6" + bytes(18)]
    yield "zip-truncated", "no end", [whole[:-22]]
    yield "zip-behind", "bytes behind its end", [whole + b"x"]
    yield "zip-said", "a text behind its end, and bytes behind it", [whole[:-2] + b"\3\0Ana\n"]
    yield "zip-said-less", "less behind its end than is said", [whole[:-2] + b"\5\0Ana\n"]
    yield "zip-far", "its end is nowhere near", [whole, (b"x", 0xFFFF + 1)]
    yield "zip-before", "a member's head is elsewhere", [whole[:4] + b"x" + whole[4:]]
    yield "zip-sum", "a wrong sum", [whole.replace(b"<w:document", b"<v:document")]
    yield "zip-name", "two names of a member", [whole.replace(b"docProps/core.xml", b"d" * 17, 1)]
    yield (
        "zip-twice",
        "two members of a name",
        [make_archive({**package, "WORD/document.xml": "<a/>"})],
    )
    flags = whole.index(b"PK\1\2") + 8
    yield "zip-locked", "a password", [whole[:flags] + b"\1" + whole[flags + 1 :]]
    method = flags + 2
    yield "zip-method", "another way to compress", [whole[:method] + b"\x0e" + whole[method + 1 :]]
    size = whole.index(b"PK\1\2") + 20
    yield (
        "zip-large",
        "lengths that lie",
        [whole[:size] + b"\xfe\xff\xff\x7f" * 2 + whole[size + 8 :]],
    )
    yield "zip-64", "ZIP64", [whole[:size] + b"\xff" * 8 + whole[size + 8 :]]
    deflated = make_archive(package, is_deflated=True, date=FIRST_DAY)
    yield "zip-deflated", "compressed bytes stay as they are", [deflated]
    yield (
        "relations",
        RELATIONS.rpartition("/")[2] + " that lead nowhere",
        [
            make_archive(
                {**package, "_rels/.rels": make_relations(("a", "officeDocument", "x.xml"))}
            )
        ],
    )
