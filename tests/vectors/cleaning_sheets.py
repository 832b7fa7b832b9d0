"""The cases of cells of sheets, for `make_cleaning_vectors`: the page reads most in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.documents import SHEET, make_sheet

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

CELLS = (
    '<c r="A1"><v>1</v></c><c r="B1" s="2"/><c r="C1" s="2" t="s"><v>1</v></c>'
    '<c r="D1" t="b"><v>0</v></c><c r="E1"><v>-1.5E+10</v></c>'
)
OTHERS = (
    '<c s="2" r="A1"><v>1</v></c>',
    "<c r='A1'><v>1</v></c>",
    '<c r="A1" cm="1"><v>1</v></c>',
    '<c r="A1"><f>[1]One!A1</f><v>1</v></c>',
    '<c r="A1" t="str"><v>seen</v></c>',
    '<c r="A1"><v>1<!-- Ana --></v></c>',
    '<c r="A1"><v>&#49;</v></c>',
    '<c r="A1"> <v>1</v></c>',
    '<x:c xmlns:x="urn:ana" r="A1"><v>1</v></x:c>',
)
TEXTS = f'<sst xmlns="{SHEET}">{"".join(f"<si><t>{at}</t></si>" for at in range(3))}</sst>'


def list_sheets() -> Iterator[Case]:
    """List the cases."""
    for name, cells in (
        ("plain", CELLS),
        ("many", CELLS * 300),
        ("others", "".join(one + CELLS for one in OTHERS)),
        ("broken", CELLS + '<c r="A1"><v>1</v>'),
    ):
        rows = f'<row r="1">{cells}</row><row r="2"/><row r="3">{CELLS}</row>'
        yield (
            f"cells-{name}",
            "they stay, in one way of writing",
            [make_sheet(rows, xl__shared_dot_xml=TEXTS)],
        )
    for name, prefix in (("prefixed", "x:"), ("foreign", "y:")):
        spaces = f'xmlns:x="{SHEET}" xmlns="urn:ana"'
        rows = f"<{prefix}row {spaces} xmlns:y='urn:ana'>{CELLS}</{prefix}row>"
        yield f"cells-{name}", "names have no two meanings", [make_sheet(rows)]
    for depth in (250, 251, 252, 253):
        start, end = "<sheetData>" * depth, "</sheetData>" * depth
        deep = f'{start}<row r="1"><c r="A1"><v>1</v></c></row>{end}'
        yield f"cells-deep-{depth}", "up to the bound", [make_sheet(deep)]
