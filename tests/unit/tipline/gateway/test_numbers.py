"""Who sent it, in one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.errors import MalformedError
from tipline.gateway.numbers import (
    WITHHELD,
    Sender,
    SenderKind,
    Spelling,
    parse_account,
    parse_sender,
)

NUMBER = "+525512345678"


@pytest.mark.parametrize(
    "untrusted",
    [
        "+525512345678",
        "525512345678",
        "5512345678",
        "+5215512345678",  # as Mexico wrote mobile numbers until 2019
        "5215512345678",
        "005215512345678",
        "0445512345678",
        "0455512345678",
        "015512345678",
        " +52 1 (55) 1234-5678 ",
        "+52\u00a055\u00a01234\u00a05678",
        "\uff0b\uff15\uff12\uff15\uff15\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18",
        "٥٥١٢٣٤٥٦٧٨",  # the same digits in Arabic
    ],
)
def test_number_when_spelled_in_any_way_then_it_is_one_sender(untrusted: str) -> None:
    """The same phone is the same sender, whatever its gateway writes."""
    assert parse_sender(untrusted, "MX") == Sender(kind=SenderKind.NUMBER, address=NUMBER)


@pytest.mark.parametrize(
    ("untrusted", "region", "number"),
    [
        ("+5491123456789", "MX", "+5491123456789"),  # Argentina's 9 belongs to its numbers
        ("+12025550143", "MX", "+12025550143"),
        ("12025550143", "MX", "+12025550143"),
        ("(11) 96123-4567", "BR", "+5511961234567"),
        ("2025550143", "US", "+12025550143"),
    ],
)
def test_number_when_of_another_country_then_its_own_rules_count(
    untrusted: str, region: str, number: str
) -> None:
    """The gateway's country counts only for numbers that name none."""
    assert parse_sender(untrusted, region).address == number


@pytest.mark.parametrize(
    ("digits", "region", "national", "international"),
    [
        ("4741234567", "MX", "+524741234567", "+4741234567"),  # Lagos de Moreno, or Norway
        ("51912345678", "BR", "+5551912345678", "+51912345678"),  # Porto Alegre, or Peru
    ],
)
def test_number_when_two_phones_are_written_so_then_the_operator_says_which(
    digits: str, region: str, national: str, international: str
) -> None:
    """An answer to a stranger is worse than none: unless it was said, neither is meant."""
    with pytest.raises(MalformedError):
        parse_sender(digits, region)
    assert parse_sender(digits, region, spelling=Spelling.NATIONAL).address == national
    assert parse_sender(digits, region, spelling=Spelling.INTERNATIONAL).address == international
    for spelling in (None, *Spelling):
        assert parse_sender(national, region, spelling=spelling).address == national
        assert parse_sender("7373", region, spelling=spelling).kind is SenderKind.SHORT_CODE


@pytest.mark.parametrize(
    ("untrusted", "kind", "address"),
    [
        ("777", SenderKind.SHORT_CODE, "777"),
        ("32665", SenderKind.SHORT_CODE, "32665"),
        ("BANCO", SenderKind.NAME, "BANCO"),
        ("Banco 24h", SenderKind.NAME, "Banco 24h"),
        ("año", SenderKind.NAME, "año"),
    ],
)
def test_sender_when_it_is_no_number_then_it_stays_what_it_is(
    untrusted: str, kind: SenderKind, address: str
) -> None:
    """A short code or a name gets no country's mark."""
    assert parse_sender(untrusted, "MX") == Sender(kind=kind, address=address)


@pytest.mark.parametrize(
    "untrusted",
    [
        "",
        " ",
        "+",
        "7",
        "+999",
        "+52551234567890123",
        "123456789012345678",
        "+NAME",
        "----",
        "na\x00me",
        "na\nme",
        "n" * 33,
        "5" * 65,
        "\ud800",
        "+٥",
    ],
)
def test_sender_when_it_is_none_of_these_then_it_is_refused_without_being_named(
    untrusted: str,
) -> None:
    """Nothing is guessed, and the error has nothing of it."""
    with pytest.raises(MalformedError) as caught:
        parse_sender(untrusted, "MX")
    assert str(caught.value) in ("sender", "malformed: sender", "malformed")


@pytest.mark.parametrize(
    "untrusted",
    [
        "anonymous",
        "ANONYMOUS",
        " Unknown ",
        "Private Number",
        "Restricted",
        "Número privado",
        "nu\u0301mero oculto",
        "Anônimo",
        "DESCONOCIDO",
        "\uff35nknown",
    ],
)
def test_sender_when_a_word_says_that_it_is_withheld_then_it_is_nobody(untrusted: str) -> None:
    """All who withhold their number are no sender of one name, whom a block would end together."""
    with pytest.raises(MalformedError):
        parse_sender(untrusted, "MX")
    assert parse_sender("Unknown Ltd", "MX").kind is SenderKind.NAME
    assert all(word == word.casefold() for word in WITHHELD)


@given(st.text(max_size=70), st.sampled_from(["MX", "BR", "US", "AR", "ES"]))
def test_sender_when_any_text_comes_then_it_is_refused_or_has_one_spelling(
    untrusted: str, region: str
) -> None:
    """What was read once is read as the same again; no other error comes out."""
    try:
        sender = parse_sender(untrusted, region)
    except MalformedError:
        return
    assert parse_sender(sender.address, region) == sender
    assert sender.encode().decode() == f"{sender.kind}:{sender.address}"


def test_sender_when_printed_then_its_address_is_not_there() -> None:
    """A traceback shows no number."""
    assert "5512" not in repr(parse_sender(NUMBER, "MX"))


def test_account_when_its_id_is_plain_then_it_is_a_sender_of_its_own_kind() -> None:
    """An account that looks like a number is none."""
    assert parse_account("123456789").encode() == b"account:123456789"
    for untrusted in ("", "a b", "x" * 65, "é", "a\n"):
        with pytest.raises(MalformedError):
            parse_account(untrusted)
