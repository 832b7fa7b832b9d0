"""Documents that are archives: known by what lies in them."""

from __future__ import annotations

from tipline.cleaning.archive import Archive
from tipline.cleaning.errors import Reason, RefusedError
from tipline.cleaning.office import is_office, plan_office
from tipline.cleaning.opendocument import is_open_document, plan_open_document
from tipline.cleaning.plan import Plan
from tipline.cleaning.source import Source


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
