"""
The words for a tip that came from a phone: how it came, who saw it, from whom, and until when it
can be answered.

Rules:
1. They are said only of a tip of which the signed bundle says that the service sealed it. Anybody
   can write a field `gateway` into a tip of their own: then it is a claim, and nothing is answered.
2. The handle comes from the bundle's index, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from crypto.came_by import CameBy, Medium
from crypto.outgoing import ItemKind
from crypto.tip import Tip
from tipline.desk.given import Given
from tipline.desk.vault import Record
from tipline.handle_words import speak_handle
from tipline.language import Translate
from tipline.messages import N_
from tipline.plain import make_printable_line

_SEEN_BY: Final[Mapping[Medium, str]] = {
    Medium.SMS: N_("by the service: the phone company and this service saw it"),
    Medium.MMS: N_("by the service: the phone company and this service saw it"),
    Medium.WHATSAPP: N_("by the service: Meta, which runs WhatsApp, and this service saw it"),
    Medium.TELEGRAM: N_("by the service: Telegram and this service saw it"),
    Medium.VOICE: N_("by the service: an operator typed in what a caller said"),
    Medium.WALK_IN: N_("by the service: an operator typed in what a visitor said"),
}
_MEDIA: Final[Mapping[Medium, str]] = {
    Medium.SMS: N_("text message (SMS)"),
    Medium.MMS: N_("picture message (MMS)"),
    Medium.WHATSAPP: N_("WhatsApp"),
    Medium.TELEGRAM: N_("Telegram"),
    Medium.VOICE: N_("phone call"),
    Medium.WALK_IN: N_("in person"),
}
_KINDS: Final[Mapping[ItemKind, str]] = {
    ItemKind.ANSWER: N_("answered on {day} by {reader}: {text}"),
    ItemKind.STATUS: N_("status set on {day} by {reader}: {text}"),
}


def find_came_by(record: Record, tip: Tip) -> CameBy | None:
    """
    Tell how a tip came, if the service says that it sealed it.

    Args:
        record: Of the tip.
        tip: What stands in it.

    Returns:
        The tip's field `gateway`; None if it is not there, or nobody's word but the tip's own.
    """
    return tip.gateway if record.sealed_by_service else None


def describe_seal(came_by: CameBy, *, translate: Translate) -> str:
    """
    Say who saw a message in clear.

    Args:
        came_by: How it came.
        translate: Looks a text up in the catalogue.

    Returns:
        The words.
    """
    return translate(_SEEN_BY[came_by.medium])


def describe_phone(
    came_by: CameBy, record: Record, *, language: str, translate: Translate
) -> list[tuple[str, str]]:
    """
    Say what is known of how a message came.

    Args:
        came_by: How it came.
        record: Of the tip.
        language: Of the reader, for the handle.
        translate: Looks a text up in the catalogue.

    Returns:
        Names and what is known, fit for a terminal.
    """
    _ = translate
    lines = [
        (_("came as"), _(_MEDIA[came_by.medium])),
        (_("gateway"), came_by.name),
        (_("received at"), came_by.received_at),
    ]
    if came_by.sender is not None:
        lines.append((_("from"), make_printable_line(came_by.sender)))
    if record.pseudonym is not None:
        handle = speak_handle(bytes.fromhex(record.pseudonym), language)
        lines.append((_("handle"), handle))
    if came_by.conversation is not None:
        wrote_before = _("yes") if came_by.continues else _("no")
        lines.append((_("the sender wrote before, within the time for answers"), wrote_before))
    if came_by.reply_until is not None:
        lines.append((_("can be answered until"), _describe_end(came_by, translate=_)))
    elif came_by.sender is None:
        lines.append((_("can be answered until"), _("not at all: nobody left a number")))
    else:
        nowhere = _("not at all: nothing is sent back the way it came")
        lines.append((_("can be answered until"), nowhere))
    if came_by.missing_parts:
        numbers = ", ".join(str(number) for number in came_by.missing_parts)
        lines.append((_("parts that never came"), numbers))
    if came_by.missing_files:
        lines.append((_("files that could not be fetched"), str(came_by.missing_files)))
    return lines


def _describe_end(came_by: CameBy, *, translate: Translate) -> str:
    day, until = str(came_by.reply_until), came_by.answer_until
    if until is None or until[: len(day)] > day:
        return day
    return translate(
        "{until}: for so long the app takes an answer, which has to be there by then; a status can"
        " be set until {day}"
    ).format(until=until, day=day)


def describe_given(given: Sequence[Given], *, translate: Translate) -> list[str]:
    """
    Say what was answered.

    Args:
        given: The oldest first.
        translate: Looks a text up in the catalogue.

    Returns:
        A line for each, fit for a terminal.
    """
    return [
        translate(_KINDS[one.kind]).format(
            day=one.written_on,
            reader=make_printable_line(one.reader),
            text=make_printable_line(one.text),
        )
        for one in given
    ]
