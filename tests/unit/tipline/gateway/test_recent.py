"""The same message, brought by a carrier a second time as something new."""

from __future__ import annotations

import pytest

from tipline.gateway import recent
from tipline.gateway.recent import KEPT_SECONDS, MAX_IDS, REPEATED_SECONDS, RecentMessages

NUMBER = "+525512345678"
TEXT = "seen at the harbour"


class Watch:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def messages(watch: Watch) -> RecentMessages:
    return RecentMessages(monotonic=watch)


def name(messages: RecentMessages, number: str, *, sender: str = NUMBER, text: str = TEXT) -> str:
    """Name a message."""
    return messages.find_id(number, sender=sender, text=text)


def test_copy_when_it_comes_soon_then_it_has_the_first_ones_name(
    messages: RecentMessages, watch: Watch
) -> None:
    """Up to the last second, and also if half a character stands in it."""
    for text in (TEXT, "\ud83d"):
        begun = watch.seconds
        assert name(messages, "a", text=text) == "a"
        for seconds in (0, 1, REPEATED_SECONDS):
            watch.seconds = begun + seconds
            assert name(messages, f"b{seconds}", text=text) == "a"


def test_message_when_it_comes_later_then_it_is_a_new_one(
    messages: RecentMessages, watch: Watch
) -> None:
    """Counted from the first: copies do not stretch it."""
    assert name(messages, "a") == "a"
    watch.seconds += REPEATED_SECONDS - 1
    assert name(messages, "b") == "a"
    watch.seconds += 2
    assert name(messages, "c") == "c"
    assert name(messages, "d") == "c"


def test_copy_when_it_was_refused_and_comes_for_hours_then_it_stays_a_copy(
    messages: RecentMessages, watch: Watch
) -> None:
    """smsbox brings what was told to come back; and an id says which message it is."""
    assert name(messages, "a") == "a"
    assert name(messages, "b") == "a"
    for _ in range(100):
        watch.seconds += REPEATED_SECONDS - 1
        assert name(messages, "b") == "a"
        assert name(messages, "a") == "a"
    assert name(messages, "c") == "c"


@pytest.mark.parametrize(
    ("sender", "text"), [("+525512345679", TEXT), (NUMBER, "seen at the harbor"), (NUMBER, "")]
)
def test_message_when_number_or_words_differ_then_it_is_a_new_one(
    messages: RecentMessages, sender: str, text: str
) -> None:
    """Nobody's words are lost for somebody else's, nor is what has no words."""
    name(messages, "a")
    for number in ("b", "b2"):
        expected = "b" if text else number
        assert name(messages, number, sender=sender, text=text) == expected


@pytest.mark.parametrize("sender", ["", "anonymous", "BANCO", "+", "+52 55 1234 5678", "7" * 21])
def test_message_when_its_sender_cannot_be_told_from_others_then_it_is_a_new_one(
    messages: RecentMessages, sender: str
) -> None:
    """Two who withhold their numbers may write the same."""
    assert [name(messages, one, sender=sender) for one in "ab"] == ["a", "b"]


@pytest.mark.parametrize("order", ["STOP", "baja ", "Parar!", "estado"])
def test_order_when_it_comes_twice_then_it_is_followed_twice_and_begins_anew(
    messages: RecentMessages, order: str
) -> None:
    """A second STOP ends what began after the first; the same words after it are new ones."""
    name(messages, "a")
    name(messages, "o", sender="+525587654321")
    assert [name(messages, one, text=order) for one in ("s1", "s2")] == ["s1", "s2"]
    assert name(messages, "b") == "b"
    assert name(messages, "o2", sender="+525587654321") == "o"


def test_messages_when_they_are_old_or_many_then_they_are_forgotten(
    messages: RecentMessages, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept in memory has an end, in time and in number."""
    name(messages, "a")
    watch.seconds += KEPT_SECONDS
    name(messages, "b", text="other")
    assert len(messages._messages) == 2
    watch.seconds += 1
    name(messages, "c", text="third")
    assert len(messages._messages) == 2
    monkeypatch.setattr(recent, "MAX_RECENT", 2)
    name(messages, "d", text="fourth")
    assert len(messages._messages) == 2
    assert name(messages, "b2", text="other") == "b2"
    for number in range(2 * MAX_IDS):
        assert name(messages, f"f{number}", text="flood") == "f0"
    assert all(len(one.copy_ids) <= MAX_IDS for one in messages._messages.values())
    assert set().union(*messages._of_sender.values()) == set(messages._messages)
    name(messages, "s", text="STOP")
    assert not messages._of_sender


def test_memory_when_looked_into_then_neither_number_nor_words_are_there(
    messages: RecentMessages,
) -> None:
    """What is remembered is a hash under a key that nobody stored."""
    name(messages, "a")
    kept = repr([messages._messages, messages._of_sender])
    assert NUMBER not in kept
    assert TEXT not in kept
    assert set(RecentMessages()._messages) == set()
    again = RecentMessages()
    name(again, "a")
    assert set(again._messages) != set(messages._messages)
