"""What forms cost that draw with the resources of the page that shows them."""

from __future__ import annotations

import time

import pytest

from tests.holding import clean, refuse
from tests.pdfs import make_page, make_pdf, make_stream
from tipline.cleaning import pdf_copy, pdf_document, pdf_pages
from tipline.cleaning.errors import Reason
from tipline.cleaning.pdf_filters import Budget

FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 1 1]"


def make_forms(*, page_len: int, form_len: int) -> bytes:
    """Make pages that show the same forms, which have no resources and each show the next."""
    forms = range(10 + page_len, 10 + page_len + form_len)
    names = b" ".join(b"/F%d %d 0 R" % (i, number) for i, number in enumerate(forms))
    page = b"<< /Type /Page /MediaBox [0 0 9 9] /Contents 4 0 R /Resources 5 0 R >>"
    kids = b" ".join(b"%d 0 R" % (10 + i) for i in range(page_len))
    return make_pdf(
        {
            2: b"<< /Type /Pages /Count %d /Kids [%s] >>" % (page_len, kids),
            4: make_stream(b"\n".join(b"/F%d Do" % i for i in range(form_len))),
            5: b"<< /XObject << %s >> >>" % names,
            **{10 + i: page for i in range(page_len)},
            **{
                number: make_stream(b"/F%d Do" % ((i + 1) % form_len), FORM)
                for i, number in enumerate(forms)
            },
        }
    )


def measure_seconds(document: bytes) -> float:
    """Measure the processor's time that cleaning takes."""
    began_at = time.process_time()
    clean(document)
    return time.process_time() - began_at


def test_forms_when_there_are_ten_times_as_many_then_they_take_ten_times_as_long() -> None:
    """Not a hundred times: of a page's names each form asks for one."""
    few = min(measure_seconds(make_forms(page_len=1, form_len=400)) for _ in range(3))

    assert measure_seconds(make_forms(page_len=1, form_len=4_000)) < 20 * few


def test_forms_when_many_pages_draw_them_otherwise_then_the_copies_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A copy for each page of what has no resources: a few kilobytes could become gigabytes."""
    document = make_forms(page_len=4, form_len=5)
    monkeypatch.setattr(pdf_pages, "MAX_AGAIN", 15)
    clean(document)
    monkeypatch.setattr(pdf_pages, "MAX_AGAIN", 14)

    assert refuse(document) == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("resources", "contents"),
    [
        (b"", b"5 0 R"),
        (b"/ExtGState << /S << /BM 5 0 R >> >>", b"4 0 R"),
    ],
)
def test_list_when_many_pages_have_it_then_it_costs_each_time(
    monkeypatch: pytest.MonkeyPatch, resources: bytes, contents: bytes
) -> None:
    """A list of a few kilobytes may be one of each page."""
    page = make_page(resources=resources, contents=contents)
    document = make_pdf(
        {
            2: b"<< /Type /Pages /Count 9 /Kids [%s] >>"
            % b" ".join(b"%d 0 R" % number for number in range(10, 19)),
            4: make_stream(b"/S gs"),
            5: b"[%s]" % (b"/Ana " * 1_000),
            **dict.fromkeys(range(10, 19), page),
        }
    )
    clean(document)
    monkeypatch.setattr(pdf_copy, "Budget", lambda *_: Budget(100_000))

    assert refuse(document) == Reason.TOO_COMPLEX


def test_page_when_it_stands_many_times_then_no_copies_are_made_beyond_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """qpdf copies all that stands in it; a page that stands once may be of any size."""
    large = make_page(b"/X [[%s]]" % (b"1 " * 1_000))
    kids = {2: b"<< /Type /Pages /Count 4 /Kids [%s] >>" % (b"3 0 R " * 4)}
    monkeypatch.setattr(pdf_document, "Budget", lambda *limits: Budget(*limits or (40_000,)))

    clean(make_pdf({3: large}))
    clean(make_pdf(kids))
    assert refuse(make_pdf({3: large, **kids})) == Reason.TOO_COMPLEX


def test_streams_of_objects_when_they_lie_in_each_other_then_they_cost_each_time() -> None:
    """What comes out of each is nothing; each is inflated to the end of all."""
    head = b"/First 1 stream\n"
    inner = head + b"\x78\x9c"
    block = b"\0" + len(inner).to_bytes(2, "little") + (65535 - len(inner)).to_bytes(2, "little")
    nested = (block + inner) * 40 + b"\0\0\0\xff\xff" * 100_000

    assert refuse(b"%PDF-1.7\n" + inner + nested + b"\nendstream\n") == Reason.TOO_COMPLEX
