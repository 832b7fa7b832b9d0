"""What the tests of the texts share: the two tools that keep the texts, loaded from script/."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load_script(name: str) -> ModuleType:
    """Load a script, which is not part of a package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "script" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def catalogue() -> ModuleType:
    """Load the tool that keeps the catalogue. It reads the code once: that does not change here."""
    module = load_script("catalogue")
    module.extract = functools.cache(module.extract)
    return module


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """Load the tool that writes the reference's tables."""
    return load_script("reference")
