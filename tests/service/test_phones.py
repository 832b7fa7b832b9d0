"""Messages from phones, over the listener of a line that is being served."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import io
import json
from typing import Any

import pytest

from crypto.came_by import Medium
from crypto.secret import Secret
from tests.service.phones import KEY, NUMBER, call_line, install_webhook, message, open_tips
from tipline.gateway.arrival import MESSAGES_BURST, OVERDUE_SECONDS
from tipline.gateway.kinds.webhook import INCOMING_LINE, make_signed
from tipline.gateway.signatures import sign_sha256
from tipline.service.conversations import Conversations


async def test_message_when_it_comes_then_the_desk_opens_it_and_reads_who_sealed_it(
    world: Any,
) -> None:
    """A message becomes an ordinary tip, which says that the service sealed it, and from whom."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("El puente está hueco.")) == 200
        (tip,) = await open_tips(world, site)
        (stored,) = site.tips
    assert (tip.text, tip.sealing, tip.channel, tip.language) == (
        "El puente está hueco.",
        "gateway",
        "city",
        "es",
    )
    assert tip.gateway is not None
    assert (tip.gateway.name, tip.gateway.medium, tip.gateway.sender) == (
        "hook",
        Medium.SMS,
        NUMBER,
    )
    assert not tip.gateway.continues
    assert tip.gateway.received_at == "2031-03-14T15:09:26Z"
    assert tip.gateway.reply_until == datetime.date(2031, 6, 11)
    assert tip.gateway.answer_until is None  # nobody bounds it but the policy
    assert stored.sealed_by_service
    assert stored.size_bytes == 65536


async def test_message_when_its_signature_time_or_key_is_wrong_then_it_is_refused_alike(
    world: Any,
) -> None:
    """A forged, a stale and an early message are answered with the same bytes; nothing is kept."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("x"), key="another") == 403
        assert await caller.post(message("x"), late=-301) == 403
        assert await caller.post(message("x"), late=301) == 403
        assert await caller.post(message("x"), headers={"Tipline-Signature": "v1=ñ"}) == 403
        assert await caller.post(message("x"), headers={"Tipline-Timestamp": "now"}) == 403
        assert await caller.post(message("x"), name="nobody") == 404
        assert await caller.post(message("x"), late=-299) == 200
        assert len(await site.line.store.tips()) == 1


async def test_message_when_it_is_signed_for_another_gateway_then_it_is_refused(world: Any) -> None:
    """A gateway's key signs for that gateway's name alone."""
    install_webhook(world.directory)
    async with world.serve(), call_line(world) as caller:
        body = json.dumps(message("x")).encode()
        timestamp = str(int(world.clock().timestamp()))
        signed = make_signed(INCOMING_LINE, "other", timestamp, body)
        headers = {
            "Tipline-Timestamp": timestamp,
            "Tipline-Signature": "v1=" + sign_sha256(Secret(KEY.encode()), signed),
        }
        async with caller.session.post("/hook", data=body, headers=headers) as response:
            assert response.status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"id": "a", "from": "+525512345678"}',
        b'{"id": "a", "id": "b", "from": "1234", "text": "x"}',
        b'{"id": "", "from": "1234", "text": "x"}',
        b'{"id": "a", "from": 1234, "text": "x"}',
        b'{"id": "a", "from": "1234", "text": "x", "more": 1}',
        b'{"id": "a", "from": "1", "text": "x", "part": {"reference": "r", "number": 3, "of": 2}}',
        b'{"id": "a", "from": "1234", "text": "x", "medium": "fax"}',
        b'{"id": "a", "from": "1234", "text": "x", "medium": "walk_in"}',
        b'{"id": "a", "from": "1234", "text": "x", "media": []}',
        b'{"id": "a", "from": "1234", "text": "\xff"}',
        b'{"id": "a", "from": "1234", "text": "' + b"x" * 65_537 + b'"}',
        b"[" * 100_000,
    ],
)
async def test_message_when_it_is_not_in_its_format_then_it_is_refused_and_nothing_is_kept(
    world: Any, body: bytes
) -> None:
    """What is signed and no message is refused with one answer."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(body) == 400
        assert await site.line.store.tips() == []


async def test_message_when_it_is_longer_than_any_then_it_is_refused(world: Any) -> None:
    """No more is taken into memory than the longest message has."""
    install_webhook(world.directory)
    async with world.serve(), call_line(world) as caller:
        data = io.BytesIO(b"x" * (1024 * 1024 + 1))
        async with caller.session.post("/hook", data=data) as response:
            assert response.status == 400


async def test_message_when_it_is_repeated_then_it_is_acknowledged_and_kept_once(
    world: Any,
) -> None:
    """A provider repeats what it was not answered, at once, later, and after a restart."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        answers = await asyncio.gather(*(caller.post(message("seen")) for _ in range(10)))
        assert set(answers) <= {200, 503}
        assert 200 in answers
        world.clock.now += datetime.timedelta(hours=30)
        assert await caller.post(message("seen")) == 200
        assert len(site.tips) == 1
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("seen")) == 200
        assert len(await site.line.store.tips()) == 1
        assert await caller.post(message("seen", number="a2")) == 200
        assert len(await site.line.store.tips()) == 2


async def test_message_when_its_sender_wrote_before_then_only_the_envelope_says_so(
    world: Any,
) -> None:
    """The second message of a number continues the first one's conversation, in any spelling."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        for number, sender in enumerate(["+525512345678", "+52 1 55 1234 5678", "55 1234 5678"]):
            assert (
                await caller.post(message(f"{number}", number=f"a{number}", sender=sender)) == 200
            )
        assert await caller.post(message("other", number="b", sender="+525587654321")) == 200
        tips = await open_tips(world, site)
    notes = [tip.gateway for tip in tips if tip.gateway is not None]
    assert [note.continues for note in notes] == [False, True, True, False]
    assert len({note.conversation for note in notes[:3]}) == 1
    assert notes[3].conversation != notes[0].conversation
    assert {note.sender for note in notes[:3]} == {NUMBER}


@pytest.mark.parametrize(
    ("sender", "read"),
    [
        ("7373", "7373"),
        ("BANCO", "BANCO"),
        ("+999999999999999999", None),
        ("", None),
        ("<script>", "<script>"),
        ("garbage 12 !!", "garbage 12 !!"),
    ],
)
async def test_message_when_its_sender_is_no_number_then_it_is_kept_all_the_same(
    world: Any, sender: str, read: str | None
) -> None:
    """A short code, a name, rubbish or nobody: a tip is worth more than its number."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("seen", sender=sender)) == 200
        (tip,) = await open_tips(world, site)
    assert tip.gateway is not None
    assert tip.gateway.sender == (read or sender or None)
    # Only to what has digits anything can be sent.
    assert (tip.gateway.conversation is None) == (sender != "7373")
    assert (tip.gateway.reply_until is None) == (sender != "7373")


async def test_message_when_its_gateway_sends_nothing_then_nobody_is_told_that_it_can_be_answered(
    world: Any,
) -> None:
    """An answer would be taken, and wait for its last day in vain."""
    install_webhook(world.directory, send_url="")
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("seen")) == 200
        (tip,) = await open_tips(world, site)
    assert tip.gateway is not None
    assert tip.gateway.sender == NUMBER
    assert (tip.gateway.conversation, tip.gateway.reply_until) == (None, None)


async def test_message_when_half_a_character_stands_in_it_then_the_rest_is_kept(world: Any) -> None:
    """UTF-16 that is none is replaced; the message is not lost."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        body = b'{"id": "a", "from": "1234", "text": "a \\ud83d b \\ud83d\\ude00"}'
        assert await caller.post(body) == 200
        (tip,) = await open_tips(world, site)
    assert tip.text == "a \N{REPLACEMENT CHARACTER} b \N{GRINNING FACE}"


async def test_parts_when_they_come_in_any_order_and_twice_then_one_tip_has_all_of_it(
    world: Any,
) -> None:
    """Parts are joined whatever their order, also when a character is cut between two of them."""
    install_webhook(world.directory)
    texts = ["uno ", "dos \ud83d", "\ude00 tres"]
    async with world.serve() as site, call_line(world) as caller:
        for number in (3, 1, 3, 1, 2, 2, 1):
            part = {"reference": "42", "number": number, "of": 3}
            sent = message(texts[number - 1], number=f"p{number}", part=part)
            assert await caller.post(sent) == 200
        (tip,) = await open_tips(world, site)
        # What came again after the whole was stored waits for no other part.
        assert await site.line.store._conversations.outbox.parts() == []
    assert tip.text == "uno dos \N{GRINNING FACE} tres"
    assert tip.gateway is not None
    assert tip.gateway.missing_parts == ()


async def test_parts_when_one_never_comes_then_the_others_are_kept_and_say_so(world: Any) -> None:
    """After ten minutes, and over a restart, what came is sealed with the numbers of the rest."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        for number in (1, 4):
            part = {"reference": "42", "number": number, "of": 5}
            sent = message(f"part {number}", number=f"p{number}", part=part)
            assert await caller.post(sent) == 200
        assert site.tips == []
    world.clock.now += datetime.timedelta(minutes=11)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(0.05 if seconds == OVERDUE_SECONDS else 3600)

    stored = asyncio.Event()
    async with world.serve(sleep=sleep, on_tip=lambda tip: stored.set()) as site:
        async with asyncio.timeout(10):
            await stored.wait()
        (tip,) = await open_tips(world, site)
    assert tip.text == "part 1[…]part 4[…]"
    assert tip.gateway is not None
    assert tip.gateway.missing_parts == (2, 3, 5)


async def test_message_when_nobody_reads_then_its_provider_is_told_to_come_back(world: Any) -> None:
    """After the keyset's last day a message is not acknowledged; with a new keyset it is."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        world.clock.now += datetime.timedelta(days=31)
        assert await caller.post(message("seen")) == 503
        assert site.tips == []
        world.install(world.sign())
        assert await caller.post(message("seen")) == 200
        assert len(site.tips) == 1


async def test_message_when_the_channel_is_none_of_the_keyset_then_nothing_is_acknowledged(
    world: Any,
) -> None:
    """A gateway of a channel that nobody reads takes nothing."""
    install_webhook(world.directory, channel="harbour")
    async with world.serve() as site, call_line(world) as caller:
        assert await caller.post(message("seen")) == 503
        assert site.tips == []


async def test_line_when_it_has_no_gateways_then_there_is_no_listener(world: Any) -> None:
    """Nothing changes for a line without phones."""
    async with world.serve():
        assert not (world.directory / "run" / "gateway").exists()


async def test_sender_when_its_budget_is_spent_then_it_is_told_to_come_back(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After so many messages a sender waits, one message after the other, too; others do not."""
    monkeypatch.setattr("tipline.gateway.arrival.MESSAGES_BURST", 3)
    monkeypatch.setattr("tipline.gateway.arrival.SECONDS_PER_MESSAGE", 1e9)
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        answers = [await caller.post(message("a", number=f"b{n}")) for n in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        assert await caller.post(message("a", number="c", sender="+525587654321")) == 200
        assert await caller.post(message("a", number="b0")) == 200  # known: it costs nothing
        assert len(site.tips) == 4


async def test_sender_when_it_sends_without_end_then_it_is_told_and_others_are_served(
    world: Any,
) -> None:
    """One number's flood spends its own budget; another number is served meanwhile."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:
        flood = [
            asyncio.create_task(caller.post(message("flood", number=f"f{number}")))
            for number in range(MESSAGES_BURST + 100)
        ]
        await asyncio.sleep(0)
        honest = message("honest", number="h", sender="+525587654321")
        assert await caller.post(honest) == 200
        answers = await asyncio.gather(*flood)
    assert set(answers) <= {200, 429, 503}
    assert answers.count(429) >= 100
    assert answers.count(200) == len(site.tips) - 1


async def test_parts_when_the_same_one_comes_at_once_under_several_ids_then_it_counts_once(
    world: Any,
) -> None:
    """A part is not its own successor, however its gateway repeats it."""
    install_webhook(world.directory)
    first = {"reference": "42", "number": 1, "of": 2}
    async with world.serve() as site, call_line(world) as caller:
        sent = [message("one ", number=f"p{copy % 4}", part=first) for copy in range(8)]
        answers = await asyncio.gather(*(caller.post(one) for one in sent))
        assert set(answers) <= {200, 503}
        assert site.tips == []
        second = {"reference": "42", "number": 2, "of": 2}
        assert await caller.post(message("two", number="q", part=second)) == 200
        (tip,) = await open_tips(world, site)
    assert tip.text == "one two"


async def test_header_when_it_comes_twice_then_neither_counts(world: Any) -> None:
    """A signature that two readers could read in two ways is none."""
    install_webhook(world.directory)
    body = json.dumps(message("seen")).encode()
    timestamp = str(int(world.clock().timestamp()))
    signed = make_signed(INCOMING_LINE, "hook", timestamp, body)
    signature = "v1=" + sign_sha256(Secret(KEY.encode()), signed)
    head = f"POST /hook HTTP/1.1\r\nHost: line\r\nContent-Length: {len(body)}\r\n"
    head += f"Tipline-Timestamp: {timestamp}\r\n" + f"Tipline-Signature: {signature}\r\n" * 2
    async with world.serve():
        path = str(world.directory / "run" / "gateway")
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(head.encode() + b"\r\n" + body)
        assert (await reader.readline()).startswith(b"HTTP/1.1 403")
        writer.close()


async def test_message_when_the_disk_refuses_then_it_is_not_acknowledged_and_comes_again(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails once costs nothing: the provider repeats, and the message is kept once."""
    install_webhook(world.directory)
    async with world.serve() as site, call_line(world) as caller:

        async def refuse(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Conversations, "add", refuse)
            assert await caller.post(message("seen")) == 503
        assert await caller.post(message("seen")) == 200
        assert len(site.tips) == 1


async def test_line_when_it_stops_then_what_was_begun_is_stored_and_answered(world: Any) -> None:
    """A stop cuts no message off between storing and answering."""
    install_webhook(world.directory)
    async with contextlib.AsyncExitStack() as stack:
        caller = await stack.enter_async_context(call_line(world))
        async with world.serve() as site:
            sent = [
                asyncio.create_task(
                    caller.post(message("seen", number=f"s{n}", sender=f"+52551234{n:04}"))
                )
                for n in range(20)
            ]
            async with asyncio.timeout(30):
                await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        answers = await asyncio.gather(*sent, return_exceptions=True)
    acknowledged = [answer for answer in answers if answer == 200]
    assert acknowledged
    async with world.serve() as again:
        assert len(await again.line.store.tips()) >= len(acknowledged)
    assert len(site.tips) >= len(acknowledged)
