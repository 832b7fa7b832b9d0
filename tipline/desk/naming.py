"""
What a keyset calls the ids that stand in tips, in the language of whoever reads.

A name is shown with its id beside it. An id that the keyset at hand does not know is shown as what
it is: the tip may be older or newer than that keyset, or invent one.
"""

from __future__ import annotations

from crypto.keyset_fields import Category, Channel, Keyset
from tipline.language import Translate


def name_channel(
    channel_id: str, *, keyset: Keyset | None, language: str, translate: Translate
) -> str:
    """
    Name a channel.

    Args:
        channel_id: Untrusted.
        keyset: Verified; None if none is at hand.
        language: Of the reader.
        translate: Looks a text up in the catalogue.

    Returns:
        Its name and its id, or the id, named as one.
    """
    return _name(_find_channel(keyset, channel_id), channel_id, language, translate)


def name_category(
    category_id: str,
    *,
    channel_id: str,
    keyset: Keyset | None,
    language: str,
    translate: Translate,
) -> str:
    """
    Name a category.

    Args:
        category_id: Untrusted.
        channel_id: Untrusted. The channel whose category it is.
        keyset: Verified; None if none is at hand.
        language: Of the reader.
        translate: Looks a text up in the catalogue.

    Returns:
        Its name and its id, or the id, named as one.
    """
    channel = _find_channel(keyset, channel_id)
    categories = () if channel is None else channel.categories
    found = next((category for category in categories if category.id == category_id), None)
    return _name(found, category_id, language, translate)


def _find_channel(keyset: Keyset | None, channel_id: str) -> Channel | None:
    channels = () if keyset is None else keyset.channels
    return next((channel for channel in channels if channel.id == channel_id), None)


def _name(
    found: Channel | Category | None, untrusted_id: str, language: str, translate: Translate
) -> str:
    _ = translate
    if found is None:
        return _("{id} (an id; no keyset here names it)").format(id=untrusted_id)
    return _("{name} (id {id})").format(name=found.names[language], id=found.id)
