"""The package's errors."""

from __future__ import annotations

from retention.errors import PolicyError, RetentionError


def test_error_when_made_without_a_code_then_its_class_names_it() -> None:
    """Every error has a code of its class, which a reason of its own replaces."""
    assert PolicyError().code == "policy"
    assert PolicyError("policy_toml").code == "policy_toml"
    assert PolicyError.code == "policy"
    assert RetentionError(count=2).facts == {"count": 2}
