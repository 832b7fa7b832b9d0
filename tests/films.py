"""Small films and voice notes made of their boxes, for the tests of cleaning."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tipline.cleaning.boxes import format_box

UPRIGHT = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
SIDEWAYS = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 8 << 16, 0, 0x40000000)
MP42 = format_box(b"ftyp", b"mp42\0\0\0\0mp42isom")
M4A = format_box(b"ftyp", b"M4A \0\0\0\0M4A mp42isom")
MOV = format_box(b"ftyp", b"qt  \0\0\0\0qt  ")
PHONE = format_box(b"ftyp", b"3gp6\0\0\0\x003gp6isom")

SPS, PPS = b"\x67\x42\xc0\x0a\xda\x11", b"\x68\xce\x38\x80"
AVC = format_box(b"avcC", b"\x01\x42\xc0\x0a\xff\xe1", b"\0\6", SPS, b"\1", b"\0\4", PPS)
HEVC = format_box(
    b"hvcC",
    b"\1" + bytes(20) + b"\3",
    b"\3",
    *(bytes([kind]) + b"\0\1\0\3" + bytes([kind << 1, 1, 7]) for kind in (0x20, 0x21, 0x22)),
)
AAC = b"\x12\x08"


def unit(content: bytes, *, length_bytes: int = 4) -> bytes:
    """Make a unit of a sample of H.264 or HEVC."""
    return len(content).to_bytes(length_bytes, "big") + content


def sei(kind: int, content: bytes, *, head: bytes = b"\x06") -> bytes:
    """Make a unit that only tells, of one message of up to 254 bytes."""
    return unit(head + bytes([kind, len(content)]) + content + b"\x80")


def make_esds(*, kind: int = 0x40, config: bytes = AAC, long: bool = True) -> bytes:
    """Make the descriptors of MPEG-4."""

    def describe(tag: int, content: bytes) -> bytes:
        fill = b"\x80" if long else b""
        return bytes([tag]) + fill + bytes([len(content)]) + content

    decoder = bytes([kind, 0x15]) + bytes(11) + describe(5, config)
    return format_box(
        b"esds", bytes(4), describe(3, b"\0\0\0" + describe(4, decoder) + describe(6, b"\2"))
    )


def make_visual(
    codec: bytes = b"avc1", *boxes: bytes, name: bytes = b"", vendor: bytes = bytes(4)
) -> bytes:
    """Make a description of pictures of 8 by 8."""
    head = struct.pack(">6xH4x4s8xHHIII", 1, vendor, 8, 8, 0x480000, 0x480000, 0) + struct.pack(
        ">H32sHh", 1, name, 24, -1
    )
    return format_box(codec, head, *(boxes or (AVC,)))


def make_sound(
    codec: bytes = b"mp4a",
    *boxes: bytes,
    version: int = 0,
    channels: int = 1,
    vendor: bytes = bytes(4),
    more: bytes = b"",
) -> bytes:
    """Make a description of sound of 16 bits."""
    head = struct.pack(">6xHH2x4sHHhHI", 1, version, vendor, channels, 16, 0, 0, 8000 << 16)
    return format_box(codec, head, more, *boxes)


class MakeTrack:
    """
    A track to be put into a film.

    Args:
        samples: Each sample; all in one chunk, or as `chunks` says.
        handler: What it is.
        entries: Its descriptions.
        chunks: How many samples each chunk has.
        number: Of the track.
        at: When it was made.
        name: Of the handler.
        edits: Pairs of a duration and a start.
        matrix: Nine numbers.
        more: Boxes in `trak`.
        tables: Boxes in `stbl`, and those instead of which they stand go.
        delta: How long a sample lasts.
    """

    def __init__(
        self,
        samples: Sequence[bytes],
        *entries: bytes,
        handler: bytes = b"vide",
        chunks: Sequence[int] | None = None,
        number: int = 1,
        at: int = 0,
        name: bytes = b"\0",
        edits: Sequence[tuple[int, int]] = (),
        matrix: bytes = UPRIGHT,
        more: bytes = b"",
        tables: Sequence[bytes] = (),
        delta: int = 100,
        language: int = 0x55C4,
    ) -> None:
        self.samples = samples
        self.entries = entries
        self.handler = handler
        self.chunks = [len(samples)] if chunks is None else chunks
        self.number = number
        self.at = at
        self.name = name
        self.edits = edits
        self.matrix = matrix
        self.more = more
        self.tables = tables
        self.delta = delta
        self.language = language

    def list_chunks(self) -> list[bytes]:
        """List the bytes of each chunk."""
        rest = iter(self.samples)
        return [b"".join(next(rest) for _ in range(count)) for count in self.chunks]

    def format(self, offsets: Sequence[int], *, mhlr: bytes) -> bytes:
        """Write it."""
        count = len(self.samples)
        is_visual = self.handler == b"vide"
        duration = count * self.delta
        own = {
            b"stts": struct.pack(">4I", 0, 1, count, self.delta),
            b"stsc": struct.pack(">II", 0, len(self.chunks))
            + b"".join(
                struct.pack(">3I", number + 1, samples, 1)
                for number, samples in enumerate(self.chunks)
            ),
            b"stsz": struct.pack(">3I", 0, 0, count)
            + b"".join(struct.pack(">I", len(sample)) for sample in self.samples),
            b"stco": struct.pack(f">{2 + len(offsets)}I", 0, len(offsets), *offsets),
        }
        replaced = {table[4:8] for table in self.tables}
        stbl = format_box(
            b"stbl",
            format_box(b"stsd", struct.pack(">II", 0, len(self.entries)), *self.entries),
            *(format_box(name, content) for name, content in own.items() if name not in replaced),
            *self.tables,
        )
        side = 8 << 16 if is_visual else 0
        head = struct.pack(">B3s5I8x", 0, b"\0\0\7", self.at, self.at, self.number, 0, duration)
        head += struct.pack(">4xHH", 0 if is_visual else 0x100, 0) + self.matrix
        edits = b"".join(struct.pack(">Iii", *edit, 0x10000) for edit in self.edits)
        minf = format_box(
            b"minf",
            format_box(b"vmhd", b"\0\0\0\1", bytes(8)) if is_visual else format_box(
                b"smhd", bytes(8)),
            format_box(b"dinf", format_box(b"dref", bytes(4), b"\0\0\0\1", format_box(
                b"url ", b"\0\0\0\1"))),
            stbl,
        )  # fmt: skip
        media = struct.pack(">5IHH", 0, self.at, self.at, 1000, duration, self.language, 0)
        return format_box(
            b"trak",
            format_box(b"tkhd", head, struct.pack(">II", side, side)),
            format_box(b"edts", format_box(
                b"elst", struct.pack(">II", 0, len(self.edits)), edits)) if edits else b"",
            format_box(
                b"mdia",
                format_box(b"mdhd", media),
                format_box(b"hdlr", bytes(4), mhlr, self.handler, bytes(12), self.name),
                minf,
            ),
            self.more,
        )  # fmt: skip


def make_film(
    *tracks: MakeTrack,
    brand: bytes = MP42,
    at: int = 0,
    more: bytes = b"",
    before: bytes = b"",
    gap: bytes = b"",
    behind: bytes = b"",
    is_late: bool = False,
) -> bytes:
    """
    Make a film.

    Args:
        tracks: Their chunks are interleaved.
        brand: `ftyp`.
        at: When it was made.
        more: Boxes in `moov`.
        before: Boxes behind `ftyp`.
        gap: Between chunks.
        behind: Follows the last box.
        is_late: `moov` stands behind `mdat`.
    """
    mhlr = b"mhlr" if brand == MOV else bytes(4)
    chunks = [track.list_chunks() for track in tracks]
    rows = max(map(len, chunks))
    order = [
        (number, row)
        for row in range(rows)
        for number in range(len(tracks))
        if row < len(chunks[number])
    ]

    def format_head(base: int) -> bytes:
        offsets: list[list[int]] = [[] for _ in tracks]
        for number, row in order:
            offsets[number].append(base)
            base += len(chunks[number][row]) + len(gap)
        duration = max(len(track.samples) * track.delta for track in tracks)
        head = struct.pack(">5I", 0, at, at, 1000, duration)
        head += struct.pack(">IH10x", 0x10000, 0x100) + UPRIGHT + bytes(24)
        return format_box(
            b"moov",
            format_box(b"mvhd", head, (len(tracks) + 1).to_bytes(4, "big")),
            *(
                track.format(offset, mhlr=mhlr)
                for track, offset in zip(tracks, offsets, strict=True)
            ),
            more,
        )

    media = format_box(b"mdat", gap.join(chunks[number][row] for number, row in order))
    if is_late:
        head = format_head(len(brand + before) + 8)
        return brand + before + media + head + behind
    front = len(brand + before) + len(format_head(0))
    return brand + format_head(front + 8) + before + media + behind


def make_fragment(
    samples: Sequence[bytes],
    *,
    number: int = 1,
    at: int | None = 0,
    flags: int = 0x020000,
    run: int = 0x201,
    more: bytes = b"",
    base: int | None = None,
) -> bytes:
    """
    Make a fragment of one track: `moof` and `mdat`.

    Args:
        samples: They.
        number: Of the track.
        at: When it is shown, None if it is not said.
        flags: Of the head.
        run: What is said of each sample: 1 where they are, 0x100 how long they last, 0x200 how
            long they are, 0x400 what they are, 0x800 how much later they are shown.
        more: Boxes in the track.
        base: From where offsets count, if flags say so.
    """
    shown = format_box(b"tfdt", b"\1\0\0\0", at.to_bytes(8, "big")) if at is not None else b""
    head = struct.pack(">II", flags, number) + (b"" if base is None else base.to_bytes(8, "big"))

    def format_head(offset: int) -> bytes:
        rows = struct.pack(">II", run, len(samples))
        rows += struct.pack(">i", offset) if run & 1 else b""
        for place, sample in enumerate(samples):
            numbers = {0x100: 40, 0x200: len(sample), 0x400: 0x10000 * (place > 0), 0x800: 7}
            told = [value for flag, value in numbers.items() if run & flag]
            rows += struct.pack(f">{len(told)}I", *told)
        return format_box(
            b"moof",
            format_box(b"mfhd", bytes(8)),
            format_box(b"traf", format_box(b"tfhd", head), shown, format_box(b"trun", rows), more),
        )

    return format_head(len(format_head(0)) + 8) + format_box(b"mdat", *samples)


def make_fragmented(
    *fragments: bytes, tracks: Sequence[MakeTrack] = (), trex: bytes = b"", behind: bytes = b""
) -> bytes:
    """
    Make a film in fragments.

    Args:
        fragments: As of `make_fragment`.
        tracks: Without samples; one of pictures if none is given.
        trex: What holds for all samples of a track; 100 units each if it is not given.
        behind: Follows the last fragment.
    """
    chosen = tracks or [make_empty()]
    defaults = b"".join(
        format_box(b"trex", struct.pack(">6I", 0, track.number, 1, 100, 5, 0)) for track in chosen
    )
    head = struct.pack(">5I", 0, 0, 0, 1000, 0)
    head += struct.pack(">IH10x", 0x10000, 0x100) + UPRIGHT + bytes(24)
    moov = format_box(
        b"moov",
        format_box(b"mvhd", head, (len(chosen) + 1).to_bytes(4, "big")),
        *(track.format([], mhlr=bytes(4)) for track in chosen),
        format_box(b"mvex", trex or defaults),
    )
    return MP42 + moov + b"".join(fragments) + behind


def make_empty(number: int = 1) -> MakeTrack:
    """Make a track of H.264 without samples: they are in fragments."""
    empty = [format_box(name, bytes(8)) for name in (b"stts", b"stsc", b"stco")]
    empty.append(format_box(b"stsz", bytes(12)))
    return MakeTrack([], make_visual(), number=number, chunks=[], tables=empty)


PICTURE = unit(b"\x65\x88\x84")
NEXT_PICTURE = unit(b"\x41\x9a\x02")
FRAME = b"\x01\x40\x22\x80"


def make_pictures(*samples: bytes, codec: bytes = b"avc1", **options: object) -> MakeTrack:
    """Make a track of H.264 of two pictures, or of other samples."""
    return MakeTrack(
        samples or (PICTURE, NEXT_PICTURE),
        make_visual(codec),
        **options,  # type: ignore[arg-type]
    )


def make_voice(*samples: bytes, **options: object) -> MakeTrack:
    """Make a track of AAC of two frames, or of other samples."""
    return MakeTrack(
        samples or (FRAME, FRAME),
        make_sound(b"mp4a", make_esds()),
        handler=b"soun",
        **options,  # type: ignore[arg-type]
    )
