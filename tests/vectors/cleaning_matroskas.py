"""The cases of WebM and Matroska, for `make_cleaning_vectors`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from tests.films import FRAME, NEXT_PICTURE, PICTURE, PPS, SPS, sei, unit
from tests.matroskas import (
    AVC_PRIVATE,
    HEVC_PRIVATE,
    OPUS,
    RATE,
    SIZE,
    STREAMINFO,
    VORBIS_FIRST,
    VORBIS_SETUP,
    make_cluster,
    make_entry,
    make_group,
    make_head,
    make_info,
    make_matroska,
    make_simple,
    make_sound,
    make_tag,
    make_tracks,
)
from tests.vectors.cleaning_films import X264, clean
from tipline.cleaning.ebml import format_element, format_number

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

VOID = format_element(0xEC, bytes(3))
MKV = b"matroska"
TWO = make_tracks(make_entry(), make_sound(number=2))
FLAC_PRIVATE = b"fLaC\0\0\0\x22" + STREAMINFO + b"\x84\0\0\x0c" + b"\4\0\0\0Lavf" + bytes(4)


def make_video(codec: bytes, private: bytes, *samples: bytes, flags: int = 0x80) -> bytes:
    """Make a Matroska of one track of pictures."""
    blocks = (make_simple(sample, time=at, flags=flags) for at, sample in enumerate(samples))
    return make_matroska(
        make_cluster(*blocks),
        tracks=make_tracks(make_entry(codec=codec, private=private)),
        doc_type=MKV,
    )


def make_audio(codec: bytes, private: bytes, *samples: bytes, flags: int = 0x80) -> bytes:
    """Make a Matroska of one track of sound."""
    blocks = (make_simple(sample, time=at, flags=flags) for at, sample in enumerate(samples))
    return make_matroska(
        make_cluster(*blocks),
        tracks=make_tracks(make_sound(codec=codec, private=private)),
        doc_type=MKV,
    )


def make_vorbis(comments: bytes = b"\4\0\0\0Lavf" + bytes(4) + b"\1") -> bytes:
    """Make what Vorbis must know."""
    second = b"\x03vorbis" + comments
    lengths = bytes([2, len(VORBIS_FIRST)]) + b"\xff" * (len(second) // 255)
    return lengths + bytes([len(second) % 255]) + VORBIS_FIRST + second + VORBIS_SETUP


def list_matroskas() -> Iterator[Case]:
    """List the cases of WebM and Matroska."""
    both = make_matroska(
        make_cluster(make_simple(), make_simple(b"heard", number=2)),
        make_cluster(make_simple(b"later", flags=0), make_simple(b"h", number=2), time=30),
        make_cluster(make_simple(b"jump", time=-2), time=60),
        tracks=TWO,
    )
    yield "webm", "is written anew, with cues before its clusters", [both]
    yield "clean", "stays byte for byte", [clean(both)]
    yield "mkv", "is told by its head", [make_matroska(doc_type=MKV)]
    yield "head", "lengths are known afterwards", [
        make_matroska(
            make_cluster(make_simple(), is_open=True),
            make_cluster(make_simple(), time=5, is_open=True),
            make_tag(b"ENCODER", b"x"),
            is_open=True,
        )
    ]  # fmt: skip
    told = make_info(
        format_element(0x4461, bytes(8)),
        format_element(0x7BA9, b"Depot"),
        format_element(0x73A4, bytes(range(16))),
        format_element(0x4489, struct.pack(">d", 120.5)),
        format_element(0x7384, b"benita.mkv"),
        program=b"Lavf",
    )
    yield "info", "of it stay the unit of time and the duration", [make_matroska(info=told)]
    yield "no-info", "is written", [make_matroska(info=b"")]
    yield "duration", "of no number is refused", [
        make_matroska(info=make_info(format_element(0x4489, b"\x7f\xf0" + bytes(6))))
    ]  # fmt: skip
    yield "no-unit", "of time is refused", [
        make_matroska(info=format_element(0x1549A966, format_number(0x2AD7B1, 0)))
    ]  # fmt: skip
    tags = make_tag(b"LOCATION", b"+19.4326"), make_tag(b"ARTIST", b"Benita"), VOID
    yield (
        "tags",
        "go, their names are their kinds",
        [make_matroska(make_cluster(make_simple()), *tags)],
    )
    yield "tags-broken", "go unread", [
        make_matroska(make_cluster(make_simple()), format_element(0x1254C367, b"\x73\x73"))
    ]  # fmt: skip
    attached = format_element(0x1941A469, b"font")
    chapters = format_element(0x1043A770, b"one")
    seeks = format_element(0x114D9B74, b"x"), format_element(0x1C53BB6B, b"y")
    yield "attachments", "go", [make_matroska(attached, make_cluster(make_simple()))]
    yield "chapters", "go", [make_matroska(make_cluster(make_simple()), chapters)]
    yield "seeking", "is written anew", [make_matroska(*seeks, make_cluster(make_simple()))]
    yield "unknown-element", "goes", [
        make_matroska(make_cluster(make_simple()), format_element(0x4DFF, b"mine"))
    ]  # fmt: skip
    yield "behind", "what lies behind the segment goes", [make_matroska(behind=b"PHON")]
    yield "second", "segment is refused", [make_matroska(behind=make_matroska())]
    named = make_entry(
        format_element(0x536E, b"VideoHandler"),
        format_element(0x22B59C, b"nah"),
        format_element(0x258688, b"Lavc"),
        format_number(0x88, 0),
        format_number(0x23E383, 40_000_000),
        uid=2**63 + 5,
    )
    yield "names", "languages and UIDs go", [make_matroska(tracks=make_tracks(named))]
    subtitles = make_entry(codec=b"S_TEXT/UTF8", number=3, kind=17)
    buttons = make_entry(codec=b"B_VOBBTN", number=200, kind=18)
    far = format_element(0xA3, b"\x40\xc8\0\0\0far")
    yield "subtitles", "go with their blocks", [
        make_matroska(
            make_cluster(make_simple(), make_simple(b"Benita:", number=3), far, make_simple()),
            tracks=make_tracks(make_entry(), subtitles, buttons),
        )
    ]  # fmt: skip
    colour = format_element(
        0x55B0,
        format_number(0x55B1, 1),
        format_element(0x55D0, format_element(0x55D9, struct.pack(">f", 1000)), VOID),
    )
    pose = format_element(
        0x7670, format_number(0x7671, 0), format_element(0x7675, struct.pack(">f", 90))
    )
    yield "colours", "and the side that is up stay", [
        make_matroska(tracks=make_tracks(make_entry(video=SIZE + colour + pose + VOID)))
    ]  # fmt: skip
    round_about = format_element(0x7670, format_number(0x7671, 1))
    yield "round-about", "is refused", [
        make_matroska(tracks=make_tracks(make_entry(video=SIZE + round_about)))
    ]  # fmt: skip
    alpha = make_tracks(make_entry(video=SIZE + format_number(0x53C0, 1)))
    yield "alpha", "may be said of pictures that have none", [make_matroska(tracks=alpha)]
    yield from list_alphas(alpha)
    rate = format_element(0xB5, b"\x7f\x80\0\0")
    odd = make_entry(codec=b"A_OPUS", private=OPUS, kind=2, audio=rate)
    yield "rate", "of no number is refused", [make_matroska(tracks=make_tracks(odd))]
    for name, number in (("encrypted", 0x6D80), ("put-together", 0xE2), ("moved", 0x537F)):
        track = make_entry(format_element(number, b"x"))
        yield name, "is refused", [make_matroska(tracks=make_tracks(track))]
    slow = make_entry(format_element(0x23314F, struct.pack(">f", 2)))
    yield "slow", "is refused", [make_matroska(tracks=make_tracks(slow))]
    yield from list_blocks()
    yield from list_codecs()
    yield "twice", "a number is refused", [
        make_matroska(tracks=make_tracks(make_entry(), make_entry()))
    ]  # fmt: skip
    many = make_tracks(*(make_entry(number=number, kind=17) for number in range(1, 66)))
    yield "too-many-tracks", "are refused", [make_matroska(tracks=many)]
    yield "number-0", "is refused", [make_matroska(tracks=make_tracks(make_entry(number=0)))]
    yield "number-127", "is refused", [make_matroska(tracks=make_tracks(make_entry(number=127)))]
    yield "no-tracks", "is refused", [make_matroska(tracks=make_tracks(subtitles))]
    yield "tracks-late", "are refused", [make_matroska(make_cluster(make_simple()), tracks=b"")]
    yield "two-lists", "are refused", [make_matroska(tracks=TWO * 2)]
    yield "two-infos", "are refused", [make_matroska(info=make_info() * 2)]
    yield "no-clusters", "is refused", [make_matroska(VOID)]
    yield "other-type", "is refused", [make_matroska(doc_type=b"mine")]
    yield "later-version", "is refused", [
        make_head(b"webm", format_number(0x42F7, 2)) + make_matroska()[12:]
    ]  # fmt: skip
    yield "no-segment", "is refused", [make_head() + VOID]
    yield "head-alone", "is refused", [make_head()]
    yield "truncated", "is refused", [make_matroska()[:-1]]
    yield "truncated-open", "is refused", [make_matroska(is_open=True)[:-1]]
    lying = format_element(0x1254C367, b"")[:-1] + b"\x01\xff\xff\xff\xff\xff\xff\xfe"
    yield "lying-size", "nothing is made for it", [make_matroska(lying, is_open=True)]
    inside = format_element(0x1F43B675, b"\xe7\x81\0\xa3\x8fshort")
    yield "lying-block", "is refused", [make_matroska(inside, VOID)]
    yield "long-number", "is refused", [make_matroska(b"\x08\x80")]
    yield "long-length", "is refused", [make_matroska(b"\xec\0\0\0")]
    yield "open-tags", "are refused", [make_matroska(b"\x12\x54\xc3\x67\xff", is_open=True)]
    big = [b"\x1a\x45\xdf\xa3\x10\x20\0\0", (b"\0", 0x200000)]
    yield "large-head", "is refused", big


def list_blocks() -> Iterator[Case]:
    """List the cases of clusters and blocks."""
    before = format_number(0xA7, 70), format_number(0xAB, 9), VOID
    yield "positions", "go", [make_matroska(make_cluster(*before, make_simple()))]
    yield "cluster-of-nothing", "goes", [
        make_matroska(make_cluster(VOID), make_cluster(make_simple(), time=9))
    ]  # fmt: skip
    yield "in-a-cluster", "what is not known goes", [
        make_matroska(make_cluster(make_simple(), format_element(0x4DFF, b"mine")))
    ]  # fmt: skip
    numbers = format_number(0x9B, 40), format_element(0xFB, b"\xd8"), format_number(0x75A2, 5)
    yield "group", "stays with its numbers", [make_matroska(make_cluster(make_group(*numbers)))]
    more = format_element(0x75A1, format_element(0xA6, b"HDR"))
    yield "group-more", "additions go", [
        make_matroska(make_cluster(make_group(more, *numbers), make_group(time=40)))
    ]  # fmt: skip
    late = format_element(0xA0, numbers[0], make_group()[2:])
    yield "group-order", "the block stands first", [make_matroska(make_cluster(late))]
    yield "group-flags", "that mean nothing there become 0", [
        make_matroska(make_cluster(make_group(flags=0x89)))
    ]  # fmt: skip
    yield "simple-flags", "likewise", [make_matroska(make_cluster(make_simple(flags=0xF0)))]
    yield "group-twice", "a number is refused", [
        make_matroska(make_cluster(make_group(numbers[0], numbers[0])))
    ]  # fmt: skip
    yield "group-references", "too many are refused", [
        make_matroska(make_cluster(make_group(*[numbers[1]] * 17)))
    ]  # fmt: skip
    yield "group-long", "a number of nine bytes is refused", [
        make_matroska(make_cluster(make_group(format_element(0x9B, bytes(9)))))
    ]  # fmt: skip
    yield "group-blocks", "two are refused", [
        make_matroska(make_cluster(make_group(make_group()[2:])))
    ]  # fmt: skip
    yield "group-empty", "is refused", [make_matroska(make_cluster(format_element(0xA0)))]
    yield "group-of-subtitles", "goes", [
        make_matroska(
            make_cluster(make_group(), make_simple(number=2)),
            tracks=make_tracks(
                make_entry(codec=b"S_TEXT/UTF8", kind=17), make_entry(number=2)
            ),
        )
    ]  # fmt: skip
    state = format_element(0xA4, b"x")
    yield "codec-state", "is refused", [make_matroska(make_cluster(make_group(state)))]
    yield "no-time", "is refused", [
        make_matroska(format_element(0x1F43B675, make_simple(), format_number(0xE7, 1)))
    ]  # fmt: skip
    yield "two-times", "are refused", [
        make_matroska(make_cluster(format_number(0xE7, 1), make_simple()))
    ]  # fmt: skip
    yield "large-time", "is refused", [
        make_matroska(make_cluster(make_simple(), time=2**53))
    ]  # fmt: skip
    yield (
        "short-block",
        "is refused",
        [make_matroska(make_cluster(format_element(0xA3, b"\x81\0\0")))],
    )
    yield "empty-block", "is refused", [make_matroska(make_cluster(format_element(0xA3)))]
    for name, flags, laces in (
        ("xiph", 2, b"\2\xff\1\2" + bytes(256) + b"abcde"),
        ("xiph-none", 2, b"\0abc"),
        ("equal", 4, b"\2abcdef"),
        ("ebml", 6, b"\3\x83\xbe\x5f\xfe" + b"aaabbccddd"),
        ("xiph-beyond", 2, b"\1\x09abc"),
        ("xiph-cut", 2, b"\4\1\1"),
        ("xiph-endless", 2, b"\1" + b"\xff" * 5_000),
        ("equal-odd", 4, b"\1abc"),
        ("equal-empty", 4, b""),
        ("ebml-below-0", 6, b"\2\x81\x80abc"),
        ("ebml-long", 6, b"\1\x08\0\0\0\1ab"),
        ("ebml-cut", 6, b"\2\x81"),
        ("none", 2, b""),
    ):
        data = make_matroska(make_cluster(make_simple(laces, flags=0x80 | flags)))
        yield f"laces-{name}", "fill the block, or are refused", [data]


def list_alphas(alpha: bytes) -> Iterator[Case]:
    """List the cases of pictures that may be seen through."""

    def make_beside(*more: bytes) -> bytes:
        return format_element(0x75A1, format_element(0xA6, *more))

    kind, half = format_number(0xEE, 1), format_element(0xA5, b"half")
    reference = format_element(0xFB, b"\1")
    beside = make_beside(kind, half)
    both = make_cluster(make_group(beside), make_group(beside, reference, time=9))
    yield "alpha-beside", "the other half of a picture stays", [make_matroska(both, tracks=alpha)]
    vp9 = make_tracks(make_entry(codec=b"V_VP9", video=SIZE + format_number(0x53C0, 1)))
    yield "alpha-clean", "stays byte for byte", [clean(make_matroska(both, tracks=vp9))]
    flagged = make_cluster(make_group(beside, reference, flags=0x80))
    long = make_beside(half, b"\xee\x82\0\1", kind)
    written = {
        "flags": flagged,
        "long": make_cluster(make_group(long)),
        "void": make_cluster(make_group(reference, VOID, make_beside(half))),
    }
    for name, cluster in written.items():
        yield f"alpha-{name}", "is written anew", [make_matroska(cluster, tracks=alpha)]
    broken = {
        "empty": format_element(0x75A1),
        "text": format_element(0x75A1, b"\x4d\xff\x84half"),
        "behind": format_element(0x75A1, format_element(0xA6, kind, half), VOID),
        "kind": make_beside(format_number(0xEE, 4), half),
        "two": beside + beside,
        "halves": make_beside(kind, half, half),
        "none": make_beside(kind),
        "nothing": make_beside(kind, format_element(0xA5)),
        "more": make_beside(kind, half, VOID),
        "cut": format_element(0x75A1, b"\xa6\x88half"),
    }
    for name, additions in broken.items():
        cluster = make_cluster(make_group(additions))
        yield f"alpha-{name}", "of another build is refused", [make_matroska(cluster, tracks=alpha)]
    other = make_tracks(make_entry(codec=b"V_MPEG4/ISO/SP", video=SIZE + format_number(0x53C0, 1)))
    yield "alpha-codec", "in another codec is refused", [
        make_matroska(make_cluster(make_group(beside)), tracks=other)
    ]  # fmt: skip
    yield "additions", "go where nothing may be seen through", [
        make_matroska(make_cluster(make_group(beside, make_beside(half))))
    ]  # fmt: skip


def list_streams(avc: bytes) -> Iterator[Case]:
    """List the cases of units with marks before them."""
    mark, sets = b"\0\0\0\1", (SPS, PPS)
    settings = b"\6\5\x14" + bytes(range(16)) + b"x264\x80"
    picture, following = b"\x65seen", b"\x41next"
    plain = b"".join(mark + one for one in (*sets, picture))
    yield "stream", "units with marks stay, with those that tell how to decode", [
        make_video(avc, b"", plain, mark + following)
    ]  # fmt: skip
    yield "stream-clean", "stays byte for byte", [clean(make_video(avc, b"", plain))]
    yield "stream-sei", "an encoder's settings go", [
        make_video(avc, b"", mark + settings + plain, mark + settings + mark + following)
    ]  # fmt: skip
    recovery = b"\6\6\1\xc4\x80"
    both = b"\6\6\1\xc4" + settings[1:]
    yield "stream-told", "of what tells, that stays that says how to show it", [
        make_video(avc, b"", mark + recovery + plain, mark + both + plain, mark + settings)
    ]  # fmt: skip
    short = b"\0\0\1" + picture + b"\0\0\0\1" + b"\x0cfill" + b"\0\0\1" + following + b"\0\0"
    yield "stream-short", "marks of three bytes become longer, zeros between go, and fill", [
        make_video(avc, b"", short)
    ]  # fmt: skip
    yield "stream-nothing", "zeros alone go with their block", [
        make_video(avc, b"", plain, bytes(5), b"")
    ]  # fmt: skip
    yield "stream-before", "anything before the first mark is refused", [
        make_video(avc, b"", b"\7" + plain)
    ]  # fmt: skip
    laced = b"\1" + bytes([len(mark + settings + plain)]) + mark + settings + plain + plain
    yield "stream-laced", "is refused", [make_video(avc, b"", laced, flags=0x82)]
    layer = mark + b"\x26\x09other" + mark + b"\x26\1seen" + mark + b"\x28"
    yield "stream-hevc", "likewise, and other layers go", [
        make_video(b"V_MPEGH/ISO/HEVC", b"", mark + b"\x4e\1" + settings[1:] + layer)
    ]  # fmt: skip


def list_codecs() -> Iterator[Case]:
    """List the cases of codecs."""
    avc = b"V_MPEG4/ISO/AVC"
    yield "avc", "an encoder's settings go", [
        make_video(avc, AVC_PRIVATE, X264 + PICTURE, NEXT_PICTURE)
    ]  # fmt: skip
    yield "avc-nothing", "a sample that only tells goes", [
        make_video(avc, AVC_PRIVATE, PICTURE, X264)
    ]  # fmt: skip
    blocks = make_simple(PICTURE, flags=0), make_simple(X264, time=1)
    yield "avc-cue", "nobody jumps to a block of which nothing is left", [
        make_matroska(
            make_cluster(*blocks), tracks=make_tracks(make_entry(codec=avc, private=AVC_PRIVATE))
        )
    ]  # fmt: skip
    group = make_group(format_number(0x9B, 40), content=X264 + PICTURE)
    nothing = make_group(format_number(0x9B, 40), content=X264, time=40)
    track = make_tracks(make_entry(codec=avc, private=AVC_PRIVATE))
    yield "avc-group", "likewise", [make_matroska(make_cluster(group, nothing), tracks=track)]
    laced = b"\1" + bytes([len(X264 + PICTURE)]) + X264 + PICTURE + PICTURE
    yield "avc-laced", "is refused", [make_video(avc, AVC_PRIVATE, laced, flags=0x82)]
    yield "avc-half", "a unit is refused", [make_video(avc, AVC_PRIVATE, PICTURE[:-1])]
    yield "avc-none", "lengths without a configuration are refused", [make_video(avc, b"", PICTURE)]
    yield from list_streams(avc)
    told = sei(5, bytes(16) + b"x265", head=b"\x4e\x01")
    picture = unit(b"\x26\1\7")
    yield "hevc", "likewise", [make_video(b"V_MPEGH/ISO/HEVC", HEVC_PRIVATE, told + picture)]
    av1 = b"\x81\0\0\0\x0a\1\0\x2a\2\4\0"
    yield "av1", "what only tells goes", [
        make_video(b"V_AV1", av1, b"\x2a\x03\x04\xb5\0" + b"\x32\2\1\2")
    ]  # fmt: skip
    texts = b"\0\0\1\xb2XviD0050"
    yield "mpeg4", "texts go", [
        make_video(b"V_MPEG4/ISO/ASP", b"\0\0\1\xb0\1" + texts, b"\0\0\1\xb6\1" + texts)
    ]  # fmt: skip
    yield "vp9", "features stay", [make_video(b"V_VP9", b"\1\1\0\2\1\x14", b"seen")]
    yield "vp9-none", "it needs none", [make_video(b"V_VP9", b"", b"seen")]
    yield "vp9-odd", "others are refused", [make_video(b"V_VP9", b"\1\2\0\0", b"seen")]
    yield "vp8-more", "what a codec does not need goes", [make_video(b"V_VP8", b"Benita", b"seen")]
    yield "opus", "is kept", [make_audio(b"A_OPUS", OPUS, b"heard")]
    yield "opus-odd", "is refused", [make_audio(b"A_OPUS", b"Speex   ", b"heard")]
    yield "vorbis", "comments become empty", [make_audio(b"A_VORBIS", make_vorbis(), b"heard")]
    long = make_vorbis(b"\0\0\0\0\1\0\0\0\x2c\1\0\0ARTIST=" + b"B" * 293 + b"\1")
    yield "vorbis-long", "likewise", [make_audio(b"A_VORBIS", long, b"heard")]
    yield "vorbis-odd", "is refused", [make_audio(b"A_VORBIS", b"\2\x09\x09vorbis", b"heard")]
    yield "vorbis-two", "packets are refused", [make_audio(b"A_VORBIS", b"\1", b"heard")]
    yield (
        "vorbis-opus",
        "is refused",
        [make_audio(b"A_VORBIS", b"\2\x13\x08" + OPUS + b"OpusTags" + VORBIS_SETUP, b"heard")],
    )
    yield "flac", "of blocks the first stays", [make_audio(b"A_FLAC", FLAC_PRIVATE, b"heard")]
    yield "flac-odd", "is refused", [make_audio(b"A_FLAC", b"fLaC\4\0\0\0", b"heard")]
    yield "flac-cut", "is refused", [make_audio(b"A_FLAC", FLAC_PRIVATE[:-1], b"heard")]
    yield "flac-none", "is refused", [make_audio(b"A_FLAC", b"fLaC", b"heard")]
    yield "flac-other", "is refused", [make_audio(b"A_FLAC", b"OggS", b"heard")]
    filled = b"\xdc\x04" + b"\x4c\x61\x76\x63" + b"\x35\x38"
    yield "aac", "an encoder's name becomes zero", [make_audio(b"A_AAC", b"\x12\x08", filled)]
    both = b"\1" + bytes([len(filled)]) + filled + FRAME
    yield "aac-laced", "likewise", [make_audio(b"A_AAC", b"\x12\x08", both, flags=0x82)]
    yield "aac-with-a-text", "is refused", [make_audio(b"A_AAC", b"\x10\0\1\2", FRAME)]
    yield "alac", "is kept", [make_audio(b"A_ALAC", bytes(24), b"heard")]
    yield "alac-odd", "is refused", [make_audio(b"A_ALAC", bytes(25), b"heard")]
    for codec in (b"A_AC3", b"A_EAC3", b"A_PCM/INT/LIT", b"A_PCM/INT/BIG", b"A_PCM/FLOAT/IEEE"):
        name = codec[2:].decode().replace("/", "-").lower()
        yield name, "is kept", [make_audio(codec, b"", b"heard")]
    mixed = make_sound(number=1), make_entry(number=2)
    yield "sound-first", "cues are of pictures", [
        make_matroska(
            make_cluster(make_simple(b"heard"), make_simple(number=2, time=3)),
            tracks=make_tracks(*mixed),
        )
    ]  # fmt: skip
    yield "mp3", "is refused", [make_audio(b"A_MPEG/L3", b"", b"heard")]
    yield "unknown-codec", "is refused", [make_video(b"V_MJPEG", b"", b"seen")]
    yield "sound-as-pictures", "is refused", [make_video(b"A_AC3", b"", b"seen")]
    plain = make_entry(codec=b"A_AC3", kind=2, audio=RATE + format_number(0x9F, 2) + VOID)
    yield "channels", "stay", [make_matroska(tracks=make_tracks(plain))]
