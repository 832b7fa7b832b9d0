"""
A whole PDF: opened within bounds, looked at for what is refused, flattened, and copied.
"""

from __future__ import annotations

import contextlib
import decimal
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import pikepdf
import pikepdf.settings

from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.pdf_colours import ColourCopier
from tipline.cleaning.pdf_copy import PdfCopier
from tipline.cleaning.pdf_filters import Budget, measure_deflated
from tipline.cleaning.pdf_notes import check_note, count_names, spend_for_drawing
from tipline.cleaning.pdf_page_tree import MAX_PAGES, check_page_tree
from tipline.cleaning.pdf_pages import PageCopier
from tipline.cleaning.pdf_tokens import TOKEN_BYTES, decode_name
from tipline.cleaning.pdf_type import FontCopier
from tipline.cleaning.pdf_values import count_of, list_of, read_name
from tipline.cleaning.pdf_writer import PdfWriter, format_dictionary
from tipline.cleaning.plan import Kind

MAX_ANNOTATIONS: Final = 20_000  # of a file; a long form has a thousand fields
MAX_PAGE_ANNOTATIONS: Final = 4_000  # qpdf takes two seconds for them, and four times so for twice

MAX_FIELD_PARENTS: Final = 64  # between a field and the form; five are many
MAX_OBJECT_BYTES: Final = 16 * 1024 * 1024  # a handbook of a thousand pages has about ten

# What qpdf may take for itself. A table of objects is a few megabytes; more is a bomb.
_LIMITS: Final[Mapping[str, Any]] = {
    "doc_max_warnings": 1_000,
    "parser_max_nesting": 50,
    "max_stream_filters": 8,
    "flate_max_memory": MAX_OBJECT_BYTES,
    "png_max_memory": MAX_OBJECT_BYTES,
    "run_length_max_memory": MAX_OBJECT_BYTES,
    "tiff_max_memory": MAX_OBJECT_BYTES,
}
# How pikepdf says that it finds something else than what is asked for, or a number beyond bounds.
_REFUSALS: Final = (
    pikepdf.PdfError, RuntimeError, ValueError, OverflowError, decimal.InvalidOperation,
)  # fmt: skip
# How qpdf says that it does not know how a file is locked.
_LOCKED: Final = re.compile(r"encryption|/Encrypt\b")
_STREAM: Final = re.compile(rb"(?<!end)stream\r?\n")
# What only streams of objects have; in other places it is followed by a reference.
_PACKED: Final = re.compile(rb"/First\s++\d++(?!\s++\d++\s++R)")
_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_CODED: Final = re.compile(rb"/(?:LZW|RunLength|ASCII85|ASCIIHex)Decode|/(?:LZW|RL|A85|AHx)\b")
_VERSION_END: Final = re.compile(rb"startxref\s+\d+\s+%%EOF")
_MOVING: Final = frozenset({"Screen", "Movie", "Sound", "RichMedia", "3D"})
_PASSWORD: Final = 1 << 13  # of a field's flags
_QUIET_ANNOTATIONS: Final = frozenset({"Link", "Widget", "Popup", "TrapNet", "PrinterMark"})


def clean_document(untrusted: bytes, *, find: Callable[..., None]) -> bytes:
    """
    Clean a PDF.

    Args:
        untrusted: The whole file.
        find: Is told the kinds of what goes.

    Returns:
        The new file.

    Raises:
        RefusedError: it does not hold the rules of `pdf.py`.
    """
    _check_objects(untrusted)
    with _bound_qpdf():
        _check_pages(untrusted)
        try:
            with pikepdf.open(io.BytesIO(untrusted), inherit_page_attributes=False) as document:
                if document.is_encrypted and not document.encryption.encryption_key:
                    # Where it looks for tables far before the end, qpdf forgets that it had no key.
                    raise RefusedError(Reason.ENCRYPTED)
                _note_versions(untrusted, document, find)
                return _Cleaner(document, find).clean()
        except pikepdf.PasswordError as exc:
            raise RefusedError(Reason.ENCRYPTED) from exc
        except _REFUSALS as exc:
            is_locked = isinstance(exc, pikepdf.PdfError) and _LOCKED.search(str(exc))
            raise RefusedError(Reason.ENCRYPTED if is_locked else Reason.MALFORMED) from exc


@contextlib.contextmanager
def _bound_qpdf() -> Iterator[None]:
    """Bound qpdf, whose limits are the whole process's, for as long as it works for us."""
    log = logging.getLogger("pikepdf._core")
    is_silent, log.disabled = log.disabled, True  # what it says may be of the file
    before: Mapping[str, Any] = pikepdf.settings.set_qpdf_limits(**_LIMITS)
    try:
        yield
    finally:
        pikepdf.settings.set_qpdf_limits(**before)
        log.disabled = is_silent


def _check_pages(untrusted: bytes) -> None:
    """
    Look at the tree of pages before qpdf does: with a bound of warnings it makes pages at once.

    What has to be mended is left to it: there it leaves out what stands in the tree twice.
    """
    before: Mapping[str, Any] = pikepdf.settings.set_qpdf_limits(doc_max_warnings=0)
    try:
        with pikepdf.open(
            io.BytesIO(untrusted), inherit_page_attributes=False, attempt_recovery=False
        ) as document:
            check_page_tree(document.Root, Budget())
    except (pikepdf.PasswordError, *_REFUSALS):
        return  # what is wrong is told when it is opened to be cleaned
    finally:
        pikepdf.settings.set_qpdf_limits(**before)


def _check_objects(untrusted: bytes) -> None:
    """
    Bound what qpdf makes objects of, which take 150 times as much memory as their shortest text.

    That is all that is no stream, and what is inflated out of streams of objects: those have an
    entry that no other stream has. Whoever writes a file only to deceive this gets past it; so at
    the desk cleaning runs where memory has an end.
    """
    texts, packed = Budget(MAX_OBJECT_BYTES), Budget(MAX_OBJECT_BYTES)
    before = behind = 0
    is_packed = False
    for match in _STREAM.finditer(untrusted):
        text = decode_name(untrusted[before : match.start()])
        is_packed = is_packed or _PACKED.search(text) is not None
        if is_packed and _ZLIB.match(untrusted, match.end()):
            length = measure_deflated(memoryview(untrusted)[match.end() :], packed)
            packed.spend(length)  # one may lie in another, and what comes out be nothing
            is_packed = False
        elif is_packed and _CODED.search(text):
            raise RefusedError(Reason.UNSUPPORTED)  # nobody writes objects so
        before = match.end()
        if match.start() >= behind:
            texts.spend(match.start() - behind)
            behind = untrusted.find(b"endstream", before)
            if behind < 0:
                return
    texts.spend(len(untrusted) - behind)


def _note_versions(untrusted: bytes, document: Any, find: Callable[..., None]) -> None:
    """Note what lies behind the end, and earlier versions of the file."""
    ends = [match.end() for match in _VERSION_END.finditer(untrusted)]
    if ends and untrusted[ends[-1] :].strip(b"\0\r\n\t "):
        find(Kind.TRAILING)
    # One that is made for reading over a network has two tables, and is one version.
    is_later = len(ends) > 2 if document.is_linearized else "/Prev" in document.trailer
    if is_later:
        find(Kind.HISTORY)


class _Cleaner:
    def __init__(self, document: Any, find: Callable[..., None]) -> None:
        self._document = document
        self._root = document.Root
        self._find = find
        self._writer = PdfWriter()
        self._copier = PdfCopier(writer=self._writer, find=find)
        self._pages = PageCopier(self._copier)
        ColourCopier(self._copier)
        FontCopier(self._copier, self._pages)

    def clean(self) -> bytes:
        self._check()
        self._note_document()
        pages = [page.obj for page in self._document.pages]
        if not pages:
            raise RefusedError(Reason.MALFORMED)
        if len(pages) > MAX_PAGES:
            raise RefusedError(Reason.TOO_COMPLEX)
        self._note_annotations(pages)
        self._document.generate_appearance_streams()
        if spend_for_drawing(pages, self._copier.budget):
            self._document.flatten_annotations("screen")
        root, tree = self._writer.reserve(), self._writer.reserve()
        kids = []
        for page in pages:
            kids.append(self._pages.copy_page(page, parent=tree))
            self._copier.copy_waiting()
        catalogue = {"Type": b"/Catalog", "Pages": b"%d 0 R" % tree}
        self._writer.put(root, format_dictionary(catalogue))
        entries = {
            "Type": b"/Pages",
            "Count": b"%d" % len(kids),
            "Kids": b"[" + b" ".join(b"%d 0 R" % kid for kid in kids) + b"]",
        }
        self._writer.put(tree, format_dictionary(entries))
        return self._writer.build(root=root)

    # --- what is refused --------------------------------------------------------------------------

    def _check(self) -> None:
        root = self._root
        if "/Collection" in root or "/XFA" in _read(root, "/AcroForm"):
            raise RefusedError(Reason.UNSUPPORTED)
        layers = _read(root, "/OCProperties")
        first = _read(layers, "/D")
        is_hidden = list_of(first.get("/OFF")) or read_name(first.get("/BaseState")) == "OFF"
        if list_of(layers.get("/OCGs")) and (is_hidden or _is_hidden_by_use(layers)):
            raise RefusedError(Reason.UNSUPPORTED)

    # --- what goes --------------------------------------------------------------------------------

    def _note_document(self) -> None:
        root, trailer = self._root, self._document.trailer
        for key in _keys(root):
            self._copier.note_dropped(key, root)
        for key in _keys(trailer):
            self._copier.note_dropped(key, trailer)
        information = _read(trailer, "/Info")
        for key in _keys(information):
            self._copier.note_dropped(key, information)
        names = _read(root, "/Names")
        if "/EmbeddedFiles" in names:
            self._find(Kind.EMBEDDED)

    def _note_annotations(self, pages: list[Any]) -> None:
        count = 0
        shared = count_names(_read(self._root, "/AcroForm").get("/DR"))
        for page in pages:
            own_len = count_of(page.get("/Annots"))
            count += own_len
            if count > MAX_ANNOTATIONS or own_len > MAX_PAGE_ANNOTATIONS:
                raise RefusedError(Reason.TOO_COMPLEX)
            annotations = list_of(page.get("/Annots"))
            for annotation in annotations:
                if isinstance(annotation, pikepdf.Dictionary):
                    self._note_annotation(annotation)
                    if read_name(annotation.get("/Subtype")) == "Widget":
                        # qpdf gives each what all have, and looks through all buttons for each.
                        self._copier.budget.spend(
                            TOKEN_BYTES * (shared + _count_buttons(annotation))
                        )
                    if _find_flags(annotation) & _PASSWORD:
                        # Viewers show stars; qpdf would draw it in letters.
                        annotation["/V"] = pikepdf.String("")
            if any(map(_is_popup, annotations)) and isinstance(page["/Annots"], pikepdf.Array):
                # Viewers show what it belongs to, and not the window itself. They are taken out one
                # by one: what has no number would belong to no file in a list that is made here.
                for position in reversed(range(len(annotations))):
                    if _is_popup(annotations[position]):
                        del page["/Annots"][position]

    def _note_annotation(self, annotation: Any) -> None:
        check_note(annotation)
        name = read_name(annotation.get("/Subtype"))
        if name in _MOVING:
            raise RefusedError(Reason.UNSUPPORTED)
        if name == "Link":
            self._find(Kind.TEXT)  # the address
        if name == "FileAttachment":
            self._find(Kind.EMBEDDED)
        if name not in _QUIET_ANNOTATIONS:
            self._find(Kind.HISTORY)
            if "/T" in annotation:
                self._find(Kind.PERSON)
        if "/M" in annotation or "/CreationDate" in annotation:
            self._find(Kind.TIME)
        if read_name(annotation.get("/FT")) == "Sig" and "/V" in annotation:
            self._find(Kind.PERSON, Kind.TIME)
        if "/OC" in annotation:
            self._copier.check_layer(annotation["/OC"])


def _is_popup(annotation: Any) -> bool:
    is_annotation = isinstance(annotation, pikepdf.Dictionary)
    return is_annotation and read_name(annotation.get("/Subtype")) == "Popup"


def _find_flags(field: Any) -> int:
    """Find the flags of a field, which it may have from those above it: those have an end."""
    found: int | None = None
    for _ in range(MAX_FIELD_PARENTS):
        flags = field.get("/Ff")
        if found is None and isinstance(flags, int):
            found = flags
        field = field.get("/Parent")
        if not isinstance(field, pikepdf.Dictionary):
            return found or 0
    raise RefusedError(Reason.TOO_COMPLEX)


def _count_buttons(widget: Any) -> int:
    """Count the widgets of the field that a widget is one of; a field in a group is none."""
    above = _read(widget, "/Parent")
    is_one = "/T" not in widget or read_name(above.get("/FT")) == "Btn"
    return count_of(above.get("/Kids")) if is_one else 0


def _is_hidden_by_use(layers: Any) -> bool:
    """
    Tell whether a layer is hidden on a screen, and shown on paper or in an export alone.

    Some viewers hide it only where the document says when its use is to be looked at, some always.
    """
    return any(
        read_name(_read(_read(layer, "/Usage"), "/View").get("/ViewState")) == "OFF"
        for layer in list_of(layers.get("/OCGs"))
        if isinstance(layer, pikepdf.Dictionary)
    )


def _read(dictionary: Any, key: str) -> Any:
    found = dictionary.get(key)
    return found if isinstance(found, pikepdf.Dictionary) else pikepdf.Dictionary()


def _keys(dictionary: Any) -> list[str]:
    return [key[1:] for key in dictionary.keys()]  # noqa: SIM118  # it is no mapping
