"""Sending the honest notice."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from crypto.came_by import Medium
from tipline.gateway.notices import make_notice
from tipline.gateway.noticing import Noticer
from tipline.gateway.numbers import Sender, SenderKind
from tipline.gateway.settings import GatewaySettings, Kind

SETTINGS = GatewaySettings(
    name="one",
    kind=Kind.WEBHOOK,
    channel="city",
    language="pt",
    country="BR",
    notice=True,
    accept_company=False,
    options={},
)
NUMBER = Sender(kind=SenderKind.NUMBER, address="+5511912345678")


@dataclasses.dataclass
class Standing:
    """A conversation."""

    conversation: bytes = bytes(16)


class Gateway:
    """Knows what was sent, and who was told today."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.noticed: set[bytes] = set()

    async def send(self, to: str, text: str) -> None:
        # Noted before it is sent: a crash in between sends none, and never two.
        assert self.noticed
        self.sent.append((to, text))

    async def note_notice(self, conversation: bytes) -> bool:
        is_first = conversation not in self.noticed
        self.noticed.add(conversation)
        return is_first


@pytest.fixture
def gateway() -> Gateway:
    """A gateway that was not written to."""
    return Gateway()


async def notify(gateway: Gateway, **changed: Any) -> None:
    """Send the notice, if it is due."""
    noticer = Noticer({"one": gateway}, conversations=gateway, read_onion=lambda: None)  # type: ignore[dict-item]
    given = {"settings": SETTINGS, "medium": Medium.SMS, "sender": NUMBER, **changed}
    await noticer.notify(**given, standing=Standing())


async def test_notice_when_due_then_is_sent_once(gateway: Gateway) -> None:
    """The second message of a day is answered with nothing."""
    await notify(gateway)
    await notify(gateway)
    text = make_notice(Medium.SMS, language="pt", onion=None)
    assert gateway.sent == [(NUMBER.address, text)]


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": dataclasses.replace(SETTINGS, notice=False)},
        {"sender": Sender(kind=SenderKind.SHORT_CODE, address="27272")},
        {"sender": Sender(kind=SenderKind.NAME, address="EXAMPLE")},
        {"medium": Medium.VOICE},
        {"medium": Medium.WALK_IN},
    ],
)
async def test_notice_when_nobody_may_read_it_then_is_not_sent(
    gateway: Gateway, changed: dict[str, Any]
) -> None:
    """The switch, a service's sender and a voice: each alone keeps the notice back."""
    await notify(gateway, **changed)
    assert gateway.sent == []
    assert gateway.noticed == set()
