"""A stolen desk root: T-08. What holds, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.errors import KeysetError, NoMatchError
from crypto.note import Signer


def test_stolen_desk_root_when_it_names_a_false_reader_then_earlier_tips_stay_shut(
    desk: Any, read_with: Any
) -> None:
    """The root opens nothing: a false reader reads only what is sealed to the false keyset."""
    before = desk.seal(desk.note)
    desk.readers["thief"] = HybridIdentity.generate()
    false = desk.sign(["ana", "thief"], after=desk.note)

    with pytest.raises(NoMatchError):
        read_with(before, desk.readers["thief"])
    assert b"seen at the harbour" in read_with(desk.seal(false), desk.readers["thief"])


def test_stolen_desk_root_when_it_names_a_false_reader_then_the_name_is_in_the_keyset(
    desk: Any,
) -> None:
    """A false reader cannot hide: only who is named is sealed to, and the page shows every name."""
    desk.readers["thief"] = HybridIdentity.generate()
    keyset = desk.verify(desk.sign(["ana", "thief"], after=desk.note))

    assert [reader.name for reader in keyset.readers] == ["Ana", "Thief"]


def test_compelled_operator_when_the_server_makes_its_own_keyset_then_it_is_refused(
    desk: Any,
) -> None:
    """Without the desk root nobody can name a reader."""
    other = Signer.generate("tipline-root")
    desk.readers["officer"] = HybridIdentity.generate()

    with pytest.raises(KeysetError) as caught:
        desk.verify(desk.sign(["ana", "officer"], root=other))
    assert caught.value.code == "keyset_unsigned"


def test_compelled_operator_when_one_byte_of_the_keyset_changes_then_it_is_refused(
    desk: Any,
) -> None:
    """No byte of a keyset can be changed on the server."""
    for place in range(0, len(desk.note), 97):
        changed = bytearray(desk.note)
        changed[place] ^= 1
        with pytest.raises(KeysetError):
            desk.verify(bytes(changed))
