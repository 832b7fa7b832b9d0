"""`tipline -> retention -> crypto`, never upwards; `crypto` is pure functions on bytes."""

from __future__ import annotations

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crypto", "retention", "tipline")
SETTINGS = (ROOT / "setup.cfg").read_text()

# What reaches the world without an import, or through a module that is otherwise pure.
IMPURE_CALLS = {"open", "input", "print", "exec", "eval", "breakpoint", "__import__"}
IMPURE_METHODS = {"now", "today", "utcnow", "read_bytes", "write_bytes", "read_text", "write_text"}
GENERATORS = {"secrets", "random", "uuid"}


def run_import_linter(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", "setup.cfg"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def modules_of(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text())


def imported_names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_layers_when_the_packages_are_read_then_every_contract_holds() -> None:
    """INV-12: no package imports one above it, and `crypto` imports nothing that does I/O."""
    result = run_import_linter(ROOT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("crypto/ladder.py", "import os\n"),
        ("crypto/ladder.py", "import socket\n"),
        ("crypto/ladder.py", "import retention.errors\n"),
        ("retention/errors.py", "import tipline.errors\n"),
        ("tipline/audit/__init__.py", "import crypto.errors\n"),
        ("tipline/cleaning.py", "import os\n"),
        ("tipline/desk.py", "import PIL\n"),
        ("tipline/commands.py", "import pypdfium2\n"),
        ("tipline/rendering/__init__.py", "import tipline.desk\n"),
        ("tipline/parsers.py", "import tipline.commands\n"),
        ("tipline/parsers.py", "import nacl\n"),
        ("tipline/gateway/kinds.py", "import tipline.service.conversations\n"),
    ],
)
def test_layers_when_a_module_imports_upwards_then_the_contract_breaks(
    tmp_path: Path, module: str, line: str
) -> None:
    """The contracts of setup.cfg notice one wrong import."""
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        for name in ("__init__.py", "errors.py"):
            (tmp_path / package / name).write_text("")
    # Every module that a contract names must be there; the ones inside of others first.
    named = set(re.findall(r"^    (tipline\.[\w.]+)$", SETTINGS, re.MULTILINE))
    for words in sorted(named, reverse=True):
        place = tmp_path.joinpath(*words.split("."))
        for folder in reversed(place.relative_to(tmp_path).parents[:-1]):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "__init__.py").touch()
        if not place.is_dir():
            place.with_suffix(".py").touch()
    with (tmp_path / module).open("a") as file:
        file.write(line)

    result = run_import_linter(tmp_path)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def test_crypto_when_its_calls_are_read_then_none_reaches_disk_screen_or_clock() -> None:
    """INV-12: `crypto` calls no builtin and no method that does I/O or reads the clock."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in modules_of("crypto")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS)
        )
    ]

    assert found == []


def test_randomness_when_crypto_is_read_then_it_enters_through_one_module() -> None:
    """Only `crypto.randomness` asks the operating system for random bytes."""
    found = {
        str(path.relative_to(ROOT))
        for path, tree in modules_of("crypto")
        if imported_names(tree) & GENERATORS
    }

    assert found == {"crypto/randomness.py"}


def test_packages_when_imported_then_they_lie_in_this_checkout() -> None:
    """What is tested is what is edited: a distribution named `crypto` exists on PyPI."""
    for package in PACKAGES:
        module = __import__(package)
        assert module.__file__ is not None
        assert Path(module.__file__).resolve().parent == ROOT / package


def test_dependencies_when_a_package_imports_one_then_setup_cfg_declares_it() -> None:
    """Nothing is used that an installation of the package would not bring."""
    configuration = configparser.ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    declared = {
        line.split(">")[0].split("<")[0].split("=")[0].strip().lower()
        for lines in (
            configuration["options"]["install_requires"],
            configuration["options.extras_require"]["desk"],
        )
        for line in lines.splitlines()
        if line.strip()
    }
    # The names under which the distributions are imported, where those differ.
    names = {"argon2": "argon2-cffi", "nacl": "pynacl", "PIL": "pillow", "re2": "google-re2"}
    known = set(sys.stdlib_module_names) | set(PACKAGES)
    used = {
        names.get(name, name.replace("_", "-"))
        for package in PACKAGES
        for _, tree in modules_of(package)
        for name in imported_names(tree) - known
    }

    # Part of the interface of a declared one, which pins its version.
    brought = {"multidict": "aiohttp", "python-socks": "aiohttp-socks", "yarl": "aiohttp"}
    assert {name for name in used if brought.get(name, name) not in declared} == set()
    assert brought.keys() <= used
