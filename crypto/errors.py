"""
Every error this package raises.

    CryptoError
    ├── MalformedError      the bytes do not follow their format
    ├── TooLargeError       a named bound is exceeded
    ├── NoMatchError        no key given opens this
    ├── ForgedError         a MAC, tag or signature does not hold
    ├── WrongPassphraseError
    ├── RecipientError      a recipient or a mix of recipients is not allowed
    ├── ForeignError        it opens, but is not in our profile
    ├── KeysetError         the keyset must not be used: see its reason
    └── OutgoingError       an outgoing bundle must not be taken: see its reason

A detail is typed and never secret: a short fixed word, a count, a day, a random id.
The words a person reads stand in the catalogue, under `code`.
"""

from __future__ import annotations

from typing import ClassVar


class CryptoError(Exception):
    """
    Base of the package's errors.

    Attributes:
        code: Fixed, names the message in the catalogue.
        exit_code: Of a command that ends with this error; 10 to 29 belong to this package.
        detail: What was wrong, in fixed words; never taken from the input.
        facts: Values for the message's placeholders: counts, days, random ids.
    """

    code: ClassVar[str] = "crypto"
    exit_code: ClassVar[int] = 10

    def __init__(self, detail: str = "", **facts: str | int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class MalformedError(CryptoError):
    """The bytes do not follow their format."""

    code = "malformed"
    exit_code = 11


class TooLargeError(CryptoError):
    """A named bound is exceeded."""

    code = "too_large"
    exit_code = 12


class NoMatchError(CryptoError):
    """None of the keys given opens this."""

    code = "no_match"
    exit_code = 13


class ForgedError(CryptoError):
    """A MAC, tag or signature does not hold: the bytes were changed or cut."""

    code = "forged"
    exit_code = 14


class WrongPassphraseError(CryptoError):
    """The passphrase does not open this."""

    code = "wrong_passphrase"
    exit_code = 15


class RecipientError(CryptoError):
    """A recipient, or a mix of recipients, is not allowed here."""

    code = "recipient"
    exit_code = 16


class ForeignError(CryptoError):
    """It opens, but does not fit our profile."""

    code = "foreign"
    exit_code = 17


class KeysetError(CryptoError):
    """
    The keyset must not be used.

    `code` is one of `keyset_unsigned`, `keyset_expired`, `keyset_early`, `keyset_old`,
    `keyset_too_long`, `keyset_too_many_readers`, `keyset_unread`, `keyset_forked`,
    `keyset_malformed`.
    """

    exit_code = 18

    def __init__(self, code: str, detail: str = "", **facts: str | int) -> None:
        super().__init__(detail, **facts)
        self.code = code  # type: ignore[misc]  # each reason has its own message in the catalogue


class OutgoingError(CryptoError):
    """
    An outgoing bundle must not be taken.

    `code` is one of `outgoing_malformed`, `outgoing_unsigned`, `outgoing_early`,
    `outgoing_expired`.
    """

    exit_code = 19

    def __init__(self, code: str, detail: str = "", **facts: str | int) -> None:
        super().__init__(detail, **facts)
        self.code = code  # type: ignore[misc]  # each reason has its own message in the catalogue
