"""Whatever a gateway sends: it is refused, or every message in it can be kept and sealed."""

from __future__ import annotations

from pathlib import Path

import pytest

import fuzz.gateways
from fuzz.gateways import check, read_seeds, run


def test_seeds_when_nothing_is_damaged_then_each_is_taken() -> None:
    """The fuzzing begins with what is valid, of every kind."""
    refused = [seed.split(b"\n")[0] for seed in read_seeds(None) if not check(seed)]
    assert refused == []


def test_gateways_when_requests_are_damaged_then_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short run of the fuzzing, the same one each time."""
    monkeypatch.chdir(tmp_path)
    cases, taken = run(read_seeds(None), seed=1, cases=4_000)
    assert cases == 4_000
    assert 400 < taken < 3_600  # both ways were gone


@pytest.mark.long
def test_gateways_when_requests_are_damaged_for_long_then_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten minutes of it."""
    monkeypatch.chdir(tmp_path)
    assert run(read_seeds(None), seed=2, seconds=600)[0] > 100_000


def test_fuzzing_when_a_guard_is_missing_then_it_is_found_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fuzzing can fail, and leaves the case behind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fuzz.gateways, "mend_text", lambda untrusted: untrusted)
    with pytest.raises(Exception, match="utf-8"):
        run(read_seeds(None), seed=1, cases=4_000)
    (kept,) = tmp_path.iterdir()
    assert kept.name.startswith("finding-")
