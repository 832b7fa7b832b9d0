"""Small WebMs and Matroskas made of their elements, for the tests of cleaning."""

from __future__ import annotations

import struct

from tests.films import AVC, HEVC
from tipline.cleaning.ebml import format_element, format_number

UNKNOWN_SIZE = b"\xff"
OPUS = b"OpusHead\1\1" + bytes(9)
AVC_PRIVATE = AVC[8:]
HEVC_PRIVATE = HEVC[8:]
VORBIS_FIRST = b"\x01vorbis" + struct.pack("<4xBI12xBB", 1, 8000, 0x86, 1)
VORBIS_SETUP = b"\x05vorbis setup"
STREAMINFO = b"\x10\0\x10\0" + bytes(6) + b"\x01\xf4\x00\xf0" + bytes(20)

VIDEO_TYPE, AUDIO_TYPE = 1, 2
SIZE = format_number(0xB0, 8) + format_number(0xBA, 8)
RATE = format_element(0xB5, struct.pack(">f", 8000))


def make_head(doc_type: bytes = b"webm", *more: bytes) -> bytes:
    """Make the head of EBML."""
    return format_element(0x1A45DFA3, format_element(0x4282, doc_type), *more)


def make_info(*more: bytes, program: bytes = b"-") -> bytes:
    """Make what is said of a segment."""
    programs = format_element(0x4D80, program) + format_element(0x5741, program)
    return format_element(0x1549A966, format_number(0x2AD7B1, 1_000_000), *more, programs)


def make_entry(
    *more: bytes,
    codec: bytes = b"V_VP8",
    number: int = 1,
    uid: int | None = None,
    kind: int = VIDEO_TYPE,
    private: bytes = b"",
    video: bytes = SIZE,
    audio: bytes = RATE,
) -> bytes:
    """Make a track."""
    return format_element(
        0xAE,
        format_number(0xD7, number),
        format_number(0x73C5, number if uid is None else uid),
        format_number(0x83, kind),
        *more,
        format_element(0x86, codec),
        format_element(0x63A2, private) if private else b"",
        format_element(0xE0, video) if kind == VIDEO_TYPE else b"",
        format_element(0xE1, audio) if kind == AUDIO_TYPE else b"",
    )


def make_sound(
    *more: bytes, codec: bytes = b"A_OPUS", private: bytes = OPUS, number: int = 1
) -> bytes:
    """Make a track of sound."""
    return make_entry(*more, codec=codec, private=private, number=number, kind=AUDIO_TYPE)


def make_block(
    content: bytes = b"seen", *, number: int = 1, time: int = 0, flags: int = 0
) -> bytes:
    """Make the content of a block."""
    return bytes([0x80 | number]) + struct.pack(">hB", time, flags) + content


def make_simple(
    content: bytes = b"seen", *, number: int = 1, time: int = 0, flags: int = 0x80
) -> bytes:
    """Make a block without a group."""
    return format_element(0xA3, make_block(content, number=number, time=time, flags=flags))


def make_group(*more: bytes, content: bytes = b"seen", time: int = 0, flags: int = 0) -> bytes:
    """Make a block in a group."""
    return format_element(
        0xA0, format_element(0xA1, make_block(content, time=time, flags=flags)), *more
    )


def make_cluster(*blocks: bytes, time: int = 0, is_open: bool = False) -> bytes:
    """Make a cluster, which may not say how long it is."""
    content = format_number(0xE7, time) + b"".join(blocks)
    return (
        b"\x1f\x43\xb6\x75" + UNKNOWN_SIZE + content
        if is_open
        else format_element(0x1F43B675, content)
    )


def make_tracks(*entries: bytes) -> bytes:
    """Make the list of tracks."""
    return format_element(0x1654AE6B, *entries)


def make_tag(name: bytes, value: bytes) -> bytes:
    """Make tags of one."""
    simple = format_element(0x67C8, format_element(0x45A3, name), format_element(0x4487, value))
    return format_element(0x1254C367, format_element(0x7373, format_element(0x63C0), simple))


def make_matroska(
    *parts: bytes,
    tracks: bytes | None = None,
    info: bytes | None = None,
    doc_type: bytes = b"webm",
    is_open: bool = False,
    behind: bytes = b"",
) -> bytes:
    """
    Make a file.

    Args:
        parts: What follows the tracks; a cluster of one block if there is nothing.
        tracks: One of VP8 if it is None.
        info: Of the segment.
        doc_type: What the file is.
        is_open: The segment does not say how long it is.
        behind: What follows the segment.
    """
    content = b"".join(
        (
            make_info() if info is None else info,
            make_tracks(make_entry()) if tracks is None else tracks,
            *(parts or (make_cluster(make_simple()),)),
        )
    )
    segment = (
        b"\x18\x53\x80\x67" + UNKNOWN_SIZE + content
        if is_open
        else format_element(0x18538067, content)
    )
    return make_head(doc_type) + segment + behind
