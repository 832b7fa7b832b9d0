"""Answers from the desk, on their way to a phone: taken once, kept sealed, told by id alone."""

from __future__ import annotations

import dataclasses
import datetime
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from crypto.age.hybrid import HybridIdentity
from crypto.errors import KeysetError
from crypto.keyset import sign_keyset, verify_keyset
from crypto.keyset_fields import Channel, ChannelReader, KeysetDraft, Reader
from crypto.note import Signer
from crypto.outgoing import (
    MAX_OUTGOING_DAYS,
    ItemKind,
    OutgoingItem,
    SealedItem,
    seal_item,
    sign_outgoing,
)
from tests.service.test_conversations import (
    BEGIN,
    WINDOW_DAYS,
    Calendar,
    keep,
    open_phones,
    sender,
)
from tipline.keysets import InstalledKeyset, KeysetHistory
from tipline.service.answer_outcomes import Outcome
from tipline.service.answer_side import AnswerSide
from tipline.service.answers import Answer
from tipline.service.conversations import Conversations
from tipline.service.taken_answers import MAX_WAITING, decode_answer

ROOT = Signer.generate("tipline-root")
ANA = Signer.generate("tipline-reader/ana")  # reads the city
BEA = Signer.generate("tipline-reader/bea")  # reads the coast
ANSWERS = HybridIdentity.generate()


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


def make_keyset() -> InstalledKeyset:
    """A keyset with two channels, each with a reader who answers."""
    names = dict.fromkeys(("en", "es", "pt"), "Name")
    readers = tuple(
        Reader(
            id=signer.name.rpartition("/")[2],
            name="N",
            unit="U",
            since_on=BEGIN,
            recipient=HybridIdentity.generate().recipient(),
            signing=signer.verifier(),
        )
        for signer in (ANA, BEA)
    )
    channels = tuple(
        Channel(
            id=channel,
            names=names,
            categories=(),
            readers=(
                ChannelReader(reader=reader.id, from_on=BEGIN, until_on=None, optional=False),
            ),
        )
        for channel, reader in zip(("city", "coast"), readers, strict=True)
    )
    draft = KeysetDraft(
        valid_from=BEGIN,
        valid_until=BEGIN + datetime.timedelta(days=30),
        service=Signer.generate("tipline-service").verifier(),
        log=Signer.generate("tipline-log/" + 16 * "0").verifier(),
        witnesses=(),
        quorum=0,
        onion=None,
        answers=ANSWERS.recipient(),
        readers=readers,
        channels=channels,
    )
    note = sign_keyset(draft, signer=ROOT, today=BEGIN)
    keyset = verify_keyset(note, root=ROOT.verifier(), today=BEGIN)
    return InstalledKeyset(note=note, keyset=keyset, history=KeysetHistory())


@dataclasses.dataclass
class Watch:
    """A keyset that is in force, or an error instead."""

    installed: InstalledKeyset = dataclasses.field(default_factory=make_keyset)
    error: KeysetError | None = None

    def read(self) -> InstalledKeyset:
        if self.error is not None:
            raise self.error
        return self.installed


def make_side(conversations: Conversations, calendar: Calendar, **changes: Any) -> AnswerSide:
    """The desk's door for answers."""
    given: dict[str, Any] = {
        "keysets": Watch(),
        "today": calendar,
        "load_identity": lambda: ANSWERS,
        "read_sender": conversations.read_sender,
        "taken": conversations.taken,
        "on_taken": lambda: None,
    }
    return AnswerSide(**(given | changes))


def seal(conversation: bytes, *, text: str = "thank you", **changes: Any) -> SealedItem:
    """An answer, sealed to the service."""
    item = OutgoingItem(
        **{
            "id": secrets.token_bytes(16),
            "kind": ItemKind.ANSWER,
            "reader": "ana",
            "expires_on": BEGIN + datetime.timedelta(days=MAX_OUTGOING_DAYS - 1),
            "conversation": conversation,
            "text": text,
            **changes,
        }
    )
    return seal_item(item, answers=ANSWERS.recipient())


def sign(*items: SealedItem, number: int = 1, **changes: Any) -> bytes:
    """A bundle of Ana's."""
    given: dict[str, Any] = {"reader": "ana", "number": number, "today": BEGIN, "signer": ANA}
    return sign_outgoing(items, **(given | changes))


def outcomes(answer: Answer) -> list[str]:
    """What became of each."""
    assert answer.status == 200
    said = json.loads(answer.body)
    assert said["state"] == "taken"
    return [one["outcome"] for one in said["items"]]


async def begin(conversations: Conversations, **changes: Any) -> bytes:
    """Somebody writes once; the conversation."""
    channel = changes.get("channel", "city")
    conversation = conversations.find(sender(), channel).conversation
    await keep(conversations, sender(), **changes)
    return conversation


async def texts(conversations: Conversations) -> list[str]:
    """What waits, in the order in which it will be sent."""
    contents = [
        await conversations.outbox.read_answer(one)
        for one, _ in await conversations.outbox.answers()
    ]
    waiting = sorted((decode_answer(one) for one in contents if one), key=lambda one: one.place)
    return [one.text for one in waiting]


def read_everything(directory: Path) -> bytes:
    """Every byte of every file."""
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


async def test_bundle_when_taken_then_its_answers_wait_and_its_status_is_told(
    short_path: Path, calendar: Calendar
) -> None:
    """Answers wait in the order of the desk; a status is what the conversation is told."""
    woken: list[bool] = []
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar, on_taken=lambda: woken.append(True))
        status = seal(conversation, kind=ItemKind.STATUS, text="Recibido.")
        items = [seal(conversation, text=f"part {number}") for number in range(5)]

        assert outcomes(await side.take(sign(*items, status))) == ["taken"] * 6
        assert outcomes(await side.take(sign(seal(conversation, text="last"), number=2))) == [
            "taken"
        ]

        assert await texts(conversations) == [*(f"part {number}" for number in range(5)), "last"]
        assert await conversations.outbox.read_status(conversation) == "Recibido."
        assert woken == [True, True]


async def test_bundle_when_the_answer_was_lost_then_it_is_told_again_and_nothing_is_doubled(
    short_path: Path, calendar: Calendar
) -> None:
    """The very same bundle is answered as the first time, also after a restart."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        note = sign(seal(conversation), seal(bytes(16)))
        first = await make_side(conversations, calendar).take(note)
        assert outcomes(first) == ["taken", "window_closed"]
        (answer,) = [one for one, _ in await conversations.outbox.answers()]
        await conversations.outbox.drop_answer(answer)
    async with open_phones(short_path, calendar) as (_, conversations):
        again = await make_side(conversations, calendar).take(note)
        assert again.body == first.body
        assert await conversations.outbox.answers() == []


async def test_answer_when_it_is_signed_anew_in_another_bundle_then_it_is_not_taken_again(
    short_path: Path, calendar: Calendar
) -> None:
    """The desk adds to the same file: phones and statuses that had theirs get nothing more."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        old_status = seal(conversation, kind=ItemKind.STATUS, text="Recibido.")
        items = [seal(conversation, text="one"), old_status]
        assert outcomes(await side.take(sign(*items))) == ["taken", "taken"]
        for answer_id, _ in await conversations.outbox.answers():
            content = await conversations.outbox.read_answer(answer_id)
            assert content is not None
            await conversations.taken.note(decode_answer(content), Outcome.SENT)
            await conversations.outbox.drop_answer(answer_id)
        new_status = seal(conversation, kind=ItemKind.STATUS, text="Cerrado.")
        items += [seal(conversation, text="two"), new_status]
        assert outcomes(await side.take(sign(*items, number=2))) == [
            "sent", "taken", "taken", "taken",
        ]  # fmt: skip
        again = await side.take(sign(*items[:2], number=3))

        assert outcomes(again) == ["sent", "taken"]
        assert await texts(conversations) == ["two"]
        assert await conversations.outbox.read_status(conversation) == "Cerrado."


async def test_answer_when_too_many_waited_then_the_same_one_can_be_taken_later(
    short_path: Path, calendar: Calendar
) -> None:
    """Only what was taken is not taken again."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        items = [seal(conversation) for _ in range(MAX_WAITING + 1)]
        assert outcomes(await side.take(sign(*items)))[-1] == "too_many"
        for answer_id, _ in await conversations.outbox.answers():
            await conversations.outbox.drop_answer(answer_id)
        assert outcomes(await side.take(sign(*items, number=2))) == ["taken"] * len(items)
        assert len(await conversations.outbox.answers()) == 1


async def test_answer_when_it_is_anothers_or_too_old_or_lasts_too_long_then_it_is_not_taken(
    short_path: Path, calendar: Calendar
) -> None:
    """What is sealed says whose it is and until when: no other reader, and no later bundle."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        days = [datetime.timedelta(days=days) for days in (-1, 0, 14, 15)]
        note = sign(
            seal(conversation, reader="bea"),
            *(seal(conversation, expires_on=BEGIN + after) for after in days),
        )
        assert outcomes(await side.take(note)) == [
            "refused", "expired", "taken", "taken", "refused",
        ]  # fmt: skip


async def test_outcomes_when_nobody_would_take_the_answers_then_they_are_forgotten(
    short_path: Path, calendar: Calendar
) -> None:
    """What is remembered of an answer goes once its seal keeps it out."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        item = seal(conversation, expires_on=BEGIN)
        assert outcomes(await side.take(sign(item))) == ["taken"]
        assert await conversations.taken.find_outcomes("ana", [item.id])
        calendar.turn(1)
        assert outcomes(await side.take(sign(item, seal(conversation), number=2))) == [
            "taken", "taken",
        ]  # fmt: skip
        assert outcomes(await side.take(sign(item, number=3))) == ["expired"]
        assert not await conversations.taken.find_outcomes("ana", [item.id])


async def test_bundle_when_its_number_does_not_rise_then_nothing_of_it_is_taken(
    short_path: Path, calendar: Calendar
) -> None:
    """An older bundle, or another of the same number, is told so; another reader's is taken."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        assert outcomes(await side.take(sign(seal(conversation), number=5))) == ["taken"]
        for number in (5, 4, 1):
            assert outcomes(await side.take(sign(seal(conversation), number=number))) == ["older"]
        assert len(await conversations.outbox.answers()) == 1
        theirs = seal(conversation, reader="bea")
        other = await side.take(sign(theirs, reader="bea", signer=BEA))
        assert outcomes(other) == ["not_reader"]


async def test_bundle_when_a_newer_one_was_taken_then_what_became_of_its_answers_is_told(
    short_path: Path, calendar: Calendar
) -> None:
    """An older file tells what the gateway did since, and what of it never was taken, and why."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        items = [seal(conversation, text=text) for text in ("a", "b", "c")]
        older = sign(*items)
        assert outcomes(await side.take(older)) == ["taken"] * 3
        assert outcomes(await side.take(sign(seal(conversation), number=2))) == ["taken"]
        waiting = await conversations.outbox.answers()
        since = {"a": Outcome.SENT, "b": Outcome.GATEWAY_REFUSED}
        for answer_id, _ in waiting:
            content = await conversations.outbox.read_answer(answer_id)
            assert content is not None
            answer = decode_answer(content)
            if answer.text in since:
                await conversations.taken.note(answer, since[answer.text])
        assert outcomes(await side.take(older)) == ["sent", "gateway_refused", "taken"]

        over = seal(conversation, expires_on=BEGIN - datetime.timedelta(days=1))
        gone = seal(bytes(range(16)))
        mixed = sign(items[0], seal(conversation), over, gone, number=1)
        assert outcomes(await side.take(mixed)) == ["sent", "older", "expired", "window_closed"]
        assert len(await conversations.outbox.answers()) == len(waiting)


async def test_number_when_its_bundle_has_expired_then_it_is_forgotten(
    short_path: Path, calendar: Calendar
) -> None:
    """What nobody would take any more need not be known."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        await side.take(sign(seal(conversation), number=5, days=3))
        calendar.turn(2)
        await side.take(
            sign(seal(conversation), reader="bea", signer=BEA, number=1, today=calendar.today)
        )
        assert await conversations.taken.find(ANA.verifier().format()) is not None
        calendar.turn(1)
        await side.take(
            sign(seal(conversation), reader="bea", signer=BEA, number=2, today=calendar.today)
        )
        assert await conversations.taken.find(ANA.verifier().format()) is None


async def test_number_when_an_earlier_bundle_expires_later_then_it_is_remembered_so_long(
    short_path: Path, calendar: Calendar
) -> None:
    """A short bundle after a long one does not let the long one in again."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        long = sign(seal(conversation), number=1, days=10)
        await side.take(long)
        await side.take(sign(seal(conversation), number=2, days=2))
        calendar.turn(4)
        await side.take(
            sign(seal(conversation), reader="bea", signer=BEA, number=1, today=calendar.today)
        )
        unknown = sign(seal(conversation), number=1, days=10)
        assert outcomes(await side.take(unknown)) == ["older"]
        assert outcomes(await side.take(long)) == ["taken"]  # as it was told before
        assert len(await conversations.outbox.answers()) == 2


async def test_item_when_it_may_not_go_then_its_outcome_says_why_and_the_others_are_taken(
    short_path: Path, calendar: Calendar
) -> None:
    """Each answer has an outcome of its own; none of them keeps another back."""
    async with open_phones(short_path, calendar) as (_, conversations):
        city = await begin(conversations)
        coast = await begin(conversations, channel="coast")
        stranger = HybridIdentity.generate().recipient()
        foreign = seal_item(
            OutgoingItem(
                id=bytes(16),
                kind=ItemKind.ANSWER,
                reader="ana",
                expires_on=BEGIN,
                conversation=city,
                text="a",
            ),
            answers=stranger,
        )
        long = seal(city, kind=ItemKind.STATUS, text="a" * 161)
        note = sign(seal(city), seal(coast), seal(bytes(range(16))), foreign, long)

        answer = await make_side(conversations, calendar).take(note)

        assert outcomes(answer) == ["taken", "not_reader", "window_closed", "refused", "refused"]
        assert len(await conversations.outbox.answers()) == 1
        for secret in (city.hex(), "thank you"):
            assert secret not in answer.body.decode()


async def test_item_when_the_window_is_over_then_it_is_closed(
    short_path: Path, calendar: Calendar
) -> None:
    """On the day on which the number dies nothing more is taken for it."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        calendar.turn(WINDOW_DAYS - 1)
        assert outcomes(await side.take(sign(seal(conversation)))) == ["taken"]
        calendar.turn(1)
        late = sign(
            seal(conversation), seal(conversation, kind=ItemKind.STATUS, text="a"), number=2
        )
        assert outcomes(await side.take(late)) == ["window_closed", "window_closed"]


async def test_item_when_its_owner_ends_it_meanwhile_then_it_is_closed_and_leaves_no_key(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STOP between the look and the writing wins, and the key that was made for it goes."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        taken: Any = conversations.taken
        prepare, prepared = taken._prepare, []

        async def prepare_and_end(item: Any, **more: Any) -> Any:
            prepared.append(await prepare(item, **more))
            await conversations.end(conversation)
            return prepared[-1]

        monkeypatch.setattr(taken, "_prepare", prepare_and_end)
        side = make_side(conversations, calendar)
        assert outcomes(await side.take(sign(seal(conversation)))) == ["window_closed"]
        assert await conversations.outbox.answers() == []
        with pytest.raises(OSError, match="slot"):
            taken._keys.open(prepared[0].row.key, dies_on=prepared[0].row.dies_on)


async def test_items_when_too_many_wait_for_one_phone_then_no_more_are_taken(
    short_path: Path, calendar: Calendar
) -> None:
    """A mistake at the desk floods no phone; another conversation is not touched by it."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        other = conversations.find(sender("+525587654321"), "city").conversation
        await keep(conversations, sender("+525587654321"))
        many = [seal(conversation) for _ in range(MAX_WAITING + 2)]
        answer = await make_side(conversations, calendar).take(sign(*many, seal(other)))
        assert outcomes(answer) == ["taken"] * MAX_WAITING + ["too_many"] * 2 + ["taken"]


async def test_bundle_when_the_disk_refuses_then_nothing_is_taken_and_it_can_come_again(
    short_path: Path, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails leaves neither an answer nor a number."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        side = make_side(conversations, calendar)
        note = sign(seal(conversation))
        taken: Any = conversations.taken

        def fail(*_: object, **__: object) -> None:
            raise OSError(28, "full")

        with monkeypatch.context() as patch:
            patch.setattr(taken, "_save", fail)
            with pytest.raises(OSError, match="full"):
                await side.take(note)
        assert await conversations.outbox.answers() == []
        assert outcomes(await side.take(note)) == ["taken"]


async def test_bundle_when_it_may_not_be_taken_then_nothing_is_read_of_it(
    short_path: Path, calendar: Calendar
) -> None:
    """No keyset, no key of this line's in it, no signature of a reader: one answer for each."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        note = sign(seal(conversation))

        async def take(untrusted: bytes = note, **changes: Any) -> tuple[int, bytes]:
            answer = await make_side(conversations, calendar, **changes).take(untrusted)
            return answer.status, answer.body

        expired = Watch(error=KeysetError("keyset_expired", valid_until="2031-01-01"))
        assert await take(keysets=expired) == (409, b'{"error":"keyset"}')
        assert await take(load_identity=lambda: None) == (409, b'{"error":"phones"}')
        other = HybridIdentity.generate()
        assert await take(load_identity=lambda: other) == (409, b'{"error":"phones"}')
        stranger = Signer.generate("tipline-reader/ana")
        for untrusted in (b"", b"x", sign(seal(conversation), signer=stranger)):
            assert await take(untrusted) == (422, b'{"error":"refused"}')
        late = sign(seal(conversation), today=BEGIN - datetime.timedelta(days=20))
        assert await take(late) == (422, b'{"error":"refused"}')
        assert await conversations.outbox.answers() == []


async def test_answers_when_they_wait_then_no_text_is_in_clear(
    short_path: Path, calendar: Calendar
) -> None:
    """What was taken lies sealed; what was said of it names random ids alone."""
    async with open_phones(short_path, calendar) as (_, conversations):
        conversation = await begin(conversations)
        words = "a sentence that stands nowhere else"
        note = sign(
            seal(conversation, text=words), seal(conversation, kind=ItemKind.STATUS, text=words)
        )
        assert outcomes(await make_side(conversations, calendar).take(note)) == ["taken"] * 2
    stored = read_everything(short_path)
    assert len(stored) > 4096
    assert words.encode() not in stored
