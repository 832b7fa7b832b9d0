"""
The filters that PDF writes streams with, undone within bounds.

Only what has to be read is decoded: what draws, tables, fonts. Pixels are not. Whatever a stream
claims of itself, no more than `Budget` allows comes out of all of them together, or goes in.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError

MAX_DECODED_BYTES: Final = 64 * 1024 * 1024  # a map of a town drawn in lines has about ten
MAX_FILTERS: Final = 8  # of one stream; two are common
LZW_WORK: Final = 4  # a byte of it takes as long as so many others
_INPUT_BYTES: Final = 16 * 1024
_STEP_BYTES: Final = 256 * 1024
_WHITE: Final = bytes([0, 9, 10, 12, 13, 32])

ABBREVIATIONS: Final = {
    "A85": "ASCII85Decode",
    "AHx": "ASCIIHexDecode",
    "CCF": "CCITTFaxDecode",
    "DCT": "DCTDecode",
    "Fl": "FlateDecode",
    "LZW": "LZWDecode",
    "RL": "RunLengthDecode",
}
Parameters = Mapping[str, int]


class Budget:
    """
    What may be decoded of one file.

    Args:
        left_bytes: In all.
    """

    def __init__(self, left_bytes: int = MAX_DECODED_BYTES) -> None:
        self.left_bytes = left_bytes

    def spend(self, count: int) -> None:
        """
        Note that something was decoded.

        Args:
            count: Of its bytes.

        Raises:
            RefusedError: it is too much.
        """
        self.left_bytes -= count
        if self.left_bytes < 0:
            raise RefusedError(Reason.TOO_COMPLEX)


def decode_filters(
    untrusted: bytes, filters: Sequence[tuple[str, Parameters]], budget: Budget
) -> bytes:
    """
    Undo filters.

    Args:
        untrusted: As it lies in the file.
        filters: Their names and parameters, the first to be undone first.
        budget: Is spent on what comes out of each filter, or goes into it if that is more.

    Returns:
        The decoded bytes.

    Raises:
        RefusedError: a filter is not known, its data is broken from the beginning, or swells.
    """
    if len(filters) > MAX_FILTERS:
        raise RefusedError(Reason.TOO_COMPLEX)
    data = untrusted
    for name, parameters in filters:
        before_len = len(data)
        match name:
            case "FlateDecode":
                data = _undo_predictor(_inflate(data, budget), parameters)
            case "LZWDecode":
                budget.spend(LZW_WORK * before_len)
                data = _undo_predictor(_decode_lzw(data, parameters, budget), parameters)
            case "ASCII85Decode":
                data = _decode_base85(data)
            case "ASCIIHexDecode":
                data = _decode_hex(data)
            case "RunLengthDecode":
                data = _decode_runs(data, budget)
            case _:
                raise RefusedError(Reason.UNSUPPORTED)
        # What becomes nothing takes time as well, and so does what lies between two filters.
        budget.spend(max(before_len, len(data)))
    if not filters:
        budget.spend(len(data))
    return data


def deflate(data: bytes) -> bytes:
    """
    Compress, always in the same way.

    Args:
        data: Of any length.

    Returns:
        A zlib stream.
    """
    return zlib.compress(data, 9)


def measure_deflated(untrusted: bytes | memoryview, budget: Budget) -> int:
    """
    Measure a zlib stream without keeping what comes out of it.

    Args:
        untrusted: Begins with it.
        budget: Is spent.

    Returns:
        Where it ends; the end of all if it is cut.

    Raises:
        RefusedError: it is none, or swells.
    """
    end = 0
    try:
        for part, end in _inflate_parts(untrusted):  # noqa: B007  # the last one is what is asked
            budget.spend(len(part))
    except zlib.error as exc:
        raise RefusedError(Reason.MALFORMED) from exc
    return end


def _inflate(data: bytes, budget: Budget) -> bytes:
    parts: list[bytes] = []
    length = 0
    try:
        for part, _ in _inflate_parts(data):
            length += len(part)
            if length > budget.left_bytes:
                raise RefusedError(Reason.TOO_COMPLEX)
            parts.append(part)
    except zlib.error as exc:
        # Programs that show it take what came before.
        if not parts:
            raise RefusedError(Reason.MALFORMED) from exc
    return b"".join(parts)


def _inflate_parts(data: bytes | memoryview) -> Iterator[tuple[bytes, int]]:
    """List what comes out of a zlib stream, a little at a time, and how much went in for it."""
    inflater = zlib.decompressobj()
    for start in range(0, len(data), _INPUT_BYTES):
        rest: bytes | memoryview = data[start : start + _INPUT_BYTES]
        end = start + len(rest)
        # What a step leaves of its input is small, so giving it back is cheap.
        while rest and not inflater.eof:
            part = inflater.decompress(rest, _STEP_BYTES)
            rest = inflater.unconsumed_tail
            # At the end both may hold what lies behind it.
            yield part, end - len(inflater.unused_data if inflater.eof else rest)
        if inflater.eof:
            return


def _decode_base85(data: bytes) -> bytes:
    plain = data.translate(None, _WHITE).partition(b"~")[0]
    try:
        return base64.a85decode(plain)
    except ValueError as exc:
        raise RefusedError(Reason.MALFORMED) from exc


def _decode_hex(data: bytes) -> bytes:
    digits = data.translate(None, _WHITE).partition(b">")[0]
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error as exc:
        raise RefusedError(Reason.MALFORMED) from exc


def _decode_runs(data: bytes, budget: Budget) -> bytes:
    out = bytearray()
    position = 0
    while position < len(data) and (length := data[position]) != 128:
        if length < 128:
            out += data[position + 1 : position + 2 + length]
            position += 2 + length
        else:
            out += data[position + 1 : position + 2] * (257 - length)
            position += 2
        if len(out) > budget.left_bytes:
            raise RefusedError(Reason.TOO_COMPLEX)
    return bytes(out)


def _decode_lzw(data: bytes, parameters: Parameters, budget: Budget) -> bytes:
    early = 1 if parameters.get("EarlyChange", 1) else 0
    first = [bytes([value]) for value in range(256)] + [b"", b""]
    table, out = first, bytearray()
    width, bits, bit_len, before = 9, 0, 0, b""
    for value in data:
        bits, bit_len = (bits << 8 | value) & 0xFFFFFF, bit_len + 8
        if bit_len < width:
            continue
        bit_len -= width
        code = bits >> bit_len & (1 << width) - 1
        if code == 257:
            break
        if code == 256:
            del table[258:]
            width, before = 9, b""
            continue
        if code < len(table):
            entry = table[code]
        elif code == len(table) and before:
            entry = before + before[:1]
        else:
            break  # broken: programs that show it take what came before
        out += entry
        if len(out) > budget.left_bytes:
            raise RefusedError(Reason.TOO_COMPLEX)
        if before and len(table) < 4096:
            table.append(before + entry[:1])
        before = entry
        width = min(12, max(9, (len(table) + early).bit_length()))
    return bytes(out)


# --- predictors ---------------------------------------------------------------------------------


def _undo_predictor(data: bytes, parameters: Parameters) -> bytes:
    predictor = parameters.get("Predictor", 1)
    if predictor < 2:
        return data
    colors, bits = parameters.get("Colors", 1), parameters.get("BitsPerComponent", 8)
    columns = parameters.get("Columns", 1)
    if not (0 < colors <= 32 and bits in (1, 2, 4, 8, 16) and 0 < columns <= len(data) * 8 + 8):
        raise RefusedError(Reason.MALFORMED)
    if predictor < 10 and bits != 8:
        raise RefusedError(Reason.UNSUPPORTED)
    step, row_bytes = (colors * bits + 7) // 8, (columns * colors * bits + 7) // 8
    out, before = bytearray(), bytes(row_bytes)
    stride = row_bytes + (predictor >= 10)
    for start in range(0, len(data), stride):
        row = data[start : start + stride]
        # TIFF's only predictor is the first of PNG's.
        kind, row = (row[0], row[1:]) if predictor >= 10 else (1, row)
        before = _undo_row(kind, bytearray(row.ljust(row_bytes, b"\0")), before, step)
        out += before[: len(row)]
    return bytes(out)


def _undo_row(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    if kind == 0:
        return bytes(row)
    for i, value in enumerate(row):
        left = row[i - step] if i >= step else 0
        corner = above[i - step] if i >= step else 0
        match kind:
            case 1:
                guess = left
            case 2:
                guess = above[i]
            case 3:
                guess = (left + above[i]) // 2
            case 4:
                guess = _choose_nearest(left, above[i], corner)
            case _:
                raise RefusedError(Reason.MALFORMED)
        row[i] = (value + guess) & 0xFF
    return bytes(row)


def _choose_nearest(left: int, up: int, corner: int) -> int:
    estimate = left + up - corner
    distances = (abs(estimate - left), abs(estimate - up), abs(estimate - corner))
    return (left, up, corner)[distances.index(min(distances))]
