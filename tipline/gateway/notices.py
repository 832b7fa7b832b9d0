"""
The honest notice: what whoever writes is told of the way that the message took.

Rules:
1. One text for each medium and language, as data: `notices.json`.
2. It names neither the line nor what it is for: somebody else may hold the phone.
3. Over a phone network it goes in one part, with the onion address in it.
4. It is sent once a day at most to one conversation, and not at all where the operator says so.
5. Where nothing can be sent, the operator reads it to whoever speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from crypto.came_by import Medium
from tipline.gateway.companies import read_data
from tipline.language import LANGUAGES

# Over these nothing can be sent: an operator types in what somebody says.
SPOKEN: Final = frozenset({Medium.VOICE, Medium.WALK_IN})


def make_notice(medium: Medium, *, language: str, onion: str | None) -> str:
    """
    Make the notice of a medium.

    Args:
        medium: How somebody wrote, or came.
        language: One of `LANGUAGES`.
        onion: The line's address; None if it has none, and then none is offered.

    Returns:
        The text.
    """
    text, offer = NOTICES[medium, language]
    return text if onion is None else f"{text} {offer.format(onion=onion)}"


def _load_notices(data: Mapping[str, Any]) -> Mapping[tuple[Medium, str], tuple[str, str]]:
    return MappingProxyType(
        {
            (medium, language): (
                data["notices"][medium.value][language]["text"],
                data["notices"][medium.value][language]["onion"],
            )
            for medium in Medium
            for language in LANGUAGES
        }
    )


# The text, and how the address is offered.
NOTICES: Final = _load_notices(read_data())
