"""The words for what the desk found in a tip's files, and for why one is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tipline.cleaning.words import KIND_WORDS, REASON_WORDS
from tipline.desk.judging import Judgement, State
from tipline.language import Translate
from tipline.messages import N_
from tipline.rendering.answers import Failure

OFFICE_PACKAGES: Final = "libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui"
FAILURE_WORDS: Final[Mapping[Failure, str]] = {
    Failure.UNKNOWN: N_("it is no picture, document or text that can be shown here"),
    Failure.UNREADABLE: N_("it is damaged, or no program here can read it"),
    Failure.ENCRYPTED: N_("it opens only with a password"),
    Failure.TOO_LARGE: N_("it is too large"),
    Failure.NO_OFFICE: N_("LibreOffice, which shows office documents, is not installed"),
    Failure.TOO_SLOW: N_("it took too long"),
    Failure.DIED: N_("the program that opened it broke off: it may be made to do harm"),
    Failure.NO_ROOM: N_("what was shown fills 2 GiB; look at the rest by itself"),
}
_ALL_WORDS: Final[Mapping[str, str]] = {
    **{str(failure): words for failure, words in FAILURE_WORDS.items()},
    # Where a file is cleaned, `unknown` is the cleaner's word.
    **{str(reason): words for reason, words in REASON_WORDS.items()},
}


def describe_judgement(judgement: Judgement, *, translate: Translate) -> str:
    """
    Say what the desk found in a file.

    Args:
        judgement: What was found.
        translate: Looks a text up in the catalogue.

    Returns:
        A sentence without a name: the caller says whose it is.
    """
    _ = translate
    if judgement.state == State.REFUSED:
        reason = _(_ALL_WORDS[judgement.reason or Failure.DIED])
        if judgement.is_belied:
            return _("WARNING: said to be clean, but it cannot be cleaned here: {reason}").format(
                reason=reason
            )
        return _("the desk cannot clean it: {reason}").format(reason=reason)
    kinds = ", ".join(_(KIND_WORDS[kind]) for kind in judgement.kinds)
    if judgement.is_belied:
        return _("WARNING: said to be clean, but the desk found: {kinds}").format(kinds=kinds)
    if judgement.state == State.FOUND:
        return _("the desk found: {kinds}").format(kinds=kinds)
    return _("the desk found nothing to take out")
