"""
The colour profile that stands in the place of any other: sRGB, the same bytes for everybody.

1. As small as ISO 15076-1 allows for a display of three colours. It names no program, no maker and
   no day: what the standard lets be 0 is 0. The one text in it is "sRGB": as its name, and as the
   notice that must not be missing.
2. A picture without a profile gets none, nor does a grey one or one in inks: none of RGB fits it.
3. Whoever cleans a cleaned file finds this profile, and leaves it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

# In units of 1/65536. IEC 61966-2-1's primaries and D65 (0.3127, 0.3290), adapted by Bradford's
# matrix (ISO 15076-1, annex E) to the white of profiles, D50.
_WHITE: Final = (0xF6D6, 0x10000, 0xD32D)
_RED: Final = (28576, 14581, 912)
_GREEN: Final = (25239, 46983, 6361)
_BLUE: Final = (9375, 3972, 46787)
_ADAPTATION: Final = (68674, 1502, -3291, 1939, 64912, -1119, -606, 988, 49262)
# ((x + 0.055) / 1.055) ** 2.4, and x / 12.92 below 0.04045.
_CURVE: Final = (157286, 62119, 3417, 5072, 2651)
_TWO_PARTS: Final = 3  # which of the standard's forms a curve has

_HEAD_BYTES: Final = 128
_ENTRY_BYTES: Final = 12


def _format_profile() -> bytes:
    """Write the profile: a head, a list of its parts, and these; equal parts stand there once."""
    name = "sRGB".encode("utf-16-be")
    text = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(name), 28) + name
    curve = b"para" + struct.pack(">4xHH5i", _TWO_PARTS, 0, *_CURVE)
    parts = {
        b"desc": text,
        b"cprt": text,
        b"wtpt": _format_numbers(b"XYZ ", _WHITE),
        b"chad": _format_numbers(b"sf32", _ADAPTATION),
        b"rXYZ": _format_numbers(b"XYZ ", _RED),
        b"gXYZ": _format_numbers(b"XYZ ", _GREEN),
        b"bXYZ": _format_numbers(b"XYZ ", _BLUE),
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    contents = tuple(dict.fromkeys(parts.values()))
    places = {}
    end = _HEAD_BYTES + 4 + _ENTRY_BYTES * len(parts)
    for content in contents:
        places[content] = end
        end += len(content)
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x3i", end, 0x04300000, b"mntr", b"RGB ", b"XYZ ", b"acsp", *_WHITE
    )
    entries = b"".join(
        name + struct.pack(">II", places[part], len(part)) for name, part in parts.items()
    )
    listed = len(parts).to_bytes(4, "big") + entries
    return head.ljust(_HEAD_BYTES, b"\0") + listed + b"".join(contents)


def _format_numbers(kind: bytes, numbers: Sequence[int]) -> bytes:
    return kind + struct.pack(f">4x{len(numbers)}i", *numbers)


SRGB: Final = _format_profile()
