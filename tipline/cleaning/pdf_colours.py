"""
Colours of a PDF.

A colour profile goes, and the plain colours of as many parts stand in its place, as in JPEG: it
names the screen, the scanner or the printer that it was made for. Inks that are not common lose
their names.
"""

from __future__ import annotations

from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_copy import PdfCopier, Rule, Scope
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import encode_string
from tipline.cleaning.pdf_values import MAX_DEPTH, count_of, list_of, read_name
from tipline.cleaning.plan import Kind

MAX_INKS: Final = 32  # as the standard says

_INKS: Final = frozenset(PDF_RULES["inks"])
_PLAIN: Final = frozenset(PDF_RULES["plain_names"]["cs"])
_BY_COMPONENTS: Final = {1: b"/DeviceGray", 3: b"/DeviceRGB", 4: b"/DeviceCMYK"}
# Of the colours that a table is made of, as they are written.
_COMPONENTS: Final = {
    **dict.fromkeys((b"/DeviceGray", b"/G", b"/CalGray", b"/Separation"), 1),
    **dict.fromkeys((b"/DeviceRGB", b"/RGB", b"/CalRGB", b"/Lab"), 3),
    **dict.fromkeys((b"/DeviceCMYK", b"/CMYK"), 4),
}
_MAX_COLOURS: Final = 256  # of a table


class ColourCopier:
    """
    Copies colours.

    Args:
        copier: Learns the rule of colours.
    """

    def __init__(self, copier: PdfCopier) -> None:
        self._copier = copier
        self._families: dict[str, Rule] = {
            "ICCBased": self._copy_profile,
            "CalGray": self._copy_calibrated,
            "CalRGB": self._copy_calibrated,
            "Lab": self._copy_calibrated,
            "Pattern": self._copy_pattern,
            "Indexed": self._copy_indexed,
            "I": self._copy_indexed,
            "Separation": self._copy_inks,
            "DeviceN": self._copy_inks,
        }
        copier.rules["colours"] = self._copy_colours

    def _copy_colours(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        """Copy colours; *rest* grows with every colour that they are made of."""
        if not isinstance(value, pikepdf.Array):
            return _copy_plain(value)
        if len(rest) > MAX_DEPTH:
            raise RefusedError(Reason.TOO_COMPLEX)
        family = self._families.get(read_name(value[0])) if len(value) else None
        if family is not None:
            return family(value, rest + "+", scope)
        return _copy_plain(value[0]) if len(value) else None

    def _copy_profile(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        self._copier.find(Kind.PROFILE)
        profile = _part(value, 1)
        if not isinstance(profile, pikepdf.Stream):
            return None
        below = profile.get("/Alternate")
        if isinstance(below, pikepdf.Array):
            # A Lab profile has an alternate that says so, and other ranges.
            return self._copy_colours(below, rest, scope)
        components = profile.get("/N")
        return _BY_COMPONENTS.get(components) if isinstance(components, int) else None

    def _copy_calibrated(self, value: Any, _: str, scope: Scope) -> bytes | None:
        numbers = self._copier.copy_part(_part(value, 1), "calibrated", scope)
        return _join(read_name(value[0]), numbers)

    def _copy_pattern(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        below = self._copy_colours(_part(value, 1), rest, scope)
        return b"/Pattern" if below is None else _join("Pattern", below)

    def _copy_indexed(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        last = self._copier.rules["number"](_part(value, 2), "", scope)
        table = _part(value, 3)
        # What is referred to is written, so all is looked at before anything is referred to.
        if last is None or not isinstance(table, pikepdf.String | pikepdf.Stream):
            return None
        base = self._copy_colours(_part(value, 1), rest, scope)
        if base is None:
            return None
        length = _measure_table(base, last)
        if isinstance(table, pikepdf.Stream):
            return _join("Indexed", base, last, self._refer_table(table, length))
        self._copier.budget.spend(len(bytes(table)))
        return _join("Indexed", base, last, encode_string(bytes(table)[:length]))

    def _refer_table(self, table: pikepdf.Stream, length: int) -> bytes:
        copier = self._copier
        return copier.refer(
            table,
            f"table of {length}",
            lambda number: copier.put_deflated(number, {}, copier.decode(table)[:length]),
        )

    def _copy_inks(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        named, tint = _part(value, 1), _part(value, 3)
        if count_of(named) > MAX_INKS:
            raise RefusedError(Reason.TOO_COMPLEX)
        inks = [_write_ink(ink, number) for number, ink in enumerate(list_of(named), 1)]
        if not isinstance(tint, pikepdf.Dictionary | pikepdf.Stream):
            return None
        below = self._copy_colours(_part(value, 2), rest, scope)
        if below is None:
            return None
        written = b" ".join(inks)
        if isinstance(named, pikepdf.Array):
            written = b"[" + written + b"]"
        return _join(
            read_name(value[0]), written, below, self._copier.rules["function"](tint, "", scope)
        )


def _write_ink(value: Any, number: int) -> bytes:
    name = read_name(value)
    return b"/" + name.encode("ascii") if name in _INKS else b"/Ink%d" % number


def _copy_plain(value: Any) -> bytes | None:
    name = read_name(value)
    return b"/" + name.encode("ascii") if name in _PLAIN else None


def _measure_table(base: bytes, last: bytes) -> int:
    """Measure a table of colours: what lies behind it would be drawn by nobody."""
    family, _, rest = base.lstrip(b"[").partition(b" ")
    components = _COMPONENTS.get(family, MAX_INKS)
    if family == b"/DeviceN" and rest.startswith(b"["):
        components = rest[: rest.index(b"]")].count(b"/")
    colours = int(last) + 1 if last.isdigit() and len(last) < 4 else _MAX_COLOURS
    return min(colours, _MAX_COLOURS) * components


def _part(value: Any, position: int) -> Any:
    return value[position] if position < len(value) else None


def _join(family: str, *parts: bytes | None) -> bytes | None:
    """Write a family of colours, unless a part of it is missing."""
    written = [part for part in parts if part is not None]
    if len(written) < len(parts):
        return None
    return b"[/" + family.encode("ascii") + b" " + b" ".join(written) + b"]"
