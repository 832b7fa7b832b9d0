"""
What a part of a document leads to, as its family tells it to what rewrites its XML.
"""

from __future__ import annotations

from typing import Protocol


class References(Protocol):
    """What a part leads to."""

    def has(self, untrusted: str, *, element: str) -> bool:
        """
        Tell whether a reference stays.

        Args:
            untrusted: The name of a relation, or an address.
            element: That has it.

        Returns:
            Whether it leads to something that stays.

        Raises:
            RefusedError: it leads to a picture that cannot be cleaned.
        """
        ...

    def rename(self, untrusted: str) -> str:
        """
        Give a reference its new value.

        Args:
            untrusted: One that stays.

        Returns:
            What is written.
        """
        ...
