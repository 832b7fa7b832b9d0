"""
What ends a verification without a verdict, and what a parser refuses.

    AuditError
    ├── MalformedError    the bytes do not follow their format
    ├── ForgedError       a signature does not hold
    ├── UnreachableError  the log cannot be read, now
    └── InputError        what the auditor gave (a key, a kept file) is not what it should be

What is wrong with a log is not an error but a finding: see findings.py.
"""

from __future__ import annotations

from typing import ClassVar


class AuditError(Exception):
    """
    Base of the package's errors.

    Attributes:
        exit_code: Of a command that ends with this error; 60 to 63 belong to this package.
        code: Names the words, in words.py.
        facts: Values for the words' placeholders.
    """

    exit_code: ClassVar[int] = 60

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class MalformedError(AuditError):
    """The bytes do not follow their format."""


class ForgedError(AuditError):
    """A signature does not hold."""


class UnreachableError(AuditError):
    """The log cannot be read, now."""

    exit_code = 61


class InputError(AuditError):
    """What the auditor gave is not what it should be."""

    exit_code = 62
