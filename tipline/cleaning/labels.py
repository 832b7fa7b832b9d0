"""
XMP and IPTC: what editors and agencies write beside an image. Looked at for kinds, then it goes.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.plan import Kind
from tipline.cleaning.rules import IPTC_KINDS, XMP_WORDS

MAX_XMPS: Final = 16  # of a file that are looked into; there is one, and each takes long to search
MAX_RESOURCES: Final = 1_000  # Photoshop writes about thirty
MAX_DATASETS: Final = 10_000
_IPTC_RESOURCE: Final = 0x0404
_PREVIEW_RESOURCES: Final = (0x0409, 0x040C)
_DATASET_MARK: Final = 0x1C
_LONG_DATASET: Final = 0x8000
_EDITORIAL_RECORD: Final = 2


def find_xmp_kinds(untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in XMP by the words that its properties are named with.

    Args:
        untrusted: XML, or anything else.

    Returns:
        `Kind.OTHER` if no word is known.
    """
    # UTF-16 is XMP too: without its zero bytes the names are the same.
    plain = untrusted.replace(b"\0", b"")
    found = {kind for kind, words in XMP_WORDS.items() if any(word in plain for word in words)}
    return frozenset(found or {Kind.OTHER})


def find_photoshop_kinds(untrusted: bytes) -> frozenset[Kind]:
    """
    Find the kinds in Photoshop's image resources, one of which is IPTC.

    Args:
        untrusted: From the first resource on.

    Returns:
        `Kind.OTHER` for what is not known.
    """
    found: set[Kind] = set()
    offset = 0
    for _ in range(MAX_RESOURCES):
        if untrusted[offset : offset + 4] != b"8BIM" or offset + 7 > len(untrusted):
            break
        number = int.from_bytes(untrusted[offset + 4 : offset + 6], "big")
        # A name, and each content, is filled up to an even length.
        start = offset + 6 + (untrusted[offset + 6] + 2) // 2 * 2
        length = int.from_bytes(untrusted[start : start + 4], "big")
        content = untrusted[start + 4 : start + 4 + length]
        if number == _IPTC_RESOURCE:
            found |= find_iptc_kinds(content)
        else:
            found.add(Kind.PREVIEW if number in _PREVIEW_RESOURCES else Kind.OTHER)
        offset = start + 4 + (length + 1) // 2 * 2
    return frozenset(found or {Kind.OTHER})


def find_iptc_kinds(untrusted: bytes) -> set[Kind]:
    """
    Find the kinds in IPTC.

    Args:
        untrusted: From the first dataset on.

    Returns:
        None for what is not of its editorial record.
    """
    found: set[Kind] = set()
    offset = 0
    for _ in range(MAX_DATASETS):
        if len(untrusted) < offset + 5 or untrusted[offset] != _DATASET_MARK:
            break
        length = int.from_bytes(untrusted[offset + 3 : offset + 5], "big")
        if length & _LONG_DATASET:
            found.add(Kind.OTHER)
            break
        if untrusted[offset + 1] == _EDITORIAL_RECORD:
            found |= IPTC_KINDS.get(untrusted[offset + 2], {Kind.OTHER})
        offset += 5 + length
    return found
