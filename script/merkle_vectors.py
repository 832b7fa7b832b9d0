"""
The vectors of transparency-dev/merkle, from Debian's copy of its source.

They are somebody else's (Apache License 2.0), so they are not in this repository: this fetches them
once into a folder that git ignores. What comes is checked against a pinned hash, so it does not
matter who gave it. Standard library only.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

NAME: Final = "golang-github-transparency-dev-merkle_0.0.2.orig.tar.gz"
SHA256: Final = "40158024e4a723ba40f721b0c2483edf34a9578b3adb13524bea83053063d0ba"
POOL: Final = "pool/main/g/golang-github-transparency-dev-merkle"
# The second keeps what Debian once had, for the day on which the first has a newer version.
SOURCES: Final = (
    f"http://deb.debian.org/debian/{POOL}/{NAME}",
    f"http://snapshot.debian.org/archive/debian/20250901T000000Z/{POOL}/{NAME}",
)
MAX_BYTES: Final = 1 << 20  # it has 126 KiB
WAIT_SECONDS: Final = 60.0


class VectorsError(Exception):
    """No source gave the file that is wanted."""


def fetch_vectors(folder: Path) -> Path:
    """
    Put the vectors into a folder, unless they are there.

    Args:
        folder: Made if it is missing.

    Returns:
        The archive.

    Raises:
        VectorsError: no source gave it.
    """
    target = folder / NAME
    if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == SHA256:
        return target
    tried: list[str] = []
    for source in SOURCES:
        try:
            with urllib.request.urlopen(source, timeout=WAIT_SECONDS) as answer:  # noqa: S310
                data = answer.read(MAX_BYTES)
        except (urllib.error.URLError, OSError) as exc:
            tried.append(f"{source}: {exc}")
            continue
        if hashlib.sha256(data).hexdigest() != SHA256:
            tried.append(f"{source}: another file")
            continue
        folder.mkdir(exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(target)
        return target
    raise VectorsError("\n".join(tried))


if __name__ == "__main__":
    try:
        fetch_vectors(Path(sys.argv[1]))
    except VectorsError as exc:
        sys.exit(f"the Merkle tree's vectors cannot be fetched:\n{exc}")
