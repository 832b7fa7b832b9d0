"""Limits that a help text names."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from crypto.keyset import MAX_DAYS
from retention.hold import MAX_HOLD_DAYS
from tipline.configuration import SlotRootChoice
from tipline.parsers import desk_keys, hold
from tipline.parsers.restore import SLOT_ROOTS


@pytest.mark.parametrize(
    ("register", "words", "said"),
    [
        (hold.register, ["hold", "add", "--help"], f"at most {MAX_HOLD_DAYS} days"),
        (desk_keys.register, ["keyset", "--help"], f"today included ({MAX_DAYS} at most)"),
    ],
)
def test_help_when_it_names_a_limit_then_it_is_the_one_that_holds(
    register: Callable[..., Any],
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A number in a help text is the one of the code that refuses."""
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers(), str)

    with pytest.raises(SystemExit):
        parser.parse_args(words)

    assert said in " ".join(capsys.readouterr().out.split())


def test_slot_roots_when_offered_then_they_are_those_of_the_configuration() -> None:
    """What can be typed is what can stand in tipline.toml."""
    assert set(SLOT_ROOTS) == set(SlotRootChoice)
