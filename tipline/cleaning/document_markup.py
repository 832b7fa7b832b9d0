"""
The XML of documents: what is shown stays, by allow-lists, and is written in one way.

1. Elements, attributes and namespaces that stand in no list go, with all that is
   in them. Text stays in the elements that hold text, and nowhere else.
2. Changes are accepted: what was put in stays, what was taken out goes, and so does who and when.
3. Of alternatives for older and newer programs the first stays that needs listed namespaces alone.
4. An attribute that leads somewhere gets the new name of that; without it the element goes.
5. Formulas, fields and actions that lead to other files go; the values that they gave stay.
6. Of a workbook's texts those stay that a cell shows; the others leave an empty place.
7. Names and ids that only join one place to another become numbers, in the order of first use.
8. Attributes stand in the order of their names, namespaces have one prefix each.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Container, Iterable
from typing import Final

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.invisible import remove_invisible
from tipline.cleaning.markup import (
    DECLARATION,
    MAX_ALL_ATTRIBUTES,
    MAX_ELEMENTS,
    Attributes,
    Event,
    decode_markup,
    encode_text,
    read_markup,
    write_start,
)
from tipline.cleaning.markup_references import References
from tipline.cleaning.markup_rules import MarkupRules, Namespace, Patterns
from tipline.cleaning.markup_scopes import enter_scope
from tipline.cleaning.plan import Kind

_SHARED_FORMULA: Final = "x:f"
_STRING: Final = "x:si"
_VALUE: Final = "x:v"
_NAME: Final = "x:definedName"
_WORD: Final = re.compile(r"[^ \t\r\n()+*/^&=<>,;:!\"'{}\[\]%#@-]+")
_FIELD: Final = "a:fld"
_FIELD_TEXT: Final = "a:t"
_EMPTY_STRING: Final = "<si><t/></si>"
_TABLE: Final = "w:tbl"
_ROW: Final = "w:tr"
_CELL: Final = "w:tc"
_EMPTY_PARAGRAPH: Final = "<w:p/>"
_HIDDEN: Final = frozenset({("hidden", "1"), ("hidden", "true")})
# A mark, and where it stands in what a change took out.
_TAKEN_OUT: Final = frozenset({("w:del", "w:trPr", _ROW), ("w:cellDel", "w:tcPr", _CELL)})
_NOTHING: Final = frozenset({"", "0"})  # what leads to nothing

Change = Callable[[Iterable[Event]], Iterable[Event]]


@dataclasses.dataclass(slots=True, kw_only=True)
class _Open:
    """
    An element that is open.

    Args:
        key: Its name, with the prefix of the lists.
        written: Its name as it is written; None if its tags go.
        scope: The prefixes that hold inside it.
        has_text: Whether text stays in it.
        start: Where it begins in what is written.
        attributes: As they are written.
        texts: What stands in it, where that decides.
        is_chosen: Of alternatives: one was found.
        is_gone: A change took it out; what comes goes.
        has_rows: Of a table: None if it had none yet, else whether one stays.
    """

    key: str
    written: str | None
    scope: dict[str, str | None]
    has_text: bool
    start: int
    attributes: list[tuple[str, str]]
    texts: list[str] = dataclasses.field(default_factory=list)
    is_chosen: bool = False
    is_gone: bool = False
    has_rows: bool | None = None


class DocumentMarkup:
    """
    Rewrites the parts of one document.

    Args:
        rules: Of its family.
    """

    def __init__(self, rules: MarkupRules) -> None:
        self.kinds: set[Kind] = set()  # of what was found so far
        self._rules = rules
        # Most elements and attributes are in none of these.
        patterns = (rules.values, rules.not_values, rules.unless, rules.dropped_if)
        self._valued = {*rules.constants, *(what for listed in patterns for what in listed)}
        self._needed = dict(what.split("@") for what in rules.unless)
        self._collected = {*rules.texts, *rules.not_texts, *rules.blank_texts, _VALUE}
        self._numbering = {what.split("@")[0] for what in rules.numbered}
        self._numbers: dict[str, dict[str, str]] = {}
        self._element_len = self._attribute_len = 0
        self._lost_formulas: set[str] = set()
        self._lost_names: set[str] = set()
        self._shown_strings: set[str] = set()
        self._string_len = 0

    def rewrite(
        self,
        untrusted: bytes,
        *,
        root: Container[str],
        references: References,
        change: Change | None = None,
    ) -> bytes:
        """
        Rewrite a part.

        Args:
            untrusted: The part.
            root: What its first element may be. A workbook's texts come behind its sheets.
            references: Of the part.
            change: Changes what is read before anything is done with it.

        Returns:
            The part as it stays.

        Raises:
            RefusedError: it is no such part, or cannot be cleaned.
        """
        self._lost_formulas.clear()
        self._references = references
        self._out: list[str] = []
        self._open: list[_Open] = []
        self._used: set[str] = set()
        self._is_pending = False
        self._skipped = 0
        events = read_markup(decode_markup(untrusted))
        for event in change(events) if change else events:
            if event is None:
                self._end()
            elif isinstance(event, str):
                self._read_text(event)
            else:
                self.count(len(event[1]))
                if self._skipped:
                    self._skipped += 1
                else:
                    self._begin(*event, root=root)
        if not self._out:
            raise RefusedError(Reason.MALFORMED)
        spaces = "".join(
            f' xmlns:{space.prefix}="{space.address}"'
            if space.prefix
            else f' xmlns="{space.address}"'
            for key, space in self._rules.namespaces.items()
            if key in self._used
        )
        # The first is the root's start.
        self._out[0] += spaces
        return (DECLARATION + "".join(self._out)).encode()

    def count(self, attribute_len: int) -> None:
        """
        Count an element that is read.

        Args:
            attribute_len: How many attributes it has.

        Raises:
            RefusedError: there is one too many in the document.
        """
        self._element_len += 1
        self._attribute_len += attribute_len
        if self._element_len > MAX_ELEMENTS or self._attribute_len > MAX_ALL_ATTRIBUTES:
            raise RefusedError(Reason.TOO_COMPLEX)

    def number(self, untrusted: str, *, word: str) -> str:
        """
        Give a name that joins places the one that is written.

        Args:
            untrusted: The name.
            word: Of its kind; equal names of one kind stay equal, in all parts.

        Returns:
            The word, and a number in the order of first use.
        """
        if untrusted in _NOTHING:
            return untrusted
        numbers = self._numbers.setdefault(word, {})
        key = untrusted.lower() if word in self._rules.caseless else untrusted
        written = numbers.setdefault(key, f"{word}{len(numbers) + 1}")
        if written != untrusted:
            self.kinds.add(Kind.ID)
        return written

    # --- elements ---------------------------------------------------------------------------------

    def _begin(self, name: str, attributes: Attributes, *, root: Container[str]) -> None:
        parent = self._open[-1] if self._open else None
        scope = enter_scope(parent.scope if parent else {}, attributes, self._rules.addresses)
        prefix, _, local = name.rpartition(":")
        space_key = scope.get(prefix)
        key = f"{space_key}:{local}"
        space = self._rules.namespaces.get(space_key or "")
        if parent is None and key not in root:
            raise RefusedError(Reason.MALFORMED)
        if key in self._rules.refused:
            raise RefusedError(Reason.UNSUPPORTED)
        opened = _Open(
            key=key,
            written=None,
            scope=scope,
            has_text=parent is not None and parent.has_text,
            start=len(self._out),
            attributes=[],
        )
        if parent is not None and parent.is_gone:
            self._skipped = 1
            return
        if key in self._rules.unwrapped:
            self.kinds |= self._rules.element_kinds.get(local, frozenset())
            if self._is_left_out(parent, opened, attributes):
                self._skipped = 1
            else:
                self._open.append(opened)
            return
        if space is None or local not in space.elements:
            self._leave_out(key, local)
            return
        if not self._keep_attributes(opened, attributes, space):
            self._skipped = 1
            return
        if key == _STRING and self._pass_string():
            return
        self._open.append(opened)
        if self._lacks_its_value(opened):
            return
        opened.written = f"{space.prefix}:{local}" if space.prefix else local
        opened.has_text = local in space.texts
        self._used.add(space_key or "")
        for key, _ in opened.attributes:
            if ":" in key:
                self._used.add(key.partition(":")[0])
        self._close_start()
        opened.start = len(self._out)
        self._out.append(write_start(opened.written, opened.attributes))
        self._is_pending = True

    def _leave_out(self, key: str, local: str) -> None:
        self.kinds |= self._rules.element_kinds.get(local, frozenset())
        self._skipped = 1
        if len(self._open) > 1 and (key, self._open[-1].key, self._open[-2].key) in _TAKEN_OUT:
            self._open[-2].is_gone = True

    def _end(self) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        closed = self._open.pop()
        if closed.written is None:
            return
        if (closed.key in self._collected and self._is_forbidden(closed)) or self._is_gone(closed):
            del self._out[closed.start :]
            # Its parent's start was ended for it; text never is this sign alone.
            self._is_pending = self._out[-1] == ">"
            if self._is_pending:
                self._out.pop()
            return
        if closed.key == _CELL and closed.is_gone:
            self._close_start()
            self._out.append(_EMPTY_PARAGRAPH)
        if closed.key in self._rules.numbered:
            self._number_text(closed)
        if closed.key == _VALUE and ("t", "s") in self._open[-1].attributes:
            self._shown_strings.add("".join(closed.texts))
        if self._is_pending:
            self._out.append("/>")
        else:
            self._out.append(f"</{closed.written}>")
        self._is_pending = False

    def _read_text(self, text: str) -> None:
        if self._skipped or not self._open:
            return
        inner = self._open[-1]
        if not inner.has_text:
            if text.strip(" \t\n"):
                self.kinds.add(Kind.TEXT)
            return
        if not text.isascii():
            plain = remove_invisible(text, is_typeset=True)
            if plain != text:
                self.kinds.add(Kind.TEXT)
            text = plain
        if inner.key == _FIELD_TEXT and _is_clock(self._open[-2]):
            self.kinds.add(Kind.TIME)
            return
        if inner.key in self._collected:
            inner.texts.append(text)
        if text:
            self._close_start()
            self._out.append(encode_text(text))

    def _is_gone(self, closed: _Open) -> bool:
        """Tell whether a change took out a row, or all rows of a table."""
        if closed.key == _ROW:
            table = next((one for one in reversed(self._open) if one.key == _TABLE), None)
            if table is not None:
                table.has_rows = bool(table.has_rows) or not closed.is_gone
            return closed.is_gone
        return closed.key == _TABLE and closed.has_rows is False

    def _number_text(self, closed: _Open) -> None:
        text = "".join(closed.texts)
        numbered = self._number_in(closed.key, text, word=self._rules.numbered[closed.key])
        if numbered != text:
            del self._out[closed.start + 2 :]  # behind its start and the end of that
            self._out.append(encode_text(numbered))

    def _close_start(self) -> None:
        if self._is_pending:
            self._out.append(">")
            self._is_pending = False

    def _pass_string(self) -> bool:
        """Leave an empty place for a text that no cell shows; tell whether it is one."""
        number = str(self._string_len)
        self._string_len += 1
        if number in self._shown_strings:
            return False
        self._close_start()
        self._out.append(_EMPTY_STRING)
        self._skipped = 1
        return True

    # --- what decides -----------------------------------------------------------------------------

    def _is_left_out(self, parent: _Open | None, opened: _Open, attributes: Attributes) -> bool:
        """Tell whether an element has no place here, or is an alternative that does not stay."""
        if opened.key in self._rules.gone_in:
            return any(one.key in self._rules.gone_in[opened.key] for one in self._open)
        if opened.key not in ("mc:Choice", "mc:Fallback"):
            return False
        if parent is None or parent.key != "mc:AlternateContent":
            raise RefusedError(Reason.MALFORMED)
        required = [one for one in attributes.get("Requires", "").split(" ") if one]
        if parent.is_chosen or (
            opened.key == "mc:Choice"
            and not (required and all(opened.scope.get(one) for one in required))
        ):
            return True
        parent.is_chosen = True
        return False

    def _keep_attributes(self, opened: _Open, attributes: Attributes, space: Namespace) -> bool:
        """Keep what is listed; return whether the element stays."""
        related: set[str] = set()
        for name, value in attributes.items():
            key = self._find_key(opened, name, value, space)
            if key is None:
                continue
            if key in self._rules.references:
                if not value:
                    continue
                if not self._references.has(value, element=opened.key):
                    if opened.key in self._rules.loose:
                        continue
                    return False
                related.add(key)
            what = f"{opened.key}@{key}"
            if what not in self._valued:
                opened.attributes.append((key, value))
                continue
            kept = self._rules.constants.get(what, value)
            if _has(self._rules.dropped_if, what, kept):
                return False
            if not self._is_other(what, kept):
                opened.attributes.append((key, kept))
        if len(opened.attributes) > 1:
            self._order(opened)
        if related or opened.key in self._numbering:
            self._rename(opened, related)
        return True

    def _rename(self, opened: _Open, related: set[str]) -> None:
        """Write the new names of what attributes lead to, or are led to by."""
        for at, (key, value) in enumerate(opened.attributes):
            if key in related:
                opened.attributes[at] = (key, self._references.rename(value))
                continue
            what = f"{opened.key}@{key}"
            word = self._rules.numbered.get(what)
            if word is not None:
                opened.attributes[at] = (key, self._number_in(what, value, word=word))

    def _number_in(self, what: str, text: str, *, word: str) -> str:
        pattern = self._rules.numbered_in.get(what)
        if pattern is None:
            return self.number(text, word=word)
        found = pattern.search(text)
        if found is None:
            return text
        return found[1] + self.number(found[2], word=word) + text[found.end() :]

    @staticmethod
    def _order(opened: _Open) -> None:
        opened.attributes.sort()
        if len({key for key, _ in opened.attributes}) != len(opened.attributes):
            raise RefusedError(Reason.MALFORMED)

    def _find_key(self, opened: _Open, name: str, value: str, space: Namespace) -> str | None:
        """Find the name under which an attribute is written; None if it goes."""
        prefix, _, local = name.rpartition(":")
        if "xmlns" in (prefix, name):
            return None
        if prefix == "xml":
            is_kept = (local, value) == ("space", "preserve")
            return name if is_kept or f"{opened.key}@{name}" in self._rules.numbered else None
        if not prefix:
            if local in space.attributes or self._rules.extra.get(opened.key) == local:
                return local
        else:
            space_key = opened.scope.get(prefix)
            if space_key is not None and local in self._rules.namespaces[space_key].qualified:
                return f"{space_key}:{local}"
        self.kinds |= self._rules.attribute_kinds.get(local, frozenset())
        return None

    def _is_other(self, what: str, value: str) -> bool:
        """Tell whether an attribute's value is none that it may have."""
        rules = self._rules
        return _has(rules.not_values, what, value) or any(
            what in patterns and not patterns[what].search(value)
            for patterns in (rules.values, rules.unless)
        )

    def _lacks_its_value(self, opened: _Open) -> bool:
        """Tell whether an element lost the attribute without which its tags go."""
        needed = self._needed.get(opened.key)
        return needed is not None and needed not in dict(opened.attributes)

    def _is_forbidden(self, closed: _Open) -> bool:
        """Tell whether a text leads elsewhere; take it out where its element has to stay."""
        text = "".join(closed.texts)
        if closed.key in self._rules.texts:
            return not self._rules.texts[closed.key].search(text)
        if closed.key in self._rules.blank_texts:
            if self._rules.blank_texts[closed.key].search(text):
                del self._out[closed.start + 1 :]
                self._is_pending = True
            return False
        if closed.key not in self._rules.not_texts:
            return False
        is_foreign = bool(self._rules.not_texts[closed.key].search(text))
        hidden = self._rules.hidden_texts.get(closed.key)
        if hidden is not None and any(one in _HIDDEN for one in closed.attributes):
            is_foreign = is_foreign or not hidden.search(text)
        if is_foreign and closed.key == _NAME:
            self._lose_name(closed)
        if closed.key == _SHARED_FORMULA:
            is_foreign = is_foreign or self._names_lost(text)
            shared = next((value for key, value in closed.attributes if key == "si"), None)
            if shared is not None and is_foreign:
                self._lost_formulas.add(shared)
            is_foreign = is_foreign or (not text and shared in self._lost_formulas)
        return is_foreign

    def _lose_name(self, closed: _Open) -> None:
        name = next((value for key, value in closed.attributes if key == "name"), "").lower()
        # Those of functions that an older program did not know are no values.
        if name and not name.startswith("_xlfn"):
            self._lost_names.add(name)

    def _names_lost(self, formula: str) -> bool:
        return bool(self._lost_names) and any(
            word.lower() in self._lost_names for word in _WORD.findall(formula)
        )


def _has(patterns: Patterns, what: str, value: str) -> bool:
    return what in patterns and patterns[what].search(value) is not None


def _is_clock(opened: _Open) -> bool:
    """Tell whether a program writes into an element when it opened or saved the file."""
    return opened.key == _FIELD and any(
        key == "type" and value.startswith("datetime") for key, value in opened.attributes
    )
