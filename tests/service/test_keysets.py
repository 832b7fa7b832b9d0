"""Which keyset may be put in force."""

from __future__ import annotations

from typing import Any

import pytest

from crypto.errors import KeysetError
from tipline.keysets import KEYSET_NAME


def sign_first(world: Any, *, days: int) -> bytes:
    """Sign a keyset numbered 1, whatever was signed before."""
    note: bytes = world.sign(root=world.root, days=days)
    return note


def test_install_when_another_of_the_same_number_is_installed_then_refused(world: Any) -> None:
    """Vaults that saw the first would refuse every bundle; the very same may be installed again."""
    world.install(world.note)
    first = world.note
    with pytest.raises(KeysetError) as refused:
        world.install(sign_first(world, days=30))
    assert (refused.value.code, refused.value.facts) == ("keyset_forked", {"number": 1})
    assert (world.directory / KEYSET_NAME).read_bytes() == first


@pytest.mark.parametrize("left", [None, b"half a keys"])
def test_install_when_a_crash_left_none_then_the_number_is_taken(world: Any, left: Any) -> None:
    """A number that is remembered and that nobody was shown can still be put in force."""
    path = world.directory / KEYSET_NAME
    path.unlink()
    if left is not None:
        path.write_bytes(left)
    note = sign_first(world, days=30)
    world.install(note)
    assert path.read_bytes() == note


def test_install_when_a_crash_left_the_one_before_then_the_number_is_taken(world: Any) -> None:
    """After a crash between history and keyset the new one can be installed again."""
    path = world.directory / KEYSET_NAME
    first = path.read_bytes()
    second = world.sign()
    world.install(second)
    path.write_bytes(first)
    world.install(second)
    assert path.read_bytes() == second
