"""
The first frame of an MP3, where it is a table of contents in place of sound: Xing, Info, VBRI.

Old players take it for a frame of silence. Of the part that the encoder added to it (LAME and those
that write as it does) stays how many samples stand before and behind the sound: players cut them.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.mp3frames import HEAD_BYTES, Head

PROGRAM: Final = b"Lavf\0\0\0\0\0"  # no name, but a mark behind which players read the samples

_MARKS: Final = (b"Xing", b"Info")
_FLAGS_BYTES: Final = 4
_FIELDS: Final = ((1, 4), (2, 4), (4, 100))  # by flag: frames, bytes, table
_QUALITY: Final = (8, 4)
_PROGRAMS: Final = (b"LAME", b"Lavf", b"Lavc")
_ADDED_BYTES: Final = 36
_SAMPLES: Final = slice(21, 24)  # before and behind the sound
_SUM_BYTES: Final = 2
_VBRI: Final = b"VBRI"
_VBRI_AT: Final = HEAD_BYTES + 32
_VBRI_BYTES: Final = 26


def clean_contents(head: Head, frame: bytes) -> bytes | None:
    """
    Clean a table of contents.

    Args:
        head: Of the first frame.
        frame: The whole.

    Returns:
        What it is written as, of the same length; None if the frame is sound.
    """
    mark_at = HEAD_BYTES + head.side_bytes
    if frame[mark_at : mark_at + 4] in _MARKS:
        return _clean_xing(frame, mark_at)
    if frame[_VBRI_AT : _VBRI_AT + 4] == _VBRI:
        return _clean_vbri(frame)
    return None


def _clean_xing(frame: bytes, mark_at: int) -> bytes | None:
    flags_at = mark_at + len(_MARKS[0])
    flags = int.from_bytes(frame[flags_at : flags_at + _FLAGS_BYTES], "big")
    end = flags_at + _FLAGS_BYTES
    end += sum(length for flag, length in _FIELDS if flags & flag)
    cleaned = frame[:HEAD_BYTES] + bytes(mark_at - HEAD_BYTES) + frame[mark_at:flags_at]
    cleaned += (flags & 15).to_bytes(_FLAGS_BYTES, "big") + frame[flags_at + _FLAGS_BYTES : end]
    if flags & _QUALITY[0]:
        end += _QUALITY[1]
        cleaned += bytes(_QUALITY[1])
    added = frame[end : end + _ADDED_BYTES]
    if added.startswith(_PROGRAMS) and len(added) == _ADDED_BYTES:
        samples = added[_SAMPLES]
        cleaned += PROGRAM + bytes(_SAMPLES.start - len(PROGRAM)) + samples
        cleaned += bytes(_ADDED_BYTES - _SAMPLES.stop - _SUM_BYTES)
        cleaned += compute_sum(cleaned).to_bytes(_SUM_BYTES, "big")
    if len(cleaned) > len(frame):
        return None
    return cleaned.ljust(len(frame), b"\0")


def _clean_vbri(frame: bytes) -> bytes | None:
    head = frame[_VBRI_AT : _VBRI_AT + _VBRI_BYTES]
    entry_len, entry_bytes = (int.from_bytes(head[at : at + 2], "big") for at in (18, 22))
    end = _VBRI_AT + _VBRI_BYTES + entry_len * entry_bytes
    if end > len(frame):
        return None
    # The version of the format and of the delay stay, the quality does not.
    kept = head[:8] + bytes(2) + head[10:] + frame[_VBRI_AT + _VBRI_BYTES : end]
    cleaned = frame[:HEAD_BYTES] + bytes(_VBRI_AT - HEAD_BYTES) + kept
    return cleaned.ljust(len(frame), b"\0")


def compute_sum(data: bytes) -> int:
    """
    Compute the sum that LAME writes behind what it adds.

    Args:
        data: The frame up to the sum.

    Returns:
        It: CRC-16, the polynomial 8005 with its bits mirrored, beginning with 0.
    """
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register
