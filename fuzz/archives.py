"""
Damages a document inside: what is broken outside of an archive's sums is noticed by them alone.

One member is damaged like any file, or as what it mostly is, tags: some doubled, left out, or
brought in from another document, and values of attributes exchanged.
"""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

# What Python's reader of archives throws at what is none.
_OTHERS: Final = (NotImplementedError, RuntimeError, ValueError, OSError, EOFError)
_LARGEST_BYTES: Final = 4 * 1024 * 1024
_TAG: Final = re.compile(rb"<[^<>]*>")
_EMPTY: Final = re.compile(rb"<[^<>/]*/>|<[^<>/]*>[^<>]*</[^<>]*>")
_VALUE: Final = re.compile(rb'="([^"<>]*)"')

Damage = Callable[[bytes, bytes, random.Random], bytes]


def damage_member(data: bytes, other: bytes, chance: random.Random, damage: Damage) -> bytes | None:
    """
    Damage a member of an archive.

    Args:
        data: The archive.
        other: Another file, from which parts may come.
        chance: Decides.
        damage: Damages bytes.

    Returns:
        An archive whose sums are right; None if *data* is none.
    """
    members = _read(data)
    if not members:
        return None
    foreign = _read(other) or {"": other}
    name = chance.choice([*members])
    content, part = members[name], foreign[chance.choice([*foreign])]
    if chance.randrange(4) and _TAG.search(content):
        for _ in range(chance.randint(1, 4)):
            content = _damage_tags(content, part, chance)
    else:
        content = damage(content, part or b"\0", chance)
    if chance.randrange(8) == 0:
        members[chance.choice([*members])] = part
    members[name] = content
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", chance.choice((0, zipfile.ZIP_DEFLATED))) as archive:
        for key, value in members.items():
            archive.writestr(zipfile.ZipInfo(key), value)
    return out.getvalue()


def _read(data: bytes) -> dict[str, bytes]:
    """Read the members of a small archive; none of what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST_BYTES:
                return {}
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, *_OTHERS):
        return {}


def _damage_tags(content: bytes, part: bytes, chance: random.Random) -> bytes:
    places = [match.end() for match in _TAG.finditer(content)] or [0]
    place = chance.choice(places)
    values = [*_VALUE.finditer(content)]
    elements = [*_EMPTY.finditer(content)]
    match chance.randrange(5):
        case 0 if values:
            chosen, source = chance.choice(values), [*_VALUE.finditer(part)] or values
            return _replace(content, chosen.span(1), chance.choice(source)[1])
        case 1 if elements:
            return _replace(content, chance.choice(elements).span(), b"")
        case 2:
            brought = [*_EMPTY.finditer(part)]
            if brought:
                return content[:place] + chance.choice(brought)[0] + content[place:]
        case 3 if elements:
            return content[:place] + chance.choice(elements)[0] + content[place:]
        case _:
            pass
    wrap = chance.choice(
        (b"<!--%s-->", b"<![CDATA[%s]]>", b"<a>%s</a>", b"&#%d;", b"<w:ins>%s</w:ins>")
    )
    inserted = wrap % (chance.randrange(0x11000) if b"%d" in wrap else b"x")
    return content[:place] + inserted + content[place:]


def _replace(content: bytes, span: tuple[int, int], new: bytes) -> bytes:
    return content[: span[0]] + new + content[span[1] :]
