"""One way in for every format: known by its bytes, planned by its module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tipline.cleaning import (
    archive,
    documents,
    flac,
    gif,
    heif,
    jpeg,
    matroska,
    movie,
    mp3,
    ogg,
    pdf,
    png,
    soundtags,
    text,
    tiff,
    wav,
    webp,
)
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Plan
from tipline.cleaning.source import Readable, Source

HEAD_BYTES: Final = 16

_SIGNATURES: Final = (
    (jpeg.SIGNATURE, Format.JPEG),
    (png.SIGNATURE, Format.PNG),
    (ogg.SIGNATURE, Format.OGG),
    (flac.SIGNATURE, Format.FLAC),
    (matroska.SIGNATURE, Format.MKV),
    (soundtags.ID3, Format.MP3),
    (pdf.SIGNATURE, Format.PDF),
    *((signature, Format.GIF) for signature in gif.SIGNATURES),
    *((signature, Format.TIFF) for signature in tiff.SIGNATURES),
)
_PLANNERS: Final[dict[Format, Callable[[Source], Plan]]] = {
    Format.JPEG: jpeg.plan_jpeg,
    Format.PNG: png.plan_png,
    Format.WEBP: webp.plan_webp,
    Format.GIF: gif.plan_gif,
    Format.TIFF: tiff.plan_tiff,
    Format.OGG: ogg.plan_ogg,
    Format.FLAC: flac.plan_flac,
    Format.WAV: wav.plan_wav,
    Format.MP3: mp3.plan_mp3,
    Format.PDF: pdf.plan_pdf,
    Format.MKV: matroska.plan_matroska,
    Format.MP4: movie.plan_movie,
    Format.HEIC: heif.plan_heif,
}


def detect_format(head: bytes) -> Format | None:
    """
    Tell a format by its first bytes.

    Args:
        head: Untrusted; the first `HEAD_BYTES` of a file, or all of it.

    Returns:
        The format, or None if it is text, or not one that is cleaned.
    """
    for signature, known in _SIGNATURES:
        if head.startswith(signature):
            return known
    if heif.is_heif(head):
        return Format.HEIC
    if movie.is_movie(head):
        return Format.MP4
    if mp3.is_mp3(head):
        return Format.MP3
    if wav.is_wav(head):
        return Format.WAV
    return Format.WEBP if webp.is_webp(head) else None


def _is_other(head: bytes) -> bool:
    return head.startswith(archive.SIGNATURE) or detect_format(head) is not None


def plan_cleaning(untrusted_stream: Readable) -> Plan:
    """
    Plan how a file is cleaned. Nothing is written.

    Args:
        untrusted_stream: Can be sought in.

    Returns:
        The plan; `write_cleaned` does it.

    Raises:
        RefusedError: it is empty, of a format that is not cleaned, or breaks its format's rules.
    """
    source = Source(untrusted_stream)
    if not source.length_bytes:
        raise RefusedError(Reason.EMPTY)
    head = source.read_up_to(0, HEAD_BYTES)
    if head.startswith(archive.SIGNATURE):
        return documents.plan_document(source)
    if head.startswith(documents.CONTAINER_SIGNATURE):
        raise documents.refuse_container(source)
    known = detect_format(head)
    if known is None:
        return text.plan_text(source, is_other=_is_other)
    return _PLANNERS[known](source)
