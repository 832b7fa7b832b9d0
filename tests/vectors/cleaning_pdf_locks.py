"""The cases of PDFs that are locked, for `make_cleaning_vectors`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from tests.locked_pdfs import LOCKS, make_locked_pdf
from tests.pdfs import make_page, make_stream

Part = bytes | tuple[bytes, int]
Case = tuple[str, str, Sequence[Part]]

ROOT: Final = b"/AcroForm 7 0 R /Metadata 10 0 R"
OBJECTS: Final = {
    3: make_page(
        b"/Annots [6 0 R]",
        resources=b"/Font << /F 9 0 R >> /ColorSpace << /C [/Indexed /DeviceRGB 1 (abcdef)] >>",
    ),
    4: make_stream(b"/C cs 1 sc 0 0 10 10 re f BT /F 9 Tf (seen) Tj ET", is_deflated=True),
    6: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ana) /DA (/F 9 Tf 0 g)"
    b" /Rect [1 2 50 20] /M (2026) >>",
    7: b"<< /Fields [6 0 R] /NeedAppearances true /DR << /Font << /F 9 0 R >> >> >>",
    9: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    10: make_stream(b"<x>GPSLatitude</x>", b"/Type /Metadata /Subtype /XML"),
}
BEHIND_LEN: Final = 2_000  # more than is searched for where the tables are
# What is said of the lock, and what it is exchanged for; the length stays.
EDITS: Final = {
    "filter": (rb"/Filter /Standard", b"/Filter /Standart"),
    "version": (rb"/V \d", b"/V 3"),
    "revision": (rb"/R \d", b"/R 7"),
    "revision-word": (rb"/R \d", b"/R w"),
    "permissions": (rb"/P -44", b"/P -45"),
    "no-permissions": (rb"/P -44", b"/X -44"),
    "no-user": (rb"/U <", b"/X <"),
    "no-owner": (rb"/O <", b"/X <"),
    "owner": (rb"/O <(..)", b"/O <00"),
    "short": (rb"/U <..", b"/U <  "),
    "long": (rb"/O <([^>]{60,}?)>", rb"/O<\g<1>9>"),
    "no-id": (rb"/ID \[<", b"/IX [<"),
    "length": (rb"/Length 56\b", b"/Length 57"),
    "unknown-filter": (rb"/StrF /F", b"/StrF /G"),
    "no-filter": (rb"/StmF /F", b"/StmX /F"),
    "no-filters": (rb"/CF <<", b"/CX <<"),
    "no-key": (rb"/UE <", b"/UX <"),
    "no-owner-key": (rb"/OE <", b"/OX <"),
    "no-check": (rb"/Perms <", b"/Perm8 <"),
    "short-check": (rb"/Perms <0000", b"/Perms <    "),
    "metadata-word": (rb"/EncryptMetadata true", b"/EncryptMetadata 1   "),
}


def list_pdf_locks() -> Iterator[Case]:
    """List the cases."""
    # Longer than what the page decodes by itself where a browser does it.
    longer = {**OBJECTS, 4: make_stream(b"% to be long\n" * 400 + b"0 0 5 5 re f")}
    for name, lock in LOCKS.items():
        whole = make_locked_pdf(OBJECTS, lock, root=ROOT)
        yield f"lock-{name}", "opens for everybody", [whole]
        for password, owner in ((b"y", b"x"), (b"y", b"")):
            case = f"lock-{name}-{'owner' if not owner else 'asks'}"
            made = make_locked_pdf(OBJECTS, lock, root=ROOT, password=password, owner=owner)
            yield case, "the owner's is empty" if not owner else "a password is asked for", [made]
        if lock.version >= 4:
            bare = make_locked_pdf(OBJECTS, lock, root=ROOT, codes_metadata=False)
            yield f"lock-{name}-metadata", "what is told of it is not coded", [bare]
            many = make_locked_pdf(longer, lock, root=ROOT)
            yield f"lock-{name}-more", "long streams, too", [many]
    for name in ("rc4-56", "aes-128", "aes-256"):
        whole = make_locked_pdf(OBJECTS, LOCKS[name], root=ROOT)
        for edit, (pattern, replacement) in EDITS.items():
            edited, count = re.subn(pattern, replacement, whole)
            assert len(edited) == len(whole)
            if count:
                yield f"lock-{name}-{edit}", "said otherwise", [edited]
    yield from _list_far()


def _list_far() -> Iterator[Case]:
    """List files with so much behind their end that nobody finds it at once."""
    for name in ("rc4-40", "rc4-128"):
        for end, password in (("far", b""), ("far-asks", b"y")):
            whole = make_locked_pdf(OBJECTS, LOCKS[name], root=ROOT, password=password)
            yield f"lock-{name}-{end}", "much stands behind its end", [whole, (b"\n", BEHIND_LEN)]
    whole = make_locked_pdf(OBJECTS, LOCKS["rc4-128"], root=ROOT)
    shown = OBJECTS[4]
    for name, root in (("trailer", 1), ("no-trailer", 7)):
        # The table's own root has no pages; what stands behind it names another, and no lock.
        lost = re.sub(rb"/Root 1 0 R", b"/Root 9 0 R", whole)
        other = b"trailer\n<< /Root %d 0 R /Size 91 >>\nstartxref" % root
        edited = lost.replace(b"startxref", other)
        coded = re.search(rb"\n4 0 obj\n(.*?)\nendobj", edited, re.DOTALL)
        assert coded is not None
        plain = edited[: coded.start(1)] + shown + edited[coded.end(1) :]
        case = f"lock-rc4-128-far-{name}"
        yield case, "a second trailer says otherwise", [plain, (b"\n", BEHIND_LEN)]
