"""
The small programs inside a PDF: tables from codes to letters (CMaps) and functions in PostScript.

Both are read token by token and written anew: comments, titles, copyrights and names go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import Token, TokenKind, Tokens, encode_name

MAX_RANGES: Final = 1_000_000  # a font has at most 65,536 glyphs

_SECTIONS: Final = frozenset(
    f"{kind}{shape}".encode() for kind in ("cid", "bf", "notdef") for shape in ("char", "range")
) | {b"codespacerange"}
_NUMBERED: Final = frozenset({b"cidchar", b"cidrange", b"notdefchar", b"notdefrange"})
_PREDEFINED: Final = re.compile(
    "|".join(["H", "V", *(f"{name}-[HV]" for name in PDF_RULES["cmaps"])])
)
_OPERATORS: Final = frozenset(word.encode("ascii") for word in PDF_RULES["postscript"])
_HEAD: Final = (
    b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
    b"/CIDSystemInfo << /Registry (Adobe) /Ordering (%s) /Supplement 0 >> def\n"
    b"/CMapName /N def\n/CMapType %d def\n"
)
_TAIL: Final = b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
_GROUP: Final = 100  # lines of a section: more are not allowed


def is_predefined(name: str) -> bool:
    """
    Tell whether a CMap is one of those that every program has.

    Args:
        name: Untrusted.

    Returns:
        Whether it is.
    """
    return _PREDEFINED.fullmatch(name) is not None


def rewrite_cmap(untrusted: bytes, budget: Budget, *, is_unicode: bool) -> bytes:
    """
    Write a CMap anew.

    Args:
        untrusted: Decoded.
        budget: Is spent.
        is_unicode: Whether it leads to letters, or to the glyphs of a font.

    Returns:
        The same table.

    Raises:
        RefusedError: it rests on another one that is not predefined, or is too long.
    """
    tokens = Tokens(untrusted, budget)
    body: list[bytes] = []
    before: list[Token] = []
    while (token := tokens.read()) is not None:
        kind, word = token
        if kind is TokenKind.WORD and word.startswith(b"begin") and word[5:] in _SECTIONS:
            _write_section(word[5:], tokens, body)
        elif kind is TokenKind.WORD and word == b"usecmap":
            name = before[-1] if before else token
            if name[0] is not TokenKind.NAME or not is_predefined(name[1].decode("latin-1")):
                raise RefusedError(Reason.UNSUPPORTED)
            body.append(encode_name(name[1]) + b" usecmap")
        elif kind is TokenKind.WORD and word == b"def" and _is_vertical(before):
            body.append(b"/WMode 1 def")
        before = [*before[-1:], token]
        if len(body) > MAX_RANGES:
            raise RefusedError(Reason.TOO_COMPLEX)
    head = _HEAD % (b"UCS" if is_unicode else b"Identity", 2 if is_unicode else 1)
    return head + b"".join(line + b"\n" for line in body) + _TAIL


def _is_vertical(before: list[Token]) -> bool:
    return before == [(TokenKind.NAME, b"WMode"), (TokenKind.NUMBER, b"1")]


def _write_section(name: bytes, tokens: Tokens, body: list[bytes]) -> None:
    """Write the lines of a section; what is no code, or leads nowhere, goes."""
    width = 3 if name in (b"cidrange", b"bfrange", b"notdefrange") else 2
    lines = []
    line: list[bytes] = []
    for value in _read_values(name, tokens):
        line.append(value)
        if len(line) == width:
            lines.append(b" ".join(line))
            line = []
    for start in range(0, len(lines), _GROUP):
        group = lines[start : start + _GROUP]
        body += [b"%d begin%s" % (len(group), name), *group, b"end" + name]


def _read_values(name: bytes, tokens: Tokens) -> Iterator[bytes]:
    values: list[bytes] | None = None
    while (token := tokens.read()) is not None:
        if token[0] is TokenKind.WORD:
            return
        if token == (TokenKind.MARK, b"["):
            values = []
        elif token == (TokenKind.MARK, b"]") and values is not None:
            yield b"[" + b" ".join(values) + b"]"
            values = None
        elif (code := _write_code(name, token)) is not None:
            if values is None:
                yield code
            else:
                values.append(code)


def _write_code(name: bytes, token: Token) -> bytes | None:
    """Write what may stand in a section: codes, numbers of glyphs, names of letters."""
    kind, data = token
    if kind is TokenKind.STRING:
        return b"<" + data.hex().encode() + b">"
    if kind is TokenKind.NUMBER and name in _NUMBERED:
        return data
    return encode_name(data) if kind is TokenKind.NAME and name.startswith(b"bf") else None


def rewrite_function(untrusted: bytes, budget: Budget) -> bytes:
    """
    Write a function in PostScript anew.

    Args:
        untrusted: Decoded.
        budget: Is spent.

    Returns:
        The same function.

    Raises:
        RefusedError: it has another operator than functions may have.
    """
    tokens = Tokens(untrusted, budget)
    out = []
    while (token := tokens.read()) is not None:
        kind, data = token
        is_allowed = (
            kind is TokenKind.NUMBER
            or (kind is TokenKind.WORD and data in _OPERATORS)
            or (kind is TokenKind.MARK and data in (b"{", b"}"))
        )
        if not is_allowed:
            raise RefusedError(Reason.MALFORMED)
        out.append(data)
    return b" ".join(out)
