"""
OpenDocument (ISO 26300): ODT, ODS and ODP.

1. Kept are the content and the styles, of the document and of the objects that are shown in it
   (charts, formulas), the pictures that they show, and of the settings those that lay out pages
   (`opendocument_settings`). All else goes, known or not: properties, other settings, previews,
   earlier versions, how the program looked.
2. Each part is rewritten (`document_markup`), and what it leads to gets a name of our own. The
   manifest is written anew.
3. Pictures are cleaned by their own rules. One that cannot be cleaned is refused with the document;
   where it only stands for an object, it goes.
4. Links lead to the web, to an address of mail or to a place in the document; others go. Names of
   places, marks, notes and slides become numbers: programs write there whom they cite for.
5. Encrypted documents are refused, and so are those with programs.

*Limitations.* As of Office's documents. Animations go, and fields become the text that they show.
"""

from __future__ import annotations

import re
from typing import Final

from tipline.cleaning.archive import (
    Archive,
    Member,
    Written,
    store_member,
    write_archive,
    write_member,
)
from tipline.cleaning.document_markup import DocumentMarkup
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.markup import DECLARATION, decode_markup, write_start
from tipline.cleaning.markup_rules import list_kinds, load_lists, make_rules
from tipline.cleaning.opendocument_settings import rewrite_settings
from tipline.cleaning.pictures import PICTURE_TYPES, Picture, clean_picture
from tipline.cleaning.plan import Format, Kind, Plan, PlanBuilder
from tipline.cleaning.source import Source

MIMETYPE: Final = "mimetype"
MANIFEST: Final = "META-INF/manifest.xml"
SETTINGS: Final = "settings.xml"
MAX_OBJECTS: Final = 1_000
MAX_MIMETYPE_BYTES: Final = 256

_LISTS: Final = load_lists("opendocument.json")
_RULES: Final = make_rules(_LISTS)
_MEMBER_KINDS: Final = list_kinds(_LISTS["kinds"]["members"])
_TYPES: Final = {Format(name): mimetype for name, mimetype in _LISTS["documents"].items()}
_FOLDERS: Final = frozenset(_LISTS["picture-folders"].split())
_STAND_IN: Final = "ObjectReplacements"
_TEMPLATE: Final = "-template"
_PARTS: Final = (
    ("content.xml", "office:document-content"),
    ("styles.xml", "office:document-styles"),
)
_FORMULA: Final = "math:math"
_MANIFEST_NAMESPACE: Final = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
_MACROS: Final = re.compile(
    r"^(?:Basic|Scripts|Dialogs)/(?!(?:[^\n]*/)?(?:script|dialog)-l[bc]\.xml\Z)"
)
_ENCRYPTED: Final = re.compile(r"encryption-data")
_PROPERTY: Final = re.compile(r"<(?:[A-Za-z0-9_-]+:)?([A-Za-z-]+)(?: [^<>]*)?>[^<]")
# What shows a picture, and what shows an object. Nothing else leads to a member.
_SHOWING: Final = frozenset(
    {"draw:image", "draw:fill-image", "style:background-image", "text:list-level-style-image"}
)
_LINKS: Final = frozenset({"text:a", "draw:a"})
_OBJECT: Final = "draw:object"
# By the format: the word under which places are numbered that a link leads to by their name alone.
_PLACES: Final = {Format(name): word for name, word in _LISTS["places"].items()}
_REGION: Final = "|region"
_SECTION: Final = "section"
_ESCAPED: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def is_open_document(archive: Archive) -> bool:
    """
    Tell an OpenDocument from other archives.

    Args:
        archive: Any.

    Returns:
        Whether it has the member that says so.
    """
    return MIMETYPE in archive.members


def plan_open_document(source: Source, archive: Archive) -> Plan:
    """
    Plan the cleaning of a document.

    Args:
        source: The file.
        archive: In it; `is_open_document`.

    Returns:
        The plan.

    Raises:
        RefusedError: it does not hold the rules above.
    """
    return _Reader(source, archive).read()


class _Reader:
    def __init__(self, source: Source, archive: Archive) -> None:
        self._source = source
        self._archive = archive
        self._markup = DocumentMarkup(_RULES)
        self._kinds = set(archive.kinds)
        self._pictures: dict[str, Picture | None] = {}
        self._shown: dict[str, str] = {}  # pictures, by their members' names, in order
        self._objects = {"": ""}  # folders, by what they were
        self._waiting = [""]
        self._written: list[Written] = []
        self._place: str | None = None

    def read(self) -> Plan:
        found = self._find_format()
        self._place = _PLACES.get(found)
        self._look_at_members()
        self._load_pictures()
        for folder in self._waiting:  # grows while it is read
            self._rewrite(folder)
            if len(self._objects) > MAX_OBJECTS:
                raise RefusedError(Reason.TOO_COMPLEX)
        self._rewrite_settings()
        for name, path in self._shown.items():
            self._written.append(self._write_picture(name, path))
        builder = PlanBuilder(format=found, source=self._source)
        builder.find(*self._kinds, *self._markup.kinds)
        mimetype = store_member(MIMETYPE, _TYPES[found].encode("ascii"))
        manifest = self._write(MANIFEST, MANIFEST, self._list_members(found))
        write_archive(builder, [mimetype, *self._written, manifest])
        return builder.build()

    # --- members ----------------------------------------------------------------------------------

    def _find_format(self) -> Format:
        member = self._archive.members[MIMETYPE]
        if member.size_bytes > MAX_MIMETYPE_BYTES:
            raise RefusedError(Reason.UNKNOWN)
        said = self._archive.read(member).decode("latin-1").strip(" \t\r\n")
        for known, mimetype in _TYPES.items():
            if said.removesuffix(_TEMPLATE) == mimetype:
                return known
        raise RefusedError(Reason.UNKNOWN)

    def _look_at_members(self) -> None:
        manifest = self._archive.members.get(MANIFEST)
        if manifest is not None and _ENCRYPTED.search(decode_markup(self._archive.read(manifest))):
            raise RefusedError(Reason.ENCRYPTED)
        for name in self._archive.members:
            if _MACROS.search(name):
                raise RefusedError(Reason.MACROS)
            for start, kinds in _MEMBER_KINDS.items():
                if name.startswith(start):
                    self._kinds |= kinds
        properties = self._archive.members.get("meta.xml")
        if properties is not None:
            for found in _PROPERTY.finditer(decode_markup(self._archive.read(properties))):
                self._kinds |= _RULES.property_kinds.get(found[1], frozenset())

    def _rewrite(self, folder: str) -> None:
        new = self._objects[folder]
        for name, root in _PARTS:
            member = self._archive.members.get(folder + name)
            if member is None:
                if root == _PARTS[0][1]:
                    raise RefusedError(Reason.MALFORMED)
                continue
            content = self._archive.read(member)
            rewritten = self._markup.rewrite(
                content,
                root=(root, _FORMULA) if folder and root == _PARTS[0][1] else (root,),
                references=_References(self, folder),
            )
            self._written.append(self._write_part(member, new + name, rewritten, content))

    def _rewrite_settings(self) -> None:
        member = self._archive.members.get(SETTINGS)
        if member is None:
            return
        content = self._archive.read(member)
        rewritten = rewrite_settings(content, count=self._markup.count)
        if rewritten != content:
            self._kinds.add(Kind.DEVICE)
        if rewritten is not None:
            self._written.append(self._write_part(member, SETTINGS, rewritten, content))

    def _write(self, name: str, path: str, content: bytes) -> Written:
        member = self._archive.members.get(name)
        if member is None:
            return write_member(path, content)
        return self._write_part(member, path, content, self._archive.read(member))

    def _write_part(self, member: Member, path: str, content: bytes, before: bytes) -> Written:
        """Write a part; if it is as it was, its compressed bytes are kept."""
        return (
            self._archive.keep(member, path) if before == content else write_member(path, content)
        )

    def _list_members(self, found: Format) -> bytes:
        space = ("xmlns:manifest", _MANIFEST_NAMESPACE)
        version = ("manifest:version", "1.2")
        lines = [write_start("manifest:manifest", [version, space]) + ">"]
        entries = [("/", _TYPES[found])]
        for path in (written.name for written in self._written):
            extension = path.rpartition(".")[2]
            entries.append((path, PICTURE_TYPES.get(extension, "text/xml")))
        for path, said in entries:
            named = [("manifest:full-path", path), ("manifest:media-type", said)]
            lines.append(write_start("manifest:file-entry", named) + "/>")
        return (DECLARATION + "".join(lines) + "</manifest:manifest>").encode()

    # --- pictures and objects ---------------------------------------------------------------------

    def _load_pictures(self) -> None:
        """Clean the pictures, and note which cannot be cleaned."""
        for name, member in self._archive.members.items():
            if _find_folder(name) not in _FOLDERS:
                continue
            content = self._archive.read(member)
            try:
                self._pictures[name] = clean_picture(content)
            except RefusedError:
                self._pictures[name] = None

    def _write_picture(self, name: str, path: str) -> Written:
        picture = self._pictures[name]
        if picture is None:
            raise RefusedError(Reason.UNSUPPORTED)
        self._kinds.update(picture.kinds)
        if not picture.kinds:
            return self._archive.keep(self._archive.members[name], path)
        write = store_member if picture.is_compressed else write_member
        return write(path, picture.content)

    def has(self, path: str, element: str) -> bool:
        """Tell whether a member stays that an element shows."""
        if element == _OBJECT:
            return f"{path}/{_PARTS[0][0]}" in self._archive.members
        if element not in _SHOWING or path not in self._pictures:
            return False
        if self._pictures[path] is not None:
            return True
        # It is not needed where the object that it stands for stays, which draws itself.
        folder, _, name = path.partition("/")
        if folder != _STAND_IN or not self.has(name, _OBJECT):
            raise RefusedError(Reason.UNSUPPORTED)
        return False

    def rename(self, path: str) -> str:
        """Give the new path of a member that stays."""
        picture = self._pictures.get(path)
        if picture is not None:
            number = len(self._shown) + 1
            new = f"Pictures/image{number}.{picture.extension}"
            return self._shown.setdefault(path, new)
        folder = f"{path}/"
        if folder not in self._objects:
            self._objects[folder] = f"Object {len(self._objects)}/"
            self._waiting.append(folder)
        return self._objects[folder].removesuffix("/")

    def rename_place(self, name: str) -> str:
        """Give the new name of a place that a link leads to."""
        if name.endswith(_REGION):
            section = _unescape(name.removesuffix(_REGION))
            return self._markup.number(section, word=_SECTION) + _REGION
        if self._place is None or "|" in name:
            return name
        return self._markup.number(_unescape(name), word=self._place)


class _References:
    """What a part leads to: places in it, the web, pictures and objects."""

    def __init__(self, reader: _Reader, folder: str) -> None:
        self._reader = reader
        self._folder = folder

    def has(self, untrusted: str, *, element: str) -> bool:
        if untrusted.startswith("#") or element in _LINKS:
            return element in _LINKS and bool(_RULES.link.search(untrusted))
        return self._reader.has(self._find_path(untrusted), element)

    def rename(self, untrusted: str) -> str:
        if untrusted.startswith("#"):
            return "#" + self._reader.rename_place(untrusted[1:])
        if _RULES.link.search(untrusted):
            return untrusted
        up = "../" * self._folder.count("/")
        return up + self._reader.rename(self._find_path(untrusted))

    def _find_path(self, untrusted: str) -> str:
        steps = self._folder.split("/")[:-1]
        for step in untrusted.split("/"):
            if step == "..":
                del steps[-1:]
            elif step not in ("", "."):
                steps.append(step)
        return "/".join(steps)


def _find_folder(path: str) -> str:
    """Find the name of the folder in which a member is."""
    return path.rpartition("/")[0].rpartition("/")[2]


def _unescape(name: str) -> str:
    """Read a name as an address writes it; what is no such is a name as it stands."""
    try:
        return _ESCAPED.sub(lambda found: bytes.fromhex(found[0].replace("%", "")).decode(), name)
    except UnicodeDecodeError:
        return name
