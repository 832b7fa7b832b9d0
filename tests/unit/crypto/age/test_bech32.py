"""Keys as text."""

from __future__ import annotations

import pytest

from crypto.age.bech32 import MAX_BECH32_CHARACTERS, format_bech32, parse_bech32
from crypto.errors import MalformedError, TooLargeError

# BIP 173, "Test vectors", valid Bech32 strings whose data is whole bytes or that have none.
VALID = ["A12UEL5L", "a12uel5l", "?1ezyfcl"]


@pytest.mark.parametrize("text", VALID)
def test_parse_when_the_text_is_a_vector_then_it_parses_and_formats_again(text: str) -> None:
    """The specification's strings parse and come back, up to the case."""
    prefix, value = parse_bech32(text)

    assert value == b""
    assert format_bech32(prefix.lower(), value) == text.lower()


@pytest.mark.parametrize("length", range(40))
def test_format_when_parsed_then_the_bytes_come_back(length: int) -> None:
    """Any number of bytes survives, whatever bits are left over."""
    value = bytes(range(200, 200 + length))

    assert parse_bech32(format_bech32("age", value)) == ("age", value)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("a12uel5L", "bech32 case"),
        ("A1G7SGD8", "bech32 checksum"),  # BIP 173: checksum calculated with upper case prefix
        ("10a06t8", "bech32 parts"),  # BIP 173: empty prefix
        ("1qzzfhee", "bech32 parts"),  # BIP 173: empty prefix
        ("pzry9x0s0muk", "bech32 parts"),  # BIP 173: no separator
        ("li1dgmt3", "bech32 parts"),  # BIP 173: too short a checksum
        ("a1uel5l", "bech32 parts"),
        ("x1b4n0q5v", "bech32 character"),  # BIP 173: invalid data character
        ("\x201nwldj5", "bech32 character"),  # BIP 173: prefix out of range
        ("\x7f1axkwrx", "bech32 character"),  # BIP 173: prefix out of range
        ("\u212a12uel5l", "bech32 character"),  # KELVIN SIGN lowers to k
        ("", "bech32 parts"),
    ],
)
def test_parse_when_the_text_is_not_bech32_then_it_is_refused(text: str, detail: str) -> None:
    """Every defect is refused and named."""
    with pytest.raises(MalformedError) as caught:
        parse_bech32(text)

    assert caught.value.detail == detail


@pytest.mark.parametrize(
    "groups",
    [[31], [0, 0, 0], [0, 1], [0, 0, 0, 0, 0, 0]],
    ids=["5 bits spare", "7 bits spare", "spare bits not zero", "6 bits spare"],
)
def test_parse_when_the_padding_is_a_second_spelling_then_it_is_refused(groups: list[int]) -> None:
    """Spare bits are zero and fewer than a group."""
    with pytest.raises(MalformedError) as caught:
        parse_bech32(format_groups("age", groups))

    assert caught.value.detail == "bech32 padding"


def format_groups(prefix: str, groups: list[int]) -> str:
    """Write groups of 5 bits with a right checksum, as BIP 173 describes it."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    spread = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = 1
    for value in [*spread, *groups, 0, 0, 0, 0, 0, 0]:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    check ^= 1
    tail = [check >> 5 * (5 - i) & 31 for i in range(6)]
    return prefix + "1" + "".join(alphabet[value] for value in [*groups, *tail])


def test_parse_when_the_text_is_far_too_long_then_it_is_not_looked_at() -> None:
    """An input does not choose how long the checksum takes."""
    with pytest.raises(TooLargeError) as caught:
        parse_bech32("a1" + "q" * MAX_BECH32_CHARACTERS)

    assert caught.value.facts == {"limit": MAX_BECH32_CHARACTERS}
