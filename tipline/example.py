"""
The two files an operator fills in, written with a comment on every key.

The configuration's example holds measured defaults for limits, since a newcomer cannot know them;
the policy's example holds no period, since nobody but the operator can decide one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from retention.policy import EVENTS, POLICY_VERSION, Event, Periods, RecordClass
from tipline.configuration import CONFIGURATION_VERSION, KEYS, parse_configuration
from tipline.language import Translate
from tipline.messages import N_

MEANINGS: Final[Mapping[str, str]] = {
    "version": N_("The version of this file."),
    "root": N_(
        'The desk root\'s verifier key, as "tipline desk keygen --root" printed it. Only keysets'
        " signed by it are accepted."
    ),
    "keyset_minimum": N_("The lowest keyset number that is accepted."),
    "nightly_hour": N_(
        "The hour, in UTC, at which what is past its day goes and the day's files are rewritten."
    ),
    "log_hour": N_("The hour, in UTC, at which the log gets its batch of the day, every day."),
    "line.name.en": N_("The line's name as sources read it, in English."),
    "line.name.es": N_("The line's name as sources read it, in Spanish."),
    "line.name.pt": N_("The line's name as sources read it, in Portuguese."),
    "line.emergency.en": N_(
        "That nobody reads tips at once, and whom to call in danger, in English."
    ),
    "line.emergency.es": N_(
        "That nobody reads tips at once, and whom to call in danger, in Spanish."
    ),
    "line.emergency.pt": N_(
        "That nobody reads tips at once, and whom to call in danger, in Portuguese."
    ),
    "onion.tor": N_("The tor program, version 0.4.9.11 or later."),
    "onion.proof_of_work_rate": N_(
        "Requests a second that tor lets through while the line is under attack."
    ),
    "onion.proof_of_work_burst": N_("Requests that tor lets through at once."),
    "onion.max_streams": N_("Streams a circuit may open; one more closes the circuit."),
    "onion.test_only_torrc_lines": N_(
        "Lines added to tor's configuration. For tests with a private network; leave it empty."
    ),
    "desk.clients": N_(
        "The keys that may fetch bundles: one X25519 public key in base32 per networked machine of"
        " the desk."
    ),
    "desk.waiting_weeks": N_("For how many weeks a tip may wait for the desk before doctor warns."),
    "limits.requests_per_second": N_("Requests a second that one circuit earns."),
    "limits.requests_burst": N_("Requests that one circuit may save up."),
    "limits.open_uploads_per_circuit": N_("Uploads that one circuit may have begun."),
    "limits.open_uploads": N_("Uploads that all circuits together may have begun."),
    "limits.partial_bytes": N_("Bytes on disk of uploads with attachments that are not complete."),
    "limits.disk_reserve_bytes": N_("Below this much free disk space only text is taken."),
    "limits.slices_in_memory": N_("Slices of 1 MiB that are received at the same time."),
    "limits.texts_in_memory": N_(
        "Tips of text alone that are received at the same time: a reserve that attachments cannot"
        " use up."
    ),
    "limits.idle_seconds": N_("A request that sends nothing for so many seconds is ended."),
    "slots.path": N_(
        "The directory of the slot file, which holds the keys that can die. Best is a small file"
        " system of its own: ext4, on an encrypted partition. It never goes into a backup."
    ),
    "slots.mirror": N_(
        "A directory on a second device for the slot file's mirror; empty for none. Without one, a"
        " broken disk loses every tip that was not fetched."
    ),
    "slots.root": N_(
        'What the keys in the slot file are sealed under: "none", "credential" (a key that systemd'
        ' hands to the service) or "tpm" (a key in this machine\'s TPM).'
    ),
    "slots.volatile": N_(
        "Whether the slot file lies in memory. It is then lost with each start of the machine, and"
        " with it every tip that was not fetched; a new one is begun by itself."
    ),
    "mail.enabled": N_(
        "Whether the staff get one mail a day, which is always the same, whether there is something"
        " or not. The company that carries it learns where this machine is: better a mail server of"
        " your own."
    ),
    "mail.hour": N_("The hour, in UTC, at which it is sent."),
    "mail.language": N_('The language of its words: "en", "es" or "pt".'),
    "mail.server": N_("The mail server's name or address."),
    "mail.port": N_("The mail server's port."),
    "mail.tls": N_(
        'How the way to it is protected: "tls" (from the first byte), "starttls" or "none" (for a'
        " server on this machine)."
    ),
    "mail.authority": N_(
        "A file with the certificate that the server's own is checked with; empty for those that"
        " the system trusts."
    ),
    "mail.user": N_("The name to log in with; empty if the server asks for none."),
    "mail.password_file": N_(
        "The file in which the password lies, alone, with mode 0600; empty if there is no user."
    ),
    "mail.from": N_("The address it comes from."),
    "mail.to": N_("The addresses it goes to."),
}

EXAMPLE: Final[Mapping[str, object]] = {
    "version": CONFIGURATION_VERSION,
    "keyset_minimum": 1,
    "nightly_hour": 3,
    "log_hour": 5,
    "onion.tor": "tor",
    "onion.proof_of_work_rate": 25,
    "onion.proof_of_work_burst": 250,
    "onion.max_streams": 100,
    "onion.test_only_torrc_lines": [],
    "desk.clients": [],
    "desk.waiting_weeks": 1,
    "limits.requests_per_second": 50,
    "limits.requests_burst": 400,
    "limits.open_uploads_per_circuit": 4,
    "limits.open_uploads": 4096,
    "limits.partial_bytes": 20 * 1024**3,
    "limits.disk_reserve_bytes": 2 * 1024**3,
    "limits.slices_in_memory": 32,
    "limits.texts_in_memory": 256,
    "limits.idle_seconds": 60,
    "slots.path": "slots",
    "slots.mirror": "",
    "slots.root": "none",
    "slots.volatile": False,
    "mail.enabled": False,
    "mail.hour": 8,
    "mail.language": "en",
    "mail.server": "",
    "mail.port": 465,
    "mail.tls": "tls",
    "mail.authority": "",
    "mail.user": "",
    "mail.password_file": "",
    "mail.from": "",
    "mail.to": [],
}

CLASS_MEANINGS: Final[Mapping[RecordClass, str]] = {
    RecordClass.PARTIAL_UPLOAD: N_(
        "An upload that was begun and never completed. Short: a source goes on within hours."
    ),
    RecordClass.SEALED_TIP: N_(
        "A sealed tip of text. Long enough for the desk to fetch it, even after a holiday."
    ),
    RecordClass.ATTACHMENT: N_("A sealed tip with attachments: one record, text and files."),
    RecordClass.UPLOAD_ANSWER: N_(
        "The memory that an upload has arrived, so that a page that lost the answer can ask again."
    ),
    RecordClass.REPLY: N_("A sealed reply that waits for the source."),
    RecordClass.MAILBOX: N_(
        "A mailbox, from the last time somebody wrote to it or looked into it."
    ),
    RecordClass.RECEIPT_COPY: N_("The service's copy of what a receipt is checked with."),
    RecordClass.RAW_NUMBER: N_("The number of a phone, sealed, as long as it can be answered."),
    RecordClass.GATEWAY_MESSAGE: N_(
        "A phone's message as the gateway brought it: the gateway's own id of it, as a keyed hash."
    ),
    RecordClass.PSEUDONYM_EPOCH: N_(
        "The key that gives the same phone the same pseudonym; after it nobody can link them."
    ),
    RecordClass.KEYSET: N_("A keyset that is no longer in force."),
    RecordClass.BACKUP: N_(
        "A backup. It has no key of a tip, but tells which tip came on which day, and has the keys"
        " of the log, the service and the onion."
    ),
    RecordClass.LOG_TEXT: N_(
        "The words beside an entry of the log, such as why something is held; the entry itself"
        " stays."
    ),
}

EVENT_MEANINGS: Final[Mapping[Event, str]] = {
    Event.BEGUN: N_("days from its beginning"),
    Event.ARRIVED: N_("days from its arrival"),
    Event.PICKED_UP: N_("days from the day on which the desk fetched it"),
    Event.SENT: N_("days from the day on which it was sent"),
    Event.READ: N_("days from the day on which the source read it"),
    Event.LAST_USED: N_("days from its last use"),
    Event.MADE: N_("days from the day on which it was made"),
    Event.RECEIVED: N_("days from the day on which it was received"),
    Event.EXPIRED: N_("days from the end of its validity"),
    Event.LOGGED: N_("days from the day on which it was logged"),
}


def format_configuration(settings: Mapping[str, object], *, translate: Translate) -> bytes:
    """
    Write a configuration with a comment on every key.

    Args:
        settings: Values that replace or complete the example's, by dotted key.
        translate: For the comments.

    Returns:
        `tipline.toml`; it has been read back, so it holds.

    Raises:
        ConfigurationError: a key is missing, unknown, or its value does not hold.
    """
    values = {**EXAMPLE, **settings}
    lines: list[str] = []
    table = ""
    # What stands outside a table comes first, as TOML wants it; then the schema's order.
    for key in sorted([*KEYS, *(key for key in values if key not in KEYS)], key=_table_of):
        if key not in values:
            continue
        if _table_of(key) != table:
            table = _table_of(key)
            lines += ["", f"[{table}]"]
        if key in MEANINGS:
            lines += ["", f"# {translate(MEANINGS[key])}"]
        lines.append(f"{key.rpartition('.')[2]} = {_format_value(values[key])}")
    text = ("\n".join(lines).strip() + "\n").encode()
    parse_configuration(text)
    return text


def format_policy(periods: Periods | None, *, translate: Translate) -> bytes:
    """
    Write a policy with a comment on every class of record.

    Args:
        periods: For each class the days from each of its events; if None, each is left for the
            operator to fill in.
        translate: For the comments.

    Returns:
        `policy.toml`.
    """
    return ("\n".join(_policy_lines(periods, translate)) + "\n").encode()


def _policy_lines(periods: Periods | None, translate: Translate) -> Iterator[str]:
    _ = translate
    yield "# " + _("How many days each class of record is kept. There is no default.")
    yield "# " + _("A record dies by the earliest of the periods that run.")
    yield f"version = {POLICY_VERSION}"
    for record_class, events in EVENTS.items():
        yield ""
        yield "# " + _(CLASS_MEANINGS[record_class])
        yield f"[{record_class}]"
        for event in events:
            meaning = _(EVENT_MEANINGS[event])
            if periods is None:
                yield "# " + _("Fill in a number and take the # away: {meaning}.").format(
                    meaning=meaning
                )
                yield f"# {event} ="
            else:
                yield f"{event} = {periods[record_class][event]}  # {meaning}"


def _table_of(key: str) -> str:
    return key.rpartition(".")[0]


def _format_value(value: object) -> str:
    # For texts, whole numbers and lists of texts, JSON and TOML are spelled alike.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
