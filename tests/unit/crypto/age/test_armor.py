"""Strict armor."""

from __future__ import annotations

import base64
import io

import pytest

from crypto.age.armor import (
    MAX_OUTSIDE_BYTES,
    ArmorWriter,
    is_armored,
    open_armor,
    open_either,
)
from crypto.errors import MalformedError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----\n"
END = b"-----END AGE ENCRYPTED FILE-----\n"
BLOCK_BYTES = 1024 * 48  # what is decoded at a time
SIZES = [0, 1, 46, 47, 48, 49, 96, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES]


def make_value(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def write(value: bytes, *, step: int = 7919) -> bytes:
    text = io.BytesIO()
    armor = ArmorWriter(text)
    for start in range(0, len(value), step):
        armor.write(memoryview(value)[start : start + step])
    armor.close()
    return text.getvalue()


def detail_of(untrusted: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        open_armor(io.BytesIO(untrusted)).read()
    return caught.value.detail


@pytest.mark.parametrize("size", SIZES)
def test_armor_when_written_then_it_reads_the_same(size: int) -> None:
    """Every length around lines and blocks survives, and is what PEM says."""
    value = make_value(size)
    text = write(value)
    encoded = base64.b64encode(value)
    lines = [encoded[start : start + 64] + b"\n" for start in range(0, len(encoded), 64)]

    assert text == BEGIN + b"".join(lines) + END
    assert open_armor(io.BytesIO(text)).read() == value
    assert open_armor(io.BytesIO(text.replace(b"\n", b"\r\n"))).read() == value
    assert open_armor(io.BytesIO(text.rstrip(b"\n"))).read() == value


@pytest.mark.parametrize("step", [1, 47, 48, 49, 100_000])
def test_writer_when_fed_in_pieces_then_the_text_is_the_same(step: int) -> None:
    """How bytes arrive leaves no mark."""
    assert write(make_value(200), step=step) == write(make_value(200))


def test_writer_when_not_closed_then_no_reader_takes_it() -> None:
    """A text that broke off is not taken for whole."""
    text = io.BytesIO()
    ArmorWriter(text).write(make_value(100))

    assert detail_of(text.getvalue()) == "age armor: line"


@pytest.mark.parametrize("step", [1, 5, 100, 70_000])
def test_reader_when_read_in_pieces_then_the_bytes_are_the_same(step: int) -> None:
    """How bytes are asked for leaves no mark."""
    value = make_value(BLOCK_BYTES + 100)
    source = open_armor(io.BytesIO(write(value)))
    pieces = []
    while piece := source.read(step):
        pieces.append(piece)

    assert b"".join(pieces) == value


LINE = b"QUJD" * 16 + b"\n"


@pytest.mark.parametrize(
    ("untrusted", "detail"),
    [
        (b"", "age armor: begin line"),
        (b"age-encryption.org/v1\n", "age armor: begin line"),
        (b"x" + BEGIN + END, "age armor: begin line"),
        (b"x\n" + BEGIN + END, "age armor: begin line"),
        (BEGIN.replace(b"AGE", b"age") + END, "age armor: begin line"),
        (BEGIN[:-1] + b" \n" + END, "age armor: begin line"),
        (BEGIN[:-1] + b"\r\r\n" + END, "age armor: begin line"),
        (BEGIN, "age armor: line"),
        (BEGIN + b"\n" + END, "age armor: line"),
        (BEGIN + b"QUJD", "age armor: line"),
        (BEGIN + LINE[:-1] + b"Q\n" + END, "age armor: line"),
        (BEGIN + LINE[:-1] + b"QUJD\n" + END, "age armor: line"),
        (BEGIN + b"QUJD\n" + LINE + END, "age armor: line"),
        (BEGIN + LINE[:-5] + b"QQ==\n" + LINE + END, "age armor: line"),
        (BEGIN + b" QUJD\n" + END, "age armor: base64"),
        (BEGIN + b"QUJD \n" + END, "age armor: base64"),
        (BEGIN + b"QUJ\n" + END, "age armor: base64"),
        (BEGIN + b"QQ=\n" + END, "age armor: base64"),
        (BEGIN + b"QR==\n" + END, "age armor: base64"),
        (BEGIN + b"Q-JD\n" + END, "age armor: base64"),
        (BEGIN + b"QU=D\n" + END, "age armor: base64"),
        (BEGIN + b"QUJD\n" + END + b"x", "age armor: after the end"),
        (BEGIN + b"QUJD\n" + END + BEGIN + END, "age armor: after the end"),
        (BEGIN + END[:-1] + b" \n", "age armor: line"),
        (BEGIN + END.replace(b"END", b"end"), "age armor: line"),
    ],
)
def test_read_when_the_armor_has_a_defect_then_it_is_refused(untrusted: bytes, detail: str) -> None:
    """Armor has one spelling."""
    assert detail_of(untrusted) == detail


def test_read_when_padding_ends_a_full_block_then_it_is_refused() -> None:
    """Padding within the text is found also where a block of lines ends."""
    full = LINE * 1023 + LINE[:-5] + b"QQ==\n"

    assert detail_of(BEGIN + full + LINE + END) == "age armor: line"


def test_read_when_whitespace_stands_around_then_a_little_is_allowed() -> None:
    """Mail adds empty lines; their number is bounded."""
    text = BEGIN + b"QUJD\n" + END

    for spaces in (b"\n", b" \t\r\n" * (MAX_OUTSIDE_BYTES // 4)):
        assert open_armor(io.BytesIO(spaces + text + spaces)).read() == b"ABC"
    too_much = b"\n" * (MAX_OUTSIDE_BYTES + 1)
    assert detail_of(too_much + text) == "age armor: begin line"
    assert detail_of(b" " * (MAX_OUTSIDE_BYTES + 1) + text) == "age armor: begin line"
    assert detail_of(text + too_much) == "age armor: after the end"


def test_either_when_given_both_kinds_then_both_read_the_same() -> None:
    """A file is read whether it comes armored or not, in any pieces."""
    value = make_value(BLOCK_BYTES + 5000)

    assert open_either(io.BytesIO(value)).read() == value
    assert open_either(io.BytesIO(b"\n" + write(value))).read() == value
    assert open_either(io.BytesIO(b"")).read() == b""


def test_is_armored_when_given_a_start_then_it_tells() -> None:
    """Whitespace before the begin line does not hide it."""
    assert is_armored(BEGIN)
    assert is_armored(b" \r\n\t" + BEGIN)
    assert not is_armored(BEGIN[1:])
    assert not is_armored(b"age-encryption.org/v1\n")
