"""
What everybody is told of a line's gateways: the way, the notice, and who sees what on it.

Rules:
1. While the line is served it is what the line was started with. Besides, it is written down with
   the log's batch, for the page of a line that has ended.
2. No name of a gateway is in it: that is the operator's own.
3. A gateway whose way leads over a company that only the operator knows, and that was not named, is
   told with that gap.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from crypto.came_by import Medium
from crypto.errors import MalformedError
from crypto.fields import Fields, parse_flag, parse_string
from tipline.gateway.companies import (
    KNOWN_COMPANIES,
    Company,
    lay_out_company,
    parse_companies,
)
from tipline.gateway.settings import MAX_GATEWAYS, Gateways, Kind
from tipline.language import LANGUAGES

# How somebody can write, or come, over a kind of gateway.
MEDIA: Final[Mapping[Kind, tuple[Medium, ...]]] = {
    Kind.GAMMU: (Medium.SMS,),
    Kind.CAPCOM6: (Medium.SMS, Medium.MMS),
    Kind.KANNEL: (Medium.SMS,),
    Kind.WEBHOOK: (Medium.SMS, Medium.MMS),
    Kind.TWILIO: (Medium.SMS, Medium.MMS),
    Kind.WHATSAPP: (Medium.WHATSAPP,),
    Kind.TELEGRAM: (Medium.TELEGRAM,),
    Kind.OPERATOR: (Medium.VOICE, Medium.WALK_IN),
}
# Somebody besides the sender's own company carries it to us: whoever sold us the number.
OWN_COMPANY: Final = frozenset({Kind.GAMMU, Kind.CAPCOM6, Kind.KANNEL, Kind.WEBHOOK})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ToldGateway:
    """
    What is told of one gateway.

    Args:
        kind: What speaks on the other side.
        channel: Of the keyset.
        language: Of the notice that is sent.
        notice: Whether it is sent.
        own: The companies that the operator named.
    """

    kind: Kind
    channel: str
    language: str
    notice: bool
    own: tuple[Company, ...]

    @property
    def companies(self) -> tuple[Company, ...]:
        """All that are known on the way, the sender's first."""
        return (*KNOWN_COMPANIES.get(self.kind, ()), *self.own)

    @property
    def has_gap(self) -> bool:
        """Whether a company on the way was not named."""
        return self.kind in OWN_COMPANY and not self.own


def tell_gateways(gateways: Gateways | None) -> tuple[ToldGateway, ...]:
    """
    Tell of a line's gateways.

    Args:
        gateways: Of the line; None if it has no phones.

    Returns:
        What is told, in the order of the file.
    """
    if gateways is None:
        return ()
    return tuple(
        ToldGateway(
            kind=settings.kind,
            channel=settings.channel,
            language=settings.language,
            notice=settings.notice,
            own=settings.companies,
        )
        for settings in gateways.gateways.values()
    )


def lay_out_told(told: ToldGateway) -> dict[str, Any]:
    """
    Lay out what is told, as JSON has it.

    Args:
        told: Of one gateway.

    Returns:
        The object.
    """
    return {
        "kind": told.kind.value,
        "channel": told.channel,
        "language": told.language,
        "notice": told.notice,
        "own": [lay_out_company(company) for company in told.own],
    }


def parse_told(untrusted: object, name: str) -> tuple[ToldGateway, ...]:
    """
    Read what is told of a line's gateways.

    Args:
        untrusted: A list, as JSON gave it.
        name: Of the field.

    Returns:
        What is told; `lay_out_told` of it is *untrusted* again.

    Raises:
        MalformedError: a field is missing, unknown or of another form.
    """
    if not isinstance(untrusted, list) or len(untrusted) > MAX_GATEWAYS:
        raise MalformedError(name)
    return tuple(_parse_one(one, name) for one in untrusted)


def _parse_one(untrusted: object, name: str) -> ToldGateway:
    fields = Fields(untrusted, name)
    told = ToldGateway(
        kind=fields.take("kind", _parse_kind),
        channel=fields.take("channel", parse_string),
        language=fields.take("language", _parse_language),
        notice=fields.take("notice", parse_flag),
        own=fields.take("own", parse_companies),
    )
    fields.close()
    return told


def _parse_kind(untrusted: object, name: str) -> Kind:
    try:
        return Kind(parse_string(untrusted, name))
    except ValueError as exc:
        raise MalformedError(name) from exc


def _parse_language(untrusted: object, name: str) -> str:
    if untrusted not in LANGUAGES:
        raise MalformedError(name)
    return str(untrusted)
