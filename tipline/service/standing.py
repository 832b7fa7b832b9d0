"""
What is known of a sender when a message comes.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    What is known of a sender when a message comes.

    Args:
        conversation: Random, 16 bytes; the same as long as its window is open.
        continues: Whether it wrote before.
        new_today: Whether it was not yet answered with the notice today.
        blocked: Whether its pseudonym was blocked in this epoch.
        blocks: Those of its pseudonyms that are blocked, each with its epoch.
    """

    conversation: bytes
    continues: bool
    new_today: bool
    blocked: bool
    blocks: frozenset[tuple[bytes, bytes]] = frozenset()
