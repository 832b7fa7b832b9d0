"""
An independent reader of PDF, pdfium: what is seen on the pages, and what can be read there.
"""

from __future__ import annotations

from typing import Any, Final

import pypdfium2

MAX_PAGES: Final = 20  # of one file; more only take time
SCALE: Final = 1.0  # 72 dots to the inch
MAX_SHADE: Final = 64  # of 255: a quarter; black on white is four times as far


def read_pages(data: bytes) -> list[tuple[Any, ...]]:
    """
    Draw pages as a screen shows them, with notes and filled in forms.

    Args:
        data: A whole PDF.

    Returns:
        How many pages there are; of each its size and pixels.

    Raises:
        OSError: it does not open.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            document.init_forms()
            pages: list[tuple[Any, ...]] = [(len(document),)]
            for number in range(min(len(document), MAX_PAGES)):
                bitmap = document[number].render(scale=SCALE)
                pages.append((bitmap.width, bitmap.height, bytes(bitmap.buffer)))
            return pages
    except pypdfium2.PdfiumError as exc:
        raise OSError from exc


def is_only_paler(original: bytes, cleaned: bytes) -> bool:
    """
    Tell whether a file that lost its colour profiles differs by a shade, and not by a shape.

    Args:
        original: A whole PDF.
        cleaned: What became of it.

    Returns:
        Whether no part of any colour is further off than `MAX_SHADE`.
    """
    before, after = read_pages(original), read_pages(cleaned)
    return len(before) == len(after) and all(
        old[:-1] == new[:-1]
        and all(abs(one - other) <= MAX_SHADE for one, other in zip(old[-1], new[-1], strict=True))
        for old, new in zip(before[1:], after[1:], strict=True)
    )


def read_text(data: bytes) -> str:
    """
    Read what stands on the pages.

    Args:
        data: A whole PDF.

    Returns:
        The text of all pages.
    """
    with pypdfium2.PdfDocument(data) as document:
        return "\n".join(page.get_textpage().get_text_bounded() for page in document)
