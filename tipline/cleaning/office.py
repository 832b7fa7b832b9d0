"""
Office Open XML (ECMA-376): DOCX, XLSX and PPTX.

1. From the main part on, relations are followed: those of listed types alone, and those that an
   element which stays still names. What is reached is kept; all else goes, known or not.
2. Each part is rewritten (`document_markup`) and gets a path of our own, each relation a number.
   Content types are written anew. So no name, number or order tells anything.
3. Pictures are cleaned by their own rules. One that cannot be cleaned is refused with the document.
   A file inside a slide or a sheet leaves its place to its picture (`office_objects`).
4. Links lead to the web or to an address of mail; others go.
5. Macros are refused. So is what cannot be left out unnoticed: parts of other documents.

*Limitations.* What is hidden but content stays: hidden sheets, rows and text, the cropped edges of
pictures, what a link's address says, the language that text is marked with.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Final

from tipline.cleaning import office_rules as rules
from tipline.cleaning.archive import (
    Archive,
    Member,
    Written,
    store_member,
    write_archive,
    write_member,
)
from tipline.cleaning.document_markup import Change, DocumentMarkup
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import DECLARATION, decode_markup, read_markup, write_start
from tipline.cleaning.office_objects import (
    EMPTY_DRAWING,
    OBJECT_NAME,
    SheetObject,
    add_drawing,
    add_pictures,
    find_objects,
    lift_frames,
)
from tipline.cleaning.office_shapes import Shape, read_shapes
from tipline.cleaning.pictures import PICTURE_TYPES, Picture, clean_picture
from tipline.cleaning.plan import Format, Plan, PlanBuilder
from tipline.cleaning.relations import (
    CONTENT_TYPES,
    RELATIONS_TYPE,
    Relation,
    find_relations_path,
    read_relations,
    write_relations,
)
from tipline.cleaning.source import Source

MAX_PARTS: Final = 10_000
_TYPES_NAMESPACE: Final = "http://schemas.openxmlformats.org/package/2006/content-types"
_SHEET: Final = "x:worksheet"
_DRAWING: Final = "drawing"  # also the name of a relation and of a part of our own
_LIFTED: Final = "lifted {}"  # a relation of our own
_MACROS_TYPE: Final = re.compile(r"macroEnabled|vbaProject|activeX", re.ASCII)
_PROPERTY: Final = re.compile(r"<(?:[A-Za-z0-9_-]+:)?([A-Za-z]+)(?: [^<>]*)?>[^<]", re.ASCII)
_PROPERTIES: Final = frozenset({"core-properties", "extended-properties", "custom-properties"})


def is_office(archive: Archive) -> bool:
    """
    Tell a document of Office from other archives.

    Args:
        archive: Any.

    Returns:
        Whether it lists content types.
    """
    return CONTENT_TYPES.lower() in {name.lower() for name in archive.members}


def plan_office(source: Source, archive: Archive) -> Plan:
    """
    Plan the cleaning of a document.

    Args:
        source: The file.
        archive: In it; `is_office`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source, archive).read()


class _Part:
    """A part that is kept: where it was, what it is, where it goes."""

    def __init__(self, *, member: Member, rule: rules.PartRule, path: str) -> None:
        self.member = member
        self.rule = rule
        self.path = path


class _Reader:
    def __init__(self, source: Source, archive: Archive) -> None:
        self._source = source
        self._archive = archive
        self._markup = DocumentMarkup(rules.RULES)
        self._kinds = set(archive.kinds)
        self._members = {name.lower(): member for name, member in archive.members.items()}
        if len(self._members) != len(archive.members):
            raise RefusedError(Reason.MALFORMED)
        self._parts: dict[tuple[str, str], _Part] = {}
        self._waiting: list[_Part] = []
        self._numbers: dict[str, int] = {}
        self._written: list[Written] = []
        self._pictures: dict[str, Picture | None] = {}
        self._relations: dict[str, list[Relation]] = {}
        self._properties: set[str] = set()
        self._made: dict[str, bytes] = {}  # parts of our own, by their members' names
        self._lifted: dict[str, list[SheetObject]] = {}  # by the names of drawings

    def read(self) -> Plan:
        types = self._members[CONTENT_TYPES.lower()]
        if _MACROS_TYPE.search(decode_markup(self._archive.read(types))):
            raise RefusedError(Reason.MACROS)
        main, found = self._find_main()
        self._format = Format(found)
        self._rules = rules.PARTS[found]
        self._add_part(main, rules.MAIN_PARTS[found])
        root = write_relations([("rId1", rules.MAIN_PARTS[found].relation, self._waiting[0].path)])
        for part in self._waiting:  # grows while it is read
            self._rewrite(part)
        self._look_at_rest()
        builder = PlanBuilder(format=self._format, source=self._source)
        builder.find(*self._kinds, *self._markup.kinds)
        members = [
            self._write(types, CONTENT_TYPES, self._list_types()),
            self._write(self._members.get("_rels/.rels"), "_rels/.rels", root),
        ]
        write_archive(builder, [*members, *self._written])
        return builder.build()

    # --- parts ------------------------------------------------------------------------------------

    def _find_main(self) -> tuple[Member, str]:
        """Find the main part, and by its first element the format."""
        for relation in self._read_relations(""):
            if relation.kind == "officeDocument" and not relation.is_external:
                member = self._members.get(relation.target)
                if member is None:
                    raise RefusedError(Reason.MALFORMED)
                return member, self._find_format(member)
            self._look_at(relation)
        raise RefusedError(Reason.UNKNOWN)

    def _find_format(self, member: Member) -> str:
        for event in read_markup(decode_markup(self._archive.read(member))):
            if isinstance(event, tuple):
                name, attributes = event
                prefix, _, local = name.rpartition(":")
                address = attributes.get(f"xmlns:{prefix}" if prefix else "xmlns", "")
                key = f"{rules.RULES.addresses.get(address)}:{local}"
                for found, rule in rules.MAIN_PARTS.items():
                    if rule.root == key:
                        return found
            break
        raise RefusedError(Reason.UNSUPPORTED)

    def _add_part(self, member: Member, rule: rules.PartRule) -> _Part:
        known = self._parts.get((member.name, rule.relation))
        if known is not None:
            return known
        number = self._numbers.get(rule.path, 0) + 1
        self._numbers[rule.path] = number
        path = rule.path.replace("{n}", str(number))
        picture = self._pictures.get(member.name)
        if rule.root is None and picture is not None:
            path += picture.extension
        part = _Part(member=member, rule=rule, path=path)
        self._parts[member.name, rule.relation] = part
        self._waiting.append(part)
        if len(self._parts) > MAX_PARTS or ("{n}" not in rule.path and number > 1 and rule.root):
            raise RefusedError(Reason.TOO_COMPLEX)
        return part

    def _rewrite(self, part: _Part) -> None:
        if part.rule.root is None:
            self._written.append(self._write_picture(part))
            return
        found = self._read_relations(part.member.name)
        content = self._read(part.member)
        found, change = self._lift(part, content, found)
        self._load_pictures(found)
        relations = _PartRelations(self, found)
        rewritten = self._markup.rewrite(
            content, root=(part.rule.root,), references=relations, change=change
        )
        self._written.append(self._write(part.member, part.path, rewritten, content))
        named = relations.finish()
        if named:
            path = find_relations_path(part.path)
            before = self._members.get(find_relations_path(part.member.name).lower())
            self._written.append(self._write(before, path, write_relations(named)))

    def _write(
        self, member: Member | None, path: str, content: bytes, before: bytes | None = None
    ) -> Written:
        """Write a part; if it is as it was, its compressed bytes are kept."""
        if member is not None and member.name not in self._made:
            if before is None:
                before = self._archive.read(member)
            if before == content:
                return self._archive.keep(member, path)
        return write_member(path, content)

    def _read(self, member: Member) -> bytes:
        made = self._made.get(member.name)
        return self._archive.read(member) if made is None else made

    def _list_types(self) -> bytes:
        used = {part.path.rpartition(".")[2] for part in self._waiting}
        pictures = [
            (extension, said) for extension, said in PICTURE_TYPES.items() if extension in used
        ]
        defaults = [*pictures, ("rels", RELATIONS_TYPE), ("xml", "application/xml")]
        lines = [write_start("Types", [("xmlns", _TYPES_NAMESPACE)]) + ">"]
        for extension, content_type in defaults:
            named = [("ContentType", content_type), ("Extension", extension)]
            lines.append(write_start("Default", named) + "/>")
        for part in self._waiting:
            if part.rule.content_type is not None:
                named = [("ContentType", part.rule.content_type), ("PartName", "/" + part.path)]
                lines.append(write_start("Override", named) + "/>")
        return (DECLARATION + "".join(lines) + "</Types>").encode()

    # --- files inside -----------------------------------------------------------------------------

    def _lift(
        self, part: _Part, content: bytes, found: list[Relation]
    ) -> tuple[list[Relation], Change | None]:
        """Put pictures in the places of files inside: tell what leads to them, and how to read."""
        lifted = self._lifted.get(part.member.name)
        if lifted is not None:
            pictures = [(_LIFTED.format(at), one) for at, one in enumerate(lifted)]
            led = [_make_relation(name, "image", one.target) for name, one in pictures]
            return [*found, *led], partial(add_pictures, pictures=pictures)
        if not OBJECT_NAME.search(content):
            return found, None
        shapes = self._read_shapes(found)
        if part.rule.root == _SHEET:
            return self._lift_sheet(content, found, shapes)
        shown = {one: shape.target for one, shape in shapes.items() if shape.target is not None}
        names = {one: _LIFTED.format(at) for at, one in enumerate(shown)}
        led = [_make_relation(names[one], "image", target) for one, target in shown.items()]
        return [*found, *led], partial(lift_frames, pictures=names)

    def _lift_sheet(
        self, content: bytes, found: list[Relation], shapes: Mapping[str, Shape]
    ) -> tuple[list[Relation], Change | None]:
        """Note which pictures the drawing of a sheet gets, and give it one if it has none."""
        targets = {one.name: one.target for one in found if not one.is_external}
        events = read_markup(decode_markup(content))
        objects, drawing = find_objects(events, shapes=shapes, targets=targets)
        if not objects:
            return found, None
        if drawing is None:
            name = f"//{_DRAWING}{len(self._made)}"  # as no relation leads
            self._made[name] = EMPTY_DRAWING
            self._members[name] = Member(
                name=name, method=0, checksum=0, offset=0, compressed_bytes=0, size_bytes=0
            )
            self._lifted[name] = objects
            change = partial(add_drawing, relation=_DRAWING)
            return [*found, _make_relation(_DRAWING, _DRAWING, name)], change
        member = self._members.get(targets.get(drawing, ""))
        if member is None or (member.name, _DRAWING) in self._parts or member.name in self._lifted:
            raise RefusedError(Reason.UNSUPPORTED)
        self._lifted[member.name] = objects
        return found, None

    def _read_shapes(self, found: list[Relation]) -> Mapping[str, Shape]:
        shapes: dict[str, Shape] = {}
        for relation in found:
            member = self._members.get(relation.target)
            if relation.kind == "vmlDrawing" and not relation.is_external and member is not None:
                relations = self._read_relations(member.name)
                content = self._archive.read(member)
                shapes |= read_shapes(content, relations, count=self._markup.count)
        return shapes

    # --- pictures ---------------------------------------------------------------------------------

    def _load_pictures(self, relations: list[Relation]) -> None:
        """Clean the pictures that a part leads to, and note which cannot be cleaned."""
        for relation in relations:
            rule = self._rules.get(relation.kind)
            member = self._members.get(relation.target)
            if relation.is_external or rule is None or rule.root is not None or member is None:
                continue
            if member.name in self._pictures:
                continue
            content = self._archive.read(member)
            try:
                self._pictures[member.name] = clean_picture(content)
            except RefusedError:
                self._pictures[member.name] = None

    def _write_picture(self, part: _Part) -> Written:
        picture = self._pictures[part.member.name]
        if picture is None:
            raise RefusedError(Reason.UNSUPPORTED)
        if not picture.kinds:
            return self._archive.keep(part.member, part.path)
        write = store_member if picture.is_compressed else write_member
        return write(part.path, picture.content)

    # --- relations --------------------------------------------------------------------------------

    def _read_relations(self, path: str) -> list[Relation]:
        if path not in self._relations:
            member = self._members.get(find_relations_path(path).lower())
            self._relations[path] = (
                read_relations(self._archive.read(member), base=path) if member else []
            )
        return self._relations[path]

    def find_target(self, relation: Relation) -> bool:
        """Tell whether a relation stays."""
        if relation.is_external:
            return relation.kind == "hyperlink" and bool(rules.RULES.link.search(relation.target))
        rule = self._rules.get(relation.kind)
        member = self._members.get(relation.target)
        if rule is None or member is None:
            return False
        if rule.root is not None:
            return True
        picture = self._pictures[member.name]
        if picture is None:
            # Also one that stands for a file inside: without it, what a reader sees would be gone.
            raise RefusedError(Reason.UNSUPPORTED)
        self._kinds.update(picture.kinds)
        return True

    def add_target(self, relation: Relation) -> str:
        """Give the new target of a relation that stays."""
        if relation.is_external:
            if self._format is Format.DOCX and relation.target.startswith("#"):
                return "#" + self._markup.number(relation.target[1:], word=rules.BOOKMARK)
            return relation.target
        return self._add_part(self._members[relation.target], self._rules[relation.kind]).path

    def list_implicit(self, relations: list[Relation]) -> list[Relation]:
        """List the relations that no element has to name, in their order."""
        return [
            relation
            for kind, rule in self._rules.items()
            if rule.is_implicit
            for relation in relations
            if relation.kind == kind
        ]

    # --- what goes --------------------------------------------------------------------------------

    def _look_at(self, relation: Relation) -> None:
        if relation.kind in rules.MACROS:
            raise RefusedError(Reason.MACROS)
        self._kinds |= rules.RELATION_KINDS.get(relation.kind, frozenset())
        member = self._members.get(relation.target)
        if (
            relation.kind in _PROPERTIES
            and member is not None
            and member.name not in self._properties
        ):
            self._properties.add(member.name)
            text = decode_markup(self._archive.read(member))
            for found in _PROPERTY.finditer(text):
                self._kinds |= rules.RULES.property_kinds.get(found[1], frozenset())

    def _look_at_rest(self) -> None:
        """Look at what leads away from the parts that are kept, and from the document."""
        for path in ("", *(part.member.name for part in self._waiting)):
            for relation in self._read_relations(path):
                if relation.is_external or relation.kind not in self._rules:
                    self._look_at(relation)


def _make_relation(name: str, kind: str, target: str) -> Relation:
    return Relation(name=name, kind=kind, target=target, is_external=False)


class _PartRelations:
    """The relations of a part: those that stay get numbers, in the order of their first use."""

    def __init__(self, reader: _Reader, relations: list[Relation]) -> None:
        self._reader = reader
        self._relations = {relation.name: relation for relation in relations}
        if len(self._relations) != len(relations):
            raise RefusedError(Reason.MALFORMED)
        self._named: dict[tuple[str, str], str] = {}

    def has(self, untrusted: str, *, element: str) -> bool:
        del element  # what a relation leads to is said by its type
        relation = self._relations.get(untrusted)
        return relation is not None and self._reader.find_target(relation)

    def rename(self, untrusted: str) -> str:
        return self._name(self._relations[untrusted])

    def finish(self) -> list[tuple[str, str, str]]:
        """Add the relations that no element names; return each with its type and target."""
        for relation in self._reader.list_implicit([*self._relations.values()]):
            if self._reader.find_target(relation):
                self._name(relation)
        return [(name, kind, target) for (kind, target), name in self._named.items()]

    def _name(self, relation: Relation) -> str:
        key = (relation.kind, self._reader.add_target(relation))
        return self._named.setdefault(key, f"rId{len(self._named) + 1}")
