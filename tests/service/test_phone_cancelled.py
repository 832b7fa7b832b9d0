"""Messages whose bringer is gone while they are kept."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.service.test_conversations import (
    Calendar,
    give,
    keep,
    open_phones,
    sender,
    settle,
    write,
)
from tipline.service.taken_answers import decode_answer


@pytest.mark.parametrize("moment", ["sealed", "written"])
async def test_message_when_whoever_brought_it_is_gone_then_stop_takes_its_number_all_the_same(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Who is cancelled while a message is kept leaves no window that nobody knows of."""
    async with open_phones(short_path, Calendar()) as (store, conversations):
        before = len(list(store._rows.slots()))
        step = {"sealed": "_seal_window", "written": "_relate"}[moment]
        act, loop = getattr(conversations._keeping, step), asyncio.get_running_loop()

        def act_and_cancel(*args: Any, **more: Any) -> None:
            loop.call_soon_threadsafe(writing.cancel)
            act(*args, **more)

        monkeypatch.setattr(conversations._keeping, step, act_and_cancel)
        writing = asyncio.create_task(write(conversations, sender()))
        with pytest.raises(asyncio.CancelledError):
            await writing
        await asyncio.wait(set(conversations._keeps))
        found = conversations.find(sender(), "city")
        assert found.continues
        await conversations.end(found.conversation)
        await settle(conversations)
        assert not conversations.find(sender(), "city").continues
        assert len(list(store._rows.slots())) == before + 1  # the tip's


async def test_line_when_it_closes_while_a_message_is_kept_then_that_is_finished(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun to be kept is known at the next start, with nothing left beside it."""
    async with open_phones(short_path, Calendar()) as (_, conversations):
        begun, loop = asyncio.Event(), asyncio.get_running_loop()
        act = conversations._keeping._seal_window

        def act_and_tell(*args: Any, **more: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            act(*args, **more)

        monkeypatch.setattr(conversations._keeping, "_seal_window", act_and_tell)
        writing = asyncio.create_task(write(conversations, sender()))
        await begun.wait()
        writing.cancel()
    async with open_phones(short_path, Calendar()) as (store, conversations):
        assert conversations.find(sender(), "city").continues
        assert len(await store.tips()) == 1
        await settle(conversations)


async def test_answer_when_whoever_brought_it_is_gone_then_it_can_be_sent_all_the_same(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is stored keeps its key: the desk will be told that it was taken."""
    async with open_phones(short_path, Calendar()) as (_, conversations):
        await keep(conversations, sender())
        conversation = conversations.find(sender(), "city").conversation
        save, loop = conversations.taken._save, asyncio.get_running_loop()

        cancelled = threading.Event()

        def cancel() -> None:
            giving.cancel()
            cancelled.set()

        def save_and_cancel(*args: Any, **more: Any) -> None:
            loop.call_soon_threadsafe(cancel)
            assert cancelled.wait(10)  # before this is committed
            save(*args, **more)

        monkeypatch.setattr(conversations.taken, "_save", save_and_cancel)
        giving = asyncio.create_task(give(conversations, conversation, "thank you"))
        with pytest.raises(asyncio.CancelledError):
            await giving
        ((answer_id, _),) = await conversations.outbox.answers()
        content = await conversations.outbox.read_answer(answer_id)
        assert content is not None
        assert decode_answer(content).text == "thank you"
        await settle(conversations)
