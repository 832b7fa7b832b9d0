"""The cases of OpenDocument, for `make_cleaning_vectors`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.documents import PNG, SPACES, TELLING_JPEG, make_content, make_open_document

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

DRAWN = b"\1\0\0\0 EMF"
PICTURE = '<draw:frame draw:name="Ana"><draw:image xlink:href="Pictures/Ana.x"/></draw:frame>'
OBJECT = (
    '<draw:frame><draw:object xlink:href="./Ana"/><draw:image '
    'xlink:href="./ObjectReplacements/Ana"/></draw:frame>'
)
FORMULA = (
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><semantics><mi mathvariant="italic">x</mi>'
    '<annotation encoding="StarMath 5.0">Ana</annotation></semantics></math>'
)


ITEM = '<config:config-item config:name="{}" config:type="{}">{}</config:config-item>'
KEPT_ITEMS = ITEM.format("AddFrameOffsets", "boolean", "true") + ITEM.format(
    "DefaultTabStop", "int", "1250"
)
SETTINGS = (
    '<office:document-settings xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:config="urn:oasis:names:tc:opendocument:xmlns:config:1.0"><office:settings>'
    '<config:config-item-set config:name="ooo:view-settings">'
    + ITEM.format("TabOverflow", "boolean", "true")
    + '</config:config-item-set><config:config-item-set config:name="ooo:configuration-settings">'
    + ITEM.format("TabOverflow", "boolean", "Ana")
    + ITEM.format("PrinterName", "string", "Ana's printer")
    + ITEM.format("Rsid", "int", "123456")
    + ITEM.format("DefaultTabStop", "int", "1250")
    + ITEM.format("AddFrameOffsets", "boolean", "true")
    + '<config:config-item-set config:name="ooo:configuration-settings">'
    + ITEM.format("TableRowKeep", "boolean", "true")
    + "</config:config-item-set></config:config-item-set></office:settings>"
    "</office:document-settings>"
)


def list_open_documents() -> Iterator[Case]:
    """List the cases of OpenDocument."""
    yield (
        "odt",
        "properties, settings and times go",
        [make_open_document("<text:p>seen</text:p>")],
    )
    yield (
        "settings",
        "those that lay out pages stay",
        [make_open_document("<text:p>seen</text:p>", members={"settings.xml": SETTINGS})],
    )
    yield (
        "settings-broken",
        "as any part",
        [make_open_document("", members={"settings.xml": SETTINGS[:-1]})],
    )
    yield (
        "changes",
        "they are accepted, and nobody made them",
        [
            make_open_document(
                "<text:tracked-changes><text:changed-region><text:deletion><office:change-info>"
                "<dc:creator>Ana</dc:creator></office:change-info><text:p>out</text:p>"
                "</text:deletion></text:changed-region></text:tracked-changes><text:p>a"
                '<text:change text:change-id="1"/>b<office:annotation><dc:creator>Ana</dc:creator>'
                "<text:p>note</text:p></office:annotation></text:p>"
            )
        ],
    )
    yield (
        "fields",
        "they become what they show",
        [
            make_open_document(
                '<text:p>by <text:author-name text:fixed="true">A.</text:author-name> on '
                '<text:date text:date-value="2026-03-04T05:06:07">4 March</text:date>, page '
                "<text:page-number>1</text:page-number><text:s/></text:p>"
            )
        ],
    )
    yield (
        "links",
        "those to files go, their texts stay",
        [
            make_open_document(
                '<text:p><text:a xlink:href="file:///papers/ana/a.odt">a</text:a><text:a '
                'xlink:href="https://example.org/">b</text:a><text:a xlink:href="#c">c</text:a>'
                "</text:p>"
            )
        ],
    )
    yield (
        "picture",
        "it is cleaned by its own rules",
        [make_open_document(PICTURE, members={"Pictures/Ana.x": TELLING_JPEG})],
    )
    yield (
        "picture-elsewhere",
        "one that is not in the file goes",
        [
            make_open_document(
                '<draw:frame><draw:image xlink:href="https://example.org/a.png"/><draw:image '
                'xlink:href="../a.png"/></draw:frame>'
            )
        ],
    )
    yield (
        "object",
        "charts and formulas stay, their stand-ins only if they can be cleaned",
        [
            make_open_document(
                OBJECT + OBJECT.replace("Ana", "Bea"),
                members={
                    "Ana/content.xml": make_content("<chart:chart xlink:href='..'/>", kind="chart"),
                    "Bea/content.xml": FORMULA,
                    "ObjectReplacements/Ana": PNG,
                    "ObjectReplacements/Bea": DRAWN,
                },
            )
        ],
    )
    yield (
        "ods",
        "formulas that lead to other files go, their values stay",
        [
            make_open_document(
                '<table:table table:name="A"><table:table-row><table:table-cell table:formula="of:='
                '\'file:///papers/ana/b.ods\'#$A.B1" office:value-type="float" office:value="1"/>'
                '<table:table-cell table:formula="of:=[.A1]+1" office:value="2"/>'
                "</table:table-row></table:table><table:table table:name=\"'file:///papers/ana/b.ods'"
                '#A"><table:table-source xlink:href="../b.ods"/></table:table>',
                kind="spreadsheet",
            )
        ],
    )
    yield (
        "odp",
        "names of shapes go, those of slides become numbers",
        [
            make_open_document(
                '<draw:page draw:name="Ana"><draw:frame draw:name="Ana"><svg:title>Ana'
                '</svg:title><draw:text-box><text:p><text:a xlink:href="#Ana">seen</text:a>'
                "</text:p></draw:text-box></draw:frame></draw:page>",
                kind="presentation",
            )
        ],
    )
    text = "<text:p>seen</text:p>"
    yield (
        "styles",
        "what is in no list goes",
        [
            make_open_document(
                text,
                members={
                    "styles.xml": f"<office:document-styles{SPACES}><office:styles><style:style "
                    'xmlns:o="urn:o" o:rsid="1" style:name="A"/></office:styles>'
                    "</office:document-styles>",
                    "Thumbnails/thumbnail.png": PNG,
                    "Basic/script-lc.xml": "<a/>",
                },
            )
        ],
    )
    clock = '<text:date text:date-value="2026-03-04">4 May</text:date>, <text:time>5:06</text:time>'
    region = f"<style:region-right><text:p>page {clock}</text:p></style:region-right>"
    yield (
        "sheet-head",
        "the clock goes that a program sets anew in the head of each sheet",
        [
            make_open_document(
                "<table:table/>",
                kind="spreadsheet",
                members={
                    "styles.xml": f"<office:document-styles{SPACES}><office:master-styles>"
                    f'<style:master-page style:name="A"><style:header>{region}<text:p>{clock}'
                    "</text:p></style:header></style:master-page></office:master-styles>"
                    "</office:document-styles>"
                },
            )
        ],
    )
    yield (
        "drawn",
        "a picture that cannot be cleaned",
        [make_open_document(PICTURE, members={"Pictures/Ana.x": DRAWN})],
    )
    yield (
        "inline",
        "a picture inside the text",
        [
            make_open_document(
                "<draw:image><office:binary-data>AA==</office:binary-data></draw:image>"
            )
        ],
    )
    yield (
        "lists",
        "one that goes on with another still does, under numbers of our own",
        [
            make_open_document(
                '<text:list xml:id="list987654321"><text:list-item><text:p>one</text:p>'
                '</text:list-item></text:list><text:list xml:id="list1111"/><text:list xml:id='
                '"list2222" text:continue-list="list987654321"><text:list-item><text:p>two</text:p>'
                '</text:list-item></text:list><text:numbered-paragraph text:list-id="list1111"/>'
            )
        ],
    )
    zotero = "ZOTERO_ITEM CSL_CITATION {&quot;uris&quot;:[&quot;http://ana/1&quot;]} RNDx"
    yield (
        "names",
        "of places and marks: numbers, the same for what leads there",
        [
            make_open_document(
                f'<text:section text:name="Ana"><text:p><text:a xlink:href="#An%61%20b">a</text:a>'
                '<text:a xlink:href="#%E4">a</text:a><text:a xlink:href="#Ana|region">b</text:a>'
                '<text:a xlink:href="#A|outline">c</text:a><text:bookmark text:name="b"/>'
                '<text:bookmark-start text:name="Ana b"/><text:bookmark-end text:name="Ana b"/>'
                f'<text:reference-mark-start text:name="{zotero}"/>(1)<text:reference-mark-end '
                f'text:name="{zotero}"/><text:reference-ref text:ref-name="{zotero}">1'
                '</text:reference-ref><text:note text:id="ftnAna"/><text:note-ref text:ref-name='
                '"ftnAna">1</text:note-ref><text:toc-mark-start text:id="IMark9447182930"/>'
                '<text:toc-mark-end text:id="IMark9447182930"/></text:p></text:section>'
            )
        ],
    )
    yield (
        "paths",
        "formulas and ranges that name files go, wherever they stand",
        [
            make_open_document(
                "<table:content-validation table:condition=\"of:is(['file:///ana/x'#$S.A1])\"/>"
                '<table:table-cell table:formula="of:=DDE(&quot;a&quot;;&quot;ana&quot;)"/>'
                '<table:table-cell table:formula="of:=HYPERLINK(&quot;/papers/ana/x&quot;)"/>'
                '<table:table-cell table:formula="of:=[.A1]&amp;&quot;/&quot;"/>'
                "<table:database-range table:target-range-address=\"'/ana/x'.A1\"/>"
                '<text:bibliography-mark text:url="file:///ana" text:annote="Ana" '
                'text:custom1="Ana" text:note="Ana">[1]</text:bibliography-mark>',
                kind="spreadsheet",
            )
        ],
    )
    yield (
        "macros",
        "programs are refused",
        [make_open_document(text, members={"Basic/Standard/Ana.xml": "<a/>"})],
    )
    yield (
        "locked",
        "a password",
        [make_open_document(text, members={"META-INF/manifest.xml": "<encryption-data/>"})],
    )
    yield "drawing", "other kinds of documents", [make_open_document(text, kind="graphics")]
    yield (
        "no-content",
        "nothing is shown",
        [make_open_document(text, members={"content.xml": "<a/>"})],
    )
