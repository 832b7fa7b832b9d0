"""
Plain text and CSV: what has no structure of its own.

1. Text is what is of no other known format and holds nothing but characters: UTF-8, UTF-16 with its
   mark, or an older code of Western languages, most of which is ASCII, kept byte for byte. A
   control character says that it is none; so do the first characters of formats that only look
   like text (XML, RTF), and fields of mail that no program shows, at its head or at a part's.
2. It is UTF-8 without a mark afterwards, if it is Unicode, and its lines end in one way: both tell
   the system that it was written on.
3. Characters that nobody sees, and that texts are marked with for one reader, go (`invisible`).
4. It is CSV if its first lines have equally many separators each; else it is text.

*Limitations.* Marks that can be seen, or that are needed to be read, stay: spaces, letters that
look like others, wording, the order of what is told.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.invisible import remove_invisible
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

MAX_TEXT_BYTES: Final = 32 * 1024 * 1024  # ten thousand pages; memory is ten times as much
HEAD_BYTES: Final = 64 * 1024

LEAST_SHARE: Final = 3  # of bytes in an older code, that of those beyond ASCII

_HIGH_BYTES: Final = bytes(range(0x80, 0x100))
_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL_BYTES: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_SPACE: Final = " \t\n\x0c"
# Formats that are written in text, and hold more than they show.
_OTHERS: Final = re.compile(
    r"<|\{\\rtf|%!|%pdf|begin:v|from |iso-10303-21|begin [0-7]{3} |p[1-7]\n#|0\nsection\n",
    re.ASCII | re.IGNORECASE,
)
# A line of a mail's head, or one that goes on with it. From, To, Date, Subject are shown: people
# copy them with a text.
_FIELD: Final = re.compile(r"[a-z][a-z0-9-]*:|--|[ \t]", re.ASCII | re.IGNORECASE)
_TELLING_FIELD: Final = re.compile(
    r"(?:message-id|mime-version|received|return-path|delivered-to|user-agent|in-reply-to"
    r"|envelope-to|snapshot-content-location|dkim-signature|domainkey-signature"
    r"|authentication-results|(?:x|arc|content|thread|list)-[a-z-]+):",
    re.ASCII | re.IGNORECASE,
)
_PART: Final = re.compile(
    r"\n(?:content-transfer-encoding|snapshot-content-location):", re.ASCII | re.IGNORECASE
)
_HEAD_LINES: Final = 100  # of a mail; what tells comes among the first
_PDF: Final = b"%PDF-"
_PDF_HEAD_BYTES: Final = 1024  # in which viewers look for its beginning
_LONGEST_OTHER: Final = 32
_QUOTED: Final = re.compile(r'"[^"]*"')
_SEPARATORS: Final = ";,\t"
_LOOKED_AT_LINES: Final = 20


def plan_text(source: Source, *, is_other: Callable[[bytes], bool]) -> Plan:
    """
    Plan the cleaning of a text.

    Args:
        source: Of no known format.
        is_other: Tells by the first bytes whether a file is of a known format.

    Returns:
        The plan.

    Raises:
        RefusedError: it is no text, or too long a one, or nothing is left of it.
    """
    head = source.read_up_to(0, HEAD_BYTES)
    is_utf16 = head.startswith(_UTF16_MARKS)
    if not is_utf16 and _CONTROL_BYTES.search(head):
        raise RefusedError(Reason.UNKNOWN)
    if source.length_bytes > MAX_TEXT_BYTES:
        raise RefusedError(Reason.TOO_COMPLEX)
    data = source.read(0, source.length_bytes)
    try:
        text = data.decode("utf-16" if is_utf16 else "utf-8")
    except UnicodeDecodeError as exc:
        high = len(data) - len(data.translate(None, _HIGH_BYTES))
        kept_len = len(data) - data.count(b"\r\n")  # of what is written: it is judged again
        if is_utf16 or _CONTROL_BYTES.search(data) or high * LEAST_SHARE > kept_len:
            raise RefusedError(Reason.UNKNOWN) from exc
        return _plan(source, data, data.decode("latin-1"), "latin-1", is_other)
    if _CONTROL.search(text):
        raise RefusedError(Reason.UNKNOWN)
    return _plan(source, data, text, "utf-8", is_other)


def _plan(
    source: Source, data: bytes, text: str, code: str, is_other: Callable[[bytes], bool]
) -> Plan:
    kinds: set[Kind] = set()
    has_mark = code == "utf-8" and data.startswith((codecs.BOM_UTF8, *_UTF16_MARKS))
    if has_mark or "\r" in text:
        kinds.add(Kind.SOFTWARE)
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    if code == "utf-8":
        kept = kept.removeprefix("\ufeff")
        plain = remove_invisible(kept, is_typeset=False)
        if plain != kept:
            kinds.add(Kind.TEXT)
        kept = plain
    cleaned = kept.encode(code)
    start = kept[: _LONGEST_OTHER * 8].lstrip(_SPACE)[:_LONGEST_OTHER]
    if not cleaned:
        raise RefusedError(Reason.EMPTY)
    is_else = _OTHERS.match(start) or _PDF in cleaned[:_PDF_HEAD_BYTES] or _is_mail(kept)
    if is_else or is_other(cleaned[:HEAD_BYTES]):
        raise RefusedError(Reason.UNKNOWN)
    builder = PlanBuilder(format=_find_format(kept), source=source)
    builder.find(*kinds)
    if cleaned == data:
        builder.keep(0, len(data))
    else:
        builder.write(cleaned)
    return builder.build()


def _is_mail(text: str) -> bool:
    """Tell a mail, or a saved page of the web, by a field that nobody reads."""
    for line in text.lstrip(_SPACE).split("\n", _HEAD_LINES)[:_HEAD_LINES]:
        if _TELLING_FIELD.match(line):
            return True
        if not _FIELD.match(line):
            break
    return _PART.search(text) is not None


def _find_format(text: str) -> Format:
    """Tell a table from a text by its first lines."""
    lines = [line for line in text.split("\n", _LOOKED_AT_LINES)[:_LOOKED_AT_LINES] if line]
    plain = [_QUOTED.sub("", line) for line in lines]
    for separator in _SEPARATORS:
        counts = {line.count(separator) for line in plain}
        if len(counts) == 1 and len(plain) > 1 and len(plain) + max(counts) > 3 and min(counts):
            return Format.CSV
    return Format.TXT
