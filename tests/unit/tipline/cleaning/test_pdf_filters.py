"""The filters of PDF: undone as others do, and never into more than is allowed."""

from __future__ import annotations

import base64
import zlib

import pytest

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_filters import Budget, Parameters, decode_filters, measure_deflated

TEXT = b"-----A---B" * 3
# ISO 32000-1, 7.4.4.2, example 1.
LZW = bytes([0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01])


def decode(data: bytes, name: str, **parameters: int) -> bytes:
    """Undo one filter."""
    return decode_filters(data, [(name, parameters)], Budget())


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("FlateDecode", zlib.compress(TEXT), TEXT),
        ("FlateDecode", zlib.compress(TEXT)[:-4], TEXT),
        ("FlateDecode", b"", b""),
        ("LZWDecode", LZW, b"-----A---B"),
        ("ASCII85Decode", base64.a85encode(TEXT) + b"~>hidden", TEXT),
        ("ASCIIHexDecode", b"2D 2d\n7>hidden", b"--p"),
        ("RunLengthDecode", b"\2abc\xfed\x80hidden", b"abcddd"),
    ],
)
def test_filter_when_data_is_coded_then_it_is_decoded(
    name: str, data: bytes, expected: bytes
) -> None:
    """Up to the end that the coding itself marks."""
    assert decode(data, name) == expected


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("FlateDecode", b"xyz", Reason.MALFORMED),
        ("ASCII85Decode", b"v\x80~>", Reason.MALFORMED),
        ("ASCIIHexDecode", b"zz>", Reason.MALFORMED),
        ("DCTDecode", b"", Reason.UNSUPPORTED),
        ("Ana", b"", Reason.UNSUPPORTED),
    ],
)
def test_filter_when_data_is_broken_then_it_is_refused(
    name: str, data: bytes, reason: Reason
) -> None:
    """From its beginning, or by a filter that is not for texts."""
    with pytest.raises(RefusedError) as caught:
        decode(data, name)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("FlateDecode", zlib.compress(bytes(9_999))),
        ("RunLengthDecode", b"\x81a" * 100),
        ("LZWDecode", LZW),
        ("ASCIIHexDecode", b"00" * 9),
    ],
)
def test_filter_when_there_is_no_budget_then_it_is_refused(name: str, data: bytes) -> None:
    """Before it lies in memory."""
    with pytest.raises(RefusedError) as caught:
        decode_filters(data, [(name, {})], Budget(8))

    assert caught.value.reason == Reason.TOO_COMPLEX


@pytest.mark.parametrize(
    ("coded", "parameters", "expected"),
    [
        (b"\1\1\1\1\2\3\0\0", {"Predictor": 15, "Columns": 3}, b"\1\2\3\4\2\3"),
        (b"\0\1\2\2\1\1", {"Predictor": 12, "Columns": 2}, b"\1\2\2\3"),
        (b"\0\4\4\3\2\2", {"Predictor": 13, "Columns": 2}, b"\4\4\4\6"),
        (b"\0\4\4\4\1\1", {"Predictor": 14, "Columns": 2}, b"\4\4\5\6"),
        (b"\1\1\1\1", {"Predictor": 2, "Columns": 2}, b"\1\2\1\2"),
        (b"\1\1\1\1\1\1", {"Predictor": 2, "Columns": 1, "Colors": 3}, b"\1\1\1\1\1\1"),
    ],
)
def test_predictor_when_it_was_used_then_it_is_undone(
    coded: bytes, parameters: Parameters, expected: bytes
) -> None:
    """PNG's five, and TIFF's one."""
    assert decode(zlib.compress(coded), "FlateDecode", **parameters) == expected


@pytest.mark.parametrize(
    ("coded", "parameters", "reason"),
    [
        (b"\5\1", {"Predictor": 15}, Reason.MALFORMED),
        (b"\1\1", {"Predictor": 15, "Colors": 0}, Reason.MALFORMED),
        (b"\1\1", {"Predictor": 15, "Columns": 2**31}, Reason.MALFORMED),
        (b"\1\1", {"Predictor": 2, "BitsPerComponent": 4}, Reason.UNSUPPORTED),
    ],
)
def test_predictor_when_it_is_none_then_it_is_refused(
    coded: bytes, parameters: Parameters, reason: Reason
) -> None:
    """What it claims is not believed."""
    with pytest.raises(RefusedError) as caught:
        decode(zlib.compress(coded), "FlateDecode", **parameters)

    assert caught.value.reason == reason


def test_measure_when_something_lies_behind_then_it_is_not_counted() -> None:
    """Short or longer than a step; a cut one goes on to the end."""
    for data in (b"x", bytes(range(256)) * 4_000):
        coded = zlib.compress(data)
        assert measure_deflated(coded + b"hidden", Budget()) == len(coded)
        assert measure_deflated(coded[:-5], Budget()) == len(coded) - 5
    with pytest.raises(RefusedError):
        measure_deflated(b"hidden", Budget())
    with pytest.raises(RefusedError):
        measure_deflated(zlib.compress(bytes(100)), Budget(99))


@pytest.mark.parametrize(
    "filters",
    [
        [("ASCIIHexDecode", b" " * 99)],
        [("LZWDecode", bytes([0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1, 0]) * 11)],
        [("FlateDecode", zlib.compress(b" " * 99)), ("ASCIIHexDecode", b"")],
    ],
)
def test_filter_when_nothing_comes_out_then_it_costs_what_went_in(
    filters: list[tuple[str, bytes]],
) -> None:
    """Streams of one file are decoded again for each page that shows them."""
    named: list[tuple[str, Parameters]] = [(name, {}) for name, _ in filters]

    assert decode_filters(filters[0][1], named, Budget(999)) == b""
    with pytest.raises(RefusedError) as caught:
        decode_filters(filters[0][1], named, Budget(98))
    assert caught.value.reason == Reason.TOO_COMPLEX
