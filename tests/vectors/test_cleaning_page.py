"""The page keeps the same rules: every vector of cleaning, by its own code."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pikepdf
import pytest

from tests.locked_pdfs import LOCKS, make_locked_pdf
from tests.page_cleaning import PageCleaning, plan_in_python, run_page_cleaning
from tests.pdfs import make_page, make_pdf, make_stream
from tests.vectors.test_cleaning_own import VECTORS, make_input
from tipline.cleaning.errors import Reason
from tipline.cleaning.pdf_writer import PdfWriter, format_stream
from tipline.cleaning.plan import EXTENSIONS, Kind


@pytest.fixture(scope="module")
def page() -> Iterator[PageCleaning]:
    """The page's cleaning."""
    with run_page_cleaning() as running:
        yield running


@pytest.mark.parametrize("name", VECTORS)
def test_vector_when_the_page_cleans_it_then_it_has_its_outcome(
    name: str, page: PageCleaning
) -> None:
    """The same bytes, kinds and reasons as in Python."""
    vector = VECTORS[name]

    answer = page.clean(make_input(vector))

    if "refused" in vector:
        assert answer == {"refused": vector["refused"]}
    else:
        assert (answer["format"], answer["kinds"]) == (vector["format"], vector["kinds"])
        assert (answer["length"], answer["sha256"]) == (
            vector["output_len"],
            vector["output_sha256"],
        )


@pytest.mark.parametrize(
    "name", [name for name in VECTORS if "aes-" in name and "-no-" not in name]
)
def test_page_when_the_browser_has_no_codes_then_its_own_do_the_same(
    name: str, page: PageCleaning
) -> None:
    """A page that came by HTTP, as to an onion in some browsers, has none of the browser's."""
    data = make_input(VECTORS[name])

    assert page.clean(data, is_bare=True) == page.clean(data)


def test_page_when_it_is_asked_for_its_words_then_they_are_those_of_python(
    page: PageCleaning,
) -> None:
    """Formats and their endings, kinds in their order, and reasons."""
    assert page.words["kinds"] == [*Kind]
    assert page.words["reasons"] == [*Reason]
    assert page.words["extensions"] == EXTENSIONS


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("revision", [2, 3, 4, 6])
def test_pdf_when_another_program_locked_it_for_everybody_then_the_page_reads_it(
    revision: int, is_packed: bool, page: PageCleaning
) -> None:
    """As qpdf writes them, with its own salts: what comes out is what was not locked before."""
    plain = make_pdf({10: b"<< /Author (Ana) >>"}, trailer=b"/Info 10 0 R")
    out = io.BytesIO()
    is_aes = revision > 3
    packed = pikepdf.ObjectStreamMode.generate if is_packed else pikepdf.ObjectStreamMode.disable
    lock = pikepdf.Encryption(owner="x", user="", R=revision, aes=is_aes, metadata=is_aes)
    with pikepdf.open(io.BytesIO(plain)) as document:
        document.save(out, encryption=lock, object_stream_mode=packed)

    answer = page.clean(out.getvalue())

    assert answer["sha256"] == page.clean(plain)["sha256"]
    answer.pop("pieces")
    assert plan_in_python(out.getvalue()) == answer


def test_pdf_when_its_blocks_that_hold_nothing_carry_a_text_then_it_is_written_anew(
    page: PageCleaning, tmp_path: Path
) -> None:
    """A file that was cleaned stays as it is only if its streams are about as short as ours."""
    cleaned = tmp_path / "cleaned.pdf"
    page.clean(make_pdf({}), out=cleaned)
    bodies = re.findall(rb"[0-9] 0 obj\n(.*?)\nendobj\n", cleaned.read_bytes(), re.DOTALL)
    shown = next(body for body in bodies if b"stream" in body)
    drawn = zlib.decompressobj().decompress(shown.partition(b"stream\n")[2])
    telling = b"".join(b"%c\0\0\xff\xff" % (8 * n) for n in range(32))
    for padding in (b"", telling):
        deflated = zlib.compress(drawn, 1)
        stream = format_stream({"Filter": b"/FlateDecode"}, deflated[:2] + padding + deflated[2:])
        writer = PdfWriter()
        for body in bodies:
            writer.put(writer.reserve(), stream if b"stream" in body else body)
        again = writer.build(root=1)

        answer = page.clean(again, out=cleaned)

        assert answer["kinds"] == (["other"] if padding else [])
        assert (cleaned.read_bytes() == again) == (not padding)
        assert plan_in_python(again) == {key: answer[key] for key in answer if key != "pieces"}


@pytest.mark.parametrize("entry", [b"/Font << %s >>", b"/Ana [%s]"], ids=["names", "numbers"])
def test_pdf_when_many_pages_share_long_resources_then_only_what_is_drawn_on_costs(
    entry: bytes, page: PageCleaning
) -> None:
    """Both copy what pages share, for all pages as soon as one is drawn on, and bound it."""
    item = b"/F%d 1 " if b"<<" in entry else b"%d "
    long = b"".join(item % number for number in range(20_000))
    form = make_stream(b"", b"/Subtype /Form /BBox [0 0 9 9]")
    note = b"<< /Subtype /Stamp /Rect [0 0 9 9] /AP << /N 8 0 R >> >>"
    for is_noted in (True, False):
        pages = {
            number: b"<< /Type /Page /Parent 2 0 R /Resources 7 0 R /Contents 4 0 R %s >>"
            % (b"/Annots [9 0 R]" if is_noted and number == 10 else b"")
            for number in range(10, 230)
        }
        kids = b" ".join(b"%d 0 R" % number for number in pages)
        tree = b"<< /Type /Pages /MediaBox [0 0 9 9] /Kids [%s] /Count 220 >>" % kids
        pdf = make_pdf({2: tree, 7: b"<< %s >>" % (entry % long), 8: form, 9: note, **pages})

        answer = page.clean(pdf)

        assert answer.get("refused") == (Reason.TOO_COMPLEX if is_noted else None)
        answer.pop("pieces", None)
        assert plan_in_python(pdf) == answer


def make_strings(count: int, *, is_coded: bool) -> bytes:
    """Make a PDF with so many strings, which are coded or not; nothing shows them."""
    room = b" " * (13 * count)
    objects = {3: make_page(b"/Rotate 9 0 R"), 9: b"[ %s ]" % room}
    pdf = make_locked_pdf(objects, LOCKS["rc4-128"]) if is_coded else make_pdf(objects)
    return pdf.replace(room, b"<0a1b2c3d4e> " * count)


def test_pdf_when_it_has_too_many_coded_strings_then_the_page_refuses_it(
    page: PageCleaning,
) -> None:
    """What each of them takes is counted: no file takes a minute."""
    assert page.clean(make_strings(130_000, is_coded=True)) == {"refused": Reason.TOO_COMPLEX}
    assert page.clean(make_strings(130_000, is_coded=False))["kinds"] == ["other"]


def test_pdf_when_an_object_has_many_coded_strings_then_its_code_is_made_once(
    page: PageCleaning,
) -> None:
    """A hundred thousand strings take little longer than as many that are not coded."""
    plain, coded = (make_strings(100_000, is_coded=is_coded) for is_coded in (False, True))
    page.clean(plain)  # by then what is used is compiled

    bare_seconds, _ = page.measure(plain)
    seconds, answer = page.measure(coded)

    assert answer["kinds"] == ["id"]
    assert seconds < 4 * bare_seconds  # each with a key of its own it is more than six
