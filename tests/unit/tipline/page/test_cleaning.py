"""What the page's cleaning has of its own: it reads by windows and copies nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.page_cleaning import run_page_cleaning
from tests.pictures import DHT, DQT, EOI, SOI, make_frame, make_jpeg, make_png, make_scan, segment

ROOT = Path(__file__).resolve().parents[4]
KIB = 1024

# Plans a file on disk; says how much memory that took, and what the cleaned file begins with.
MEASURE = """
import { openAsBlob } from "node:fs";
import { build } from "esbuild";
const { outputFiles } = await build({
  entryPoints: ["tipline/page/src/cleaning/clean.ts"], bundle: true, format: "esm", write: false,
});
const encoded = Buffer.from(outputFiles[0].contents).toString("base64");
const { CleanedFile, planCleaning } = await import(`data:text/javascript;base64,${encoded}`);
const file = await openAsBlob(process.argv[1]);
await planCleaning(new Blob(["warm"])).catch(() => undefined);
gc();
const before = process.memoryUsage().rss;
let most = 0;
const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().rss - before); }, 20);
const plan = await planCleaning(file);
clearInterval(watch);
const cleaned = new CleanedFile(plan, file);
const head = Buffer.from(await cleaned.slice(0, 4).arrayBuffer()).toString("hex");
gc();
const kept = process.memoryUsage().rss - before;
console.log(JSON.stringify({ kinds: plan.kinds, length: cleaned.size, head, most, kept }));
"""


def measure(path: Path) -> dict[str, Any]:
    """Plan a file in node, and say what it took."""
    command = ["node", "--expose-gc", "--input-type=module", "-e", MEASURE, str(path)]
    answer: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
    return answer


@pytest.mark.parametrize("format_name", ["jpeg", "png"])
def test_page_when_the_file_has_a_gigabyte_then_memory_does_not_grow_with_it(
    format_name: str, tmp_path: Path
) -> None:
    """Windows of at most 1 MiB, and nothing is kept; what is in flight waits for the collector."""
    length = 1024**3
    if format_name == "jpeg":
        head = SOI + segment(0xFE, b"by Ana") + DQT + make_frame() + DHT + make_scan()
        tail = EOI
    else:
        picture = make_png(pixels=b"")
        head = picture[:-12] + (length - len(picture) - 12).to_bytes(4, "big") + b"IDAT"
        tail = bytes(4) + picture[-12:]
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(head)
        file.seek(length - len(tail))
        file.write(tail)

    told = measure(path)

    assert told["head"] == head[:2].hex() + ("ffe0" if format_name == "jpeg" else head[2:4].hex())
    assert length - 100 < told["length"] <= length + 20
    assert told["most"] < 128 * 1024**2
    assert told["kept"] < 64 * 1024**2


def test_page_when_a_marker_lies_at_the_end_of_a_window_then_it_is_found() -> None:
    """Wherever a window is cut: fill bytes, stuffing and markers are what they are."""
    head = make_jpeg(scans=[])[:-2] + make_scan()
    ends = [128 * KIB, 384 * KIB, 896 * KIB, 1920 * KIB]
    with run_page_cleaning() as page:
        # Each window begins with the last byte of the one before, so that it ends a little earlier.
        for length in [end + shift for end in ends for shift in range(-12, 4)]:
            scan = b"\x0f" * (length - len(head)) + b"\xff\0\xff\xd0\x0f"

            answer = page.clean(head + scan + b"\xff\xff\xff\xd9" + b"film")

            assert answer["kinds"] == ["trailing", "other"]
            assert answer["length"] == length + 5 + 2


def test_page_when_the_file_changes_meanwhile_then_no_half_file_comes_of_it(
    tmp_path: Path,
) -> None:
    """What Blob says of a file that changed is not taken for a refusal."""
    path = tmp_path / "photo"
    path.write_bytes(make_jpeg())
    script = MEASURE.replace(
        "const plan = await planCleaning(file);",
        'import { appendFileSync } from "node:fs";\n'
        'appendFileSync(process.argv[1], "x");\n'
        "const plan = await planCleaning(file);",
    )
    command = ["node", "--expose-gc", "--input-type=module", "-e", script, str(path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode != 0
    assert "NotReadableError" in done.stderr or "could not be read" in done.stderr
