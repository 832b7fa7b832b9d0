"""The rules of PDF as data: `pdf.json`. What is kept is decided by its allow-lists alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

PDF_RULES: Final[Mapping[str, Any]] = json.loads(
    resources.files("tipline.cleaning").joinpath("pdf.json").read_text("ascii")
)
