"""
The streams of sound that Ogg carries, and what stands before the sound in each.

The first packet says how to decode. It is kept as far as decoders need it, and has an exact shape.
Behind it stand comments, which become empty, and in Vorbis the setup, which is kept.

- Opus (RFC 7845): the rate of what was recorded and the gain stay.
- Vorbis I: comments and setup.
- Speex: the name of the program's version becomes zeros, as do fields that are reserved.
- FLAC (the mapping of RFC 9639 section 10.1): of all blocks STREAMINFO stays.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from tipline.cleaning.comments import EMPTY_COMMENTS, find_comment_kinds
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.flacblocks import (
    BLOCK_HEAD_BYTES,
    BLOCK_TYPE,
    COMMENTS,
    LAST_BLOCK,
    STREAMINFO_BYTES,
    check_streaminfo,
    find_block_kinds,
)
from tipline.cleaning.plan import Kind

_OPUS: Final = b"OpusHead"
_OPUS_COMMENTS: Final = b"OpusTags"
_OPUS_BYTES: Final = 19
_OPUS_FAMILIES: Final = (1, 255)  # that have a table of channels
_VORBIS: Final = b"\x01vorbis"
_VORBIS_COMMENTS: Final = b"\x03vorbis"
_VORBIS_SETUP: Final = b"\x05vorbis"
_VORBIS_FRAMING: Final = b"\x01"
_VORBIS_BYTES: Final = 30
_VORBIS_BLOCKS: Final = range(6, 14)  # powers of two
_SPEEX: Final = b"Speex   "
_SPEEX_BYTES: Final = 80
_SPEEX_VERSION: Final = slice(8, 28)
_SPEEX_MODES: Final = range(3)
_FLAC: Final = b"\x7fFLAC\x01\x00"
_FLAC_INFO: Final = b"fLaC\x00\x00\x00\x22"
_FLAC_BYTES: Final = 51


class Stream:
    """
    A stream whose first packet was read.

    Args:
        identification: The first packet, as it is written.
        comments: The second packet, as it is written.
        read: Reads a later packet before the sound: gives what is kept of it, what kinds are in it,
            and whether it is the last one.
    """

    def __init__(
        self,
        *,
        identification: bytes,
        comments: bytes,
        read: Callable[[int, bytes], tuple[bytes, frozenset[Kind], bool]],
    ) -> None:
        self.identification = identification
        self.comments = comments
        self.kinds: frozenset[Kind] = frozenset()
        self.is_complete = False
        self._read = read
        self._packet_len = 0

    def read_header(self, untrusted: bytes) -> bytes:
        """
        Read the next packet before the sound.

        Args:
            untrusted: The packet, or its beginning if it is long.

        Returns:
            What is kept of it, behind the comments; nothing for most.

        Raises:
            RefusedError: it is not what stands here.
        """
        kept, kinds, self.is_complete = self._read(self._packet_len, untrusted)
        self._packet_len += 1
        self.kinds |= kinds
        return kept


def read_identification(untrusted: bytes) -> Stream:
    """
    Read the first packet of a stream.

    Args:
        untrusted: The packet.

    Returns:
        The stream.

    Raises:
        RefusedError: it is none of those that are cleaned, or has not its shape.
    """
    for signature, read in _READERS.items():
        if untrusted.startswith(signature):
            return read(untrusted)
    raise RefusedError(Reason.UNSUPPORTED)


def _read_opus(packet: bytes) -> Stream:
    if len(packet) < _OPUS_BYTES or packet[8] >> 4:
        raise RefusedError(Reason.MALFORMED if len(packet) < _OPUS_BYTES else Reason.UNSUPPORTED)
    channel_len, family = packet[9], packet[18]
    if family and family not in _OPUS_FAMILIES:
        raise RefusedError(Reason.UNSUPPORTED)
    length = _OPUS_BYTES + 2 + channel_len if family else _OPUS_BYTES
    if len(packet) != length or not channel_len or (not family and channel_len > 2):
        raise RefusedError(Reason.MALFORMED)

    def read(_: int, packet: bytes) -> tuple[bytes, frozenset[Kind], bool]:
        return b"", _find_comments(packet, _OPUS_COMMENTS, b""), True

    return Stream(identification=packet, comments=_OPUS_COMMENTS + EMPTY_COMMENTS, read=read)


def _read_vorbis(packet: bytes) -> Stream:
    blocks = packet[28:29].hex()
    if (
        len(packet) != _VORBIS_BYTES
        or packet[7:11] != bytes(4)
        or not packet[11]
        or packet[12:16] == bytes(4)
        or any(int(block, 16) not in _VORBIS_BLOCKS for block in blocks)
        or packet[29:] != _VORBIS_FRAMING
    ):
        raise RefusedError(Reason.MALFORMED)

    def read(number: int, packet: bytes) -> tuple[bytes, frozenset[Kind], bool]:
        if number == 0:
            return b"", _find_comments(packet, _VORBIS_COMMENTS, _VORBIS_FRAMING), False
        if not packet.startswith(_VORBIS_SETUP):
            raise RefusedError(Reason.MALFORMED)
        return packet, frozenset(), True

    comments = _VORBIS_COMMENTS + EMPTY_COMMENTS + _VORBIS_FRAMING
    return Stream(identification=packet, comments=comments, read=read)


def _read_speex(packet: bytes) -> Stream:
    if len(packet) != _SPEEX_BYTES:
        raise RefusedError(Reason.MALFORMED)
    fields = struct.unpack("<13i", packet[28:])
    _, size, rate_hz, mode, _, channel_len, _, sample_len, _, frame_len, extra_len, _, _ = fields
    if extra_len:
        raise RefusedError(Reason.UNSUPPORTED)
    if (
        size != _SPEEX_BYTES
        or rate_hz <= 0
        or mode not in _SPEEX_MODES
        or channel_len not in (1, 2)
        or sample_len < 1
        or frame_len < 1
    ):
        raise RefusedError(Reason.MALFORMED)
    kept = packet[:8] + bytes(20) + packet[28:72] + bytes(8)

    def read(_: int, packet: bytes) -> tuple[bytes, frozenset[Kind], bool]:
        return b"", _find_comments(packet, b"", b""), True

    stream = Stream(identification=kept, comments=EMPTY_COMMENTS, read=read)
    if packet[_SPEEX_VERSION].strip(b"\0"):
        stream.kinds = frozenset({Kind.SOFTWARE})
    return stream


def _read_flac(packet: bytes) -> Stream:
    if len(packet) != _FLAC_BYTES or packet[9:17] != _FLAC_INFO:
        raise RefusedError(Reason.MALFORMED)
    check_streaminfo(packet[-STREAMINFO_BYTES:])
    # One packet follows: comments.
    kept = _FLAC + b"\x00\x01" + packet[9:]

    def read(number: int, packet: bytes) -> tuple[bytes, frozenset[Kind], bool]:
        if len(packet) < BLOCK_HEAD_BYTES or (packet[0] & BLOCK_TYPE == COMMENTS) != (not number):
            raise RefusedError(Reason.MALFORMED)
        kinds = find_block_kinds(packet[0], packet[BLOCK_HEAD_BYTES:])
        return b"", kinds, bool(packet[0] & LAST_BLOCK)

    head = bytes([LAST_BLOCK | COMMENTS]) + len(EMPTY_COMMENTS).to_bytes(3, "big")
    return Stream(identification=kept, comments=head + EMPTY_COMMENTS, read=read)


def _find_comments(packet: bytes, before: bytes, behind: bytes) -> frozenset[Kind]:
    if not packet.startswith(before):
        raise RefusedError(Reason.MALFORMED)
    if packet == before + EMPTY_COMMENTS + behind:
        return frozenset()
    return find_comment_kinds(packet[len(before) :])


_READERS: Final = {
    _OPUS: _read_opus,
    _VORBIS: _read_vorbis,
    _SPEEX: _read_speex,
    _FLAC: _read_flac,
}
