"""
Every error this package raises.

    RetentionError
    ├── PolicyError     the policy is incomplete, or asks for what cannot be
    ├── SlotError       a slot, or the slot file, is not as it must be: see its code
    └── HoldError       a hold that was asked for cannot be: see its code
"""

from __future__ import annotations

from typing import ClassVar


class RetentionError(Exception):
    """
    Base of the package's errors.

    Attributes:
        code: Names the message in the catalogue.
        exit_code: Of a command that ends with this error; 30 to 39 belong to this package.
        facts: Values for the message's placeholders: names of keys, days, counts.
    """

    code: ClassVar[str] = "retention"
    exit_code: ClassVar[int] = 30

    def __init__(self, code: str | None = None, **facts: str | int) -> None:
        super().__init__(code or self.code)
        if code is not None:
            self.code = code  # type: ignore[misc]  # one message for each reason
        self.facts = facts


class PolicyError(RetentionError):
    """The policy is incomplete, or asks for what cannot be."""

    code = "policy"
    exit_code = 31


class SlotError(RetentionError):
    """
    A slot, or the slot file, is not as it must be. No fact of it is ever a secret.

    `code` is one of those in docs/reference/errors.md that begin with `slot_`.
    """

    code = "slot"
    exit_code = 32


class HoldError(RetentionError):
    """A hold that was asked for cannot be."""

    code = "hold"
    exit_code = 33
