"""
The one colour profile that a cleaned picture may have, as exiftool reads it.

Each of its tags must have the one value that is the same for everybody: a profile names no device,
no maker, no program and no day, and stands there only to say that the colours are sRGB. A decoder
needs its kind, its white and its columns; the rest are the fields of a head of a fixed length,
which exiftool names also where they are 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_D50: Final = "0.9642 1 0.82491"
_CURVE: Final = "(Binary data 32 bytes, use -b option to extract)"
FIXED: Final[Mapping[str, str]] = {
    "ICC-header:ProfileCMMType": "",
    "ICC-header:ProfileVersion": "4.3.0",
    "ICC-header:ProfileClass": "Display Device Profile",
    "ICC-header:ColorSpaceData": "RGB ",
    "ICC-header:ProfileConnectionSpace": "XYZ ",
    "ICC-header:ProfileDateTime": "0000:00:00 00:00:00",
    "ICC-header:ProfileFileSignature": "acsp",
    "ICC-header:PrimaryPlatform": "Unknown ()",
    "ICC-header:CMMFlags": "Not Embedded, Independent",
    "ICC-header:DeviceManufacturer": "",
    "ICC-header:DeviceModel": "",
    "ICC-header:DeviceAttributes": "Reflective, Glossy, Positive, Color",
    "ICC-header:RenderingIntent": "Perceptual",
    "ICC-header:ConnectionSpaceIlluminant": _D50,
    "ICC-header:ProfileCreator": "",
    "ICC-header:ProfileID": "0",
    "ICC_Profile:ProfileDescription": "sRGB",
    "ICC_Profile:ProfileCopyright": "sRGB",
    "ICC_Profile:MediaWhitePoint": _D50,
    "ICC_Profile:ChromaticAdaptation": "1.04788 0.02292 -0.05022 0.02959 0.99048 -0.01707"
    " -0.00925 0.01508 0.75168",
    "ICC_Profile:RedMatrixColumn": "0.43604 0.22249 0.01392",
    "ICC_Profile:GreenMatrixColumn": "0.38512 0.7169 0.09706",
    "ICC_Profile:BlueMatrixColumn": "0.14305 0.06061 0.71391",
    "ICC_Profile:RedTRC": _CURVE,
    "ICC_Profile:GreenTRC": _CURVE,
    "ICC_Profile:BlueTRC": _CURVE,
}
