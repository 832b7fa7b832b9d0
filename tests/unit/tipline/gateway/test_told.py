"""What everybody is told of a line's gateways."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.errors import MalformedError
from tipline.gateway.settings import MAX_GATEWAYS, Kind, parse_gateways
from tipline.gateway.told import MEDIA, lay_out_told, parse_told, tell_gateways

COMPANY = {
    "name": {"en": "Telco", "es": "Telco", "pt": "Telco"},
    "country": {"en": "Mexico", "es": "México", "pt": "México"},
    "sees": ["number", "text", "time"],
    "keeps": {"en": "two years", "es": "dos años", "pt": "dois anos"},
}
FILE = b"""
version = 1
[listen]
unix = "run/gateway"
[gateway.hook]
kind = "webhook"
channel = "city"
language = "es"
country = "MX"
notice = true
send_url = "https://example.org/"
[[gateway.hook.companies]]
name = { en = "Telco", es = "Telco", pt = "Telco" }
country = { en = "Mexico", es = "M\xc3\xa9xico", pt = "M\xc3\xa9xico" }
sees = ["number", "text", "time"]
keeps = { en = "two years", es = "dos a\xc3\xb1os", pt = "dois anos" }
[gateway.modem]
kind = "gammu"
channel = "city"
language = "es"
country = "MX"
notice = false
spool = "/var/spool/gammu"
[gateway.desk]
kind = "operator"
channel = "city"
language = "es"
country = "MX"
notice = false
"""


def test_gateways_when_told_then_their_names_stay_out() -> None:
    """What is told says the kind and the companies, and no name that the operator chose."""
    hook, modem, desk = tell_gateways(parse_gateways(FILE))

    assert [company.name["en"] for company in hook.companies] == [
        "The sender's phone company",
        "Telco",
    ]
    assert (hook.has_gap, modem.has_gap, desk.has_gap) == (False, True, False)
    laid_out = [lay_out_told(one) for one in (hook, modem, desk)]
    assert laid_out[0]["own"] == [COMPANY]
    assert "hook" not in json.dumps(laid_out[0]).replace('"webhook"', "")
    assert parse_told(laid_out, "gateways") == (hook, modem, desk)


def test_line_when_it_has_no_phones_then_tells_of_none() -> None:
    """No file, no gateways."""
    assert tell_gateways(None) == ()


@pytest.mark.parametrize("kind", [Kind.WEBHOOK, Kind.CAPCOM6, Kind.TWILIO])
def test_kind_when_pictures_can_come_then_their_notice_is_told_too(kind: Kind) -> None:
    """What is answered to an MMS is shown beside what is answered to an SMS."""
    assert MEDIA[kind] == (Medium.SMS, Medium.MMS)


def test_kinds_when_listed_then_each_says_how_somebody_comes() -> None:
    """No kind is without its media."""
    assert MEDIA.keys() == set(Kind)


GOOD: dict[str, Any] = {
    "kind": "webhook",
    "channel": "city",
    "language": "es",
    "notice": True,
    "own": [],
}


@pytest.mark.parametrize(
    "untrusted",
    [
        None,
        {},
        [1],
        [{**GOOD, "kind": "fax"}],
        [{**GOOD, "kind": 1}],
        [{**GOOD, "language": "fr"}],
        [{**GOOD, "notice": 1}],
        [{**GOOD, "own": {}}],
        [{**GOOD, "more": 1}],
        [{name: GOOD[name] for name in GOOD if name != "own"}],
        [GOOD] * (MAX_GATEWAYS + 1),
    ],
)
def test_told_when_of_another_form_then_is_refused(untrusted: Any) -> None:
    """What is told is spelled in one way."""
    with pytest.raises(MalformedError):
        parse_told(untrusted, "gateways")
    assert len(parse_told([GOOD], "gateways")) == 1
