"""The open conversations, in memory."""

from __future__ import annotations

import dataclasses
import datetime

from crypto.secret import Secret
from tipline.service.phone_rows import Window
from tipline.service.window_index import WindowIndex

TODAY = datetime.date(2031, 6, 12)
ENDS = TODAY + datetime.timedelta(days=5)
SENDER = b"+525512345678"


def make_window(index: WindowIndex, number: int, conversation: bytes) -> Window:
    """A window of the sender."""
    return Window(
        id=bytes([number]) * 16,
        conversation=conversation,
        received_on=TODAY,
        dies_on=ENDS,
        mark=index.mark(ENDS, channel="city", address=SENDER),
        epoch=None,
        pseudonym=None,
        noticed=False,
    )


def find(index: WindowIndex, draw: bytes = b"new") -> bytes:
    """Find the sender's conversation."""
    return index.find(channel="city", address=SENDER, today=TODAY, dies_on=ENDS, draw=lambda: draw)


def test_windows_when_two_have_one_mark_then_each_goes_by_itself_and_the_other_is_found() -> None:
    """A purge that takes both fails at neither; as long as one is there, STOP finds its sender."""
    index = WindowIndex(lambda _: Secret(b"k" * 32))
    first, second = make_window(index, 1, b"first"), make_window(index, 2, b"second")
    index.load([first, second])
    assert find(index) == b"second"
    assert index.find_same(b"second") == [b"first", b"second"]
    index.forget([second.id])
    assert find(index) == b"first"
    assert index.find_same(b"first") == [b"first"]
    index.forget([first.id, first.id])
    assert find(index) == b"new"


def test_window_when_its_mark_changes_then_the_old_mark_finds_nobody() -> None:
    """Adding a window again replaces it."""
    index = WindowIndex(lambda _: Secret(b"k" * 32))
    window = make_window(index, 1, b"first")
    index.add(window)
    index.add(dataclasses.replace(window, mark=b"another"))
    assert find(index) == b"new"
    index.forget_conversation(b"first")
    assert index.windows_of(b"first", today=TODAY) == []


def test_conversation_when_it_is_released_then_its_sender_begins_another() -> None:
    """Unless something of it is stored."""
    index = WindowIndex(lambda _: Secret(b"k" * 32))
    assert find(index, b"one") == find(index, b"two") == b"one"
    index.release(b"one")
    assert find(index, b"two") == b"two"
    index.add(make_window(index, 1, b"two"))
    index.release(b"two")
    assert find(index, b"three") == b"two"


def test_window_when_it_is_being_stored_then_it_is_named_also_over_a_reload() -> None:
    """Whoever ends the conversation names what is stored only after it looked."""
    index = WindowIndex(lambda _: Secret(b"k" * 32))
    window = make_window(index, 1, b"first")
    index.announce(window.id, b"first")
    assert index.ids_of(b"first") == (window.id,)
    assert index.windows_of(b"first", today=TODAY) == []
    index.load([])
    assert index.ids_of(b"first") == (window.id,)
    index.add(window)
    index.settle(window.id)
    assert index.ids_of(b"first") == (window.id,)
    assert index.find_conversation(window.id) == b"first"
    other = make_window(index, 2, b"first")
    index.announce(other.id, b"first")
    index.settle(other.id)
    index.settle(other.id)
    index.forget_conversation(b"first")
    assert index.ids_of(b"first") == ()
    index.announce(other.id, b"first")
    index.settle(other.id)
    assert index.ids_of(b"first") == ()


def test_window_when_it_goes_then_it_is_named_as_long_as_its_conversation_has_another() -> None:
    """A purge that fails leaves its row: whoever ends the conversation takes it all the same."""
    index = WindowIndex(lambda _: Secret(b"k" * 32))
    going, staying = make_window(index, 1, b"first"), make_window(index, 2, b"first")
    index.load([going, staying])
    index.forget([going.id])
    assert set(index.ids_of(b"first")) == {going.id, staying.id}
    assert index.windows_of(b"first", today=TODAY) == [staying]
    assert index.find_conversation(going.id) is None
    index.forget([staying.id])
    assert index.ids_of(b"first") == ()
