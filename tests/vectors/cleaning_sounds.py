"""The cases of sounds, for `make_cleaning_vectors`."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence

from tests.sounds import (
    BEGIN,
    CONTINUED,
    END,
    FLAC_IN_OGG,
    FMT,
    MP3_ROOM_BYTES,
    OPUS_HEAD,
    OPUS_SOUND,
    OPUS_TAGS,
    PCM,
    SAMPLES,
    SPEEX_HEAD,
    flac_block,
    make_ape,
    make_comments,
    make_contents,
    make_flac,
    make_flac_frame,
    make_id3,
    make_lyrics,
    make_mp3,
    make_mp3_frame,
    make_ogg_flac,
    make_old_id3,
    make_opus,
    make_page,
    make_speex,
    make_streaminfo,
    make_vorbis,
    make_wav,
    wav_chunk,
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


def list_flacs() -> Iterator[Case]:
    """List the cases of FLAC."""
    frames = [make_flac_frame(number, sample=number) for number in range(3)]
    yield "clean", "stays byte for byte", [make_flac()]
    yield "frames", "stay", [make_flac(frames=frames)]
    yield "zeros", "behind the sound stay", [make_flac(behind=bytes(9))]
    for name, kind in {"seektable": 3, "cuesheet": 5, "application": 2, "padding": 1}.items():
        yield name, "goes", [make_flac(flac_block(kind, bytes(36), is_last=True))]
    yield "unknown-block", "goes", [make_flac(flac_block(99, b"?", is_last=True))]
    yield (
        "blocks",
        "go, comments tell their kinds",
        [make_flac(flac_block(4, TOLD), flac_block(6, b"picture", is_last=True))],
    )
    yield "empty-comments", "go", [make_flac(flac_block(4, bytes(8), is_last=True))]
    yield (
        "tags",
        "around the file go",
        [
            make_flac(
                before=make_id3((b"TPE1", b"\0Ana")),
                behind=make_ape((b"Year", b"2026")) + make_old_id3(b"song"),
            )
        ],
    )
    second = make_flac(flac_block(4, TOLD, is_last=True))
    yield "second", "another file in a row is refused", [make_flac(), second]
    yield "second-clean", "also without comments", [make_flac(), make_flac()]
    yield "no-frame", "is refused", [make_flac(frames=[])]
    yield "behind", "what is no tag is refused", [make_flac(behind=b"PK\3\4")]
    yield "truncated", "is refused", [make_flac()[:-1]]
    cut = make_flac_frame()[:6]
    ape = make_ape(has_header=False)
    longer = ape[:12] + (len(ape) + 9).to_bytes(4, "little") + ape[16:]
    yield "cut-by-a-tag", "a tag that takes the frame's end", [make_flac(behind=longer)]
    yield "cut-behind", "is refused", [make_flac(frames=[make_flac_frame(), cut])]
    yield "two-streaminfos", "are refused", [make_flac(flac_block(0, bytes(34), is_last=True))]
    yield "forbidden-block", "is refused", [make_flac(flac_block(127, b"", is_last=True))]
    yield "lying-block", "a length beyond the end", [make_flac(b"\x81\xff\xff\xff")]
    yield "streaminfo", "says what can be", [make_flac(info=make_streaminfo(least=15))]
    yield "streaminfo-long", "shapes are exact", [make_flac(info=bytes(35))]
    yield "stray", "bytes before the sound", [make_flac(frames=[b"junk", make_flac_frame()])]
    yield "sum", "of the first frame's head", [make_flac()[:-6], b"\x55", make_flac()[-5:]]
    yield (
        "candidates",
        "few are tried",
        [make_flac(frames=[make_flac_frame()] + [make_flac_frame()[:-4] + b"x"] * 5)],
    )


def list_wavs() -> Iterator[Case]:
    """List the cases of WAV."""
    fact = wav_chunk(b"fact", bytes(4))
    suffix = bytes.fromhex("000000001000800000aa00389b71")
    extensible = b"\xfe\xff" + PCM[2:] + struct.pack("<HHI", 22, 16, 4) + b"\1\0" + suffix
    info = b"INFO" + wav_chunk(b"IART", b"Ana") + wav_chunk(b"ISFT", b"Lavf") + wav_chunk(b"I", b"")
    yield "clean", "stays byte for byte", [make_wav()]
    yield "odd", "is filled up", [make_wav(FMT, wav_chunk(b"data", b"odd"))]
    yield "no-filling", "is there afterwards", [make_wav(FMT, wav_chunk(b"data", b"odd"))[:-1]]
    yield "other-filling", "is zero", [make_wav(FMT, wav_chunk(b"data", b"odd"))[:-1] + b"x"]
    yield "extensible", "stays", [make_wav(wav_chunk(b"fmt ", extensible), fact, SAMPLES)]
    for tag, more in {2: b"\x20\0" + bytes(32), 0x11: b"\2\0\0\0", 0x31: b"\2\0\0\0"}.items():
        coding = wav_chunk(b"fmt ", bytes([tag]) + PCM[1:] + more)
        yield f"coding-{tag}", "stays", [make_wav(coding, fact, SAMPLES)]
    yield (
        "mu-law",
        "is written with its empty extension",
        [make_wav(wav_chunk(b"fmt ", b"\7" + PCM[1:]), SAMPLES, fact)],
    )
    yield "long-format", "ends", [make_wav(wav_chunk(b"fmt ", PCM + b"\4\0more"), SAMPLES)]
    yield "info", "goes", [make_wav(FMT, wav_chunk(b"LIST", info), SAMPLES)]
    yield "id3", "goes", [make_wav(FMT, SAMPLES, wav_chunk(b"id3 ", make_id3((b"TYER", b"x"))))]
    yield "no-id3", "goes", [make_wav(FMT, SAMPLES, wav_chunk(b"id3 ", b"no tag at all"))]
    empty, place = wav_chunk(b"_PMX", b""), wav_chunk(b"_PMX", b"exif:GPS")
    yield "xmps", "sixteen are looked into", [make_wav(FMT, SAMPLES, *[empty] * 15, place)]
    yield "xmps-many", "the next is not", [make_wav(FMT, SAMPLES, *[empty] * 16, place)]
    for name in (b"bext", b"iXML", b"_PMX", b"cue ", b"JUNK", b"LIST"):
        yield (
            f"chunk-{name.decode().strip()}",
            "goes",
            [make_wav(wav_chunk(name, b"x"), FMT, SAMPLES)],
        )
    yield "fact", "of plain samples goes", [make_wav(FMT, fact, SAMPLES)]
    yield "behind", "what lies behind the end goes", [make_wav(behind=make_wav())]
    yield "long", "is refused", [make_wav(form=b"RF64")]
    yield "truncated", "is refused", [make_wav()[:-2]]
    yield "lying-length", "is refused", [make_wav(FMT, b"data\xff\xff\xff\xff")]
    yield "no-samples", "is refused", [make_wav(FMT, wav_chunk(b"data", b""))]
    yield "no-format", "is refused", [make_wav(SAMPLES, FMT)]
    yield "two-formats", "are refused", [make_wav(FMT, FMT, SAMPLES)]
    yield "two-samples", "are refused", [make_wav(FMT, SAMPLES, SAMPLES)]
    yield "mp3-inside", "is refused", [make_wav(wav_chunk(b"fmt ", b"\x55" + PCM[1:]), SAMPLES)]
    yield (
        "extensible-long",
        "shapes are exact",
        [make_wav(wav_chunk(b"fmt ", extensible + b"xx"), SAMPLES)],
    )
    yield (
        "extensible-other",
        "is refused",
        [make_wav(wav_chunk(b"fmt ", extensible[:-1] + b"x"), SAMPLES)],
    )
    yield "wavl", "is refused", [make_wav(FMT, wav_chunk(b"wavl", bytes(8)))]
    yield "short-chunk", "is refused", [make_wav(FMT, SAMPLES, b"xyz")]


def list_mp3s() -> Iterator[Case]:
    """List the cases of MP3."""
    silent = make_mp3_frame()
    other = b"\xff\xfb\x14\xc0"  # of another rate
    free = b"\xff\xfb\x08\xc0" + bytes(200)
    yield "clean", "stays byte for byte", [make_mp3()]
    yield "one", "frame", [silent]
    yield "many", "share a piece", shorten(make_mp3(*[silent] * 300))
    full = make_mp3_frame(b"\x55" * MP3_ROOM_BYTES, bits=(8 * MP3_ROOM_BYTES, 0))
    yield "full", "sound stays", [make_mp3(full, full)]
    version_2 = make_mp3_frame(head=b"\xff\xf3\x34\xc0")[:72]
    yield "version-2", "stays", [make_mp3(version_2, version_2)]
    stereo = b"\xff\xfb\x14\x00" + bytes(92)
    yield "stereo", "stays", [make_mp3(stereo, stereo)]
    checked = b"\xff\xfa\x18\xc0" + bytes(140)
    yield "checked", "stays", [make_mp3(checked, checked)]
    yield (
        "tags",
        "around the frames go",
        [
            make_mp3(
                before=make_id3((b"TPE1", b"\0Ana")),
                behind=make_ape((b"Year", b"2026")) + make_lyrics() + make_old_id3(b"song"),
            )
        ],
    )
    yield "id3-behind", "goes", [make_mp3(behind=make_id3((b"TPE1", b"x"), version=4, flags=16))]
    yield "id3-of-old", "goes", [make_mp3(before=make_id3((b"TP1", b"x"), version=2))]
    yield "filled-id3", "goes", [make_mp3(before=make_id3((b"TPE1", b"x")) + bytes(99))]
    yield "behind", "goes", [make_mp3(behind=b"PK\3\4 and more")]
    yield "cut-off", "a last frame that is cut off goes", [make_mp3(silent, silent, silent[:99])]
    gaps = {"junk": b"junk", "heads": other * 9, "free": free, "long": bytes(9000)}
    for name, junk in gaps.items():
        parts = shorten(make_mp3(silent, silent, junk, silent, silent))
        yield f"{name}-between", "goes", parts
    told = make_mp3_frame(b"ab" + b"U" * 100 + b"sound" * 4 + b"!", bits=(8, 8))
    last = make_mp3_frame(b"cd" + b"LAME3.98r", begin=21, bits=(160, 24))
    yield "filling", "becomes zeros, sound in the reservoir stays", [make_mp3(told, last)]
    yield "cut-reservoir", "sound that begins before the first frame", [make_mp3(last, last)]
    yield (
        "filled-stereo",
        "becomes zeros",
        [make_mp3(*[b"\xff\xfb\x14\x00" + bytes(33) + b"U" * 59] * 2)],
    )
    yield "filled-version-2", "becomes zeros", [make_mp3(*[version_2[:-9] + b"LAME3.98r"] * 2)]
    yield (
        "contents",
        "a mark stands in place of its program's name",
        [make_mp3(make_contents(), silent)],
    )
    for flags in (0, 1, 6, 9):
        contents = make_contents(flags=flags, mark=b"Xing", program=b"Lavf58.29")
        yield f"contents-{flags}", "fields", [make_mp3(contents, silent)]
    yield "contents-other", "goes", [make_mp3(make_contents(program=b"GOGO3.1aa"), silent)]
    table = b"VBRI\0\1\x0d\xb1\0\x64\0\0\2\x80\0\0\0\2\0\3\0\1\0\2\0\1" + b"aabbcc"
    vbri = (b"\xff\xfb\x58\xc0" + bytes(32) + table).ljust(288, b"U")
    yield "vbri", "the table stays", [make_mp3(vbri, silent)]
    lying = b"VBRI" + bytes(14) + b"\xff\xff\0\1\xff\xff\0\1"
    yield "vbri-lying", "is no table", [make_mp3((vbri[:36] + lying).ljust(288, b"U"), silent)]
    yield "flac", "behind an ID3", [make_flac(before=make_id3((b"TPE1", b"x")))]
    yield "id3-alone", "is refused", [make_id3()]
    yield "truncated", "is refused", [silent[:-1]]
    yield "lying-id3", "is refused", [b"ID3\3\0\0\x7f\x7f\x7f\x7f", silent]
    yield "many-id3s", "are refused", [make_id3() * 16, make_mp3()]
    yield "many-id3s-lying", "are refused", [make_id3() * 15, b"ID3\3\0\0\x7f\x7f\x7f\x7f"]
    lying_ape = make_ape()[-32:-20] + b"\xff" * 4 + bytes(16)
    yield "lying-ape", "is refused", [make_mp3(behind=lying_ape)]
    yield "lying-lyrics", "is refused", [make_mp3(behind=b"LYRICSBEGIN999999LYRICS200")]
    yield "tag-in-sound", "is refused", [silent, silent[:16] + b"TAG" + bytes(125), b"behind"]
    yield "free-format", "is refused", [free]
    yield "layer-1", "is refused", [b"\xff\xff\x18\xc0", bytes(200)]
    yield "aac", "is refused", [b"\xff\xf1\x50\x80", bytes(200)]
