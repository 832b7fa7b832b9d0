"""PDF as pixels, by PDFium: no script of it runs, and nothing that it names is fetched."""

from __future__ import annotations

import ctypes
import math
from typing import BinaryIO, Final

import pypdfium2
import pypdfium2.raw

from tipline.rendering.answers import (
    BROKEN_PAGE,
    COUNT,
    END,
    MAX_PAGES,
    MAX_TOTAL_PIXELS,
    FailedError,
    Failure,
    Output,
    format_page_head,
)
from tipline.rendering.images import fit

DOTS_PER_INCH: Final = 150  # small print can be read
POINTS_PER_INCH: Final = 72
SIGNATURE: Final = b"%PDF-"
SIGNATURE_REACH: Final = 1024  # readers look for it so far


def write_document(untrusted: BinaryIO, output: Output, *, first: int) -> None:
    """
    Answer with the pages of a PDF.

    Args:
        untrusted: Can be sought in.
        output: Takes the answer.
        first: The page to begin with, from 1.

    Raises:
        FailedError: it cannot be read, or only with a password.
    """
    try:
        document = pypdfium2.PdfDocument(untrusted)
    except pypdfium2.PdfiumError as exc:
        is_locked = exc.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        raise FailedError(Failure.ENCRYPTED if is_locked else Failure.UNREADABLE) from exc
    total = len(document)
    left_pixels = MAX_TOTAL_PIXELS
    for number in range(first - 1, min(total, first - 1 + MAX_PAGES)):
        try:
            page = document[number]
            width, height = _measure(page)
        except (pypdfium2.PdfiumError, ValueError):
            output.write(BROKEN_PAGE)
            continue
        left_pixels -= width * height
        if left_pixels < 0:
            break
        output.write(format_page_head(width, height))
        _write_pixels(page, width, height, output)
        page.close()
    output.write(END + COUNT.pack(total))


def _measure(page: pypdfium2.PdfPage) -> tuple[int, int]:
    width, height = (
        points * DOTS_PER_INCH / POINTS_PER_INCH for points in (page.get_width(), page.get_height())
    )
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise ValueError("page")
    return fit(width, height)


def _write_pixels(page: pypdfium2.PdfPage, width: int, height: int, output: Output) -> None:
    raw = pypdfium2.raw
    bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
    flags = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER
    raw.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    # Each row is filled up to a length that a processor likes.
    rows = memoryview(ctypes.string_at(bitmap.buffer, bitmap.stride * height))
    for row in range(height):
        start = row * bitmap.stride
        output.write(rows[start : start + width * 3])
    bitmap.close()
