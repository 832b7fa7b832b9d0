"""What the tests of the texts share: the catalogue tool, the languages, the pages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def catalogue() -> ModuleType:
    """Load script/catalogue.py, which is a script and not part of a package."""
    spec = importlib.util.spec_from_file_location("catalogue", ROOT / "script" / "catalogue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["catalogue"] = module
    spec.loader.exec_module(module)
    return module
