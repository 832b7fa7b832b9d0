"""
Makes the adapters of a line from its `gateways.toml`: one constructor for each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from crypto.secret import Secret
from tipline.clock import Clock
from tipline.gateway.adapter import Adapter
from tipline.gateway.kinds.capcom6 import Capcom6
from tipline.gateway.kinds.gammu import Gammu
from tipline.gateway.kinds.kannel import Kannel
from tipline.gateway.kinds.operator import Operator
from tipline.gateway.kinds.telegram import Telegram
from tipline.gateway.kinds.twilio import Twilio
from tipline.gateway.kinds.webhook import Webhook
from tipline.gateway.kinds.whatsapp import WhatsApp
from tipline.gateway.settings import Gateways, GatewaySettings, Kind, load_secrets

Make = Callable[[GatewaySettings, Mapping[str, Secret], Clock], Adapter]


def make_adapters(directory: Path, gateways: Gateways, *, clock: Clock) -> dict[str, Adapter]:
    """
    Make the adapters of a line.

    Args:
        directory: The instance, where the secrets lie.
        gateways: Of the line.
        clock: Tells the time of what is sent.

    Returns:
        The adapters, by the names of their gateways.

    Raises:
        InstanceError: `gateway_secrets`: a file is missing, or not in its form.
        PermissionsError: others can read a secret.
    """
    return {
        name: MAKERS[settings.kind](settings, load_secrets(directory, settings), clock)
        for name, settings in gateways.gateways.items()
    }


def _make_webhook(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Webhook(
        settings.name,
        signing_key=keys["signing_key"],
        send_url=settings.options["send_url"],
        clock=clock,
    )


def _make_gammu(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Gammu(settings.name, spool=Path(settings.options["spool"]), clock=clock)


def _make_kannel(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Kannel(
        settings.name,
        inbound=keys["inbound"],
        send_url=settings.options["send_url"],
        user=keys["user"],
        password=keys["password"],
        sender=settings.options["from"],
    )


def _make_capcom6(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Capcom6(
        settings.name,
        signing_key=keys["signing_key"],
        send_url=settings.options["send_url"],
        user=keys["user"],
        password=keys["password"],
    )


def _make_twilio(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Twilio(
        settings.name,
        auth_token=keys["auth_token"],
        account_sid=settings.options["account_sid"],
        sender=settings.options["from"],
        public_url=settings.options["public_url"],
        api_url=settings.options["api_url"],
    )


def _make_whatsapp(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return WhatsApp(
        settings.name,
        app_secret=keys["app_secret"],
        verify_token=keys["verify_token"],
        access_token=keys["access_token"],
        api_url=settings.options["api_url"],
        phone_number_id=settings.options["phone_number_id"],
    )


def _make_telegram(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Telegram(
        settings.name,
        secret_token=keys["secret_token"],
        bot_token=keys["bot_token"],
        api_url=settings.options["api_url"],
    )


def _make_operator(settings: GatewaySettings, keys: Mapping[str, Secret], clock: Clock) -> Adapter:
    return Operator(settings.name)


MAKERS: Final[Mapping[Kind, Make]] = {
    Kind.GAMMU: _make_gammu,
    Kind.CAPCOM6: _make_capcom6,
    Kind.KANNEL: _make_kannel,
    Kind.WEBHOOK: _make_webhook,
    Kind.TWILIO: _make_twilio,
    Kind.WHATSAPP: _make_whatsapp,
    Kind.TELEGRAM: _make_telegram,
    Kind.OPERATOR: _make_operator,
}
