"""Pictures of pixels inside documents and drawings: cleaned by the rules of their own format."""

from __future__ import annotations

import io
from typing import Final

from tipline.cleaning import gif, jpeg, png
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Plan, write_cleaned
from tipline.cleaning.source import Source

_PLANNERS: Final = (
    (jpeg.SIGNATURE, jpeg.plan_jpeg),
    (png.SIGNATURE, png.plan_png),
    *((signature, gif.plan_gif) for signature in gif.SIGNATURES),
)


def clean_raster(untrusted: bytes) -> tuple[Plan, bytes]:
    """
    Clean a picture of pixels that lies in memory.

    Args:
        untrusted: What stands in a document as a picture.

    Returns:
        Its plan, and the cleaned picture.

    Raises:
        RefusedError: it is none that every program of documents shows, or breaks its rules.
    """
    for signature, plan_picture in _PLANNERS:
        if untrusted.startswith(signature):
            stream, out = io.BytesIO(untrusted), io.BytesIO()
            plan = plan_picture(Source(stream))
            write_cleaned(plan, stream, out)
            return plan, out.getvalue()
    raise RefusedError(Reason.UNSUPPORTED)
