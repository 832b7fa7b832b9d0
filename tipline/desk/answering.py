"""
Answering somebody who wrote by phone, on the offline workstation: into an outgoing bundle.

Rules:
1. An answer that cannot arrive is refused before it is written: the tip has no conversation, its
   last day for an answer is over, the app takes none any more, or this key answers nobody in that
   channel.
2. It is sealed to the service's key for answers, which the keyset names: the bundle's file tells
   neither to whom nor what.
3. An answer is added to the bundle that is there, if this key signed it, and the whole is signed
   anew, under a number above all before.
4. What was written is kept beside the tip.
"""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path
from typing import Final

from crypto.came_by import CameBy, Medium
from crypto.errors import CryptoError, MalformedError
from crypto.fields import MAX_ITEMS
from crypto.keyset import find_readers
from crypto.keyset_fields import READER_NAME_START, Keyset
from crypto.note import Signer
from crypto.outgoing import (
    ID_BYTES,
    MAX_ANSWER_CHARACTERS,
    MAX_OUTGOING_BYTES,
    ItemKind,
    OutgoingItem,
    SealedItem,
    expire_on,
    read_own_outgoing,
    seal_item,
    sign_outgoing,
)
from crypto.randomness import RandomSource, system_random
from crypto.strict import decode_hex, format_json, parse_json_object
from tipline.desk.given import Given, add_given
from tipline.desk.keyfiles import read_limited
from tipline.desk.vault import Vault
from tipline.errors import AnswerError, VaultError
from tipline.files import save_file, write_atomically
from tipline.gateway.alphabet import measure_text

MAX_MESSAGES: Final = 6  # of an answer: each is paid for, and networks drop the last of many
_NUMBERS_NAME: Final = "outgoing-numbers"
_MAX_NUMBERS_BYTES: Final = 64 << 10
# A vault that was lost would begin at 1 again, and the service would refuse every bundle. So a
# number is never below this many for each day since the first: a day later it goes on.
_NUMBERS_A_DAY: Final = 1000
_FIRST_DAY: Final = datetime.date(2026, 1, 1)
_COUNTED_MEDIA: Final = frozenset({Medium.SMS, Medium.MMS, Medium.VOICE, Medium.WALK_IN})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """
    An answer that was written into a bundle.

    Args:
        id: 32 hex digits: what `desk push` calls it.
        number: Of the bundle.
        count: How many answers the bundle holds by now.
        message_count: In how many messages this one goes; 1 where nobody counts them.
    """

    id: str
    number: int
    count: int
    message_count: int


def check_answerable(came_by: CameBy | None, *, today: datetime.date) -> bytes:
    """
    Check that a tip can be answered.

    Args:
        came_by: The tip's field `gateway`.
        today: In UTC.

    Returns:
        The conversation.

    Raises:
        AnswerError: `answer_nowhere` or `answer_over`.
    """
    if came_by is None or came_by.conversation is None or came_by.reply_until is None:
        raise AnswerError("answer_nowhere")
    if today > came_by.reply_until:
        raise AnswerError("answer_over", reply_until=came_by.reply_until.isoformat())
    return decode_hex(came_by.conversation)


def check_in_time(came_by: CameBy | None, *, now: datetime.datetime) -> None:
    """
    Check that the way a tip came still takes an answer; a status is sent to whoever asks, any time.

    Args:
        came_by: The tip's field `gateway`.
        now: Aware.

    Raises:
        AnswerError: `answer_late`.
    """
    if came_by is None or came_by.answer_until is None:
        return
    if now > datetime.datetime.fromisoformat(came_by.answer_until):
        raise AnswerError("answer_late", until=came_by.answer_until)


def check_signer(signer: Signer, *, keyset: Keyset, channel: str, today: datetime.date) -> str:
    """
    Check that a key answers in a channel.

    Args:
        signer: The reader's.
        keyset: The newest seen.
        channel: The tip's, untrusted.
        today: In UTC.

    Returns:
        The reader's id.

    Raises:
        AnswerError: `answer_not_reader`.
    """
    reader_id = signer.name.removeprefix(READER_NAME_START)
    reader = next((one for one in keyset.readers if one.id == reader_id), None)
    try:
        reading = [one.reader for one in find_readers(keyset, channel=channel, today=today)]
    except CryptoError as exc:
        raise AnswerError("answer_not_reader", channel=channel) from exc
    if reader is None or reader.signing != signer.verifier() or reader_id not in reading:
        raise AnswerError("answer_not_reader", channel=channel)
    return reader_id


def count_messages(text: str, *, medium: Medium) -> int:
    """
    Count the messages that an answer takes.

    Args:
        text: What the source reads.
        medium: How the source wrote.

    Returns:
        How many; 1 where nobody counts them.

    Raises:
        AnswerError: `answer_long`.
    """
    if medium not in _COUNTED_MEDIA:
        return 1
    count = measure_text(text).part_len
    if count > MAX_MESSAGES:
        raise AnswerError("answer_long", parts=count, limit=MAX_MESSAGES)
    return count


def write_answer(
    vault: Vault,
    tip_id: str,
    *,
    came_by: CameBy | None,
    channel: str,
    kind: ItemKind,
    text: str,
    out: Path,
    signer: Signer,
    today: datetime.date,
    random: RandomSource = system_random,
) -> Written:
    """
    Write an answer into an outgoing bundle.

    1. The tip can be answered, today, by this reader, in this line.
    2. The text goes to a phone.
    3. The bundle's number is durable before the bundle takes its name, so none is used twice.

    Args:
        vault: The tip's.
        tip_id: Of an opened tip.
        came_by: Its field `gateway`.
        channel: Its channel's id.
        kind: An answer or a status.
        text: What the source reads.
        out: The bundle: a new file, or one that this key signed.
        signer: The reader's.
        today: In UTC.
        random: Where the id and the seal come from.

    Returns:
        What was written.

    Raises:
        AnswerError: it cannot be given; nothing was written.
        VaultError: `vault_in_use`, `vault_damaged`.
        KeysetError: the vault's keyset was changed.
        OSError: a file cannot be read or written.
    """
    conversation = check_answerable(came_by, today=today)
    keyset = vault.pinned.read_keyset()
    if keyset is None or keyset.answers is None or came_by is None:
        raise AnswerError("answer_no_key")
    reader = check_signer(signer, keyset=keyset, channel=channel, today=today)
    message_count = count_messages(text, medium=came_by.medium)
    item = OutgoingItem(
        id=random(ID_BYTES),
        kind=kind,
        reader=reader,
        expires_on=expire_on(today),
        conversation=conversation,
        text=text,
    )
    try:
        sealed = seal_item(item, answers=keyset.answers, random=random)
    except MalformedError as exc:
        raise AnswerError("answer_text", limit=MAX_ANSWER_CHARACTERS) from exc
    with vault.lock():
        items = (*_read_items(out, signer), sealed)
        if len(items) > MAX_ITEMS:
            raise AnswerError("answer_full", path=str(out), limit=MAX_ITEMS)
        number = _take_number(vault, signer, today=today)
        note = sign_outgoing(items, reader=reader, number=number, today=today, signer=signer)
        given = Given(id=item.id.hex(), kind=kind, written_on=today, reader=reader, text=text)
        with write_atomically(out) as file:
            file.write(note)
        add_given(vault, tip_id, given)
    return Written(id=item.id.hex(), number=number, count=len(items), message_count=message_count)


def _read_items(out: Path, signer: Signer) -> tuple[SealedItem, ...]:
    if not out.exists():
        return ()
    try:
        note = read_limited(out, max_bytes=MAX_OUTGOING_BYTES)
        return read_own_outgoing(note, signer=signer)
    except CryptoError as exc:
        raise AnswerError("answer_other_file", path=str(out)) from exc


def _take_number(vault: Vault, signer: Signer, *, today: datetime.date) -> int:
    path = vault.directory / _NUMBERS_NAME
    numbers: dict[str, int] = {}
    if path.exists():
        try:
            fields = parse_json_object(
                read_limited(path, max_bytes=_MAX_NUMBERS_BYTES), max_bytes=_MAX_NUMBERS_BYTES
            )
            numbers = {key: int(number) for key, number in fields.items()}
        except (CryptoError, TypeError, ValueError) as exc:
            raise VaultError("vault_damaged", path=str(path)) from exc
    key = signer.verifier().format()
    least = max(0, (today - _FIRST_DAY).days) * _NUMBERS_A_DAY
    number = max(numbers.get(key, 0), least) + 1
    save_file(path, format_json({**numbers, key: number}) + b"\n", day=today)
    return number
