"""
Onion addresses.

An address is the service's public key: whoever has the right address reaches the right service.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from tipline.errors import NetworkError

VERSION: Final = 3
SUFFIX: Final = ".onion"
KEY_LEN: Final = 32
CHECKSUM_LEN: Final = 2
_LABEL = re.compile(r"[a-z2-7]{56}")


def format_address(public_key: bytes) -> str:
    """
    Write the address of a service.

    Args:
        public_key: Ed25519, 32 bytes.

    Returns:
        56 characters and `.onion`.

    Source:
        Tor's rend-spec-v3, "Encoding onion addresses".
    """
    label = public_key + _checksum(public_key) + bytes([VERSION])
    return base64.b32encode(label).decode("ascii").lower() + SUFFIX


def parse_address(untrusted: str) -> str:
    """
    Read the address of a service.

    Args:
        untrusted: 56 characters of base32 and `.onion`.

    Returns:
        The same text.

    Raises:
        NetworkError: it is not an address, most likely because a character was mistyped.
    """
    label = untrusted.removesuffix(SUFFIX)
    if untrusted == label or not _LABEL.fullmatch(label):
        raise NetworkError("onion_address")
    decoded = base64.b32decode(label.upper())
    if format_address(decoded[:KEY_LEN]) != untrusted:
        raise NetworkError("onion_address")
    return untrusted


def _checksum(public_key: bytes) -> bytes:
    return hashlib.sha3_256(b".onion checksum" + public_key + bytes([VERSION])).digest()[
        :CHECKSUM_LEN
    ]
