"""
Fonts of a PDF, copied by the allow-lists of `pdf.json`.

A font's name stays but for the six letters in front of it that its file alone has: they are counted
anew. Codes and glyphs keep their names, since a letter is found by them.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pikepdf

from tipline.cleaning.pdf_copy import NO_SCOPE, PdfCopier, Scope
from tipline.cleaning.pdf_filters import Budget
from tipline.cleaning.pdf_fonts import clean_compact, clean_truetype, clean_type1
from tipline.cleaning.pdf_pages import PageCopier
from tipline.cleaning.pdf_programs import is_predefined, rewrite_cmap
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_tokens import encode_name
from tipline.cleaning.pdf_values import (
    count_of,
    first_of,
    format_number,
    list_of,
    read_list,
    read_name,
)
from tipline.cleaning.pdf_writer import format_dictionary

_TAG: Final = re.compile(rb"[A-Z]{6}\+")
_ORDERINGS: Final = frozenset(PDF_RULES["orderings"])
_COMPACT: Final = ("Type1C", "CIDFontType0C", "OpenType")
_BASE_ENCODINGS: Final = frozenset(
    {"MacRomanEncoding", "MacExpertEncoding", "WinAnsiEncoding", "StandardEncoding"}
)


class FontCopier:
    """
    Copies fonts.

    Args:
        copier: Learns the rules of fonts.
        pages: Rewrites what draws the letters of a font that is drawn like a page.
    """

    def __init__(self, copier: PdfCopier, pages: PageCopier) -> None:
        self._copier = copier
        self._pages = pages
        self._tags: dict[bytes, bytes] = {}
        copier.rules |= {
            "font": self._copy_font,
            "font-name": self._copy_name,
            "state-font": self._copy_state_font,
            "descendants": self._copy_descendants,
            "descriptor": self._copy_descriptor,
            "system": self._copy_system,
            "encoding": self._copy_encoding,
            "differences": self._copy_differences,
            "to-unicode": self._copy_to_unicode,
            "glyph-map": self._copy_glyph_map,
            "type1": self._copy_file,
            "truetype": self._copy_file,
            "compact": self._copy_compact,
        }

    def _copy_font(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if not isinstance(value, pikepdf.Dictionary):
            return None
        own = value.get("/Resources")
        inner = scope
        if isinstance(own, pikepdf.Dictionary):
            inner = Scope(key=("font", value.objgen), resources=own)
        if not value.is_indirect:
            return self._write_font(value, inner)

        def put(number: int) -> None:
            self._copier.writer.put(number, self._write_font(value, inner))

        # Only a font that is drawn depends on where it is used.
        is_drawn = read_name(value.get("/Subtype")) == "Type3"
        return self._copier.refer(value, "font", put, scope=inner.key if is_drawn else None)

    def _write_font(self, value: Any, scope: Scope) -> bytes:
        entries = {"Type": b"/Font", **self._copier.copy_entries(value, "font", scope)}
        if read_name(value.get("/Subtype")) == "Type3":
            entries |= self._copy_glyphs(value, scope)
        return format_dictionary(entries)

    def _copy_glyphs(self, value: Any, scope: Scope) -> dict[str, bytes]:
        """Copy what draws each letter, and the resources of them all."""
        procedures = value.get("/CharProcs")
        if not isinstance(procedures, pikepdf.Dictionary):
            return {}
        glyphs, used = [], dict[str, dict[bytes, bytes]]()
        for key in sorted(procedures.keys(), key=_encode_key):
            stream = procedures[key]
            if not isinstance(stream, pikepdf.Stream):
                continue
            contents, names = self._pages.rewrite_stream(stream, scope)
            number = self._copier.writer.reserve()
            self._copier.put_deflated(number, {}, contents)
            glyphs.append(encode_name(_encode_key(key)[1:]) + b" %d 0 R" % number)
            for category, found in names.items():
                used.setdefault(category, {}).update(found)
        return {
            "CharProcs": b"<< " + b" ".join(glyphs) + b" >>",
            "Resources": self._pages.copy_resources(used, scope),
        }

    def _copy_name(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        name = read_name(value).encode("latin-1")
        self._copier.budget.spend(len(name))
        if _TAG.match(name):
            name = self._replace_tag(name[:6]) + name[6:]
        return encode_name(name) if name else None

    def _replace_tag(self, tag: bytes) -> bytes:
        count = len(self._tags)
        letters = bytes(ord("A") + count // 26**place % 26 for place in range(5, -1, -1))
        return self._tags.setdefault(tag, letters)

    def _copy_state_font(self, value: Any, _: str, scope: Scope) -> bytes | None:
        parts = list_of(value) if count_of(value) == 2 else []
        size = format_number(parts[1]) if parts else None
        font = None if size is None else self._copy_font(parts[0], "", scope)
        return None if font is None or size is None else b"[" + font + b" " + size + b"]"

    def _copy_descendants(self, value: Any, _: str, scope: Scope) -> bytes | None:
        found = first_of(value, 1)
        written = self._copy_descendant(found[0], scope) if found else None
        return None if written is None else b"[" + written + b"]"

    def _copy_descendant(self, value: Any, scope: Scope) -> bytes | None:
        if not isinstance(value, pikepdf.Dictionary):
            return None

        def write() -> bytes:
            entries = self._copier.copy_entries(value, "descendant", scope)
            return format_dictionary({"Type": b"/Font", **entries})

        if not value.is_indirect:
            return write()
        put = self._copier.writer.put
        return self._copier.refer(value, "descendant", lambda number: put(number, write()))

    def _copy_descriptor(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        return self._copier.copy_part(value, "descriptor", NO_SCOPE)

    def _copy_system(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if not isinstance(value, pikepdf.Dictionary):
            return None
        ordering, supplement = value.get("/Ordering"), value.get("/Supplement")
        name = str(ordering) if isinstance(ordering, pikepdf.String) else ""
        number = self._copier.rules["number"](supplement, "", scope)
        if name not in _ORDERINGS:
            name, number = "Identity", b"0"
        return b"<< /Registry (Adobe) /Ordering (%s) /Supplement %s >>" % (
            name.encode("ascii"),
            number or b"0",
        )

    # --- codes ------------------------------------------------------------------------------------

    def _copy_encoding(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if isinstance(value, pikepdf.Name):
            name = read_name(value)
            is_known = name in _BASE_ENCODINGS or is_predefined(name)
            return encode_name(name.encode("ascii")) if is_known else None
        if isinstance(value, pikepdf.Stream):
            return self._refer_cmap(value, is_unicode=False)
        return self._copier.copy_part(value, "encoding", NO_SCOPE)

    def _copy_to_unicode(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        if isinstance(value, pikepdf.Stream):
            return self._refer_cmap(value, is_unicode=True)
        name = read_name(value)
        return encode_name(name.encode("ascii")) if is_predefined(name) else None

    def _refer_cmap(self, value: Any, *, is_unicode: bool) -> bytes:
        def put(number: int) -> None:
            data = rewrite_cmap(
                self._copier.decode(value), self._copier.budget, is_unicode=is_unicode
            )
            entries = {} if is_unicode else {"Type": b"/CMap", "CMapName": b"/N"}
            entries |= {} if is_unicode else {"WMode": b"1" if b"/WMode 1 " in data else b"0"}
            self._copier.put_deflated(number, entries, data)

        return self._copier.refer(value, f"cmap {is_unicode}", put)

    def _copy_differences(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        parts = []
        for part in read_list(value, self._copier.budget):
            written = format_number(part)
            if written is None and isinstance(part, pikepdf.Name):
                written = encode_name(read_name(part).encode("latin-1"))
            if written is not None:
                parts.append(written)
        return b"[" + b" ".join(parts) + b"]"

    def _copy_glyph_map(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        if read_name(value) == "Identity":
            return b"/Identity"
        return self._copier.copy_data(value, rest, scope)

    # --- files of fonts ---------------------------------------------------------------------------

    def _copy_file(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        return self._refer_file(value, {})

    def _copy_compact(self, value: Any, _: str, scope: Scope) -> bytes | None:
        del scope
        if not isinstance(value, pikepdf.Stream):
            return None
        subtype = read_name(value.get("/Subtype"))
        entries = {"Subtype": b"/" + subtype.encode("ascii")} if subtype in _COMPACT else {}
        return self._refer_file(value, entries)

    def _refer_file(self, value: Any, entries: dict[str, bytes]) -> bytes | None:
        if not isinstance(value, pikepdf.Stream):
            return None

        def put(number: int) -> None:
            data = _clean_by_head(self._copier.decode(value), self._copier.budget)
            lengths = {"Length1": b"%d" % len(data)} if not entries else {}
            if data.startswith(b"%!"):
                lengths = _measure_type1(data)
            self._copier.put_deflated(number, {**entries, **lengths}, data)

        return self._copier.refer(value, "font file", put)


def _encode_key(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _clean_by_head(data: bytes, budget: Budget) -> bytes:
    """Clean a font by what it is: not all stand under the name that they should."""
    if data.startswith(b"%!"):
        return clean_type1(data, budget)
    if data[:4] in (b"\0\1\0\0", b"true", b"OTTO"):
        return clean_truetype(data, budget)
    return clean_compact(data, budget)


def _measure_type1(data: bytes) -> dict[str, bytes]:
    """Measure the readable head, the encrypted part, and the zeros behind it."""
    mark = data.find(b"eexec")
    if mark < 0:
        return {"Length1": b"%d" % len(data), "Length2": b"0", "Length3": b"0"}
    head = mark + 5
    while head < len(data) and data[head] in b"\r\n \t":
        head += 1
    tail = data.rfind(b"cleartomark")
    zeros = len(data[: max(tail, head)].rstrip(b"0\r\n \t")) if tail > head else len(data)
    end = max(head, zeros)
    return {
        "Length1": b"%d" % head,
        "Length2": b"%d" % (end - head),
        "Length3": b"%d" % (len(data) - end),
    }
