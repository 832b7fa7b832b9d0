"""A PDF that was cleaned before stays as it is, whatever compressed it."""

from __future__ import annotations

import io
import re
import zlib

import pytest

from tests.pdfs import DRAWN, make_pdf, make_stream
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.pdf_again import is_same_again
from tipline.cleaning.pdf_writer import PdfWriter, format_dictionary, format_stream
from tipline.cleaning.plan import Range, write_cleaned

CONTENTS = DRAWN * 40


def write(contents: bytes, *, behind: bytes = b"", entries: bytes = b"9") -> bytes:
    """Write a file as cleaning does, with a stream that is compressed in any way."""
    writer = PdfWriter()
    for body in (
        format_dictionary({"Type": b"/Catalog", "Pages": b"2 0 R"}),
        format_stream({"A": entries, "Filter": b"/FlateDecode"}, contents),
        format_dictionary({"B": b"(x\ny)"}),
    ):
        writer.put(writer.reserve(), body)
    return writer.build(root=1) + behind


def write_text(deflated: bytes) -> bytes:
    """Write a text into the free bits of blocks that hold nothing."""
    return deflated[:2] + b"".join(b"%c\0\0\xff\xff" % (8 * n) for n in range(32)) + deflated[2:]


@pytest.mark.parametrize("level", [1, 9])
def test_file_when_it_is_compressed_in_another_way_then_it_is_the_same(level: int) -> None:
    """Not even a bit of its stream need be."""
    one, other = zlib.compress(CONTENTS, 6), zlib.compress(CONTENTS, level)
    assert one != other

    assert is_same_again(write(other), write(one))


@pytest.mark.parametrize(
    "other",
    [
        write(zlib.compress(CONTENTS + b"f", 1)),
        write(zlib.compress(CONTENTS[:-1], 1)),
        write(zlib.compress(CONTENTS, 1) + b"Ana"),
        write(zlib.compress(CONTENTS, 1)[:-1]),
        write(write_text(zlib.compress(CONTENTS, 1))),
        write(zlib.compress(CONTENTS, 0)),
        write(b"Ana"),
        write(zlib.compress(CONTENTS, 1), behind=b"Ana"),
        write(zlib.compress(CONTENTS, 1), entries=b"8"),
        write(zlib.compress(CONTENTS, 1)).replace(b"endobj", b"endobj%Ana", 1),
        write(zlib.compress(CONTENTS, 1)).replace(b"3 0 obj", b"4 0 obj", 1),
        write(zlib.compress(CONTENTS, 1)).replace(b"/Length ", b"/Length 9", 1),
        write(zlib.compress(CONTENTS, 1)).replace(b"(x\ny)", b"(x\nz)"),
        write(zlib.compress(CONTENTS, 1)).replace(b"xref\n0", b"xref\n1", 1),
        write(zlib.compress(CONTENTS, 1)).replace(b"1.7", b"1.6"),
        write(zlib.compress(CONTENTS, 1)).partition(b"endobj")[0],
    ],
    ids=range(16),
)
def test_file_when_anything_else_is_different_then_it_is_another(other: bytes) -> None:
    """A byte more or less, inside or outside of its stream, or many more that hold the same."""
    assert not is_same_again(other, write(zlib.compress(CONTENTS, 6)))


def test_pdf_when_it_was_cleaned_and_compressed_anew_then_it_is_kept() -> None:
    """Nothing is found in it, and its bytes stay."""
    cleaned = io.BytesIO()
    document = io.BytesIO(make_pdf({4: make_stream(CONTENTS)}))
    write_cleaned(plan_cleaning(document), document, cleaned)
    again = cleaned.getvalue()
    found = re.search(rb"/Length ([0-9]+) >>\nstream\n", again)
    assert found is not None
    data = again[found.end() : found.end() + int(found[1])]
    other_way = zlib.compress(zlib.decompress(data), 1)
    writer = PdfWriter()
    bodies = re.findall(rb"[0-9] 0 obj\n(.*?)\nendobj\n", again, re.DOTALL)
    for body in bodies:
        is_stream = b"stream" in body
        anew = format_stream({"Filter": b"/FlateDecode"}, other_way) if is_stream else body
        writer.put(writer.reserve(), anew)
    other = writer.build(root=1)

    plan = plan_cleaning(io.BytesIO(other))

    assert (plan.kinds, plan.pieces) == ((), (Range(offset=0, length_bytes=len(other)),))
    assert other != again
