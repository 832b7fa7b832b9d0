"""The cases of files inside slides and sheets, for `make_cleaning_vectors`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.documents import (
    DRAWING,
    PNG,
    RELATIONS,
    SLIDE,
    TELLING_JPEG,
    make_relations,
    make_sheet,
    make_slides,
)
from tests.vectors.cleaning_documents import COMPATIBLE, VML

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

SHEET_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
FRAME = (
    '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="7" name="Ana 7" descr="Ana"/>'
    "</p:nvGraphicFramePr>"
    '<p:xfrm><a:off x="1" y="2"/><a:ext cx="3" cy="4"/></p:xfrm><a:graphic><a:graphicData uri="x">'
    "{inside}</a:graphicData></a:graphic></p:graphicFrame>"
)
INSIDE = (
    '<p:oleObj spid="_x0000_s1026" name="Ana" r:id="rId1" progId="Package"><p:embed/></p:oleObj>'
)
INSIDE_SHOWN = (
    '<p:oleObj name="Ana" r:id="rId1"><p:embed/><p:pic><p:nvPicPr><p:cNvPr id="0" name="Ana"/>'
    '</p:nvPicPr><p:blipFill><a:blip r:embed="rId9"/><a:srcRect l="5"/></p:blipFill></p:pic>'
    "</p:oleObj>"
)
TWO_WAYS = (
    f"<mc:AlternateContent{COMPATIBLE}><mc:Choice{VML} Requires='v'>{INSIDE}</mc:Choice>"
    f"<mc:Fallback>{INSIDE_SHOWN}</mc:Fallback></mc:AlternateContent>"
)
SHAPES = (
    f"<xml{VML} xmlns:x='urn:schemas-microsoft-com:office:excel'><v:shape id='_x0000_s1026' "
    "title='Ana'><v:imagedata o:relid='rId1' o:title='Ana'/><x:ClientData><x:Anchor>\n 0, 1, 2, 3,"
    "4,5,6,7</x:Anchor></x:ClientData></v:shape><v:shape id='Ana' o:spid='_x0000_s1027'/></xml>"
)
SHEET_INSIDE = (
    '<legacyDrawing r:id="rId2"/><oleObjects><oleObject progId="Package" shapeId="1026" '
    'r:id="rId3"/></oleObjects>'
)
PLACE = (
    "<{name}><xdr:col>{at}</xdr:col><xdr:colOff>9</xdr:colOff><xdr:row>0</xdr:row>{row}</{name}>"
)
SHEET_SHOWN = (
    f'<oleObjects xmlns:xdr="{SHEET_DRAWING}"><mc:AlternateContent{COMPATIBLE}>'
    '<mc:Choice Requires="x14"><oleObject shapeId="1026" r:id="rId3"><objectPr r:id="rId9"><anchor>'
    + PLACE.format(name="from", at=1, row="<xdr:rowOff>0</xdr:rowOff>")
    + PLACE.format(name="to", at=2, row="<xdr:rowOff>-5</xdr:rowOff>")
    + '</anchor></objectPr></oleObject></mc:Choice><mc:Fallback><oleObject shapeId="1026" '
    'r:id="rId3"/></mc:Fallback></mc:AlternateContent></oleObjects>'
)
FILE_INSIDE = ("rId3", "oleObject", "../embeddings/a.bin")
SHAPES_PART = ("rId2", "vmlDrawing", "../drawings/v.vml")
SHOWN_PART = ("rId9", "image", "../media/a.png")


def make_slide_with_file(
    inside: str, *relations: tuple[str, str, str], shapes: str = SHAPES, number: str = "7"
) -> bytes:
    """Make a PPTX with a file *inside* a slide, and shapes that may show it."""
    frame = FRAME.replace('"7"', f'"{number}"').format(inside=inside)
    slide = (
        f'<p:sld xmlns:p="{SLIDE}" xmlns:a="{DRAWING}" xmlns:r="{RELATIONS}"><p:cSld><p:spTree>'
        f"{frame}{FRAME.format(inside='')}</p:spTree></p:cSld></p:sld>"
    )
    return make_slides(
        "",
        ppt__slides__a_dot_xml=slide,
        ppt__slides___rels__a_dot_xml_dot_rels=make_relations(*relations, FILE_INSIDE),
        ppt__drawings__v_dot_vml=shapes,
        ppt__drawings___rels__v_dot_vml_dot_rels=make_relations(
            ("rId1", "image", "../media/a.png")
        ),
        ppt__media__a_dot_png=PNG,
        ppt__embeddings__a_dot_bin=TELLING_JPEG,
    )


def make_sheet_with_file(
    around: str, *relations: tuple[str, str, str], shapes: str = SHAPES, **parts: str | bytes
) -> bytes:
    """Make an XLSX with a file inside a sheet, and shapes that may show it."""
    return make_sheet(
        "",
        around=around,
        xl__worksheets___rels__a_dot_xml_dot_rels=make_relations(*relations, FILE_INSIDE),
        xl__drawings__v_dot_vml=shapes,
        xl__drawings___rels__v_dot_vml_dot_rels=make_relations(("rId1", "image", "../media/a.png")),
        xl__media__a_dot_png=PNG,
        xl__embeddings__a_dot_bin=TELLING_JPEG,
        **parts,
    )


def list_files_inside() -> Iterator[Case]:
    """List the cases."""
    yield (
        "slide-file",
        "its picture stays, which its shape shows",
        [make_slide_with_file(INSIDE, SHAPES_PART)],
    )
    yield (
        "slide-file-shown",
        "its picture stays, which stands beside it",
        [make_slide_with_file(TWO_WAYS, SHOWN_PART)],
    )
    for name, inside in (("lost", INSIDE.replace("1026", "1027")), ("bare", INSIDE)):
        shapes = [SHAPES_PART] if name == "lost" else []
        yield (
            f"slide-file-{name}",
            "it has no picture",
            [make_slide_with_file(inside, *shapes)],
        )
    choice = f"<mc:Choice{VML} Requires='v'>{INSIDE}</mc:Choice>"
    for name, inside in {
        "two": INSIDE + INSIDE.replace("1026", "1027"),
        "two-in-one-way": TWO_WAYS.replace(INSIDE, INSIDE + INSIDE),
        "two-beside": TWO_WAYS + INSIDE,
        "frame-in-frame": FRAME.format(inside=INSIDE),
    }.items():
        yield (
            f"slide-file-{name}",
            "a frame has room for one picture",
            [make_slide_with_file(inside, SHAPES_PART, SHOWN_PART)],
        )
    yield (
        "slide-file-three-ways",
        "alternatives of one file are one",
        [make_slide_with_file(TWO_WAYS.replace(choice, choice * 2), SHAPES_PART, SHOWN_PART)],
    )
    broken = make_slide_with_file(INSIDE, SHAPES_PART, shapes="<xml><br></xml>")
    yield "slide-file-broken", "its shapes cannot be read", [broken]
    yield (
        "sheet-file",
        "its picture stays, in a drawing of its own",
        [make_sheet_with_file(SHEET_INSIDE, SHAPES_PART)],
    )
    yield (
        "sheet-file-shown",
        "its picture stays, where the sheet says",
        [make_sheet_with_file(SHEET_SHOWN, SHOWN_PART)],
    )
    drawing = f'<xdr:wsDr xmlns:xdr="{SHEET_DRAWING}"><xdr:absoluteAnchor/></xdr:wsDr>'
    led = ("rId4", "drawing", "../drawings/d.xml")
    yield (
        "sheet-file-drawing",
        "its picture stays, in the sheet's drawing",
        [
            make_sheet_with_file(
                '<drawing r:id="rId4"/>' + SHEET_SHOWN,
                *(SHOWN_PART, led),
                xl__drawings__d_dot_xml=drawing,
            )
        ],
    )
    yield (
        "sheet-file-no-drawing",
        "the drawing that the sheet names is not there",
        [make_sheet_with_file('<drawing r:id="rId4"/>' + SHEET_SHOWN, SHOWN_PART)],
    )
    lost = SHEET_INSIDE.replace("1026", "1027")
    yield "sheet-file-lost", "it has no picture", [make_sheet_with_file(lost, SHAPES_PART)]
    wrong = SHEET_SHOWN.replace("<xdr:row>0", "<xdr:row>a")
    yield "sheet-file-place", "a place is a number", [make_sheet_with_file(wrong, SHOWN_PART)]
    nowhere = SHEET_SHOWN.replace("<xdr:row>0</xdr:row>", "")
    yield "sheet-file-nowhere", "it has no place", [make_sheet_with_file(nowhere, SHOWN_PART)]
    yield (
        "slide-shape-name",
        "the number of a shape is a number",
        [make_slide_with_file(INSIDE, SHAPES_PART, number="Ana 7")],
    )
    named = SHEET_SHOWN.replace("1026", "Ana")
    yield (
        "sheet-file-name",
        "the number of a file's shape is a number",
        [make_sheet_with_file(named, SHOWN_PART)],
    )
