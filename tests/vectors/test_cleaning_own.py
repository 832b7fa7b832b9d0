"""Our own vectors of cleaning: what every program that keeps the rules makes of a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.documents import digest_cleaned
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.plan import Format, Kind, write_cleaned

VECTORS = {
    f"{path.stem}-{vector['name']}": vector
    for path in sorted((Path(__file__).parent / "cleaning").glob("*.json"))
    for vector in json.loads(path.read_text())
}


def make_input(vector: dict[str, Any]) -> bytes:
    """Put a vector's input together."""
    return b"".join(bytes.fromhex(part["hex"]) * part.get("times", 1) for part in vector["input"])


@pytest.mark.parametrize("name", VECTORS)
def test_vector_when_cleaned_then_it_has_its_outcome(name: str) -> None:
    """The same bytes, kinds and reasons, on every machine and in every language."""
    vector = VECTORS[name]
    source, out = io.BytesIO(make_input(vector)), io.BytesIO()
    if "refused" in vector:
        with pytest.raises(RefusedError) as caught:
            plan_cleaning(source)
        assert caught.value.reason == vector["refused"]
        return

    plan = plan_cleaning(source)
    write_cleaned(plan, source, out)

    assert (plan.format, list(plan.kinds)) == (vector["format"], vector["kinds"])
    assert digest_cleaned(out.getvalue()) == (vector["output_len"], vector["output_sha256"])


def test_vectors_when_counted_then_every_format_kind_and_reason_has_one() -> None:
    """Whoever fulfils them has met every word of a report."""
    kinds = {kind for vector in VECTORS.values() for kind in vector.get("kinds", ())}
    reasons = {vector["refused"] for vector in VECTORS.values() if "refused" in vector}

    assert {vector["format"] for vector in VECTORS.values() if "format" in vector} == {*Format}
    assert kinds == {*Kind}
    assert reasons == {*Reason}
