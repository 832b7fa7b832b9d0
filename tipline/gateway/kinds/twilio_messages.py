"""
What is inside Twilio's forms and events.

Rules:
1. What comes to this gateway is SMS and MMS. A message of another company's (WhatsApp, Messenger,
   RCS), which Twilio can bring, too, is refused: nobody accepted that company here. Beside others
   it is left out, and told as a fault.
2. An event that lacks something is not lost: its fields are the text. So are those of a message
   without words and files that says something else.
3. A file that is counted and not named is one all the same: it is looked up, or counted as missing.
4. A report of a delivery is no message. One of an answer that did not arrive is told as a fault.
5. An event of a kind that is not known here may hold a message: it is not agreed to.

Source: Twilio, "Messaging: request to your webhook URL", "Message status callback", "Event Streams:
inbound message received".
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Any, Final

from crypto.errors import CryptoError, MalformedError
from tipline.gateway.batches import Dated, cut_long, make_odd_id, write_all_fields
from tipline.gateway.incoming import (
    MAX_REFERENCES,
    MAX_SENDER_CHARACTERS,
    Incoming,
    MediaReference,
    Medium,
)
from tipline.gateway.provider_json import parse_provider_json, take_object, take_text

MAX_EVENTS: Final = 100
MAX_LOCATION_CHARACTERS: Final = 2000
INBOUND_EVENT: Final = "com.twilio.messaging.inbound-message.received"
REPORTS: Final = "com.twilio.messaging.message."  # of deliveries
TESTS: Final = "com.twilio.eventstreams."  # of the way that events take
UNDELIVERED: Final = frozenset({"failed", "undelivered"})

_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
# What stands beside a message's content: who, when, over what. Without capitals: an event's names.
_BESIDE = re.compile(
    r"(?:(?:sms|smsmessage|message|account|messagingservice|sub|rcsagent)?sid|from|to|smsstatus"
    r"|(?:from|to)(?:city|state|zip|country)|apiversion|num(?:media|segments)|eventname|timestamp"
    r"|mcc|mnc|recipients|messagetype|channelmetadata|channelprefix|profilename|waid|addons"
    r"|optouttype|referralctwaclid|errorcode|errorurl|body)"
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """
    What a call of events holds.

    Args:
        messages: All that are ours.
        is_partly_refused: Whether something beside them is not taken.
        has_undelivered: Whether an answer did not arrive.
    """

    messages: tuple[Dated, ...]
    is_partly_refused: bool
    has_undelivered: bool


def is_sid(untrusted: str) -> bool:
    """
    Tell whether something is the id of a message of Twilio's.

    Args:
        untrusted: What may be one.

    Returns:
        Whether it can stand in an address.
    """
    return _SID.fullmatch(untrusted) is not None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """
    Reads what came for one gateway.

    Args:
        gateway: Its name.
        account_sid: Of the account.
        now: Aware.
    """

    gateway: str
    account_sid: str
    now: datetime.datetime

    def read_form(self, fields: Mapping[str, str]) -> Incoming:
        """
        Read a form that holds a message.

        Args:
            fields: Untrusted.

        Returns:
            The message.

        Raises:
            MalformedError: it is not in Twilio's form, or not ours.
            ValueError: it is longer than any gateway's.
        """
        if not self._is_ours(fields, sender=fields.get("From", "")):
            raise MalformedError("from")
        sid = fields.get("MessageSid", "")
        media = [
            MediaReference(
                location=_bound(fields.get(f"MediaUrl{number}", f"{sid}/{number}")),
                media_type=fields.get(f"MediaContentType{number}", ""),
            )
            for number in range(_count(fields.get("NumMedia", "0")))
        ]
        return self._make(
            sid=sid,
            sender=fields.get("From", ""),
            text=fields.get("Body", ""),
            media=media,
            fields=fields,
        )

    def read_events(self, untrusted: bytes) -> Events:
        """
        Read a call of events.

        Args:
            untrusted: JSON.

        Returns:
            What it holds.

        Raises:
            MalformedError: it is none, or holds nothing but what is not ours or not known.
        """
        tree = parse_provider_json(untrusted)
        events = tree if isinstance(tree, list) else [tree]
        if not 1 <= len(events) <= MAX_EVENTS:
            raise MalformedError("events")
        reports = [event for event in events if take_text(event, "type").startswith(REPORTS)]
        others_len = 0
        messages: list[Dated] = []
        for event in events:
            if take_text(event, "type").startswith((REPORTS, TESTS)):
                continue
            if _is_message(event) and self._is_ours(take_object(event), sender=_find_sender(event)):
                messages += self._read_event(event)
            else:
                others_len += 1
        if others_len and not messages:
            raise MalformedError("events")
        return Events(
            messages=tuple(messages),
            is_partly_refused=bool(others_len),
            has_undelivered=any(
                take_text(report, "type").removeprefix(REPORTS) in UNDELIVERED for report in reports
            ),
        )

    def _is_ours(self, fields: Mapping[str, Any], *, sender: str) -> bool:
        # "whatsapp:+52...", "messenger:...": the way led over another company.
        return fields.get("AccountSid", self.account_sid) == self.account_sid and ":" not in sender

    def _read_event(self, event: Any) -> list[Dated]:
        data, written_at = take_object(event, "data"), None
        try:
            if take_text(event, "type") == INBOUND_EVENT:
                written_at = _read_time(take_text(data, "timestamp"))
                incoming = self._read_data(data)
            else:
                # The names of a form, in JSON.
                incoming = self.read_form({name: take_text(event, name) for name in event})
        except (CryptoError, ValueError):
            odd = cut_long(self._make_odd(event), write_all_fields(event))
            return [Dated(incoming=one, written_at=written_at) for one in odd]
        return [Dated(incoming=incoming, written_at=written_at)]

    def _read_data(self, data: dict[str, Any]) -> Incoming:
        sid = take_text(data, "messageSid")
        return self._make(
            sid=sid,
            sender=take_text(data, "from"),
            text=take_text(data, "body"),
            # An event says how many there are, and not where.
            media=[
                MediaReference(location=f"{sid}/{number}", media_type="")
                for number in range(_count(take_text(data, "numMedia") or "0"))
            ],
            fields=data,
        )

    def _make_odd(self, event: Any) -> Incoming:
        sid = take_text(take_object(event, "data"), "messageSid") or take_text(event, "MessageSid")
        sender = _find_sender(event)
        return Incoming(
            gateway=self.gateway,
            medium=Medium.SMS,
            provider_id=sid if is_sid(sid) else make_odd_id(event),
            sender=sender if len(sender) <= MAX_SENDER_CHARACTERS else "",
            text="",
            received_at=self.now,
        )

    def _make(
        self,
        *,
        sid: str,
        sender: str,
        text: str,
        media: list[MediaReference],
        fields: Mapping[str, Any],
    ) -> Incoming:
        if not is_sid(sid):
            raise MalformedError("sid")
        # Empty, if the number was withheld.
        if len(sender) > MAX_SENDER_CHARACTERS:
            raise MalformedError("from")
        return Incoming(
            gateway=self.gateway,
            medium=Medium.MMS if media else Medium.SMS,
            provider_id=sid,
            sender=sender,
            text=text or ("" if media else _write_rest(fields)),
            received_at=self.now,
            media=tuple(media),
        )


def is_report(fields: Mapping[str, str]) -> bool:
    """
    Tell whether a form reports a delivery, and holds no message.

    Args:
        fields: Untrusted.

    Returns:
        Whether it does.
    """
    return "MessageStatus" in fields and "Body" not in fields and "NumMedia" not in fields


def _write_rest(fields: Mapping[str, Any]) -> str:
    rest = {
        name: value
        for name, value in fields.items()
        if value and not _BESIDE.fullmatch(name.lower())
    }
    return write_all_fields(rest) if rest else ""


def _count(untrusted: str) -> int:
    if not (untrusted.isascii() and untrusted.isdecimal()) or not int(untrusted) <= MAX_REFERENCES:
        raise MalformedError("media")
    return int(untrusted)


def _is_message(event: Any) -> bool:
    return take_text(event, "type") == INBOUND_EVENT or "MessageSid" in take_object(event)


def _find_sender(event: Any) -> str:
    return take_text(take_object(event, "data"), "from") or take_text(event, "From")


def _read_time(untrusted: str) -> datetime.datetime | None:
    try:
        written_at = datetime.datetime.fromisoformat(untrusted)
    except ValueError:
        return None
    return None if written_at.tzinfo is None else written_at


def _bound(location: str) -> str:
    if not 1 <= len(location) <= MAX_LOCATION_CHARACTERS:
        raise MalformedError("media")
    return location
