"""What `tipline doctor` says of a line's phones: its gateways, their channels, and the answers."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from crypto.errors import CryptoError
from crypto.keyset import find_readers
from crypto.keyset_fields import Keyset
from tipline.answer_key import load_answer_key
from tipline.clock import system_clock
from tipline.clock_state import is_clock_kept
from tipline.errors import TiplineError
from tipline.finding import Finding, Level
from tipline.gateway.adapter import Puller
from tipline.gateway.making import MAKERS
from tipline.gateway.places import check_listen
from tipline.gateway.settings import GatewaySettings, Kind, load_gateways, load_secrets
from tipline.messages import N_
from tipline.served_line import is_served

# Whose messages are as old as their signature says.
JUDGED_BY_TIME: Final = frozenset(
    {Kind.CAPCOM6, Kind.WEBHOOK, Kind.TWILIO, Kind.WHATSAPP, Kind.TELEGRAM}
)

PHONE_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "gateway_unread": (
        N_("gateway {gateway} brings messages to channel {channel}, which nobody reads today"),
        N_("until then they are refused; name readers of it in the keyset, or another channel"),
    ),
    "clock_alone": (
        N_(
            "nothing on this machine keeps its clock right; when it is five minutes wrong, messages"
            " that gateways sign are refused"
        ),
        N_(
            "install what asks time servers, such as systemd-timesyncd or chrony; then timedatectl"
            ' says "synchronized: yes"'
        ),
    ),
    "answers_none": (
        N_("this line has phones, but its keyset names no key for answers: none can be given"),
        N_(
            "give the desk what this prints, for the next keyset:"
            " tipline gateway answers {directory}"
        ),
    ),
    "answers_other": (
        N_("the keyset names another key for answers than this line has: no answer is taken"),
        N_(
            "give the desk what this prints, for the next keyset:"
            " tipline gateway answers {directory}"
        ),
    ),
}


def examine_phones(
    directory: Path,
    *,
    keyset: Keyset | None,
    today: datetime.date,
    is_clock_kept: Callable[[], bool | None] = is_clock_kept,
) -> Iterator[Finding]:
    """
    Look at a line's phones.

    Args:
        directory: The instance.
        keyset: Verified; None if there is none.
        today: In UTC.
        is_clock_kept: Tells whether something keeps the machine's clock right, if it can be told.

    Yields:
        What is wrong with gateways, channels, the clock and the key for answers, and what keeps the
        line from beginning; nothing for a line without phones.
    """
    try:
        gateways = load_gateways(directory)
        identity = load_answer_key(directory)
    except TiplineError as exc:
        yield Finding(level=Level.WRONG, code=exc.code, facts=exc.facts)
        return
    if gateways is None:
        return
    yield from _examine(
        lambda: check_listen(directory, gateways.listen, is_served=is_served(directory))
    )
    for settings in gateways.gateways.values():
        yield from _examine(functools.partial(_check_gateway, directory, settings))
        if keyset is not None and not _is_read(keyset, settings.channel, today):
            facts: dict[str, str | int] = {"gateway": settings.name, "channel": settings.channel}
            yield Finding(level=Level.WRONG, code="gateway_unread", facts=facts)
    kinds = {settings.kind for settings in gateways.gateways.values()}
    if kinds & JUDGED_BY_TIME and is_clock_kept() is False:
        yield Finding(level=Level.WARNING, code="clock_alone", facts={})
    if keyset is None:
        return
    if keyset.answers is None:
        yield Finding(level=Level.WARNING, code="answers_none", facts={"directory": str(directory)})
    elif identity is None or identity.recipient() != keyset.answers:
        yield Finding(level=Level.WRONG, code="answers_other", facts={"directory": str(directory)})


def _examine(look: Callable[[], None]) -> Iterator[Finding]:
    try:
        look()
    except TiplineError as exc:
        yield Finding(level=Level.WRONG, code=exc.code, facts=exc.facts)


def _check_gateway(directory: Path, settings: GatewaySettings) -> None:
    secrets = load_secrets(directory, settings)
    adapter = MAKERS[settings.kind](settings, secrets, system_clock)
    if isinstance(adapter, Puller):
        adapter.check()


def _is_read(keyset: Keyset, channel: str, today: datetime.date) -> bool:
    try:
        return bool(find_readers(keyset, channel=channel, today=today))
    except CryptoError:  # the keyset has no such channel
        return False
