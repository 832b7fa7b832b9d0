"""
Documents that are archives: known by what lies in them.

Office locks a document by putting it into a container of older documents, which is refused with
that reason.
"""

from __future__ import annotations

from typing import Final

from tipline.cleaning.archive import Archive
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.office import is_office, plan_office
from tipline.cleaning.opendocument import is_open_document, plan_open_document
from tipline.cleaning.plan import Plan
from tipline.cleaning.source import Source

CONTAINER_SIGNATURE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

_LOCKED: Final = "EncryptedPackage".encode("utf-16-le")
_HEAD_BYTES: Final = 52
_SECTOR_SHIFTS: Final = range(9, 13)
_DIRECTORY_BYTES: Final = 4096  # a locked document has about ten entries of 128 bytes


def plan_document(source: Source) -> Plan:
    """
    Plan the cleaning of a document.

    Args:
        source: Begins as an archive does.

    Returns:
        The plan.

    Raises:
        RefusedError: it is another archive, or does not hold its format's rules.
    """
    archive = Archive(source)
    if is_office(archive):
        return plan_office(source, archive)
    if is_open_document(archive):
        return plan_open_document(source, archive)
    raise RefusedError(Reason.UNKNOWN)


def refuse_container(source: Source) -> RefusedError:
    """
    Tell a locked document from older ones.

    Args:
        source: Begins with `CONTAINER_SIGNATURE`.

    Returns:
        The refusal: `encrypted` if its directory says so.
    """
    head = source.read_up_to(0, _HEAD_BYTES)
    shift = int.from_bytes(head[30:32], "little")
    if shift in _SECTOR_SHIFTS:
        offset = (int.from_bytes(head[48:52], "little") + 1) << shift
        if _LOCKED in source.read_up_to(offset, _DIRECTORY_BYTES):
            return RefusedError(Reason.ENCRYPTED)
    return RefusedError(Reason.UNKNOWN)
