"""
The tracks of WebM and Matroska (RFC 9559, 5.1.4): pictures and sound, in codecs on a written list.

A track is written anew from the numbers that a decoder needs. Its UID is its number, its language
`und`; it has no name. What its codec must know has the exact shape that the codec gives it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning import ebml
from tipline.cleaning.codecs import Config, read_aac, read_av1, read_avc, read_hevc
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.flacblocks import (
    BLOCK_HEAD_BYTES,
    BLOCK_TYPE,
    LAST_BLOCK,
    STREAMINFO,
    STREAMINFO_BYTES,
    check_streaminfo,
    find_block_kinds,
)
from tipline.cleaning.oggstreams import read_identification
from tipline.cleaning.plan import Kind
from tipline.cleaning.startcodes import filter_user_data

MAX_TRACKS: Final = 64
MAX_TRACK_NUMBER: Final = 126  # so that a block says it in one byte

VIDEO: Final = 1
AUDIO: Final = 2
_SUBTITLES: Final = 17
_ENTRY: Final = 0xAE
_NUMBER: Final = 0xD7
_UID: Final = 0x73C5
_TYPE: Final = 0x83
_NAME: Final = 0x536E
_LANGUAGE: Final = 0x22B59C
_UNDETERMINED: Final = b"und"
_CODEC: Final = 0x86
_PRIVATE: Final = 0x63A2
_CODEC_NAME: Final = 0x258688
_VIDEO: Final = 0xE0
_AUDIO: Final = 0xE1
_ALPHA: Final = 0x53C0
_ADDITIONS: Final = 0x55EE  # how many kinds of them blocks have at most
_ALPHA_CODECS: Final = (b"V_VP8", b"V_VP9")
_COLOUR: Final = 0x55B0
_MASTERING: Final = 0x55D0
_PROJECTION: Final = 0x7670
_PROJECTION_TYPE: Final = 0x7671
# Compressed or encrypted, put together of others, moved in time, played at another speed.
_REFUSED: Final = (0x6D80, 0xE2, 0x537F)
_SPEED: Final = 0x23314F
_NORMAL_SPEEDS: Final = (b"\x3f\x80\0\0", b"\x3f\xf0\0\0\0\0\0\0")
# Enabled, default, forced, laced; how long a sample lasts, and a field.
_BEFORE_CODEC: Final = (0xB9, 0x88, 0x55AA, 0x9C, 0x23E383, 0x234E7A)
_BEHIND_CODEC: Final = (0x56AA, 0x56BB)  # the coder's delay, and what must be decoded before
# Interlaced, order of fields, for two eyes, width, height, what is cut off, shown width and height.
_VIDEO_NUMBERS: Final = (
    *(0x9A, 0x9D, 0x53B8, 0xB0, 0xBA, 0x54AA, 0x54BB, 0x54CC, 0x54DD, 0x54B0, 0x54BA, 0x54B2),
)
_COLOUR_NUMBERS: Final = tuple(range(0x55B1, 0x55BE))
_MASTERING_FLOATS: Final = tuple(range(0x55D1, 0x55DB))
_POSE_FLOATS: Final = (0x7673, 0x7674, 0x7675)
_RATE_FLOATS: Final = (0xB5, 0x78B5)
_AUDIO_NUMBERS: Final = (0x9F, 0x6264)  # channels, bits
_OPUS: Final = b"OpusHead"
_VORBIS: Final = b"\x01vorbis"
_VORBIS_PACKETS: Final = 3
_FLAC: Final = b"fLaC"
_VP9_FEATURES: Final = (1, 2, 3, 4)  # profile, level, bits, colours in fewer places
_ALAC_BYTES: Final = (24, 48)
_LACED: Final = 255
_HEVC: Final = b"V_MPEGH/ISO/HEVC"
_AV1: Final = b"V_AV1"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """
    A track that is kept.

    Args:
        number: By which blocks name it.
        is_video: Pictures, else sound.
        is_hevc: Its codec is HEVC.
        is_av1: Its codec is AV1.
        has_alpha: What may be seen through stands beside its blocks, if it does. Browsers say so of
            whatever they record.
        keeps_alpha: It stays: it is coded as the pictures are.
        config: What its codec must know, None if nothing.
        entry: As it is written.
    """

    number: int
    is_video: bool
    is_hevc: bool
    is_av1: bool
    has_alpha: bool
    keeps_alpha: bool
    config: Config | None
    entry: bytes


def read_tracks(data: bytes, *, found: set[Kind]) -> list[Track]:
    """
    Read the tracks that are kept.

    Args:
        data: The content of `Tracks`, untrusted.
        found: Takes the kinds of what goes.

    Returns:
        They, in their order.

    Raises:
        RefusedError: they do not hold the rules, or there is none.
    """
    tracks: list[Track] = []
    numbers: set[int] = set()
    for number, content in ebml.list_elements(data):
        if number != _ENTRY:
            continue
        named = ebml.list_named(content)
        track_number = ebml.read_number(named.get(_NUMBER, b""))
        if not track_number or track_number in numbers:
            raise RefusedError(Reason.MALFORMED)
        numbers.add(track_number)
        if len(numbers) > MAX_TRACKS:
            raise RefusedError(Reason.TOO_COMPLEX)
        kind = ebml.read_number(named.get(_TYPE, b""))
        if kind in (VIDEO, AUDIO):
            tracks.append(_read_track(track_number, named, is_video=kind == VIDEO, found=found))
        else:
            found.add(Kind.TEXT if kind == _SUBTITLES else Kind.OTHER)
    if not tracks:
        raise RefusedError(Reason.MALFORMED)
    return tracks


def _read_track(
    number: int, named: Mapping[int, bytes], *, is_video: bool, found: set[Kind]
) -> Track:
    if (
        number > MAX_TRACK_NUMBER
        or not named.keys().isdisjoint(_REFUSED)
        or named.get(_SPEED, _NORMAL_SPEEDS[0]) not in _NORMAL_SPEEDS
    ):
        raise RefusedError(Reason.UNSUPPORTED)
    if int.from_bytes(named.get(_UID, b""), "big") != number:  # drawn by lot from 64 bits
        found.add(Kind.ID)
    if named.get(_NAME):
        found.add(Kind.TEXT)
    if named.get(_CODEC_NAME):
        found.add(Kind.SOFTWARE)
    codec = named.get(_CODEC, b"").rstrip(b"\0")
    readers = _VIDEO_CODECS if is_video else _AUDIO_CODECS
    if codec not in readers:
        raise RefusedError(Reason.UNSUPPORTED)
    read = readers[codec]
    video = ebml.list_named(named.get(_VIDEO, b"")) if is_video else {}
    config = read(named.get(_PRIVATE, b""), found) if read else None
    private = ebml.format_element(_PRIVATE, config.content) if config and config.content else b""
    has_alpha = ebml.read_number(video.get(_ALPHA, b"")) != 0
    keeps_alpha = has_alpha and codec in _ALPHA_CODECS
    entry = ebml.format_element(
        _ENTRY,
        ebml.format_number(_NUMBER, number),
        ebml.format_number(_UID, number),
        ebml.format_number(_TYPE, VIDEO if is_video else AUDIO),
        _format_numbers(named, _BEFORE_CODEC),
        ebml.format_number(_ADDITIONS, 1) if keeps_alpha else b"",
        ebml.format_element(_LANGUAGE, _UNDETERMINED),
        ebml.format_element(_CODEC, codec),
        private,
        _format_numbers(named, _BEHIND_CODEC),
        _format_video(video, keeps_alpha=keeps_alpha) if is_video else _format_audio(named),
    )
    return Track(
        number=number,
        is_video=is_video,
        is_hevc=codec == _HEVC,
        is_av1=codec == _AV1,
        has_alpha=has_alpha,
        keeps_alpha=keeps_alpha,
        config=config,
        entry=entry,
    )


def _format_numbers(named: Mapping[int, bytes], numbers: tuple[int, ...]) -> bytes:
    return b"".join(
        ebml.format_number(number, ebml.read_number(named[number]))
        for number in numbers
        if number in named
    )


def _format_floats(named: Mapping[int, bytes], numbers: tuple[int, ...]) -> bytes:
    return b"".join(
        ebml.format_element(number, ebml.check_float(named[number]))
        for number in numbers
        if named.get(number)
    )


def _format_video(video: Mapping[int, bytes], *, keeps_alpha: bool) -> bytes:
    parts = [_format_numbers(video, _VIDEO_NUMBERS)]
    if keeps_alpha:
        parts.append(ebml.format_number(_ALPHA, 1))
    if _COLOUR in video:
        colour = ebml.list_named(video[_COLOUR])
        told = _format_numbers(colour, _COLOUR_NUMBERS)
        if _MASTERING in colour:
            mastering = ebml.list_named(colour[_MASTERING])
            told += ebml.format_element(_MASTERING, _format_floats(mastering, _MASTERING_FLOATS))
        parts.append(ebml.format_element(_COLOUR, told))
    if _PROJECTION in video:
        projection = ebml.list_named(video[_PROJECTION])
        if ebml.read_number(projection.get(_PROJECTION_TYPE, b"")):
            raise RefusedError(Reason.UNSUPPORTED)
        parts.append(ebml.format_element(_PROJECTION, _format_floats(projection, _POSE_FLOATS)))
    return ebml.format_element(_VIDEO, *parts)


def _format_audio(named: Mapping[int, bytes]) -> bytes:
    audio = ebml.list_named(named.get(_AUDIO, b""))
    return ebml.format_element(
        _AUDIO, _format_floats(audio, _RATE_FLOATS), _format_numbers(audio, _AUDIO_NUMBERS)
    )


def _read_visual(private: bytes, found: set[Kind]) -> Config:
    content = filter_user_data(private)
    if content != private:
        found.add(Kind.SOFTWARE)
    return Config(name=b"", content=content, is_visual=True)


def _read_vp9(private: bytes, found: set[Kind]) -> Config:
    """Read VP9's features: each a number, a length of one, a value."""
    features = [private[at : at + 3] for at in range(0, len(private), 3)]
    if len(features) > len(_VP9_FEATURES) or any(
        len(feature) < 3 or feature[0] not in _VP9_FEATURES or feature[1] != 1
        for feature in features
    ):
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"", content=private)


def _read_opus(private: bytes, found: set[Kind]) -> Config:
    if not private.startswith(_OPUS):
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"", content=read_identification(private).identification)


def _read_vorbis(private: bytes, found: set[Kind]) -> Config:
    """Read Vorbis's three packets, one behind the other; the comments become empty."""
    packets = _split_packets(private)
    if not packets[0].startswith(_VORBIS):
        raise RefusedError(Reason.MALFORMED)
    stream = read_identification(packets[0])
    stream.read_header(packets[1])
    setup = stream.read_header(packets[2])
    found.update(stream.kinds)
    first, second = stream.identification, stream.comments
    head = bytes([_VORBIS_PACKETS - 1, len(first), len(second)])
    return Config(name=b"", content=head + first + second + setup)


def _split_packets(private: bytes) -> list[bytes]:
    if private[:1] != bytes([_VORBIS_PACKETS - 1]):
        raise RefusedError(Reason.MALFORMED)
    at = 1
    sizes = []
    for _ in range(_VORBIS_PACKETS - 1):
        size = 0
        while private[at : at + 1] == bytes([_LACED]):
            size += _LACED
            at += 1
        sizes.append(size + sum(private[at : at + 1]))
        at += 1
    if at + sum(sizes) > len(private):
        raise RefusedError(Reason.MALFORMED)
    middle, last = at + sizes[0], at + sum(sizes)
    return [private[at:middle], private[middle:last], private[last:]]


def _read_flac(private: bytes, found: set[Kind]) -> Config:
    """Read FLAC's blocks; the first, which describes the stream, stays."""
    if private[:4] != _FLAC:
        raise RefusedError(Reason.MALFORMED)
    at = len(_FLAC)
    info = b""
    while at < len(private):
        head = private[at : at + BLOCK_HEAD_BYTES]
        content = private[at + BLOCK_HEAD_BYTES :][: int.from_bytes(head[1:], "big")]
        at += BLOCK_HEAD_BYTES + int.from_bytes(head[1:], "big")
        if at > len(private):
            raise RefusedError(Reason.MALFORMED)
        if not info:
            if head[0] & BLOCK_TYPE != STREAMINFO or len(content) != STREAMINFO_BYTES:
                raise RefusedError(Reason.MALFORMED)
            check_streaminfo(content)
            info = content
        else:
            found.update(find_block_kinds(head[0], content))
        if head[0] & LAST_BLOCK:
            break
    if not info:
        raise RefusedError(Reason.MALFORMED)
    head = bytes([LAST_BLOCK | STREAMINFO]) + STREAMINFO_BYTES.to_bytes(3, "big")
    return Config(name=b"", content=_FLAC + head + info)


def _read_alac(private: bytes, found: set[Kind]) -> Config:
    if len(private) not in _ALAC_BYTES:
        raise RefusedError(Reason.MALFORMED)
    return Config(name=b"", content=private)


def _as_units(
    read: Callable[[bytes], Config],
) -> Callable[[bytes, set[Kind]], Config]:
    """Read what units need; where nothing is told, they have marks, and tell it themselves."""
    read_private = _as_in_films(read)

    def read_or_none(private: bytes, found: set[Kind]) -> Config:
        return (
            read_private(private, found)
            if private
            else Config(name=b"", content=b"", is_stream=True)
        )

    return read_or_none


def _as_in_films(read: Callable[[bytes], Config]) -> Callable[[bytes, set[Kind]], Config]:
    def read_private(private: bytes, found: set[Kind]) -> Config:
        config = read(private)
        if config.content != private:
            found.add(Kind.OTHER)
        return config

    return read_private


_Readers = Mapping[bytes, Callable[[bytes, set[Kind]], Config] | None]
_VIDEO_CODECS: Final[_Readers] = {
    b"V_VP8": None,
    b"V_VP9": _read_vp9,
    _AV1: _as_in_films(read_av1),
    b"V_MPEG4/ISO/AVC": _as_units(read_avc),
    _HEVC: _as_units(read_hevc),
    b"V_MPEG4/ISO/SP": _read_visual,
    b"V_MPEG4/ISO/ASP": _read_visual,
    b"V_MPEG4/ISO/AP": _read_visual,
}
_AUDIO_CODECS: Final[_Readers] = {
    b"A_OPUS": _read_opus,
    b"A_VORBIS": _read_vorbis,
    b"A_FLAC": _read_flac,
    b"A_AAC": _as_in_films(read_aac),
    b"A_ALAC": _read_alac,
    b"A_AC3": None,
    b"A_EAC3": None,
    b"A_PCM/INT/LIT": None,
    b"A_PCM/INT/BIG": None,
    b"A_PCM/FLOAT/IEEE": None,
}
