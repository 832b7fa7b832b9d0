"""
PDF (ISO 32000-1): a new file of what draws the pages, and of nothing else.

1. The file begins with `%PDF-`. qpdf (pikepdf) reads it, as far as its bounds allow.
2. What is seen of annotations and of forms that were filled in is drawn onto the page by qpdf.
   Links, comments, bookmarks, names, structure, scripts, actions and embedded files go.
3. Pages are copied by allow-lists (`pdf_copy.py`, `pdf_pages.py`, `pdf_type.py`): what no page
   draws is never reached. What draws them is rewritten word by word (`pdf_content.py`).
4. The new file has no id, no days, no program and no earlier version (`pdf_writer.py`). One that
   was cleaned before stays as it is, whatever compressed it (`pdf_again.py`).
5. Refused are: a password, forms in XML, files made of files, films and sounds, pictures in other
   files, layers that are hidden at first. What they show cannot be told by what lies in the pages.

*Limitations.* What is drawn and not seen stays: text in white, under a box, beside the page, or
behind a scan. A font keeps its name, its letters and the way it was cut down. Profiles go, so that
colours look a little different to a program that follows them. An editor that can read the same
file's colours, distances and numbers may tell which program made it.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_again import is_same_again
from tipline.cleaning.plan import Format, Plan, PlanBuilder
from tipline.cleaning.source import Source

SIGNATURE: Final = b"%PDF-"
MAX_PDF_BYTES: Final = 64 * 1024 * 1024  # it is held in memory; a scan of 100 pages has about 20


def plan_pdf(source: Source) -> Plan:
    """
    Plan the cleaning of a PDF.

    Args:
        source: Begins with `SIGNATURE`.

    Returns:
        The plan: one piece, written anew, or the file as it is.

    Raises:
        RefusedError: it does not hold the rules above, or pikepdf is not installed here.
    """
    try:
        from tipline.cleaning import pdf_document  # it is large, and not installed everywhere
    except ImportError as exc:
        raise RefusedError(Reason.UNKNOWN) from exc
    if source.length_bytes > MAX_PDF_BYTES:
        raise RefusedError(Reason.TOO_COMPLEX)
    builder = PlanBuilder(format=Format.PDF, source=source)
    data = source.read(0, source.length_bytes)
    written = pdf_document.clean_document(data, find=builder.find)
    if is_same_again(data, written):
        builder.keep(0, len(data))
    else:
        builder.write(written)
    return builder.build()
