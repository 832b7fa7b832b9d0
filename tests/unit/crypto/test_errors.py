"""Every error of the package."""

from __future__ import annotations

import pytest

import crypto.errors
from crypto.errors import CryptoError, KeysetError, MalformedError, TooLargeError

ERRORS = [
    value
    for value in vars(crypto.errors).values()
    if isinstance(value, type) and issubclass(value, CryptoError)
]


def test_errors_when_listed_then_each_has_an_exit_code_of_its_own_in_the_packages_band() -> None:
    """A script can tell every class apart; 10 to 29 are ours."""
    codes = [error.exit_code for error in ERRORS]

    assert len(set(codes)) == len(codes)
    assert all(10 <= code <= 29 for code in codes)


def test_errors_when_listed_then_the_drawn_tree_names_each() -> None:
    """The tree in the docstring is the tree."""
    assert crypto.errors.__doc__ is not None
    for error in ERRORS:
        assert error.__name__ in crypto.errors.__doc__


def test_error_when_made_then_it_carries_its_detail_and_facts() -> None:
    """A detail is a fixed word, a fact has a name."""
    error = TooLargeError("header", limit=5)

    assert (error.code, error.detail, error.facts) == ("too_large", "header", {"limit": 5})
    assert str(error) == "header"
    assert MalformedError().detail == ""


def test_keyset_error_when_made_then_its_reason_is_its_code() -> None:
    """Each reason has a message of its own, and leaves the others alone."""
    error = KeysetError("keyset_old", number=3, seen=4)

    assert (error.code, error.facts) == ("keyset_old", {"number": 3, "seen": 4})
    assert KeysetError("keyset_expired").code == "keyset_expired"


def test_error_when_raised_from_a_base_then_it_is_caught() -> None:
    """One base catches all."""
    for error in ERRORS:
        with pytest.raises(CryptoError):
            raise error("detail")
