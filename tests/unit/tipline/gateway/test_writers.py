"""Who wrote, and as whose it counts."""

from __future__ import annotations

import dataclasses
import datetime

import pytest

from tipline.gateway.incoming import Incoming, Medium
from tipline.gateway.numbers import SenderKind
from tipline.gateway.settings import GatewaySettings, Kind
from tipline.gateway.writers import UNNAMED_TURNS, Writer, find_writer

SETTINGS = GatewaySettings(
    name="hook",
    kind=Kind.WEBHOOK,
    channel="city",
    language="es",
    country="MX",
    notice=False,
    accept_company=False,
    options={},
)
MESSAGE = Incoming(
    gateway="hook",
    medium=Medium.SMS,
    provider_id="1",
    sender="",
    text="",
    received_at=datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
)


def find(
    sender: str, *, gateway: str = "hook", number: int = 1, medium: Medium = Medium.SMS
) -> Writer:
    """Find who wrote a message."""
    changed = {"sender": sender, "gateway": gateway, "provider_id": f"\ud800{number}"}
    return find_writer(dataclasses.replace(MESSAGE, medium=medium, **changed), SETTINGS)


@pytest.mark.parametrize(
    ("spellings", "kind"),
    [
        (("+525512345678", "+52 1 55 1234 5678"), SenderKind.NUMBER),
        (("7373", " 7373"), SenderKind.SHORT_CODE),
    ],
)
def test_writer_when_it_can_be_told_apart_then_it_is_the_same_over_every_gateway(
    spellings: tuple[str, str], kind: SenderKind
) -> None:
    """However it is spelled, and by whichever gateway it comes, it has one share and one turn."""
    first, second = (
        find(one, gateway=one[:2], number=number) for number, one in enumerate(spellings)
    )
    assert first == second
    assert first.is_named
    assert first.sender is not None
    assert (first.sender.kind, first.sender.address) == (kind, first.spelling)


@pytest.mark.parametrize("sender", ["", "+1", "Unknown"])
def test_writer_when_it_cannot_be_told_apart_then_it_has_several_turns_and_one_share(
    sender: str,
) -> None:
    """Who withholds the number looks like all who do, and takes turns as several of them."""
    writers = [find(sender, number=number) for number in range(200)]
    assert len({writer.turn for writer in writers}) == UNNAMED_TURNS
    assert len({writer.share for writer in writers}) == 1
    assert not any(writer.is_named for writer in writers)
    assert find(sender, number=3) == writers[3]
    assert find(sender, gateway="next").share != writers[0].share
    assert find(f"{sender}2").share != writers[0].share


def test_writer_when_somebody_typed_for_another_then_nobody_wrote() -> None:
    """A number that was said is no sender."""
    assert find("+525512345678", medium=Medium.VOICE).sender is None
    assert find("a-1", medium=Medium.TELEGRAM).is_named
    assert find("a 1", medium=Medium.TELEGRAM).sender is None


def test_writer_when_it_is_shown_then_no_number_is() -> None:
    """No `repr` tells who wrote."""
    assert "5512345678" not in repr(find("+525512345678"))
    assert "+1" not in repr(find("+1"))


def test_writer_when_meta_keeps_the_number_back_then_the_id_is_an_account() -> None:
    """Over WhatsApp alone, and in Meta's form alone: an answer can go there."""
    writer = find("MX.13491208655302741918", medium=Medium.WHATSAPP)
    assert writer.sender is not None
    assert (writer.sender.kind, writer.is_named) == (SenderKind.ACCOUNT, True)
    assert not find("MX.13491208655302741918").is_named
    for odd in ("Ana", "mx.1", "MX.", "MX.1 2", "MX." + "1" * 61):
        assert find(odd, medium=Medium.WHATSAPP).sender is None
