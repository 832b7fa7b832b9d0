"""
Samples of which nothing goes, passed over many at a time.

A film of hours has half a million of them, and nearly all stay as they are. What is told here is
only which of them may have to be looked into: `samples.py` decides on each of those. So this may
take a sample to be more than it is, and never to be less.
"""

from __future__ import annotations

import functools
import itertools
import re
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tipline.cleaning.codecs import Config
from tipline.cleaning.fills import may_have_fill
from tipline.cleaning.nals import PLAIN_AVC, PLAIN_HEVC

_UNIT: Final = struct.Struct(">IH")
# Of the two bytes that a unit begins with: what it is, in HEVC with its layer as well.
_AVC_BITS: Final = 0x1F00
_HEVC_BITS: Final = 0x7FF8
_PLAIN_UNITS: Final = {
    False: frozenset(kind << 8 for kind in PLAIN_AVC),
    True: frozenset(kind << 9 for kind in PLAIN_HEVC),
}
_FILLED: Final = re.compile(
    b"[%s]" % re.escape(bytes(first for first in range(256) if may_have_fill(first)))
)

Skim = Callable[[bytes, Sequence[int]], Iterable[int]]


def choose_skim(config: Config | None, *, is_hevc: bool) -> Skim | None:
    """
    Choose what tells which of many samples have to be looked into.

    Args:
        config: Of the codec, if it has one.
        is_hevc: HEVC, else H.264, if its samples are units.

    Returns:
        What takes samples that lie one behind the other, and the length of each, and returns the
        numbers of some of them, in order: of all others nothing goes. None if each has to be
        looked into.
    """
    if config is not None and config.length_bytes == 4:
        bits = _HEVC_BITS if is_hevc else _AVC_BITS
        return functools.partial(_skim_units, bits, _PLAIN_UNITS[is_hevc])
    if config is not None and not config.length_bytes and config.has_fills:
        return _skim_frames
    return None


def _skim_units(
    bits: int, plain: frozenset[int], untrusted: bytes, sizes: Sequence[int]
) -> Iterable[int]:
    read_unit = _UNIT.unpack_from
    last = len(untrusted) - _UNIT.size
    at = 0
    for number, size in enumerate(sizes):
        end = at + size
        while at < end and at <= last:
            unit_bytes, head = read_unit(untrusted, at)
            # One of a single byte has another's behind it.
            if head & bits not in plain or unit_bytes < 2:
                break
            at += 4 + unit_bytes
        if at != end:
            yield number
            at = end


def _skim_frames(untrusted: bytes, sizes: Sequence[int]) -> Iterable[int]:
    if not (sizes and all(sizes)):
        return range(len(sizes))
    starts = itertools.accumulate(sizes[:-1], initial=0)
    firsts = bytes(map(untrusted.__getitem__, starts))
    return (match.start() for match in _FILLED.finditer(firsts))
