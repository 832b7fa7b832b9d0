"""
XML 1.0, as far as documents use it: read strictly, written in one way.

1. UTF-8, or UTF-16 with its mark. No document type, so no entities but the five and numbers.
2. What is read are elements, attributes and text. Comments, instructions and the way in which
   something was written (quotes, spaces inside tags, CDATA) are not, and so they go.
3. Names are ASCII: those of all formats that are cleaned are.
4. One root, every element closed, no attribute twice.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

MAX_ELEMENTS: Final = 1_000_000  # of all parts of a document; ten seconds of reading
MAX_ALL_ATTRIBUTES: Final = 3_000_000  # likewise; a cell has two or three
MAX_DEPTH: Final = 256  # Word nests a few dozen
MAX_ATTRIBUTES: Final = 256

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?"
_START: Final = re.compile("<(" + _NAME + ")")
_ATTRIBUTE: Final = re.compile(
    r"[ \t\n]+(" + _NAME + r")[ \t\n]*=[ \t\n]*(?:\"([^<\"]*)\"|'([^<']*)')"
)
_START_END: Final = re.compile(r"[ \t\n]*(/?)>")
_END: Final = re.compile("</(" + _NAME + r")[ \t\n]*>")
_REFERENCE: Final = re.compile("&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7})|#x([0-9A-Fa-f]{1,6}));|&")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENCODING: Final = re.compile(
    r"<\?xml[^>]*[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*[\"']([A-Za-z0-9._-]+)[\"']"
)
_ENCODINGS: Final = frozenset({"utf-8", "utf8", "utf-16", "us-ascii", "ascii"})

Attributes = dict[str, str]
# An element that begins (its name and attributes), text, or an element that ends (None).
Event = tuple[str, Attributes] | str | None


def decode_markup(untrusted: bytes) -> str:
    """
    Decode XML.

    Args:
        untrusted: With a mark of its encoding or without.

    Returns:
        Its text, with ends of lines as XML has them.

    Raises:
        RefusedError: it is not Unicode, or holds what no XML may.
    """
    is_utf16 = untrusted.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = untrusted.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        raise RefusedError(Reason.MALFORMED) from exc
    declared = _ENCODING.match(text)
    if declared and declared[1].lower() not in _ENCODINGS and not text.isascii():
        raise RefusedError(Reason.UNSUPPORTED)
    if _FORBIDDEN.search(text):
        raise RefusedError(Reason.MALFORMED)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_markup(untrusted: str) -> Iterator[Event]:
    """
    Read XML.

    Args:
        untrusted: As `decode_markup` returns it.

    Returns:
        What begins, stands there and ends, in order.

    Raises:
        RefusedError: it breaks the rules above.
    """
    return _Reader(untrusted).read()


class _Reader:
    def __init__(self, untrusted: str) -> None:
        self._text = untrusted
        self._position = 0
        self._open: list[str] = []
        self._is_begun = False

    def read(self) -> Iterator[Event]:
        text, end = self._text, len(self._text)
        while self._position < end:
            if text[self._position] != "<":
                stop = text.find("<", self._position)
                found = _decode_text(text[self._position : stop if stop >= 0 else end])
                self._position = stop if stop >= 0 else end
                if self._open:
                    yield found
                elif found.strip(" \t\n"):
                    raise RefusedError(Reason.MALFORMED)
            elif started := _START.match(text, self._position):
                yield from self._read_start(started)
            elif ended := _END.match(text, self._position):
                if not self._open or self._open.pop() != ended[1]:
                    raise RefusedError(Reason.MALFORMED)
                self._position = ended.end()
                yield None
            else:
                yield from self._read_other()
        if self._open:
            raise RefusedError(Reason.TRUNCATED)
        if not self._is_begun:
            raise RefusedError(Reason.MALFORMED)

    def _read_start(self, started: re.Match[str]) -> Iterator[Event]:
        if self._is_begun and not self._open:
            raise RefusedError(Reason.MALFORMED)
        self._is_begun = True
        attributes, self._position, is_empty = _read_attributes(self._text, started.end())
        yield started[1], attributes
        if is_empty:
            yield None
            return
        self._open.append(started[1])
        if len(self._open) > MAX_DEPTH:
            raise RefusedError(Reason.TOO_COMPLEX)

    def _read_other(self) -> Iterator[Event]:
        """Pass what is neither element nor text, but for text that is marked as such."""
        start = self._position
        for mark, end in (("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")):
            if not self._text.startswith(mark, start):
                continue
            stop = self._text.find(end, start + len(mark))
            if stop < 0:
                raise RefusedError(Reason.TRUNCATED)
            self._position = stop + len(end)
            if end == "]]>":
                if not self._open:
                    raise RefusedError(Reason.MALFORMED)
                yield self._text[start + len(mark) : stop]
            return
        raise RefusedError(Reason.MALFORMED)


def write_start(name: str, attributes: Iterable[tuple[str, str]]) -> str:
    """
    Write the beginning of an element, without the sign that ends it.

    Args:
        name: Of our own.
        attributes: Names of our own, and their values.

    Returns:
        The text, to be followed by `>` or `/>`.
    """
    written = "".join(f' {key}="{_encode_value(value)}"' for key, value in attributes)
    return f"<{name}{written}"


def encode_text(text: str) -> str:
    """
    Write text that stands between tags.

    Args:
        text: Decoded.

    Returns:
        Itself, in the one way that it is written.
    """
    if "&" in text or "<" in text or ">" in text or "\r" in text:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text = text.replace("\r", "&#13;")
    return text


def _encode_value(value: str) -> str:
    text = encode_text(value).replace('"', "&quot;")
    return text.replace("\t", "&#9;").replace("\n", "&#10;")


def _read_attributes(text: str, position: int) -> tuple[Attributes, int, bool]:
    """Read up to the end of a tag; return where that is, and whether the element is empty."""
    attributes: Attributes = {}
    while found := _ATTRIBUTE.match(text, position):
        name = found[1]
        if name in attributes or len(attributes) >= MAX_ATTRIBUTES:
            raise RefusedError(Reason.MALFORMED)
        value = found[2] if found[2] is not None else found[3]
        attributes[name] = _decode_text(value.replace("\n", " ").replace("\t", " "))
        position = found.end()
    stop = _START_END.match(text, position)
    if stop is None:
        raise RefusedError(Reason.MALFORMED)
    return attributes, stop.end(), stop[1] == "/"


def _decode_text(text: str) -> str:
    return _REFERENCE.sub(_decode_reference, text) if "&" in text else text


def _decode_reference(found: re.Match[str]) -> str:
    named, decimal, hexadecimal = found.groups()
    if named:
        return _NAMED[named]
    if not decimal and not hexadecimal:
        raise RefusedError(Reason.MALFORMED)
    number = int(decimal) if decimal else int(hexadecimal, 16)
    if number > 0x10FFFF or 0xD800 <= number < 0xE000 or _FORBIDDEN.match(chr(number)):
        raise RefusedError(Reason.MALFORMED)
    return chr(number)
