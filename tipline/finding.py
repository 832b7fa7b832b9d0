"""What `tipline doctor` finds: one thing each, with a code that names its words."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping


class Level(enum.StrEnum):
    """How much a finding matters."""

    WRONG = "wrong"
    WARNING = "warning"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing that was found.

    Args:
        level: How much it matters.
        code: Names its texts: in the doctor's `TEXTS`, or those of the error of the same code.
        facts: For their placeholders.
    """

    level: Level
    code: str
    facts: Mapping[str, str | int]
