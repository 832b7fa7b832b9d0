"""Prefixes of XML: which namespace of the lists each stands for, inside an element."""

from __future__ import annotations

from collections.abc import Mapping

from tipline.cleaning.markup import Attributes

Scope = dict[str, str | None]


def enter_scope(scope: Scope, attributes: Attributes, addresses: Mapping[str, str]) -> Scope:
    """
    Tell what prefixes stand for inside an element.

    Args:
        scope: Of what is around it.
        attributes: Its own.
        addresses: The key of each address.

    Returns:
        The keys, by prefixes; None of a namespace that is not listed.
    """
    if not any(name.startswith("xmlns") for name in attributes):
        return scope
    declared = {
        name.removeprefix("xmlns").removeprefix(":"): addresses.get(value)
        for name, value in attributes.items()
        if name == "xmlns" or name.startswith("xmlns:")
    }
    return {**scope, **declared} if declared else scope


def find_key(name: str, scope: Scope) -> str:
    """
    Find the name that the lists have.

    Args:
        name: Of an element or an attribute, with its prefix if it has one.
        scope: That it stands in.

    Returns:
        It, with the prefix of the lists.
    """
    prefix, _, local = name.rpartition(":")
    return f"{scope.get(prefix)}:{local}"
