"""Looking for a text or a number in files, in every spelling that a gateway or a disk may use."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from tipline.gateway.alphabet import BASIC


def spell(secret: str) -> dict[str, bytes]:
    """Spell a text as UTF-8, UTF-16, packed septets, hex, base64 and in addresses."""
    raw = {
        "utf-8": secret.encode(),
        "utf-16le": secret.encode("utf-16-le"),
        "utf-16be": secret.encode("utf-16-be"),
    }
    if all(character in BASIC for character in secret):
        # Eight septets fill seven bytes, so a text that begins elsewhere is packed otherwise: all
        # seven beginnings, without the septets at the edges.
        for shift in range(8):
            raw[f"gsm7 from {shift}"] = pack(" " * shift + secret)[shift + 1 : -1]
    digits = secret.removeprefix("+")
    if digits.isdecimal():
        # As every PDU of an SMS has a number: two digits in a byte, the first one below.
        digits += "f" * (len(digits) % 2)
        pairs = zip(digits[1::2], digits[::2], strict=True)
        raw["semi-octets"] = bytes.fromhex("".join(map("".join, pairs)))
    spelled = dict(raw)
    for name, value in raw.items():
        spelled[f"hex of {name}"] = value.hex().encode()
        spelled[f"HEX of {name}"] = value.hex().upper().encode()
        for start in range(3):
            encoded = base64.b64encode(b"\0" * start + value)
            # What stands beside it changes the characters at its edges.
            spelled[f"base64 of {name} from {start}"] = encoded[4 if start else 0 : -4]
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        spelled[quote.__name__] = quote(secret, safe="").encode()
    return {name: value for name, value in spelled.items() if len(value) >= 6}


def pack(text: str) -> bytes:
    """Pack a text into septets, 3GPP TS 23.038 section 6.1.2.1."""
    bits = sum(BASIC.index(character) << 7 * at for at, character in enumerate(text))
    return bits.to_bytes((7 * len(text) + 7) // 8, "little")


def list_files(*folders: Path) -> Iterator[Path]:
    """List all ordinary files below folders."""
    for folder in folders:
        if folder.is_file():
            yield folder
        else:
            yield from (path for path in folder.rglob("*") if path.is_file())


def find_traces(*secrets: str, folders: tuple[Path, ...]) -> list[str]:
    """Look for texts and numbers in names and contents of files; tell where they stand, and how."""
    found = []
    for path in list_files(*folders):
        content = path.read_bytes() + b"\n" + str(path).encode()
        found += [
            f"{path.name}: {name} of {secret[:4]}"
            for secret in secrets
            for name, value in spell(secret).items()
            if value in content
        ]
    return found
