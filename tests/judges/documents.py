"""
Documents of Office and OpenDocument before the judges: what they told, and what they show.

exiftool does not look into the members of an archive. So what the original told is read here, by
Python's own readers of ZIP and XML, which the cleaning does not use; it must be nowhere in the
cleaned file's members, but where it is a part of the text that is shown.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Final
from xml.etree import ElementTree

ARCHIVE: Final = b"PK\x03\x04"
FREE: Final[Mapping[str, str]] = {
    "ZIP": "ZipRequiredVersion ZipCompression ZipCRC ZipCompressedSize ZipUncompressedSize"
    " ZipFileName",
}
FIXED: Final[Mapping[str, str]] = {
    "ExifTool:Warning": "Install Archive::Zip to decode compressed ZIP information",
    "ZIP:ZipBitFlag": "0",
    "ZIP:ZipModifyDate": "1980:01:01 00:00:00",
}

SHORTEST_VALUE_LEN: Final = 5
_PROPERTIES: Final = re.compile(r"^docProps/|^customXml/|(^|/)meta\.xml$")
_TEXT: Final = re.compile(r">([^<>]+)<")
_TELLING: Final = re.compile(
    r"[\s:](?:author|initials|userId|userName|providerId|lastModifiedBy|descr|paraId|textId|uid"
    r"|rsid\w*|paragraph-rsid|editId|anchorId|creationId|codeName|gfxdata|hashValue|saltValue"
    r'|protection-key)="([^"]*)"'
)
_PATH: Final = re.compile(r'(?:\b[A-Za-z]:\\|\bfile:/)[^"<>]{3,}')
_STAMP: Final = re.compile(r"\b(?:19|20)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d")
_UNSEEN: Final = re.compile(
    r"\s+|[\u034f\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DAY: Final = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)T")
# What properties say that says nothing, and words that every document of the format has.
_WORDS: Final = frozenset(
    ["false", "true", "Title", "Theme", "Normal", "00000000", "Calibri", "Document", "Rubrik"]
)
_HIDDEN: Final = frozenset(
    [
        *("del", "moveFrom", "Fallback", "tracked-changes", "annotation", "meta", "scripts"),
        *("forms", "user-field-decls", "data-pilot-tables", "scenario", "instrText"),
    ]
)
_SVG: Final = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_DESCRIPTIONS: Final = frozenset({f"{_SVG}title", f"{_SVG}desc"})
_SHOWN_TEXTS: Final = frozenset({"t", "v"})
_SHARED: Final = re.compile(rb"<(?:\w+:)?sst[ >]")
_SHOWN: Final = re.compile(
    r"^word/(?:document|header\d*|footer\d*|footnotes|endnotes)\.xml$|^ppt/(?:slides|notesSlides)/"
    r"[^/]+\.xml$|^xl/worksheets/[^/]+\.xml$|^(?:content|styles)\.xml$",
    re.IGNORECASE,
)


def read_told(original: bytes) -> set[str]:
    """
    Read what a document tells besides what it shows.

    Args:
        original: It.

    Returns:
        Values: of properties, of who made changes, ids, paths and times.
    """
    told: set[str] = set()
    for name, content in _read_members(original):
        text = content.decode("utf-8", "replace")
        if _PROPERTIES.search(name):
            told |= {value.strip() for value in _TEXT.findall(text)}
            told |= {day for found in _DAY.findall(text) for day in _write_day(*found)}
        told |= {*_TELLING.findall(text), *_PATH.findall(text)}
        if not re.search(r"xl/worksheets|content\.xml", name):
            told |= {*_STAMP.findall(text)}  # elsewhere they are values of cells
    return {value for value in told if len(value) >= SHORTEST_VALUE_LEN} - _WORDS


def find_told(original: bytes, cleaned: bytes) -> set[str]:
    """
    Find what the original told in the cleaned file.

    Args:
        original: A document.
        cleaned: What became of it.

    Returns:
        Values that are still there, and are not shown.
    """
    members = [*_read_members(cleaned)]
    haystack = cleaned + b"\n".join(content for _, content in members)
    haystack += " ".join(name for name, _ in members).encode()
    shown = _squeeze(" ".join([*read_shown(original), *_list_names(members)]))
    return {
        value
        for value in read_told(original)
        if value.encode() in haystack and _squeeze(value) not in shown
    }


def read_shown(data: bytes) -> list[str]:
    """
    Read the text that a document shows.

    Args:
        data: It.

    Returns:
        The text of each part that is shown, without changes that were taken out; whatever the
        parts are called. Texts that cells share stand in the sheets.
    """
    members = {name.lower(): content for name, content in _read_members(data)}
    shared = _read_shared(members)
    parts = []
    for name, content in members.items():
        if _SHOWN.search(name):
            is_open = name in ("content.xml", "styles.xml")
            texts = _list_texts(ElementTree.fromstring(content), shared, is_open=is_open)
            parts.append(_squeeze("".join(texts)))
    return sorted(part for part in parts if part)


def _read_members(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, archive.read(info)


def _write_day(year: str, month: str, day: str) -> Iterator[str]:
    """Write a day in the ways of fields, in which programs put it beside the properties."""
    for sign in "/.-":
        for parts in ((month, day, year), (day, month, year), (year, month, day)):
            yield sign.join(parts)
            yield sign.join(part.removeprefix("0") for part in parts)


def _read_shared(members: Mapping[str, bytes]) -> list[str]:
    """Read the texts that cells name by number."""
    content = next((part for part in members.values() if _SHARED.search(part[:2000])), None)
    if content is None:
        return []
    return ["".join(_list_texts(item, [])) for item in ElementTree.fromstring(content)]


def _list_texts(
    element: ElementTree.Element, shared: list[str], *, is_open: bool = False
) -> Iterator[str]:
    local = element.tag.rpartition("}")[2]
    if local in _HIDDEN or local == "ext" or element.tag in _DESCRIPTIONS:
        return
    if local == "fld" and (element.get("type") or "").startswith("datetime"):
        return
    if local == "c" and element.get("t") == "s":
        value = next((child.text for child in element if child.tag.endswith("}v")), None)
        yield f"{element.get('r')}={shared[int(value)] if value else ''}"
        return
    if element.text and (is_open or local in _SHOWN_TEXTS):
        yield element.text
    for child in element:
        yield from _list_texts(child, shared, is_open=is_open)
        if is_open and child.tail:
            yield child.tail


def _squeeze(text: str) -> str:
    return _UNSEEN.sub("", text)


def _list_names(members: list[tuple[str, bytes]]) -> Iterator[str]:
    """List the names of sheets and of styles, which properties repeat, and which are shown."""
    for name, content in members:
        if name.endswith(("workbook.xml", "styles.xml", "content.xml", "fontTable.xml")):
            yield from re.findall(r'(?:name|val)="([^"]+)"', content.decode("utf-8", "replace"))
        if name.endswith("theme1.xml") or "/slideMaster" in name:
            yield from re.findall(r'typeface="([^"]+)"', content.decode("utf-8", "replace"))
