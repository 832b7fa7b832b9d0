"""How long a text is on its way through a phone network."""

from __future__ import annotations

import pytest

from tipline.gateway.alphabet import (
    BASIC,
    EXTENSION,
    Alphabet,
    fold_text,
    is_one_part,
    measure_text,
)


def test_basic_alphabet_when_counted_then_has_a_code_for_every_seven_bits() -> None:
    """The default alphabet has 128 places, and no character has two of them."""
    assert len(BASIC) == 128
    assert len(set(BASIC)) == 128
    assert not EXTENSION & set(BASIC)


@pytest.mark.parametrize(
    ("text", "alphabet", "unit_len", "part_len"),
    [
        ("", Alphabet.GSM7, 0, 1),
        ("a" * 160, Alphabet.GSM7, 160, 1),
        ("a" * 161, Alphabet.GSM7, 161, 2),
        ("a" * 306, Alphabet.GSM7, 306, 2),
        ("a" * 307, Alphabet.GSM7, 307, 3),
        ("€" * 80, Alphabet.GSM7, 160, 1),
        ("€" * 81, Alphabet.GSM7, 162, 2),
        # 153 is odd: the second half of the 77th character would begin the next part.
        ("€" * 153, Alphabet.GSM7, 306, 3),
        ("ñéüàò¿¡", Alphabet.GSM7, 7, 1),
        ("á", Alphabet.UCS2, 1, 1),
        ("ç", Alphabet.UCS2, 1, 1),
        ("á" * 70, Alphabet.UCS2, 70, 1),
        ("á" * 71, Alphabet.UCS2, 71, 2),
        ("😀" * 35, Alphabet.UCS2, 70, 1),
        ("😀" * 67, Alphabet.UCS2, 134, 3),
        ("a" * 69 + "á", Alphabet.UCS2, 70, 1),
        ("a" * 70 + "á", Alphabet.UCS2, 71, 2),
        ("\x1b", Alphabet.UCS2, 1, 1),
    ],
)
def test_measure_when_a_text_is_given_then_counts_as_a_network(
    text: str, alphabet: Alphabet, unit_len: int, part_len: int
) -> None:
    """One accent that is not in the default alphabet takes all of the text to sixteen bits."""
    extent = measure_text(text)
    assert (extent.alphabet, extent.unit_len, extent.part_len) == (alphabet, unit_len, part_len)
    assert is_one_part(text) is (part_len == 1)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Dirección", "Direccion"),
        ("Direcci\N{COMBINING ACUTE ACCENT}on", "Direccion"),
        ("niño, café, ü", "niño, café, ü"),
        ("ação ç", "acao c"),
        ("отдел á", "отдел á"),
        ("", ""),
    ],
)
def test_text_when_folded_then_accents_go_only_if_all_of_it_then_fits(
    text: str, folded: str
) -> None:
    """An accent is left out where that gets the text into the plain alphabet, and nowhere else."""
    assert fold_text(text) == folded
