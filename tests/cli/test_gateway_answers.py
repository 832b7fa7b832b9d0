"""`tipline gateway answers`: the key to which the desk seals answers by phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.age.hybrid import HybridRecipient
from tests.cli.test_operations import make_line, run
from tipline.answer_key import load_answer_key


@pytest.fixture
def line(tmp_path: Path) -> Path:
    """A line with a keyset."""
    make_line(tmp_path / "line")
    return tmp_path / "line"


def test_answers_when_asked_for_then_the_key_is_made_once_and_its_recipient_printed(
    line: Path,
) -> None:
    """The first call makes it, the next ones print the same; the private half is never shown."""
    code, out, err = run("gateway", "answers", line)

    assert (code, err) == (0, "give this recipient to the desk: tipline desk keyset --answers\n")
    identity = load_answer_key(line)
    assert identity is not None
    assert HybridRecipient.parse(out.removesuffix("\n")) == identity.recipient()
    assert (line / "keys" / "answers.key").stat().st_mode & 0o777 == 0o600
    assert run("gateway", "answers", line) == (code, out, err)


def test_answers_when_it_is_no_line_or_the_key_is_damaged_then_nothing_is_made(
    line: Path, tmp_path: Path
) -> None:
    """A key in a directory that is no line helps nobody; a damaged one is not replaced."""
    (tmp_path / "empty").mkdir()
    code, out, _ = run("gateway", "answers", tmp_path / "empty")
    assert code != 0
    assert out == ""
    assert list((tmp_path / "empty").iterdir()) == []

    path = line / "keys" / "answers.key"
    path.write_bytes(b"damaged")
    path.chmod(0o600)
    code, out, err = run("gateway", "answers", line)
    assert (code, out) == (41, "")
    assert str(path) in err
    assert path.read_bytes() == b"damaged"
