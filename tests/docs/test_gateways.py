"""The page on gateways names every key, every kind and every secret."""

from __future__ import annotations

import re
from pathlib import Path

from tipline.gateway.settings import COMMON, COMPANIES, OPTIONS, SECRETS, Kind, parse_gateways

PAGE = (Path(__file__).resolve().parents[2] / "docs/reference/gateways.md").read_text()


def test_page_when_read_then_names_every_key() -> None:
    """No key of `gateways.toml` is without its words."""
    keys = set(re.findall(r"^\| `gateway\.NAME\.(\w+)`", PAGE, re.MULTILINE))
    assert keys == {*COMMON, "companies", "numbers", "accept_company"}
    assert all(f"`{kind}`" in PAGE for kind in COMPANIES)


def test_page_when_read_then_names_the_keys_and_secrets_of_every_kind() -> None:
    """The table of kinds is that of the program."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*\|.*) \|$", PAGE.split("## How")[0], re.MULTILINE))
    for kind in Kind:
        keys, _, secrets = rows[kind.value].rpartition("|")
        assert all(f"`{key}`" in keys for key in OPTIONS[kind])
        assert re.findall(r"`(\w+)`", secrets) == list(SECRETS[kind])


def test_example_when_read_by_the_program_then_holds() -> None:
    """What can be copied from the page is accepted."""
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    gateways = parse_gateways(example.encode()).gateways
    assert {one.kind for one in gateways.values()} == {Kind.TWILIO, Kind.OPERATOR}
