"""Looking for a text or a number in files, in every spelling that a gateway or a disk may use."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import phonenumbers

from tipline.gateway.alphabet import BASIC

PIECE_CHARACTERS = 12  # of a text of which somebody may have kept the beginning or the end only
SHORTEST_BYTES = 5  # a number of ten digits in semi-octets


def spell(secret: str) -> dict[str, bytes]:
    """Spell a text in the alphabets of files and phones, in hex, base64, JSON and addresses."""
    raw = {
        "utf-8": secret.encode(),
        "utf-16le": secret.encode("utf-16-le"),
        "utf-16be": secret.encode("utf-16-be"),
        "latin-1": secret.encode("latin-1", "replace"),
    }
    if all(character in BASIC for character in secret):
        raw["gsm7"] = bytes(BASIC.index(character) for character in secret)
        # Eight septets fill seven bytes, so a text that begins elsewhere is packed otherwise: all
        # seven beginnings, without the septets at the edges.
        for shift in range(8):
            raw[f"gsm7 from {shift}"] = pack(" " * shift + secret)[shift + 1 : -1]
    digits = secret.removeprefix("+")
    if digits.isdecimal():
        # As every PDU of an SMS has a number: two digits in a byte, the first one below. Whatever
        # stands before it, an even or an odd count of digits.
        for shift in range(2):
            raw[f"semi-octets from {shift}"] = swap(digits[shift:])
    spelled = dict(raw)
    for name, value in raw.items():
        spelled[f"hex of {name}"] = value.hex().encode()
        spelled[f"HEX of {name}"] = value.hex().upper().encode()
        spelled[f"spaced hex of {name}"] = value.hex(" ").encode()  # as dumps in logs are
        for start in range(3):
            encoded = base64.b64encode(b"\0" * start + value)
            # What stands beside it changes the characters at its edges.
            spelled[f"base64 of {name} from {start}"] = encoded[4 if start else 0 : -4]
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        quoted = quote(secret, safe="").encode()
        spelled[quote.__name__] = quoted
        spelled[f"{quote.__name__} in small letters"] = re.sub(
            rb"%..", lambda found: found[0].lower(), quoted
        )
    spelled["JSON"] = json.dumps(secret)[1:-1].encode()
    spelled["escapes"] = secret.encode("unicode_escape")
    return {name: value for name, value in spelled.items() if len(value) >= SHORTEST_BYTES}


def swap(digits: str) -> bytes:
    """Put digits into semi-octets, 3GPP TS 23.040 section 9.1.2.3: a number ends there."""
    digits += "f" * (len(digits) % 2)
    pairs = zip(digits[1::2], digits[::2], strict=True)
    return bytes.fromhex("".join(map("".join, pairs)))


def list_parts(secret: str) -> set[str]:
    """List what of a number or a text stands in it however it is written, and is looked for."""
    digits = secret.removeprefix("+")
    if not digits.isdecimal():
        return {secret[:PIECE_CHARACTERS], secret[-PIECE_CHARACTERS:]}
    with contextlib.suppress(phonenumbers.NumberParseException):
        # With and without its country, this stands in it.
        return {str(phonenumbers.parse(f"+{digits}").national_number)}
    return {digits}  # a short code


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
    wanted = {
        value: f"{name} of {secret[:4]}"
        for secret in secrets
        for part in sorted(list_parts(secret))
        for name, value in spell(part).items()
    }
    found = []
    for path in list_files(*folders):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # it was removed meanwhile, as files of a spool are
        content += b"\n" + str(path).encode()
        found += [f"{path.name}: {name}" for value, name in wanted.items() if value in content]
    return found
