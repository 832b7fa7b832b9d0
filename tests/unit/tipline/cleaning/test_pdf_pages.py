"""What forms cost that draw with the resources of the page that shows them."""

from __future__ import annotations

import time

import pytest

from tests.holding import clean, refuse
from tests.pdfs import make_pdf, make_stream
from tipline.cleaning import pdf_pages
from tipline.cleaning.errors import Reason

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
