"""
The XML of Office's documents: what is shown stays, by allow-lists, and is written in one way.

1. Elements, attributes and namespaces that stand in no list of `office.json` go, with all that is
   in them. Text stays in the elements that hold text, and nowhere else.
2. Changes are accepted: what was put in stays, what was taken out goes, and so does who and when.
3. Of alternatives for older and newer programs the first stays that needs listed namespaces alone.
4. An attribute that names a relation gets the relation's new name; without it the element goes.
5. Formulas, fields and actions that lead to other files go; the values that they gave stay.
6. Of a workbook's texts those stay that a cell shows; the others leave an empty place.
7. Attributes stand in the order of their names, namespaces have one prefix each.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Protocol

from tipline.cleaning import office_rules as rules
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import (
    DECLARATION,
    MAX_ELEMENTS,
    Attributes,
    decode_markup,
    encode_text,
    read_markup,
    write_start,
)
from tipline.cleaning.plan import Kind

_SHARED_FORMULA: Final = "x:f"
_STRING: Final = "x:si"
_VALUE: Final = "x:v"
_EMPTY_STRING: Final = "<si><t/></si>"
_COLLECTED: Final = frozenset({*rules.TEXTS, *rules.NOT_TEXTS, *rules.BLANK_TEXTS, _VALUE})


class Relations(Protocol):
    """What a part leads to."""

    def has(self, untrusted_name: str, *, is_tolerant: bool) -> bool:
        """Tell whether a relation stays; a picture that cannot be cleaned may be missing or not."""
        ...

    def rename(self, untrusted_name: str) -> str:
        """Give the new name of a relation that stays."""
        ...


@dataclasses.dataclass(slots=True, kw_only=True)
class _Open:
    """
    An element that is open.

    Args:
        key: Its name, with the prefix of `office.json`.
        written: Its name as it is written; None if its tags go.
        scope: The prefixes that hold inside it.
        has_text: Whether text stays in it.
        start: Where it begins in what is written.
        attributes: As they are written.
        texts: What stands in it, where that decides.
        is_chosen: Of alternatives: one was found.
        is_tolerant: Pictures in it may be missing.
    """

    key: str
    written: str | None
    scope: dict[str, str | None]
    has_text: bool
    start: int
    attributes: list[tuple[str, str]]
    texts: list[str] = dataclasses.field(default_factory=list)
    is_chosen: bool = False
    is_tolerant: bool = False


class OfficeMarkup:
    """Rewrites the parts of one document; `kinds` is what was found in them."""

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self._element_len = 0
        self._lost_formulas: set[str] = set()
        self._shown_strings: set[str] = set()
        self._string_len = 0

    def rewrite(self, untrusted: bytes, *, root: str, relations: Relations) -> bytes:
        """
        Rewrite a part.

        Args:
            untrusted: The part.
            root: What its first element must be. A workbook's texts come behind its sheets.
            relations: Of the part.

        Returns:
            The part as it stays.

        Raises:
            RefusedError: it is no such part, or cannot be cleaned.
        """
        self._lost_formulas.clear()
        self._relations = relations
        self._out: list[str] = []
        self._open: list[_Open] = []
        self._used: set[str] = set()
        self._is_pending = False
        self._skipped = 0
        for event in read_markup(decode_markup(untrusted)):
            if event is None:
                self._end()
            elif isinstance(event, str):
                self._read_text(event)
            else:
                self._element_len += 1
                if self._element_len > MAX_ELEMENTS:
                    raise RefusedError(Reason.TOO_COMPLEX)
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
            for key, space in rules.NAMESPACES.items()
            if key in self._used
        )
        # The first is the root's start.
        self._out[0] += spaces
        return (DECLARATION + "".join(self._out)).encode()

    # --- elements ---------------------------------------------------------------------------------

    def _begin(self, name: str, attributes: Attributes, *, root: str) -> None:
        parent = self._open[-1] if self._open else None
        scope = _enter_scope(parent.scope if parent else {}, attributes)
        prefix, _, local = name.rpartition(":")
        space_key = scope.get(prefix)
        key = f"{space_key}:{local}"
        space = rules.NAMESPACES.get(space_key or "")
        if parent is None and key != root:
            raise RefusedError(Reason.MALFORMED)
        if key in rules.REFUSED:
            raise RefusedError(Reason.UNSUPPORTED)
        opened = _Open(
            key=key,
            written=None,
            scope=scope,
            has_text=False,
            start=len(self._out),
            attributes=[],
            is_tolerant=key in rules.TOLERANT or (parent is not None and parent.is_tolerant),
        )
        if key in rules.UNWRAPPED:
            self.kinds |= rules.ELEMENT_KINDS.get(local, frozenset())
            if self._is_left_out(parent, opened, attributes):
                self._skipped = 1
            else:
                self._open.append(opened)
            return
        if space is None or local not in space.elements:
            self.kinds |= rules.ELEMENT_KINDS.get(local, frozenset())
            self._skipped = 1
            return
        if not self._keep_attributes(opened, attributes, space):
            self._skipped = 1
            return
        if key == _STRING and self._pass_string():
            return
        self._open.append(opened)
        if any(
            key == what.partition("@")[0] and not self._has(opened, what) for what in rules.UNLESS
        ):
            return
        opened.written = f"{space.prefix}:{local}" if space.prefix else local
        opened.has_text = local in space.texts
        self._used.add(space_key or "")
        self._used.update(key.partition(":")[0] for key, _ in opened.attributes)
        self._close_start()
        opened.start = len(self._out)
        self._out.append(write_start(opened.written, opened.attributes))
        self._is_pending = True

    def _end(self) -> None:
        if self._skipped:
            self._skipped -= 1
            return
        closed = self._open.pop()
        if closed.written is None:
            return
        if closed.key in _COLLECTED and self._is_forbidden(closed):
            del self._out[closed.start :]
            # Its parent's start was ended for it; text never is this sign alone.
            self._is_pending = self._out[-1] == ">"
            if self._is_pending:
                self._out.pop()
            return
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
        if inner.written is None or not inner.has_text:
            if text.strip(" \t\n"):
                self.kinds.add(Kind.TEXT)
            return
        if inner.key in _COLLECTED:
            inner.texts.append(text)
        if text:
            self._close_start()
            self._out.append(encode_text(text))

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
        """Tell whether an alternative is not the one that stays."""
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

    def _keep_attributes(
        self, opened: _Open, attributes: Attributes, space: rules.Namespace
    ) -> bool:
        """Keep what is listed; return whether the element stays."""
        related: set[str] = set()
        for name, value in attributes.items():
            key = self._find_key(opened, name, value, space)
            if key is None:
                continue
            if key.startswith("r:"):
                if not value:
                    continue
                if not self._relations.has(value, is_tolerant=opened.is_tolerant):
                    if opened.key in rules.LOOSE:
                        continue
                    return False
                related.add(key)
            what = f"{opened.key}@{key}"
            kept = rules.CONSTANTS.get(what, value)
            if not any(
                what in patterns and not patterns[what].search(kept)
                for patterns in (rules.VALUES, rules.UNLESS)
            ):
                opened.attributes.append((key, kept))
        opened.attributes.sort()
        for at, (key, value) in enumerate(opened.attributes):
            if key in related:
                opened.attributes[at] = (key, self._relations.rename(value))
        if len({key for key, _ in opened.attributes}) != len(opened.attributes):
            raise RefusedError(Reason.MALFORMED)
        return True

    def _find_key(self, opened: _Open, name: str, value: str, space: rules.Namespace) -> str | None:
        """Find the name under which an attribute is written; None if it goes."""
        prefix, _, local = name.rpartition(":")
        if "xmlns" in (prefix, name):
            return None
        if prefix == "xml":
            return name if (local, value) == ("space", "preserve") else None
        if not prefix:
            if local in space.attributes or rules.EXTRA.get(opened.key) == local:
                return local
        else:
            space_key = opened.scope.get(prefix)
            if space_key is not None and local in rules.NAMESPACES[space_key].qualified:
                return f"{space_key}:{local}"
        self.kinds |= rules.ATTRIBUTE_KINDS.get(local, frozenset())
        return None

    @staticmethod
    def _has(opened: _Open, what: str) -> bool:
        wanted = what.partition("@")[2]
        return any(key == wanted for key, _ in opened.attributes)

    def _is_forbidden(self, closed: _Open) -> bool:
        """Tell whether a text leads elsewhere; take it out where its element has to stay."""
        text = "".join(closed.texts)
        if closed.key in rules.TEXTS:
            return not rules.TEXTS[closed.key].search(text)
        if closed.key in rules.BLANK_TEXTS:
            if rules.BLANK_TEXTS[closed.key].search(text):
                del self._out[closed.start + 1 :]
                self._is_pending = True
            return False
        if closed.key not in rules.NOT_TEXTS:
            return False
        is_foreign = bool(rules.NOT_TEXTS[closed.key].search(text))
        if closed.key == _SHARED_FORMULA:
            shared = next((value for key, value in closed.attributes if key == "si"), None)
            if shared is not None and is_foreign:
                self._lost_formulas.add(shared)
            is_foreign = is_foreign or (not text and shared in self._lost_formulas)
        return is_foreign


def _enter_scope(scope: dict[str, str | None], attributes: Attributes) -> dict[str, str | None]:
    declared = {
        name.removeprefix("xmlns").removeprefix(":"): rules.ADDRESSES.get(value)
        for name, value in attributes.items()
        if name == "xmlns" or name.startswith("xmlns:")
    }
    return {**scope, **declared} if declared else scope
