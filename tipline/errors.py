"""
Every error of this package.

    TiplineError
    ├── UsageError          the command was called wrongly
    ├── ConfigurationError  a key of a configuration is missing, unknown or wrong
    ├── InstanceError       the directory is not an instance, is in use, or is of another version
    ├── PermissionsError    a file that holds a secret can be read by others
    ├── NetworkError        the other side does not answer
    ├── BundleError         a bundle is incomplete or does not hold
    ├── CheckError          what was opened is not what was sent
    ├── BrokenTipsError     some tips of a bundle are broken; the others were opened
    ├── FileError           a file is missing, is there already, or cannot be read or written
    ├── VaultError          the directory is not a vault, is in use, or lacks what was asked for
    ├── NotCleanError       a file was not cleaned, or something was found in it
    ├── SandboxError        this machine has no sandbox, or not all files could be shown in it
    ├── GatewayError        a gateway of phones is not to be believed, or does not do its part
    └── AnswerError         an answer by phone cannot be given, or was not taken

Exit codes: 1 unforeseen, 2 usage, 10 to 29 `crypto`, 30 to 39 `retention`, 40 to 59 here.
"""

from __future__ import annotations

from typing import ClassVar


class TiplineError(Exception):
    """
    Base of the package's errors.

    Attributes:
        code: Names the message in the catalogue.
        exit_code: Of a command that ends with this error.
        facts: Values for the message's placeholders. Never a secret, never a source's words.
    """

    code: ClassVar[str] = "tipline"
    exit_code: ClassVar[int] = 1

    def __init__(self, code: str | None = None, **facts: str | int) -> None:
        super().__init__(code or self.code)
        if code is not None:
            self.code = code  # type: ignore[misc]  # one message for each reason
        self.facts = facts


class UsageError(TiplineError):
    """The command was called wrongly."""

    code = "usage"
    exit_code = 2


class ConfigurationError(TiplineError):
    """A key of a configuration is missing, unknown or wrong."""

    code = "configuration"
    exit_code = 40


class InstanceError(TiplineError):
    """The directory is not an instance, is in use, or is of another version."""

    code = "instance"
    exit_code = 41


class PermissionsError(TiplineError):
    """A file that holds a secret can be read by others."""

    code = "permissions"
    exit_code = 42


class NetworkError(TiplineError):
    """The other side does not answer, or not as agreed."""

    code = "network"
    exit_code = 43


class BundleError(TiplineError):
    """A bundle is incomplete or does not hold."""

    code = "bundle"
    exit_code = 44


class CheckError(TiplineError):
    """What was opened is not what was sent."""

    code = "check"
    exit_code = 45


class FileError(TiplineError):
    """A file is missing, is there already, or cannot be read or written."""

    code = "file"
    exit_code = 46


class BrokenTipsError(TiplineError):
    """Some tips of a bundle are broken; the others were opened."""

    code = "broken_tips"
    exit_code = 47


class VaultError(TiplineError):
    """The directory is not a vault, is in use, or lacks what was asked for."""

    code = "vault"
    exit_code = 48


class NotCleanError(TiplineError):
    """A file was not cleaned, or something was found in it."""

    code = "files_found"
    exit_code = 49


class SandboxError(TiplineError):
    """This machine has no sandbox, or not all files could be shown in it."""

    code = "sandbox_missing"
    exit_code = 50


class GatewayError(TiplineError):
    """A gateway of phones is not to be believed, or does not do its part."""

    code = "gateway"
    exit_code = 51


class AnswerError(TiplineError):
    """An answer by phone cannot be given, or was not taken."""

    code = "answer"
    exit_code = 52
