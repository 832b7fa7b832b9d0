"""The built wheel holds what the programs read when they run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("crypto", "retention", "tipline")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel from a copy, so that the build leaves nothing in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        shutil.copytree(ROOT / part, source / part)
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
         "--no-build-isolation", "--wheel-dir", source / "out", source],
        check=True,
        capture_output=True,
    )  # fmt: skip
    (wheel,) = (source / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def names_under(directory: Path) -> set[str]:
    return {
        str(path.relative_to(ROOT))
        for path in directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("part", PARTS)
def test_wheel_when_built_then_it_holds_every_module(wheel_names: set[str], part: str) -> None:
    """No module is forgotten by the package list."""
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / part).rglob("*.py")}

    assert modules - wheel_names == set()


@pytest.mark.parametrize(
    "directory", ["tipline/cleaning", "tipline/page/templates", "tipline/static"]
)
def test_wheel_when_built_then_it_holds_what_is_read(wheel_names: set[str], directory: str) -> None:
    """The rules of cleaning, the templates and the built page are in the wheel."""
    wanted = names_under(ROOT / directory)

    assert wanted
    assert wanted - wheel_names == set()


def test_wheel_when_built_then_it_holds_the_compiled_catalogues(wheel_names: set[str]) -> None:
    """Spanish and Portuguese are in the wheel in the form that gettext reads."""
    wanted = {f"tipline/locale/{language}/LC_MESSAGES/tipline.mo" for language in ("es", "pt")}

    assert wanted - wheel_names == set()
