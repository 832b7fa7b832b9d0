"""A secret has one door."""

from __future__ import annotations

import copy
import pickle

import pytest

from crypto.secret import Secret

CANARY = b"canary-in-the-secret"
SECRET = Secret(CANARY)


def test_reveal_when_called_then_it_gives_what_was_put_in() -> None:
    """The door opens, also when the value came as a bytearray that changes later."""
    value = bytearray(CANARY)
    secret = Secret(value)
    value[0] = 0

    assert secret.reveal() == CANARY
    assert len(secret) == len(CANARY)


def test_secret_when_shown_then_it_tells_nothing() -> None:
    """No way of making text of a secret shows it."""
    shown = [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r}", "%s" % SECRET]  # noqa: UP031

    assert shown == ["Secret()"] * 5


def test_secret_when_compared_then_only_secrets_are_equal() -> None:
    """Equal bytes make equal secrets; bytes themselves are never equal to one."""
    assert Secret(CANARY) == SECRET
    assert Secret(b"another") != SECRET
    assert SECRET != CANARY
    assert Secret.__eq__(SECRET, CANARY) is NotImplemented


def test_secret_when_it_should_be_kept_elsewhere_then_it_refuses() -> None:
    """No cache, pickle or copy takes a secret."""
    with pytest.raises(TypeError):
        hash(SECRET)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(SECRET)
    with pytest.raises(TypeError, match="not copied"):
        copy.copy(SECRET)
    with pytest.raises(TypeError, match="not copied"):
        copy.deepcopy([SECRET])


def test_secret_when_looked_into_then_it_has_no_open_attribute() -> None:
    """There is no dictionary to print, and no attribute to set."""
    assert not hasattr(SECRET, "__dict__")
    with pytest.raises(AttributeError):
        SECRET.value = b""  # type: ignore[attr-defined]
