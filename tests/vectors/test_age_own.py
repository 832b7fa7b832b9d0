"""Our own age vectors: one valid file, and files with exactly one defect each."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest

from crypto.age.file import open_
from crypto.age.hybrid import HybridIdentity
from crypto.errors import CryptoError
from crypto.secret import Secret

VECTORS = json.loads((Path(__file__).parent / "age_own.json").read_text())
PLAIN = b"One tip, two chunks of thought.\n"


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vector_when_opened_then_it_has_its_outcome(vector: dict[str, str]) -> None:
    """A file with one defect is refused for that defect, and releases nothing."""
    identity = HybridIdentity.parse(Secret(vector["identity"].encode()))
    released = io.BytesIO()
    source = io.BytesIO(base64.b64decode(vector["file"]))
    if vector["expect"] == "success":
        open_(source, released, identities=[identity])
        assert released.getvalue() == PLAIN
        return

    with pytest.raises(CryptoError) as caught:
        open_(source, released, identities=[identity])

    assert caught.value.code == vector["expect"]
    assert released.getvalue() == b""


def test_vectors_when_listed_then_each_names_its_source_and_one_defect() -> None:
    """A vector says where it comes from and what is wrong with it."""
    assert len({vector["defect"] for vector in VECTORS}) == len(VECTORS) == 12
    assert all(vector["source"] for vector in VECTORS)
