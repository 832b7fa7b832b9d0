"""
The Android app "SMS Gateway" at a line that is being served, judged by the app's official client.

The app itself needs a phone. What it posts has the fields of its payload classes, and is signed by
openssl; the official client (`android_sms_gateway`) reads each event beside the line, and asks the
same server for the same things: what the two take from an event, and what they ask, is equal.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest
from android_sms_gateway import client as official
from android_sms_gateway import domain, webhooks
from android_sms_gateway.enums import WebhookEvent
from android_sms_gateway.errors import APIError
from android_sms_gateway.http import HttpxHttpClient

from crypto.came_by import Medium
from crypto.secret import Secret
from crypto.tip import Tip
from tests.providers import Asked, Provider
from tests.service.android import (
    KEY,
    LABELLED,
    NUMBER,
    OTHER,
    PHOTO,
    TEXT,
    install_phone,
    make_attachment,
    make_event,
    make_payload,
    make_state,
    post,
    sign_by_openssl,
)
from tests.service.phones import call_line, let_parts_go, open_tips, open_with_files
from tests.service.shown import fill, show_block
from tests.service.traces import find_traces
from tipline.errors import GatewayError
from tipline.gateway.kinds.capcom6 import MAX_EVENT_BYTES, Capcom6
from tipline.gateway.kinds.capcom6_events import BATCHES, FAILED, NO_MESSAGE, READERS
from tipline.gateway.notices import make_notice
from tipline.service.silence import Faults

NOTHING = "—"  # the text of a tip that has none
# What the app takes where a request does not say it: `PostMessageRequest` and `MessagesRoutes`.
TAKEN_ANYWAY = {"withDeliveryReport": True, "isEncrypted": False, "priority": 0}


@pytest.fixture
def phone(provider: Provider) -> Provider:
    """Serve the app's API on loopback."""
    return provider


@contextlib.contextmanager
def use_official(phone: Provider) -> Iterator[official.APIClient]:
    """Use the app's official client at the same server."""
    with (
        httpx.Client(trust_env=False) as session,
        official.APIClient("sms", "pass", base_url=phone.url, http=HttpxHttpClient(session)) as one,
    ):
        yield one


async def open_all(world: Any, site: Any) -> list[tuple[Tip, list[bytes]]]:
    """Open every tip of a line with what its files hold, in the order of the texts."""
    return [(tip, list(files.values())) for tip, files in await open_with_files(world, site)]


async def look_soon(seconds: float) -> None:
    """Look for what waited too long often."""
    await asyncio.sleep(min(seconds, 0.05))


def compare_asked(ours: Asked, theirs: Asked) -> None:
    """Hold what the line asked of the app to what the official client asks."""
    assert (ours.method, ours.target) == (theirs.method, theirs.target)
    assert ours.authorization == theirs.authorization
    if theirs.body:
        assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]


async def test_answer_when_it_is_sent_then_is_what_the_official_client_sends(
    world: Any, phone: Provider
) -> None:
    """Path, user and fields are equal; what the client says besides, the app takes anyway."""
    phone.answer("POST", "/messages", make_state(NUMBER), status=202)
    install_phone(world, phone, notice=True)
    async with world.serve(), call_line(world) as caller:
        event = make_event("sms:received", make_payload("sms:received"))
        assert await post(caller, event) == 200
        await phone.wait_until(bool)
    notice = make_notice(Medium.SMS, language="es", onion=None)
    wanted = domain.Message(phone_numbers=[NUMBER], text_message=domain.TextMessage(text=notice))
    with use_official(phone) as client:
        state = await asyncio.to_thread(client.send, wanted)
    assert [one.phone_number for one in state.recipients] == [NUMBER]
    ours, theirs = phone.asked
    compare_asked(ours, theirs)
    sent = json.loads(ours.body)
    assert {**TAKEN_ANYWAY, **sent} == json.loads(theirs.body)
    # The client's own types read ours as that message.
    assert wanted == domain.Message(
        phone_numbers=sent["phoneNumbers"],
        text_message=domain.TextMessage.from_dict(sent["textMessage"]),
    )


async def test_answer_when_it_goes_to_a_short_code_then_is_what_the_official_client_sends(
    phone: Provider,
) -> None:
    """The app is told in the same words not to check it."""
    phone.answer("POST", "/messages?skipPhoneValidation=true", make_state("27272"), status=202)
    await make_adapter(phone).send("27272", TEXT)
    wanted = domain.Message(phone_numbers=["27272"], text_message=domain.TextMessage(text=TEXT))
    with use_official(phone) as client:
        await asyncio.to_thread(client.send, wanted, skip_phone_validation=True)
    ours, theirs = phone.asked
    compare_asked(ours, theirs)
    assert {**TAKEN_ANYWAY, **json.loads(ours.body)} == json.loads(theirs.body)


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, {"message": "phoneNumbers is empty"}, "gateway_refused"),
        (401, {"message": "Unauthorized"}, "gateway_refused"),
        (403, {"message": "Insufficient permissions"}, "gateway_refused"),
        (500, {"message": "Failed to enqueue"}, "gateway_unreachable"),
        (503, {"message": "queue limits exceeded"}, "gateway_unreachable"),
    ],
)
async def test_answer_when_the_app_does_not_take_it_then_that_is_told(
    phone: Provider, status: int, said: dict[str, str], code: str
) -> None:
    """What the official client calls an error is one; "later" and "never" are told apart."""
    phone.answer("POST", "/messages", json.dumps(said).encode(), status=status)
    adapter = make_adapter(phone)
    with pytest.raises(GatewayError, match=code):
        await adapter.send(NUMBER, TEXT)
    message = domain.Message(phone_numbers=[NUMBER], text_message=domain.TextMessage(text=TEXT))
    with use_official(phone) as client, pytest.raises(APIError) as caught:
        await asyncio.to_thread(client.send, message)
    assert caught.value.status_code == status


def make_adapter(phone: Provider) -> Capcom6:
    """Make the adapter alone."""
    return Capcom6(
        "phone",
        signing_key=Secret(KEY.encode()),
        send_url=f"{phone.url}/messages",
        user=Secret(b"sms"),
        password=Secret(b"pass"),
    )


def test_events_when_the_official_client_names_them_then_the_line_knows_each() -> None:
    """No event that the client knows is refused, and none that brings a message is passed over."""
    known = {one.value for one in WebhookEvent}
    assert known == NO_MESSAGE | READERS.keys() | BATCHES.keys()


OFFICIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sms:received": webhooks.SmsReceivedPayload.from_dict,
    "sms:data-received": webhooks.SmsDataReceivedPayload.from_dict,
    "mms:received": webhooks.MmsReceivedPayload.from_dict,
    "mms:downloaded": webhooks.MmsDownloadedPayload.from_dict,
    "sms:batch:received": webhooks.SmsBatchReceivedPayload.from_dict,
    "sms:batch:data-received": webhooks.SmsBatchDataReceivedPayload.from_dict,
    "mms:batch:received": webhooks.MmsBatchReceivedPayload.from_dict,
    "mms:batch:downloaded": webhooks.MmsBatchDownloadedPayload.from_dict,
}


def read_by_official(kind: str, payload: dict[str, Any]) -> list[tuple[str, str, list[bytes]]]:
    """Read an event by the official client: number, text and files of each message."""
    read = OFFICIAL[kind](payload)
    found = []
    for one in read.messages if kind in BATCHES else (read,):
        files: Sequence[Any] = getattr(one, "attachments", ())
        if isinstance(one, webhooks.SmsReceivedPayload):
            text = one.message
        elif isinstance(one, webhooks.SmsDataReceivedPayload):
            text = base64.b64decode(one.data).decode()
        elif isinstance(one, webhooks.MmsDownloadedPayload):
            text = one.body or ""
        else:
            text = one.subject or ""
        found.append((one.sender, text, [base64.b64decode(file.data) for file in files]))
    return sorted(found, key=lambda one: one[1])


@pytest.mark.parametrize("kind", sorted(OFFICIAL))
async def test_event_when_the_official_client_reads_it_then_the_line_reads_the_same(
    world: Any, phone: Provider, kind: str
) -> None:
    """Number, text and files are equal, alone and in a batch; a repetition makes no second tip."""
    alone = BATCHES.get(kind, kind)
    payload = make_payload(alone)
    if kind in BATCHES:
        fields = {"sms:received": "message", "mms:received": "subject", "mms:downloaded": "body"}
        words, field = f"{TEXT}, y otra vez", fields.get(alone, "data")
        if field == "data":
            words = base64.b64encode(words.encode()).decode()
        other = make_payload(alone, sender=OTHER, phoneNumber=OTHER, **{field: words})
        payload = {"messages": [payload, other]}
    event = make_event(kind, payload)
    install_phone(world, phone)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for _ in range(2):
            assert await post(caller, event) == 200
        if alone == "mms:received":
            assert await open_tips(world, site) == []
            await let_parts_go(world, site)
            assert await post(caller, event) == 200
            assert await site.line.store._conversations.outbox.parts() == []
        opened = await open_all(world, site)
    wanted = read_by_official(kind, payload)
    assert len(opened) == len(wanted) == (2 if kind in BATCHES else 1)
    for (tip, files), (number, text, sent) in zip(opened, wanted, strict=True):
        assert tip.gateway is not None
        assert (tip.gateway.sender, tip.text) == (number, text)
        assert tip.gateway.medium is (Medium.MMS if kind.startswith("mms:") else Medium.SMS)
        assert tip.gateway.missing_files == (1 if alone == "mms:received" else 0)
        assert tip.gateway.missing_parts == ()
        # The photo's place and device go before it is sealed.
        assert files == [PHOTO for _ in sent]
        assert all(one == LABELLED for one in sent)
        for attachment in tip.attachments:
            assert attachment.cleaning is not None
            assert attachment.cleaning.found == ("place", "device", "time")
    assert phone.asked == []


async def test_mms_when_it_was_told_of_before_then_both_make_one_tip(
    world: Any, phone: Provider
) -> None:
    """Whoever registered both events gets one tip of one MMS, over a restart, too."""
    install_phone(world, phone)
    told = make_event("mms:received", make_payload("mms:received", subject="Foto"))
    brought = make_event("mms:downloaded", make_payload("mms:downloaded", subject="Foto"))
    async with world.serve(), call_line(world) as caller:
        assert await post(caller, told) == 200
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        assert await open_tips(world, site) == []
        assert await post(caller, brought) == 200
        for event in (told, brought):
            assert await post(caller, event) == 200
        await let_parts_go(world, site)
        ((tip, files),) = await open_all(world, site)
    assert (tip.text, files) == (f"Foto\n{TEXT}", [PHOTO])
    assert tip.gateway is not None
    assert tip.gateway.missing_files == 0


async def test_mms_when_all_is_repeated_at_once_then_it_is_one_tip(
    world: Any, phone: Provider
) -> None:
    """A phone that waited too short repeats both, also while the MMS is being stored."""
    install_phone(world, phone)
    told = make_event("mms:received", make_payload("mms:received"))
    brought = make_event("mms:downloaded", make_payload("mms:downloaded"))
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        assert await post(caller, told) == 200
        left = [brought, told] * 4
        while left:
            statuses = await asyncio.gather(*(post(caller, event) for event in left))
            assert set(statuses) <= {200, 503}  # of what is being stored: come back later
            left = [event for event, status in zip(left, statuses, strict=True) if status != 200]
        await let_parts_go(world, site)
        ((tip, files),) = await open_all(world, site)
    assert (tip.text, files) == (TEXT, [PHOTO])


async def test_mms_when_two_were_told_of_and_one_came_then_the_other_is_missed(
    world: Any, phone: Provider
) -> None:
    """What a phone never loaded is known to be missing, and by whom it was sent."""
    install_phone(world, phone)
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for _ in range(2):
            event = make_event("mms:received", make_payload("mms:received", subject=None))
            assert await post(caller, event) == 200
        other = make_payload("mms:received", subject=None, sender=OTHER)
        assert await post(caller, make_event("mms:received", other)) == 200
        brought = make_event("mms:downloaded", make_payload("mms:downloaded"))
        assert await post(caller, brought) == 200
        await let_parts_go(world, site)
        opened = [tip for tip, _ in await open_all(world, site)]
    told = [
        (tip.gateway.sender, tip.text, tip.gateway.missing_files) for tip in opened if tip.gateway
    ]
    assert sorted(told) == [(NUMBER, TEXT, 0), (NUMBER, NOTHING, 1), (OTHER, NOTHING, 1)]


async def test_mms_when_another_ones_words_wait_then_they_are_told_too(
    world: Any, phone: Provider
) -> None:
    """Of two who withhold their numbers neither takes away what the other was heard to say."""
    install_phone(world, phone)
    withheld = {"sender": "insert-address-token", "phoneNumber": ""}
    async with world.serve(sleep=look_soon) as site, call_line(world) as caller:
        for subject in ("El muelle nueve", "reunión"):
            told = make_payload("mms:received", subject=subject, **withheld)
            assert await post(caller, make_event("mms:received", told)) == 200
        kept = "reunión".encode().decode("latin-1")
        brought = make_payload("mms:downloaded", subject=kept, **withheld)
        assert await post(caller, make_event("mms:downloaded", brought)) == 200
        await let_parts_go(world, site)
        opened = [tip for tip, _ in await open_all(world, site)]
    told_of = [(tip.text, tip.gateway.missing_files) for tip in opened if tip.gateway]
    assert told_of == [("El muelle nueve", 1), (f"reunión\n{TEXT}", 0)]


async def test_file_when_it_is_not_in_the_event_then_is_asked_for_as_the_official_client_does(
    world: Any, phone: Provider
) -> None:
    """The app's API gives it; what it does not have is counted, and the text comes."""
    phone.answer("GET", "/inbox/42/attachments/7", LABELLED)
    install_phone(world, phone)
    attachments = [make_attachment(None), make_attachment(None, part=8)]
    event = make_event("mms:downloaded", make_payload("mms:downloaded", attachments=attachments))
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller, event) == 200
        ((tip, files),) = await open_all(world, site)
    assert (tip.text, files) == (TEXT, [PHOTO])
    assert tip.gateway is not None
    assert tip.gateway.missing_files == 1
    with use_official(phone) as client:
        assert await asyncio.to_thread(client.download_attachment, "42", 7) == LABELLED
    ours, missing, theirs = phone.asked
    compare_asked(ours, theirs)
    assert missing.target == "/inbox/42/attachments/8"


async def test_mms_when_it_is_as_long_as_any_then_it_is_taken_and_a_longer_one_is_not(
    world: Any, phone: Provider
) -> None:
    """More than any carrier brings fits; beyond that nothing is taken into memory."""
    install_phone(world, phone)
    content = secrets.token_bytes(5 * 1024 * 1024)
    payload = make_payload("mms:downloaded", attachments=[make_attachment(content)])
    async with world.serve() as site, call_line(world) as caller:
        assert await post(caller, make_event("mms:downloaded", payload)) == 200
        ((_, files),) = await open_all(world, site)
        body = b" " * (MAX_EVENT_BYTES + 1)
        assert await post(caller, body, signature="00" * 32) == 400
        assert await post(caller, body[:-1], signature="00" * 32) == 403
    assert files == [content]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"body": b"{}"}, 403),
        ({"signature": sign_by_openssl(b"{}", "1931346566")}, 403),
        ({}, 200),
    ],
)
async def test_event_when_openssl_did_not_sign_this_body_then_is_refused(
    world: Any, phone: Provider, changed: dict[str, Any], status: int
) -> None:
    """The signature is of the body as it came."""
    install_phone(world, phone)
    async with world.serve() as site, call_line(world) as caller:
        event = make_event("sms:received", make_payload("sms:received"))
        assert await post(caller, event, **changed) == status
        assert len(await open_tips(world, site)) == (1 if status == 200 else 0)


async def test_event_when_its_kind_is_not_known_then_the_app_keeps_it_and_the_operator_is_told(
    world: Any, phone: Provider, faults: Faults
) -> None:
    """What is acknowledged is forgotten by the app. Of the rest an answer that failed is told."""
    install_phone(world, phone)
    async with world.serve() as site, call_line(world) as caller:
        unknown = make_event("rcs:received", make_payload("sms:received"))
        assert await post(caller, unknown) == 400
        assert [error.code for error in faults.take_told()] == ["gateway_malformed"]
        for kind in sorted(NO_MESSAGE):
            assert await post(caller, make_event(kind, {"messageId": "1"})) == 200
        assert [error.code for error in faults.take_told()] == ["gateway_undelivered"]
        assert await open_tips(world, site) == []


async def test_messages_when_they_came_then_nothing_of_them_lies_in_clear(
    world: Any, phone: Provider
) -> None:
    """Number, text and file stand in no file of the line, also not of what waits."""
    install_phone(world, phone)
    subject = "Fotografía del sobre amarillo"
    async with world.serve() as site, call_line(world) as caller:
        for kind in sorted(READERS):
            event = make_event(kind, make_payload(kind))
            assert await post(caller, event) == 200
        waiting = make_payload("mms:received", sender=OTHER, subject=subject)
        assert await post(caller, make_event("mms:received", waiting)) == 200
        assert len(await open_tips(world, site)) == 3
        told = (NUMBER, OTHER, TEXT, subject)
        assert find_traces(*told, folders=(world.directory,)) == []
    assert find_traces(*told, folders=(world.directory,)) == []
    middle = PHOTO[len(PHOTO) // 2 :][:24]
    for path in world.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert middle not in content
            assert base64.b64encode(middle) not in content


async def test_webhooks_when_registered_as_the_page_says_then_as_the_official_client_does(
    phone: Provider,
) -> None:
    """Of each kind that brings one message, but the one without files; and of failures."""
    phone.answer("POST", "/webhooks", status=201)
    script = fill(
        show_block("for EVENT in"),
        {"USER": "sms:pass", "http://192.168.1.20:8080": phone.url, "curl": "curl --silent"},
    )
    process = await asyncio.create_subprocess_exec(
        *("sh", "-eu", "-c", script),
        env={"PATH": "/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert (process.returncode, output) == (0, b"{}" * 4)
    ours = list(phone.asked)
    kinds = [*(kind for kind in READERS if kind != "mms:received"), FAILED]
    for asked, kind in zip(ours, kinds, strict=True):
        webhook = domain.Webhook(
            id=None, url="https://YOUR-WEB-SERVER/phone", event=WebhookEvent(kind)
        )
        # The client reads back what the app says: what was registered, with an id.
        phone.answer("POST", "/webhooks", json.dumps({**webhook.asdict(), "id": "1"}).encode())
        with use_official(phone) as client:
            await asyncio.to_thread(client.create_webhook, webhook)
        theirs = phone.asked[-1]
        compare_asked(asked, theirs)
        assert {"id": None, **json.loads(asked.body)} == json.loads(theirs.body)
