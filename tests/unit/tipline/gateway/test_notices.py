"""The honest notice, and the companies that it speaks of."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.errors import MalformedError
from tipline.gateway.alphabet import measure_text
from tipline.gateway.companies import (
    KNOWN_COMPANIES,
    MAX_COMPANIES,
    MAX_COMPANY_CHARACTERS,
    Seen,
    lay_out_company,
    parse_companies,
    parse_company,
    read_data,
)
from tipline.gateway.keywords import find_order
from tipline.gateway.notices import SPOKEN, make_notice
from tipline.language import LANGUAGES

ONION = "a" * 56 + ".onion"
BY_NETWORK = (Medium.SMS, Medium.MMS)
# What would tell somebody else who holds the phone that a case is told here.
CASE_WORDS = re.compile(
    r"\b(tip|tips|report|reports|case|crime|police|witness|denuncia\w*|caso|delito|polic[ií]a"
    r"|testigo|den[uú]ncia\w*|crime|pol[ií]cia|testemunha)\b",
    re.IGNORECASE,
)


def texts() -> dict[str, str]:
    """Make one of our own, as an operator would write it."""
    return {language: f"Example {language}" for language in LANGUAGES}


def company() -> dict[str, Any]:
    """Make one of our own, as an operator would write it."""
    return {"name": texts(), "country": texts(), "sees": ["number", "time"], "keeps": texts()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("medium", BY_NETWORK)
def test_notice_when_it_goes_through_a_phone_network_then_has_one_part(
    medium: Medium, language: str
) -> None:
    """With an address of full length in it, the notice goes in one part, and so does it without."""
    extent = measure_text(make_notice(medium, language=language, onion=ONION))
    assert extent.part_len == 1, extent
    assert measure_text(make_notice(medium, language=language, onion=None)).part_len == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("medium", Medium)
def test_notice_when_there_is_an_address_then_offers_it(medium: Medium, language: str) -> None:
    """The onion address stands in the notice if there is one, and nothing in its place if not."""
    assert ONION in make_notice(medium, language=language, onion=ONION)
    without = make_notice(medium, language=language, onion=None)
    assert "{" not in without
    assert "onion" not in without.lower()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("medium", [medium for medium in Medium if medium not in SPOKEN])
def test_notice_when_somebody_else_reads_it_then_names_no_case(
    medium: Medium, language: str
) -> None:
    """A notice that is sent has no word of what the line is for."""
    assert not CASE_WORDS.search(make_notice(medium, language=language, onion=ONION))


@pytest.mark.parametrize(("language", "word"), [("en", "STOP"), ("es", "BAJA"), ("pt", "PARAR")])
@pytest.mark.parametrize("medium", [Medium.WHATSAPP, Medium.TELEGRAM])
def test_notice_when_it_may_be_long_then_says_how_to_end_it(
    medium: Medium, language: str, word: str
) -> None:
    """Where there is room, whoever writes is told the word that lets the number go."""
    assert word in make_notice(medium, language=language, onion=None)
    assert find_order(word) is not None


@pytest.mark.parametrize("kind", KNOWN_COMPANIES)
def test_companies_when_a_kind_is_known_then_at_least_one_sees_the_sender(kind: str) -> None:
    """No way by phone is without a company that knows who wrote."""
    sees = {seen for company in KNOWN_COMPANIES[kind] for seen in company.sees}
    assert sees & {Seen.NUMBER, Seen.ACCOUNT}
    assert (Seen.TEXT in sees) is (kind != "operator")


def test_companies_when_laid_out_then_are_read_again() -> None:
    """What is laid out is what was read."""
    for one in read_data()["companies"].values():
        assert lay_out_company(parse_company(one, "company")) == one
    assert [lay_out_company(one) for one in parse_companies([company()], "companies")] == [
        company()
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Example"},
        {"name": {**texts(), "fr": "Exemple"}},
        {"name": {"en": "Example", "es": "Ejemplo"}},
        {"country": {**texts(), "en": ""}},
        {"country": {**texts(), "en": " "}},
        {"keeps": {**texts(), "en": "x" * (MAX_COMPANY_CHARACTERS + 1)}},
        {"keeps": {**texts(), "en": "a\nb"}},
        {"keeps": {**texts(), "en": "a\u202eb"}},
        {"sees": []},
        {"sees": "number"},
        {"sees": ["time", "number"]},
        {"sees": ["number", "number"]},
        {"sees": ["everything"]},
        {"sees": [1]},
        {"other": 1},
    ],
)
def test_company_when_a_field_is_of_another_form_then_is_refused(change: dict[str, Any]) -> None:
    """A company is spelled in one way."""
    with pytest.raises(MalformedError):
        parse_company({**company(), **change}, "companies")


@pytest.mark.parametrize("missing", ["name", "country", "sees", "keeps"])
def test_company_when_a_field_is_missing_then_is_refused(missing: str) -> None:
    """What the operator does not say is not guessed."""
    given = company()
    del given[missing]
    with pytest.raises(MalformedError):
        parse_company(given, "companies")


@pytest.mark.parametrize("untrusted", [None, {}, "x", [1], [company()] * (MAX_COMPANIES + 1)])
def test_companies_when_not_a_short_list_then_are_refused(untrusted: object) -> None:
    """A list of companies is a list, and bounded."""
    with pytest.raises(MalformedError):
        parse_companies(untrusted, "companies")
