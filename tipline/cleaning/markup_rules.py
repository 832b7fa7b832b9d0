"""
The lists for documents of XML that Python and TypeScript share: `office.json`,
`opendocument.json`.

By namespace: its addresses (the first is written), the elements and attributes that are kept, and
the elements in which text stands. What stands in no list goes. What is named as
`element@attribute` has the prefixes of the lists, whatever prefixes a document has.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

from tipline.cleaning.plan import Kind

Patterns = Mapping[str, re.Pattern[str]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """
    What is kept of a namespace.

    Args:
        address: As it is written.
        prefix: As it is written; empty where it is the default.
        elements: Their names.
        attributes: Of its elements, those without a prefix.
        qualified: Those that stand with its prefix, on any element.
        texts: The elements in which text stands.
    """

    address: str
    prefix: str
    elements: frozenset[str]
    attributes: frozenset[str]
    qualified: frozenset[str]
    texts: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MarkupRules:
    """
    What is kept of a family of documents.

    Args:
        namespaces: By their keys, in the order in which they are declared.
        addresses: The key of each address.
        unwrapped: Elements whose tags go, and what stands between them stays.
        gone_in: Of those, which go with all that is in them, in some elements.
        refused: Elements that cannot be left out without changing what is read.
        references: Attributes that lead to something.
        loose: Elements that can be without what they lead to; any other goes with it.
        constants: By `element@attribute`, what is written in place of what was there.
        extra: Attributes that are kept on some elements alone.
        numbered: By `element@attribute`, the word that replaces a name, with a number behind it;
            equal names stay equal under one word.
        caseless: Words of names in which capital letters make no difference.
        numbered_in: By the same or by element, where in a value or a text such a name is: behind
            the first group, it is the second.
        values: The attribute goes if its value is another.
        not_values: The attribute goes if its value has this.
        unless: The tags go if the value is another, or none.
        dropped_if: The element goes if the value has this.
        texts: By element: it goes if its text is another.
        not_texts: It goes if its text has this.
        hidden_texts: Of an element that is hidden: it goes if its text is another.
        blank_texts: It loses a text that has this.
        link: An address that stays.
        element_kinds: Of elements that go, by their names without a prefix.
        attribute_kinds: Of attributes that go, likewise.
        property_kinds: Of what stands beside the document, likewise.
    """

    namespaces: Mapping[str, Namespace]
    addresses: Mapping[str, str]
    unwrapped: frozenset[str]
    gone_in: Mapping[str, frozenset[str]]
    refused: frozenset[str]
    references: frozenset[str]
    loose: frozenset[str]
    constants: Mapping[str, str]
    extra: Mapping[str, str]
    numbered: Mapping[str, str]
    caseless: frozenset[str]
    numbered_in: Patterns
    values: Patterns
    not_values: Patterns
    unless: Patterns
    dropped_if: Patterns
    texts: Patterns
    not_texts: Patterns
    hidden_texts: Patterns
    blank_texts: Patterns
    link: re.Pattern[str]
    element_kinds: Mapping[str, frozenset[Kind]]
    attribute_kinds: Mapping[str, frozenset[Kind]]
    property_kinds: Mapping[str, frozenset[Kind]]


def load_lists(name: str) -> Mapping[str, Any]:
    """
    Load a file of lists.

    Args:
        name: Of the file.

    Returns:
        What is in it.
    """
    listed: Mapping[str, Any] = json.loads(
        resources.files("tipline.cleaning").joinpath(name).read_text("ascii")
    )
    return listed


def make_rules(listed: Mapping[str, Any]) -> MarkupRules:
    """
    Make rules of lists.

    Args:
        listed: As `load_lists` gives them.

    Returns:
        The rules.
    """
    return MarkupRules(
        namespaces={
            key: Namespace(
                address=space["uris"][0],
                prefix=space.get("prefix", key),
                elements=_split(space["elements"]),
                attributes=_split(space["attributes"]),
                qualified=_split(space["qualified"]),
                texts=_split(space["text"]),
            )
            for key, space in listed["namespaces"].items()
        },
        addresses={
            address: key for key, space in listed["namespaces"].items() for address in space["uris"]
        },
        unwrapped=_split(listed["unwrapped"]),
        gone_in={name: _split(around) for name, around in listed.get("gone-in", {}).items()},
        refused=_split(listed["refused"]),
        references=_split(listed["references"]),
        loose=_split(listed["loose"]),
        constants=listed["constants"],
        extra=listed["extra"],
        numbered=listed["numbered"],
        caseless=_split(listed.get("caseless", "")),
        numbered_in=_compile_all(listed.get("numbered-in", {})),
        values=_compile_all(listed["values"]),
        not_values=_compile_all(listed["not-values"]),
        unless=_compile_all(listed["unless"]),
        dropped_if=_compile_all(listed["dropped-if"]),
        texts=_compile_all(listed["texts"]),
        not_texts=_compile_all(listed["not-texts"]),
        hidden_texts=_compile_all(listed.get("hidden-texts", {})),
        blank_texts=_compile_all(listed["blank-texts"]),
        link=_compile(listed["link"]),
        element_kinds=list_kinds(listed["kinds"]["elements"]),
        attribute_kinds=list_kinds(listed["kinds"]["attributes"]),
        property_kinds=list_kinds(listed["kinds"]["properties"]),
    )


def list_kinds(kinds: Mapping[str, str]) -> Mapping[str, frozenset[Kind]]:
    """
    Turn names by kinds into kinds by names.

    Args:
        kinds: Names, by one kind or several; with spaces between them.

    Returns:
        The kinds of each name.
    """
    return {
        name: frozenset(map(Kind, listed.split()))
        for listed, names in kinds.items()
        for name in names.split()
    }


def _split(names: str) -> frozenset[str]:
    return frozenset(names.split())


def _compile_all(patterns: Mapping[str, str]) -> Patterns:
    return {name: _compile(pattern) for name, pattern in patterns.items()}


def _compile(pattern: str) -> re.Pattern[str]:
    # The end is the end: Python's `$` also stands before a last line feed, JavaScript's does not.
    return re.compile(re.sub(r"\$$", r"\\Z", pattern))
