"""A tip opened by the desk and the same tip opened by age and tar are the same files."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from tipline.desk.opening import open_bundle

ROOT = Path(__file__).resolve().parents[4]
# Opens with npm's age-encryption, as an independent second opinion: FILE KEY OUT.
NODE = """
import { readFileSync, writeFileSync } from "node:fs";
import { Decrypter } from "age-encryption";
const [file, key, out] = process.argv.slice(2);
const decrypter = new Decrypter();
decrypter.addIdentity(readFileSync(key, "ascii").trim());
writeFileSync(out, await decrypter.decrypt(readFileSync(file)));
"""


def tree(directory: Path) -> dict[str, tuple[bytes, int, float]]:
    """Every file with its bytes, its mode and its time."""
    return {
        str(path.relative_to(directory)): (
            path.read_bytes(),
            path.stat().st_mode & 0o777,
            path.stat().st_mtime,
        )
        for path in directory.rglob("*")
        if path.is_file()
    }


def open_with_our_age(envelope: Path, key: Path, out: Path) -> None:
    """`tipline age -d`, with age's own flags."""
    arguments = ["age", "-d", "-i", str(key), "-o", str(out), str(envelope)]
    subprocess.run([sys.executable, "-m", "tipline", *arguments], cwd=ROOT, check=True, timeout=60)


def open_with_npm_age(envelope: Path, key: Path, out: Path) -> None:
    """npm's age-encryption, which shares no code with ours."""
    subprocess.run(
        ["node", "--input-type=module", "-", str(envelope), str(key), str(out)],
        input=NODE.encode(),
        cwd=ROOT,
        check=True,
        timeout=60,
    )


def unpack_with_gnu_tar(payload: Path, directory: Path) -> None:
    """The command of the formats page."""
    subprocess.run(
        ["tar", "-x", "--no-same-owner", "-C", str(directory), "-f", str(payload)],
        check=True,
        timeout=60,
    )


def unpack_with_python(payload: Path, directory: Path) -> None:
    """Python's tarfile, with its filter for data where it has one (3.11.4; Debian 12 has not)."""
    kind = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(payload) as archive:
        archive.extractall(directory, **kind)


@pytest.mark.parametrize("open_age", [open_with_our_age, open_with_npm_age])
@pytest.mark.parametrize("unpack", [unpack_with_gnu_tar, unpack_with_python])
def test_tip_when_opened_by_age_and_tar_then_the_files_are_the_desks(
    line: Any,
    ana: HybridIdentity,
    tmp_path: Path,
    open_age: Callable[[Path, Path, Path], None],
    unpack: Callable[[Path, Path], None],
) -> None:
    """Names, bytes, modes and times are the same, whoever opens and whoever unpacks."""
    files = [("jpg", os.urandom(300_001)), ("txt", b""), ("pdf", b"x" * 512)]
    envelope = line.seal("Señal\nsecond line", files=files, unknown={"future": [1, {"a": None}]})
    vault = line.make_vault(tmp_path)
    outcome = open_bundle(
        io.BytesIO(line.bundle(envelope)),
        vault=vault,
        identities=[ana],
        today=line.draft.valid_from,
    )
    key, sealed, payload = (tmp_path / name for name in ("key", "tip.age", "t.tar"))
    key.write_bytes(ana.format().reveal() + b"\n")
    key.chmod(0o600)
    sealed.write_bytes(envelope)
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()

    open_age(sealed, key, payload)
    unpack(payload, unpacked)

    place = vault.directory / "tips" / outcome.tips[0].id
    assert tree(place) == tree(unpacked)
    assert sorted(tree(place)) == [
        "files/01.jpg", "files/02.txt", "files/03.pdf", "text.txt", "tip.json",
    ]  # fmt: skip
    assert json.loads((place / "tip.json").read_bytes())["future"] == [1, {"a": None}]
