"""
The names of things on the page `/accountability`, as words of the catalogue.

What this version does not have is named as such: a period for it stands in the policy, no record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from crypto.came_by import Medium
from retention.log.entry import ClockStep, CloseStep, EntryType
from retention.policy import Event, RecordClass
from retention.slot_root import Method
from tipline.gateway.companies import Seen
from tipline.messages import N_
from tipline.service.nightly import UNKEPT_CLASSES

CLASS_NAMES: Final[Mapping[RecordClass, str]] = {
    RecordClass.PARTIAL_UPLOAD: N_("a tip that came only in part"),
    RecordClass.SEALED_TIP: N_("a tip of text"),
    RecordClass.ATTACHMENT: N_("a tip with files"),
    RecordClass.UPLOAD_ANSWER: N_("the note that a tip arrived"),
    RecordClass.REPLY: N_("a reply"),
    RecordClass.MAILBOX: N_("a box for replies"),
    RecordClass.RECEIPT_COPY: N_("a copy of a proof of arrival"),
    RecordClass.RAW_NUMBER: N_("a telephone number"),
    RecordClass.GATEWAY_MESSAGE: N_(
        "the mark by which a repeated message from a telephone is known"
    ),
    RecordClass.PSEUDONYM_EPOCH: N_("the key that gives telephones other names"),
    RecordClass.KEYSET: N_("an old list of readers"),
    RecordClass.BACKUP: N_("a backup"),
    RecordClass.LOG_TEXT: N_("the private words beside the log"),
}

# Nothing of these comes into being in this version.
NOT_YET: Final = UNKEPT_CLASSES - {RecordClass.BACKUP}

EVENT_WORDS: Final[Mapping[Event, str]] = {
    Event.BEGUN: N_("{days} after it began"),
    Event.ARRIVED: N_("{days} after it arrived"),
    Event.PICKED_UP: N_("{days} after the readers fetched it"),
    Event.SENT: N_("{days} after it was sent"),
    Event.READ: N_("{days} after the source read it"),
    Event.LAST_USED: N_("{days} after its last use"),
    Event.MADE: N_("{days} after it was made"),
    Event.RECEIVED: N_("{days} after it was received"),
    Event.EXPIRED: N_("{days} after it ran out"),
    Event.LOGGED: N_("{days} after it was logged"),
}

DAY_KEY_NAME: Final = N_("the key of the day")

METHOD_WORDS: Final[Mapping[Method, str]] = {
    Method.OVERWRITTEN: N_("overwritten"),
    Method.DESTROYED: N_("overwritten, and sealed under a key that is gone"),
}

HAPPENING_WORDS: Final[Mapping[tuple[EntryType, str], str]] = {
    (EntryType.POLICY, ""): N_("The periods were set or changed."),
    (EntryType.EPOCH, ""): N_("The key that gave telephones other names is gone."),
    (EntryType.BACKUP, ""): N_("A backup was made. No key is in it that opens a tip."),
    (EntryType.RESTORE, ""): N_("The line was set up again from a backup."),
    (EntryType.LOST_KEYS, ""): N_("Keys were lost before their day, and what they opened."),
    (EntryType.CLOCK, ClockStep.HELD): N_("The clock jumped ahead. It waits for a person."),
    (EntryType.CLOCK, ClockStep.CONFIRMED): N_("A person confirmed the clock."),
    (EntryType.CLOCK, ClockStep.STEPPED_BACK): N_("The clock was set back. It was not followed."),
    (EntryType.CLOSE, CloseStep.ANNOUNCED): N_("The end of this line was announced."),
    (EntryType.CLOSE, CloseStep.INTAKE_STOPPED): N_("This line stopped taking tips."),
    (EntryType.CLOSE, CloseStep.KEYS_DESTROYED): N_("All keys of this line were overwritten."),
    (EntryType.CLOSE, CloseStep.CLOSED): N_("This line came to its end."),
    (EntryType.CLOSE, CloseStep.HANDED_OVER): N_("Somebody else runs this line from then on."),
    (EntryType.CLOSE, CloseStep.CANCELLED): N_("The end of this line was called off."),
}

MEDIUM_NAMES: Final[Mapping[Medium, str]] = {
    Medium.SMS: N_("Text message (SMS)"),
    Medium.MMS: N_("Text message with files (MMS)"),
    Medium.WHATSAPP: N_("WhatsApp"),
    Medium.TELEGRAM: N_("Telegram"),
    Medium.VOICE: N_("By telephone, typed in by somebody"),
    Medium.WALK_IN: N_("In person, typed in by somebody"),
}

SEEN_WORDS: Final[Mapping[Seen, str]] = {
    Seen.NUMBER: N_("the number"),
    Seen.ACCOUNT: N_("the account and its number"),
    Seen.TEXT: N_("the text"),
    Seen.TIME: N_("the time"),
    Seen.PLACE: N_("the place of the phone"),
    Seen.FILES: N_("pictures and files"),
}

# Heading and text.
CLOSING_WORDS: Final[Mapping[CloseStep, tuple[str, str]]] = {
    CloseStep.ANNOUNCED: (
        N_("This line closes on {day}"),
        N_("From that day on it takes no tips. What is stored goes on its day, at the latest."),
    ),
    CloseStep.INTAKE_STOPPED: (
        N_("This line is closed"),
        N_("It has taken no tips since {day}. What is stored goes on its day, at the latest."),
    ),
    CloseStep.KEYS_DESTROYED: (
        N_("This line is closed"),
        N_("It has taken no tips since {day}. The keys of all that was stored were overwritten."),
    ),
    CloseStep.CLOSED: (
        N_("This line is closed"),
        N_("It has taken no tips since {day}. The keys of all that was stored were overwritten."),
    ),
    CloseStep.CANCELLED: (
        N_("This line goes on"),
        N_("It was to close on {day}. That was called off."),
    ),
    CloseStep.HANDED_OVER: (
        N_("Somebody else runs this line since {day}"),
        N_("The readers and the promises are the same. Look at the list of readers again."),
    ),
}
