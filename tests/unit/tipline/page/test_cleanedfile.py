"""A cleaned file, read part by part: the same bytes wherever it is cut, and few reads."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
KIB = 1024
WINDOW_BYTES = 1024 * KIB
PART_BYTES = 256 * KIB

# Reads a cleaned file out in parts, of a file that is counted, and cut if that is said; then into a
# tar. A source that is cut answers less than was asked for, as no browser should.
DRIVER = """
import { readFileSync } from "node:fs";
import { build } from "esbuild";
const { outputFiles } = await build({
  stdin: {
    contents: `export { CleanedFile } from "./cleaning/cleanedfile.js";
               export { readPayload } from "./tar.js";`,
    resolveDir: "tipline/page/src",
  },
  bundle: true, format: "esm", write: false,
});
const encoded = Buffer.from(outputFiles[0].contents).toString("base64");
const { CleanedFile, readPayload } = await import(`data:text/javascript;base64,${encoded}`);
const { pieces, hex, partBytes, cutAt, asTar } = JSON.parse(readFileSync(0, "utf8"));
const data = new Blob([Buffer.from(hex, "hex")]);
const reads = [];
const file = {
  slice(start, end) {
    reads.push([start, end]);
    return data.slice(start, Math.min(end, cutAt ?? end));
  },
};
const content = new CleanedFile({ pieces: pieces.map((piece) =>
  typeof piece === "string" ? new Uint8Array(Buffer.from(piece, "hex"))
    : { offset: piece[0], lengthBytes: piece[1] }) }, file);
const parts = [];
let refused;
try {
  if (asTar) for await (const part of readPayload([{ name: "a", content }], 1)) parts.push(part);
  else for (let at = 0; at < content.size; at += partBytes) {
    const end = Math.min(at + partBytes, content.size);
    parts.push(Buffer.from(await content.slice(at, end).arrayBuffer()));
  }
} catch (error) {
  if (error.reason === undefined) throw error;
  refused = error.reason;
}
const out = Buffer.concat(parts).toString("hex");
console.log(JSON.stringify({ size: content.size, reads, refused, out }));
"""

Piece = bytes | tuple[int, int]


def read_out(
    pieces: Sequence[Piece], data: bytes, *, part_bytes: int = PART_BYTES, **more: Any
) -> dict[str, Any]:
    """Read a cleaned file out; returns its size, the reads, the bytes, and why it was refused."""
    asked = {
        "pieces": [piece.hex() if isinstance(piece, bytes) else piece for piece in pieces],
        "hex": data.hex(),
        "partBytes": part_bytes,
        **more,
    }
    command = ["node", "--input-type=module", "-e", DRIVER]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(asked), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    answer["out"] = bytes.fromhex(answer["out"])
    return answer


def put_together(pieces: Sequence[Piece], data: bytes) -> bytes:
    """What comes of pieces."""
    return b"".join(
        piece if isinstance(piece, bytes) else data[piece[0] : piece[0] + piece[1]]
        for piece in pieces
    )


def make_bytes(length: int) -> bytes:
    """Bytes of which no part is like another, the same in every run."""
    return random.Random(7).randbytes(length)


@pytest.mark.parametrize("part_bytes", [1, 2, 7, 64, 1000])
def test_cleaned_file_when_cut_anywhere_then_it_is_the_same(part_bytes: int) -> None:
    """Forwards, backwards, over each other, beside each other, with and without new bytes."""
    data = make_bytes(400)
    pieces: list[Piece] = [
        b"head", (100, 50), (150, 1), b"", b"\0", (20, 70), (0, 10), (5, 30), (399, 1), b"tail",
    ]  # fmt: skip

    told = read_out(pieces, data, part_bytes=part_bytes)

    assert told["out"] == put_together(pieces, data)
    assert told["size"] == len(told["out"])


def test_cleaned_file_when_it_has_as_many_pieces_as_a_plan_may_have_then_few_reads_do() -> None:
    """What lies near each other costs one read, and no byte is read twice."""
    data = make_bytes(65_536 * 36)
    pieces = [(at, 16) for at in range(0, len(data), 36)]

    told = read_out(pieces, data)

    assert told["out"] == put_together(pieces, data)
    assert len(told["reads"]) == 4  # parts of 256 KiB
    assert sum(end - start for start, end in told["reads"]) <= len(data)


def test_cleaned_file_when_its_pieces_lie_backwards_then_few_reads_do() -> None:
    """The strips of a TIFF may stand in any order."""
    data = make_bytes(1000 * 200)
    pieces = [(at, 90) for at in reversed(range(0, len(data), 200))]

    told = read_out(pieces, data)

    assert told["out"] == put_together(pieces, data)
    assert len(told["reads"]) == 1


@pytest.mark.parametrize("step", [1, -1])
def test_cleaned_file_when_its_pieces_lie_far_from_each_other_then_nothing_else_is_read(
    step: int,
) -> None:
    """A large hole costs more than another read."""
    data = make_bytes(2 * WINDOW_BYTES)
    pieces = [(at, 100) for at in range(0, len(data), 66 * KIB)][::step]

    told = read_out(pieces, data)

    assert told["out"] == put_together(pieces, data)
    assert told["reads"] == [[start, start + length] for start, length in pieces]


def test_cleaned_file_when_pieces_are_longer_than_a_window_then_no_read_is() -> None:
    """Memory is one window beside the part that is asked for, however long that is."""
    data = make_bytes(3 * WINDOW_BYTES)
    pieces: list[Piece] = [(1, 2 * WINDOW_BYTES), b"between", (2 * WINDOW_BYTES + 9, 500_000)]

    told = read_out(pieces, data, part_bytes=4 * WINDOW_BYTES)

    assert told["out"] == put_together(pieces, data)
    assert max(end - start for start, end in told["reads"]) == WINDOW_BYTES


def test_cleaned_file_when_near_pieces_fill_a_window_then_the_next_begins() -> None:
    """Holes below the bound do not add up to a read of any length."""
    data = make_bytes(3 * WINDOW_BYTES)
    pieces = [(at, 1000) for at in range(0, len(data) - 1000, 40 * KIB)]

    told = read_out(pieces, data)

    assert told["out"] == put_together(pieces, data)
    assert max(end - start for start, end in told["reads"]) <= WINDOW_BYTES
    assert len(told["reads"]) <= 4


@pytest.mark.parametrize("pieces", [[(0, 5000)], [b"head", (0, 100), (110, 4890)]])
def test_cleaned_file_when_the_source_is_cut_meanwhile_then_it_is_refused(
    pieces: list[Piece],
) -> None:
    """What is not there is not filled up, and what stands behind does not move."""
    data = make_bytes(5000)

    assert read_out(pieces, data, cutAt=4999)["refused"] == "truncated"
    assert read_out(pieces, data, cutAt=4999, asTar=True)["refused"] == "file"
    assert "refused" not in read_out(pieces, data, cutAt=5000)
