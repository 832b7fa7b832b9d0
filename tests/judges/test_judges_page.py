"""
The page's cleaning before the judges.

They need not look again: the page gives the same bytes as Python, which they have looked at
(`test_judges.py`). With `TIPLINE_CLEANING_CORPUS=DIR` the real files in DIR are compared besides.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from tests.documents import digest_cleaned
from tests.judges.made import make_all
from tests.page_cleaning import PageCleaning, run_page_cleaning
from tipline.cleaning.clean import plan_cleaning
from tipline.cleaning.errors import RefusedError
from tipline.cleaning.plan import write_cleaned

CORPUS = os.environ.get("TIPLINE_CLEANING_CORPUS")


def clean_in_python(data: bytes) -> tuple[object, ...]:
    """Say what Python makes of a file: its bytes or members by their hash, kinds and reason."""
    out = io.BytesIO()
    try:
        plan = plan_cleaning(io.BytesIO(data))
        write_cleaned(plan, io.BytesIO(data), out)
    except RefusedError as exc:
        return ("refused", exc.reason)
    return (plan.format, [*plan.kinds], digest_cleaned(out.getvalue())[1])


def clean_in_page(path: Path, page: PageCleaning) -> tuple[object, ...]:
    """Say what the page makes of it, in the same way."""
    answer = page.clean_file(path)
    if "refused" in answer:
        return ("refused", answer["refused"])
    return (answer["format"], answer["kinds"], answer["sha256"])


def find_differences(paths: list[Path]) -> dict[str, tuple[object, object]]:
    """List the files of which the page makes another thing than Python."""
    found = {}
    with run_page_cleaning() as page:
        for path in paths:
            ours = clean_in_python(path.read_bytes())
            theirs = clean_in_page(path, page)
            if ours != theirs:
                found[str(path)] = (ours, theirs)
    return found


def test_page_when_files_are_cleaned_then_they_are_what_python_makes_of_them(
    tmp_path: Path,
) -> None:
    """Byte for byte, or part for part: what the judges say of the one is true of the other."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    real = sorted(path for path in Path(CORPUS).rglob("*") if path.is_file()) if CORPUS else []

    assert find_differences([*make_all(folder), *real]) == {}


def test_comparing_when_a_file_is_another_for_the_page_then_it_is_noticed(tmp_path: Path) -> None:
    """The comparing can fail."""
    (tmp_path / "pictures").mkdir()
    one, other, *_ = make_all(tmp_path / "pictures")
    with run_page_cleaning() as page:
        assert clean_in_python(one.read_bytes()) == clean_in_page(one, page)
        assert clean_in_python(one.read_bytes()) != clean_in_page(other, page)
