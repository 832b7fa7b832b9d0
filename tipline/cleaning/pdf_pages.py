"""
Pages of a PDF, and what they are drawn with: forms, patterns, shadings, states, functions.

Resources that nothing names are not copied: a picture that was taken off a page may be among them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_content import ContentWriter, Used
from tipline.cleaning.pdf_copy import PdfCopier, Rule, Scope
from tipline.cleaning.pdf_page_tree import MAX_PARENTS
from tipline.cleaning.pdf_programs import rewrite_function
from tipline.cleaning.pdf_tokens import TOKEN_BYTES
from tipline.cleaning.pdf_values import read_list, read_name
from tipline.cleaning.pdf_writer import format_dictionary

# What has no resources of its own is drawn with those of each page that shows it, so it is written
# anew for each. Programs have not left them out since 1993.
MAX_AGAIN: Final = 20_000

# What a page has from those above it; resources are copied in another way.
_INHERITED: Final[Mapping[str, str | None]] = {
    "MediaBox": "box", "CropBox": "box", "Rotate": "number", "Resources": None,
}  # fmt: skip
_DEFAULTS: Final = ("DefaultGray", "DefaultRGB", "DefaultCMYK")
_USUAL_BOX: Final = b"[0 0 612 792]"  # that programs take if there is none
_PLAIN_FUNCTIONS: Final = frozenset({"Identity", "Default"})
_CATEGORIES: Final = {
    "ColorSpace": "colours",
    "ExtGState": "state",
    "Font": "font",
    "Pattern": "pattern",
    "Shading": "shading",
    "XObject": "drawing",
}


class PageCopier:
    """
    Copies pages.

    Args:
        copier: Learns the rules of what pages are drawn with.
    """

    def __init__(self, copier: PdfCopier) -> None:
        self._copier = copier
        self._rewritten: set[object] = set()
        self._again_len = 0
        copier.rules |= {
            "drawing": self._copy_drawing,
            "form": self._copy_form,
            "group": self._copy_named("group"),
            "mask": self._copy_mask,
            "soft-mask": self._copy_named("soft-mask"),
            "state": self._copy_named("state"),
            "pattern": self._copy_pattern,
            "shading": self._copy_shading,
            "function": self._copy_function,
            "functions": self._copy_functions,
            "transfer": self._copy_functions,
        }

    def copy_page(self, page: Any, *, parent: int) -> int:
        """
        Copy a page.

        Args:
            page: Its dictionary.
            parent: The number of the tree that it hangs on.

        Returns:
            Its own number.
        """
        copier = self._copier
        number = copier.writer.reserve()
        inherited = _collect_inherited(page)
        scope = Scope(key=("page", page.objgen), resources=inherited.get("/Resources"))
        entries = {"Type": b"/Page", "Parent": b"%d 0 R" % parent}
        entries |= copier.copy_entries(page, "page", scope)
        for key, rule in _INHERITED.items():
            value = None if key in entries else inherited.get("/" + key)
            written = None if rule is None else copier.rules[rule](value, "", scope)
            if written is not None:
                entries[key] = written
        entries.setdefault("MediaBox", _USUAL_BOX)
        parts = [
            copier.decode(part)
            for part in read_list(page.get("/Contents"), copier.budget)
            if isinstance(part, pikepdf.Stream)
        ]
        contents, used = self.rewrite(b"\n".join(parts), scope)
        content_number = copier.writer.reserve()
        copier.put_deflated(content_number, {}, contents)
        entries["Contents"] = b"%d 0 R" % content_number
        entries["Resources"] = self.copy_resources(used, scope)
        copier.writer.put(number, format_dictionary(entries))
        return number

    def rewrite(self, untrusted: bytes, scope: Scope) -> tuple[bytes, Used]:
        """
        Rewrite what draws.

        Args:
            untrusted: Decoded.
            scope: Has its layers.

        Returns:
            The new stream, and the resources that it uses.
        """
        copier = self._copier
        content = ContentWriter(names=copier.names, budget=copier.budget, find=copier.find)
        written = content.rewrite(untrusted)
        layers = _read_dictionary(scope.resources, "Properties")
        for layer in _find_entries(layers, content.layers).values():
            copier.check_layer(layer)
        return written, content.used

    def rewrite_stream(self, stream: Any, scope: Scope) -> tuple[bytes, Used]:
        """
        Rewrite a stream that draws, of which other pages may have another copy.

        Args:
            stream: Of the file.
            scope: Whose resources it uses.

        Returns:
            As `rewrite`.

        Raises:
            RefusedError: too many copies are made.
        """
        self._again_len += stream.objgen in self._rewritten
        if self._again_len > MAX_AGAIN:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._rewritten.add(stream.objgen)
        return self.rewrite(self._copier.decode(stream), scope)

    def copy_resources(self, used: Used, scope: Scope) -> bytes:
        """
        Copy the resources that are used.

        Args:
            used: Old names and new ones, by category.
            scope: Where they are.

        Returns:
            The dictionary, written.
        """
        entries = {}
        for category, rule in _CATEGORIES.items():
            source = _read_dictionary(scope.resources, category)
            wanted = used.get(category, {})
            found = _find_entries(source, wanted)
            written = {}
            for old, new in sorted(wanted.items(), key=_order_by_number):
                value = found.get(old)
                copied = None if value is None else self._copier.rules[rule](value, "", scope)
                if copied is not None:
                    written[new.decode("ascii")] = copied
            if category == "ColorSpace":
                written |= self._copy_defaults(source, scope)
            if written:
                entries[category] = format_dictionary(written)
        return format_dictionary(entries)

    def _copy_defaults(self, source: Any, scope: Scope) -> dict[str, bytes]:
        """Copy the colours that stand for the plain ones without being named."""
        copier = self._copier
        copied = {
            name: copier.rules["colours"](source["/" + name], "", scope)
            for name in _DEFAULTS
            if "/" + name in source
        }
        # Plain ones for plain ones change nothing.
        return {
            name: data
            for name, data in copied.items()
            if data is not None and not data.startswith(b"/")
        }

    # --- what draws -------------------------------------------------------------------------------

    def _copy_drawing(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        if not isinstance(value, pikepdf.Stream):
            return None
        match read_name(value.get("/Subtype")):
            case "Image":
                return self._copier.copy_image(value, rest, scope)
            case "Form":
                return self._copy_form(value, rest, scope)
            case "PS":
                raise RefusedError(Reason.UNSUPPORTED)
            case _:
                return None

    def _copy_form(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if not isinstance(value, pikepdf.Stream):
            return None
        start = {"Type": b"/XObject", "Subtype": b"/Form"}
        return self._refer_drawn(value, "form", start, scope)

    def _copy_pattern(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if isinstance(value, pikepdf.Stream):
            return self._refer_drawn(value, "pattern", {}, scope)
        return self._copier.copy_part(value, "pattern", scope)

    def _refer_drawn(self, value: Any, part: str, start: dict[str, bytes], scope: Scope) -> bytes:
        """Refer to a stream that draws, with its own resources or those it is drawn among."""
        own = value.get("/Resources")
        inner = scope
        if isinstance(own, pikepdf.Dictionary):
            inner = Scope(key=(part, value.objgen), resources=own)

        def put(number: int) -> None:
            contents, used = self.rewrite_stream(value, inner)
            entries = {**start, **self._copier.copy_entries(value, part, inner)}
            entries["Resources"] = self.copy_resources(used, inner)
            self._copier.put_deflated(number, entries, contents)

        return self._copier.refer(value, part, put, scope=inner.key)

    def _copy_mask(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        if isinstance(value, pikepdf.Array):
            return self._copier.rules["numbers"](value, rest, scope)
        return self._copier.copy_image(value, rest, scope)

    def _copy_named(self, part: str) -> Rule:
        """Make the rule of a dictionary that may be the name None instead."""

        def copy(value: Any, _: str, scope: Scope) -> bytes | None:
            if read_name(value) == "None":
                return b"/None"
            return self._copier.copy_part(value, part, scope)

        return copy

    def _copy_shading(self, value: Any, _: str, scope: Scope) -> bytes | None:
        return self._copy_with_data(value, "shading", scope, lambda data: data)

    # --- functions --------------------------------------------------------------------------------

    def _copy_function(self, value: Any, _: str, scope: Scope) -> bytes | None:
        if isinstance(value, pikepdf.Stream) and value.get("/FunctionType") == 4:
            return self._copy_with_data(
                value, "function", scope, lambda data: rewrite_function(data, self._copier.budget)
            )
        return self._copy_with_data(value, "function", scope, lambda data: data)

    def _copy_functions(self, value: Any, rest: str, scope: Scope) -> bytes | None:
        if (name := read_name(value)) in _PLAIN_FUNCTIONS:
            return b"/" + name.encode("ascii")
        if not isinstance(value, pikepdf.Array):
            return self._copy_function(value, rest, scope)
        self._copier.budget.spend(TOKEN_BYTES * len(value))
        parts = [self._copy_function(part, rest, scope) or b"/Identity" for part in value]
        return b"[" + b" ".join(parts) + b"]"

    def _copy_with_data(
        self, value: Any, part: str, scope: Scope, rewrite: Callable[[bytes], bytes]
    ) -> bytes | None:
        if not isinstance(value, pikepdf.Stream):
            return self._copier.copy_part(value, part, scope)

        def put(number: int) -> None:
            entries = self._copier.copy_entries(value, part, scope)
            self._copier.put_deflated(number, entries, rewrite(self._copier.decode(value)))

        return self._copier.refer(value, part, put, scope=scope.key)


def _order_by_number(item: tuple[bytes, bytes]) -> int:
    return int(item[1][1:])


def _find_entries(dictionary: Any, names: Collection[bytes]) -> dict[bytes, Any]:
    """Find entries by their names' bytes, which need not be UTF-8."""
    # One by one: of the thousands that a page may have, a form asks for a few.
    keys = {name: b"/" + name for name in names}
    return {name: dictionary[key] for name, key in keys.items() if key in dictionary}


def _read_dictionary(resources: Any, category: str) -> Any:
    found = resources.get("/" + category) if isinstance(resources, pikepdf.Dictionary) else None
    return found if isinstance(found, pikepdf.Dictionary) else pikepdf.Dictionary()


def _collect_inherited(page: Any) -> dict[str, Any]:
    """Collect what a page has from those above it, the nearest first."""
    found: dict[str, Any] = {}
    node = page
    for _ in range(MAX_PARENTS):
        for key in map("/".__add__, _INHERITED):
            if key in node and key not in found:
                found[key] = node[key]
        node = node.get("/Parent")
        if not isinstance(node, pikepdf.Dictionary):
            return found
    raise RefusedError(Reason.TOO_COMPLEX)
