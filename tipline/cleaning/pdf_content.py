"""
What draws a page of a PDF, written anew (ISO 32000-1, 7.8.2, Annex A).

1. Kept are the operators of `pdf.json`, each with exactly the operands that it takes. What stands
   there besides, comments included, goes.
2. Marked content goes: it is for structure, and carries texts that nobody sees. So do layers: all
   of them are shown (`pdf_document.py`).
3. Names of resources are replaced, by their order: a program or a person chose them.
4. An inline image keeps what a decoder needs.

What is drawn and not seen stays: outside the page, under something else, in white on white.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_inline import InlineImageWriter
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import Token, TokenKind, Tokens, encode_name, encode_string
from tipline.cleaning.plan import Kind

MAX_OPERANDS: Final = 64  # of one operator; DeviceN has 32 colours, and a name behind them
_OPERATORS: Final[Mapping[str, str]] = PDF_RULES["operators"]
_NAMED: Final[Mapping[str, str]] = PDF_RULES["named"]
_PLAIN_NAMES: Final[Mapping[str, frozenset[str]]] = {
    operator: frozenset(names) for operator, names in PDF_RULES["plain_names"].items()
}
_QUIET: Final = frozenset({b"BX", b"EX", b"BMC", b"BDC", b"EMC", b"MP", b"DP"})
_LETTERS: Final = {TokenKind.NUMBER: "n", TokenKind.STRING: "s", TokenKind.NAME: "/"}

Used = dict[str, dict[bytes, bytes]]


class Names:
    """The neutral names of one file: by the order in which the old ones came up."""

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}

    def replace(self, name: bytes) -> bytes:
        """
        Replace a name.

        Args:
            name: Decoded.

        Returns:
            The neutral one; always the same for the same.
        """
        return self._names.setdefault(name, b"N%d" % (len(self._names) + 1))


class ContentWriter:
    """
    Writes one content stream anew.

    Args:
        names: Of the file.
        budget: Is spent.
        find: Is told the kinds of what goes.
    """

    def __init__(self, *, names: Names, budget: Budget, find: Callable[..., None]) -> None:
        self.used: Used = {}
        self.layers: set[bytes] = set()
        self._names = names
        self._budget = budget
        self._find = find
        self._images = InlineImageWriter(use=self._use, budget=budget, find=find)
        self._out: list[bytes] = []
        self._operands: list[tuple[str, bytes]] = []

    def rewrite(self, untrusted: bytes) -> bytes:
        """
        Rewrite a stream.

        Args:
            untrusted: Decoded.

        Returns:
            The new one. `used` has the names of resources that it uses, old and new.

        Raises:
            RefusedError: an inline image breaks the rules.
        """
        tokens = Tokens(untrusted, self._budget)
        while (token := tokens.read()) is not None:
            kind, data = token
            if kind is TokenKind.WORD:
                if data == b"BI":
                    self._out.append(self._images.rewrite(tokens))
                else:
                    self._write_operator(data)
                self._operands.clear()
            else:
                self._operands.append(self._read_operand(token, tokens))
                if len(self._operands) > MAX_OPERANDS:
                    del self._operands[0]
        return b"\n".join(self._out) + b"\n" if self._out else b""

    def _read_operand(self, token: Token, tokens: Tokens) -> tuple[str, bytes]:
        kind, data = token
        if kind is TokenKind.MARK:
            if data == b"[":
                return "a", _read_array(tokens)
            if data == b"<<":
                _skip_dictionary(tokens)
            return "?", b""
        return _LETTERS[kind], encode_string(data) if kind is TokenKind.STRING else data

    # --- operators --------------------------------------------------------------------------------

    def _write_operator(self, word: bytes) -> None:
        operator = word.decode("latin-1")
        if word == b"BDC" and len(self._operands) > 1 and self._operands[-2] == ("/", b"OC"):
            self.layers.add(self._operands[-1][1])
        pattern = _OPERATORS.get(operator)
        if pattern is None:
            if word not in _QUIET:
                self._find(Kind.OTHER)
            return
        operands = self._take(pattern)
        if operands is None:
            self._find(Kind.OTHER)
            return
        written = [
            self._write_name(operator, data) if letter == "/" else data for letter, data in operands
        ]
        self._out.append(b" ".join([*written, word]))

    def _take(self, pattern: str) -> list[tuple[str, bytes]] | None:
        """Take the operands that belong to an operator, or nothing if they are not there."""
        if pattern == "*":
            # Components of a colour, and at the end the name of a pattern.
            end = len(self._operands)
            start = end - sum(letter == "/" for letter, _ in self._operands[-1:])
            while start and self._operands[start - 1][0] == "n" and end - start < MAX_OPERANDS:
                start -= 1
            return self._operands[start:] or None
        operands = self._operands[len(self._operands) - len(pattern) :]
        if len(self._operands) < len(pattern):
            return None
        return operands if "".join(letter for letter, _ in operands) == pattern else None

    def _write_name(self, operator: str, name: bytes) -> bytes:
        plain = name.decode("latin-1")
        if plain in _PLAIN_NAMES.get(operator, ()):
            return encode_name(name)
        category = _NAMED.get(operator)
        if category is None:
            return b"/" + _PLAIN_DEFAULT[operator]
        return encode_name(self._use(category, name))

    def _use(self, category: str, name: bytes) -> bytes:
        new = self._names.replace(name)
        self.used.setdefault(category, {})[name] = new
        return new


_PLAIN_DEFAULT: Final = {"ri": b"RelativeColorimetric"}


def _read_array(tokens: Tokens) -> bytes:
    """Read an array of numbers and strings; all else in it goes."""
    parts = []
    while (token := tokens.read()) is not None and token != (TokenKind.MARK, b"]"):
        if token[0] is TokenKind.NUMBER:
            parts.append(token[1])
        elif token[0] is TokenKind.STRING:
            parts.append(encode_string(token[1]))
        elif token[0] is TokenKind.WORD:
            break  # the array was never closed
    return b"[" + b" ".join(parts) + b"]"


def _skip_dictionary(tokens: Tokens) -> None:
    depth = 1
    while depth and (token := tokens.read()) is not None:
        if token[0] is TokenKind.MARK:
            depth += {b"<<": 1, b">>": -1}.get(token[1], 0)
