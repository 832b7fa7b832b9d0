"""
Blocking a sender by handle: an operation of a served line.

Rules:
1. Nobody needs to know the number: the desk tells the operator four words.
2. It lasts until the epoch ends, as the handle does. Messages of that sender are acknowledged, so
   that the provider does not repeat them, and not kept; no answer goes out.
3. Tips that are stored stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crypto.errors import MalformedError
from crypto.handle import HANDLE_BITS, parse_handle
from tipline.errors import InstanceError, UsageError
from tipline.handle_words import load_words
from tipline.language import LANGUAGES
from tipline.operation_values import check_names
from tipline.service.handles import Handles

BLOCK_OPERATION: Final = "gateway-block"


def parse_any_handle(untrusted: str) -> int:
    """
    Read a handle in any of our languages.

    Args:
        untrusted: As it was typed, with hyphens or spaces between the words.

    Returns:
        The first 44 bits of the pseudonym.

    Raises:
        UsageError: `gateway_handle`: four words of no list.
    """
    said = "-".join(untrusted.lower().replace("-", " ").split())
    for language in LANGUAGES:
        try:
            return parse_handle(said, words=load_words(language))
        except MalformedError:
            continue  # another language's
    raise UsageError("gateway_handle")


async def take_block(handles: Handles | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Block a sender, or end that.

    Args:
        handles: Of the line; None if it serves no phones.
        values: `bits`, the first 44 of the pseudonym, and `blocked`, whether from now on.

    Returns:
        Nothing: when it returns, it is durable.

    Raises:
        UsageError: `gateway_handle`: not such bits.
        InstanceError: `gateway_handle_unknown`: nobody has this handle in an epoch that lasts.
    """
    check_names(values, "bits", "blocked")
    bits, blocked = values["bits"], values["blocked"]
    if type(bits) is not int or not 0 <= bits < 1 << HANDLE_BITS or type(blocked) is not bool:
        raise UsageError("gateway_handle")
    if handles is None or not await handles.set_block(bits, blocked=blocked):
        raise InstanceError("gateway_handle_unknown")
    return {}
