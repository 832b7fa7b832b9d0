"""
A secret has one door (INV-11).

It cannot be printed, pickled, copied or hashed by accident, and is compared in constant time.
Memory is not wiped: neither Python nor the libraries below it promise that, so this does not
pretend to.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, final


@final
class Secret:
    """
    Bytes that must not leak.

    `grep '\\.reveal('` lists every place that uses one.

    Args:
        value: The bytes to keep.
    """

    __slots__ = ("__value",)

    def __init__(self, value: bytes) -> None:
        self.__value = bytes(value)

    def reveal(self) -> bytes:
        """
        Hand the bytes out. The only door.

        Returns:
            The bytes given.
        """
        return self.__value

    def __len__(self) -> int:
        return len(self.__value)

    def __repr__(self) -> str:
        return "Secret()"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value, other.__value)

    # No cache may keep a secret as a key.
    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")
