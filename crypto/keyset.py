"""
Who may open tips, for which channel, from when until when: signed by the desk root.

Rules:
    1. A keyset is a signed note by the pinned root, and by nobody else.
    2. Its number rises; after a newer one was seen, an older one is refused. An old keyset may name
       a reader who was removed since.
    3. It lives at most `MAX_DAYS` days; before and after, nobody goes on with it (INV-08).
    4. A channel has one to eight readers, at least one of whom the source cannot leave out.
    5. Every recipient in it is hybrid, and none stands there twice.
    6. A tip has exactly eight recipients: the channel's readers whose days include today, a fresh
       throwaway recipient in place of each other reader of the channel, then recipients of `fill`.

The keyset proves what the root signed, not that the persons named are trustworthy, nor that a
recipient's private half is where it should be.

docs/reference/formats.md, "Keyset".
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Collection
from typing import Final

from crypto.age.hybrid import HybridIdentity, HybridRecipient
from crypto.errors import CryptoError, ForgedError, KeysetError, RecipientError
from crypto.keyset_fields import (
    FIRST_LINE,
    MAX_CHANNEL_READERS,
    Channel,
    ChannelReader,
    Keyset,
    KeysetDraft,
    format_fields,
    parse_fields,
)
from crypto.ladder import STANZA_COUNT
from crypto.note import Signer, Verifier, sign_note, verify_note
from crypto.randomness import RandomSource, system_random
from crypto.strict import format_json

MAX_KEYSET_BYTES: Final = 256 << 10
MAX_DAYS: Final = 31  # so that a removed reader is out within a month even if nobody acts
FILL_COUNT: Final = 7  # a channel has at least one reader
ROOT_NAME: Final = "tipline-root"


def verify_keyset(
    untrusted: bytes, *, root: Verifier, today: datetime.date, seen: int = 0
) -> Keyset:
    """
    Verify that a keyset is in force.

    1. It is at most `MAX_KEYSET_BYTES` long and a note signed by *root*.
    2. Its fields follow the format.
    3. Its number is not below *seen*.
    4. It lives at most `MAX_DAYS` days, and *today* is one of them.

    Args:
        untrusted: The whole note.
        root: The pinned desk root.
        today: In UTC.
        seen: The highest number seen before, 0 if none.

    Returns:
        The keyset.

    Raises:
        KeysetError: `keyset_unsigned`, `keyset_malformed`, `keyset_old`, `keyset_too_long`,
            `keyset_early` or `keyset_expired`.
    """
    keyset = verify_past_keyset(untrusted, root=root)
    if keyset.number < seen:
        raise KeysetError("keyset_old", number=keyset.number, seen=seen)
    if today < keyset.valid_from:
        raise KeysetError("keyset_early", valid_from=keyset.valid_from.isoformat())
    if today > keyset.valid_until:
        raise KeysetError("keyset_expired", valid_until=keyset.valid_until.isoformat())
    return keyset


def verify_past_keyset(untrusted: bytes, *, root: Verifier) -> Keyset:
    """
    Verify that *root* signed this keyset at some time; nothing may be sealed to it.

    For what came before: the keyset a new one follows, or the one an old bundle carries.

    Args:
        untrusted: The whole note.
        root: The pinned desk root.

    Returns:
        The keyset.

    Raises:
        KeysetError: `keyset_unsigned`, `keyset_malformed` or `keyset_too_long`.
    """
    # A key's role is its name: whoever pinned the service's key by mistake is told at once.
    if root.name != ROOT_NAME:
        raise KeysetError("keyset_unsigned")
    if len(untrusted) > MAX_KEYSET_BYTES:
        raise KeysetError("keyset_malformed", "too large")
    try:
        text = verify_note(untrusted, root)
    except ForgedError as exc:
        raise KeysetError("keyset_unsigned") from exc
    except CryptoError as exc:
        raise KeysetError("keyset_malformed", exc.detail) from exc
    try:
        keyset = parse_fields(text, sha256=hashlib.sha256(untrusted).hexdigest())
    except KeysetError:
        raise
    except CryptoError as exc:
        raise KeysetError("keyset_malformed", exc.detail) from exc
    _check_days(keyset.valid_from, keyset.valid_until)
    return keyset


def sign_keyset(
    draft: KeysetDraft,
    *,
    signer: Signer,
    today: datetime.date,
    previous: bytes | None = None,
    random: RandomSource = system_random,
) -> bytes:
    """
    Sign a keyset; `fill` is made anew and its private halves are thrown away.

    Args:
        draft: What the desk decided.
        signer: The desk root.
        today: In UTC; becomes the day on which the readers were confirmed.
        previous: The whole note this one follows, or None for the first.
        random: Where the `fill` keys come from.

    Returns:
        The whole note. `verify_keyset` accepts it on each of its days.

    Raises:
        KeysetError: `keyset_too_many_readers`, `keyset_too_long` or `keyset_unread` (a channel has
            a day on which no reader who cannot be left out reads), `keyset_malformed`, or
            `keyset_unsigned` if *previous* is not of this root.
    """
    for channel in draft.channels:
        if len(channel.readers) > MAX_CHANNEL_READERS:
            raise KeysetError(
                "keyset_too_many_readers",
                channel=channel.id,
                count=len(channel.readers),
                limit=MAX_CHANNEL_READERS,
            )
    _check_days(draft.valid_from, draft.valid_until)
    for channel in draft.channels:
        _check_read_each_day(channel, draft.valid_from, draft.valid_until)
    before = verify_past_keyset(previous, root=signer.verifier()) if previous is not None else None
    fill = [HybridIdentity.generate(random=random).recipient() for _ in range(FILL_COUNT)]
    fields = format_fields(
        draft,
        number=1 if before is None else before.number + 1,
        previous=None if before is None else before.sha256,
        confirmed_on=today,
        fill=tuple(fill),
    )
    note = sign_note(f"{FIRST_LINE}{format_json(fields).decode()}\n", signer)
    # What is signed is read back by the readers' own rules, so that nobody publishes a keyset
    # that every page then refuses.
    verify_past_keyset(note, root=signer.verifier())
    return note


def choose_recipients(
    keyset: Keyset,
    *,
    channel: str,
    leave_out: Collection[str] = (),
    today: datetime.date,
    random: RandomSource = system_random,
) -> list[HybridRecipient]:
    """
    Choose the eight recipients of a tip.

    Args:
        keyset: In force.
        channel: The channel's id.
        leave_out: Ids of the readers whom the source leaves out.
        today: In UTC.
        random: Where throwaway keys and the order come from.

    Returns:
        Eight different recipients in random order, so that a stanza's place says nothing.

    Raises:
        RecipientError: the channel is unknown, or a reader named in *leave_out* is not one whom
            this channel lets the source leave out.
        KeysetError: `keyset_unread`: nobody would read the tip.
    """
    chosen = _find_channel(keyset, channel)
    if not set(leave_out) <= {entry.reader for entry in chosen.readers if entry.optional}:
        raise RecipientError("leave out")
    recipient_of = {reader.id: reader.recipient for reader in keyset.readers}
    reading = [
        entry.reader
        for entry in chosen.readers
        if _reads_on(entry, today) and entry.reader not in leave_out
    ]
    if not reading:
        raise KeysetError("keyset_unread", channel=chosen.id, day=today.isoformat())
    throwaway_count = len(chosen.readers) - len(reading)
    recipients = [
        *(recipient_of[reader] for reader in reading),
        *(HybridIdentity.generate(random=random).recipient() for _ in range(throwaway_count)),
        *keyset.fill,
    ][:STANZA_COUNT]
    _shuffle(recipients, random=random)
    return recipients


def find_readers(keyset: Keyset, *, channel: str, today: datetime.date) -> list[ChannelReader]:
    """
    List who reads a channel today.

    Args:
        keyset: In force.
        channel: The channel's id.
        today: In UTC.

    Returns:
        The channel's entries whose days include *today*.

    Raises:
        RecipientError: the channel is unknown.
    """
    return [entry for entry in _find_channel(keyset, channel).readers if _reads_on(entry, today)]


def _find_channel(keyset: Keyset, channel: str) -> Channel:
    for candidate in keyset.channels:
        if candidate.id == channel:
            return candidate
    raise RecipientError("channel")


def _reads_on(entry: ChannelReader, day: datetime.date) -> bool:
    return entry.from_on <= day and (entry.until_on is None or day <= entry.until_on)


def _check_days(valid_from: datetime.date, valid_until: datetime.date) -> None:
    day_count = (valid_until - valid_from).days + 1  # both days are included
    if day_count > MAX_DAYS:
        raise KeysetError("keyset_too_long", limit=MAX_DAYS)
    if day_count < 1:
        raise KeysetError("keyset_malformed", "days")


def _check_read_each_day(
    channel: Channel, valid_from: datetime.date, valid_until: datetime.date
) -> None:
    for offset in range((valid_until - valid_from).days + 1):
        day = valid_from + datetime.timedelta(days=offset)
        if not any(_reads_on(entry, day) for entry in channel.readers if not entry.optional):
            raise KeysetError("keyset_unread", channel=channel.id, day=day.isoformat())


def _shuffle(recipients: list[HybridRecipient], *, random: RandomSource) -> None:
    """Fisher and Yates; a biased place would tell who is a reader and who is a throwaway key."""
    for last in range(len(recipients) - 1, 0, -1):
        limit = 256 - 256 % (last + 1)
        while (drawn := random(1)[0]) >= limit:
            pass
        place = drawn % (last + 1)
        recipients[last], recipients[place] = recipients[place], recipients[last]
