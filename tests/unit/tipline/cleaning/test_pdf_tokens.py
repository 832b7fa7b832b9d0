"""PDF's words: each has one spelling afterwards, and comments are none."""

from __future__ import annotations

import pytest

from tipline.cleaning.errors import RefusedError
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_tokens import (
    TOKEN_BYTES,
    TokenKind,
    Tokens,
    decode_name,
    encode_name,
    encode_string,
)


def read(data: bytes) -> list[tuple[str, bytes]]:
    """Read all tokens."""
    tokens = Tokens(data, Budget())
    read = []
    while (token := tokens.read()) is not None:
        read.append((token[0].value, token[1]))
    return read


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b" \0\t% only this", []),
        (b"% a\nq%b\rQ", [("word", b"q"), ("word", b"Q")]),
        (
            b"1 -.5 +2. --3 .",
            [("number", n) for n in (b"1", b"-.5", b"+2.", b"-3")] + [("word", b".")],
        ),
        (
            b"2026-11-21 +49-30-55 0.-13 -.-.5 1.2.3 %s .%s 1.%s"
            % (b"7" * 16, b"3" * 21, b"4" * 20),
            [
                ("number", n)
                for n in (
                    *(b"2026", b"49", b"0.", b"0", b"1.2", b"0"),
                    *(b"." + b"3" * 20, b"1." + b"4" * 20),
                )
            ],
        ),
        (b"/A#20B/", [("name", b"A B"), ("name", b"")]),
        (b"(a)(b(c)d)()", [("string", s) for s in (b"a", b"b(c)d", b"")]),
        (b"(a\\)\\(\\\\)", [("string", b"a)(\\")]),
        (b"(\\n\\101\\0012\\x\\\r\nb\rc\r\nd)", [("string", b"\nA\x012xb\nc\nd")]),
        (b"(\\777)", [("string", b"\xff")]),
        (b"(no end (really", [("string", b"no end (really")]),
        (b"<4 1\n4>", [("string", b"A@")]),
        (b"<4x>", [("mark", b"<"), ("word", b"4x"), ("mark", b">")]),
        (b"[<<>>]{})", [("mark", m) for m in (b"[", b"<<", b">>", b"]", b"{", b"}", b")")]),
    ],
)
def test_tokens_when_read_then_they_are_decoded(
    data: bytes, expected: list[tuple[str, bytes]]
) -> None:
    """Of every sort, whole or broken."""
    assert read(data) == expected


@pytest.mark.parametrize("data", [b"", b"a(b)c", b"\\", b"\r\n\0\xff", bytes(range(256))])
def test_strings_and_names_when_encoded_then_they_are_read_again(data: bytes) -> None:
    """Nothing is lost, and what is read has one spelling."""
    assert read(encode_string(data)) == [("string", data)]
    # No name has a zero byte: in its place stands a sign that begins no escape.
    assert read(encode_name(data)) == [("name", data.replace(b"\0", b"#"))]
    assert decode_name(b"no#zz") == b"no#zz"


@pytest.mark.parametrize("data", [b"(" * 100_000, b"<" * 100_000, b"(\\" * 50_000, b"%" * 100_000])
def test_tokens_when_nothing_closes_then_it_takes_no_longer(data: bytes) -> None:
    """No pattern goes back and forth over what is broken."""
    assert sum(len(part) for _, part in read(data)) <= len(data)


def test_tokens_when_strings_lie_in_strings_without_end_then_it_is_refused() -> None:
    """Each bracket costs as much as a word."""
    with pytest.raises(RefusedError):
        Tokens(b"(" * 1_000, Budget(999 * TOKEN_BYTES)).read()


def test_tokens_when_there_are_too_many_then_it_is_refused() -> None:
    """A word costs more than a byte."""
    tokens = Tokens(b"q q q", Budget(2 * TOKEN_BYTES))
    assert tokens.read() == tokens.read() == (TokenKind.WORD, b"q")

    with pytest.raises(RefusedError):
        tokens.read()
