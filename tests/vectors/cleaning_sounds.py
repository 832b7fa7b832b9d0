"""The cases of sounds, for `make_cleaning_vectors`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.sounds import (
    BEGIN,
    CONTINUED,
    END,
    FLAC_IN_OGG,
    OPUS_HEAD,
    OPUS_SOUND,
    OPUS_TAGS,
    SPEEX_HEAD,
    flac_block,
    make_comments,
    make_ogg_flac,
    make_opus,
    make_page,
    make_speex,
    make_vorbis,
)

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

FIRST, SECOND = make_page(0, OPUS_HEAD, marks=BEGIN), make_page(1, OPUS_TAGS)
TOLD = make_comments(b"artist=Ana", b"DATE=2026", b"LOCATION=here", b"x=y", program=b"libopus 1.3")


def shorten(data: bytes) -> list[Part]:
    """Write long rows of one byte as such."""
    parts: list[Part] = []
    end = 0
    for row in re.finditer(rb"(?s)(.)\1{499,}", data):
        parts += [data[end : row.start()], (row[1], len(row[0]))]
        end = row.end()
    return [*parts, data[end:]]


def list_oggs() -> Iterator[Case]:
    """List the cases of Ogg."""
    yield "opus", "stays byte for byte", [make_opus()]
    yield "vorbis", "stays byte for byte", [make_vorbis()]
    yield "speex", "stays byte for byte", [make_speex()]
    yield "flac", "stays byte for byte", [make_ogg_flac()]
    yield "comments", "go, their names are their kinds", [make_opus(tags=b"OpusTags" + TOLD)]
    yield "padding", "behind comments goes", [make_opus(tags=OPUS_TAGS + bytes(99))]
    yield "lying-program", "goes", [make_opus(tags=b"OpusTags\xff\xff\xff\x7f")]
    lying = b"OpusTags\0\0\0\0\1\0\0\0\xff\xff\xff\xff"
    yield "lying-comment", "goes", [make_opus(tags=lying)]
    yield "no-comments", "are written anew", [make_opus(tags=b"OpusTags")]
    picture = b"OpusTags" + make_comments(b"METADATA_BLOCK_PICTURE=" + b"A" * 70_000)
    yield (
        "picture",
        "goes, and later pages are counted anew",
        shorten(
            FIRST
            + make_page(1, picture[:65025], segments=b"\xff" * 255)
            + make_page(2, picture[65025:], marks=CONTINUED)
            + make_page(3, OPUS_SOUND, marks=END)
        ),
    )
    yield "serial", "is the same for everybody", [make_opus(serial=b"\x12\x34\x56\x78")]
    yield (
        "numbers",
        "of pages count from 0",
        [FIRST, SECOND, make_page(9, OPUS_SOUND), make_page(7, OPUS_SOUND, marks=END)],
    )
    yield (
        "vorbis-comments",
        "go, the setup stays",
        [make_vorbis(b"\x03vorbis" + make_comments(b"TITLE=x", program=b"Xiph") + b"\1")],
    )
    yield (
        "speex-version",
        "the version's name goes",
        [make_speex(SPEEX_HEAD[:8] + b"speex-1.2beta3".ljust(20, b"\0") + SPEEX_HEAD[28:])],
    )
    yield (
        "flac-blocks",
        "of all blocks STREAMINFO stays",
        [
            make_ogg_flac(
                flac_block(4, make_comments(b"ARTIST=Ana")),
                flac_block(6, b"picture"),
                flac_block(1, bytes(9), is_last=True),
                head=FLAC_IN_OGG[:8] + b"\3" + FLAC_IN_OGG[9:],
            )
        ],
    )
    yield (
        "across",
        "packets across pages stay, as do large pages and empty ones",
        shorten(
            make_opus(
                make_page(2, bytes(5100), segments=b"\xff" * 20),
                make_page(3, OPUS_SOUND, marks=CONTINUED),
                make_page(4),
                make_page(5, OPUS_SOUND, marks=END),
            )
        ),
    )
    yield "no-end", "a recording that was broken off", [make_opus(make_page(2, OPUS_SOUND))]
    yield "behind", "what lies behind the end goes", [make_opus(behind=b"TAG" + bytes(125))]
    yield "truncated", "is refused", [make_opus()[:-1]]
    yield "open-packet", "is refused", [make_opus(make_page(2, bytes(255), segments=b"\xff"))]
    yield "two-streams", "are refused", [FIRST, make_opus(serial=b"\2\0\0\0")]
    yield "two-in-a-row", "are refused", [make_opus(), make_opus()]
    yield "video", "is refused", [make_page(0, b"\x80theora" + bytes(35), marks=BEGIN)]
    yield "checksum", "of every page", [make_opus()[:-1], b"\0"]
    yield "version", "of a page", [make_opus(make_page(2, OPUS_SOUND, version=1))]
    yield "marks", "of a page", [make_opus(make_page(2, OPUS_SOUND, marks=CONTINUED))]
    yield "stray-page", "of no stream", [make_opus(make_page(2, OPUS_SOUND, serial=bytes(4)))]
    yield "sound-beside-comments", "begins on its own page", [FIRST, make_page(1, OPUS_TAGS, b"x")]
    yield (
        "opus-version",
        "of another kind",
        [make_opus(head=OPUS_HEAD[:8] + b"\x10" + OPUS_HEAD[9:])],
    )
    yield "opus-long", "shapes are exact", [make_opus(head=OPUS_HEAD + b"x")]
