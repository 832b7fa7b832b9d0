"""
The verifier as one file: `python3 FILE verify ...`, with PyNaCl and nothing else installed.

Rules:
    1. The same sources give the same bytes, on any machine and at any time: nothing is compressed,
       no time and no path is in it. So two people can compare what they carry by its hash.
    2. It holds this package and the catalogue's words, and nothing else of the program.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Final

from tipline.audit.errors import InputError

FIRST_LINE: Final = b"#!/usr/bin/env python3\n"
LANGUAGES: Final = ("es", "pt")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can say
_MAIN: Final = b"""import sys

from tipline.audit.cli import main

sys.exit(main())
"""
_PACKAGE: Final = b'"""Only the auditor\'s verifier is carried here."""\n'


def make_carried() -> bytes:
    """
    Put the verifier into one file.

    Returns:
        The file: a zip archive that Python runs.

    Raises:
        InputError: the catalogue was not compiled, or this is a carried file already.
    """
    package = Path(__file__).parent
    try:
        members = {
            "__main__.py": _MAIN,
            "tipline/__init__.py": _PACKAGE,
            **{f"tipline/audit/{path.name}": path.read_bytes() for path in package.glob("*.py")},
            **{
                f"tipline/audit/locale/{language}.mo": (
                    package.parent / "locale" / language / "LC_MESSAGES" / "tipline.mo"
                ).read_bytes()
                for language in LANGUAGES
            },
        }
    except OSError as exc:
        raise InputError("file", path=str(exc.filename)) from exc
    made = io.BytesIO()
    made.write(FIRST_LINE)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            information = zipfile.ZipInfo(name, _EPOCH)
            information.external_attr = 0o100644 << 16
            information.create_system = 3  # as on Unix, wherever it is made
            archive.writestr(information, members[name])
    return made.getvalue()


def save_carried(path: Path) -> str:
    """
    Write the one file.

    Args:
        path: Must not exist.

    Returns:
        Its SHA-256 in hex, to be compared.

    Raises:
        InputError: something has the name already; see `make_carried` too.
        OSError: it cannot be written.
    """
    content = make_carried()
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as exc:
        raise InputError("exists", path=str(path)) from exc
    path.chmod(0o755)
    return hashlib.sha256(content).hexdigest()
