"""The lists of records of Windows' drawings that Python and TypeScript share: `metafiles.json`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from tipline.cleaning.markup_rules import load_lists
from tipline.cleaning.plan import Kind

_LISTS: Final = load_lists("metafiles.json")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MetafileRules:
    """
    What is kept of a format of drawings, by the numbers of records.

    Args:
        fixed: Those that have one length, which is given: of bytes, or of words in WMF.
        bitmaps: Those that show bitmaps: how long the record is without them, then where it says
            what colours are, and where its bitmap is; two more places where it has a mask.
        dropped: Those that draw nothing and go, with what they are.
    """

    fixed: Mapping[int, int]
    bitmaps: Mapping[int, tuple[int, ...]]
    dropped: Mapping[int, Kind]


def _list_numbers(listed: Mapping[str, str], base: int) -> Mapping[int, str]:
    return {int(number, base): key for key, numbers in listed.items() for number in numbers.split()}


def _make_rules(listed: Mapping[str, Any], base: int) -> MetafileRules:
    return MetafileRules(
        fixed={number: int(size) for number, size in _list_numbers(listed["fixed"], base).items()},
        bitmaps={int(number, base): tuple(places) for number, places in listed["bitmaps"].items()},
        dropped={
            number: Kind(kind) for number, kind in _list_numbers(listed["dropped"], base).items()
        },
    )


EMF: Final = _make_rules(_LISTS["emf"], 10)
WMF: Final = _make_rules(_LISTS["wmf"], 16)
# Of EMF: how long a record is without what it counts, where the count is, and how long one of it.
COUNTED: Final = {
    number: tuple(map(int, key.split()))
    for number, key in _list_numbers(_LISTS["emf"]["counted"], 10).items()
}
# Of EMF: where the region begins that a record holds.
REGIONS: Final = {
    number: int(size) for number, size in _list_numbers(_LISTS["emf"]["regions"], 10).items()
}
# Of WMF: records that newer programs write a word longer, which means nothing.
LONGER: Final = frozenset(int(number, 16) for number in _LISTS["wmf"]["longer"].split())
