"""Our own vectors of the formats: each has its outcome, and exactly one defect."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from crypto.bundle import verify_index
from crypto.errors import CryptoError, ForeignError
from crypto.keyset import verify_keyset
from crypto.note import Verifier
from crypto.payload import read_tip_payload
from crypto.strict import parse_day

VECTORS = json.loads((Path(__file__).parent / "formats_own.json").read_text())


def judge(vector: dict[str, Any]) -> object:
    """Hand a vector to the reader of its format."""
    untrusted = base64.b64decode(vector["input"])
    if vector["format"] == "payload":
        return read_tip_payload(io.BytesIO(untrusted.ljust(vector["length"], b"\0")))
    root = Verifier.parse(vector["root"])
    if vector["format"] == "index":
        return verify_index(untrusted, root=root, envelopes_end=vector["envelopes_end"])
    return verify_keyset(
        untrusted, root=root, today=parse_day(vector["today"]), seen=vector["seen"]
    )


@pytest.mark.parametrize(
    "vector", VECTORS, ids=[f"{vector['format']}-{vector['name']}" for vector in VECTORS]
)
def test_vector_when_judged_then_it_has_its_outcome(vector: dict[str, Any]) -> None:
    """What is valid is read; what has a defect is refused for that defect."""
    if vector["expect"] == "success":
        assert judge(vector)
        return

    with pytest.raises(CryptoError) as caught:
        judge(vector)
    error = caught.value
    assert (error.detail if isinstance(error, ForeignError) else error.code) == vector["expect"]


def test_vectors_when_listed_then_each_names_its_source_and_its_defect() -> None:
    """A vector says where it comes from and what is wrong with it."""
    assert len(VECTORS) == 36
    assert len({(vector["format"], vector["defect"]) for vector in VECTORS}) == len(VECTORS)
    assert all(vector["source"] for vector in VECTORS)
    assert {vector["format"] for vector in VECTORS} == {"keyset", "payload", "index"}
