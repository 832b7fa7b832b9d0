"""
The parts of a PDF that draw its pages, copied by the allow-lists of `pdf.json`.

1. From a page on, only what is named is followed: what nothing draws is never reached.
2. Every dictionary is written anew with the entries of its list, each of its type. Numbers, true
   and false, and names out of lists stay; texts do not stand in any list.
3. Each object is copied once, in the order in which it is reached, so a file that was cleaned is
   written the same again.
4. What refers to itself is no danger: objects wait in a row, nothing calls itself deeper than the
   brackets of the file, which qpdf bounds.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import pikepdf

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.labels import find_xmp_kinds
from tipline.cleaning.pdf_content import Names
from tipline.cleaning.pdf_filters import (
    ABBREVIATIONS,
    MAX_FILTERS,
    Budget,
    Parameters,
    decode_filters,
    deflate,
)
from tipline.cleaning.pdf_images import MAX_PIXELS_BYTES, clean_image_data
from tipline.cleaning.pdf_rules import PDF_RULES
from tipline.cleaning.pdf_scans import clean_jbig2
from tipline.cleaning.pdf_tokens import TOKEN_BYTES
from tipline.cleaning.pdf_values import (
    copy_blending,
    copy_boolean,
    copy_booleans,
    copy_box,
    copy_choice,
    copy_number,
    copy_numbers,
    count_of,
    first_of,
    list_of,
    read_name,
)
from tipline.cleaning.pdf_writer import PdfWriter, format_dictionary, format_stream
from tipline.cleaning.plan import Kind

PARTS: Final[Mapping[str, Mapping[str, str]]] = PDF_RULES["parts"]
_KINDS: Final = {key: frozenset(map(Kind, kinds)) for key, kinds in PDF_RULES["kinds"].items()}
_QUIET: Final = frozenset(PDF_RULES["quiet"])
_IMAGE_PARAMETERS: Final = PDF_RULES["image_parameters"]
_DEFLATED: Final = {"Filter": b"/FlateDecode"}
_HIDING: Final = frozenset({"AnyOff", "AllOff"})
_EXTERNAL: Final = ("/F", "/FFilter", "/FDecodeParms")
# What a filter asks for that is undone here.
_PARAMETERS: Final = ("Predictor", "Colors", "BitsPerComponent", "Columns", "EarlyChange")
STREAM_BYTES: Final = 256  # decoding one takes as long as so many bytes, though it be empty


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """
    The resources that what has none of its own uses.

    Args:
        key: Tells them from others.
        resources: As they stand in the file.
    """

    key: object
    resources: Any


NO_SCOPE: Final = Scope(key=None, resources=None)
Task = Callable[[int], None]
Rule = Callable[[Any, str, Scope], bytes | None]


class PdfCopier:
    """
    Copies what is reached.

    Args:
        writer: Takes the objects.
        find: Is told the kinds of what goes.
    """

    def __init__(self, *, writer: PdfWriter, find: Callable[..., None]) -> None:
        self.find = find
        self.budget = Budget()
        self.names = Names()
        self.writer = writer
        self._pixels = Budget(MAX_PIXELS_BYTES)
        self._numbers: dict[object, int] = {}
        self._waiting: collections.deque[tuple[int, Task]] = collections.deque()
        self.rules: dict[str, Rule] = {
            "number": lambda value, _, __: copy_number(value, self.budget),
            "numbers": lambda value, _, __: copy_numbers(value, self.budget),
            "box": lambda value, _, __: copy_box(value, self.budget),
            "boolean": lambda value, _, __: copy_boolean(value),
            "booleans": lambda value, _, __: copy_booleans(value, self.budget),
            "one-of": lambda value, choices, __: copy_choice(value, choices),
            "blending": lambda value, _, __: copy_blending(value, self.budget),
            "image": self.copy_image,
            "data": self.copy_data,
        }

    def copy_waiting(self) -> None:
        """Copy all that was reached and what that reaches."""
        while self._waiting:
            number, task = self._waiting.popleft()
            task(number)

    def refer(self, value: Any, role: str, task: Task, *, scope: object = None) -> bytes:
        """
        Refer to a part; it is copied later, and once.

        Args:
            value: Of the file, with a number there.
            role: What it is taken for.
            task: Copies it.
            scope: The key of the resources that it uses, if it has none of its own.

        Returns:
            The reference.
        """
        key = (value.objgen, role, scope)
        if key not in self._numbers:
            self._numbers[key] = self.writer.reserve()
            self._waiting.append((self._numbers[key], task))
        return b"%d 0 R" % self._numbers[key]

    def check_layer(self, value: Any) -> None:
        """
        Hold that a layer is shown: those that are hidden are refused for the whole file.

        Args:
            value: What says when something is shown.

        Raises:
            RefusedError: it may be shown when another layer is not.
        """
        if isinstance(value, pikepdf.Dictionary) and (
            "/VE" in value or read_name(value.get("/P")) in _HIDING
        ):
            raise RefusedError(Reason.UNSUPPORTED)

    # --- dictionaries -----------------------------------------------------------------------------

    def copy_entries(self, value: Any, part: str, scope: Scope) -> dict[str, bytes]:
        """
        Copy a dictionary by its list.

        Args:
            value: The dictionary, or a stream's.
            part: Which list.
            scope: For what it refers to.

        Returns:
            The entries that stay, written.
        """
        rules = PARTS[part]
        for key in value.keys():  # noqa: SIM118  # it is no mapping, and has no order
            self.budget.spend(TOKEN_BYTES)
            if key[1:] not in rules:
                self.note_dropped(key[1:], value)
        entries = {}
        for key, rule in rules.items():
            found = value.get("/" + key)
            if found is None:
                continue
            name, _, rest = rule.partition(" ")
            written = self.rules[name](found, rest, scope)
            if written is not None:
                entries[key] = written
        return entries

    def note_dropped(self, key: str, value: Any) -> None:
        """
        Note the kinds of an entry that goes.

        Args:
            key: Of the entry.
            value: What it stands in.
        """
        if key == "Metadata" and isinstance(value["/Metadata"], pikepdf.Stream):
            self.find(*find_xmp_kinds(self.decode(value["/Metadata"])))
        elif key == "OC":
            self.check_layer(value["/OC"])
        elif key not in _QUIET:
            self.find(*_KINDS.get(key, {Kind.OTHER}))

    def copy_part(self, value: Any, part: str, scope: Scope) -> bytes | None:
        """
        Copy a dictionary that is no stream: where it stands, or by reference as in the file.

        Args:
            value: Of any type.
            part: Which list.
            scope: For what it refers to.

        Returns:
            What is written in its place; None if it is no dictionary.
        """
        if not isinstance(value, pikepdf.Dictionary):
            return None
        if not value.is_indirect:
            return format_dictionary(self.copy_entries(value, part, scope))
        return self.refer(
            value,
            part,
            lambda number: self.writer.put(
                number, format_dictionary(self.copy_entries(value, part, scope))
            ),
            scope=scope.key,
        )

    # --- streams ----------------------------------------------------------------------------------

    def read_filters(self, value: Any) -> list[tuple[str, Parameters]]:
        """
        Read the filters of a stream.

        Args:
            value: The stream.

        Returns:
            Their long names and parameters, the first to be undone first.

        Raises:
            RefusedError: its data lies in another file, or it has too many.
        """
        if any(key in value for key in _EXTERNAL):
            raise RefusedError(Reason.UNSUPPORTED)
        listed = value.get("/Filter")
        if count_of(listed) > MAX_FILTERS:
            raise RefusedError(Reason.TOO_COMPLEX)
        names = list_of(listed)
        parameters = first_of(value.get("/DecodeParms"), len(names))
        read: list[tuple[str, Parameters]] = []
        for i, name in enumerate(names):
            given = parameters[i] if i < len(parameters) else None
            text = read_name(name)
            numbers = _read_numbers(given) if isinstance(given, pikepdf.Dictionary) else {}
            if text == "Crypt":
                raise RefusedError(Reason.UNSUPPORTED)
            read.append((ABBREVIATIONS.get(text, text), numbers))
        return read

    def decode(self, value: Any) -> bytes:
        """
        Decode a stream.

        Args:
            value: The stream.

        Returns:
            Its bytes.

        Raises:
            RefusedError: it cannot be, or the budget is used up.
        """
        self.budget.spend(STREAM_BYTES)
        return decode_filters(value.read_raw_bytes(), self.read_filters(value), self.budget)

    def put_deflated(self, number: int, entries: dict[str, bytes], data: bytes) -> None:
        """
        Write a stream, compressed always in the same way.

        Args:
            number: Of the object.
            entries: Of its dictionary.
            data: Decoded.
        """
        self.writer.put(number, format_stream({**entries, **_DEFLATED}, deflate(data)))

    def copy_data(self, value: Any, _: str, scope: Scope) -> bytes | None:
        """
        Copy a stream of numbers that has no entries: a table of colours or glyphs.

        Args:
            value: Of any type.
            scope: Not used by it.

        Returns:
            The reference; None if it is no stream.
        """
        del scope
        if not isinstance(value, pikepdf.Stream):
            return None
        return self.refer(
            value, "data", lambda number: self.put_deflated(number, {}, self.decode(value))
        )

    def copy_image(self, value: Any, _: str, scope: Scope) -> bytes | None:
        """
        Copy an image.

        Args:
            value: Of any type.
            scope: For its colours.

        Returns:
            The reference; None if it is no image.
        """
        if not isinstance(value, pikepdf.Stream):
            return None
        return self.refer(value, "image", lambda number: self._put_image(number, value, scope))

    def _put_image(self, number: int, value: Any, scope: Scope) -> None:
        filters = self.read_filters(value)
        last, data = clean_image_data(
            value.read_raw_bytes(),
            filters,
            budget=self.budget,
            pixels=self._pixels,
            find=self.find,
        )
        entries = {"Type": b"/XObject", "Subtype": b"/Image"}
        entries |= self.copy_entries(value, "image", scope)
        if last is None:
            self.put_deflated(number, entries, data)
            return
        entries["Filter"] = b"/" + last.encode("ascii")
        given = first_of(value.get("/DecodeParms"), len(filters))
        parameters = self._copy_parameters(last, given[-1] if len(given) == len(filters) else None)
        if parameters:
            entries["DecodeParms"] = format_dictionary(parameters)
        self.writer.put(number, format_stream(entries, data))

    def _copy_parameters(self, name: str, given: Any) -> dict[str, bytes]:
        if not isinstance(given, pikepdf.Dictionary):
            return {}
        if name == "JBIG2Decode":
            symbols = given.get("/JBIG2Globals")
            if not isinstance(symbols, pikepdf.Stream):
                return {}
            return {"JBIG2Globals": self.refer(symbols, "symbols", self._put_symbols(symbols))}
        written = {
            key: self.rules[rule](found, "", NO_SCOPE)
            for key, rule in _IMAGE_PARAMETERS.get(name, {}).items()
            if (found := given.get("/" + key)) is not None
        }
        return {key: data for key, data in written.items() if data is not None}

    def _put_symbols(self, value: Any) -> Task:
        def put(number: int) -> None:
            data = clean_jbig2(self.decode(value))
            self.put_deflated(number, {}, data)

        return put


def _read_numbers(dictionary: Any) -> dict[str, int]:
    found = {key: dictionary.get("/" + key) for key in _PARAMETERS}
    return {key: int(one) for key, one in found.items() if isinstance(one, int)}
