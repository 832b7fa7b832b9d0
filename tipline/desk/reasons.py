"""The words for what keeps a payload from being a tip in our format: one for each fixed reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tipline.messages import N_

FAULTS: Final[Mapping[str, str]] = {
    "link": N_("a link"),
    "absolute": N_("a name that begins at the root of the disk"),
    "dotdot": N_("a name that leads out of its directory"),
    "device": N_("a device"),
    "directory": N_("a directory"),
    "pax": N_("an extension of tar (pax)"),
    "gnu": N_("an extension of tar (GNU)"),
    "type": N_("not a plain file"),
    "duplicate": N_("a name that stands there twice"),
    "name": N_("not a name of our format"),
    "order": N_("not in our order"),
    "size": N_("too large"),
    "header": N_("a header that our programs do not write"),
    "padding": N_("bytes where only zeros belong"),
    "second archive": N_("a second archive behind the first"),
    "length": N_("not a length of our format"),
    "missing": N_("a part is missing"),
    "end": N_("cut before its end"),
    "tip.json": N_("its fields cannot be read"),
    "text": N_("its two texts are not the same"),
    "attachments": N_("its list of files is not right"),
}
