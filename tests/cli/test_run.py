"""`script/run --check`: the main job once, unattended."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tipline.demonstration.photo import label_photo, make_photo

ROOT = Path(__file__).parents[2]
TEXT = "Una señal: the survey was never signed.\r\n\tE isso é tudo. 🌉\n"
STEPS = [
    "isolation",
    "network",
    "line",
    "service",
    "sent",
    "pulled",
    "opened",
    "compared",
    "searched",
    "kept",
]
# Another age than ours: the npm package, by its own documentation.
OPEN_WITH_NPM_AGE = """
import { Decrypter } from "age-encryption";
import { readFileSync, writeFileSync } from "node:fs";
const [directory, out] = process.argv.slice(1);
const key = readFileSync(`${directory}/key`, "utf8").split("\\n").find((it) => it[0] === "A");
const decrypter = new Decrypter();
decrypter.addIdentity(key);
writeFileSync(out, await decrypter.decrypt(readFileSync(`${directory}/tip.age`)));
"""


def run(*arguments: str, seconds: int = 300) -> subprocess.CompletedProcess[str]:
    """Run `script/run` as a person would, in English."""
    return subprocess.run(
        [ROOT / "script/run", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LANGUAGE": "en"},
        timeout=seconds,
    )


@pytest.mark.onion
def test_check_when_the_caller_brings_text_and_file_opens_what_was_sent(tmp_path: Path) -> None:
    """It ends with 0, and another age and another tar open what it left to the same bytes."""
    text, photo, kept = tmp_path / "in.txt", tmp_path / "bridge é.jpg", tmp_path / "kept"
    text.write_bytes(TEXT.encode())
    clean = make_photo(width_pixels=800)
    photo.write_bytes(label_photo(clean))
    done = run("--check", "--json", "--text", text, "--file", photo, "--keep", kept)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    # A machine that is busy may need the network twice; each try is said.
    assert [step["step"] for step in steps if step["step"] != "retry"] == STEPS
    assert all(step["seconds"] >= 0 for step in steps)

    tar, opened = tmp_path / "t.tar", tmp_path / "t"
    opened.mkdir()
    node = ["node", "--input-type=module", "--eval", OPEN_WITH_NPM_AGE, str(kept), str(tar)]
    subprocess.run(node, check=True, cwd=ROOT)
    subprocess.run(["tar", "-x", "--no-same-owner", "-C", str(opened), "-f", str(tar)], check=True)
    assert (opened / "text.txt").read_bytes() == TEXT.encode()
    assert (opened / "originals/01.jpg").read_bytes() == photo.read_bytes()
    assert (opened / "files/01.jpg").read_bytes() == clean
    files = {path.relative_to(opened) for path in opened.rglob("*") if path.is_file()}
    assert files == {
        path.relative_to(kept / "opened") for path in (kept / "opened").rglob("*") if path.is_file()
    }
    for path in files:
        assert (opened / path).read_bytes() == (kept / "opened" / path).read_bytes()
    assert (kept / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (["--check", "--text", "/nonexistent/text"], 46, "/nonexistent/text"),
        (["--check", "--file", "/nonexistent/file"], 46, "/nonexistent/file"),
        (["--check", "--file", "/"], 46, "/: "),
        (["--check", "--keep", "/proc/nonexistent"], 46, "/proc/nonexistent"),
        (["--check", "--keep", str(ROOT)], 2, "is not empty"),
        (["--check", "--text", "/dev/null"], 2, "holds no text"),
        (["--keep", "/tmp/x"], 2, "--check"),
        (["--wrong"], 2, "--wrong"),
    ],
)
def test_check_when_called_wrongly_says_what_is_wrong(
    arguments: list[str], exit_code: int, says: str
) -> None:
    """A plain error that names the thing, before anything is started."""
    done = run(*arguments)
    assert done.returncode == exit_code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
