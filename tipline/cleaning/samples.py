"""What of a sample is kept: by its codec, wherever it lies."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from tipline.cleaning.codecs import Config
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.fills import HEAD_BYTES, blank_fills, may_have_fill
from tipline.cleaning.nals import filter_nals, filter_stream
from tipline.cleaning.obus import filter_units
from tipline.cleaning.plan import Kind, Piece, Range
from tipline.cleaning.startcodes import filter_user_data
from tipline.cleaning.window import Bytes

MAX_WHOLE_BYTES: Final = 16 * 1024 * 1024  # of a sample that is read at once

Look = Callable[[int, int], list[Piece] | None]


def choose_look(
    source: Bytes, config: Config | None, *, is_hevc: bool, is_av1: bool, found: set[Kind]
) -> Look | None:
    """
    Choose what tells of a sample what is kept.

    Args:
        source: The file.
        config: Of the codec, if it has one.
        is_hevc: HEVC, else H.264, if its samples are units.
        is_av1: AV1.
        found: Takes the kinds of what goes.

    Returns:
        What takes the place and the length of a sample and returns the pieces that are kept, None
        if all of it is; None if samples are not looked into.
    """
    if config is not None and config.length_bytes:
        return functools.partial(
            filter_nals, source, length_bytes=config.length_bytes, is_hevc=is_hevc, found=found
        )
    if config is not None and config.has_fills:
        return functools.partial(_blank, source, found)
    if config is not None and config.is_stream:
        filter_sample = functools.partial(filter_stream, is_hevc=is_hevc, found=found)
        return functools.partial(_filter_whole, source, filter_sample)
    if is_av1 or (config is not None and config.is_visual):
        filter_sample = functools.partial(_filter_and_find, found, is_av1=is_av1)
        return functools.partial(_filter_whole, source, filter_sample)
    return None


def _blank(source: Bytes, found: set[Kind], offset: int, size: int) -> list[Piece] | None:
    if not size or not may_have_fill(source.read(offset, 1)[0]):
        return None
    head = source.read(offset, min(size, HEAD_BYTES))
    blank = blank_fills(head)
    if blank == head:
        return None
    found.add(Kind.SOFTWARE)
    rest = Range(offset=offset + len(head), length_bytes=size - len(head))
    return [blank, rest]


def _filter_whole(
    source: Bytes, filter_sample: Callable[[bytes], bytes], offset: int, size: int
) -> list[Piece] | None:
    if size > MAX_WHOLE_BYTES:
        raise RefusedError(Reason.TOO_COMPLEX)
    sample = source.read(offset, size)
    kept = filter_sample(sample)
    return None if kept == sample else [kept]


def _filter_and_find(found: set[Kind], sample: bytes, *, is_av1: bool) -> bytes:
    kept = filter_units(sample) if is_av1 else filter_user_data(sample)
    if kept != sample:
        found.add(Kind.OTHER if is_av1 else Kind.SOFTWARE)
    return kept
