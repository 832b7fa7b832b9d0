"""
A status: where the matter stands, in the source's language and in one message.

Rules:
1. The desk writes the words; the service keeps them sealed and sends them to whoever asks.
2. They go in one message of the phone's plain alphabet: an accent that is not in it is left out,
   since one would leave room for 70 characters instead of 160.
3. They name no matter, no person and no word of the message: somebody else may hold the phone.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from typing import Final

from tipline.errors import AnswerError
from tipline.gateway.alphabet import fold_text, is_one_part
from tipline.language import Translate
from tipline.messages import N_


class Stage(enum.StrEnum):
    """Where a matter stands."""

    RECEIVED = "received"
    REVIEW = "review"
    CLOSED = "closed"


_WORDS: Final[Mapping[Stage, str]] = {
    Stage.RECEIVED: N_("Received."),
    Stage.REVIEW: N_("Under review."),
    Stage.CLOSED: N_("Closed."),
}


def compose_status(
    stage: Stage, *, unit: str | None, answer_by: datetime.date | None, translate: Translate
) -> str:
    """
    Write a status.

    Args:
        stage: Where the matter stands.
        unit: Who has it, as the source may read it; or None.
        answer_by: The day by which an answer is to be expected, or None.
        translate: Into the source's language.

    Returns:
        Words for one message.

    Raises:
        AnswerError: `answer_status`: what is closed has no day for an answer;
            `answer_status_unit`: the name is not one line of text; `answer_status_long`: it does
            not go in one message.
    """
    _ = translate
    if stage is Stage.CLOSED and answer_by is not None:
        raise AnswerError("answer_status")
    if unit is not None and (not unit.isprintable() or not unit.strip()):
        raise AnswerError("answer_status_unit")
    parts = [_(_WORDS[stage])]
    if unit is not None:
        parts.append(_("With: {unit}.").format(unit=unit))
    if answer_by is not None:
        parts.append(_("Answer by {day}.").format(day=answer_by.isoformat()))
    text = fold_text(" ".join(parts))
    if not is_one_part(text):
        raise AnswerError("answer_status_long")
    return text
