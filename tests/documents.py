"""Tiny documents of Office, and archives, put together by hand: valid, and broken in one place."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping

from tests.pdfs import read_objects
from tests.pictures import make_jpeg, make_png, segment

STAMP = (2026, 3, 4, 5, 6, 8)
FIRST_DAY = (1980, 1, 1, 0, 0, 0)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
TELLING_JPEG = make_jpeg(segment(0xFE, b"by Ana"))

CORE = (
    '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/'
    'core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms='
    '"http://purl.org/dc/terms/"><dc:creator>Ana Quiroga</dc:creator><dc:title/>'
    "<dcterms:created>2026-03-04T05:06:07Z</dcterms:created></cp:coreProperties>"
)


def make_archive(
    members: Mapping[str, str | bytes], *, date: tuple[int, ...] = STAMP, is_deflated: bool = False
) -> bytes:
    """
    Make an archive.

    Args:
        members: By their names, in order.
        date: Of each.
        is_deflated: Whether they are.

    Returns:
        It.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, date)  # type: ignore[arg-type]  # six numbers
            info.compress_type = zipfile.ZIP_DEFLATED if is_deflated else zipfile.ZIP_STORED
            archive.writestr(info, content)
    return out.getvalue()


def make_relations(*relations: tuple[str, str, str]) -> str:
    """
    Make the relations of a part.

    Args:
        relations: Of each its name, the end of its type, and its target; those of `hyperlink` and
            `attachedTemplate` lead out.

    Returns:
        XML.
    """
    lines = "".join(
        f'<Relationship Id="{name}" Type="{RELATIONS}/{kind}" Target="{target}"'
        + (' TargetMode="External"/>' if kind in ("hyperlink", "attachedTemplate") else "/>")
        for name, kind, target in relations
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


def make_package(
    main: str, content: str, *relations: tuple[str, str, str], **parts: str | bytes
) -> dict[str, str | bytes]:
    """
    Make the members of a document.

    Args:
        main: The path of its main part.
        content: Of that part.
        relations: Of that part.
        parts: Others, by their paths: `__` stands for a slash, `_dot_` for a full stop.

    Returns:
        Members by their paths.
    """
    folder, _, name = main.rpartition("/")
    named = {key.replace("__", "/").replace("_dot_", "."): part for key, part in parts.items()}
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": make_relations(
            ("rId1", "officeDocument", main), ("rId2", "core-properties", "docProps/core.xml")
        ),
        "docProps/core.xml": CORE,
        main: content,
        f"{folder}/_rels/{name}.rels": make_relations(*relations),
        **named,
    }


def make_word(
    body: str, *relations: tuple[str, str, str], spaces: str = "", **parts: str | bytes
) -> bytes:
    """
    Make a DOCX.

    Args:
        body: What stands in it.
        relations: Of the main part.
        spaces: Further namespaces.
        parts: As of `make_package`.

    Returns:
        It.
    """
    content = (
        f'<w:document xmlns:w="{WORD}" xmlns:r="{RELATIONS}"{spaces}>'
        f"<w:body>{body}</w:body></w:document>"
    )
    return make_archive(make_package("word/document.xml", content, *relations, **parts))


def make_sheet(rows: str, *, around: str = "", workbook: str = "", **parts: str | bytes) -> bytes:
    """
    Make an XLSX of one sheet.

    Args:
        rows: Of the sheet.
        around: What stands behind its rows.
        workbook: What stands behind the list of sheets.
        parts: As of `make_package`.

    Returns:
        It.
    """
    spaces = f'xmlns="{SHEET}" xmlns:r="{RELATIONS}"'
    content = (
        f'<workbook {spaces}><sheets><sheet name="One" sheetId="1" r:id="rId7"/></sheets>'
        f"{workbook}</workbook>"
    )
    sheet = f"<worksheet {spaces}><sheetData>{rows}</sheetData>{around}</worksheet>"
    relations = [("rId7", "worksheet", "worksheets/a.xml")]
    if "xl__shared_dot_xml" in parts:
        relations.append(("rId8", "sharedStrings", "shared.xml"))
    parts = {"xl__worksheets__a_dot_xml": sheet, **parts}
    return make_archive(make_package("xl/workbook.xml", content, *relations, **parts))


def make_slides(text: str, **parts: str | bytes) -> bytes:
    """
    Make a PPTX of one slide.

    Args:
        text: What stands on it.
        parts: As of `make_package`.

    Returns:
        It.
    """
    spaces = f'xmlns:p="{SLIDE}" xmlns:a="{DRAWING}" xmlns:r="{RELATIONS}"'
    content = (
        f'<p:presentation {spaces}><p:sldIdLst><p:sldId id="256" r:id="rId5"/></p:sldIdLst>'
        '<p:sldSz cx="9144000" cy="6858000"/></p:presentation>'
    )
    slide = (
        f'<p:sld {spaces}><p:cSld name="Ana"><p:spTree><p:sp><p:nvSpPr><p:cNvPr id="2" '
        'name="Ana 1" descr="C:\\Users\\ana"/></p:nvSpPr><p:txBody><a:bodyPr/><a:p><a:r>'
        f"<a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    )
    relations = [("rId5", "slide", "slides/a.xml")]
    parts = {"ppt__slides__a_dot_xml": slide, **parts}
    return make_archive(make_package("ppt/presentation.xml", content, *relations, **parts))


def make_container(name: str) -> bytes:
    """
    Make what is needed of a container of older documents (MS-CFB).

    Args:
        name: Of an entry in its directory.

    Returns:
        Its head, a sector, and its directory.
    """
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    head[30], head[48] = 9, 1
    return bytes(head) + bytes(512) + name.encode("utf-16-le").ljust(512, b"\0")


def digest_cleaned(cleaned: bytes) -> tuple[int, str]:
    """
    Digest a cleaned file so that two programs can be compared.

    Args:
        cleaned: It.

    Returns:
        Its length and SHA-256. Of an archive: of its members' names, lengths and contents, since
        no two programs deflate alike. Of a PDF: of its objects and inflated streams.
    """
    if cleaned.startswith(b"%PDF-"):
        cleaned = b"".join(
            b"%d\n%d\n%s%s" % (number, len(body), body, data)
            for number, (body, data) in read_objects(cleaned).items()
        )
    if cleaned.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(cleaned)) as archive:
            cleaned = b"".join(
                b"%s\n%d\n%s" % (info.filename.encode(), info.file_size, archive.read(info))
                for info in archive.infolist()
            )
    return len(cleaned), hashlib.sha256(cleaned).hexdigest()


def read_members(cleaned: bytes) -> dict[str, str]:
    """
    Read the members of a cleaned archive.

    Args:
        cleaned: It.

    Returns:
        Their contents by their names; bytes stand as characters where they are no UTF-8.
    """
    with zipfile.ZipFile(io.BytesIO(cleaned)) as archive:
        return {
            info.filename: archive.read(info).decode("utf-8", "surrogateescape")
            for info in archive.infolist()
        }


PNG = make_png()


# --- OpenDocument -------------------------------------------------------------------------------

OPEN_DOCUMENT = "urn:oasis:names:tc:opendocument:xmlns:"
SPACES = (
    "".join(
        f' xmlns:{prefix}="{OPEN_DOCUMENT}{name}:1.0"'
        for prefix, name in (
            ("office", "office"),
            ("text", "text"),
            ("table", "table"),
            ("draw", "drawing"),
            ("svg", "svg-compatible"),
            ("number", "datastyle"),
            ("chart", "chart"),
            ("style", "style"),
        )
    )
    + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
META = (
    f'<office:document-meta{SPACES} xmlns:meta="{OPEN_DOCUMENT}meta:1.0"><office:meta>'
    "<meta:generator>Writer 7</meta:generator><dc:creator>Ana</dc:creator></office:meta>"
    "</office:document-meta>"
)


def make_content(body: str, *, kind: str = "text") -> str:
    """
    Make the content of an OpenDocument.

    Args:
        body: What stands in it.
        kind: `text`, `spreadsheet`, `presentation` or `chart`.

    Returns:
        XML.
    """
    return (
        f"<office:document-content{SPACES}><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )


def make_open_document(
    body: str, *, kind: str = "text", members: Mapping[str, str | bytes] | None = None
) -> bytes:
    """
    Make an ODT, ODS or ODP.

    Args:
        body: What stands in it.
        kind: `text`, `spreadsheet` or `presentation`.
        members: Others, or in place of those that there are.

    Returns:
        It.
    """
    return make_archive(
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": make_content(body, kind=kind),
            "meta.xml": META,
            "settings.xml": "<Ana/>",
            "META-INF/manifest.xml": "<manifest/>",
            **(members or {}),
        }
    )
