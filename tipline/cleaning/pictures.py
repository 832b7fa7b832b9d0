"""Pictures inside documents: cleaned by the rules of their own format, or refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from tipline.cleaning.emf import clean_emf, is_emf
from tipline.cleaning.plan import EXTENSIONS, Format, Kind
from tipline.cleaning.rasters import clean_raster
from tipline.cleaning.wmf import clean_wmf, is_wmf

# By extension, in the order in which documents list them.
PICTURE_TYPES: Final[Mapping[str, str]] = {
    EXTENSIONS[Format.JPEG]: "image/jpeg",
    EXTENSIONS[Format.PNG]: "image/png",
    EXTENSIONS[Format.GIF]: "image/gif",
    "emf": "image/x-emf",
    "wmf": "image/x-wmf",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """
    A picture that was cleaned.

    Args:
        content: As it is written.
        extension: Of its name; in `PICTURE_TYPES`.
        kinds: What went. Empty if and only if it stays as it was.
        is_compressed: Whether its format compresses it.
    """

    content: bytes
    extension: str
    kinds: frozenset[Kind]
    is_compressed: bool


def clean_picture(untrusted: bytes) -> Picture:
    """
    Clean a picture that lies in memory.

    Args:
        untrusted: What stands in a document as a picture.

    Returns:
        The cleaned picture.

    Raises:
        RefusedError: it is none that every program of documents shows, or breaks its rules.
    """
    if is_emf(untrusted):
        return _make_drawing(untrusted, *clean_emf(untrusted), extension="emf")
    if is_wmf(untrusted):
        return _make_drawing(untrusted, *clean_wmf(untrusted), extension="wmf")
    plan, cleaned = clean_raster(untrusted)
    return Picture(
        content=cleaned,
        extension=EXTENSIONS[plan.format],
        kinds=frozenset(plan.kinds),
        is_compressed=True,
    )


def _make_drawing(untrusted: bytes, cleaned: bytes, kinds: set[Kind], *, extension: str) -> Picture:
    if not kinds and cleaned != untrusted:
        kinds.add(Kind.OTHER)
    return Picture(
        content=cleaned, extension=extension, kinds=frozenset(kinds), is_compressed=False
    )
