"""
Images that lie in the middle of what draws a page (ISO 32000-1, 8.9.7): BI, a head, ID, data, EI.

Of the head what a decoder needs stays; of the data what is coded there, a JPEG by its own rules.
Where the data ends is told by its length where there is no filter, by itself where it is a zlib
stream, else by the first EI behind which text follows.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning import jpeg
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import ABBREVIATIONS, Budget, measure_deflated
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import Token, TokenKind, Tokens, encode_name, encode_string
from tipline.cleaning.plan import write_cleaned
from tipline.cleaning.source import Source

MAX_VALUES: Final = 256  # of one entry; a table of colours is one

_KEYS: Final[Mapping[str, str]] = PDF_RULES["inline"]
_PARAMETERS: Final = frozenset(
    name.encode("ascii") for names in PDF_RULES["image_parameters"].values() for name in names
)
_COLOURS: Final = frozenset(
    name.encode("ascii")
    for name in (*PDF_RULES["plain_names"]["cs"], "G", "RGB", "CMYK", "I", "Indexed")
)
_COMPONENTS: Final = {b"G": 1, b"DeviceGray": 1, b"RGB": 3, b"DeviceRGB": 3, b"CMYK": 4}
_LITERALS: Final = frozenset({b"true", b"false", b"null"})
_END: Final = re.compile(rb"[\0\t\n\f\r ]EI(?=[\0\t\n\f\r ]|\Z)")
_BEHIND_BYTES: Final = 24  # enough for a few operators
_TEXT: Final = bytes([0, 9, 10, 12, 13, *range(32, 127)])


class InlineImageWriter:
    """
    Writes inline images anew.

    Args:
        use: Replaces the name of a resource of a category.
        budget: Is spent on looking where data ends.
        find: Is told the kinds of what goes.
    """

    def __init__(
        self,
        *,
        use: Callable[[str, bytes], bytes],
        budget: Budget,
        find: Callable[..., None],
    ) -> None:
        self._use = use
        self._budget = budget
        self._find = find

    def rewrite(self, tokens: Tokens) -> bytes:
        """
        Rewrite an image.

        Args:
            tokens: Behind its BI; stand behind its EI afterwards.

        Returns:
            The new one.

        Raises:
            RefusedError: it breaks the rules.
        """
        head, filters, colours = self._read_head(tokens)
        data = self._cut(tokens, _measure_plain(head, colours) if not filters else None, filters)
        if filters == [b"DCTDecode"]:
            data = self._clean_jpeg(data)
        parts = [b"/%s %s" % item for item in sorted(head.items())]
        return b"BI " + b" ".join(parts) + b"\nID " + data + b"\nEI"

    def _read_head(self, tokens: Tokens) -> tuple[dict[bytes, bytes], list[bytes], bytes]:
        """Return what is kept, written; the filters by their long names; the colours."""
        head: dict[bytes, bytes] = {}
        filters: list[bytes] = []
        colours = b""
        while (token := tokens.read()) is not None and token != (TokenKind.WORD, b"ID"):
            if token[0] is not TokenKind.NAME:
                raise RefusedError(Reason.MALFORMED)
            key = _KEYS.get(token[1].decode("latin-1"))
            values = _read_values(tokens)
            match key:
                case None:
                    continue
                case "F":
                    filters = [_expand(value) for kind, value in values if kind is TokenKind.NAME]
                    head[b"F"] = b"[" + b" ".join(map(encode_name, filters)) + b"]"
                case "CS":
                    colours = values[0][1]
                    head[b"CS"] = b" ".join(map(self._write_colour, values))
                case _:
                    head[key.encode("ascii")] = b" ".join(map(_write_value, values))
        if token is None or b"W" not in head or b"H" not in head:
            raise RefusedError(Reason.MALFORMED)
        return head, filters, colours

    def _write_colour(self, token: Token) -> bytes:
        kind, data = token
        if kind is TokenKind.STRING:
            return encode_string(data)
        if kind is TokenKind.NAME:
            return encode_name(data if data in _COLOURS else self._use("ColorSpace", data))
        return _write_value(token)

    def _cut(self, tokens: Tokens, length: int | None, filters: list[bytes]) -> bytes:
        """Find where the data ends, and go on behind its EI."""
        start = tokens.position + 1  # one white space stands behind ID
        if filters[:1] == [b"FlateDecode"]:
            length = measure_deflated(memoryview(tokens.data)[start:], self._budget)
        at = start if length is None else max(start, start + length - 1)
        while (match := _END.search(tokens.data, at)) is not None:
            at = match.start() + 1
            behind = tokens.data[match.end() : match.end() + _BEHIND_BYTES]
            if behind.translate(None, _TEXT):
                continue  # coded data may have these bytes, too; then no text follows
            tokens.position = match.end()
            end = match.start() if length is None else min(start + length, match.start())
            return tokens.data[start:end]
        raise RefusedError(Reason.MALFORMED)

    def _clean_jpeg(self, data: bytes) -> bytes:
        if not data.startswith(jpeg.SIGNATURE):
            raise RefusedError(Reason.MALFORMED)
        source, out = io.BytesIO(data), io.BytesIO()
        plan = jpeg.plan_jpeg(Source(source))
        self._find(*plan.kinds)
        write_cleaned(plan, source, out)
        return out.getvalue()


def _read_values(tokens: Tokens) -> list[Token]:
    """Read a value: one token, or all between brackets."""
    values: list[Token] = []
    depth = 0
    while len(values) < MAX_VALUES and (token := tokens.read()) is not None:
        values.append(token)
        if token[0] is TokenKind.MARK:
            depth += {b"<<": 1, b"[": 1, b">>": -1, b"]": -1}.get(token[1], 0)
        if depth <= 0:
            return values
    raise RefusedError(Reason.MALFORMED)


def _write_value(token: Token) -> bytes:
    """Write numbers, true and false, and the names of a filter's parameters; refuse texts."""
    kind, data = token
    if kind is TokenKind.NAME and data in _PARAMETERS:
        return encode_name(data)
    if kind in (TokenKind.NUMBER, TokenKind.MARK) or (kind is TokenKind.WORD and data in _LITERALS):
        return data
    raise RefusedError(Reason.MALFORMED)


def _expand(name: bytes) -> bytes:
    text = name.decode("latin-1")
    if text in ABBREVIATIONS.values():
        return name
    if text not in ABBREVIATIONS:
        raise RefusedError(Reason.UNSUPPORTED)
    return ABBREVIATIONS[text].encode("ascii")


def _measure_plain(head: Mapping[bytes, bytes], colours: bytes) -> int | None:
    """Measure the data of an image that has no filter; None if its colours are named elsewhere."""
    is_mask = head.get(b"IM") == b"true"
    components = 1 if is_mask else _COMPONENTS.get(colours)
    numbers = (head[b"W"], head[b"H"], b"1" if is_mask else head.get(b"BPC", b"8"))
    if components is None or not all(number.isdigit() and len(number) < 9 for number in numbers):
        return None
    width, height, depth = map(int, numbers)
    return (width * components * depth + 7) // 8 * height
