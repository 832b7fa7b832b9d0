"""
Keys as text: Bech32 (BIP 173) without its limit on length.

A key has one spelling: all lower or all upper case, a checksum, zero bits at the end.
"""

from __future__ import annotations

import functools
import operator
from typing import Final

from crypto.errors import MalformedError, TooLargeError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What the five bits that leave the checksum add to it: looked up, since a busy line reads keysets
# often, and a hybrid recipient has 1,959 characters.
_LEAVING: Final = tuple(
    functools.reduce(
        operator.xor, (part for bit, part in enumerate(_GENERATOR) if bits >> bit & 1), 0
    )
    for bits in range(32)
)
_CHECKSUM_LEN: Final = 6

MAX_BECH32_CHARACTERS: Final = 4096  # a hybrid recipient, the longest we know, has 1,959


def format_bech32(prefix: str, value: bytes) -> str:
    """
    Write bytes as Bech32 in lower case.

    Args:
        prefix: The human-readable part, in lower case.
        value: Any bytes.

    Returns:
        The text, with its checksum.
    """
    data = _regroup(value, from_bits=8, to_bits=5)
    check = _checksum(_spread(prefix) + data + [0] * _CHECKSUM_LEN) ^ 1
    data += [check >> 5 * (_CHECKSUM_LEN - 1 - i) & 31 for i in range(_CHECKSUM_LEN)]
    return prefix + "1" + "".join(_ALPHABET[value] for value in data)


def parse_bech32(text: str) -> tuple[str, bytes]:
    """
    Read Bech32.

    Args:
        text: Untrusted.

    Returns:
        The human-readable part as it was spelled, and the bytes. `format_bech32` of them is *text*
        again, up to the case.

    Raises:
        TooLargeError: longer than `MAX_BECH32_CHARACTERS`.
        MalformedError: mixed case, a foreign character, a wrong checksum or padding.

    Source:
        BIP 173; C2SP age.md, "without length limits on the data part".
    """
    if len(text) > MAX_BECH32_CHARACTERS:
        raise TooLargeError("bech32", limit=MAX_BECH32_CHARACTERS)
    # Checked first: lower() turns a few foreign letters into ASCII ones.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise MalformedError("bech32 character")
    lower = text.lower()
    if text not in (lower, text.upper()):
        raise MalformedError("bech32 case")
    prefix, one, letters = lower.rpartition("1")
    if not one or not prefix or len(letters) < _CHECKSUM_LEN:
        raise MalformedError("bech32 parts")
    try:
        data = [_VALUES[letter] for letter in letters]
    except KeyError as exc:
        raise MalformedError("bech32 character") from exc
    if _checksum(_spread(prefix) + data) != 1:
        raise MalformedError("bech32 checksum")
    return text[: len(prefix)], _join(data[:-_CHECKSUM_LEN])


def _join(data: list[int]) -> bytes:
    value = _regroup(data, from_bits=5, to_bits=8)
    spare_bits = len(data) * 5 % 8
    if spare_bits:
        # A whole spare group, or spare bits that are not zero, would be a second spelling.
        last = value.pop()
        if spare_bits >= 5 or last:
            raise MalformedError("bech32 padding")
    return bytes(value)


def _regroup(data: bytes | list[int], *, from_bits: int, to_bits: int) -> list[int]:
    """Cut a run of bits anew; the last group is filled with zero bits."""
    buffer = bits = 0
    groups = []
    for value in data:
        buffer = buffer << from_bits | value
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            groups.append(buffer >> bits)
            buffer &= (1 << bits) - 1
    if bits:
        groups.append(buffer << (to_bits - bits))
    return groups


def _spread(prefix: str) -> list[int]:
    return [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]


def _checksum(values: list[int]) -> int:
    check = 1
    for value in values:
        check = (check & 0x1FFFFFF) << 5 ^ value ^ _LEAVING[check >> 25]
    return check
