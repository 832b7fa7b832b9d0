"""
Companies that see who writes over a gateway, or what: which, in which country, and for how long.

Rules:
1. What is known of a kind of gateway stands in `notices.json`; what only the operator knows (its
   own phone company, whoever runs its webhook) stands in `gateways.toml`, in the same fields.
2. The page `/accountability` shows all of them, and says where a company that only the operator
   knows was not named.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.fields import Fields, parse_string
from tipline.language import LANGUAGES

MAX_COMPANIES: Final = 10  # of one gateway; each of them is a reason not to use it
MAX_COMPANY_CHARACTERS: Final = 300  # one sentence on a page
DATA_VERSION: Final = 1


class Seen(enum.StrEnum):
    """What a company sees."""

    NUMBER = "number"
    ACCOUNT = "account"
    TEXT = "text"
    TIME = "time"
    PLACE = "place"
    FILES = "files"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """
    A company on the way of a message.

    Args:
        name: By language.
        country: By language.
        sees: What it sees, in the order of `Seen`.
        keeps: For how long it keeps that, in words, by language.
    """

    name: Mapping[str, str]
    country: Mapping[str, str]
    sees: tuple[Seen, ...]
    keeps: Mapping[str, str]


def parse_company(untrusted: object, name: str) -> Company:
    """
    Read a company.

    Args:
        untrusted: As JSON or TOML gave it.
        name: Of the field that it stands in.

    Returns:
        The company; `lay_out_company` of it is *untrusted* again.

    Raises:
        MalformedError: a field is missing, unknown or of another form.
    """
    fields = Fields(untrusted, name)
    company = Company(
        name=fields.take("name", _parse_texts),
        country=fields.take("country", _parse_texts),
        sees=fields.take("sees", _parse_sees),
        keeps=fields.take("keeps", _parse_texts),
    )
    fields.close()
    return company


def parse_companies(untrusted: object, name: str) -> tuple[Company, ...]:
    """
    Read a list of companies.

    Args:
        untrusted: As JSON or TOML gave it.
        name: Of the field.

    Returns:
        The companies, in their order.

    Raises:
        MalformedError: it is no list, too long, or one of them is of another form.
    """
    if not isinstance(untrusted, list) or len(untrusted) > MAX_COMPANIES:
        raise MalformedError(name)
    return tuple(parse_company(one, name) for one in untrusted)


def lay_out_company(company: Company) -> dict[str, Any]:
    """
    Lay a company out as JSON has it.

    Args:
        company: The fields.

    Returns:
        The object.
    """
    return {
        "name": dict(company.name),
        "country": dict(company.country),
        "sees": [seen.value for seen in company.sees],
        "keeps": dict(company.keeps),
    }


def read_data() -> Mapping[str, Any]:
    """
    Read what this program knows of notices and companies.

    Returns:
        `notices.json`.

    Raises:
        ValueError: it is of another version than this program.
    """
    text = resources.files("tipline.gateway").joinpath("notices.json").read_text("utf-8")
    data: Mapping[str, Any] = json.loads(text)
    if data["version"] != DATA_VERSION:
        raise ValueError("notices.json is of another version")
    return data


def _load_companies(data: Mapping[str, Any]) -> Mapping[str, tuple[Company, ...]]:
    known = {key: parse_company(value, key) for key, value in data["companies"].items()}
    return MappingProxyType(
        {kind: tuple(known[key] for key in keys) for kind, keys in data["kinds"].items()}
    )


def _parse_texts(untrusted: object, name: str) -> Mapping[str, str]:
    fields = Fields(untrusted, name)
    texts = {language: fields.take(language, _parse_line) for language in LANGUAGES}
    fields.close()
    return MappingProxyType(texts)


def _parse_line(untrusted: object, name: str) -> str:
    text = parse_string(untrusted, name)
    if not 1 <= len(text) <= MAX_COMPANY_CHARACTERS or not text.isprintable() or not text.strip():
        raise MalformedError(name)
    return text


def _parse_sees(untrusted: object, name: str) -> tuple[Seen, ...]:
    if not isinstance(untrusted, list) or not untrusted:
        raise MalformedError(name)
    given = [parse_string(one, name) for one in untrusted]
    sees = tuple(seen for seen in Seen if seen in given)
    if [seen.value for seen in sees] != given:
        raise MalformedError(name)
    return sees


# By the kind of a gateway.
KNOWN_COMPANIES: Final = _load_companies(read_data())
