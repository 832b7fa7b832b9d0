"""The words for what is found in a file, and for what keeps it from being cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tipline.cleaning.errors import Reason
from tipline.cleaning.plan import Kind
from tipline.messages import N_

KIND_WORDS: Final[Mapping[Kind, str]] = {
    Kind.PLACE: N_("place"),
    Kind.DEVICE: N_("device"),
    Kind.TIME: N_("time"),
    Kind.PERSON: N_("person"),
    Kind.SOFTWARE: N_("software"),
    Kind.PREVIEW: N_("preview picture"),
    Kind.TEXT: N_("hidden text"),
    Kind.ID: N_("identifier"),
    Kind.PROFILE: N_("colour profile"),
    Kind.TRAILING: N_("data behind the end"),
    Kind.HISTORY: N_("changes and comments"),
    Kind.EMBEDDED: N_("files inside the file"),
    Kind.OTHER: N_("other hidden data"),
}
REASON_WORDS: Final[Mapping[Reason, str]] = {
    Reason.EMPTY: N_("the file is empty"),
    Reason.UNKNOWN: N_("files of this format cannot be cleaned here"),
    Reason.UNSUPPORTED: N_("this variety of the format cannot be cleaned here"),
    Reason.TRUNCATED: N_("the file ends too early"),
    Reason.MALFORMED: N_("the file breaks the rules of its format"),
    Reason.TOO_COMPLEX: N_("the file has too many parts"),
    Reason.ENCRYPTED: N_("the file is locked with a password"),
    Reason.MACROS: N_("the file holds programs (macros)"),
}
REMAINS: Final = N_(
    "What can be seen and heard stays: faces, voices, plates, what a sign says, printer dots,"
    " watermarks, the pattern of the camera's sensor. No program takes that away."
)
