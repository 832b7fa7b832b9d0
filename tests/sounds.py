"""Small sounds made of their parts, for the tests of cleaning: every byte has its place here."""

from __future__ import annotations

import struct
from collections.abc import Sequence

CONTINUED, BEGIN, END = 1, 2, 4
SERIAL = b"\1\0\0\0"


def checksum(data: bytes) -> int:
    """Compute Ogg's checksum bit by bit."""
    register = 0
    for byte in data:
        register ^= byte << 24
        for _ in range(8):
            register = register << 1 ^ (0x104C11DB7 if register >> 31 else 0)
    return register


def lace(*packets: bytes) -> bytes:
    """Write the lengths of whole packets."""
    return b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in packets)


def make_page(
    number: int,
    *packets: bytes,
    marks: int = 0,
    position: int = 0,
    serial: bytes = SERIAL,
    segments: bytes | None = None,
    version: int = 0,
) -> bytes:
    """
    Make a page of Ogg.

    Args:
        number: Of the page.
        packets: Whole ones, unless *segments* says otherwise.
        marks: Of continuation, begin and end.
        position: Of the sound.
        serial: Of the stream.
        segments: The lengths; those of whole packets if None.
        version: Of the format.
    """
    laced = lace(*packets) if segments is None else segments
    head = b"OggS" + bytes([version, marks]) + struct.pack("<q", position) + serial
    head += number.to_bytes(4, "little")
    tail = bytes([len(laced)]) + laced + b"".join(packets)
    return head + checksum(head + bytes(4) + tail).to_bytes(4, "little") + tail


def make_comments(*comments: bytes, program: bytes = b"") -> bytes:
    """Make Vorbis comments."""
    parts = [program, *comments]
    sized = [len(part).to_bytes(4, "little") + part for part in parts]
    return sized[0] + len(comments).to_bytes(4, "little") + b"".join(sized[1:])


OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
OPUS_TAGS = b"OpusTags" + bytes(8)
OPUS_SOUND = b"\x98\xff\xfe"  # twenty milliseconds of silence
VORBIS_HEAD = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 1, 44100, 0, 80000, 0, 0xB8, 1)
VORBIS_COMMENTS = b"\x03vorbis" + bytes(8) + b"\1"
VORBIS_SETUP = b"\x05vorbis" + b"books" * 60
SPEEX_FIELDS = (1, 80, 16000, 1, 4, 1, -1, 320, 0, 1, 0, 0, 0)
SPEEX_HEAD = b"Speex   " + bytes(20) + struct.pack("<13i", *SPEEX_FIELDS)


def make_opus(
    *sounds: bytes,
    head: bytes = OPUS_HEAD,
    tags: bytes = OPUS_TAGS,
    serial: bytes = SERIAL,
    behind: bytes = b"",
) -> bytes:
    """
    Make an Opus in Ogg.

    Args:
        sounds: Pages behind the comments; one, which is the last, if none is given.
        head: The first packet.
        tags: The second packet, which fits on a page.
        serial: Of the stream.
        behind: Follows the last page.
    """
    pages = sounds or (make_page(2, OPUS_SOUND, marks=END, position=1272, serial=serial),)
    return (
        make_page(0, head, marks=BEGIN, serial=serial)
        + make_page(1, tags, serial=serial)
        + b"".join(pages)
        + behind
    )


def make_vorbis(comments: bytes = VORBIS_COMMENTS, setup: bytes = VORBIS_SETUP) -> bytes:
    """Make a Vorbis in Ogg."""
    return (
        make_page(0, VORBIS_HEAD, marks=BEGIN)
        + make_page(1, comments, setup)
        + make_page(2, b"sound", marks=END, position=1024)
    )


def make_speex(head: bytes = SPEEX_HEAD, comments: bytes = bytes(8)) -> bytes:
    """Make a Speex in Ogg."""
    return (
        make_page(0, head, marks=BEGIN)
        + make_page(1, comments)
        + make_page(2, b"sound", marks=END, position=320)
    )


def flac_block(kind: int, content: bytes, *, is_last: bool = False) -> bytes:
    """Make a block before the sound of FLAC."""
    return bytes([kind | (0x80 if is_last else 0)]) + len(content).to_bytes(3, "big") + content


def make_streaminfo(
    *, samples: int = 16, least: int = 16, most: int = 16, rate_hz: int = 44100, bits: int = 16
) -> bytes:
    """Make STREAMINFO of one channel, without the sum of the samples."""
    fields = rate_hz << 44 | (bits - 1) << 36 | samples
    return struct.pack(">HH", least, most) + bytes(6) + fields.to_bytes(8, "big") + bytes(16)


STREAMINFO = make_streaminfo()
FLAC_IN_OGG = b"\x7fFLAC\x01\x00\x00\x01fLaC" + flac_block(0, STREAMINFO)


def make_ogg_flac(
    *blocks: bytes, head: bytes = FLAC_IN_OGG, sound: Sequence[bytes] = (b"sound",)
) -> bytes:
    """Make a FLAC in Ogg; its blocks are empty comments alone if none is given."""
    packets = blocks or (flac_block(4, bytes(8), is_last=True),)
    pages = [make_page(0, head, marks=BEGIN), make_page(1, *packets)]
    pages += [make_page(2, *sound, marks=END, position=16)]
    return b"".join(pages)


def _sum8(data: bytes) -> int:
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register << 1 ^ (0x107 if register & 0x80 else 0)
    return register


def _sum16(data: bytes) -> int:
    register = 0
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = register << 1 ^ (0x18005 if register & 0x8000 else 0)
    return register


def make_flac_frame(number: int = 0, *, sync: bytes = b"\xff\xf8", sample: int = 0) -> bytes:
    """Make a frame of 16 samples that are alike, of 16 bits, at 44,100 hertz."""
    head = sync + b"\x69\x08" + bytes([number, 15])
    body = head + bytes([_sum8(head), 0]) + sample.to_bytes(2, "big", signed=True)
    return body + _sum16(body).to_bytes(2, "big")


def make_flac(
    *blocks: bytes,
    info: bytes = STREAMINFO,
    frames: Sequence[bytes] | None = None,
    before: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """
    Make a FLAC.

    Args:
        blocks: Behind STREAMINFO; the last one says so itself.
        info: The content of STREAMINFO.
        frames: One if None.
        before: Stands in front of all.
        behind: Follows the sound.
    """
    head = flac_block(0, info, is_last=not blocks) + b"".join(blocks)
    sound = b"".join([make_flac_frame()] if frames is None else frames)
    return before + b"fLaC" + head + sound + behind


def make_id3(*frames: tuple[bytes, bytes], version: int = 3, flags: int = 0) -> bytes:
    """Make an ID3 of its frames: name and content. Short ones, whose lengths are written alike."""
    if version == 2:
        body = b"".join(name + len(part).to_bytes(3, "big") + part for name, part in frames)
    else:
        body = b"".join(
            name + len(part).to_bytes(4, "big") + bytes(2) + part for name, part in frames
        )
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    tag = bytes([version, 0, flags]) + size
    return b"ID3" + tag + body + (b"3DI" + tag if flags & 0x10 else b"")


def make_old_id3(title: bytes = b"", artist: bytes = b"", year: bytes = b"") -> bytes:
    """Make an ID3 of its first version."""
    return (
        b"TAG"
        + title.ljust(30, b"\0")
        + artist.ljust(30, b"\0")
        + bytes(30)
        + year.ljust(4, b"\0")
        + bytes(31)
    )


def make_ape(*items: tuple[bytes, bytes], has_header: bool = True) -> bytes:
    """Make an APE of its items: name and value."""
    body = b"".join(
        len(value).to_bytes(4, "little") + bytes(4) + name + b"\0" + value for name, value in items
    )
    fields = struct.pack("<3I", 2000, len(body) + 32, len(items))

    def mark(flags: int) -> bytes:
        return b"APETAGEX" + fields + struct.pack("<I", flags) + bytes(8)

    if has_header:
        return mark(0xA0000000) + body + mark(0x80000000)
    return body + mark(0)


def make_lyrics(text: bytes = b"LYR00004song") -> bytes:
    """Make a Lyrics3 of its second version."""
    body = b"LYRICSBEGIN" + text
    return body + f"{len(body):06}".encode() + b"LYRICS200"


def wav_chunk(name: bytes, content: bytes) -> bytes:
    """Make a chunk of a RIFF file, filled up to an even length."""
    return name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


PCM = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
FMT = wav_chunk(b"fmt ", PCM)
SAMPLES = wav_chunk(b"data", bytes(range(8)))


def make_wav(*chunks: bytes, behind: bytes = b"", form: bytes = b"RIFF") -> bytes:
    """Make a WAV of its chunks: plain samples if none is given."""
    body = b"WAVE" + b"".join(chunks or (FMT, SAMPLES))
    return form + len(body).to_bytes(4, "little") + body + behind


MP3_HEAD = b"\xff\xfb\x18\xc0"  # 32,000 bits and samples a second, one channel: 144 bytes
MP3_ROOM_BYTES = 144 - 4 - 17


def make_mp3_frame(
    room: bytes = b"", *, begin: int = 0, bits: tuple[int, int] = (0, 0), head: bytes = MP3_HEAD
) -> bytes:
    """
    Make a frame of MP3.

    Args:
        room: What stands in its part of the reservoir, filled up with zeros.
        begin: How far back its sound begins.
        bits: Of the sound of its two granules.
        head: Of one channel, not checked, 144 bytes long.
    """
    side = begin << 127
    for number, part in enumerate(bits):
        side |= part << 118 - 12 - 59 * number
    return head + side.to_bytes(17, "big") + room.ljust(MP3_ROOM_BYTES, b"\0")


def make_contents(
    *,
    mark: bytes = b"Info",
    flags: int = 15,
    program: bytes = b"LAME3.98r",
    samples: bytes = b"\x24\x05\x10",
    told: bytes = b"\x7f",
) -> bytes:
    """
    Make a table of contents in a frame of 64,000 bits a second.

    Args:
        mark: Of the table.
        flags: Which fields there are.
        program: Nine bytes.
        samples: Before and behind the sound.
        told: What all else is filled with; a zero for nothing.
    """
    fields = b"".join(
        part
        for flag, part in ((1, b"\0\0\0\2"), (2, b"\0\0\2\x80"), (4, bytes(range(100))))
        if flags & flag
    )
    if flags & 8:
        fields += told * 4
    added = program + told * 12 + samples + told * 12 if program else b""
    body = mark + flags.to_bytes(4, "big") + fields + added
    head = b"\xff\xfb\x58\xc0"  # 64,000 bits: 288 bytes
    return (head + bytes(17) + body).ljust(288, told)


def make_mp3(*frames: bytes, before: bytes = b"", behind: bytes = b"") -> bytes:
    """Make an MP3 of its frames: two of silence if none is given."""
    return before + (b"".join(frames) or make_mp3_frame() * 2) + behind
