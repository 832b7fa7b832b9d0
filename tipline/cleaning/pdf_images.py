"""
The data of a PDF's images: kept as it is coded, but for what is no pixel.

A JPEG is cleaned by its own rules. What lies behind the end of a zlib stream or of runs goes.
JBIG2 and JPEG 2000 lose what their own allow-lists (`pdf_scans.py`) do not name.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from tipline.cleaning import jpeg
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget, Parameters, decode_filters, measure_deflated
from tipline.cleaning.pdf_scans import clean_jbig2, clean_jpeg2000
from tipline.cleaning.plan import write_cleaned
from tipline.cleaning.source import Source

MAX_PIXELS_BYTES: Final = 1024**3  # three seconds of inflating: forty photos of 12 megapixels
_LAST: Final = frozenset(
    {"FlateDecode", "LZWDecode", "RunLengthDecode", "CCITTFaxDecode", "DCTDecode", "JBIG2Decode",
     "JPXDecode"}
)  # fmt: skip
_RUNS_END: Final = 128


def clean_image_data(
    untrusted: bytes,
    filters: list[tuple[str, Parameters]],
    *,
    budget: Budget,
    pixels: Budget,
    find: Callable[..., None],
) -> tuple[str | None, bytes]:
    """
    Clean the data of an image.

    Args:
        untrusted: As it lies in the file.
        filters: The first to be undone first. All but the last are undone here.
        budget: Is spent on them.
        pixels: Is spent on what is inflated only to see where it ends.
        find: Is told the kinds of what goes.

    Returns:
        The filter that is left, and the data.

    Raises:
        RefusedError: a filter is not known, or the data breaks its rules.
    """
    last = filters[-1][0] if filters else None
    if last is not None and last not in _LAST:
        return None, decode_filters(untrusted, filters, budget)
    data = decode_filters(untrusted, filters[:-1], budget) if len(filters) > 1 else untrusted
    match last:
        case "DCTDecode":
            source, out = io.BytesIO(data), io.BytesIO()
            if not data.startswith(jpeg.SIGNATURE):
                raise RefusedError(Reason.MALFORMED)
            plan = jpeg.plan_jpeg(Source(source))
            find(*plan.kinds)
            write_cleaned(plan, source, out)
            data = out.getvalue()
        case "FlateDecode":
            data = data[: measure_deflated(data, pixels)]
        case "RunLengthDecode":
            data = data[: _measure_runs(data)]
        case "JBIG2Decode":
            data = clean_jbig2(data)
        case "JPXDecode":
            data = clean_jpeg2000(data)
    return last, data


def _measure_runs(data: bytes) -> int:
    position = 0
    while position < len(data):
        count = data[position]
        if count == _RUNS_END:
            return position + 1
        position += count + 2 if count < _RUNS_END else 2
    return len(data)
