"""The cases of films and voice notes, for `make_cleaning_vectors`."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence

from tests.films import (
    FRAME,
    HEVC,
    M4A,
    MOV,
    NEXT_PICTURE,
    PHONE,
    PICTURE,
    SIDEWAYS,
    MakeTrack,
    make_empty,
    make_esds,
    make_film,
    make_fragment,
    make_fragmented,
    make_pictures,
    make_sound,
    make_visual,
    make_voice,
    sei,
    unit,
)
from tipline.cleaning.boxes import format_box
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.plan import write_cleaned

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

UDTA = format_box(
    b"udta",
    format_box(b"\xa9xyz", b"\0\x12\x15\xc7+19.4326-099.1332/"),
    format_box(b"\xa9mak", b"\0\x09\x15\xc7Lumenwerk"),
    format_box(b"\xa9day", b"\0\x04\x15\xc72026"),
)
X264 = sei(5, bytes(16) + b"x264 - core 164")
PLAIN = struct.pack(">4I", 1, 2, 2, 2)


def make_plain(codec: bytes, samples: bytes, **options: object) -> MakeTrack:
    """Make a track of sound that is not coded, which QuickTime counts by its samples."""
    count = len(samples) // 2
    sizes = format_box(b"stsz", struct.pack(">3I", 0, 1, count))
    return MakeTrack(
        [samples[at : at + 2] for at in range(0, len(samples), 2)],
        make_sound(codec, version=1, more=PLAIN),
        handler=b"soun",
        tables=[sizes],
        delta=1,
        **options,  # type: ignore[arg-type]
    )


def clean(data: bytes) -> bytes:
    """Make what a film's cleaning makes of it: a film that stays as it is."""
    out = io.BytesIO()
    write_cleaned(plan_cleaning(io.BytesIO(data)), io.BytesIO(data), out)
    return out.getvalue()


def list_films() -> Iterator[Case]:
    """List the cases of films."""
    both = make_film(
        make_pictures(chunks=[1, 1]), make_voice(chunks=[1, 1], number=2), is_late=True
    )
    yield "film", "is written anew with its head first", [both]
    yield "clean", "stays byte for byte", [clean(both)]
    yield "voice", "a voice note", [make_film(make_voice(at=9), brand=M4A, more=UDTA)]
    yield "voice-by-its-tracks", "whatever its brand", [make_film(make_voice())]
    yield "quicktime", "is told by its brand", [make_film(make_pictures(), brand=MOV)]
    yield "quicktime-old", "has no brand", [make_film(make_pictures(), brand=b"")]
    yield "phone", "3GP", [make_film(make_pictures(), brand=PHONE)]
    yield "times", "become 0", [make_film(make_pictures(at=3_800_000_000), at=3_800_000_000)]
    yield "udta", "goes, its names are its kinds", [make_film(make_pictures(), more=UDTA)]
    yield "names", "of programs go", [
        make_film(
            MakeTrack([PICTURE], make_visual(name=b"\4x264", vendor=b"FFMP"), name=b"VideoHandler")
        )
    ]  # fmt: skip
    yield "language", "becomes und", [make_film(make_voice(language=0x15C7))]
    yield "turned", "stays turned", [make_film(make_pictures(matrix=SIDEWAYS))]
    yield "skewed", "becomes upright", [make_film(make_pictures(matrix=bytes(36)))]
    yield "places", "a track of places goes with its samples", [
        make_film(
            make_pictures(chunks=[1, 1]),
            MakeTrack(
                [b"19.4326", b"19.4327"],
                format_box(b"gpmd", bytes(8)),
                handler=b"meta",
                chunks=[1, 1],
                number=2,
            ),
        )
    ]  # fmt: skip
    chapters = format_box(b"tref", format_box(b"chap", b"\0\0\0\2"))
    yield "chapters", "pictures of chapters go", [
        make_film(make_pictures(more=chapters), make_pictures(number=2))
    ]  # fmt: skip
    yield "between", "what no sample is goes", [
        make_film(make_pictures(chunks=[1, 1]), gap=b"told", before=format_box(b"uuid", b"x" * 20))
    ]  # fmt: skip
    yield (
        "behind",
        "what is no box goes",
        [make_film(make_pictures(), behind=b"\xff\xff\xff\xffPHON")],
    )
    yield "x264", "an encoder's settings go", [make_film(make_pictures(X264 + PICTURE))]
    yield "sei-kept", "what says how to show a picture stays", [
        make_film(make_pictures(sei(6, b"\x80") + sei(147, b"\x12") + PICTURE))
    ]  # fmt: skip
    yield "sei-long", "what is longer than it can be goes", [
        make_film(make_pictures(sei(147, b"\x12 told by Ana") + PICTURE))
    ]  # fmt: skip
    mixed = unit(b"\x06\x06\x01\x80\x05\x12" + bytes(18) + b"\x2d\x04\0\0\x03\0\x01\x80")
    yield "sei-mixed", "of several messages some stay, escaped anew", [
        make_film(make_pictures(mixed + PICTURE))
    ]  # fmt: skip
    yield "sei-broken", "goes", [make_film(make_pictures(unit(b"\x06\x06\x09\1") + PICTURE))]
    yield "fill", "and units without a meaning go", [
        make_film(make_pictures(PICTURE + unit(b"\x0c\xff\x80") + unit(b"\x1eGPS"), NEXT_PICTURE))
    ]  # fmt: skip
    hevc = MakeTrack(
        [
            sei(5, bytes(16) + b"x265", head=b"\x4e\x01")
            + unit(b"\x26\1\7")
            + unit(b"\x7c\1rpu")
            + unit(b"\x26\x09two")
        ],
        make_visual(b"hvc1", HEVC, format_box(b"colr", b"prof", b"mine")),
    )
    yield "hevc", "second layers, fill and profiles go", [make_film(hevc)]
    av1 = MakeTrack(
        [b"\x2a\x03\x04\xb5\0" + b"\x7a\1\0" + b"\x32\2\1\2"],
        make_visual(b"av01", format_box(b"av1C", b"\x81\0\0\0\x0a\1\0\x2a\2\4\0")),
    )
    yield "av1", "what only tells goes", [make_film(av1)]
    told = b"\0\0\1\xb2XviD0050"
    visual = make_visual(b"mp4v", make_esds(kind=0x20, config=b"\0\0\1\xb0\1" + told))
    yield "mpeg4", "texts go", [make_film(MakeTrack([b"\0\0\1\xb6\1" + told], visual))]
    filled = b"\xdc\x04" + b"\x4c\x61\x76\x63" + b"\x35\x38"
    yield "aac-fill", "an encoder's name becomes zero", [make_film(make_voice(filled, FRAME))]
    yield "aac-data", "and so do data", [make_film(make_voice(b"\x81\x02AB\x40", FRAME))]
    for name, codec, box in (
        ("alac", b"alac", format_box(b"alac", bytes(28))),
        ("amr", b"samr", format_box(b"damr", b"appl\1\0\1\0\1")),
        ("opus", b"Opus", format_box(b"dOps", bytes(11))),
        ("ac3", b"ac-3", format_box(b"dac3", bytes(3))),
        ("ec3", b"ec-3", format_box(b"dec3", bytes(5))),
        ("flac", b"fLaC", format_box(b"dfLa", bytes(4), b"\0\0\0\x22", bytes(34), b"\x84\0\0\1x")),
    ):
        track = MakeTrack([b"sound"], make_sound(codec, box), handler=b"soun")
        yield name, "is kept", [make_film(track, brand=M4A)]
    wave = format_box(
        b"wave", format_box(b"frma", b"mp4a"), make_esds(), format_box(b"mine", b"x"), bytes(8)
    )
    old = MakeTrack([FRAME], make_sound(b"mp4a", wave, version=1, more=bytes(16)), handler=b"soun")
    yield "quicktime-sound", "is described as QuickTime does", [make_film(old, brand=MOV)]
    yield "plain", "samples are counted, not bytes", [
        make_film(make_plain(b"twos", b"abcdefgh", chunks=[3, 1]), brand=MOV)
    ]  # fmt: skip
    stz2 = format_box(b"stz2", b"\0\0\0\0\0\0\0\x04\0\0\0\2\x77")
    yield "short-sizes", "are written as long ones", [make_film(make_pictures(tables=[stz2]))]
    wide = format_box(b"co64", struct.pack(">IIQ", 0, 1, 0x28))
    yield "wide-offsets", "are written as short ones", [
        make_film(make_pictures(tables=[wide]), is_late=True, brand=MOV + b"\0\0\0\x0cwidemore")
    ]  # fmt: skip
    groups = [
        format_box(b"stss", struct.pack(">3I", 0, 1, 1)),
        format_box(b"sdtp", bytes(6)),
        format_box(b"ctts", struct.pack(">4I", 0, 1, 2, 100)),
    ]
    yield "tables", "that a decoder needs stay", [make_film(make_pictures(tables=groups))]
    yield "edits", "a coder's delay stays", [make_film(make_pictures(edits=[(50, -1), (150, 50)]))]
    long = {"delta": 10_000}
    yield "cut", "what was cut out is refused", [
        make_film(make_pictures(edits=[(5_000, 0)], **long))
    ]  # fmt: skip
    slow = make_film(make_pictures(edits=[(200, 0)]))
    yield (
        "slow",
        "is refused",
        [slow.replace(b"\0\0\0\xc8" + bytes(5) + b"\1", b"\0\0\0\xc8" + bytes(5) + b"\2")],
    )
    yield from list_fragmented()
    yield "encrypted", "is refused", [make_film(MakeTrack([PICTURE], make_visual(b"encv")))]
    yield "unknown-codec", "is refused", [make_film(MakeTrack([PICTURE], make_visual(b"SVQ3")))]
    mp3 = MakeTrack([b"x"], make_sound(b"mp4a", make_esds(kind=0x6B)), handler=b"soun")
    yield "mp3-in-mp4", "is refused", [make_film(mp3)]
    comment = MakeTrack(
        [b"x"], make_sound(b"mp4a", make_esds(config=b"\x10\0\1\2")), handler=b"soun"
    )
    yield "aac-with-a-text", "is refused", [make_film(comment)]
    yield "behind-a-table", "nothing hides in a configuration", [
        make_film(MakeTrack([PICTURE], make_visual(b"avc1", format_box(b"avcC", AVC_AND_MORE))))
    ]  # fmt: skip
    bare = make_visual(b"avc1", format_box(b"pasp", bytes(8)))
    yield "no-configuration", "is refused", [make_film(MakeTrack([PICTURE], bare))]
    yield "truncated", "is refused", [make_film(make_pictures())[:-1]]
    yield "no-head", "is refused", [MOV + format_box(b"mdat", b"x")]
    yield "two-heads", "are refused", [make_film(make_pictures()) * 2]
    yield "no-samples", "is refused", [make_film(make_voice(tables=[
        format_box(b"stsz", bytes(12)), format_box(b"stts", bytes(8)),
        format_box(b"stsc", bytes(8)), format_box(b"stco", bytes(8))]))]  # fmt: skip
    over = format_box(b"stco", struct.pack(">4I", 0, 2, 0x28, 0x29))
    yield "overlap", "is refused", [
        make_film(make_pictures(chunks=[1, 1], tables=[over]), is_late=True)
    ]  # fmt: skip
    outside = format_box(b"stco", struct.pack(">3I", 0, 1, 4))
    yield "sample-in-the-head", "is refused", [make_film(make_pictures(tables=[outside]))]
    beyond = format_box(b"stco", struct.pack(">3I", 0, 1, 0x7FFFFFFF))
    yield "sample-beyond", "is refused", [make_film(make_pictures(tables=[beyond]))]
    lying = format_box(b"stsz", struct.pack(">3I", 0, 0, 0xFFFFFFFF))
    yield "lying-count", "nothing is made for it", [make_film(make_pictures(tables=[lying]))]
    huge = format_box(b"stsz", struct.pack(">3I", 0, 0xFFFFFFFF, 2))
    yield "lying-size", "is refused", [make_film(make_pictures(tables=[huge]))]
    fewer = format_box(b"stts", struct.pack(">4I", 0, 1, 1, 100))
    yield "fewer-times", "tables are true together", [make_film(make_pictures(tables=[fewer]))]
    packets = make_sound(b"twos", version=1, more=struct.pack(">4I", 2, 2, 4, 2))
    odd = format_box(b"stsz", struct.pack(">3I", 0, 1, 3))
    halved = MakeTrack([b"ab"] * 3, packets, handler=b"soun", tables=[odd], delta=1)
    yield "half-a-packet", "is refused", [make_film(halved, brand=MOV)]
    short = format_box(b"stsc", struct.pack(">5I", 0, 1, 1, 1, 1))
    yield "fewer-in-chunks", "is refused", [make_film(make_pictures(tables=[short]))]
    half = [unit(b"\x65\1")[:-1], NEXT_PICTURE]
    yield "half-a-unit", "is refused", [make_film(make_pictures(*half))]
    away = make_film(make_pictures()).replace(b"url \0\0\0\1", b"url \0\0\0\0")
    yield "in-another-file", "is refused", [away]
    yield "lying-box", "is refused", [make_film(make_pictures(), more=b"\x7f\xff\xff\xfffree")]


def list_fragmented() -> Iterator[Case]:
    """List the cases of films in fragments."""
    one, other = make_fragment([PICTURE, NEXT_PICTURE]), make_fragment([PICTURE], at=200)
    yield "fragments", "become a whole film", [make_fragmented(one, other)]
    told = make_fragment([PICTURE, NEXT_PICTURE], run=0xF01)
    yield "fragments-told", "with what is said of each sample", [make_fragmented(told)]
    gap = make_fragment([PICTURE], at=500)
    yield "fragments-gap", "the last sample before it lasts longer", [make_fragmented(one, gap)]
    far = make_fragment([PICTURE], at=None, flags=1, base=len(make_fragmented()))
    yield "fragments-base", "from where the file says", [make_fragmented(far)]
    same = make_fragment([unit(b"\x65")], run=1)
    yield "fragments-default", "what holds for all samples", [make_fragmented(same)]
    edited = make_empty()
    edited.edits = [(0, 0)]
    yield "fragments-edited", "a list without an end has one", [
        make_fragmented(one, tracks=[edited])
    ]  # fmt: skip
    late = make_fragment([PICTURE], at=9)
    yield "fragments-late", "what begins later was cut out: refused", [make_fragmented(late)]
    yield "fragments-back", "what goes back is refused", [make_fragmented(one, one)]
    locked = make_fragment([PICTURE], more=format_box(b"senc", bytes(8)))
    yield "fragments-encrypted", "are refused", [make_fragmented(locked)]
    stray = make_fragment([PICTURE], number=9)
    yield "fragments-stray", "a track that is not there is refused", [make_fragmented(stray)]
    lying = one.replace(struct.pack(">II", 0x201, 2), struct.pack(">II", 0x201, 2**31))
    yield "fragments-lying", "nothing is made for it", [make_fragmented(lying)]
    yield "fragments-besides", "samples here and there are refused", [
        make_film(make_pictures(), more=format_box(b"mvex", TREX), behind=one)
    ]  # fmt: skip
    yield "fragments-alone", "are refused", [make_film(make_pictures(), behind=one)]
    yield "fragments-to-come", "nothing came", [
        make_film(make_pictures(), more=format_box(b"mvex", TREX))
    ]  # fmt: skip
    yield "fragments-none", "is refused", [make_fragmented()]


TREX = format_box(b"trex", struct.pack(">6I", 0, 1, 1, 100, 5, 0))
AVC_AND_MORE = b"\x01\x42\xc0\x0a\xff\xe0\x00hidden"
